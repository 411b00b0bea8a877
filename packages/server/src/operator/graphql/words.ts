/** The words for states: ours, in capitals where ours have dashes; and Edgehog's, drawn from ours. */
import {
  CAMPAIGN_OUTCOMES,
  CAMPAIGN_STATUSES,
  type CampaignStatus,
  STATES,
  type State,
  TARGET_STATUSES,
} from '@updraft/core'
import { builder } from './builder.ts'

const values = <V extends string>(words: readonly V[]) =>
  Object.fromEntries(
    words.map((value) => [value.toUpperCase().replaceAll('-', '_'), { value }]),
  ) as Record<string, { value: V }>

export const StateEnum = builder.enumType('OperationState', { values: values<State>(STATES) })
export const CampaignStatusEnum = builder.enumType('CampaignStatus', {
  values: values<CampaignStatus>(CAMPAIGN_STATUSES),
})
export const CampaignOutcomeEnum = builder.enumType('CampaignOutcome', {
  values: values(CAMPAIGN_OUTCOMES),
})
export const TargetStatusEnum = builder.enumType('CampaignTargetStatus', {
  values: values(TARGET_STATUSES),
})

const EDGEHOG_STATUSES = [
  'PENDING',
  'ACKNOWLEDGED',
  'DOWNLOADING',
  'DEPLOYING',
  'DEPLOYED',
  'REBOOTING',
  'ERROR',
  'FAILURE',
  'SUCCESS',
] as const
type EdgehogStatus = (typeof EDGEHOG_STATUSES)[number]
export const EdgehogStatusEnum = builder.enumType('EdgehogStatus', {
  description: 'The status of an OTA operation in the words of Edgehog.',
  values: EDGEHOG_STATUSES,
})

const EDGEHOG_STATUS: Readonly<Record<State, EdgehogStatus>> = {
  QUEUED: 'PENDING',
  INITIATED: 'PENDING',
  DOWNLOADING: 'DOWNLOADING',
  DOWNLOADED: 'DOWNLOADING',
  VERIFIED: 'DEPLOYING',
  UPDATING: 'DEPLOYING',
  UPDATED: 'SUCCESS',
  // No device of Edgehog's comes there.
  STAGED: 'SUCCESS',
  FAILED: 'FAILURE',
  // A cancelled update ends as a failure there.
  CANCELED: 'FAILURE',
}
/** Where the share of the way begins at which Edgehog's devices say these, as `dialects/edgehog` has it. */
const DOWNLOADING_AT = 10
const DEPLOYED_AT = 87
const REBOOTING_AT = 92

export function edgehogStatusOf({
  state,
  progress,
}: {
  readonly state: State
  readonly progress: number
}): EdgehogStatus {
  if (state === 'DOWNLOADING' && progress < DOWNLOADING_AT) return 'ACKNOWLEDGED'
  if (state !== 'UPDATING' || progress < DEPLOYED_AT) return EDGEHOG_STATUS[state]
  return progress < REBOOTING_AT ? 'DEPLOYED' : 'REBOOTING'
}

/** The code in the words of Edgehog; what it has no word for is as the device said it. */
export function statusCodeOf({
  state,
  reason,
  code,
}: {
  state: State
  reason: { readonly code: string }
  code: string | null
}): string | null {
  if (state === 'CANCELED') return 'CANCELED'
  if (code) return capitals(code)
  return state === 'FAILED' && reason.code === 'device.no-answer' ? 'REQUEST_TIMEOUT' : null
}

/** `UpdateAlreadyInProgress` and `IOError` as `UPDATE_ALREADY_IN_PROGRESS` and `IO_ERROR`. */
const capitals = (code: string): string =>
  code
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/([A-Z])([A-Z][a-z])/g, '$1_$2')
    .toUpperCase()
