/** Devices that registered by themselves: those that wait to be claimed, and those that are to register anew. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

export const REGISTRATION_ROUTES = {
  listWaitingDevices: {
    method: 'GET',
    path: '/waiting-devices',
    summary: 'Devices that registered and wait to be claimed, the one that came last first',
    tag: 'devices',
    permission: 'cloud.read',
    query: shapes.ListQuery.extend({
      profile: z.string().optional().describe('name of the profile'),
    }),
    response: shapes.page(shapes.WaitingDevice),
  },
  claimWaitingDevices: {
    method: 'POST',
    path: '/waiting-devices/claim',
    summary: 'Make devices of those that wait: all of them, or none',
    tag: 'devices',
    permission: 'device.write',
    body: shapes.WaitingClaim,
    response: shapes.ClaimedDevices,
    status: 201,
  },
  forgetWaitingDevice: {
    method: 'DELETE',
    path: '/waiting-devices/:id',
    summary: 'Strike one that waits off the list; it is noted anew when it comes again',
    tag: 'devices',
    permission: 'device.write',
    params: z.object({ id: shapes.Id }),
    response: 'nothing',
  },
  reEnrolDevices: {
    method: 'POST',
    path: '/waiting-devices/re-enrol',
    summary:
      'Take the tokens of devices back that registered by themselves, so that they register anew, perhaps at another cloud',
    tag: 'devices',
    permission: 'device.write',
    body: shapes.ReEnrolment,
    response: z.object({ devices: z.int() }),
  },
} as const satisfies Record<string, Route>
