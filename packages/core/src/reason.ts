/**
 * Why Updraft decided as it did: a code for programs and a sentence for the person who looks. Every choice,
 * every move of an operation and every "nothing" carries one.
 */
export const REASON_MEANINGS = {
  'assigned.device': 'the device itself is assigned the release',
  'assigned.profile':
    'the device has no assignment of its own and its profile is assigned the release',
  'policy.offers': 'the policy of the release holds for the device',
  'operator.manual': 'an operator asked for exactly this, unchecked',
  'operator.retry': 'an operator asked to try once more',
  'operator.cancel': 'an operator cancelled it',
  'device.began-again': 'the device began the update again by itself',
  'device.reported': 'the device said so',
  'device.remarked': 'the device met a difficulty that it copes with by itself',
  'device.busy': 'the device is not done with an update that was cancelled',
  'device.told': 'the device was told of the update',
  'device.runs-target': 'the device runs the title and version it was to get',
  'device.interrupted': 'the device came back with what it ran before; it is told again',
  'device.rolled-back': 'the device came back with what it ran before it installed the update',
  'device.fetched': 'the device fetched the file, or has begun to',
  'device.unchanged': 'the device fetched the file and came back with something else',
  'device.silent': 'nothing was heard of the update for too long',
  'device.no-answer': 'the device has not come since it was asked; it is asked again when it does',
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
  'superseded.campaign': 'the campaign that asked for it is over',
  'superseded.manual': 'an operator asked for something else by hand',
  'nothing.assigned':
    'neither the device nor its profile is assigned a release, and there is no policy',
  'nothing.already-installed': 'the device already runs the release',
  'nothing.other-profile': 'the release is made for another profile',
  'nothing.requirement': 'the installed version is not one the release may start from',
  'nothing.version-unknown':
    'the release may start from some versions only, and the device has not told its own',
  'nothing.needs': 'another component of the device is not what the release needs',
  'nothing.needs-unknown':
    'the release needs another component, and the device has not told which it has',
  'nothing.backing-off': 'the last attempt failed; the next one waits',
  'nothing.needs-attention': 'too many attempts failed; a person must look',
  'nothing.cancelled': 'an operator cancelled this release for the device',
  'nothing.arrived-later':
    'a campaign or an operator brought something else after it was assigned or its policy published',
  'nothing.no-policy': 'no policy of the profile holds for the device',
  'nothing.next-check': 'a policy holds for the device, which gets the release when it asks next',
  'box.hold': 'an operator holds the box as it is',
  'box.drivers-off': 'automatic drivers update is off; the button lets them come',
  'box.button': 'that layer of the box is updated when somebody presses the button',
  'box.went-back': 'somebody at the box went back from that release',
  'box.window': 'the window of the box is closed',
  'deferred.max-devices': 'as many devices were offered the release as may be',
  'deferred.percentage': 'as large a share of the devices was offered the release as may be',
  'deferred.rate': 'as many devices were offered the release in this period as may be',
  'campaign.asks': 'a campaign brings the device this release',
  'campaign.scheduled': 'the campaign begins later',
  'campaign.running': 'the campaign goes on',
  'campaign.paused': 'the campaign is paused',
  'campaign.nobody': 'the campaign has no devices',
  'campaign.done': 'all devices of the campaign are done',
  'campaign.stopped': 'too many devices of the campaign failed',
  'campaign.cancelled': 'an operator cancelled the campaign',
  'campaign.window': 'the maintenance window is closed',
  'campaign.wave': 'devices asked before must be updated first',
  'campaign.soaking': 'devices asked before are watched for a while first',
  'campaign.approval': 'a person has to let the campaign go on',
  'campaign.older': 'an older campaign comes first for the device',
  'campaign.slots': 'as many devices are at it as may be at a time',
  'target.idle': 'the device has not been asked yet',
  'target.asked': 'the device was asked',
  'target.away': 'the campaign waits for the device to come',
  'target.pinned': 'the device is assigned a release of its own',
  'target.downgrade': 'the device runs a newer version',
  'target.ambiguous-version': 'the device runs another build of the same version',
  'target.version-unreadable': 'the device runs what is no version to compare',
  'target.no-release': 'what the device had before is not kept here',
  'target.client': 'the client of the device cannot take the release',
  'target.removed': 'the device was removed',
  'target.retried': 'an operator asked for all that failed once more',
} as const

export type ReasonCode = keyof typeof REASON_MEANINGS

export interface Reason {
  readonly code: ReasonCode
  readonly message: string
}

export const reason = (code: ReasonCode, message: string): Reason => ({ code, message })
