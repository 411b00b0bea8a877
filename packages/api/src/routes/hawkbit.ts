/** Devices that speak hawkBit's language: what is set for those of a profile, and what one is asked for. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })

export const HAWKBIT_ROUTES = {
  showHawkbitSettings: {
    method: 'GET',
    path: '/profiles/:id/hawkbit',
    summary: "What is set for devices of the profile that speak hawkBit's language",
    tag: 'profiles',
    permission: 'cloud.read',
    params: id,
    response: shapes.HawkbitSettings,
  },
  changeHawkbitSettings: {
    method: 'PATCH',
    path: '/profiles/:id/hawkbit',
    summary:
      'Set what their clients are, how they come in, and when an update counts; what is left out stays',
    tag: 'profiles',
    permission: 'profile.write',
    params: id,
    body: shapes.HawkbitSettingsChange,
    response: shapes.HawkbitSettings,
  },
  askForAttributes: {
    method: 'POST',
    path: '/devices/:id/ask-for-attributes',
    summary: "Have a device that speaks hawkBit's language tell its attributes anew when it comes",
    tag: 'devices',
    permission: 'device.write',
    params: id,
    response: 'nothing',
  },
} as const satisfies Record<string, Route>
