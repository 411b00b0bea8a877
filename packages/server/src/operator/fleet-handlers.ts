/** The handlers of the routes about profiles and devices. */
import type { FLEET_ROUTES } from '@updraft/api/routes/fleet'
import { STATES, type State } from '@updraft/core'
import type { Handlers, OperatorNeeds } from './call.ts'
import { checkedAstarteId } from './realm-handlers.ts'
import {
  assignmentView,
  credentialView,
  deviceView,
  operationView,
  operationWithSteps,
  pageView,
  profileView,
} from './views.ts'

export function fleetHandlers({
  assignments,
  claiming,
  clock,
  credentials,
  fleet,
  manualUpdates,
  operations,
}: Pick<
  OperatorNeeds,
  'assignments' | 'claiming' | 'clock' | 'credentials' | 'fleet' | 'manualUpdates' | 'operations'
>): Pick<Handlers, keyof typeof FLEET_ROUTES> {
  return {
    listProfiles: async ({ input: { query }, caller: { actor } }) =>
      pageView(await fleet.listProfiles(actor, query), profileView),
    createProfile: async ({ input: { body }, caller: { actor } }) =>
      profileView(await fleet.createProfile(actor, body)),
    showProfile: async ({ input: { params }, caller: { actor } }) =>
      profileView(await fleet.showProfile(actor, params.id)),
    removeProfile: async ({ input: { params }, caller: { actor } }) => {
      await fleet.removeProfile(actor, params.id)
    },
    enableProvisioning: ({ input: { params, body }, caller: { actor } }) =>
      fleet.enableProvisioning(actor, params.id, body ?? {}),
    disableProvisioning: async ({ input: { params }, caller: { actor } }) => {
      await fleet.disableProvisioning(actor, params.id)
    },
    assignToProfile: async ({ input: { params, body }, caller: { actor } }) => {
      const what = { type: params.type, ...body }
      return assignmentView(await assignments.assign(actor, { profileId: params.id }, what))
    },
    countAffected: async ({ input: { params }, caller: { actor } }) => ({
      devices: await assignments.countAffected(actor, params.id, params.type),
    }),
    unassignFromProfile: async ({ input: { params }, caller: { actor } }) => {
      await assignments.unassign(actor, { profileId: params.id }, params.type)
    },
    listDevices: async ({ input: { query }, caller: { actor } }) => {
      const { state, ...rest } = query
      const page = await fleet.listDevices(actor, { ...rest, states: statesOf(state) })
      return pageView(page, (view) => deviceView(view, clock.now()))
    },
    countDevices: async ({ input: { query }, caller: { actor } }) => {
      const { state, ...filter } = query
      return { count: await fleet.countDevices(actor, { ...filter, states: statesOf(state) }) }
    },
    listLabels: async ({ caller: { actor } }) => ({ items: [...(await fleet.listLabels(actor))] }),
    createDevice: async ({ input: { body }, caller: { actor } }) => {
      const astarteId = body.astarteId && checkedAstarteId(body.astarteId)
      const { device, ...secrets } = await fleet.createDevice(actor, { ...body, astarteId })
      return { ...deviceView(device, clock.now()), ...secrets }
    },
    importDevices: async ({ input: { body }, caller: { actor } }) => ({
      devices: await fleet.importDevices(actor, body.devices),
    }),
    showDevice: async ({ input: { params }, caller: { actor }, shows }) => {
      const view = await fleet.showDevice(actor, params.id)
      shows(view)
      return deviceView(view, clock.now())
    },
    changeDevice: async ({ input: { params, body }, caller: { actor }, revision, shows }) => {
      const view = await fleet.changeDevice(actor, params.id, body, revision)
      shows(view)
      return deviceView(view, clock.now())
    },
    removeDevice: async ({ input: { params }, caller: { actor } }) => {
      await fleet.removeDevice(actor, params.id)
    },
    replaceDeviceToken: ({ input: { params, body }, caller: { actor } }) =>
      credentials.replaceToken(actor, params.id, body),
    listCredentials: async ({ input: { params }, caller: { actor } }) => ({
      items: (await credentials.list(actor, params.id)).map(credentialView),
      nextCursor: null,
    }),
    addCredential: async ({ input: { params, body }, caller: { actor } }) => {
      const { credential, token } = await credentials.add(actor, params.id, body)
      return { ...credentialView(credential), token }
    },
    removeCredential: async ({ input: { params, query }, caller: { actor } }) => {
      await credentials.remove(actor, params.id, params.credentialId, query)
    },
    claimDevice: async ({ input: { body }, caller: { actor } }) =>
      deviceView(await claiming.claim(actor, body), clock.now()),
    giveBackDevice: async ({ input: { params }, caller: { actor } }) => {
      await claiming.giveBack(actor, params.id)
    },
    listDeviceOperations: async ({ input: { params, query }, caller: { actor } }) =>
      pageView(await operations.ofDevice(actor, params.id, query), operationWithSteps),
    updateByHand: async ({ input: { params, body }, caller: { actor } }) =>
      operationView(await manualUpdates.update(actor, params.id, body)),
    assignToDevice: async ({ input: { params, body }, caller: { actor } }) => {
      const what = { type: params.type, ...body }
      return assignmentView(await assignments.assign(actor, { deviceId: params.id }, what))
    },
    unassignFromDevice: async ({ input: { params }, caller: { actor } }) => {
      await assignments.unassign(actor, { deviceId: params.id }, params.type)
    },
    listAssignments: async ({ input: { query }, caller: { actor } }) =>
      pageView(await assignments.list(actor, query), assignmentView),
    showOperation: async ({ input: { params }, caller: { actor } }) =>
      operationWithSteps(await operations.show(actor, params.id)),
    cancelOperation: async ({ input: { params }, caller: { actor } }) =>
      operationView(await operations.cancel(actor, params.id)),
    forceOperation: async ({ input: { params }, caller: { actor } }) =>
      operationView(await operations.force(actor, params.id)),
    retryOperation: async ({ input: { params }, caller: { actor } }) =>
      operationView(await operations.retry(actor, params.id)),
  }
}

/** The shape has seen to it that these are states. */
const statesOf = (text: string | undefined): State[] | undefined =>
  text === undefined ? undefined : STATES.filter((state) => text.split(',').includes(state))
