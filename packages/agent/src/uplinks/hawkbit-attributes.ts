/** What a device says of itself, as hawkBit keeps it: short texts by name. */
import type { Installed, Json, JsonObject } from '@updraft/core'
import { type Attributes, LIMITS } from '@updraft/wire/hawkbit'

/** Facts within facts as `outer.inner`, what runs as `TYPE.title` and `TYPE.version`. What is too much is left out. */
export function attributesOf(
  facts: JsonObject,
  installed: Readonly<Record<string, Installed>>,
): Attributes {
  const ofReleases = Object.entries(installed).flatMap(([type, { title, version }]) =>
    flat(type, { title, version }),
  )
  const all = [...ofReleases, ...Object.entries(facts).flatMap(([key, value]) => flat(key, value))]
  const fit = all.filter(([key]) => key.length <= LIMITS.attributeKeyLength && key.trim() !== '')
  return Object.fromEntries(fit.slice(0, LIMITS.attributes))
}

function flat(key: string, value: Json | undefined): [string, string][] {
  if (value === null || value === undefined) return []
  if (typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).flatMap(([inner, each]) => flat(`${key}.${inner}`, each))
  }
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value)
  return [[printable(key), printable(text).slice(0, LIMITS.attributeValueLength)]]
}

const printable = (text: string): string => text.replace(/[^\x20-\x7e]/gu, '?')
