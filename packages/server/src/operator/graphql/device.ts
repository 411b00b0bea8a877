/** Devices. */
import type * as api from '@updraft/api/shapes'
import type { Json } from '@updraft/core'
import { builder } from './builder.ts'
import {
  connection,
  connectionType,
  listArgs,
  pageArgs,
  pageCost,
  pageQuery,
  withoutNulls,
} from './connections.ts'
import { DeviceRef } from './device-ref.ts'
import { GroupRef } from './group.ts'
import { globalId, uuidOf } from './ids.ts'
import { HardwareTypeRef, SystemModelRef } from './model.ts'
import { mutation } from './mutation.ts'
import { NodeInterface, orNull, readNodes } from './nodes.ts'
import { OperationConnection, OperationRef } from './operation.ts'
import { ProfileRef } from './profile.ts'
import { ReasonType } from './reason.ts'
import { ReleaseRef } from './release-ref.ts'
import { StateEnum } from './words.ts'

interface OfType<T> {
  readonly type: string
  readonly its: T
}

const InstalledType = builder.objectRef<OfType<api.Installed>>('Installed').implement({
  fields: (t) => ({
    type: t.exposeString('type', { description: 'component type' }),
    title: t.string({ nullable: true, resolve: ({ its }) => its.title }),
    version: t.string({ nullable: true, resolve: ({ its }) => its.version }),
  }),
})

const ComponentType = builder.objectRef<OfType<api.Component>>('Component').implement({
  description: 'What is so of one component type of a device.',
  fields: (t) => ({
    type: t.exposeString('type'),
    installed: t.field({
      type: InstalledType,
      nullable: true,
      resolve: ({ type, its: { installed } }) => installed && { type, its: installed },
    }),
    target: t.field({
      type: ReleaseRef,
      nullable: true,
      description: 'The release meant for it.',
      resolve: ({ its: { target } }, _args, { load }) =>
        target?.id ? load.release.load(target.id) : null,
    }),
    verdict: t.string({
      description: 'offer, under-way or nothing',
      resolve: ({ its }) => its.verdict,
    }),
    reason: t.field({ type: ReasonType, resolve: ({ its }) => its.reason }),
    operation: t.field({
      type: OperationRef,
      nullable: true,
      description: 'Under way, or else the last one.',
      resolve: ({ its }) => its.operation,
    }),
  }),
})

const each = <T>(byType: Readonly<Record<string, T>>): OfType<T>[] =>
  Object.entries(byType).map(([type, its]) => ({ type, its }))

const PairingType = builder.objectRef<Omit<api.Pairing, 'cancelling'>>('Pairing').implement({
  description: 'What a device is to Astarte.',
  fields: (t) => ({
    astarteId: t.exposeString('astarteId', { description: 'the device id of Astarte' }),
    status: t.exposeString('status', { description: 'pending, confirmed or inhibited' }),
    isConnected: t.exposeBoolean('isConnected'),
    connectedAt: t.expose('connectedAt', { type: 'DateTime', nullable: true }),
    disconnectedAt: t.expose('disconnectedAt', { type: 'DateTime', nullable: true }),
    lastAddress: t.exposeString('lastAddress', { nullable: true }),
    interfaces: t.field({
      type: 'JSON',
      description: 'Those it says it speaks, each with its version.',
      resolve: ({ interfaces }) => interfaces,
    }),
  }),
})

DeviceRef.implement({
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Device', id) }),
    uuid: t.exposeID('id'),
    name: t.exposeString('name'),
    profile: t.field({
      type: ProfileRef,
      nullable: true,
      resolve: ({ profileId }, _args, { load }) => load.profile.load(profileId),
    }),
    customer: t.exposeString('customer', {
      nullable: true,
      description: 'Who owns it; null for the tenant itself.',
    }),
    cloud: t.exposeString('cloud', { nullable: true }),
    systemModel: t.field({
      type: SystemModelRef,
      nullable: true,
      resolve: ({ systemModel }, _args, { load }) =>
        systemModel && load.systemModel.load(systemModel.id),
    }),
    hardwareType: t.field({
      type: HardwareTypeRef,
      nullable: true,
      resolve: ({ hardwareType }, _args, { load }) =>
        hardwareType && load.hardwareType.load(hardwareType.id),
    }),
    labels: t.exposeStringList('labels', { complexity: 1 }),
    attributes: t.field({ type: 'JSON', resolve: ({ attributes }) => attributes }),
    inventory: t.field({
      type: 'JSON',
      description: 'What it tells of itself.',
      resolve: ({ inventory }) => inventory,
    }),
    installed: t.field({
      type: [InstalledType],
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ installed }) => each(installed),
    }),
    components: t.field({
      type: [ComponentType],
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ components }) => each(components),
    }),
    groups: t.field({
      type: [GroupRef],
      nullable: true,
      description: 'Those that hold it now; null to who may not see groups.',
      complexity: { field: 5, multiplier: 3 },
      resolve: async ({ id }, _args, { load }) => [...((await load.groupsOfDevice.load(id)) ?? [])],
    }),
    pairing: t.field({
      type: PairingType,
      nullable: true,
      description: 'What it is to Astarte; null for a device of another kind.',
      resolve: ({ id }, _args, { load }) => load.pairing.load(id),
    }),
    dialect: t.exposeString('dialect', { nullable: true, description: 'The language it speaks.' }),
    registeredAs: t.exposeString('registeredAs', { nullable: true }),
    lastSeenAt: t.expose('lastSeenAt', { type: 'DateTime', nullable: true }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    operation: t.field({
      type: OperationRef,
      nullable: true,
      description: 'Under way, or else the last one, of any type.',
      resolve: ({ operation }) => operation,
    }),
    operations: t.field({
      type: OperationConnection,
      description: 'All of them, newest first.',
      args: pageArgs(),
      complexity: (args) => ({ ...pageCost(args), field: 20 }),
      resolve: async ({ id }, args, { asking }) =>
        connection(
          await asking.ask('listDeviceOperations', { params: { id }, query: pageQuery(args) }),
        ),
    }),
  }),
})

readNodes('Device', (id, { load }) => load.device.load(id))

const DeviceConnection = connectionType(DeviceRef, { isCounted: true })
const LabelType = builder.objectRef<{ label: string; devices: number }>('LabelCount').implement({
  fields: (t) => ({ label: t.exposeString('label'), devices: t.exposeInt('devices') }),
})

builder.queryFields((t) => ({
  devices: t.field({
    type: DeviceConnection,
    args: {
      ...listArgs(),
      filter: t.arg.string({ description: 'CEL that holds for them, as groups have it' }),
      name: t.arg.string({ description: 'exactly this name' }),
      profile: t.arg.string({ description: 'name of the profile' }),
      customer: t.arg.string({ description: 'name of the customer who owns it' }),
      cloud: t.arg.string({ description: 'name of the cloud that serves it' }),
      label: t.arg.string(),
      states: t.arg({
        type: [StateEnum],
        description: 'of its newest operation, of any type',
      }),
      releaseId: t.arg.id({ description: 'what that operation is about' }),
    },
    complexity: pageCost,
    resolve: async (_root, { releaseId, states, ...args }, { asking }) => {
      const { limit, cursor, sort, ...said } = pageQuery(args)
      const filter = {
        ...said,
        releaseId: releaseId ? uuidOf('Release', releaseId) : undefined,
        state: states?.length ? states.join(',') : undefined,
      }
      return connection(
        await asking.ask('listDevices', { query: { ...filter, limit, cursor, sort } }),
        async () => (await asking.ask('countDevices', { query: filter })).count,
      )
    },
  }),
  device: t.field({
    type: DeviceRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showDevice', { params: { id: uuidOf('Device', id) } })),
  }),
  labels: t.field({
    type: [LabelType],
    description: 'What devices are labelled with, and how many with each.',
    resolve: async (_root, _args, { asking }) => (await asking.ask('listLabels', {})).items,
  }),
}))

builder.objectField(GroupRef, 'devices', (t) =>
  t.field({
    type: DeviceConnection,
    description: 'Those it holds now.',
    args: listArgs(),
    complexity: (args) => ({ ...pageCost(args), field: 20 }),
    resolve: async ({ id }, args, { asking }) =>
      connection(
        await asking.ask('listDevicesOfGroup', { params: { id }, query: pageQuery(args) }),
        async () => (await asking.ask('showGroup', { params: { id } })).deviceCount,
      ),
  }),
)

const UpdateDeviceInput = builder.inputType('UpdateDeviceInput', {
  fields: (t) => ({
    name: t.string(),
    profileId: t.id(),
    labels: t.stringList({ description: 'Replaces what there is.' }),
    attributes: t.field({ type: 'JSON', description: 'Replaces what there is.' }),
  }),
})

mutation('updateDevice', {
  route: 'changeDevice',
  result: DeviceRef,
  description: 'Change name, profile, labels or attributes.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateDeviceInput, required: true }),
  })),
  run: ({ id, input: { profileId, attributes, ...input } }, { asking }) =>
    asking.ask('changeDevice', {
      params: { id: uuidOf('Device', id) },
      body: {
        ...withoutNulls(input),
        profileId: profileId ? uuidOf('Profile', profileId) : undefined,
        attributes: (attributes ?? undefined) as Record<string, Json> | undefined,
      },
    }),
})

const DeviceTagsInput = builder.inputType('DeviceTagsInput', {
  fields: (t) => ({ tags: t.stringList({ required: true }) }),
})
const changeLabels = (
  name: string,
  description: string,
  to: (has: string[], tags: string[]) => string[],
) =>
  mutation(name, {
    route: 'changeDevice',
    result: DeviceRef,
    description,
    args: builder.args((t) => ({
      id: t.id({ required: true }),
      input: t.field({ type: DeviceTagsInput, required: true }),
    })),
    run: ({ id, input: { tags } }, { asking }) => {
      const params = { id: uuidOf('Device', id) }
      return asking.change(
        { name: 'showDevice', input: { params } },
        {
          name: 'changeDevice',
          input: ({ labels }) => ({ params, body: { labels: to(labels, tags) } }),
        },
      )
    },
  })
changeLabels('addDeviceTags', 'Label a device with these as well.', (has, tags) => [
  ...new Set([...has, ...tags]),
])
changeLabels('removeDeviceTags', 'Take these labels off a device.', (has, tags) =>
  has.filter((label) => !tags.includes(label)),
)
