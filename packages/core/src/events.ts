/**
 * All that can happen. An event is written in the same transaction as the change it tells of; read back with
 * its actor it is the audit log, delivered after the commit it wakes whoever waits.
 */
import type { JsonObject } from './device.ts'

export const EVENT_MEANINGS = {
  'profile.created': 'a device profile was added',
  'profile.changed': 'a device profile was changed',
  'profile.removed': 'a device profile was removed',
  'device.created': 'a device was added',
  'device.enrolled': 'a device enrolled itself',
  'device.changed': 'what we hold of a device was changed by an operator',
  'device.token-replaced': 'a device was given a new token',
  'device.removed': 'a device was removed',
  'release.created': 'a release was added',
  'release.changed': 'the description of a release was changed',
  'release.removed': 'a release was removed',
  'artifact.stored': 'a file was uploaded',
  'assignment.made': 'a device or a profile was assigned a release',
  'assignment.withdrawn': 'an assignment was withdrawn',
  'operation.opened': 'an update was queued for a device',
  'operation.moved': 'an update went to another state',
  'operation.ended': 'an update ended: UPDATED, FAILED or CANCELED',
  'report.ignored': 'a device reported what changes nothing',
  'operator.signed-in': 'an operator signed in',
  'operator.refused': 'a sign-in was refused',
  'operator.created': 'an operator was added',
  'token.created': 'an API token was made',
  'token.revoked': 'an API token was revoked',
} as const

export type EventKind = keyof typeof EVENT_MEANINGS

export type Actor =
  | { readonly kind: 'operator'; readonly id: string; readonly name: string }
  | { readonly kind: 'device'; readonly id: string; readonly name: string }
  | { readonly kind: 'server'; readonly name: string }

export const SERVER: Actor = { kind: 'server', name: 'updraft' }

export type SubjectKind =
  | 'profile'
  | 'device'
  | 'release'
  | 'artifact'
  | 'operation'
  | 'operator'
  | 'token'

export interface DomainEvent {
  readonly kind: EventKind
  readonly at: Date
  readonly actor: Actor
  readonly subject: { readonly kind: SubjectKind; readonly id: string; readonly name: string }
  /** The device concerned, if there is one: whoever watches or serves that device is woken. */
  readonly deviceId: string | null
  readonly data: JsonObject
}
