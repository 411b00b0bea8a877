/** Payloads as JSON. */
import { DomainError, type JsonObject } from '@updraft/core'

/** What the payload says; nothing at all is an empty object. Refuses with request.malformed. */
export function jsonOf(payload: Buffer): unknown {
  if (payload.length === 0) return {}
  try {
    return JSON.parse(payload.toString('utf8'))
  } catch (error) {
    throw new DomainError(
      'request.malformed',
      `The message is not JSON: ${(error as Error).message}`,
    )
  }
}

export function objectOf(payload: Buffer): JsonObject {
  const json = jsonOf(payload)
  if (typeof json === 'object' && json !== null && !Array.isArray(json)) return json as JsonObject
  throw new DomainError('request.malformed', 'The message is no JSON object.')
}
