/**
 * The operators' API as one table: method, path, permission, shapes in and out. The server hangs every row on
 * its use case, the client is typed by it, and OpenAPI is printed from it.
 */
import { type Permission, STATES } from '@updraft/core'
import { z } from 'zod'
import * as shapes from './shapes.ts'

export const API_PREFIX = '/api'

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below API_PREFIX, parameters as `:name`. */
  readonly path: string
  readonly summary: string
  readonly tag: string
  /** `anyone` needs no sign-in; `operator` any signed-in one. */
  readonly permission: Permission | 'anyone' | 'operator'
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  /** `bytes` is a raw stream. */
  readonly body?: z.ZodType | 'bytes'
  readonly response: z.ZodType | 'bytes' | 'nothing'
  readonly status?: 200 | 201 | 204
  /** The answer holds a secret that is shown once: never stored for a repeated Idempotency-Key. */
  readonly isSecret?: boolean
}

const id = z.object({ id: shapes.Id })
const idAndType = z.object({ id: shapes.Id, type: z.string() })
const release = z.object({ releaseId: shapes.Id })

export const ROUTES = {
  signIn: {
    method: 'POST',
    path: '/session',
    summary: 'Sign in; the session comes as a cookie',
    tag: 'session',
    permission: 'anyone',
    body: shapes.SignIn,
    response: shapes.Session,
    isSecret: true,
  },
  showSession: {
    method: 'GET',
    path: '/session',
    summary: 'Who is signed in',
    tag: 'session',
    permission: 'operator',
    response: shapes.Session.partial({ csrfToken: true, expiresAt: true }),
  },
  signOut: {
    method: 'DELETE',
    path: '/session',
    summary: 'Sign out',
    tag: 'session',
    permission: 'operator',
    response: 'nothing',
  },
  overview: {
    method: 'GET',
    path: '/overview',
    summary: 'How many devices wait, update, are updated, have failed',
    tag: 'devices',
    permission: 'device.read',
    response: shapes.Overview,
  },
  listProfiles: {
    method: 'GET',
    path: '/profiles',
    summary: 'Device profiles',
    tag: 'profiles',
    permission: 'profile.read',
    query: shapes.ListQuery.extend({ name: z.string().optional().describe('exactly this name') }),
    response: shapes.page(shapes.Profile),
  },
  createProfile: {
    method: 'POST',
    path: '/profiles',
    summary: 'Add a profile',
    tag: 'profiles',
    permission: 'profile.write',
    body: shapes.ProfileDraft,
    response: shapes.Profile,
    status: 201,
  },
  showProfile: {
    method: 'GET',
    path: '/profiles/:id',
    summary: 'One profile',
    tag: 'profiles',
    permission: 'profile.read',
    params: id,
    response: shapes.Profile,
  },
  removeProfile: {
    method: 'DELETE',
    path: '/profiles/:id',
    summary: 'Remove a profile; refused while devices or releases use it',
    tag: 'profiles',
    permission: 'profile.write',
    params: id,
    response: 'nothing',
  },
  enableProvisioning: {
    method: 'PUT',
    path: '/profiles/:id/provisioning',
    summary: 'Let devices enrol themselves with a key and a secret, made anew',
    tag: 'profiles',
    permission: 'profile.write',
    params: id,
    response: shapes.Provisioning,
    isSecret: true,
  },
  disableProvisioning: {
    method: 'DELETE',
    path: '/profiles/:id/provisioning',
    summary: 'No more enrolment into this profile',
    tag: 'profiles',
    permission: 'profile.write',
    params: id,
    response: 'nothing',
  },
  assignToProfile: {
    method: 'PUT',
    path: '/profiles/:id/assignments/:type',
    summary: 'Assign a release to all devices of a profile that have no assignment of their own',
    tag: 'assignments',
    permission: 'profile.assign',
    params: idAndType,
    body: release,
    response: shapes.Assignment,
  },
  unassignFromProfile: {
    method: 'DELETE',
    path: '/profiles/:id/assignments/:type',
    summary: "Withdraw a profile's assignment",
    tag: 'assignments',
    permission: 'profile.assign',
    params: idAndType,
    response: 'nothing',
  },
  listDevices: {
    method: 'GET',
    path: '/devices',
    summary: 'Devices with what they run and what is under way',
    tag: 'devices',
    permission: 'device.read',
    query: shapes.ListQuery.extend({
      name: z.string().optional().describe('exactly this name'),
      profile: z.string().optional().describe('name of the profile'),
      label: z.string().optional(),
      state: z.enum(STATES).optional().describe('of its newest operation, of any type'),
    }),
    response: shapes.page(shapes.Device),
  },
  createDevice: {
    method: 'POST',
    path: '/devices',
    summary: 'Add a device; its token is in the answer, once',
    tag: 'devices',
    permission: 'device.write',
    body: shapes.DeviceDraft,
    response: shapes.DeviceWithToken,
    status: 201,
    isSecret: true,
  },
  importDevices: {
    method: 'POST',
    path: '/devices/import',
    summary: 'Add up to 1000 devices, all or none',
    tag: 'devices',
    permission: 'device.write',
    body: z.object({ devices: z.array(shapes.DeviceDraft).min(1).max(1000) }),
    response: z.object({
      devices: z.array(z.object({ id: shapes.Id, name: z.string(), token: z.string() })),
    }),
    status: 201,
    isSecret: true,
  },
  showDevice: {
    method: 'GET',
    path: '/devices/:id',
    summary: 'One device: facts, what it is offered and why, or why nothing',
    tag: 'devices',
    permission: 'device.read',
    params: id,
    response: shapes.Device,
  },
  changeDevice: {
    method: 'PATCH',
    path: '/devices/:id',
    summary: 'Change name, profile, labels or attributes',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    body: shapes.DeviceChange,
    response: shapes.Device,
  },
  removeDevice: {
    method: 'DELETE',
    path: '/devices/:id',
    summary: 'Remove a device with its history',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    response: 'nothing',
  },
  replaceDeviceToken: {
    method: 'PUT',
    path: '/devices/:id/token',
    summary: 'Give the device a new token; the old one ends at once',
    tag: 'devices',
    permission: 'device.write',
    params: id,
    body: z.object({ token: z.string().min(1).max(255).optional() }),
    response: z.object({ token: z.string() }),
    isSecret: true,
  },
  listDeviceOperations: {
    method: 'GET',
    path: '/devices/:id/operations',
    summary: 'All operations of a device with every step, newest first',
    tag: 'devices',
    permission: 'device.read',
    params: id,
    query: shapes.ListQuery.pick({ limit: true, cursor: true }),
    response: shapes.page(shapes.OperationWithSteps),
  },
  assignToDevice: {
    method: 'PUT',
    path: '/devices/:id/assignments/:type',
    summary: "Pin a release to one device; it beats the profile's",
    tag: 'assignments',
    permission: 'assignment.write',
    params: idAndType,
    body: release,
    response: shapes.Assignment,
  },
  unassignFromDevice: {
    method: 'DELETE',
    path: '/devices/:id/assignments/:type',
    summary: "Withdraw a device's own assignment; the profile's holds again",
    tag: 'assignments',
    permission: 'assignment.write',
    params: idAndType,
    response: 'nothing',
  },
  listAssignments: {
    method: 'GET',
    path: '/assignments',
    summary: 'Assignments, newest first',
    tag: 'assignments',
    permission: 'device.read',
    query: shapes.ListQuery.pick({ limit: true, cursor: true }).extend({
      releaseId: shapes.Id.optional(),
    }),
    response: shapes.page(shapes.Assignment),
  },
  uploadArtifact: {
    method: 'POST',
    path: '/artifacts',
    summary: 'Upload a file as the raw body; a release then names it by its SHA-256',
    tag: 'releases',
    permission: 'release.write',
    query: z.object({
      checksumAlgorithm: z.string().optional().describe('computed besides SHA-256'),
      checksum: z.string().max(128).optional().describe('the upload is refused if it differs'),
    }),
    body: 'bytes',
    response: shapes.Artifact,
    status: 201,
  },
  listReleases: {
    method: 'GET',
    path: '/releases',
    summary: 'Releases of all packages',
    tag: 'releases',
    permission: 'release.read',
    query: shapes.ListQuery.extend({
      title: z.string().optional().describe('exactly this title'),
      version: z.string().optional().describe('exactly this version'),
      profile: z.string().optional().describe('name of the profile'),
      type: z.string().optional(),
    }),
    response: shapes.page(shapes.Release),
  },
  createRelease: {
    method: 'POST',
    path: '/releases',
    summary: 'Add a release of an uploaded artifact or of an external URL',
    tag: 'releases',
    permission: 'release.write',
    body: shapes.ReleaseDraft,
    response: shapes.Release,
    status: 201,
  },
  showRelease: {
    method: 'GET',
    path: '/releases/:id',
    summary: 'One release',
    tag: 'releases',
    permission: 'release.read',
    params: id,
    response: shapes.Release,
  },
  changeRelease: {
    method: 'PATCH',
    path: '/releases/:id',
    summary: 'Change the description; all else is fixed for ever',
    tag: 'releases',
    permission: 'release.write',
    params: id,
    body: z.object({ description: z.string().max(65_536).nullable() }),
    response: shapes.Release,
  },
  removeRelease: {
    method: 'DELETE',
    path: '/releases/:id',
    summary: 'Remove a release; refused while it is assigned or under way',
    tag: 'releases',
    permission: 'release.write',
    params: id,
    response: 'nothing',
  },
  downloadRelease: {
    method: 'GET',
    path: '/releases/:id/artifact',
    summary: 'The bytes of a release; takes Range',
    tag: 'releases',
    permission: 'release.download',
    params: id,
    response: 'bytes',
  },
  showOperation: {
    method: 'GET',
    path: '/operations/:id',
    summary: 'One operation with every step',
    tag: 'operations',
    permission: 'device.read',
    params: id,
    response: shapes.OperationWithSteps,
  },
  cancelOperation: {
    method: 'POST',
    path: '/operations/:id/cancel',
    summary: 'Take an operation back; what the device reports afterwards changes nothing',
    tag: 'operations',
    permission: 'operation.write',
    params: id,
    response: shapes.Operation,
  },
  retryOperation: {
    method: 'POST',
    path: '/operations/:id/retry',
    summary: 'Try again what failed or was cancelled',
    tag: 'operations',
    permission: 'operation.write',
    params: id,
    response: shapes.Operation,
    status: 201,
  },
  listTokens: {
    method: 'GET',
    path: '/tokens',
    summary: 'API tokens',
    tag: 'accounts',
    permission: 'account.read',
    query: shapes.ListQuery.pick({ limit: true, cursor: true }),
    response: shapes.page(shapes.Token),
  },
  createToken: {
    method: 'POST',
    path: '/tokens',
    summary: 'Make an API token for yourself; it is in the answer, once',
    tag: 'accounts',
    permission: 'account.write',
    body: z.object({ name: z.string().min(1).max(255) }),
    response: shapes.TokenWithSecret,
    status: 201,
    isSecret: true,
  },
  revokeToken: {
    method: 'DELETE',
    path: '/tokens/:id',
    summary: 'Revoke an API token',
    tag: 'accounts',
    permission: 'account.write',
    params: id,
    response: 'nothing',
  },
  listEvents: {
    method: 'GET',
    path: '/audit',
    summary: 'The audit log, newest first',
    tag: 'audit',
    permission: 'audit.read',
    query: shapes.ListQuery.pick({ limit: true, cursor: true }).extend({
      deviceId: shapes.Id.optional(),
      kind: z
        .string()
        .optional()
        .describe('an event kind, or its first part: device, operation, …'),
    }),
    response: shapes.page(shapes.Event),
  },
} as const satisfies Record<string, Route>

export type RouteName = keyof typeof ROUTES
