/** ThingsBoard's device API over CoAP [CoAP]; the token in the path is the only authentication. No DTLS. */
import {
  DomainError,
  ERROR_KINDS,
  type ErrorCode,
  type ErrorKind,
  type Json,
  type JsonObject,
  NO_FACTS,
} from '@updraft/core'
import type { CoapCode } from '@updraft/wire/coap-message'
import { attributeKeys, FAMILIES, type Family } from '@updraft/wire/thingsboard'
import type { CoapRequest, CoapResponse, CoapScope } from '../../transports/coap-request.ts'
import type { Dialect } from '../dialect.ts'
import { coapDownloads } from './coap-downloads.ts'
import { type CoapDialectNeeds, observers } from './coap-observation.ts'
import { hearAttributes, hearClaim, hearTelemetry, lookAfter, NAME, wholeNumber } from './hear.ts'
import { provision } from './provisioning.ts'
import { attributeAnswer, shared, tellsOfReleases } from './translate.ts'

const JSON_FORMAT = 50
/** Plain text and bytes are what clients ask for who mean anything. */
const ACCEPTED_FORMATS: readonly (number | undefined)[] = [undefined, 0, 42, JSON_FORMAT]
const RETRY_AFTER_SECONDS = 5

const CODE_OF_KIND: Readonly<Record<ErrorKind, CoapCode>> = {
  unauthenticated: '4.01',
  denied: '4.03',
  unknown: '4.04',
  conflict: '4.00',
  malformed: '4.00',
  invalid: '4.00',
  outdated: '4.00',
  'too-large': '4.13',
  'too-many': '4.29',
  away: '5.03',
  full: '5.00',
}
const CODE_OF_ERROR: Partial<Record<ErrorCode, CoapCode>> = { 'device.unknown': '4.01' }

/** One feature of the API, by method; a method that is not there is refused. */
type Feature = Partial<Record<CoapRequest['method'], (asked: WithToken) => Promise<CoapResponse>>>
type WithToken = CoapRequest & { readonly token: string }

export function thingsboardCoap(needs: CoapDialectNeeds): Dialect {
  const { desk, liveSessions, log } = needs
  const observing = observers(needs)
  const downloads = coapDownloads(desk, {
    onFetch: ({ id }, family, release) => observing.of(id)?.fetches(family, release),
  })

  const getAttributes = async (request: WithToken): Promise<CoapResponse> => {
    const { token, query } = request
    const since = liveSessions.mark()
    const device = await desk.identify(token, NAME)
    const clientKeys = attributeKeys(allOf(query, 'clientKeys'))
    const sharedKeys = attributeKeys(allOf(query, 'sharedKeys'))
    if (request.observes) {
      // Whatever keys it names: an observer starts with all shared attributes.
      const checkedIn = await desk.checkIn(device, NO_FACTS, { tells: true })
      const attributes = shared(device, checkedIn)
      const answer = (body: Json) => json(request, '2.05', body)
      const observed = { token, device, attributes, checkedIn, since, answer }
      return { ...answer(attributes), observation: observing.observation(observed) }
    }
    const tells = tellsOfReleases(clientKeys, sharedKeys)
    const checkedIn = await desk.checkIn(device, NO_FACTS, { tells })
    const client = device.device.inventory
    const values = { client, shared: shared(device, checkedIn), clientKeys, sharedKeys }
    const found = attributeAnswer(values)
    observing.of(device.device.id)?.told((found.shared ?? {}) as JsonObject)
    // Where ThingsBoard answers 4.04 this is an empty object: its own sample client fails on the former.
    return json(request, '2.05', found)
  }

  const getBytes =
    (family: Family) =>
    ({ token, query, from }: WithToken): Promise<CoapResponse> => {
      const chunkBytes = Math.max(0, wholeNumber('size', firstOf(query, 'size')))
      const index = wholeNumber('chunk', firstOf(query, 'chunk'))
      if (index < 0) throw new DomainError('request.malformed', 'Chunks are counted from 0.')
      const title = firstOf(query, 'title')
      const version = firstOf(query, 'version')
      return downloads.open({ from, token, family, title, version, chunkBytes, index })
    }

  const features: Readonly<Record<string, Feature>> = {
    telemetry: {
      POST: async ({ token, payload }) => {
        const device = await desk.identify(token, NAME)
        const look = lookAfter(desk, token, device)
        const words = await hearTelemetry(jsonOf(payload), { desk, log, look })
        observing.of(device.device.id)?.heard(words)
        return { code: '2.01' }
      },
    },
    attributes: {
      GET: getAttributes,
      POST: async ({ token, payload }) => {
        const device = await desk.identify(token, NAME)
        await hearAttributes(jsonOf(payload), { desk, log, look: lookAfter(desk, token, device) })
        return { code: '2.01' }
      },
    },
    claim: {
      POST: async ({ token, payload }) => {
        const look = () => desk.identify(token, NAME)
        await hearClaim(jsonOf(payload), { desk, look })
        return { code: '2.01' }
      },
    },
    firmware: { GET: getBytes('fw') },
    software: { GET: getBytes('sw') },
  }
  /** Telemetry cannot be asked for; ThingsBoard says so as it does of a feature it does not know. */
  const refusals: Readonly<Record<string, CoapCode>> = { telemetry: '4.00', attributes: '4.00' }

  const postProvision = async (request: CoapRequest): Promise<CoapResponse> => {
    const answer = await provision(desk, jsonOf(request.payload))
    return json(request, answer.status === 'SUCCESS' ? '2.01' : '4.00', { ...answer })
  }

  const route = async (request: CoapRequest): Promise<CoapResponse> => {
    const [root = '', ...rest] = request.path
    if (isFamily(root)) {
      const [token] = rest
      if (!token || rest.length !== 1) return { code: '4.01' }
      return call(FAMILIES[root], { ...request, token })
    }
    const [version, token, feature = '', ...more] = rest
    if (version !== 'v1') return { code: '4.04' }
    if (token === 'provision' && rest.length === 2) {
      return request.method === 'POST' ? postProvision(request) : { code: '4.05' }
    }
    if (!token) return { code: '4.01' }
    return more.length > 0 ? { code: '4.00' } : call(feature, { ...request, token })
  }

  const call = async (name: string, request: WithToken): Promise<CoapResponse> => {
    const feature = Object.hasOwn(features, name) ? features[name] : undefined
    if (!feature) return { code: '4.00' }
    return (await feature[request.method]?.(request)) ?? { code: refusals[name] ?? '4.05' }
  }

  const answer: CoapScope['answer'] = async (request) => {
    try {
      return await route(request)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const code = CODE_OF_ERROR[error.code] ?? CODE_OF_KIND[ERROR_KINDS[error.code]]
      if (error.code === 'store.away') {
        log.warn({ err: error.cause ?? error }, error.message)
        return { code, maxAgeSeconds: RETRY_AFTER_SECONDS }
      }
      log.info({ code: error.code, answer: code }, error.message)
      // Strangers get back no more than they sent.
      return code === '4.00' ? { code, body: Buffer.from(error.message) } : { code }
    }
  }

  const close = () => downloads.close()
  return { name: NAME, coap: { name: NAME, roots: ['api', 'fw', 'sw'], answer, close } }
}

const isFamily = (text: string): text is Family => Object.hasOwn(FAMILIES, text)

const allOf = (query: CoapRequest['query'], name: string): string[] | undefined => {
  const values = query.filter(([key]) => key === name).map(([, value]) => value)
  return values.length > 0 ? values : undefined
}

/** Undefined also for an empty one. */
const firstOf = (query: CoapRequest['query'], name: string): string | undefined =>
  query.find(([key]) => key === name)?.[1] || undefined

/** Whatever format it claims to have, and often it claims none. */
function jsonOf(payload: Buffer): unknown {
  if (payload.length === 0) return undefined
  try {
    return JSON.parse(payload.toString())
  } catch (error) {
    const { message } = error as Error
    throw new DomainError('request.malformed', `The payload is not JSON: ${message}`)
  }
}

function json(request: CoapRequest, code: CoapCode, body: Json): CoapResponse {
  const { accept, contentFormat = JSON_FORMAT } = request
  if (!ACCEPTED_FORMATS.includes(accept)) return { code: '4.06' }
  return { code, body: Buffer.from(JSON.stringify(body)), contentFormat }
}
