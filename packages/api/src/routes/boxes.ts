/** Boxes: where those of a profile reach the server, what is set for one and asked of it, and what it logs. */
import { LOG_LEVELS } from '@updraft/core'
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

const id = z.object({ id: shapes.Id })

export const BOX_ROUTES = {
  showBoxServer: {
    method: 'GET',
    path: '/profiles/:id/boxes',
    summary: 'Where boxes of the profile reach the server, and what is pasted into them',
    tag: 'profiles',
    permission: 'cloud.read',
    params: id,
    response: shapes.BoxServer,
  },
  setBoxServer: {
    method: 'PUT',
    path: '/profiles/:id/boxes',
    summary: 'Say where boxes of the profile reach the server, and which series they follow',
    tag: 'profiles',
    permission: 'profile.write',
    params: id,
    body: shapes.BoxServerDraft,
    response: shapes.BoxServer,
  },
  removeBoxServer: {
    method: 'DELETE',
    path: '/profiles/:id/boxes',
    summary: 'Tell boxes of the profile no series any more; they keep the code they have',
    tag: 'profiles',
    permission: 'profile.write',
    params: id,
    response: 'nothing',
  },
  restartBox: {
    method: 'POST',
    path: '/devices/:id/restart',
    summary: 'Have a box restart and fetch its handlers: at once if it is on the line',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    response: 'nothing',
  },
  loadHandlers: {
    method: 'POST',
    path: '/devices/:id/load-handlers',
    summary: 'Have a box load its handlers, as if somebody pressed the button on its page',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    response: 'nothing',
  },
  showBox: {
    method: 'GET',
    path: '/devices/:id/box',
    summary: 'What is set for a box, what that keeps back, and what it was asked to do',
    tag: 'devices',
    permission: 'device.read',
    params: id,
    response: shapes.Box,
  },
  setBoxForm: {
    method: 'PUT',
    path: '/devices/:id/box',
    summary: 'Set the whole form of a box; what is left out is set to what is usual',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    body: shapes.BoxForm,
    response: shapes.Box,
  },
  listLogLines: {
    method: 'GET',
    path: '/devices/:id/log-lines',
    summary: 'What a device logged, the newest first: its newest 5,000 lines of 30 days',
    tag: 'devices',
    permission: 'device.read',
    params: id,
    query: shapes.ListQuery.omit({ sort: true }).extend({
      level: z.enum(LOG_LEVELS).optional().describe('those of that level and above'),
    }),
    response: shapes.page(shapes.LogLine),
  },
} as const satisfies Record<string, Route>
