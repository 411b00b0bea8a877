/** System models and hardware types. */
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
import { ProfileRef } from './profile.ts'

export const HardwareTypeRef = builder.objectRef<api.HardwareType>('HardwareType')
export const SystemModelRef = builder.objectRef<api.SystemModel>('SystemModel')

HardwareTypeRef.implement({
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('HardwareType', id) }),
    uuid: t.exposeID('id'),
    handle: t.exposeString('handle'),
    name: t.exposeString('name'),
    partNumbers: t.exposeStringList('partNumbers', { complexity: 1 }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})
SystemModelRef.implement({
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('SystemModel', id) }),
    uuid: t.exposeID('id'),
    handle: t.exposeString('handle'),
    name: t.exposeString('name'),
    partNumbers: t.exposeStringList('partNumbers', { complexity: 1 }),
    hardwareType: t.field({
      type: HardwareTypeRef,
      nullable: true,
      resolve: ({ hardwareType }, _args, { load }) =>
        hardwareType && load.hardwareType.load(hardwareType.id),
    }),
    profile: t.field({
      type: ProfileRef,
      nullable: true,
      description: 'What its devices get when they are added without a profile.',
      resolve: ({ profile }, _args, { load }) => profile && load.profile.load(profile.id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

readNodes('HardwareType', (id, { load }) => load.hardwareType.load(id))
readNodes('SystemModel', (id, { load }) => load.systemModel.load(id))

const HardwareTypeConnection = connectionType(HardwareTypeRef)
const SystemModelConnection = connectionType(SystemModelRef)

builder.queryFields((t) => ({
  hardwareTypes: t.field({
    type: HardwareTypeConnection,
    args: listArgs(),
    complexity: pageCost,
    resolve: async (_root, args, { asking }) =>
      connection(await asking.ask('listHardwareTypes', { query: pageQuery(args) })),
  }),
  hardwareType: t.field({
    type: HardwareTypeRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showHardwareType', { params: { id: uuidOf('HardwareType', id) } })),
  }),
  systemModels: t.field({
    type: SystemModelConnection,
    args: listArgs(),
    complexity: pageCost,
    resolve: async (_root, args, { asking }) =>
      connection(await asking.ask('listSystemModels', { query: pageQuery(args) })),
  }),
  systemModel: t.field({
    type: SystemModelRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showSystemModel', { params: { id: uuidOf('SystemModel', id) } })),
  }),
}))

const CreateHardwareTypeInput = builder.inputType('CreateHardwareTypeInput', {
  fields: (t) => ({
    handle: t.string({ required: true }),
    name: t.string({ required: true }),
    partNumbers: t.stringList({ required: true }),
  }),
})
const UpdateHardwareTypeInput = builder.inputType('UpdateHardwareTypeInput', {
  fields: (t) => ({ handle: t.string(), name: t.string(), partNumbers: t.stringList() }),
})
const CreateSystemModelInput = builder.inputType('CreateSystemModelInput', {
  fields: (t) => ({
    handle: t.string({ required: true }),
    name: t.string({ required: true }),
    partNumbers: t.stringList({ required: true }),
    hardwareTypeId: t.id({ description: 'It stays so for ever.' }),
    profileId: t.id(),
  }),
})
const UpdateSystemModelInput = builder.inputType('UpdateSystemModelInput', {
  fields: (t) => ({
    handle: t.string(),
    name: t.string(),
    partNumbers: t.stringList(),
    profileId: t.id({ description: 'Null for none.' }),
  }),
})

mutation('createHardwareType', {
  route: 'createHardwareType',
  result: HardwareTypeRef,
  description: 'Add a hardware type.',
  args: builder.args((t) => ({
    input: t.field({ type: CreateHardwareTypeInput, required: true }),
  })),
  run: ({ input }, { asking }) => asking.ask('createHardwareType', { body: input }),
})
mutation('updateHardwareType', {
  route: 'changeHardwareType',
  result: HardwareTypeRef,
  description: 'Change a hardware type.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateHardwareTypeInput, required: true }),
  })),
  run: ({ id, input }, { asking }) =>
    asking.ask('changeHardwareType', {
      params: { id: uuidOf('HardwareType', id) },
      body: withoutNulls(input),
    }),
})
mutation('deleteHardwareType', {
  route: 'removeHardwareType',
  result: HardwareTypeRef,
  description: 'Remove a hardware type; refused while system models are of it.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: async ({ id }, { asking }) => {
    const params = { id: uuidOf('HardwareType', id) }
    const type = await asking.ask('showHardwareType', { params })
    await asking.ask('removeHardwareType', { params })
    return type
  },
})

mutation('createSystemModel', {
  route: 'createSystemModel',
  result: SystemModelRef,
  description: 'Add a system model.',
  args: builder.args((t) => ({
    input: t.field({ type: CreateSystemModelInput, required: true }),
  })),
  run: ({ input: { hardwareTypeId, profileId, ...input } }, { asking }) =>
    asking.ask('createSystemModel', {
      body: {
        ...input,
        hardwareTypeId: hardwareTypeId ? uuidOf('HardwareType', hardwareTypeId) : undefined,
        profileId: profileId ? uuidOf('Profile', profileId) : undefined,
      },
    }),
})
mutation('updateSystemModel', {
  route: 'changeSystemModel',
  result: SystemModelRef,
  description: 'Change a system model.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateSystemModelInput, required: true }),
  })),
  run: ({ id, input: { profileId, ...input } }, { asking }) =>
    asking.ask('changeSystemModel', {
      params: { id: uuidOf('SystemModel', id) },
      body: {
        ...withoutNulls(input),
        profileId: profileId ? uuidOf('Profile', profileId) : profileId,
      },
    }),
})
mutation('deleteSystemModel', {
  route: 'removeSystemModel',
  result: SystemModelRef,
  description: 'Remove a system model.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: async ({ id }, { asking }) => {
    const params = { id: uuidOf('SystemModel', id) }
    const model = await asking.ask('showSystemModel', { params })
    await asking.ask('removeSystemModel', { params })
    return model
  },
})
