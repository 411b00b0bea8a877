/** What is going on over the whole fleet. */
import { z } from 'zod'
import * as shapes from '../shapes.ts'
import type { Route } from './route.ts'

export const OVERVIEW_ROUTES = {
  showEndpoints: {
    method: 'GET',
    path: '/endpoints',
    summary: 'Where devices reach the server',
    tag: 'devices',
    permission: 'device.read',
    response: shapes.Endpoints,
  },
  overview: {
    method: 'GET',
    path: '/overview',
    summary: 'How many devices wait, update, are updated, have failed',
    tag: 'devices',
    permission: 'device.read',
    response: shapes.Overview,
  },
  showActivity: {
    method: 'GET',
    path: '/overview/activity',
    summary: 'Updates that ended, by time and by how they ended',
    tag: 'devices',
    permission: 'device.read',
    query: z.object({
      hours: z.coerce.number().int().min(1).max(2160).default(24).describe('so far back'),
      steps: z.coerce.number().int().min(1).max(366).default(24).describe('in so many steps'),
    }),
    response: shapes.Activity,
  },
  listInstalled: {
    method: 'GET',
    path: '/overview/installed',
    summary: 'What is in the field: releases as devices tell them, the most frequent first',
    tag: 'devices',
    permission: 'device.read',
    response: z.object({ items: z.array(shapes.InstalledCount) }),
  },
  listFailures: {
    method: 'GET',
    path: '/overview/failures',
    summary:
      'Releases whose update failed on devices and still stands so, with the error heard most',
    tag: 'devices',
    permission: 'device.read',
    query: z.object({ limit: z.coerce.number().int().min(1).max(100).default(20) }),
    response: z.object({ items: z.array(shapes.FailureCount) }),
  },
} as const satisfies Record<string, Route>
