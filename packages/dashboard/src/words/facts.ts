/** What devices tell of themselves, made readable: by what it is about, and in units people read. */
import type { Json, JsonObject } from '@updraft/core'
import { counted, size } from './numbers.ts'
import { span } from './time.ts'

export interface FactGroup {
  /** As the device, and so an expression, names it. */
  readonly name: string
  readonly facts: readonly Fact[]
}
/** `exact` is what the device said, where `words` say it otherwise. */
export interface Fact {
  readonly name: string
  readonly words: string
  readonly exact: string | null
}

/** Plain facts, and those that stand together under a name; what is nested deeper is named by its path. */
export function factsIn(json: JsonObject): {
  readonly plain: readonly Fact[]
  readonly groups: readonly FactGroup[]
} {
  const plain: Fact[] = []
  const groups: FactGroup[] = []
  for (const [name, value] of Object.entries(json)) {
    if (isGroup(value)) groups.push({ name, facts: flat(value, '') })
    else plain.push(factOf(name, value))
  }
  return { plain, groups }
}

const isGroup = (value: Json): value is JsonObject =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.keys(value).length > 0

const flat = (json: JsonObject, path: string): Fact[] =>
  Object.entries(json).flatMap(([name, value]) =>
    isGroup(value) ? flat(value, `${path}${name}.`) : [factOf(`${path}${name}`, value)],
  )

function factOf(name: string, value: Json): Fact {
  const exact = typeof value === 'string' ? value : JSON.stringify(value)
  const words = measured(name, value)
  return words === null ? { name, words: exact, exact: null } : { name, words, exact }
}

/** A number whose name says its unit. Long integers come as texts. */
function measured(name: string, value: Json): string | null {
  const isNumeric = typeof value === 'number' || (typeof value === 'string' && /^\d+$/.test(value))
  const amount = Number(value)
  if (!isNumeric || amount < 0) return null
  if (/Bytes$/.test(name)) return size(amount)
  if (/Millis$/.test(name)) return amount < 1000 ? `${counted(amount)} ms` : span(amount / 1000)
  return null
}
