/** How a campaign goes about it: our words, and those of Edgehog for what both have. */
import type * as api from '@updraft/api/shapes'
import type { SettingsDraft, WaveSize } from '@updraft/core'
import { builder } from './builder.ts'
import { withoutNulls } from './connections.ts'
import { uuidOf } from './ids.ts'
import { ReleaseRef } from './release-ref.ts'

const SizeType = builder.objectRef<WaveSize>('WaveSize').implement({
  description: 'So many devices, or that share of all.',
  fields: (t) => ({
    count: t.float({ nullable: true, resolve: (size) => ('count' in size ? size.count : null) }),
    percentage: t.float({
      nullable: true,
      resolve: (size) => ('percentage' in size ? size.percentage : null),
    }),
  }),
})

const WaveSettingsType = builder
  .objectRef<api.CampaignSettings['waves'][number]>('WaveSettings')
  .implement({
    fields: (t) => ({
      size: t.field({ type: SizeType, resolve: ({ size }) => size }),
      successPercentage: t.exposeFloat('successPercentage'),
      soakSeconds: t.exposeFloat('soakSeconds'),
      needsApproval: t.exposeBoolean('needsApproval'),
    }),
  })

const StopRuleType = builder
  .objectRef<NonNullable<api.CampaignSettings['stopRule']>>('StopRule')
  .implement({
    fields: (t) => ({
      failurePercentage: t.exposeFloat('failurePercentage'),
      minFinished: t.exposeFloat('minFinished'),
    }),
  })

export const CampaignSettingsType = builder
  .objectRef<api.CampaignSettings>('CampaignSettings')
  .implement({
    fields: (t) => ({
      maxInProgress: t.exposeFloat('maxInProgress'),
      maxFailurePercentage: t.exposeFloat('maxFailurePercentage'),
      stopRule: t.field({
        type: StopRuleType,
        nullable: true,
        resolve: ({ stopRule }) => stopRule,
      }),
      requestRetries: t.exposeFloat('requestRetries'),
      requestTimeoutSeconds: t.exposeFloat('requestTimeoutSeconds'),
      progressTimeoutSeconds: t.exposeFloat('progressTimeoutSeconds', { nullable: true }),
      forceDowngrade: t.exposeBoolean('forceDowngrade'),
      waves: t.field({
        type: [WaveSettingsType],
        complexity: { field: 1, multiplier: 3 },
        resolve: ({ waves }) => waves,
      }),
      windows: t.exposeString('windows'),
      windowAttribute: t.exposeString('windowAttribute', { nullable: true }),
      isDynamic: t.exposeBoolean('isDynamic'),
      rollsBackOnStop: t.exposeBoolean('rollsBackOnStop'),
    }),
  })

export const WaveType = builder.objectRef<api.Wave>('Wave').implement({
  fields: (t) => ({
    size: t.exposeInt('size'),
    asked: t.exposeInt('asked'),
    successful: t.exposeInt('successful'),
    failed: t.exposeInt('failed'),
    skipped: t.exposeInt('skipped'),
    openedAt: t.expose('openedAt', { type: 'DateTime', nullable: true }),
    passedAt: t.expose('passedAt', { type: 'DateTime', nullable: true }),
    approvedAt: t.expose('approvedAt', { type: 'DateTime', nullable: true }),
    needsApproval: t.exposeBoolean('needsApproval'),
  }),
})

export const FirmwareUpgradeType = builder
  .objectRef<{ settings: api.CampaignSettings; releaseId: string | null }>('FirmwareUpgrade')
  .implement({
    fields: (t) => ({
      baseImage: t.field({
        type: ReleaseRef,
        nullable: true,
        resolve: ({ releaseId }, _args, { load }) =>
          releaseId === null ? null : load.release.load(releaseId),
      }),
      maxFailurePercentage: t.float({ resolve: ({ settings }) => settings.maxFailurePercentage }),
      maxInProgressOperations: t.int({ resolve: ({ settings }) => settings.maxInProgress }),
      requestRetries: t.int({ resolve: ({ settings }) => settings.requestRetries }),
      requestTimeoutSeconds: t.int({ resolve: ({ settings }) => settings.requestTimeoutSeconds }),
      forceDowngrade: t.boolean({ resolve: ({ settings }) => settings.forceDowngrade }),
    }),
  })

const WaveInput = builder.inputType('WaveSettingsInput', {
  description: 'Its size is either a count or a percentage of all.',
  fields: (t) => ({
    count: t.float(),
    percentage: t.float(),
    successPercentage: t.float(),
    soakSeconds: t.float(),
    needsApproval: t.boolean(),
  }),
})
const StopRuleInput = builder.inputType('StopRuleInput', {
  fields: (t) => ({
    failurePercentage: t.float({ required: true }),
    minFinished: t.float({ required: true }),
  }),
})
export const CampaignSettingsInput = builder.inputType('CampaignSettingsInput', {
  description: 'What is not said is as the REST API has it.',
  fields: (t) => ({
    maxInProgress: t.float(),
    maxFailurePercentage: t.float(),
    stopRule: t.field({ type: StopRuleInput, description: 'Null for none.' }),
    requestRetries: t.float(),
    requestTimeoutSeconds: t.float(),
    progressTimeoutSeconds: t.float({ description: 'Null waits without end.' }),
    forceDowngrade: t.boolean(),
    waves: t.field({ type: [WaveInput], description: '[] has none.' }),
    windows: t.string(),
    windowAttribute: t.string({ description: 'Null for none.' }),
    isDynamic: t.boolean(),
    rollsBackOnStop: t.boolean(),
  }),
})

const FirmwareUpgradeInput = builder.inputType('FirmwareUpgradeInput', {
  fields: (t) => ({
    baseImageId: t.id({ required: true, description: 'a release' }),
    maxFailurePercentage: t.float({ required: true }),
    maxInProgressOperations: t.int({ required: true }),
    requestRetries: t.int(),
    requestTimeoutSeconds: t.int(),
    forceDowngrade: t.boolean(),
  }),
})
export const CampaignMechanismInput = builder.inputType('CampaignMechanismInput', {
  fields: (t) => ({ firmwareUpgrade: t.field({ type: FirmwareUpgradeInput, required: true }) }),
})

type SettingsSaid = typeof CampaignSettingsInput.$inferInput
type MechanismSaid = typeof CampaignMechanismInput.$inferInput

/** What is said of settings in our words. */
export const settingsOf = ({ waves, ...said }: SettingsSaid): SettingsDraft => ({
  ...withoutNulls(said, 'stopRule', 'progressTimeoutSeconds', 'windowAttribute'),
  ...(waves && {
    waves: waves.map(({ count, percentage, ...wave }) => ({
      ...withoutNulls(wave),
      size: withoutNulls({ count, percentage }) as WaveSize,
    })),
  }),
})

/**
 * A campaign as Edgehog has it: all devices at once, as many at a time as may be, ended by failures alone, and one
 * that has begun is waited for without end.
 */
export function mechanismOf({ firmwareUpgrade }: MechanismSaid): {
  releaseId: string
  settings: SettingsDraft
} {
  const { baseImageId, maxInProgressOperations, ...said } = firmwareUpgrade
  return {
    releaseId: uuidOf('Release', baseImageId),
    settings: {
      ...withoutNulls(said),
      maxInProgress: maxInProgressOperations,
      waves: [],
      stopRule: null,
      progressTimeoutSeconds: null,
    },
  }
}
