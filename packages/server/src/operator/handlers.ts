/** One handler for each route: use case in, shape out. */
import type { EventQuery } from '@updraft/api/shapes'
import { DomainError, type OperatorActor, STATES, type State } from '@updraft/core'
import type { FastifyRequest } from 'fastify'
import { replyWithSource } from '../transports/byte-reply.ts'
import { byteSource } from '../transports/byte-source.ts'
import { setSessionCookie } from './auth.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { campaignHandlers } from './campaign-handlers.ts'
import { modelHandlers } from './model-handlers.ts'
import { readBytes } from './request-bytes.ts'
import {
  attributesView,
  gatherSeries,
  LATEST,
  TIMESERIES_KEYS,
  timeseriesView,
  type WantedSeries,
} from './thingsboard-names.ts'
import { announcedUpload, offsetOf, speakTus, tellAddress, tellOffset } from './tus.ts'
import {
  activityView,
  artifactView,
  assignmentView,
  channelView,
  credentialView,
  customerView,
  deviceView,
  eventView,
  failureView,
  groupView,
  operationView,
  operationWithSteps,
  operatorView,
  overviewView,
  pageView,
  profileView,
  releaseView,
  settingsView,
  tenantView,
  tokenView,
  uploadView,
} from './views.ts'

export function handlers({
  accounts,
  assignments,
  audience,
  audit,
  campaigns,
  catalogue,
  claiming,
  clock,
  credentials,
  customers,
  endpoints,
  fleet,
  live,
  manualUpdates,
  models,
  operations,
  operators,
  tenants,
  overview,
  settings,
  uploads,
}: OperatorNeeds): Handlers {
  const readSeries = async (actor: OperatorActor, deviceId: string, wanted: WantedSeries) => {
    const sort = wanted.orderBy === 'ASC' ? 'openedAt' : '-openedAt'
    const installed = await fleet.installed(actor, deviceId)
    return gatherSeries(operations.each(actor, deviceId, sort), installed, wanted)
  }

  return {
    signIn: async ({ input: { body }, request, reply }) => {
      const session = await accounts.signIn(body, request.ip)
      setSessionCookie(request, reply, session.secret, session.expiresAt)
      return {
        operator: operatorView(session.operator),
        csrfToken: session.csrfToken,
        expiresAt: session.expiresAt.toISOString(),
      }
    },
    showSession: async ({ caller: { operator, session } }) => ({
      operator: operatorView(operator),
      csrfToken: session?.csrfToken,
      expiresAt: session?.expiresAt.toISOString(),
    }),
    signOut: async ({ caller: { actor, session }, request, reply }) => {
      if (session) await accounts.signOut(actor, session.secret)
      setSessionCookie(request, reply, '', new Date(0))
    },

    signOutEverywhere: async ({ caller: { actor }, request, reply }) => {
      await accounts.signOutEverywhere(actor)
      setSessionCookie(request, reply, '', new Date(0))
    },
    changePassword: async ({ input: { body }, caller: { actor, session } }) => {
      await accounts.changePassword(actor, body, session?.secret)
    },

    showEndpoints: async () => endpoints(),
    overview: async ({ caller: { actor } }) => overviewView(await overview.counts(actor)),
    showActivity: async ({ input: { query }, caller: { actor } }) =>
      activityView(await overview.activity(actor, query)),
    listInstalled: async ({ caller: { actor } }) => ({
      items: [...(await overview.installed(actor))],
    }),
    listFailures: async ({ input: { query }, caller: { actor } }) => ({
      items: (await overview.failures(actor, query.limit)).map(failureView),
    }),

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
      const what = { type: params.type, releaseId: body.releaseId }
      return assignmentView(await assignments.assign(actor, { profileId: params.id }, what))
    },
    countAffected: async ({ input: { params }, caller: { actor } }) => ({
      devices: await assignments.countAffected(actor, params.id, params.type),
    }),
    unassignFromProfile: async ({ input: { params }, caller: { actor } }) => {
      await assignments.unassign(actor, { profileId: params.id }, params.type)
    },
    assignToDevice: async ({ input: { params, body }, caller: { actor } }) => {
      const what = { type: params.type, releaseId: body.releaseId }
      return assignmentView(await assignments.assign(actor, { deviceId: params.id }, what))
    },
    unassignFromDevice: async ({ input: { params }, caller: { actor } }) => {
      await assignments.unassign(actor, { deviceId: params.id }, params.type)
    },
    ...campaignHandlers({ campaigns, clock }),

    listAssignments: async ({ input: { query }, caller: { actor } }) =>
      pageView(await assignments.list(actor, query), assignmentView),

    listDevices: async ({ input: { query }, caller: { actor } }) => {
      const { state, ...rest } = query
      const page = await fleet.listDevices(actor, { ...rest, states: statesOf(state) })
      return pageView(page, (view) => deviceView(view, clock.now()))
    },
    countDevices: async ({ input: { query }, caller: { actor } }) => {
      const { state, ...filter } = query
      return { count: await fleet.countDevices(actor, { ...filter, states: statesOf(state) }) }
    },
    createDevice: async ({ input: { body }, caller: { actor } }) => {
      const { device, token } = await fleet.createDevice(actor, body)
      return { ...deviceView(device, clock.now()), token }
    },
    importDevices: async ({ input: { body }, caller: { actor } }) => ({
      devices: await fleet.importDevices(actor, body.devices),
    }),
    showDevice: async ({ input: { params }, caller: { actor }, reply }) => {
      const view = await fleet.showDevice(actor, params.id)
      reply.header('etag', etagOf(view))
      return deviceView(view, clock.now())
    },
    changeDevice: async ({ input: { params, body }, caller: { actor }, request, reply }) => {
      const view = await fleet.changeDevice(actor, params.id, body, revisionOf(request))
      reply.header('etag', etagOf(view))
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

    uploadArtifact: async ({ input: { query }, caller: { actor }, request }) => {
      const length = request.headers['content-length']
      const stored = await readBytes(request, (bytes) =>
        catalogue.upload(actor, bytes, {
          ...query,
          sizeBytes: length === undefined ? undefined : Number(length),
        }),
      )
      return artifactView(stored)
    },
    beginUpload: async ({ caller: { actor }, request, reply }) => {
      speakTus(request, reply)
      const begun = await uploads.begin(actor, announcedUpload(request))
      tellAddress(reply, begun)
      // The first bytes may come along.
      const upload = await readBytes(request, (bytes) => uploads.append(actor, begun, bytes))
      tellOffset(reply, upload)
      return uploadView(upload)
    },
    showUpload: async ({ input: { params }, caller: { actor }, request, reply }) => {
      speakTus(request, reply)
      // Who asks for the head alone is about to go on.
      const ask = request.method === 'HEAD' ? uploads.takeUp : uploads.show
      const upload = await ask(actor, params.id)
      tellOffset(reply, upload)
      return uploadView(upload)
    },
    continueUpload: async ({ input: { params }, caller: { actor }, request, reply }) => {
      const upload = await readBytes(request, (bytes) => {
        speakTus(request, reply)
        const place = { id: params.id, offsetBytes: offsetOf(request) }
        return uploads.append(actor, place, bytes)
      })
      tellOffset(reply, upload)
    },
    abandonUpload: async ({ input: { params }, caller: { actor }, request, reply }) => {
      speakTus(request, reply)
      await uploads.abandon(actor, params.id)
    },
    listReleases: async ({ input: { query }, caller: { actor } }) =>
      pageView(await catalogue.listReleases(actor, query), releaseView),
    createRelease: async ({ input: { body }, caller: { actor } }) =>
      releaseView(await catalogue.createRelease(actor, body)),
    showRelease: async ({ input: { params }, caller: { actor }, reply }) => {
      const release = await catalogue.showRelease(actor, params.id)
      reply.header('etag', etagOf(release))
      return releaseView(release)
    },
    changeRelease: async ({ input: { params, body }, caller: { actor }, request, reply }) => {
      const revision = revisionOf(request)
      const release = await catalogue.describeRelease(actor, params.id, body.description, revision)
      reply.header('etag', etagOf(release))
      return releaseView(release)
    },
    removeRelease: async ({ input: { params }, caller: { actor } }) => {
      await catalogue.removeRelease(actor, params.id)
    },
    downloadRelease: async ({ input: { params }, caller: { actor }, request, reply }) => {
      const fetched = request.method === 'HEAD' ? null : { range: request.headers.range }
      const { release, handle } = await catalogue.openRelease(actor, params.id, fetched)
      const { contentType, fileName } = release.artifact ?? {}
      const source = byteSource(handle, { name: handle.sha256, contentType, fileName })
      await replyWithSource(request, reply, source)
      return reply
    },

    showOperation: async ({ input: { params }, caller: { actor } }) =>
      operationWithSteps(await operations.show(actor, params.id)),
    cancelOperation: async ({ input: { params }, caller: { actor } }) =>
      operationView(await operations.cancel(actor, params.id)),
    retryOperation: async ({ input: { params }, caller: { actor } }) =>
      operationView(await operations.retry(actor, params.id)),

    listTokens: async ({ input: { query }, caller: { actor } }) =>
      pageView(await accounts.listTokens(actor, query), tokenView),
    createToken: async ({ input: { body }, caller: { actor } }) => {
      const { token, secret } = await accounts.createToken(actor, body)
      return { ...tokenView(token), token: secret }
    },
    revokeToken: async ({ input: { params }, caller: { actor } }) => {
      await accounts.revokeToken(actor, params.id)
    },

    listOperators: async ({ input: { query }, caller: { actor } }) =>
      pageView(await operators.list(actor, query), operatorView),
    createOperator: async ({ input: { body }, caller: { actor } }) => {
      const { operator, password } = await operators.create(actor, body)
      return { ...operatorView(operator), password }
    },
    showOperator: async ({ input: { params }, caller: { actor } }) =>
      operatorView(await operators.show(actor, params.id)),
    changeOperator: async ({ input: { params, body }, caller: { actor } }) =>
      operatorView(await operators.setRole(actor, params.id, body)),
    resetPassword: ({ input: { params, body }, caller: { actor } }) =>
      operators.resetPassword(actor, params.id, body.password),
    removeOperator: async ({ input: { params }, caller: { actor } }) => {
      await operators.remove(actor, params.id)
    },

    listCustomers: async ({ input: { query }, caller: { actor } }) =>
      pageView(await customers.list(actor, query), customerView),
    createCustomer: async ({ input: { body }, caller: { actor } }) =>
      customerView(await customers.create(actor, body)),
    showCustomer: async ({ input: { params }, caller: { actor } }) =>
      customerView(await customers.show(actor, params.id)),
    changeCustomer: async ({ input: { params, body }, caller: { actor } }) =>
      customerView(await customers.rename(actor, params.id, body.name)),
    removeCustomer: async ({ input: { params }, caller: { actor } }) => {
      await customers.remove(actor, params.id)
    },

    previewGroup: async ({ input: { body }, caller: { actor } }) => {
      const { count, sample } = await audience.preview(actor, body.expression)
      return {
        count,
        sample: sample.map(({ snapshot: { device } }) => ({
          id: device.id,
          name: device.name,
          profile: device.profileName,
        })),
      }
    },
    listGroups: async ({ input: { query }, caller: { actor } }) =>
      pageView(await audience.listGroups(actor, query), groupView),
    createGroup: async ({ input: { body }, caller: { actor } }) =>
      groupView(await audience.createGroup(actor, body)),
    showGroup: async ({ input: { params }, caller: { actor } }) => {
      const { group, deviceCount } = await audience.showGroup(actor, params.id)
      return { ...groupView(group), deviceCount }
    },
    listDevicesOfGroup: async ({ input: { params, query }, caller: { actor } }) => {
      const page = await audience.devicesOfGroup(actor, params.id, query)
      return pageView(page, (view) => deviceView(view, clock.now()))
    },
    changeGroup: async ({ input: { params, body }, caller: { actor } }) =>
      groupView(await audience.changeGroup(actor, params.id, body)),
    removeGroup: async ({ input: { params }, caller: { actor } }) => {
      await audience.removeGroup(actor, params.id)
    },
    listChannels: async ({ input: { query }, caller: { actor } }) =>
      pageView(await audience.listChannels(actor, query), channelView),
    createChannel: async ({ input: { body }, caller: { actor } }) =>
      channelView(await audience.createChannel(actor, body)),
    showChannel: async ({ input: { params }, caller: { actor } }) => {
      const { channel, deviceCount } = await audience.showChannel(actor, params.id)
      return { ...channelView(channel), deviceCount }
    },
    listDevicesOfChannel: async ({ input: { params, query }, caller: { actor } }) => {
      const page = await audience.devicesOfChannel(actor, params.id, query)
      return pageView(page, (view) => deviceView(view, clock.now()))
    },
    changeChannel: async ({ input: { params, body }, caller: { actor } }) =>
      channelView(await audience.changeChannel(actor, params.id, body)),
    removeChannel: async ({ input: { params }, caller: { actor } }) => {
      await audience.removeChannel(actor, params.id)
    },

    ...modelHandlers({ models }),

    listTenants: async ({ input: { query }, caller: { actor } }) =>
      pageView(await tenants.list(actor, query), tenantView),
    createTenant: async ({ input: { body }, caller: { actor } }) => {
      const { tenant, administrator } = await tenants.create(actor, body)
      return { ...tenantView(tenant), administrator }
    },
    changeTenant: async ({ input: { params, body }, caller: { actor } }) =>
      tenantView(await tenants.rename(actor, params.id, body.name)),
    removeTenant: async ({ input: { params }, caller: { actor } }) => {
      await tenants.remove(actor, params.id)
    },

    liveEvents: async ({ caller: { actor }, request, reply }) => live.open(actor, request, reply),
    showSettings: async ({ caller: { actor } }) => settingsView(await settings.show(actor)),
    changeSettings: async ({ input: { body }, caller: { actor } }) =>
      settingsView(await settings.change(actor, body)),
    showTimeseries: async ({ input: { params, query }, caller: { actor } }) => {
      const { keys, startTs, endTs, limit, orderBy } = query
      const asked = keys ? keys.split(',') : TIMESERIES_KEYS
      const isRange = Boolean(keys) && startTs !== undefined && endTs !== undefined
      const series = isRange
        ? await readSeries(actor, params.id, { keys: asked, startTs, endTs, limit, orderBy })
        : await readSeries(actor, params.id, { keys: asked, ...LATEST })
      const isStrict = query.useStrictDataTypes === 'true'
      const absent = keys && !isRange ? { keys: asked, now: clock.now() } : null
      return timeseriesView(series, { isStrict, absent })
    },
    listTimeseriesKeys: async ({ input: { params }, caller: { actor } }) => {
      const series = await readSeries(actor, params.id, { keys: TIMESERIES_KEYS, ...LATEST })
      return [...series.keys()]
    },
    showAttributes: async ({ input: { params, query }, caller: { actor } }) => {
      const { snapshot } = await fleet.showDevice(actor, params.id)
      return attributesView(snapshot, params.scope, clock.now(), query.keys?.split(','))
    },

    listEvents: async ({ input: { query }, caller: { actor } }) =>
      pageView(await audit.list(actor, eventQuery(query)), eventView),
  }
}

const eventQuery = ({ since, until, ...query }: EventQuery) => ({
  ...query,
  since: since === undefined ? undefined : new Date(since),
  until: until === undefined ? undefined : new Date(until),
})

const etagOf = ({ revision }: { revision: number }): string => `"${revision}"`

/** The revision a change is meant for, from If-Match; undefined when the caller does not mind. */
function revisionOf(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match']
  if (header === undefined || header === '*') return undefined
  const revision = /^"(\d+)"$/.exec(header)?.[1]
  if (revision) return Number(revision)
  throw new DomainError('request.version-mismatch', 'If-Match is not an ETag this was given with.')
}

/** The shape has seen to it that these are states. */
const statesOf = (text: string | undefined): State[] | undefined =>
  text === undefined ? undefined : STATES.filter((state) => text.split(',').includes(state))
