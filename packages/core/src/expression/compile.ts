/** Text → tree, or the first mistake. */
import type { ASTNode } from '@marcbachmann/cel-js'
import { DomainError } from '../errors.ts'
import { requirementOf } from '../release.ts'
import { FUNCTIONS, INSTALLED_FIELDS, LANGUAGE, SEMVER_ORDERS, VARIABLES } from './language.ts'
import { type Fault, faultOf } from './mistakes.ts'
import { PatternMistake, regularExpression } from './regular.ts'
import type { Arithmetic, Comparison, EachMacro, Tree } from './tree.ts'

/** An expression that was read and checked. */
export interface Program {
  /** As it was written. */
  readonly text: string
  readonly tree: Tree
}

export const MAX_EXPRESSION_LENGTH = 4096
const MAX_DEPTH = 250

/** What may be spoken of. */
export interface Vocabulary {
  readonly language: Pick<typeof LANGUAGE, 'parse'>
  readonly variables: Readonly<Record<string, readonly [type: string, about: string]>>
  /** What to try for a name that nothing has. */
  readonly hint?: (name: string) => string
}

const OF_DEVICES: Vocabulary = { language: LANGUAGE, variables: VARIABLES }

/**
 * Refuses with expression.invalid or expression.too-large; the details say the `column` of the first mistake,
 * counted from 1, and its `length`.
 */
export const compile = (text: string): Program => compileIn(OF_DEVICES, text)

/** The same in other words. */
export function compileIn(vocabulary: Vocabulary, text: string): Program {
  if (text.length > MAX_EXPRESSION_LENGTH) {
    throw refusal('expression.too-large', {
      message: `it is longer than ${MAX_EXPRESSION_LENGTH} characters`,
      start: MAX_EXPRESSION_LENGTH,
      end: text.length,
    })
  }
  const odd = /\0|\p{Cs}/u.exec(text)
  if (odd) {
    throw invalid({
      message: 'there is half a character here',
      start: odd.index,
      end: odd.index + 1,
    })
  }
  if (text.trim() === '') throw invalid({ message: 'it is empty', start: 0, end: text.length })
  const parsed = parse(text, vocabulary)
  const reading = read(parsed.ast, vocabulary)
  // Types are checked only where it can be walked.
  if (reading.fault?.isTooLarge) throw refusal('expression.too-large', reading.fault)
  const checked = parsed.check()
  const faults = [
    reading.fault,
    checked.valid ? typeFault(checked.type, text) : faultOf(checked.error, text, vocabulary),
  ]
  const [first] = faults.filter((fault) => fault !== undefined).sort((a, b) => a.start - b.start)
  if (first) throw invalid(first)
  return { text, tree: reading.tree as Tree }
}

function parse(text: string, vocabulary: Vocabulary) {
  try {
    return vocabulary.language.parse(text)
  } catch (error) {
    const fault = faultOf(error, text, vocabulary)
    throw fault.isTooLarge ? refusal('expression.too-large', fault) : invalid(fault)
  }
}

/** A device is in or out; facts whose type nobody knows beforehand may turn out to say so. */
const typeFault = (type: string | undefined, text: string): Fault | undefined =>
  type === 'bool' || type === 'dyn'
    ? undefined
    : { message: 'it does not say yes or no; compare with something', start: 0, end: text.length }

function read(ast: ASTNode, { variables }: Vocabulary): { tree?: Tree; fault?: Fault } {
  try {
    return { tree: treeOf(ast, { depth: 0, isWithinEach: false, names: new Set(), variables }) }
  } catch (error) {
    if (error instanceof Unfit) return { fault: error.fault }
    throw error
  }
}

class Unfit extends Error {
  readonly fault: Fault

  constructor(fault: Fault) {
    super(fault.message)
    this.fault = fault
  }
}

const unfit = (
  message: string,
  { start, end }: { start: number; end: number },
  isTooLarge = false,
) => new Unfit({ message, start, end, isTooLarge })

interface Around {
  readonly depth: number
  readonly isWithinEach: boolean
  /** What the macros around call their elements. */
  readonly names: ReadonlySet<string>
  readonly variables: Vocabulary['variables']
}

const EACH: ReadonlySet<string> = new Set(['exists', 'all', 'exists_one', 'filter', 'map'])
const COMPARISONS: ReadonlySet<string> = new Set(['==', '!=', '<', '<=', '>', '>='])
const ARITHMETIC: ReadonlySet<string> = new Set(['+', '-', '*', '/', '%'])

function treeOf(ast: ASTNode, around: Around): Tree {
  const depth = around.depth + 1
  if (depth > MAX_DEPTH) throw unfit(`it is nested more than ${MAX_DEPTH} deep`, ast, true)
  const within = { ...around, depth }
  const below = (node: ASTNode): Tree => treeOf(node, within)
  switch (ast.op) {
    case 'value':
      return literal(ast)
    case 'id':
      return variable(ast, around)
    case '.':
      return field(below(ast.args[0]), ast.args[1], { start: ast.pos, end: ast.end })
    case '[]': {
      const [of, at] = ast.args
      const key = at.op === 'value' ? at.args : undefined
      if (typeof key === 'string') return field(below(of), key, at)
      return { kind: 'element', of: below(of), at: below(at) }
    }
    case 'call': {
      const [name, args] = ast.args
      if (name !== 'has') return call(name, args, ast, below)
      const [path] = args
      if (path?.op !== '.') throw unfit('has asks for a path, as in has(inventory.memory)', ast)
      return { kind: 'has', of: below(path.args[0]), key: path.args[1] }
    }
    case 'rcall': {
      const [name, on, args] = ast.args
      if (EACH.has(name)) return each(name as EachMacro, [on, ...args], ast, within)
      return call(name, [on, ...args], ast, below)
    }
    case 'list':
      return { kind: 'list', items: ast.args.map(below) }
    case '?:': {
      const [condition, first, second] = ast.args
      return { kind: 'choose', condition: below(condition), yes: below(first), no: below(second) }
    }
    case '||':
    case '&&':
      return { kind: ast.op === '||' ? 'or' : 'and', ...sides(ast.args, below) }
    case '!_':
      return { kind: 'not', of: below(ast.args) }
    case '-_':
      return { kind: 'minus', of: below(ast.args) }
    case 'in':
      return { kind: 'in', ...sides(ast.args, below) }
    default:
      if (COMPARISONS.has(ast.op)) {
        const args = ast.args as [ASTNode, ASTNode]
        return { kind: 'compare', by: ast.op as Comparison, ...sides(args, below) }
      }
      if (ARITHMETIC.has(ast.op)) {
        const args = ast.args as [ASTNode, ASTNode]
        return { kind: 'reckon', by: ast.op as Arithmetic, ...sides(args, below) }
      }
      throw unfit('maps are not written in expressions', ast)
  }
}

const sides = ([left, right]: readonly [ASTNode, ASTNode], below: (node: ASTNode) => Tree) => ({
  left: below(left),
  right: below(right),
})

function literal(ast: ASTNode & { op: 'value' }): Tree {
  const value = ast.args
  if (typeof value === 'object' && value !== null) {
    throw unfit('numbers are written like 5 or 5.0, and texts in quotes alone', ast)
  }
  return { kind: 'literal', value }
}

function variable(ast: ASTNode & { op: 'id' }, { names }: Around): Tree {
  const name = ast.args
  if (name === 'now' && !names.has(name)) throw unfit('the present moment is written now()', ast)
  return { kind: 'variable', name }
}

function field(of: Tree, key: string, place: { start: number; end: number }): Tree {
  const isInstalled = of.kind === 'field' && of.of.kind === 'variable' && of.of.name === 'installed'
  if (isInstalled && !INSTALLED_FIELDS.includes(key)) {
    throw unfit(`what is installed has a title and a version, and no "${key}"`, place)
  }
  return { kind: 'field', of, key }
}

function call(
  name: string,
  args: readonly ASTNode[],
  ast: ASTNode,
  below: (node: ASTNode) => Tree,
): Tree {
  if (!Object.hasOwn(FUNCTIONS, name)) {
    throw unfit(
      `there is no function "${name}"; there are ${Object.keys(FUNCTIONS).join(', ')}`,
      ast,
    )
  }
  if (name === 'now' && args.length === 0) return { kind: 'variable', name: 'now' }
  if (name === 'matches') checkPattern(args[1])
  if (name === 'versionMatches') checkRequirement(args[1])
  if (name === 'semver') checkOrder(args[1])
  const parts = args.map(below)
  const [first] = args
  if ((name === 'timestamp' || name === 'duration') && first?.op === 'value') {
    checkMoment(name, first)
  }
  return { kind: 'call', name, args: parts }
}

function checkPattern(pattern: ASTNode | undefined): void {
  if (!pattern) return
  if (pattern.op !== 'value' || typeof pattern.args !== 'string') {
    throw unfit('the pattern is written out, in quotes', pattern)
  }
  try {
    regularExpression(pattern.args)
  } catch (error) {
    if (!(error instanceof PatternMistake)) throw error
    throw unfit(`the pattern cannot be read: ${error.message}`, placeIn(pattern, error.at))
  }
}

function checkRequirement(requirement: ASTNode | undefined): void {
  if (!requirement) return
  if (requirement.op !== 'value' || typeof requirement.args !== 'string') {
    throw unfit('the version requirement is written out, in quotes', requirement)
  }
  try {
    requirementOf(requirement.args)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const { column } = error.details as { column: number }
    throw unfit(error.message.replace(/ \(column \d+\)\.$/, ''), placeIn(requirement, column - 1))
  }
}

function checkOrder(order: ASTNode | undefined): void {
  if (!order) return
  const isOne = order.op === 'value' && Object.hasOwn(SEMVER_ORDERS, String(order.args))
  if (isOne) return
  throw unfit(`how to compare is written out: one of ${ORDERS}`, order)
}

const ORDERS = Object.keys(SEMVER_ORDERS)
  .map((order) => `"${order}"`)
  .join(', ')

function checkMoment(name: string, ast: ASTNode): void {
  const text = ast.input.slice(ast.start, ast.end)
  try {
    LANGUAGE.evaluate(`${name}(${text})`)
  } catch {
    throw unfit(`${text} is not written like ${FUNCTIONS[name]}`, ast)
  }
}

/** Within a text in quotes, where its escapes can be told apart; else the whole of it. */
function placeIn({ input, start, end, args }: ASTNode, at: number): { start: number; end: number } {
  const written = input.slice(start, end)
  const opening = /^[rR]?(?:"""|'''|"|')/.exec(written)?.[0].length ?? 0
  const isPlain = written.slice(opening, opening + String(args).length) === args
  if (!isPlain) return { start, end }
  const place = start + opening + at
  return { start: place, end: place + 1 }
}

function each(
  macro: EachMacro,
  [of, name, ...bodies]: readonly ASTNode[],
  ast: ASTNode,
  around: Around,
): Tree {
  if (around.isWithinEach) {
    throw unfit(`${macro} may not stand within another exists, all, filter or map`, ast)
  }
  const wanted = macro === 'map' ? [1, 2] : [1]
  if (!of || name?.op !== 'id' || !wanted.includes(bodies.length)) {
    throw unfit(`${macro} takes a name and a condition, as in labels.${macro}(x, x == "beta")`, ast)
  }
  const variable = name.args
  if (Object.hasOwn(around.variables, variable) || variable === 'now') {
    throw unfit(`"${variable}" means something already; take another name`, name)
  }
  const within = { ...around, isWithinEach: true, names: new Set([...around.names, variable]) }
  return {
    kind: 'each',
    macro,
    of: treeOf(of, around),
    variable,
    bodies: bodies.map((body) => treeOf(body, within)),
  }
}

const refusal = (
  code: 'expression.invalid' | 'expression.too-large',
  { message, start, end }: Fault,
): DomainError =>
  new DomainError(code, `The expression cannot be used: ${message} (column ${start + 1}).`, {
    column: start + 1,
    length: Math.max(1, end - start),
    mistake: message,
  })
export const invalid = (fault: Fault) => refusal('expression.invalid', fault)
