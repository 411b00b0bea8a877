/**
 * An Astarte as far as updates meet it: AppEngine, realm management, and triggers that call. Written after the tables of
 * requests and answers in docs/dialects/edgehog-cluster.md. It takes only what the realm's key has signed.
 */
import { createPublicKey, generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify } from 'jose'

export interface FakeDevice {
  readonly id: string
  connected: boolean
  introspection: Record<string, { major: number; minor: number }>
  properties: Record<string, Record<string, unknown>>
  lastSeenIp: string
  lastConnection: string | null
  lastDisconnection: string | null
}

export interface Exchange {
  readonly method: string
  /** Below the realm, with its query. */
  readonly path: string
  readonly body: unknown
  readonly status: number
}

export interface FakeAnswer {
  readonly status?: number
  readonly body?: unknown
  /** As it stands, whatever it is. */
  readonly text?: string
  readonly headers?: Record<string, string>
  /** It never comes. */
  readonly never?: boolean
}

interface Trigger {
  readonly name: string
  readonly action: { http_url: string; http_static_headers?: Record<string, string> }
  readonly policy?: string
  readonly simple_triggers: readonly Record<string, unknown>[]
}

export interface FakeAstarte {
  readonly url: string
  readonly realm: string
  readonly privateKey: string
  readonly devices: Map<string, FakeDevice>
  /** By `name/major`. */
  readonly interfaces: Map<string, Record<string, unknown>>
  readonly policies: Map<string, Record<string, unknown>>
  readonly triggers: Map<string, Trigger>
  /** All that was asked, in order. */
  readonly exchanges: Exchange[]
  version: string
  /** Answers instead of it where it answers something. */
  intercept:
    | ((asked: { method: string; path: string; body: unknown }) => FakeAnswer | undefined)
    | null
  /** What a device is sent, if it is there. */
  onMessage: ((device: FakeDevice, message: Message) => void) | null
  addDevice(id: string, changes?: Partial<FakeDevice>): FakeDevice
  /** Has triggers call for that event; answers with what status each was answered. */
  happen(
    id: string,
    event: Record<string, unknown>,
    how?: { at?: Date; more?: object },
  ): Promise<number[]>
  connect(id: string): Promise<number[]>
  disconnect(id: string): Promise<number[]>
  /** What a device says: object keys, or a property. */
  says(id: string, name: string, path: string, value: unknown): Promise<number[]>
  /** Of what was asked, those with that method whose path holds that text. */
  asked(method: string, text: string): Exchange[]
  close(): Promise<void>
}

export interface Message {
  readonly interface: string
  readonly path: string
  readonly data: unknown
}

export const EDGEHOG = 'io.edgehog.devicemanager.'
export const INTROSPECTION = {
  [`${EDGEHOG}OTARequest`]: { major: 1, minor: 0 },
  [`${EDGEHOG}OTAEvent`]: { major: 0, minor: 1 },
  [`${EDGEHOG}BaseImage`]: { major: 0, minor: 1 },
  [`${EDGEHOG}SystemInfo`]: { major: 0, minor: 1 },
}

export async function fakeAstarte({
  realm = 'acme',
  keys = generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  version = '1.3.0',
  algorithms = ['ES256', 'ES384', 'ES512', 'RS256'],
}: {
  realm?: string
  keys?: { privateKey: import('node:crypto').KeyObject }
  version?: string
  algorithms?: string[]
} = {}): Promise<FakeAstarte> {
  const publicKey = createPublicKey(keys.privateKey)
  const server = createServer((request, response) => void serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const fake: FakeAstarte = {
    url: `http://127.0.0.1:${port}`,
    realm,
    privateKey: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    devices: new Map(),
    interfaces: new Map(),
    policies: new Map(),
    triggers: new Map(),
    exchanges: [],
    version,
    intercept: null,
    onMessage: null,
    addDevice: (id, changes = {}) => {
      const device: FakeDevice = {
        id,
        connected: false,
        introspection: { ...INTROSPECTION },
        properties: {},
        lastSeenIp: '192.0.2.7',
        lastConnection: null,
        lastDisconnection: null,
        ...changes,
      }
      fake.devices.set(id, device)
      return device
    },
    happen: async (id, event, { at = new Date(), more = {} } = {}) => {
      const calls = [...fake.triggers.values()].filter(({ simple_triggers: [condition] }) =>
        fires(condition ?? {}, event),
      )
      return Promise.all(
        calls.map(async ({ name, action }) => {
          const response = await fetch(action.http_url, {
            method: 'POST',
            headers: {
              'content-type': 'application/json',
              'astarte-realm': realm,
              ...action.http_static_headers,
            },
            body: JSON.stringify({
              timestamp: at.toISOString(),
              device_id: id,
              trigger_name: name,
              event,
              ...more,
            }),
          })
          await response.arrayBuffer()
          return response.status
        }),
      )
    },
    connect: async (id) => {
      const device = deviceOf(id)
      device.connected = true
      device.lastConnection = new Date().toISOString()
      return fake.happen(id, { type: 'device_connected', device_ip_address: device.lastSeenIp })
    },
    disconnect: async (id) => {
      deviceOf(id).connected = false
      deviceOf(id).lastDisconnection = new Date().toISOString()
      return fake.happen(id, { type: 'device_disconnected' })
    },
    says: (id, name, path, value) => {
      if (typeof value !== 'object') {
        deviceOf(id).properties[EDGEHOG + name] = nested(
          deviceOf(id).properties[EDGEHOG + name] ?? {},
          path,
          value,
        )
      }
      return fake.happen(id, { type: 'incoming_data', interface: EDGEHOG + name, path, value })
    },
    asked: (method, text) =>
      fake.exchanges.filter((each) => each.method === method && each.path.includes(text)),
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
  const deviceOf = (id: string): FakeDevice => fake.devices.get(id) ?? fake.addDevice(id)

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = request
    const pieces: Buffer[] = []
    for await (const piece of request) pieces.push(piece)
    const text = Buffer.concat(pieces).toString('utf8')
    const body: unknown = text === '' ? undefined : JSON.parse(text)
    const path = url.replace(`/v1/${realm}`, '')
    const answer =
      fake.intercept?.({ method, path, body }) ??
      ((await isSigned(request, url)) ? answerTo(method, path, body) : FORBIDDEN)
    fake.exchanges.push({ method, path, body, status: answer.status ?? 200 })
    if (answer.never) return
    response.writeHead(answer.status ?? 200, {
      'content-type': 'application/json',
      ...answer.headers,
    })
    response.end(answer.text ?? (answer.body === undefined ? '' : JSON.stringify(answer.body)))
  }

  const isSigned = async (request: IncomingMessage, url: string): Promise<boolean> => {
    const [scheme, token = ''] = (request.headers.authorization ?? '').split(' ')
    const claim = url.startsWith('/appengine') ? 'a_aea' : 'a_rma'
    if (scheme !== 'Bearer' || !url.includes(`/v1/${realm}/`)) return false
    const verified = await jwtVerify(token, publicKey, { algorithms }).catch(() => null)
    const { iss, iat, exp } = verified?.payload ?? {}
    const may = verified?.payload[claim]
    return Boolean(iss && iat && exp && Array.isArray(may) && may.includes('.*::.*'))
  }

  const answerTo = (method: string, path: string, body: unknown): FakeAnswer => {
    const { pathname, searchParams } = new URL(path, 'http://fake')
    const [service = '', noun = '', ...rest] = pathname.split('/').slice(1).map(decodeURIComponent)
    const { data } = (body ?? {}) as { data?: Record<string, unknown> }
    if (service === 'appengine' && noun === 'devices') {
      return appEngine(method, rest, searchParams, data)
    }
    if (service !== 'realmmanagement') return NOT_FOUND
    if (noun === 'version') return { body: { data: fake.version } }
    if (noun === 'interfaces') return interfaces(method, rest.join('/'), data)
    if (noun === 'policies') return policies(method, rest[0], data)
    if (noun === 'triggers') return triggers(method, rest[0], data as Trigger | undefined)
    return NOT_FOUND
  }

  const appEngine = (
    method: string,
    [id, , name, ...path]: string[],
    query: URLSearchParams,
    data: unknown,
  ): FakeAnswer => {
    if (id === undefined) {
      const all = [...fake.devices.values()]
      const from = Number(query.get('from_token') ?? 0)
      const limit = Number(query.get('limit') ?? 1000)
      const isLast = from + limit >= all.length
      const next = `/v1/${realm}/devices?limit=${limit}&from_token=${from + limit}&details=true`
      return {
        body: {
          data: all.slice(from, from + limit).map(statusOf),
          links: { self: `/v1/${realm}/devices`, ...(!isLast && { next }) },
        },
      }
    }
    const device = fake.devices.get(id)
    if (!device) return detail(404, 'Device not found')
    if (name === undefined) return { body: { data: statusOf(device) } }
    if (!device.introspection[name])
      return detail(404, 'Interface not found in device introspection')
    if (method === 'GET') return { body: { data: device.properties[name] ?? {} } }
    // Of what may get lost nobody asks whether the device is there.
    if (device.connected)
      fake.onMessage?.(device, { interface: name, path: `/${path.join('/')}`, data })
    return { body: { data } }
  }

  const interfaces = (
    method: string,
    key: string,
    data: Record<string, unknown> | undefined,
  ): FakeAnswer => {
    if (method === 'POST' && data) {
      const its = `${data.interface_name}/${data.version_major}`
      if (fake.interfaces.has(its)) return detail(409, 'Interface already exists')
      fake.interfaces.set(its, data)
      return { status: 201, body: { data } }
    }
    if (!fake.interfaces.has(key)) return detail(404, 'Interface not found')
    if (method === 'PUT' && data) fake.interfaces.set(key, data)
    return method === 'PUT' ? { status: 204 } : { body: { data: fake.interfaces.get(key) } }
  }

  const policies = (
    method: string,
    name: string | undefined,
    data: Record<string, unknown> | undefined,
  ): FakeAnswer => {
    if (method === 'POST' && data) {
      fake.policies.set(String(data.name), data)
      return { status: 201, body: { data } }
    }
    if (name === undefined) return { body: { data: [...fake.policies.keys()] } }
    if (!fake.policies.has(name)) return detail(404, 'Trigger policy not found')
    if (method !== 'DELETE') return { body: { data: fake.policies.get(name) } }
    if ([...fake.triggers.values()].some(({ policy }) => policy === name)) {
      return detail(409, 'Cannot delete policy as it is being currently used by triggers')
    }
    fake.policies.delete(name)
    return { status: 204 }
  }

  const triggers = (
    method: string,
    name: string | undefined,
    data: Trigger | undefined,
  ): FakeAnswer => {
    if (method === 'POST' && data) {
      if (fake.triggers.has(data.name)) return detail(409, 'Trigger already exists')
      const [condition = {}] = data.simple_triggers
      const needs = `${condition.interface_name}/${condition.interface_major}`
      if (condition.type === 'data_trigger' && !fake.interfaces.has(needs)) {
        return { status: 422, body: { errors: { interface_name: ['not found'] } } }
      }
      if (data.policy && !fake.policies.has(data.policy)) {
        return { status: 422, body: { errors: { policy: ['not found'] } } }
      }
      fake.triggers.set(data.name, data)
      return { status: 201, body: { data } }
    }
    if (name === undefined) return { body: { data: [...fake.triggers.keys()] } }
    const trigger = fake.triggers.get(name)
    if (!trigger) return detail(404, 'Trigger not found')
    if (method === 'DELETE') fake.triggers.delete(name)
    return method === 'DELETE' ? { status: 204 } : { body: { data: answered(trigger) } }
  }

  return fake
}

/** As it is told back: with more than was said, and without what goes without saying. */
const answered = ({ action, ...trigger }: Trigger) => {
  const { ignore_ssl_errors: ignores, ...rest } = action as Record<string, unknown>
  return {
    ...trigger,
    action: { ...rest, ...(ignores === true && { ignore_ssl_errors: true }) },
    id: 1,
  }
}

const statusOf = ({ id, connected, introspection, lastSeenIp, ...last }: FakeDevice) => ({
  id,
  connected,
  last_connection: last.lastConnection,
  last_disconnection: last.lastDisconnection,
  last_seen_ip: lastSeenIp,
  introspection: Object.fromEntries(
    Object.entries(introspection).map(([name, version]) => [
      name,
      { ...version, exchanged_msgs: 0, exchanged_bytes: 0 },
    ]),
  ),
  attributes: {},
  groups: [],
  aliases: {},
  previous_interfaces: [],
})

function fires(condition: Record<string, unknown>, event: Record<string, unknown>): boolean {
  if (condition.type === 'device_trigger') return condition.on === event.type
  return condition.on === event.type && condition.interface_name === event.interface
}

function nested(
  tree: Record<string, unknown>,
  path: string,
  value: unknown,
): Record<string, unknown> {
  const [first = '', ...rest] = path.split('/').filter((each) => each !== '')
  if (rest.length === 0) return { ...tree, [first]: value }
  const below = (tree[first] ?? {}) as Record<string, unknown>
  return { ...tree, [first]: nested(below, rest.join('/'), value) }
}

export const detail = (status: number, said: string): FakeAnswer => ({
  status,
  body: { errors: { detail: said } },
})
const NOT_FOUND = detail(404, 'Not Found')
const FORBIDDEN = detail(403, 'Forbidden')
