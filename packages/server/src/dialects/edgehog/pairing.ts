/**
 * Astarte's pairing API: how agents register devices, and how a device comes to its certificate. Clients compare the
 * status codes literally, and read errors as Astarte spells them. Each fact with its source in docs/dialects/edgehog.md.
 */
import {
  astarteIdOf,
  DomainError,
  ERROR_KINDS,
  type ErrorCode,
  type ErrorKind,
} from '@updraft/core'
import {
  CredentialsRequest,
  type DeviceAnswer,
  type ErrorAnswer,
  PATHS,
  RegisterRequest,
  type VerifyCause,
  VerifyRequest,
} from '@updraft/wire/astarte-pairing'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodError, ZodType } from 'zod'
import type { AgentAsks, PairedDevice, Verified } from '../../app/device-desk.ts'
import { readJsonBodies, requestFault } from '../../transports/http.ts'
import type { DialectNeeds } from '../dialect.ts'

const PREFIX = '/pairing'
const MAX_BODY_BYTES = 65_536
/** Of Astarte's whose pairing this is. Clients want one and make nothing of it. */
const VERSION = '1.2.0'

/** Where devices find the broker: as it is told to all, or a port of the host they reached. */
export type Broker = { readonly url: string } | { readonly port: number }

export interface PairingNeeds extends Pick<DialectNeeds, 'desk' | 'publicUrl'> {
  /** Null while there is no MQTT. */
  readonly broker: () => Broker | null
}

interface Params {
  readonly realm: string
  readonly id?: string
}
type Asked = FastifyRequest<{ Params: Params }>

interface Answer {
  readonly status: number
  /** Nothing with 204. */
  readonly data?: unknown
}

interface Route {
  readonly path: string
  readonly answers: Partial<Record<'GET' | 'POST' | 'DELETE', (request: Asked) => Promise<Answer>>>
}

export function pairing({ desk, publicUrl, broker }: PairingNeeds): (app: FastifyInstance) => void {
  const realmOf = ({ params }: Asked) => desk.realmNamed(params.realm)

  const register = async (request: Asked): Promise<Answer> => {
    const realm = await realmOf(request)
    const agent = asksOf(request, 'agent/devices')
    const said = (body: unknown) => {
      const { hw_id: id, initial_introspection: introspection } = read(RegisterRequest, body)
      return { astarteId: checkedId(id), introspection: introspection ?? undefined }
    }
    // Whether it may at all is said before what is wrong with what it says.
    const { secret } = await desk.registerPaired(realm, agent, () => said(request.body))
    return { status: 201, data: { credentials_secret: secret } }
  }

  const unregister = async (request: Asked): Promise<Answer> => {
    const realm = await realmOf(request)
    const { id = '' } = request.params
    await desk.unregisterPaired(realm, asksOf(request, `agent/devices/${id}`), () => checkedId(id))
    return { status: 204 }
  }

  const authenticated = async (request: Asked): Promise<PairedDevice> => {
    const realm = await realmOf(request)
    return desk.authenticatePaired(realm, checkedId(request.params.id ?? ''), bearerOf(request))
  }

  const info = async (request: Asked): Promise<Answer> => {
    const { pairing: paired, publicUrl: ofCloud } = await authenticated(request)
    const root = ofCloud ?? publicUrl ?? `${request.protocol}://${request.host}`
    const data: DeviceAnswer['data'] = {
      version: VERSION,
      status: paired.status,
      protocols: { astarte_mqtt_v1: { broker_url: brokerUrl(broker(), root) } },
    }
    return { status: 200, data }
  }

  const certify = async (request: Asked): Promise<Answer> => {
    const device = await authenticated(request)
    const { csr } = read(CredentialsRequest, request.body)
    const certificate = await desk.certifyPaired(device, csr)
    return { status: 201, data: { client_crt: certificate } }
  }

  const verify = async (request: Asked): Promise<Answer> => {
    const device = await authenticated(request)
    const { client_crt: certificate } = read(VerifyRequest, request.body)
    return { status: 200, data: verdictOf(await desk.verifyPaired(device, certificate)) }
  }

  const inRealm =
    (data: unknown) =>
    async (request: Asked): Promise<Answer> => {
      await realmOf(request)
      return { status: 200, data }
    }
  const isReady = { status: 'ready' }

  const routes: readonly Route[] = [
    { path: PATHS.health, answers: { GET: async () => ({ status: 200, data: isReady }) } },
    { path: PATHS.realmHealth(':realm'), answers: { GET: inRealm(isReady) } },
    { path: PATHS.version(':realm'), answers: { GET: inRealm(VERSION) } },
    { path: PATHS.register(':realm'), answers: { POST: register } },
    { path: PATHS.unregister(':realm', ':id'), answers: { DELETE: unregister } },
    { path: PATHS.device(':realm', ':id'), answers: { GET: info } },
    { path: PATHS.credentials(':realm', ':id'), answers: { POST: certify } },
    { path: PATHS.verify(':realm', ':id'), answers: { POST: verify } },
  ]

  return (app) => {
    readJsonBodies(app, {
      maxBytes: MAX_BODY_BYTES,
      malformed: () => new DomainError('request.malformed', 'Bad Request'),
    })
    app.setErrorHandler((error, request, reply) => refuse(error, request, reply))
    for (const { path, answers } of routes) {
      const url = PREFIX + path
      for (const [method, answer] of Object.entries(answers)) {
        app.route<{ Params: Params }>({
          method,
          url,
          handler: async (request, reply) => {
            const { status, data } = await answer(request)
            return status === 204 ? reply.code(status).send() : reply.code(status).send({ data })
          },
        })
      }
      const has = (method: string) => method in answers || (method === 'HEAD' && 'GET' in answers)
      const others = METHODS.filter((method) => !has(method))
      app.route({
        method: [...others],
        url,
        handler: (_request, reply) => {
          reply.header('allow', METHODS.filter(has).join(', '))
          return sendErrors(reply, 405, { detail: 'Method Not Allowed' })
        },
      })
    }
    app.all(`${PREFIX}/*`, (_request, reply) => sendErrors(reply, 404, { detail: 'Not Found' }))
  }
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const

const bearerOf = ({ headers }: FastifyRequest): string | null =>
  /^Bearer +(.*\S) *$/i.exec(headers.authorization ?? '')?.[1] ?? null

const asksOf = (request: FastifyRequest, path: string): AgentAsks => ({
  bearer: bearerOf(request),
  method: request.method,
  path,
})

/** What is wrong with what was sent, field by field. */
class WrongFields extends Error {
  readonly fields: Record<string, string[]>

  constructor(fields: Record<string, string[]>) {
    super('The request lacks a field, or one is wrong.')
    this.fields = fields
  }
}

function checkedId(text: string): string {
  const id = astarteIdOf(text)
  if (id !== null) return id
  throw new WrongFields({ hw_id: ['is not a valid base64 encoded 128 bits id'] })
}

function read<T extends { data: object }>(shape: ZodType<T>, body: unknown): T['data'] {
  const { success, data, error } = shape.safeParse(body)
  if (success) return data.data
  throw new WrongFields(fieldsOf(error))
}

function fieldsOf({ issues }: ZodError): Record<string, string[]> {
  const fields: Record<string, string[]> = {}
  for (const { path, message } of issues) {
    const name = String(path[1] ?? path[0] ?? 'data')
    fields[name] = [/received undefined/.test(message) ? "can't be blank" : 'is invalid']
  }
  return fields
}

/** With the port written out: clients refuse one without. */
export function brokerUrl(broker: Broker | null, root: string): string {
  if (!broker) throw new DomainError('store.away', 'There is no MQTT broker here.')
  if ('url' in broker) return broker.url
  if (!URL.canParse(root)) throw new DomainError('request.malformed', 'Bad Request')
  return `mqtts://${new URL(root).hostname}:${broker.port}`
}

const CAUSES: Readonly<Record<(Verified & { isValid: false })['fault'], VerifyCause>> = {
  unreadable: 'INVALID',
  'other-issuer': 'INVALID_ISSUER',
  'bad-signature': 'INVALID_SIGNATURE',
  'not-yet-valid': 'INVALID',
  expired: 'EXPIRED',
  'not-for-clients': 'INVALID_KEY_USAGE',
  'taken-back': 'INVALID',
}

function verdictOf(verified: Verified) {
  const timestamp = verified.at.toISOString()
  return verified.isValid
    ? { valid: true, timestamp, until: verified.until.toISOString() }
    : { valid: false, timestamp, cause: CAUSES[verified.fault], details: null }
}

const STATUS_BY_KIND: Readonly<Record<ErrorKind, number>> = {
  unauthenticated: 401,
  denied: 403,
  unknown: 404,
  // As Astarte answers to what its database refuses.
  conflict: 422,
  malformed: 400,
  invalid: 422,
  outdated: 422,
  'too-large': 413,
  'too-many': 429,
  away: 503,
  full: 503,
}
/** Of a token that names a profile there is not: the device is none the less known or unknown. */
const STATUS: Partial<Record<ErrorCode, number>> = { 'profile.unknown': 422 }

function sendErrors(reply: FastifyReply, status: number, errors: ErrorAnswer['errors']) {
  return reply.code(status).send({ errors } satisfies ErrorAnswer)
}

function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof WrongFields) return sendErrors(reply, 422, error.fields)
  if (error instanceof DomainError) {
    const { code, message } = error
    const status = STATUS[code] ?? STATUS_BY_KIND[ERROR_KINDS[code]]
    request.log[status >= 500 ? 'warn' : 'info']({ code }, message)
    const isAboutRequest = code === 'certificate-request.invalid'
    return sendErrors(reply, status, isAboutRequest ? { csr: [message] } : { detail: message })
  }
  const fault = requestFault(error)
  if (fault?.isTooLarge) return sendErrors(reply, 413, { detail: 'Request Entity Too Large' })
  if (fault) return sendErrors(reply, 400, { detail: 'Bad Request' })
  request.log.error({ err: error }, 'a bug')
  return sendErrors(reply, 500, { detail: 'Internal Server Error' })
}
