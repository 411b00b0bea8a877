/** Campaigns and their targets. */
import type * as api from '@updraft/api/shapes'
import type { Asking } from '../asking.ts'
import { builder } from './builder.ts'
import { CampaignSettingsType, FirmwareUpgradeType, WaveType } from './campaign-settings.ts'
import { connection, connectionType, listArgs, pageCost, pageQuery } from './connections.ts'
import { DeviceRef } from './device-ref.ts'
import { ChannelRef, GroupRef } from './group.ts'
import { globalId, uuidOf } from './ids.ts'
import { NodeInterface, orNull, readNodes } from './nodes.ts'
import { ReasonType } from './reason.ts'
import { ReleaseRef } from './release-ref.ts'
import {
  CampaignOutcomeEnum,
  CampaignStatusEnum,
  EdgehogStatusEnum,
  edgehogStatusOf,
  StateEnum,
  statusCodeOf,
  TargetStatusEnum,
} from './words.ts'

export const CampaignRef = builder.objectRef<api.Campaign>('Campaign')

/** A target with the campaign it is one of. */
export type TargetOf = api.Target & { readonly campaignId: string }
export const TargetRef = builder.objectRef<TargetOf>('CampaignTarget')

const TargetOperation = builder
  .objectRef<NonNullable<api.Target['operation']> & Pick<api.Target, 'reason'>>(
    'CampaignTargetOperation',
  )
  .implement({
    description: 'How the update of a target stands; all of it is `operation(id:)`.',
    fields: (t) => ({
      id: t.id({ resolve: ({ id }) => globalId('Operation', id) }),
      uuid: t.exposeID('id'),
      state: t.field({ type: StateEnum, resolve: ({ state }) => state }),
      edgehogStatus: t.field({
        type: EdgehogStatusEnum,
        resolve: edgehogStatusOf,
      }),
      statusCode: t.string({
        nullable: true,
        description: 'Why it failed in the words of Edgehog.',
        resolve: statusCodeOf,
      }),
      progress: t.exposeFloat('progress', { description: 'percent' }),
      error: t.exposeString('error', { nullable: true }),
    }),
  })

TargetRef.implement({
  description: 'One device of a campaign.',
  fields: (t) => ({
    id: t.id({
      resolve: ({ campaignId, device }) => globalId('CampaignTarget', `${campaignId}/${device.id}`),
    }),
    status: t.field({ type: TargetStatusEnum, resolve: ({ status }) => status }),
    reason: t.field({
      type: ReasonType,
      description: 'Why it is so: also for what failed before there was an operation.',
      resolve: ({ reason }) => reason,
    }),
    device: t.field({
      type: DeviceRef,
      nullable: true,
      description: 'Null once it was removed.',
      resolve: ({ device }, _args, { load }) => load.device.load(device.id),
    }),
    deviceName: t.string({ nullable: true, resolve: ({ device }) => device.name }),
    wave: t.int({
      nullable: true,
      description: 'From 1; null before its turn.',
      resolve: ({ wave }) => wave,
    }),
    retryCount: t.int({
      description: 'How often it was asked again or began again.',
      resolve: ({ operation }) => operation?.retries ?? 0,
    }),
    askedAt: t.expose('askedAt', { type: 'DateTime', nullable: true }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true }),
    operation: t.field({
      type: TargetOperation,
      nullable: true,
      resolve: ({ operation, reason }) => operation && { ...operation, reason },
    }),
  }),
})

const TargetConnection = connectionType(TargetRef, { isCounted: true })

CampaignRef.implement({
  description: 'One release for many devices.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Campaign', id) }),
    uuid: t.exposeID('id'),
    name: t.exposeString('name'),
    status: t.field({ type: CampaignStatusEnum, resolve: ({ status }) => status }),
    outcome: t.field({
      type: CampaignOutcomeEnum,
      nullable: true,
      resolve: ({ outcome }) => outcome,
    }),
    reason: t.field({
      type: ReasonType,
      description: 'Why it is as it is.',
      resolve: ({ reason }) => reason,
    }),
    gate: t.field({
      type: ReasonType,
      nullable: true,
      description: 'Why no more devices are asked right now; null when they are.',
      resolve: ({ gate }) => gate,
    }),
    release: t.field({
      type: ReleaseRef,
      nullable: true,
      description: 'Null once it was removed.',
      resolve: ({ release: { id } }, _args, { load }) =>
        id === null ? null : load.release.load(id),
    }),
    title: t.string({ resolve: ({ release }) => release.title }),
    version: t.string({ resolve: ({ release }) => release.version }),
    type: t.exposeString('type', { description: 'component type' }),
    channel: t.field({
      type: ChannelRef,
      nullable: true,
      description: 'Whom it is for, where that is a channel.',
      resolve: ({ audience }, _args, { load }) =>
        'channelId' in audience ? load.channel.load(audience.channelId) : null,
    }),
    groups: t.field({
      type: [GroupRef],
      description: 'Whom it is for, where that are groups.',
      resolve: async ({ audience }, _args, { load }) => {
        if (!('groupIds' in audience)) return []
        const groups = await Promise.all(audience.groupIds.map((id) => load.group.load(id)))
        return groups.flatMap((group) => group ?? [])
      },
    }),
    expression: t.string({
      nullable: true,
      description: 'Whom it is for, where that is an expression.',
      resolve: ({ audience }) => ('expression' in audience ? audience.expression : null),
    }),
    settings: t.field({ type: CampaignSettingsType, resolve: ({ settings }) => settings }),
    campaignMechanism: t.field({
      type: FirmwareUpgradeType,
      description: 'The settings in the words of Edgehog.',
      resolve: ({ settings, release }) => ({ settings, releaseId: release.id }),
    }),
    waves: t.field({
      type: [WaveType],
      complexity: { field: 1, multiplier: 3 },
      resolve: ({ waves }) => waves,
    }),
    canApprove: t.exposeBoolean('canApprove', { description: 'A wave waits for a person.' }),
    totalTargetCount: t.int({ resolve: ({ total }) => total }),
    idleTargetCount: t.int({ resolve: ({ tally }) => tally.idle }),
    inProgressTargetCount: t.int({ resolve: ({ tally }) => tally['in-progress'] }),
    successfulTargetCount: t.int({ resolve: ({ tally }) => tally.successful }),
    failedTargetCount: t.int({ resolve: ({ tally }) => tally.failed }),
    skippedTargetCount: t.int({
      description: 'Those that were not asked, as there was nothing to do or it does not fit.',
      resolve: ({ tally }) => tally.skipped,
    }),
    targets: t.field({
      type: TargetConnection,
      args: {
        ...listArgs(),
        statuses: t.arg({ type: [TargetStatusEnum] }),
        wave: t.arg.int({ description: 'from 1' }),
      },
      complexity: (args) => ({ ...pageCost(args), field: 10 }),
      resolve: ({ id }, args, context) => targets(id, args, context.asking),
    }),
    createdBy: t.exposeString('createdBy'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    scheduledAt: t.expose('scheduledAt', { type: 'DateTime', nullable: true }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    finishedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
  }),
})

interface TargetArgs {
  first?: number | null | undefined
  after?: string | null | undefined
  sort?: string | null | undefined
  search?: string | null | undefined
  statuses?: readonly api.TargetStatus[] | null | undefined
  wave?: number | null | undefined
}

async function targets(campaignId: string, { statuses, ...args }: TargetArgs, asking: Asking) {
  const params = { id: campaignId }
  const status = statuses?.length ? statuses.join(',') : undefined
  const page = await asking.ask('listTargets', { params, query: { ...pageQuery(args), status } })
  const items = page.items.map((target): TargetOf => ({ ...target, campaignId }))
  return connection({ ...page, items }, async () => {
    const { tally } = await asking.ask('showCampaign', { params })
    const wanted = statuses?.length ? statuses : (Object.keys(tally) as api.TargetStatus[])
    return wanted.reduce((sum, each) => sum + tally[each], 0)
  })
}

readNodes('Campaign', (id, { asking }) => asking.ask('showCampaign', { params: { id } }))

const CampaignConnection = connectionType(CampaignRef)

builder.queryFields((t) => ({
  campaigns: t.field({
    type: CampaignConnection,
    args: {
      ...listArgs(),
      name: t.arg.string({ description: 'exactly this name' }),
      statuses: t.arg({ type: [CampaignStatusEnum] }),
      outcome: t.arg({ type: CampaignOutcomeEnum }),
      releaseId: t.arg.id(),
      channelId: t.arg.id(),
      deviceId: t.arg.id({ description: 'those this device is a target of' }),
    },
    complexity: pageCost,
    resolve: async (_root, { statuses, releaseId, channelId, deviceId, ...args }, { asking }) =>
      connection(
        await asking.ask('listCampaigns', {
          query: {
            ...pageQuery(args),
            status: statuses?.length ? statuses.join(',') : undefined,
            releaseId: releaseId ? uuidOf('Release', releaseId) : undefined,
            channelId: channelId ? uuidOf('Channel', channelId) : undefined,
            deviceId: deviceId ? uuidOf('Device', deviceId) : undefined,
          },
        }),
      ),
  }),
  campaign: t.field({
    type: CampaignRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showCampaign', { params: { id: uuidOf('Campaign', id) } })),
  }),
  campaignTargets: t.field({
    type: TargetConnection,
    description: 'The targets of a campaign.',
    args: {
      campaignId: t.arg.id({ required: true }),
      ...listArgs(),
      statuses: t.arg({ type: [TargetStatusEnum] }),
      wave: t.arg.int({ description: 'from 1' }),
    },
    complexity: (args) => ({ ...pageCost(args), field: 10 }),
    resolve: (_root, { campaignId, ...args }, { asking }) =>
      targets(uuidOf('Campaign', campaignId), args, asking),
  }),
}))
