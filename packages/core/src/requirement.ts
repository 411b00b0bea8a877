/**
 * Which installed versions a release may start from. The language is the one Edgehog's operators know
 * (docs/dialects/edgehog.md, "Version requirement"): comparisons joined by `and` and `or`, `and` binding
 * tighter, no parentheses; an operand without an operator means "equal". `~> 2.1.3` allows the last part that
 * is written to grow: at least 2.1.3 and below 2.2.0. Pre-releases take part in every comparison.
 */
import { DomainError } from './errors.ts'
import { compareSemVer, parseVersion, type SemVer } from './version.ts'

type Operator = '==' | '!=' | '>' | '>=' | '<' | '<=' | '~>'

interface Comparison {
  readonly operator: Operator
  readonly operand: SemVer
  /** For `~>`: the first version that is too high, its own pre-releases shut out too. */
  readonly below?: SemVer
}

/** Alternatives, each a list of comparisons that must all hold. */
export type Requirement = readonly (readonly Comparison[])[]

const TOKEN = / +|==|!=|!|>=|<=|~>|>|<|[^ =!<>~]+/y
const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ['==', '=='],
  ['!=', '!='],
  ['!', '!='],
  ['>', '>'],
  ['>=', '>='],
  ['<', '<'],
  ['<=', '<='],
  ['~>', '~>'],
])

/** Refuses with version.invalid-requirement, naming the column of the first mistake. */
export function parseRequirement(text: string): Requirement {
  const tokens = tokenize(text)
  const alternatives: Comparison[][] = [[]]
  let position = 0
  for (;;) {
    const operator = OPERATORS.get(tokens[position]?.text ?? '')
    if (operator) position += 1
    const operand = tokens[position]
    if (!operand) throw mistake(text, text.length, 'a version is missing here')
    if (OPERATORS.has(operand.text)) {
      throw mistake(text, operand.at, `"${operand.text}" is not expected here`)
    }
    alternatives.at(-1)?.push(comparison(text, operator ?? '==', operand))
    position += 1
    const joint = tokens[position]
    if (!joint) return alternatives
    if (joint.text !== 'and' && joint.text !== 'or') {
      throw mistake(text, joint.at, `"and" or "or" is expected, not "${joint.text}"`)
    }
    const end = joint.at + joint.text.length
    if (end < text.length && text[end] !== ' ') {
      throw mistake(text, joint.at, `a blank is missing after "${joint.text}"`)
    }
    if (joint.text === 'or') alternatives.push([])
    position += 1
  }
}

/** Whether the version satisfies the requirement; a version that is no SemVer satisfies none. */
export function satisfies(version: string, requirement: Requirement): boolean {
  const parsed = parseVersion(version)
  if (!parsed) return false
  return requirement.some((alternative) => alternative.every((each) => holds(parsed, each)))
}

function holds(version: SemVer, { operator, operand, below }: Comparison): boolean {
  const order = compareSemVer(version, operand)
  switch (operator) {
    case '==':
      return order === 0
    case '!=':
      return order !== 0
    case '>':
      return order > 0
    case '>=':
      return order >= 0
    case '<':
      return order < 0
    case '<=':
      return order <= 0
    case '~>':
      return order >= 0 && below !== undefined && compareSemVer(version, below) < 0
  }
}

interface Token {
  readonly text: string
  readonly at: number
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  let at = 0
  while (at < text.length) {
    TOKEN.lastIndex = at
    const found = TOKEN.exec(text)?.[0]
    if (found === undefined) throw mistake(text, at, `"${text[at]}" is not expected here`)
    if (!found.startsWith(' ')) tokens.push({ text: found, at })
    at += found.length
  }
  return tokens
}

function comparison(text: string, operator: Operator, token: Token): Comparison {
  const exact = parseVersion(token.text)
  if (operator !== '~>') {
    if (!exact) throw mistake(text, token.at, `"${token.text}" is not a version like 1.2.3`)
    return { operator, operand: exact }
  }
  if (exact) return { operator, operand: exact, below: firstOf(exact.major, exact.minor + 1n) }
  const short = /^(\d+\.\d+)([-+].*)?$/.exec(token.text)
  const operand = short && parseVersion(`${short[1]}.0${short[2] ?? ''}`)
  if (!operand) throw mistake(text, token.at, `"${token.text}" is not a version like 1.2 or 1.2.3`)
  return { operator, operand, below: firstOf(operand.major + 1n, 0n) }
}

/** The lowest version there is of a minor series: `x.y.0-0`. */
const firstOf = (major: bigint, minor: bigint): SemVer => ({
  major,
  minor,
  patch: 0n,
  pre: ['0'],
  build: [],
})

const mistake = (text: string, at: number, what: string) =>
  new DomainError(
    'version.invalid-requirement',
    `The version requirement "${text}" cannot be read: ${what} (column ${at + 1}).`,
    { column: at + 1 },
  )
