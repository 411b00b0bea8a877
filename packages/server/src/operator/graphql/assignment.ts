/** Releases assigned to devices and profiles. */
import type * as api from '@updraft/api/shapes'
import { DomainError } from '@updraft/core'
import { builder } from './builder.ts'
import { DeviceRef } from './device-ref.ts'
import { uuidOf } from './ids.ts'
import { mutation } from './mutation.ts'
import { ProfileRef } from './profile.ts'
import { ReleaseRef } from './release-ref.ts'

const AssignmentRef = builder
  .objectRef<
    Pick<api.Assignment, 'deviceId' | 'profileId' | 'type'> & { releaseId: string | null }
  >('Assignment')
  .implement({
    description:
      'A release for a device, or for all devices of a profile without one of their own.',
    fields: (t) => ({
      type: t.exposeString('type', { description: 'component type' }),
      device: t.field({
        type: DeviceRef,
        nullable: true,
        resolve: ({ deviceId }, _args, { load }) =>
          deviceId === null ? null : load.device.load(deviceId),
      }),
      profile: t.field({
        type: ProfileRef,
        nullable: true,
        resolve: ({ profileId }, _args, { load }) =>
          profileId === null ? null : load.profile.load(profileId),
      }),
      release: t.field({
        type: ReleaseRef,
        nullable: true,
        description: 'Null when the assignment was withdrawn.',
        resolve: ({ releaseId }, _args, { load }) =>
          releaseId === null ? null : load.release.load(releaseId),
      }),
    }),
  })

const toWhom = { deviceId: 'of the device', profileId: 'or of the profile' }
const AssignInput = builder.inputType('AssignReleaseInput', {
  fields: (t) => ({
    releaseId: t.id({ required: true }),
    deviceId: t.id({ description: toWhom.deviceId }),
    profileId: t.id({ description: toWhom.profileId }),
  }),
})
const UnassignInput = builder.inputType('UnassignReleaseInput', {
  fields: (t) => ({
    type: t.string({ description: 'component type; firmware when absent' }),
    deviceId: t.id({ description: toWhom.deviceId }),
    profileId: t.id({ description: toWhom.profileId }),
  }),
})

interface Whom {
  readonly deviceId?: string | null | undefined
  readonly profileId?: string | null | undefined
}

const whomOf = ({ deviceId, profileId }: Whom) => {
  if (Boolean(deviceId) === Boolean(profileId)) {
    const message = 'Exactly one of deviceId and profileId is needed.'
    const issues = ['deviceId', 'profileId'].map((path) => ({ path, message }))
    throw new DomainError('request.malformed', message, { issues })
  }
  return deviceId
    ? { deviceId: uuidOf('Device', deviceId), profileId: null }
    : { deviceId: null, profileId: uuidOf('Profile', profileId ?? '') }
}

const viewOf = ({ release, ...assignment }: api.Assignment) => ({
  ...assignment,
  releaseId: release.id,
})

mutation('assignRelease', {
  // Whoever may assign to a profile may assign to a device.
  route: 'assignToDevice',
  result: AssignmentRef,
  description: 'Assign a release to a device, or to a profile.',
  args: builder.args((t) => ({ input: t.field({ type: AssignInput, required: true }) })),
  run: async ({ input }, { asking }) => {
    const whom = whomOf(input)
    const releaseId = uuidOf('Release', input.releaseId)
    const { type } = await asking.ask('showRelease', { params: { id: releaseId } })
    const body = { releaseId }
    return viewOf(
      whom.deviceId !== null
        ? await asking.ask('assignToDevice', { params: { id: whom.deviceId, type }, body })
        : await asking.ask('assignToProfile', { params: { id: whom.profileId, type }, body }),
    )
  },
})
mutation('unassignRelease', {
  route: 'unassignFromDevice',
  result: AssignmentRef,
  description: 'Withdraw the assignment of a device, or of a profile.',
  args: builder.args((t) => ({ input: t.field({ type: UnassignInput, required: true }) })),
  run: async ({ input }, { asking }) => {
    const whom = whomOf(input)
    const type = input.type ?? 'firmware'
    if (whom.deviceId !== null) {
      await asking.ask('unassignFromDevice', { params: { id: whom.deviceId, type } })
    } else await asking.ask('unassignFromProfile', { params: { id: whom.profileId, type } })
    return { ...whom, type, releaseId: null }
  },
})
