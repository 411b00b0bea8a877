/**
 * ThingsBoard's words ⇄ ours. Pure. Headings in brackets are those of docs/dialects/thingsboard.md.
 */
import {
  type Answer,
  type ComponentType,
  type Facts,
  type Installed,
  type Json,
  type JsonObject,
  NO_FACTS,
  type Report,
  reportableState,
  type Snapshot,
} from '@updraft/core'
import {
  attributesOfRelease,
  deletedKeys,
  FAMILIES,
  FAMILY_PREFIXES,
  familyTelemetry,
  type Reading,
  sharedAttributeKeys,
} from '@updraft/wire/thingsboard'
import type { CheckedIn } from '../../app/device-desk.ts'

/** What one reading says of one component, in our words. */
export interface Said {
  readonly type: ComponentType
  /** Absent when it only tells what is installed. */
  readonly report: Report | null
  readonly facts: Facts
}

/**
 * What a reading says of firmware and software; nothing for readings about other things. States a device
 * cannot report (QUEUED, INITIATED, IDLE, anything unknown) are taken as no state at all: ThingsBoard does not
 * check what devices send, so devices send anything.
 */
export function saidIn(reading: Reading): Said[] {
  const said: Said[] = []
  for (const family of FAMILY_PREFIXES) {
    const type = FAMILIES[family]
    const { title, version, state: word, error } = familyTelemetry(family, reading)
    const isWhole = title !== undefined && version !== undefined
    const isPart = title !== undefined || version !== undefined
    const installed: Installed = { title: title ?? null, version: version ?? null }
    const state = word === undefined ? undefined : reportableState(word.toUpperCase())
    if (!state && !isPart) continue
    said.push({
      type,
      report: state ? { state, error, installed: isWhole ? installed : undefined } : null,
      // Half of a name beside a state would make a success look like another version.
      facts: isWhole || !state ? { installed: { [type]: installed } } : NO_FACTS,
    })
  }
  return said
}

/** The device's shared attributes: the operator's, and what it is to run [Shared attributes]. */
export function shared({ device }: Snapshot, { desired }: CheckedIn): JsonObject {
  const values: Record<string, Json> = { ...device.attributes }
  for (const family of FAMILY_PREFIXES) {
    for (const key of deletedKeys(family)) delete values[key]
    const release = desired[FAMILIES[family]]
    if (release) Object.assign(values, attributesOfRelease(family, release))
  }
  return values
}

/** The component types an answer to those keys tells the device of. */
export const tellsOfReleases = (
  clientKeys: readonly string[] | undefined,
  sharedKeys: readonly string[] | undefined,
): ComponentType[] =>
  FAMILY_PREFIXES.filter((family) =>
    sharedKeys
      ? sharedAttributeKeys(family).some((key) => sharedKeys.includes(key))
      : clientKeys === undefined,
  ).map((family) => FAMILIES[family])

/** The answer to an attribute request: a scope without hits is left out [Attribute request]. */
export function attributeAnswer({
  client,
  shared,
  clientKeys,
  sharedKeys,
}: {
  client: JsonObject
  shared: JsonObject
  clientKeys: readonly string[] | undefined
  sharedKeys: readonly string[] | undefined
}): JsonObject {
  const isAll = !clientKeys && !sharedKeys
  const answer: Record<string, Json> = {}
  const clientHits = isAll ? client : pick(client, clientKeys ?? [])
  const sharedHits = isAll ? shared : pick(shared, sharedKeys ?? [])
  if (Object.keys(clientHits).length > 0) answer.client = clientHits
  if (Object.keys(sharedHits).length > 0) answer.shared = sharedHits
  return answer
}

/**
 * One push for what changed: new values flat, keys that are gone as `deleted` [Attribute push]. Null when
 * nothing changed. When a release changes, all of its keys come together: clients read them as one.
 */
export function attributeChange(before: JsonObject, after: JsonObject): JsonObject | null {
  const changed: Record<string, Json> = {}
  for (const [key, value] of Object.entries(after)) {
    if (JSON.stringify(value) !== JSON.stringify(before[key])) changed[key] = value
  }
  for (const family of FAMILY_PREFIXES) {
    const keys = deletedKeys(family)
    if (keys.some((key) => key in changed)) Object.assign(changed, pick(after, keys))
  }
  const deleted = Object.keys(before).filter((key) => !(key in after))
  if (deleted.length > 0) changed.deleted = deleted
  return Object.keys(changed).length > 0 ? changed : null
}

/** Whether a change tells of a release, and not only of one that is gone. */
export const bringsRelease = (change: JsonObject): boolean =>
  FAMILY_PREFIXES.some((family) => `${family}_version` in change)

/**
 * What the device knows, but for the releases it is to be told of anew: as if their values were others, so that they are
 * news again, and keys that are gone since are still said to be.
 */
export function toBeToldAnew(known: JsonObject, { answers }: CheckedIn): JsonObject {
  const families = FAMILY_PREFIXES.filter((family) => isToBeTold(answers[FAMILIES[family]]))
  if (families.length === 0) return known
  const keys = new Set(families.flatMap(deletedKeys))
  return Object.fromEntries(
    Object.entries(known).map(([key, value]) => [key, keys.has(key) ? null : value]),
  )
}

const isToBeTold = (answer: Answer | undefined): boolean =>
  answer !== undefined && (answer.isNews || answer.operation?.state === 'QUEUED')

/** The keys of a release the device has not been told of yet, if there is one. */
export function news(attributes: JsonObject, { answers }: CheckedIn): JsonObject | null {
  const keys = FAMILY_PREFIXES.filter((family) => answers[FAMILIES[family]]?.isNews).flatMap(
    deletedKeys,
  )
  return keys.length > 0 ? pick(attributes, keys) : null
}

function pick(values: JsonObject, keys: readonly string[]): JsonObject {
  const picked: Record<string, Json> = {}
  for (const key of keys) {
    const value = values[key]
    if (value !== undefined) picked[key] = value
  }
  return picked
}
