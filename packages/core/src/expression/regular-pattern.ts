/** A pattern's text as its parts: the language of RE2, as far as it is asked for on one line of text. */

export type Part =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'one'; readonly accepts: Accepts }
  | { readonly kind: 'border'; readonly of: 'start' | 'end' }
  | { readonly kind: 'row'; readonly parts: readonly Part[] }
  | { readonly kind: 'either'; readonly parts: readonly Part[] }
  | {
      readonly kind: 'repeat'
      readonly of: Part
      readonly least: number
      readonly most: number | null
    }

type Accepts = (point: number) => boolean
type Range = readonly [from: number, to: number]
type Mistake = (message: string, at: number) => never

const MAX_REPETITIONS = 100
const MAX_GROUPS = 50

const DIGITS: readonly Range[] = [range('0', '9')]
const LETTERS: readonly Range[] = [
  range('a', 'z'),
  range('A', 'Z'),
  range('0', '9'),
  range('_', '_'),
]
const BLANKS: readonly Range[] = [range('\t', '\n'), range('\f', '\r'), range(' ', ' ')]
const KINDS: Readonly<Record<string, readonly Range[]>> = {
  d: DIGITS,
  D: inverse(DIGITS),
  w: LETTERS,
  W: inverse(LETTERS),
  s: BLANKS,
  S: inverse(BLANKS),
}
const CONTROLS: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', f: '\f', v: '\v' }
const NEWLINE = pointOf('\n')

/** `(?i)` at the begin makes letter case not count; `mistake` is called with what is wrong, and where. */
export function readPattern(
  pattern: string,
  mistake: Mistake,
): { part: Part; ignoresCase: boolean } {
  const characters = [...pattern]
  let at = 0
  let depth = 0

  /** Where it stands in the text, which counts some characters twice. */
  const offset = (index = at) => characters.slice(0, index).join('').length
  const wrong = (message: string, index = at): never => mistake(message, offset(index))
  const isNext = (text: string) => characters.slice(at, at + text.length).join('') === text
  const take = (text: string): boolean => {
    if (!isNext(text)) return false
    at += text.length
    return true
  }

  const ignoresCase = take('(?i)')
  const one = (ranges: readonly Range[]): Part => {
    const accepts = (point: number) => ranges.some(([from, to]) => from <= point && point <= to)
    if (!ignoresCase) return { kind: 'one', accepts }
    // The text comes in small letters.
    return {
      kind: 'one',
      accepts: (point) => {
        const small = String.fromCodePoint(point)
        const big = pointOf(small.toUpperCase())
        return accepts(point) || accepts(big)
      },
    }
  }

  const either = (): Part => {
    const parts = [row()]
    while (take('|')) parts.push(row())
    return parts.length === 1 ? (parts[0] as Part) : { kind: 'either', parts }
  }

  const row = (): Part => {
    const parts: Part[] = []
    while (at < characters.length && !isNext('|') && !isNext(')')) parts.push(repeated())
    return parts.length === 0 ? { kind: 'nothing' } : { kind: 'row', parts }
  }

  const repeated = (): Part => {
    const began = at
    const of = single()
    const times = repetition()
    if (!times) return of
    if (of.kind === 'border') wrong('an end of the text is not repeated', began)
    // How much of the text it takes does not matter to whether it is found.
    take('?')
    if (repetition())
      wrong('what is repeated already is put into brackets to be repeated again', at - 1)
    return { kind: 'repeat', of, ...times }
  }

  const repetition = (): { least: number; most: number | null } | undefined => {
    if (take('*')) return { least: 0, most: null }
    if (take('+')) return { least: 1, most: null }
    if (take('?')) return { least: 0, most: 1 }
    const found = /^\{(\d{1,9})(?:(,)(\d{1,9})?)?\}/.exec(characters.slice(at, at + 24).join(''))
    if (!found) return undefined
    const [text, from = '', comma, to] = found
    const least = Number(from)
    const most = comma === undefined ? least : to === undefined ? null : Number(to)
    if (Math.max(least, most ?? 0) > MAX_REPETITIONS) {
      wrong(`nothing is repeated more than ${MAX_REPETITIONS} times`)
    }
    if (most !== null && most < least) wrong('the least is more than the most')
    at += text.length
    return { least, most }
  }

  const single = (): Part => {
    const character = characters[at] as string
    switch (character) {
      case '(':
        return group()
      case '[':
        return one(choice())
      case '^':
        at += 1
        return { kind: 'border', of: 'start' }
      case '$':
        at += 1
        return { kind: 'border', of: 'end' }
      case '.':
        at += 1
        return { kind: 'one', accepts: (point) => point !== NEWLINE }
      case '*':
      case '+':
      case '?':
        return wrong(`there is nothing before "${character}" to be repeated`)
      case '\\':
        return one(escaped())
      default:
        at += 1
        return one([range(character, character)])
    }
  }

  const group = (): Part => {
    const began = at
    take('(')
    if (!take('?:') && isNext('?')) {
      if (isNext('?=') || isNext('?!') || isNext('?<=') || isNext('?<!')) {
        wrong('looking ahead or behind is not possible', began)
      }
      if (isNext('?i)')) wrong('(?i) stands at the begin of the pattern', began)
      wrong('groups are written (…) or (?:…)', began)
    }
    depth += 1
    if (depth > MAX_GROUPS) wrong(`groups are at most ${MAX_GROUPS} deep`, began)
    const part = either()
    depth -= 1
    if (!take(')')) wrong('the closing bracket of this group is missing', began)
    return part
  }

  const escaped = (): readonly Range[] => {
    const began = at
    at += 1
    const character = characters[at]
    if (character === undefined) return wrong('a character is missing after the backslash', began)
    at += 1
    const kind = KINDS[character]
    if (kind) return kind
    const control = CONTROLS[character]
    if (control) return [range(control, control)]
    if (/[1-9]/.test(character)) wrong('referring back to a group is not possible', began)
    if (/[\p{L}\d]/u.test(character)) wrong(`"\\${character}" is not known`, began)
    return [range(character, character)]
  }

  const choice = (): readonly Range[] => {
    const began = at
    take('[')
    const isInverse = take('^')
    const ranges: Range[] = []
    let isFirst = true
    while (isFirst || !isNext(']')) {
      if (at >= characters.length) wrong('the closing bracket of this choice is missing', began)
      if (isNext('[:')) wrong('classes like [:alpha:] are not known; write the range')
      isFirst = false
      const start = at
      const from = member()
      if (!isNext('-') || characters[at + 1] === ']' || at + 1 >= characters.length) {
        ranges.push(...from)
        continue
      }
      at += 1
      const to = member()
      const low = from.length === 1 && from[0]?.[0] === from[0]?.[1] ? from[0]?.[0] : undefined
      const high = to.length === 1 && to[0]?.[0] === to[0]?.[1] ? to[0]?.[0] : undefined
      if (low === undefined || high === undefined || low > high) {
        return wrong('a range goes from one character to a later one', start)
      }
      ranges.push([low, high])
    }
    at += 1
    return isInverse ? inverse(ranges) : ranges
  }

  const member = (): readonly Range[] => {
    if (isNext('\\')) return escaped()
    const character = characters[at]
    if (character === undefined) return wrong('the closing bracket of this choice is missing')
    at += 1
    return [range(character, character)]
  }

  const part = either()
  if (at < characters.length) wrong('there is no group for this bracket to close')
  return { part, ignoresCase }
}

function pointOf(character: string): number {
  return character.codePointAt(0) as number
}

function range(from: string, to: string): Range {
  return [pointOf(from), pointOf(to)]
}

function inverse(ranges: readonly Range[]): readonly Range[] {
  const gaps: Range[] = []
  let from = 0
  for (const [low, high] of [...ranges].sort((a, b) => a[0] - b[0])) {
    if (low > from) gaps.push([from, low - 1])
    from = Math.max(from, high + 1)
  }
  return [...gaps, [from, 0x10_ff_ff]]
}
