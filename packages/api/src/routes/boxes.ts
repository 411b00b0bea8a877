/** Boxes: where those of a profile reach the server, and a restart for one. */
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
    summary: 'Have a box restart and fetch its handlers, if it is on the line',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    response: 'nothing',
  },
} as const satisfies Record<string, Route>
