/** Groups and channels. */
import type * as api from '@updraft/api/shapes'
import { builder } from './builder.ts'
import {
  connection,
  connectionType,
  listArgs,
  pageCost,
  pageQuery,
  withoutNulls,
} from './connections.ts'
import { globalId, uuidOf } from './ids.ts'
import { mutation } from './mutation.ts'
import { NodeInterface, orNull, readNodes } from './nodes.ts'

export const GroupRef = builder.objectRef<api.Group>('Group')
export const ChannelRef = builder.objectRef<api.Channel>('Channel')

GroupRef.implement({
  description: 'Devices for which an expression holds, whenever it is asked.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Group', id) }),
    uuid: t.exposeID('id'),
    handle: t.exposeString('handle'),
    name: t.exposeString('name'),
    expression: t.exposeString('expression', { description: 'CEL' }),
    channel: t.field({
      type: ChannelRef,
      nullable: true,
      resolve: ({ channel }, _args, { load }) => channel && load.channel.load(channel.id),
    }),
    deviceCount: t.int({
      description: 'How many devices it holds now.',
      complexity: 50,
      resolve: async ({ id }, _args, { asking }) =>
        (await asking.ask('showGroup', { params: { id } })).deviceCount,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

ChannelRef.implement({
  description: 'Groups that campaigns go to together.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Channel', id) }),
    uuid: t.exposeID('id'),
    handle: t.exposeString('handle'),
    name: t.exposeString('name'),
    groups: t.field({
      type: [GroupRef],
      resolve: async ({ groups }, _args, { load }) => {
        const found = await Promise.all(groups.map(({ id }) => load.group.load(id)))
        return found.flatMap((group) => group ?? [])
      },
    }),
    deviceCount: t.int({
      description: 'How many devices it holds now.',
      complexity: 50,
      resolve: async ({ id }, _args, { asking }) =>
        (await asking.ask('showChannel', { params: { id } })).deviceCount,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

readNodes('Group', (id, { load }) => load.group.load(id))
readNodes('Channel', (id, { load }) => load.channel.load(id))

const GroupConnection = connectionType(GroupRef)
const ChannelConnection = connectionType(ChannelRef)

builder.queryFields((t) => ({
  groups: t.field({
    type: GroupConnection,
    args: listArgs(),
    complexity: pageCost,
    resolve: async (_root, args, { asking }) =>
      connection(await asking.ask('listGroups', { query: pageQuery(args) })),
  }),
  group: t.field({
    type: GroupRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showGroup', { params: { id: uuidOf('Group', id) } })),
  }),
  channels: t.field({
    type: ChannelConnection,
    args: listArgs(),
    complexity: pageCost,
    resolve: async (_root, args, { asking }) =>
      connection(await asking.ask('listChannels', { query: pageQuery(args) })),
  }),
  channel: t.field({
    type: ChannelRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showChannel', { params: { id: uuidOf('Channel', id) } })),
  }),
}))

const CreateGroupInput = builder.inputType('CreateGroupInput', {
  fields: (t) => ({
    handle: t.string({ required: true }),
    name: t.string({ required: true }),
    expression: t.string({ required: true, description: 'CEL' }),
  }),
})
const UpdateGroupInput = builder.inputType('UpdateGroupInput', {
  fields: (t) => ({
    handle: t.string(),
    name: t.string(),
    expression: t.string({ description: 'CEL' }),
  }),
})

mutation('createGroup', {
  route: 'createGroup',
  result: GroupRef,
  description: 'Add a group.',
  args: builder.args((t) => ({ input: t.field({ type: CreateGroupInput, required: true }) })),
  run: ({ input }, { asking }) => asking.ask('createGroup', { body: input }),
})
mutation('updateGroup', {
  route: 'changeGroup',
  result: GroupRef,
  description: 'Change a group.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateGroupInput, required: true }),
  })),
  run: ({ id, input }, { asking }) =>
    asking.ask('changeGroup', {
      params: { id: uuidOf('Group', id) },
      body: withoutNulls(input),
    }),
})
mutation('deleteGroup', {
  route: 'removeGroup',
  result: GroupRef,
  description: 'Remove a group.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: async ({ id }, { asking }) => {
    const params = { id: uuidOf('Group', id) }
    const group = await asking.ask('showGroup', { params })
    await asking.ask('removeGroup', { params })
    return group
  },
})

const CreateChannelInput = builder.inputType('CreateChannelInput', {
  fields: (t) => ({
    handle: t.string({ required: true }),
    name: t.string({ required: true }),
    groupIds: t.idList(),
  }),
})
const UpdateChannelInput = builder.inputType('UpdateChannelInput', {
  fields: (t) => ({
    handle: t.string(),
    name: t.string(),
    groupIds: t.idList({ description: 'Replaces what there is; stays when absent.' }),
  }),
})

const channelOf = <Said extends { groupIds?: string[] | null | undefined }>(input: Said) => ({
  ...withoutNulls(input),
  groupIds: input.groupIds?.map((id) => uuidOf('Group', id)),
})

mutation('createChannel', {
  route: 'createChannel',
  result: ChannelRef,
  description: 'Add a channel.',
  args: builder.args((t) => ({ input: t.field({ type: CreateChannelInput, required: true }) })),
  run: ({ input }, { asking }) => asking.ask('createChannel', { body: channelOf(input) }),
})
mutation('updateChannel', {
  route: 'changeChannel',
  result: ChannelRef,
  description: 'Change a channel.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateChannelInput, required: true }),
  })),
  run: ({ id, input }, { asking }) =>
    asking.ask('changeChannel', {
      params: { id: uuidOf('Channel', id) },
      body: channelOf(input),
    }),
})
mutation('deleteChannel', {
  route: 'removeChannel',
  result: ChannelRef,
  description: 'Remove a channel; its groups stay.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: async ({ id }, { asking }) => {
    const params = { id: uuidOf('Channel', id) }
    const channel = await asking.ask('showChannel', { params })
    await asking.ask('removeChannel', { params })
    return channel
  },
})
