/**
 * Why Updraft decided as it did: a code for programs and a sentence for the person who looks. Every choice,
 * every move of an operation and every "nothing" carries one.
 */
export const REASON_MEANINGS = {
  'assigned.device': 'the device itself is assigned the release',
  'assigned.profile':
    'the device has no assignment of its own and its profile is assigned the release',
  'operator.retry': 'an operator asked to try once more',
  'operator.cancel': 'an operator cancelled it',
  'device.began-again': 'the device began the update again by itself',
  'device.reported': 'the device said so',
  'device.told': 'the device was told of the update',
  'device.runs-target': 'the device runs the title and version it was to get',
  'device.interrupted': 'the device came back with what it ran before; it is told again',
  'device.rolled-back': 'the device came back with what it ran before it installed the update',
  'device.silent': 'nothing was heard of the update for too long',
  'device.keeps-starting-over': 'the device started over too often without arriving',
  'device.removed': 'the device was removed',
  'report.repeated': 'the same was reported before',
  'report.after-end': 'the operation had already ended',
  'report.other-version': 'success was reported with another title or version than the target',
  'report.not-started': 'success was reported with another version before the update began',
  'report.not-reportable': 'the state is one that only the server sets',
  'report.stray': 'no operation is under way for that component',
  'superseded.release': 'another release is meant for the device now',
  'superseded.withdrawn': 'nothing is meant for the device any more',
  'nothing.assigned': 'neither the device nor its profile is assigned a release',
  'nothing.already-installed': 'the device already runs the release',
  'nothing.other-profile': 'the release is made for another profile',
  'nothing.requirement': 'the installed version is not one the release may start from',
  'nothing.version-unknown':
    'the release may start from some versions only, and the device has not told its own',
  'nothing.backing-off': 'the last attempt failed; the next one waits',
  'nothing.needs-attention': 'too many attempts failed; a person must look',
  'nothing.cancelled': 'an operator cancelled this release for the device',
} as const

export type ReasonCode = keyof typeof REASON_MEANINGS

export interface Reason {
  readonly code: ReasonCode
  readonly message: string
}

export const reason = (code: ReasonCode, message: string): Reason => ({ code, message })
