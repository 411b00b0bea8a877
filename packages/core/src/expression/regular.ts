/**
 * Regular expressions in linear time. A pattern becomes a machine without memory, and all its ways are walked at
 * once: a text of n characters costs at most n times the size of the pattern, whatever the pattern. What would
 * need a memory (backreferences, looking ahead or behind) is refused when the pattern is read.
 */
import { type Part, readPattern } from './regular-pattern.ts'

const MAX_STATES = 500
/** Ways that were walked are kept, so that the next text costs a look-up for each character; up to so many. */
const MAX_KNOWN_WAYS = 20_000

/** A pattern that cannot be read, at `at` (from 0) within it. */
export class PatternMistake extends Error {
  readonly at: number

  constructor(message: string, at: number) {
    super(message)
    this.at = at
  }
}

type State =
  | { readonly kind: 'take'; readonly accepts: (point: number) => boolean; readonly next: number }
  | { readonly kind: 'fork'; readonly next: number; readonly other: number }
  | { readonly kind: 'border'; readonly of: 'start' | 'end'; readonly next: number }
  | { readonly kind: 'found' }

/** Whether the pattern occurs in a text; `^` and `$` tie it to the ends. Throws PatternMistake. */
export function regularExpression(pattern: string): (text: string) => boolean {
  const { part, ignoresCase } = readPattern(pattern, (message, at) => {
    throw new PatternMistake(message, at)
  })
  const search = walker(build(part))
  return ignoresCase ? (text) => search(text.toLowerCase()) : search
}

interface Machine {
  readonly states: readonly State[]
  readonly start: number
}

function build(part: Part): Machine {
  const states: State[] = []
  const tooLarge = () =>
    new PatternMistake('the pattern is too large; repeat less, or shorten it', 0)
  const add = (state: State): number => {
    if (states.length >= MAX_STATES) throw tooLarge()
    return states.push(state) - 1
  }
  let parts = 0
  /** Where the machine for the part begins that goes on at `next`: it is built from its end. */
  const machine = (part: Part, next: number): number => {
    // What takes no character adds no state, and could still be repeated without end.
    parts += 1
    if (parts > MAX_STATES * 2) throw tooLarge()
    switch (part.kind) {
      case 'nothing':
        return next
      case 'one':
        return add({ kind: 'take', accepts: part.accepts, next })
      case 'border':
        return add({ kind: 'border', of: part.of, next })
      case 'row':
        return part.parts.reduceRight((after, each) => machine(each, after), next)
      case 'either':
        return part.parts
          .map((each) => machine(each, next))
          .reduceRight((other, first) => add({ kind: 'fork', next: first, other }))
      case 'repeat':
        return repeat(part, next)
    }
  }
  const repeat = ({ of, least, most }: Part & { kind: 'repeat' }, next: number): number => {
    let from = next
    if (most === null) {
      const loop = { kind: 'fork', next, other: next } as const satisfies State
      from = add(loop)
      states[from] = { ...loop, next: machine(of, from) }
    } else {
      for (let times = least; times < most; times += 1) {
        from = add({ kind: 'fork', next: machine(of, from), other: next })
      }
    }
    for (let times = 0; times < least; times += 1) from = machine(of, from)
    return from
  }
  const start = machine(part, add({ kind: 'found' }))
  return { states, start }
}

/** What the machine may be in at one place of the text, and where each character leads from there. */
interface Place {
  readonly taking: readonly number[]
  readonly isFound: boolean
  /** Found if the text ends here. */
  readonly isFoundAtEnd: boolean
  readonly after: Map<number, Place>
}

function walker({ states, start }: Machine): (text: string) => boolean {
  const places = new Map<string, Place>()
  let ways = 0

  /** All states reached from those without a character. */
  const settle = (from: readonly number[], at: { start: boolean; end: boolean }) => {
    const reached = new Set<number>()
    const waiting = [...from]
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      if (reached.has(index)) continue
      reached.add(index)
      const state = states[index] as State
      if (state.kind === 'fork') waiting.push(state.next, state.other)
      else if (state.kind === 'border' && at[state.of]) waiting.push(state.next)
    }
    return reached
  }
  // The state to be found was added first.
  const isIn = (reached: ReadonlySet<number>) => reached.has(0)

  const placeOf = (from: readonly number[], isStart: boolean): Place => {
    const reached = settle(from, { start: isStart, end: false })
    const taking = [...reached]
      .filter((index) => states[index]?.kind === 'take')
      .sort((a, b) => a - b)
    const isFound = isIn(reached)
    const isFoundAtEnd = isFound || isIn(settle(from, { start: isStart, end: true }))
    const key = `${taking.join()} ${isFound} ${isFoundAtEnd}`
    const known = places.get(key)
    if (known) return known
    const place = { taking, isFound, isFoundAtEnd, after: new Map() }
    places.set(key, place)
    return place
  }

  const begin = placeOf([start], true)
  const step = (place: Place, point: number): Place => {
    const known = place.after.get(point)
    if (known) return known
    const next = place.taking.flatMap((index) => {
      const state = states[index] as State & { kind: 'take' }
      return state.accepts(point) ? [state.next] : []
    })
    if (ways >= MAX_KNOWN_WAYS) {
      ways = 0
      places.clear()
      begin.after.clear()
    }
    // It may as well begin here.
    const after = placeOf([...next, start], false)
    place.after.set(point, after)
    ways += 1
    return after
  }

  return (text) => {
    let place = begin
    for (const character of text) {
      if (place.isFound) return true
      place = step(place, character.codePointAt(0) as number)
    }
    return place.isFoundAtEnd
  }
}
