/** Releases, and packages, which are all releases of one title. */
import { DomainError } from '@updraft/core'
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
import type { GraphqlContext } from './context.ts'
import { globalId, readGlobalId, uuidOf } from './ids.ts'
import { mutation } from './mutation.ts'
import { NodeInterface, orNull, readNodes } from './nodes.ts'
import { ProfileRef } from './profile.ts'
import { PackageRef, ReleaseRef } from './release-ref.ts'

ReleaseRef.implement({
  description: 'One version of a package, made for the devices of one profile.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Release', id) }),
    uuid: t.exposeID('id'),
    title: t.exposeString('title'),
    version: t.exposeString('version'),
    type: t.exposeString('type', { description: 'component type' }),
    profile: t.field({
      type: ProfileRef,
      nullable: true,
      resolve: ({ profileId }, _args, { load }) => load.profile.load(profileId),
    }),
    tag: t.exposeString('tag', { nullable: true }),
    description: t.exposeString('description', { nullable: true }),
    checksumAlgorithm: t.exposeString('checksumAlgorithm', { nullable: true }),
    checksum: t.exposeString('checksum', { nullable: true }),
    sizeBytes: t.float({ nullable: true, resolve: ({ sizeBytes }) => sizeBytes }),
    sha256: t.exposeString('sha256', { nullable: true }),
    fileName: t.exposeString('fileName', { nullable: true }),
    contentType: t.exposeString('contentType', { nullable: true }),
    url: t.exposeString('url', {
      nullable: true,
      description: 'Where devices fetch it, when it is not kept here.',
    }),
    requirement: t.exposeString('requirement', {
      nullable: true,
      description: 'Which versions it may start from.',
    }),
    needs: t.field({
      type: 'JSON',
      description: 'What other components have to run for it, by type: {"image": ">= 24.10"}.',
      resolve: ({ needs }) => needs,
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
})

readNodes('Release', (id, { load }) => load.release.load(id))

const ReleaseConnection = connectionType(ReleaseRef)

PackageRef.implement({
  description: 'All releases of one title.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ title }) => globalId('Package', title) }),
    title: t.exposeString('title'),
    releaseCount: t.int({ resolve: ({ releases }) => releases }),
    latestAt: t.expose('latestAt', {
      type: 'DateTime',
      description: 'When the newest release was added.',
    }),
    releases: t.field({
      type: ReleaseConnection,
      args: pageArgs(),
      complexity: pageCost,
      resolve: async ({ title }, args, { asking }) =>
        connection(await asking.ask('listReleases', { query: { ...pageQuery(args), title } })),
    }),
  }),
})

const packageOf = async (title: string, { asking }: GraphqlContext) =>
  (await asking.ask('listPackages', { query: { title } })).items[0] ?? null
readNodes('Package', packageOf)

const PackageConnection = connectionType(PackageRef)

builder.queryFields((t) => ({
  releases: t.field({
    type: ReleaseConnection,
    args: {
      ...listArgs(),
      title: t.arg.string({ description: 'exactly this title' }),
      version: t.arg.string({ description: 'exactly this version' }),
      type: t.arg.string({ description: 'component type' }),
      profileId: t.arg.id(),
      deviceId: t.arg.id({ description: 'those this device can be assigned' }),
    },
    complexity: pageCost,
    resolve: async (_root, { profileId, deviceId, ...args }, { asking }) =>
      connection(
        await asking.ask('listReleases', {
          query: {
            ...pageQuery(args),
            profileId: profileId ? uuidOf('Profile', profileId) : undefined,
            deviceId: deviceId ? uuidOf('Device', deviceId) : undefined,
          },
        }),
      ),
  }),
  release: t.field({
    type: ReleaseRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showRelease', { params: { id: uuidOf('Release', id) } })),
  }),
  packages: t.field({
    type: PackageConnection,
    args: { ...listArgs(), profileId: t.arg.id() },
    complexity: pageCost,
    resolve: async (_root, { profileId, ...args }, { asking }) =>
      connection(
        await asking.ask('listPackages', {
          query: {
            ...pageQuery(args),
            profileId: profileId ? uuidOf('Profile', profileId) : undefined,
          },
        }),
      ),
  }),
  package: t.field({
    type: PackageRef,
    nullable: true,
    args: { id: t.arg.id({ description: 'or its title, as `title`' }), title: t.arg.string() },
    resolve: (_root, { id, title }, context) => {
      const read = id ? readGlobalId(id) : null
      const wanted = read?.type === 'Package' ? read.id : title
      return wanted ? packageOf(wanted, context) : null
    },
  }),
}))

const NeedInput = builder.inputType('NeedInput', {
  fields: (t) => ({
    type: t.string({ required: true, description: 'The component: image, code, …' }),
    versions: t.string({ required: true, description: 'e.g. >= 24.10' }),
  }),
})
const CreateReleaseInput = builder.inputType('CreateReleaseInput', {
  description: 'Exactly one of file, sha256 and url says what devices get.',
  fields: (t) => ({
    title: t.string({ required: true }),
    version: t.string({ required: true }),
    type: t.string({ description: 'component type; firmware when absent' }),
    profileId: t.id({ required: true }),
    file: t.field({ type: 'Upload' }),
    sha256: t.string({ description: 'of a file that was uploaded before' }),
    url: t.string(),
    sizeBytes: t.float({ description: 'for a url, where it is known' }),
    fileName: t.string(),
    contentType: t.string(),
    tag: t.string(),
    description: t.string(),
    checksumAlgorithm: t.string(),
    checksum: t.string(),
    requirement: t.string({ description: 'e.g. ~> 2.0 and >= 2.1.3' }),
    needs: t.field({
      type: [NeedInput],
      description: 'What other components have to run for it.',
    }),
  }),
})
const UpdateReleaseInput = builder.inputType('UpdateReleaseInput', {
  fields: (t) => ({ description: t.string({ description: 'Null takes it away.' }) }),
})

mutation('createRelease', {
  route: 'createRelease',
  result: ReleaseRef,
  description: 'Add a release of a file, of one uploaded before, or of a URL.',
  args: builder.args((t) => ({ input: t.field({ type: CreateReleaseInput, required: true }) })),
  run: async ({ input: { file, profileId, needs, ...input } }, { asking, store }) => {
    const said = withoutNulls(input)
    if ([file, said.sha256, said.url].filter(Boolean).length !== 1) {
      const message = 'Exactly one of file, sha256 and url is needed.'
      const issues = ['file', 'sha256', 'url'].map((path) => ({ path, message }))
      throw new DomainError('request.malformed', message, { issues })
    }
    const stored = file && (await asking.under('uploadArtifact', (actor) => store(actor, file)))
    return asking.ask('createRelease', {
      body: {
        ...said,
        ...(needs && {
          needs: Object.fromEntries(needs.map(({ type, versions }) => [type, versions])),
        }),
        ...(stored && {
          sha256: stored.sha256,
          fileName: said.fileName ?? stored.fileName,
          contentType: said.contentType ?? stored.contentType,
        }),
        profileId: uuidOf('Profile', profileId),
      },
    })
  },
})
mutation('updateRelease', {
  route: 'changeRelease',
  result: ReleaseRef,
  description: 'Change the description; all else is fixed for ever.',
  args: builder.args((t) => ({
    id: t.id({ required: true }),
    input: t.field({ type: UpdateReleaseInput, required: true }),
  })),
  run: ({ id, input: { description } }, { asking }) =>
    asking.ask('changeRelease', {
      params: { id: uuidOf('Release', id) },
      body: { description: description ?? null },
    }),
})
mutation('deleteRelease', {
  route: 'removeRelease',
  result: ReleaseRef,
  description: 'Remove a release; refused while it is assigned or under way.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: async ({ id }, { asking }) => {
    const params = { id: uuidOf('Release', id) }
    const release = await asking.ask('showRelease', { params })
    await asking.ask('removeRelease', { params })
    return release
  },
})
