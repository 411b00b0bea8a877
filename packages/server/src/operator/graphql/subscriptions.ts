/** What changes, as it changes: word of it wakes a look at what is so now, under the same permissions as any look. */
import type * as api from '@updraft/api/shapes'
import type { Asking } from '../asking.ts'
import type { Word } from '../watches.ts'
import { builder, type ObjectRef, type SchemaTypes } from './builder.ts'
import { CampaignRef, type TargetOf, TargetRef } from './campaign.ts'
import type { GraphqlContext } from './context.ts'
import { DeviceRef } from './device-ref.ts'
import { globalId, uuidOf } from './ids.ts'
import { orNull } from './nodes.ts'
import { OperationRef } from './operation.ts'

/** Whichever happened. */
interface Change<T> {
  readonly created?: T | null
  readonly updated?: T | null
  readonly destroyed?: string
  readonly missed?: boolean
}

const changeType = <T>(of: ObjectRef<SchemaTypes, T, T>, name: string) =>
  builder.objectRef<Change<T>>(`${name}Change`).implement({
    description: 'Whichever happened.',
    fields: (t) => ({
      created: t.field({
        type: of,
        nullable: true,
        resolve: ({ created }) => (created ?? null) as never,
      }),
      updated: t.field({
        type: of,
        nullable: true,
        resolve: ({ updated }) => (updated ?? null) as never,
      }),
      destroyed: t.id({ nullable: true, resolve: ({ destroyed }) => destroyed ?? null }),
      missed: t.boolean({
        description: 'More happened than is told one by one: read anew.',
        resolve: ({ missed }) => missed ?? false,
      }),
    }),
  })

const CampaignChange = changeType(CampaignRef, 'Campaign')
const TargetChange = changeType(TargetRef, 'CampaignTarget')
const OperationChange = changeType(OperationRef, 'Operation')
const DeviceChange = changeType(DeviceRef, 'Device')

const isOf = (word: Word, room: string) => word.kind.startsWith(`${room}.`)
const isMissed = (words: readonly Word[]) => words.some(({ kind }) => kind === 'missed')

/** Its counts move with each of its devices; told is only what differs from what was told last. */
async function campaignChanges(id: string, { asking, listen }: GraphqlContext) {
  const words = listen(
    (word) => isOf(word, 'operation') || (isOf(word, 'campaign') && word.subjectId === id),
  )
  const ask = () => asking.ask('showCampaign', { params: { id } })
  let told = JSON.stringify(await ask())
  return (async function* () {
    for await (const _ of words) {
      const now = await orNull(ask())
      if (!now) {
        yield { destroyed: globalId('Campaign', id) }
        return
      }
      const text = JSON.stringify(now)
      if (text !== told) yield { updated: now }
      told = text
    }
  })()
}

const MAX_TARGETS = 500

async function targetChanges(campaignId: string, { asking, listen, targetsOf }: GraphqlContext) {
  const words = listen((word) => isOf(word, 'operation') || word.subjectId === campaignId)
  await asking.ask('showCampaign', { params: { id: campaignId } })
  return (async function* () {
    for await (const batch of words) {
      const deviceIds = [...new Set(batch.flatMap(({ deviceId }) => deviceId ?? []))]
      const isTooMuch = isMissed(batch) || deviceIds.length > MAX_TARGETS
      // What a move of the whole campaign does to its targets is read by who shows them.
      if (isTooMuch || batch.some((word) => isOf(word, 'campaign'))) yield { missed: true }
      if (isTooMuch || deviceIds.length === 0) continue
      const targets = await asking.under('listTargets', () => targetsOf(campaignId, deviceIds))
      for (const target of targets) {
        const updated: TargetOf = { ...target, campaignId }
        yield { updated }
      }
    }
  })()
}

async function* operationChanges(words: AsyncIterable<readonly Word[]>, asking: Asking) {
  for await (const batch of words) {
    if (isMissed(batch)) yield { missed: true }
    const opened = new Set(
      batch.filter(({ kind }) => kind === 'operation.opened').map(({ subjectId }) => subjectId),
    )
    const ids = batch.filter(({ kind }) => kind !== 'missed').map(({ subjectId }) => subjectId)
    for (const id of new Set(ids)) {
      const operation: api.Operation | null = await orNull(
        asking.ask('showOperation', { params: { id } }),
      )
      if (operation) yield opened.has(id) ? { created: operation } : { updated: operation }
    }
  }
}

async function* deviceChanges(words: AsyncIterable<readonly Word[]>, { load }: GraphqlContext) {
  for await (const batch of words) {
    if (isMissed(batch)) yield { missed: true }
    const kinds = Map.groupBy(batch, ({ deviceId }) => deviceId)
    const ids = [...kinds.keys()].filter((id) => id !== null)
    const devices = await Promise.all(ids.map((id) => load.device.load(id)))
    for (const [index, id] of ids.entries()) {
      const device = devices[index]
      const isNew = kinds.get(id)?.some(({ kind }) => CREATED.has(kind))
      if (!device) yield { destroyed: globalId('Device', id) }
      else yield isNew ? { created: device } : { updated: device }
    }
  }
}
const CREATED: ReadonlySet<string> = new Set(['device.created', 'device.enrolled'])

builder.subscriptionFields((t) => ({
  campaign: t.field({
    type: CampaignChange,
    description: 'A campaign with its counts, also when only one of its devices went on.',
    args: { id: t.arg.id({ required: true }) },
    subscribe: (_root, { id }, context) => campaignChanges(uuidOf('Campaign', id), context),
    resolve: (change) => change as Change<api.Campaign>,
  }),
  campaignTargets: t.field({
    type: TargetChange,
    description: 'The targets of a campaign whose updates go on.',
    args: { campaignId: t.arg.id({ required: true }) },
    subscribe: (_root, { campaignId }, context) =>
      targetChanges(uuidOf('Campaign', campaignId), context),
    resolve: (change) => change as Change<TargetOf>,
  }),
  operation: t.field({
    type: OperationChange,
    args: { id: t.arg.id({ required: true }) },
    subscribe: async (_root, { id }, context) => {
      const wanted = uuidOf('Operation', id)
      const { asking, listen } = context
      const words = listen((word) => isOf(word, 'operation') && word.subjectId === wanted)
      await asking.ask('showOperation', { params: { id: wanted } })
      return operationChanges(words, asking)
    },
    resolve: (change) => change as Change<api.Operation>,
  }),
  operations: t.field({
    type: OperationChange,
    description: 'The operations of a device.',
    args: { deviceId: t.arg.id({ required: true }) },
    subscribe: async (_root, { deviceId }, context) => {
      const wanted = uuidOf('Device', deviceId)
      const { asking, listen } = context
      const words = listen((word) => isOf(word, 'operation') && word.deviceId === wanted)
      await asking.ask('showDevice', { params: { id: wanted } })
      return operationChanges(words, asking)
    },
    resolve: (change) => change as Change<api.Operation>,
  }),
  deviceChanged: t.field({
    type: DeviceChange,
    description: 'Devices of which something changed: all of them, or some.',
    args: { ids: t.arg.idList() },
    subscribe: async (_root, { ids }, context) => {
      const wanted = ids ? new Set(ids.map((id) => uuidOf('Device', id))) : null
      return context.asking.under('liveEvents', async () => {
        const isWanted = (id: string | null) => id !== null && (wanted === null || wanted.has(id))
        return deviceChanges(
          context.listen(({ deviceId }) => isWanted(deviceId)),
          context,
        )
      })
    },
    resolve: (change) => change as Change<api.Device>,
  }),
}))
