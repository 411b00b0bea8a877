/**
 * The operators' API as one table: method, path, permission, shapes in and out. The server hangs every row on
 * its use case, the client is typed by it, and OpenAPI is printed from it.
 */
import { ARTIFACT_STORE_ROUTES } from './routes/artifact-stores.ts'
import { BOX_ROUTES } from './routes/boxes.ts'
import { CAMPAIGN_ROUTES } from './routes/campaigns.ts'
import { CATALOGUE_ROUTES } from './routes/catalogue.ts'
import { CLOUD_ROUTES } from './routes/clouds.ts'
import { CLUSTER_ROUTES } from './routes/clusters.ts'
import { FLEET_ROUTES } from './routes/fleet.ts'
import { GROUP_ROUTES } from './routes/groups.ts'
import { HAWKBIT_ROUTES } from './routes/hawkbit.ts'
import { MODEL_ROUTES } from './routes/models.ts'
import { OVERVIEW_ROUTES } from './routes/overview.ts'
import { PEOPLE_ROUTES } from './routes/people.ts'
import { POLICY_ROUTES } from './routes/policies.ts'
import { REALM_ROUTES } from './routes/realms.ts'
import { REGISTRATION_ROUTES } from './routes/registrations.ts'
import type { Route } from './routes/route.ts'
import { SESSION_ROUTES } from './routes/session.ts'
import { THINGSBOARD_ROUTES } from './routes/thingsboard.ts'
import * as shapes from './shapes.ts'

export const API_PREFIX = '/api'

export type { Route }

export const ROUTES = {
  ...SESSION_ROUTES,
  ...OVERVIEW_ROUTES,
  ...FLEET_ROUTES,
  ...CATALOGUE_ROUTES,
  ...PEOPLE_ROUTES,
  ...GROUP_ROUTES,
  liveEvents: {
    method: 'GET',
    path: '/events',
    summary:
      'What happens, as server-sent events: each message is a LiveBatch; "missed" says to read lists anew',
    tag: 'audit',
    permission: 'device.read',
    response: 'events',
  },
  showSettings: {
    method: 'GET',
    path: '/settings',
    summary: 'What the tenant has set for itself, and what holds',
    tag: 'settings',
    permission: 'settings.read',
    response: shapes.Settings,
  },
  changeSettings: {
    method: 'PATCH',
    path: '/settings',
    summary: 'Change settings; null goes back to what the server has',
    tag: 'settings',
    permission: 'settings.write',
    body: shapes.SettingsChange,
    response: shapes.Settings,
  },
  ...THINGSBOARD_ROUTES,
  ...CAMPAIGN_ROUTES,
  ...MODEL_ROUTES,
  ...POLICY_ROUTES,
  ...CLOUD_ROUTES,
  ...REALM_ROUTES,
  ...CLUSTER_ROUTES,
  ...BOX_ROUTES,
  ...HAWKBIT_ROUTES,
  ...REGISTRATION_ROUTES,
  ...ARTIFACT_STORE_ROUTES,
  listEvents: {
    method: 'GET',
    path: '/audit',
    summary: 'The audit log, newest first',
    tag: 'audit',
    permission: 'audit.read',
    query: shapes.EventQuery,
    response: shapes.page(shapes.Event),
  },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof ROUTES
