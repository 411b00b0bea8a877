/** Attributes as ThingsBoard answers them: of the scopes that were asked for, the keys that are there. */
import type { JsonObject } from '@updraft/core'
import { FAMILY_PREFIXES, sharedAttributeKeys } from '@updraft/wire/thingsboard'
import { Away } from '../trouble.ts'

/** All keys that name releases, as a request lists them. */
export const RELEASE_KEYS: string = FAMILY_PREFIXES.flatMap(sharedAttributeKeys).join(',')

/** The shared ones of an answer that holds scopes. Throws Away. */
export const sharedIn = (text: string): JsonObject => objectOf(attributesIn(text).shared ?? {})

/** The object an answer holds, {} for an empty one. Throws Away: something else than the server answered. */
export function attributesIn(text: string): JsonObject {
  try {
    return objectOf(JSON.parse(text === '' ? '{}' : text))
  } catch (error) {
    throw error instanceof Away ? error : noJson(error)
  }
}

function objectOf(value: unknown): JsonObject {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as JsonObject
  }
  throw noJson()
}

const noJson = (cause?: unknown): Away =>
  new Away('The attributes are no JSON.', { kind: 'busy', cause })
