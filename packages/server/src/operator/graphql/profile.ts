/** Profiles. */
import type * as api from '@updraft/api/shapes'
import { builder } from './builder.ts'
import { connection, connectionType, listArgs, pageCost, pageQuery } from './connections.ts'
import { globalId, uuidOf } from './ids.ts'
import { NodeInterface, orNull, readNodes } from './nodes.ts'
import { ReleaseRef } from './release-ref.ts'

export const ProfileRef = builder.objectRef<api.Profile>('Profile')

interface Assigned {
  readonly type: string
  readonly releaseId: string | null
}
const AssignedRelease = builder.objectRef<Assigned>('ProfileAssignment').implement({
  fields: (t) => ({
    type: t.exposeString('type', { description: 'component type' }),
    release: t.field({
      type: ReleaseRef,
      nullable: true,
      resolve: ({ releaseId }, _args, { load }) =>
        releaseId ? load.release.load(releaseId) : null,
    }),
  }),
})

ProfileRef.implement({
  description: 'What devices have in common that run the same releases.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Profile', id) }),
    uuid: t.exposeID('id'),
    name: t.exposeString('name'),
    description: t.exposeString('description', { nullable: true }),
    deviceCount: t.exposeInt('deviceCount'),
    assignments: t.field({
      type: [AssignedRelease],
      description: 'What is assigned to all of its devices, by component type.',
      complexity: { field: 1, multiplier: 2 },
      resolve: ({ assignments }) =>
        Object.entries(assignments).map(([type, { id }]) => ({ type, releaseId: id })),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

readNodes('Profile', (id, { load }) => load.profile.load(id))

const ProfileConnection = connectionType(ProfileRef)

builder.queryFields((t) => ({
  profiles: t.field({
    type: ProfileConnection,
    args: listArgs(),
    complexity: pageCost,
    resolve: async (_root, args, { asking }) =>
      connection(await asking.ask('listProfiles', { query: pageQuery(args) })),
  }),
  profile: t.field({
    type: ProfileRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showProfile', { params: { id: uuidOf('Profile', id) } })),
  }),
}))
