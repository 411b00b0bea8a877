/** Updates of devices: looking at them, taking them back, trying again, and one brought by hand. */
import type * as api from '@updraft/api/shapes'
import { DomainError } from '@updraft/core'
import { builder } from './builder.ts'
import { connectionType, withoutNulls } from './connections.ts'
import { DeviceRef } from './device-ref.ts'
import { globalId, uuidOf } from './ids.ts'
import { mutation } from './mutation.ts'
import { NodeInterface, orNull, readNodes } from './nodes.ts'
import { ReasonType } from './reason.ts'
import { ReleaseRef } from './release-ref.ts'
import { EdgehogStatusEnum, edgehogStatusOf, StateEnum, statusCodeOf } from './words.ts'

export const OperationRef = builder.objectRef<api.Operation>('Operation')

const StepType = builder.objectRef<api.Step>('OperationStep').implement({
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime' }),
    state: t.field({ type: StateEnum, resolve: ({ state }) => state }),
    outcome: t.exposeString('outcome', { description: 'opened, moved or ignored' }),
    progress: t.exposeFloat('progress'),
    error: t.exposeString('error', { nullable: true }),
    reason: t.field({ type: ReasonType, resolve: ({ reason }) => reason }),
  }),
})

OperationRef.implement({
  description: 'One update of one component of one device.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: ({ id }) => globalId('Operation', id) }),
    uuid: t.exposeID('id'),
    device: t.field({
      type: DeviceRef,
      nullable: true,
      resolve: ({ deviceId }, _args, { load }) => load.device.load(deviceId),
    }),
    type: t.exposeString('type', { description: 'component type' }),
    state: t.field({ type: StateEnum, resolve: ({ state }) => state }),
    edgehogStatus: t.field({
      type: EdgehogStatusEnum,
      description: 'The state in the words of Edgehog.',
      resolve: edgehogStatusOf,
    }),
    statusCode: t.string({
      nullable: true,
      description:
        'Why it failed in the words of Edgehog: NETWORK_ERROR, REQUEST_TIMEOUT, CANCELED, …; a code it has no word for is as the device said it.',
      resolve: statusCodeOf,
    }),
    title: t.string({ resolve: ({ release }) => release.title }),
    version: t.string({ resolve: ({ release }) => release.version }),
    release: t.field({
      type: ReleaseRef,
      nullable: true,
      description: 'Null when it was removed since, or brought by hand.',
      resolve: ({ release: { id } }, _args, { load }) =>
        id === null ? null : load.release.load(id),
    }),
    progress: t.exposeFloat('progress', { description: 'percent' }),
    error: t.exposeString('error', { nullable: true, description: "the device's words" }),
    reason: t.field({ type: ReasonType, resolve: ({ reason }) => reason }),
    origin: t.field({
      type: ReasonType,
      description: 'Why it was opened.',
      resolve: ({ origin }) => origin,
    }),
    restarts: t.exposeInt('restarts'),
    openedAt: t.expose('openedAt', { type: 'DateTime' }),
    changedAt: t.expose('changedAt', { type: 'DateTime' }),
    endedAt: t.expose('endedAt', { type: 'DateTime', nullable: true }),
    steps: t.field({
      type: [StepType],
      description: 'All it went through, oldest first.',
      resolve: async (operation, _args, { asking }) => {
        // Lists of a device's operations come with them.
        if ('steps' in operation) return operation.steps as api.Step[]
        return (await asking.ask('showOperation', { params: { id: operation.id } })).steps
      },
    }),
  }),
})

readNodes('Operation', (id, { asking }) => asking.ask('showOperation', { params: { id } }))

export const OperationConnection = connectionType(OperationRef)

builder.queryField('operation', (t) =>
  t.field({
    type: OperationRef,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: (_root, { id }, { asking }) =>
      orNull(asking.ask('showOperation', { params: { id: uuidOf('Operation', id) } })),
  }),
)

const ManualOtaInput = builder.inputType('CreateManualOtaOperationInput', {
  description: 'Exactly one of baseImageFile and baseImageUrl.',
  fields: (t) => ({
    deviceId: t.id({ required: true }),
    baseImageFile: t.field({ type: 'Upload' }),
    baseImageUrl: t.string(),
    title: t.string({ description: 'How it is called on the way; "manual" when absent.' }),
    version: t.string({ description: 'What the device is to say it runs then, if that is known.' }),
    type: t.string({ description: 'component type; firmware when absent' }),
    sizeBytes: t.float({ description: 'for a url, where it is known' }),
    checksumAlgorithm: t.string(),
    checksum: t.string(),
  }),
})

mutation('createManualOtaOperation', {
  route: 'updateByHand',
  result: OperationRef,
  description: 'Bring one device a file or a URL, once; whether it fits is not checked.',
  args: builder.args((t) => ({ input: t.field({ type: ManualOtaInput, required: true }) })),
  run: async ({ input }, { asking, clock, store }) => {
    const { deviceId, baseImageFile, baseImageUrl, title, version, ...rest } = input
    if (Boolean(baseImageFile) === Boolean(baseImageUrl)) {
      const message = 'Exactly one of baseImageFile and baseImageUrl is needed.'
      const issues = ['baseImageFile', 'baseImageUrl'].map((path) => ({ path, message }))
      throw new DomainError('request.malformed', message, { issues })
    }
    const id = uuidOf('Device', deviceId)
    // Before the file is taken in.
    await asking.ask('showDevice', { params: { id } })
    const stored =
      baseImageFile &&
      (await asking.under('uploadArtifact', (actor) => store(actor, baseImageFile)))
    return asking.ask('updateByHand', {
      params: { id },
      body: {
        ...withoutNulls(rest),
        title: title ?? 'manual',
        version: version ?? clock.now().toISOString(),
        ...(stored
          ? {
              sha256: stored.sha256,
              fileName: stored.fileName,
              contentType: stored.contentType,
            }
          : { url: baseImageUrl ?? undefined }),
      },
    })
  },
})
mutation('cancelOtaOperation', {
  route: 'cancelOperation',
  result: OperationRef,
  description: 'Take an operation back; what the device reports afterwards changes nothing.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: ({ id }, { asking }) =>
    asking.ask('cancelOperation', { params: { id: uuidOf('Operation', id) } }),
})
mutation('retryOtaOperation', {
  route: 'retryOperation',
  result: OperationRef,
  description: 'Try again what failed or was cancelled: another operation.',
  args: builder.args((t) => ({ id: t.id({ required: true }) })),
  run: ({ id }, { asking }) =>
    asking.ask('retryOperation', { params: { id: uuidOf('Operation', id) } }),
})
