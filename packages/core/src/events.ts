/**
 * All that can happen. An event is written in the same transaction as the change it tells of; read back with
 * its actor it is the audit log, delivered after the commit it wakes whoever waits.
 */
import type { Via } from './access.ts'
import type { JsonObject } from './device.ts'
import type { DomainError, ErrorCode } from './errors.ts'
import type { ReasonCode } from './reason.ts'

export const EVENT_MEANINGS = {
  'profile.created': 'a device profile was added',
  'profile.changed': 'a device profile was changed',
  'profile.removed': 'a device profile was removed',
  'device.created': 'a device was added',
  'device.enrolled': 'a device enrolled itself',
  'device.re-enrolled': 'the token of a device was taken back, so that it registers anew',
  'registration.forgotten': 'a device that waited to be claimed was struck off the list',
  'registration.refused': 'a device came through a cloud for a product that is none of its tenant',
  'device.paired': 'a device was registered in the realm and given a credentials secret',
  'device.unpaired': 'the credentials of a paired device were taken back; it may register again',
  'device.certified': 'a paired device was given a certificate for its key',
  'device.inhibited': 'a paired device is kept outside',
  'device.allowed': 'a paired device that was kept outside may come in again',
  'device.restart-asked': 'an operator asked for a box to restart and fetch its handlers',
  'device.load-handlers-asked': 'an operator asked for a box to load its handlers',
  'device.attributes-asked': 'an operator asked for a device to tell its attributes anew',
  'device.wish-done': 'a box did what an operator asked it to do once',
  'device.changed': 'what we hold of a device was changed by an operator',
  'device.token-replaced': 'a device was given a new token in place of those it had',
  'device.credential-added': 'a device was given a further credential',
  'device.credential-removed': 'a credential of a device was taken back, or its time was over',
  'device.removed': 'a device was removed',
  'device.updated-by-hand': 'an operator brought one device a file or URL by hand, unchecked',
  'device.claimable': 'a device said that it may be claimed for a while',
  'device.claimed': 'a customer claimed a device as its own',
  'device.given-back': 'a customer gave a device back to the tenant',
  'release.created': 'a release was added',
  'release.changed': 'the description of a release was changed',
  'release.removed': 'a release was removed',
  'release.downloaded': 'an operator fetched the file of a release',
  'artifact.stored': 'a file was uploaded',
  'assignment.made': 'a device or a profile was assigned a release',
  'operation.forced': 'an operator forced an update that was left to the device',
  'assignment.withdrawn': 'an assignment was withdrawn',
  'policy.published': 'a release was given a policy, or another one',
  'policy.enabled': 'a policy was enabled',
  'policy.disabled': 'a policy was disabled',
  'policy.removed': 'the policy of a release was removed',
  'operation.opened': 'an update was queued for a device',
  'operation.moved': 'an update went to another state',
  'operation.ended': 'an update ended: UPDATED, STAGED, FAILED or CANCELED',
  'report.ignored': 'a device reported what changes nothing',
  'message.refused': 'a device said what cannot be read, or what is not its to say',
  'offer.refused':
    'a device was not told of a release that is meant for it, as its language cannot say it',
  'offer.too-large': 'a device was told of a release that is larger than what it fetches',
  'device.logged': 'a device wrote errors into its own log',
  'download.refused': 'a device asked for a file it cannot be given',
  'download.looping':
    'a device asks past the end of a file without end; it is answered when it begins anew',
  'operator.signed-in': 'an operator signed in',
  'operator.signed-out': 'an operator ended a session, or all of theirs',
  'operator.refused': 'a sign-in was refused',
  'operator.created': 'an operator was added',
  'operator.changed': 'an operator was given another role or password',
  'operator.removed': 'an operator was removed',
  'group.created': 'a group was added',
  'group.changed': 'a group was given another name or expression',
  'group.removed': 'a group was removed',
  'channel.created': 'a channel was added',
  'channel.changed': 'a channel was given another name or other groups',
  'channel.removed': 'a channel was removed',
  'hardware-type.created': 'a hardware type was added',
  'hardware-type.changed': 'a hardware type was given another name or other part numbers',
  'hardware-type.removed': 'a hardware type was removed',
  'system-model.created': 'a system model was added',
  'system-model.changed': 'a system model was given another name, profile or other part numbers',
  'system-model.removed': 'a system model was removed',
  'artifact-store.moved': 'all files of an artifact store are moved to another',
  'cloud.created': 'a cloud was added',
  'cloud.changed': 'a cloud was given another name, URL, artifact store or region',
  'cloud.removed': 'a cloud was removed',
  'cloud.token-created': 'a token was made by which devices of a cloud come in',
  'cloud.token-revoked': 'a token of a cloud was revoked',
  'realm.created': 'the tenant was given a realm, in which devices of Astarte are paired',
  'realm.changed': 'a realm was given another name or default profile',
  'realm.removed': 'a realm was removed',
  'realm.key-rotated':
    'a realm was given a new key; tokens signed with the one before are good no more',
  'realm.key-added': 'tokens for agents that are signed with that key are good in the realm',
  'realm.key-removed': 'a key of a realm was removed',
  'realm.cluster-set': "a cluster of Astarte serves the realm's devices",
  'realm.cluster-removed': "no cluster of Astarte serves the realm's devices any more",
  'realm.token-made': 'a token was made by which agents register devices',
  'customer.created': 'a customer was added',
  'customer.changed': 'a customer was renamed',
  'customer.removed': 'a customer was removed',
  'tenant.created': 'a tenant was added, with its first administrator',
  'tenant.changed': 'a tenant was renamed',
  'tenant.removed': 'a tenant was removed',
  'token.created': 'an API token was made',
  'token.revoked': 'an API token was revoked',
  'campaign.created': 'a campaign was created, its devices fixed',
  'campaign.changed': 'a campaign that has not begun was changed',
  'campaign.moved': 'a campaign began, was paused or resumed, or opened a wave',
  'campaign.retried': 'the devices of a campaign that failed are asked once more',
  'campaign.ended': 'a campaign ended: success, failure or cancelled',
  'campaign.removed': 'a campaign was removed',
  'action.refused': 'an operator was refused what they asked for',
  'settings.changed': 'settings of the tenant were changed',
  'software-module.created': 'a software module was added',
  'software-module.changed': 'a software module was given its file, or lost it',
  'software-module.removed': 'a software module was removed',
  'distribution-set.created': 'a distribution set was added',
  'distribution-set.removed': 'a distribution set was removed',
} as const

export type EventKind = keyof typeof EVENT_MEANINGS
export const EVENT_KINDS = Object.keys(EVENT_MEANINGS) as readonly EventKind[]

/** What came of it: most events tell of what was done, some of what was not. */
export const RESULTS = ['done', 'refused'] as const
export type Result = (typeof RESULTS)[number]

export const resultOf = (kind: EventKind): Result =>
  kind.endsWith('.refused') ? 'refused' : 'done'

/**
 * Whether a device that waits on the line may have something to hear after it. It has not after what was refused, nor
 * after an update went on, which is what it said or was told itself; only one that is back at its beginning is told
 * anew. `data` is null where only the kind is known.
 */
export const mayBeNewsToDevice = (kind: EventKind, data: JsonObject | null): boolean =>
  resultOf(kind) === 'done' &&
  (kind !== 'operation.moved' || data === null || data.state === 'QUEUED')

export type Actor =
  | {
      readonly kind: 'operator'
      readonly id: string
      readonly name: string
      /** The address they came from, and by what; absent where there was neither. */
      readonly from?: string
      readonly via?: Via
    }
  | { readonly kind: 'device'; readonly id: string; readonly name: string }
  | { readonly kind: 'server'; readonly name: string }

export const SERVER: Actor = { kind: 'server', name: 'updraft' }

export type SubjectKind =
  | 'tenant'
  | 'profile'
  | 'device'
  | 'release'
  | 'artifact'
  | 'operation'
  | 'operator'
  | 'token'
  | 'customer'
  | 'group'
  | 'channel'
  | 'hardware-type'
  | 'system-model'
  | 'cloud'
  | 'realm'
  | 'artifact-store'
  | 'campaign'
  | 'software-module'
  | 'distribution-set'

export interface DomainEvent {
  readonly kind: EventKind
  readonly at: Date
  readonly actor: Actor
  readonly subject: { readonly kind: SubjectKind; readonly id: string; readonly name: string }
  /** The device concerned, if there is one: whoever watches or serves that device is woken. */
  readonly deviceId: string | null
  readonly data: JsonObject
  /** Why: what was decided about an update, or why something was refused. */
  readonly reason?: EventReason
}

export interface EventReason {
  readonly code: ReasonCode | ErrorCode | 'internal'
  readonly message: string
}

/** Why something was refused. */
export const reasonOf = ({ code, message }: DomainError): EventReason => ({ code, message })
