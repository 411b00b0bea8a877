import { DomainError } from './errors.ts'
import { COMPONENT_TYPE_PATTERN, type ComponentType, type Installed } from './release.ts'

export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json }
export type JsonObject = { readonly [key: string]: Json }

/** Devices of one kind: releases are made for a profile, and a profile can be assigned one per component type. */
export interface Profile {
  readonly id: string
  readonly name: string
  readonly description: string | null
  readonly createdAt: Date
}

export interface Device {
  readonly id: string
  readonly name: string
  readonly profileId: string
  readonly profileName: string
  /** Where it is served from; null for where all are that have no cloud. */
  readonly cloudId: string | null
  readonly cloudName: string | null
  /** Ours: words an operator sticks on. */
  readonly labels: readonly string[]
  /** Ours: named values, which some dialects let the device read. */
  readonly attributes: JsonObject
  /** The device's own account of itself, as it last told it. */
  readonly inventory: JsonObject
  /** What it says it runs, one title and version for each component type. */
  readonly installed: Readonly<Record<ComponentType, Installed>>
  /** The dialect it last spoke. */
  readonly dialect: string | null
  readonly lastSeenAt: Date | null
  readonly createdAt: Date
}

/** What a device says of itself at a check-in. What it does not mention stays as it was. */
export interface Facts {
  readonly installed: Readonly<Record<ComponentType, Installed>>
  /** It tells versions only: another version says nothing of a title it was known by before. */
  readonly namesNoTitles?: boolean
  /** Replaces the inventory it told before. */
  readonly inventory?: JsonObject
  /** Merged into the inventory, key by key, by dialects that tell it in pieces. */
  readonly inventoryChanges?: JsonObject
}

export const NO_FACTS: Facts = { installed: {} }

/** As hawkBit's devices have them at most. */
const MAX_NAME_LENGTH = 256
const MAX_TEXT_LENGTH = 255
const MAX_COMPONENTS = 64
/** Deeper than any device's account of itself, and far from where walking it could fail. */
const MAX_DEPTH = 64

/** A name an operator gives, trimmed. Refuses with request.malformed. */
export function checkedName(what: string, name: string): string {
  const text = name.trim()
  if (isName(text)) return text
  throw new DomainError(
    'request.malformed',
    `A ${what} needs a name of 1 to ${MAX_NAME_LENGTH} characters without control characters.`,
  )
}

export const isName = (text: string): boolean =>
  text !== '' && text.length <= MAX_NAME_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(text)

/** The labels in order, each once. Refuses with request.malformed. */
export function checkedLabels(labels: readonly string[]): string[] {
  return [...new Set(labels.map((label) => checkedName('label', label)))].sort()
}

/**
 * Facts a store can keep: component types with proper names, texts of bounded length, JSON of bounded depth and
 * without what PostgreSQL's cannot hold. Refuses with request.malformed.
 */
export function checkedFacts(facts: Facts): Facts {
  const entries = Object.entries(facts.installed)
  if (entries.length > MAX_COMPONENTS) {
    throw new DomainError('request.malformed', `More than ${MAX_COMPONENTS} component types.`)
  }
  for (const [type, installed] of entries) {
    if (!COMPONENT_TYPE_PATTERN.test(type)) {
      throw new DomainError(
        'request.malformed',
        `"${type.slice(0, 80)}" is not a component type; use a lower-case name such as firmware.`,
      )
    }
    for (const text of [installed.title, installed.version]) {
      if (text !== null && (text.length > MAX_TEXT_LENGTH || !isStorable(text))) {
        throw new DomainError(
          'request.malformed',
          `The installed ${type} has a title or version that is no text of at most ${MAX_TEXT_LENGTH} characters.`,
        )
      }
    }
  }
  for (const json of [facts.inventory, facts.inventoryChanges]) {
    if (json && !isKeepable(json)) {
      throw new DomainError(
        'request.malformed',
        `The facts hold NUL, half a surrogate pair, a number out of range, or are more than ${MAX_DEPTH} levels deep.`,
      )
    }
  }
  return facts
}

/**
 * What tells a device's system model: as an operator wrote it on the device, or else as the device tells it of
 * itself; null when neither did. Texts that are no names are none.
 */
export function partNumberOf({
  attributes,
  inventory,
}: Pick<Device, 'attributes' | 'inventory'>): string | null {
  const told = [attributes.partNumber, inventory.partNumber]
  return told.find(isPartNumber) ?? null
}

const isPartNumber = (value: Json | undefined): value is string =>
  typeof value === 'string' && value !== '' && [...value].length <= MAX_TEXT_LENGTH

/** Whether PostgreSQL takes the text: it has no NUL, and its UTF-8 no half pairs. */
const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

function isKeepable(json: Json, depth = 0): boolean {
  if (typeof json === 'string') return isStorable(json)
  if (typeof json === 'number') return Number.isFinite(json)
  if (typeof json !== 'object' || json === null) return true
  if (depth >= MAX_DEPTH) return false
  return Object.entries(json).every(
    ([key, value]) => isStorable(key) && isKeepable(value, depth + 1),
  )
}
