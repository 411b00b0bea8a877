/**
 * A small server that answers the operators' API from memory. It takes and gives nothing but what the API's own
 * shapes allow, so that cli and API cannot drift apart unseen.
 */
import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { API_PREFIX, ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import type {
  Assignment,
  Credential,
  CredentialDraft,
  Customer,
  Device,
  DeviceDraft,
  Event,
  OperationWithSteps,
  Operator,
  Profile,
  Provisioning,
  Release,
  Settings,
  Tenant,
  Token,
} from '@updraft/api/shapes'
import {
  type ErrorCode,
  eachSetting,
  type Handling,
  type Role,
  STANDARD_HANDLING,
  STANDARD_SETTINGS,
  STATES,
} from '@updraft/core'
import {
  MADE_AT,
  makeCredential,
  makeCustomer,
  makeDevice,
  makeOperation,
  makeOperator,
  makeProfile,
  makeRelease,
  makeToken,
} from './things.ts'

export const TOKEN = 'token-of-the-test'

export interface Call {
  readonly name: RouteName
  readonly params: Record<string, string>
  readonly query: Record<string, unknown>
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

/** A refusal by the fake, in the words of a problem document. */
export class Refused extends Error {
  readonly status: number
  readonly code: ErrorCode
  readonly more: object

  constructor(status: number, code: ErrorCode, detail: string, more: object = {}) {
    super(detail)
    this.status = status
    this.code = code
    this.more = more
  }
}

type Answers = Partial<Record<RouteName, (call: Call, response: ServerResponse) => unknown>>

export interface FakeServer extends AsyncDisposable {
  readonly url: string
  readonly world: World
  readonly calls: Call[]
  /** Answers of a test's own, before the usual ones. */
  readonly answers: Answers
  /** What was uploaded last: its bytes are counted, not kept, beyond a megabyte. */
  readonly stored: Map<string, Buffer>
}

/** What the fake holds; a test fills it with `things.ts`. */
export interface World {
  readonly profiles: Profile[]
  readonly devices: Device[]
  readonly releases: Release[]
  readonly operations: OperationWithSteps[]
  readonly tokens: Token[]
  settings: Settings['own']
  readonly events: Event[]
  readonly customers: Customer[]
  readonly operators: Operator[]
  readonly tenants: Tenant[]
}

export async function startFakeServer(): Promise<FakeServer> {
  const world: World = {
    profiles: [],
    devices: [],
    releases: [],
    operations: [],
    tokens: [],
    settings: eachSetting(() => null),
    events: [],
    customers: [],
    operators: [],
    tenants: [],
  }
  const calls: Call[] = []
  const answers: Answers = {}
  const stored = new Map<string, Buffer>()
  const usual = usualAnswers(world, stored)
  const server = createServer((request, response) => {
    respond(request, response).catch((error) => {
      if (!response.headersSent) {
        const status = error instanceof Refused ? error.status : 500
        const code = error instanceof Refused ? error.code : 'internal'
        response.writeHead(status, { 'content-type': 'application/problem+json' })
        const more = error instanceof Refused ? error.more : {}
        response.end(
          JSON.stringify({
            type: `/errors/${code}`,
            title: code,
            status,
            code,
            detail: error.message,
            ...more,
          }),
        )
      } else response.destroy()
    })
  })

  async function respond(request: IncomingMessage, response: ServerResponse) {
    const url = new URL(request.url ?? '', 'http://fake')
    const found = findRoute(request.method ?? '', url.pathname)
    if (!found) throw new Refused(404, 'route.unknown', `There is nothing at ${url.pathname}.`)
    const { name, route } = found
    if (request.headers.authorization !== `Bearer ${TOKEN}`) {
      throw new Refused(401, 'access.unauthenticated', 'No valid token came with the request.')
    }
    const params = route.params ? parse(route.params.strict(), found.params) : {}
    const query = parse(route.query?.strict(), Object.fromEntries(url.searchParams)) ?? {}
    const body =
      route.body === 'bytes' ? await count(request) : parse(route.body, await read(request))
    const call = { name, params, query, body, headers: request.headers } as Call
    calls.push(call)
    const answer = await (answers[name] ?? usual[name])?.(call, response)
    if (response.headersSent) return
    if (route.response === 'bytes') return response.end(answer)
    if (route.response === 'nothing') return response.writeHead(route.status ?? 204).end()
    const checked = parse(route.response, answer)
    response.writeHead(route.status ?? 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(checked))
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    world,
    calls,
    answers,
    stored,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function findRoute(method: string, path: string) {
  for (const [name, route] of Object.entries(ROUTES) as [RouteName, Route][]) {
    if (route.method !== method) continue
    const pattern = route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')
    const match = new RegExp(`^${API_PREFIX}${pattern}$`).exec(path)
    if (!match) continue
    const params = Object.entries(match.groups ?? {}).map(([key, value]) => [
      key,
      decodeURIComponent(value),
    ])
    return { name, route, params: Object.fromEntries(params) }
  }
  return null
}

function parse(shape: Route['query'] | Route['body'] | Route['response'], value: unknown): unknown {
  if (shape === undefined || typeof shape === 'string') return value
  const result = shape.safeParse(value)
  if (result.success) return result.data
  throw new Refused(400, 'request.malformed', result.error.message)
}

async function read(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const piece of request.setEncoding('utf8')) text += piece
  return text === '' ? undefined : JSON.parse(text)
}

export interface Counted {
  readonly sizeBytes: number
  readonly sha256: string
  readonly first: Buffer
}

async function count(request: IncomingMessage): Promise<Counted> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  let first = Buffer.alloc(0)
  for await (const chunk of request) {
    hash.update(chunk)
    sizeBytes += chunk.length
    if (first.length < 1_000_000) first = Buffer.concat([first, chunk])
  }
  return { sizeBytes, sha256: hash.digest('hex'), first }
}

// ── The usual answers ───────────────────────────────────────────────────────────────────────────────────────

function usualAnswers(world: World, stored: Map<string, Buffer>): Answers {
  const { profiles, devices, releases, operations, tokens, events, customers, operators, tenants } =
    world
  /** With whose they are. */
  const credentials: [deviceId: string, Credential][] = []
  const byId = <T extends { id: string }>(items: T[], { params }: Call, code: ErrorCode): T => {
    const item = items.find(({ id }) => id === params.id)
    if (item) return item
    throw new Refused(404, code, 'There is no such thing.')
  }
  const take = <T extends { id: string }>(items: T[], call: Call, code: ErrorCode) =>
    items.splice(items.indexOf(byId(items, call, code)), 1)

  const addDevice = (draft: DeviceDraft) => {
    const profile = profiles.find(({ name }) => name === draft.profile)
    if (!profile)
      throw new Refused(404, 'profile.unknown', `There is no profile "${draft.profile}".`)
    if (devices.some(({ name }) => name === draft.name)) {
      throw new Refused(409, 'device.duplicate', `There is a device "${draft.name}" already.`)
    }
    const { name, labels, attributes = {}, token, credentials: others = [] } = draft
    const { customerId = null } = draft
    const customer = customers.find(({ id }) => id === customerId)?.name ?? null
    const device = makeDevice({ name, profile, labels, attributes, customerId, customer })
    devices.push(device)
    const all: CredentialDraft[] = [
      ...(token ? [{ kind: 'token', token } as const] : []),
      ...others,
    ]
    if (all.length === 0) all.push({ kind: 'token', token: `made-up-for-${name}` })
    for (const each of all) credentials.push([device.id, makeCredential(each)])
    const own = all.find((each) => each.kind === 'token')
    return { ...device, token: own?.token ?? null, credentialsSecret: null }
  }

  const assign = (scope: 'device' | 'profile') => (call: Call) => {
    const { releaseId, handling } = call.body as { releaseId: string; handling?: Partial<Handling> }
    const release = releases.find(({ id }) => id === releaseId)
    if (!release) throw new Refused(404, 'release.unknown', 'There is no such release.')
    return {
      scope,
      deviceId: scope === 'device' ? byId(devices, call, 'device.unknown').id : null,
      profileId: scope === 'profile' ? byId(profiles, call, 'profile.unknown').id : null,
      type: call.params.type,
      release: { id: release.id, title: release.title, version: release.version },
      handling: { ...STANDARD_HANDLING, ...handling },
      assignedAt: MADE_AT,
      assignedBy: 'admin',
    } satisfies Partial<Assignment>
  }

  return {
    overview: () => ({
      devices: devices.length,
      waiting: 0,
      updating: 0,
      updated: 0,
      failed: 0,
      states: Object.fromEntries(
        STATES.map((state) => [
          state,
          devices.filter(({ operation }) => operation?.state === state).length,
        ]),
      ),
      seen: { recently: 0, earlier: 0, never: devices.length },
    }),
    listProfiles: ({ query }) => pageOf(profiles, query, ({ name }) => isLike(query, { name })),
    createProfile: ({ body }) => {
      const { name, description = null } = body as { name: string; description?: string }
      if (profiles.some((profile) => profile.name === name)) {
        throw new Refused(409, 'profile.duplicate', `There is a profile "${name}" already.`)
      }
      const profile = makeProfile(name, description)
      profiles.push(profile)
      return profile
    },
    checkCluster: () => ({
      isWell: false,
      items: [{ what: 'triggers', isWell: false, message: 'None of ours is there.' }],
    }),
    removeProfile: (call) => take(profiles, call, 'profile.unknown'),
    listDevices: ({ query }) =>
      pageOf(devices, query, (device) =>
        isLike(query, {
          name: device.name,
          profile: device.profile,
          customer: device.customer ?? undefined,
          label: device.labels.find((label) => label === query.label),
          state: device.operation?.state,
        }),
      ),
    createDevice: ({ body }) => addDevice(body as DeviceDraft),
    importDevices: ({ body }) => {
      const drafts = (body as { devices: DeviceDraft[] }).devices
      const before = devices.length
      return {
        devices: drafts.map((draft, index) => {
          try {
            return addDevice(draft)
          } catch (error) {
            devices.length = before
            const { status, code, message } = error as Refused
            throw new Refused(status, code, message, { index })
          }
        }),
      }
    },
    removeDevice: (call) => take(devices, call, 'device.unknown'),
    replaceDeviceToken: (call) => {
      byId(devices, call, 'device.unknown')
      return { token: (call.body as { token?: string }).token ?? 'made-up-anew' }
    },
    listCredentials: (call) => {
      const { id } = byId(devices, call, 'device.unknown')
      const items = credentials.filter(([of]) => of === id).map(([, credential]) => credential)
      return { items, nextCursor: null }
    },
    addCredential: (call) => {
      const { id } = byId(devices, call, 'device.unknown')
      const { credential } = call.body as { credential: CredentialDraft }
      const made = makeCredential(credential)
      credentials.push([id, made])
      return {
        ...made,
        token: credential.kind === 'token' ? (credential.token ?? 'made-up') : null,
      }
    },
    removeCredential: ({ params }) => {
      const at = credentials.findIndex(([, { id }]) => id === params.credentialId)
      if (at < 0) throw new Refused(404, 'credential.unknown', 'It has no such credential.')
      credentials.splice(at, 1)
    },
    enableProvisioning: (call) => {
      const {
        strategy = 'create-new',
        key = 'made-up-key',
        secret = 'made-up-secret',
        claimsAtOnce = false,
      } = (call.body ?? {}) as Partial<Provisioning>
      byId(profiles, call, 'profile.unknown').provisioning = {
        key,
        strategy,
        claimsAtOnce,
      }
      return { key, secret, strategy, claimsAtOnce }
    },
    disableProvisioning: (call) => {
      byId(profiles, call, 'profile.unknown').provisioning = null
    },
    listDeviceOperations: ({ params, query }) =>
      pageOf(operations, query, ({ deviceId }) => deviceId === params.id),
    countAffected: (call) => ({
      devices: byId(profiles, call, 'profile.unknown').deviceCount,
    }),
    changeDevice: (call) => {
      const { customerId } = call.body as { customerId: string | null }
      const customer = customers.find(({ id }) => id === customerId)?.name ?? null
      return Object.assign(byId(devices, call, 'device.unknown'), { customerId, customer })
    },
    listCustomers: ({ query }) => pageOf(customers, query, ({ name }) => isLike(query, { name })),
    createCustomer: ({ body }) => {
      const customer = makeCustomer((body as { name: string }).name)
      customers.push(customer)
      return customer
    },
    changeCustomer: (call) =>
      Object.assign(byId(customers, call, 'customer.unknown'), call.body as { name: string }),
    removeCustomer: (call) => take(customers, call, 'customer.unknown'),
    listOperators: ({ query }) =>
      pageOf(operators, query, ({ name, role, customer }) =>
        isLike(query, { name, role, customer: customer ?? undefined }),
      ),
    createOperator: ({ body }) => {
      const { password, ...said } = body as { name: string; role: Role; password?: string }
      const operator = makeOperator({ ...said, customers })
      operators.push(operator)
      return { ...operator, password: password === undefined ? 'made-up' : null }
    },
    changeOperator: (call) => {
      const operator = byId(operators, call, 'operator.unknown')
      const { id, name } = operator
      const said = call.body as { role: Role; customerId?: string }
      return Object.assign(operator, makeOperator({ name, ...said, customers }), { id })
    },
    resetPassword: (call) => {
      byId(operators, call, 'operator.unknown')
      return { password: (call.body as { password?: string }).password ? null : 'made-up' }
    },
    removeOperator: (call) => take(operators, call, 'operator.unknown'),
    listTenants: ({ query }) => pageOf(tenants, query, ({ name }) => isLike(query, { name })),
    createTenant: ({ body }) => {
      const { name, administrator } = body as {
        name: string
        administrator: { name: string; password?: string }
      }
      const tenant = { id: randomUUID(), name, createdAt: MADE_AT }
      tenants.push(tenant)
      const password = administrator.password === undefined ? 'made-up' : null
      return { ...tenant, administrator: { name: administrator.name, password } }
    },
    changeTenant: (call) =>
      Object.assign(byId(tenants, call, 'tenant.unknown'), call.body as { name: string }),
    removeTenant: (call) => take(tenants, call, 'tenant.unknown'),
    assignToDevice: assign('device'),
    assignToProfile: assign('profile'),
    unassignFromDevice: (call) => void byId(devices, call, 'device.unknown'),
    unassignFromProfile: (call) => {
      if (byId(profiles, call, 'profile.unknown').assignments[call.params.type ?? '']) return
      throw new Refused(404, 'assignment.none', 'Nothing is assigned there.')
    },
    uploadArtifact: ({ body, query }) => {
      const { sizeBytes, sha256, first } = body as Counted
      stored.set(sha256, first)
      if (query.checksum !== undefined && query.checksum !== sha256) {
        throw new Refused(422, 'artifact.checksum-mismatch', 'The file has another checksum.')
      }
      return { sha256, sizeBytes, checksums: { SHA256: sha256 } }
    },
    listReleases: ({ query }) =>
      pageOf(releases, query, ({ title, version, profile, type }) =>
        isLike(query, { name: title, title, version, profile, type }),
      ),
    createRelease: ({ body }) => {
      const draft = body as Partial<Release> & { title: string; version: string }
      const release = makeRelease({
        ...draft,
        profile: profiles.find(({ id }) => id === draft.profileId)?.name ?? 'unknown',
        sizeBytes: draft.sizeBytes ?? stored.get(draft.sha256 ?? '')?.length ?? null,
      })
      releases.push(release)
      return release
    },
    removeRelease: (call) => take(releases, call, 'release.unknown'),
    downloadRelease: (call) => stored.get(byId(releases, call, 'release.unknown').sha256 ?? ''),
    updateByHand: (call) => {
      const { title, version } = call.body as { title: string; version: string }
      const device = byId(devices, call, 'device.unknown')
      const operation = makeOperation({
        device,
        release: makeRelease({ title, version }),
        state: 'QUEUED',
      })
      return { ...operation, release: { id: null, title, version } }
    },
    cancelOperation: (call) => ({
      ...byId(operations, call, 'operation.unknown'),
      state: 'CANCELED',
    }),
    forceOperation: (call) => byId(operations, call, 'operation.unknown'),
    retryOperation: (call) => ({ ...byId(operations, call, 'operation.unknown'), state: 'QUEUED' }),
    listTokens: ({ query }) => pageOf(tokens, query),
    createToken: ({ body }) => {
      const token = makeToken((body as { name: string }).name)
      tokens.push(token)
      return { ...token, token: 'shown-once' }
    },
    revokeToken: (call) => {
      byId(tokens, call, 'token.unknown').revokedAt = MADE_AT
    },
    showSettings: () => settingsOf(world),
    changeSettings: ({ body }) => {
      world.settings = { ...world.settings, ...(body as Settings['own']) }
      return settingsOf(world)
    },
    listEvents: ({ query }) =>
      pageOf(events, query, ({ deviceId }) => !query.deviceId || query.deviceId === deviceId),
  }
}

const settingsOf = ({ settings: own }: World): Settings => ({
  inForce: eachSetting((name) => own[name] ?? STANDARD_SETTINGS[name]),
  own,
  ofServer: STANDARD_SETTINGS,
})

/** The cursor is where the next page begins. */
function pageOf<T>(items: T[], query: Call['query'], holds: (item: T) => boolean = () => true) {
  const found = items.filter(holds)
  const from = Number(query.cursor ?? 0)
  const to = from + Number(query.limit)
  return { items: found.slice(from, to), nextCursor: to < found.length ? String(to) : null }
}

/** Whether the thing has all that the query names; `search` looks into its name. */
const isLike = (query: Call['query'], thing: Record<string, string | undefined>): boolean =>
  Object.entries(query).every(([key, value]) => {
    if (key === 'search') return thing.name?.includes(String(value))
    return !(key in thing) || value === thing[key]
  })
