/**
 * The clients that speak Ioto, each as it stands on the wire (docs/dialects/ioto.md): which headers in which order,
 * how it reads an answer, what it makes of what it read. One row a client, and one of our own.
 */
import type { JsonObject } from '@updraft/core'
import { CheckAnswer, type IotoOffer } from '@updraft/wire/ioto'
import { type Authorities, exchangeText } from '../http.ts'
import { jsonOf } from '../json.ts'
import { type RawRequest, type Reading, rawExchange, rawText, USUAL_READING } from '../raw-http.ts'
import { Away } from '../trouble.ts'
import type { Fetched } from '../uplink.ts'
import { fetchByRange } from './by-range.ts'

export const IOTO_CLIENTS = [
  'updraft',
  'agent',
  'updater-c',
  'updater-node',
  'updater-shell',
] as const
export type IotoClient = (typeof IOTO_CLIENTS)[number]

export interface Limits {
  readonly stallMs: number
  readonly signal: AbortSignal
  readonly authorities?: Authorities
}

export interface Post extends Limits {
  readonly url: URL
  readonly token: string
  readonly body: string
}

/** How one client goes about it. */
export interface Manners {
  /** It registers to learn where it belongs; the others are told. */
  readonly registers: boolean
  /** Asks again where and how it can: the download from where it was, the outcome until it is heard. */
  readonly isPatient: boolean
  /** Whether it tells how an update ended. */
  readonly reports: boolean
  /** The body of a check. */
  check(about: Asking): string
  post(request: Post): Promise<{ status: number; text: string }>
  /** What an answer offers; null: nothing. Throws Away when it cannot be read. */
  offerIn(text: string, asked: URL): IotoOffer | null
  fetch(
    address: URL,
    from: { readonly byte: number; readonly etag: string | null },
    limits: Limits,
  ): Promise<Fetched>
}

export interface Asking {
  readonly id: string
  readonly product: string
  readonly properties: JsonObject
  /** Of the firmware. */
  readonly version: string
  /** Of the agent. */
  readonly iotoVersion: string
}

type Headers = RawRequest['headers']

/** How a client writes on the wire. */
interface Hand {
  readonly reading: Reading
  postHeaders(host: string, length: string, token: string): Headers
  getHeaders(host: string): Headers
  readonly followsRedirects?: boolean
}

const JSON_TYPE = 'application/json'
const MAX_REDIRECTS = 20
/** The Updater in C has room for so much of a head. */
const C_MAX_HEAD_BYTES = 4_095

const byHand = ({ reading, postHeaders, getHeaders, followsRedirects = false }: Hand) => ({
  post: ({ url, token, body, ...limits }: Post) =>
    rawText({
      ...limits,
      url,
      method: 'POST',
      headers: postHeaders(url.host, String(Buffer.byteLength(body)), token),
      body,
      reading,
    }),

  fetch: async (address: URL, _from: unknown, limits: Limits): Promise<Fetched> => {
    let url = address
    for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
      const headers = getHeaders(url.host)
      const answer = await rawExchange({ ...limits, url, method: 'GET', headers, reading })
      const target = answer.header('Location')
      if (followsRedirects && answer.status >= 301 && answer.status <= 308 && target) {
        answer.close()
        url = new URL(target, url)
        continue
      }
      if (answer.status === 200) {
        const length = answer.header('Content-Length')
        const totalBytes = length === undefined ? null : Number(length)
        return { from: 0, totalBytes, etag: null, pieces: answer.pieces }
      }
      answer.close()
      throw new Away(`The file cannot be fetched: ${answer.status}.`, { kind: 'refused' })
    }
    throw new Away('The file is redirected again and again.', { kind: 'refused' })
  },
})

/** All that the agent knows of itself, as its device.json5 has it, then the two versions. */
const checkOfAgent = ({ id, product, properties, version, iotoVersion }: Asking): string =>
  JSON.stringify({ id, product, ...properties, version, iotoVersion })

const own: Manners = {
  registers: true,
  isPatient: true,
  reports: true,
  // It is no Ioto agent, and does not say which version of one it is.
  check: ({ id, product, properties, version }) =>
    JSON.stringify({ id, product, ...properties, version }),
  post: ({ url, token, body, stallMs, signal, authorities }) =>
    exchangeText({
      url: url.href,
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': JSON_TYPE },
      body,
      timeoutMs: stallMs,
      signal,
      authorities,
    }),
  offerIn: offerInJson,
  fetch: (address, from, limits) => fetchByRange(address.href, from, limits),
}

const agent: Manners = {
  registers: true,
  isPatient: false,
  reports: false,
  check: checkOfAgent,
  offerIn: offerInJson,
  ...byHand({
    reading: USUAL_READING,
    postHeaders: (host, length, token) => [
      ['Authorization', `bearer ${token}`],
      ['Content-Type', JSON_TYPE],
      ['Host', host],
      ['Content-Length', length],
    ],
    getHeaders: (host) => [['Host', host]],
  }),
}

/** What its three programs have in common: all properties are texts, and nothing in them is escaped. */
const updater = {
  registers: false,
  isPatient: false,
  reports: true,
  check: ({ id, product, properties, version }: Asking): string => {
    const told = Object.entries({ id, product, version, ...properties })
      .filter(([, value]) => typeof value !== 'object')
      .map(([key, value]) => `"${key}":"${value}"`)
    return `{${told.join(',')}}`
  },
} as const

const updaterC: Manners = {
  ...updater,
  offerIn: offerInText,
  ...byHand({
    reading: { isCaseSensitive: true, untilClosed: true, maxHeadBytes: C_MAX_HEAD_BYTES },
    postHeaders: (host, length, token) => [
      ['Host', host],
      ['Content-Length', length],
      ['Content-Type', JSON_TYPE],
      ['Authorization', token],
    ],
    getHeaders: (host) => [
      ['Host', host],
      ['Content-Length', '0'],
      ['Accept', '*/*'],
    ],
  }),
}

const FETCH_HEADERS: Headers = [
  ['accept', '*/*'],
  ['accept-language', '*'],
  ['sec-fetch-mode', 'cors'],
  ['user-agent', 'node'],
  ['accept-encoding', 'identity'],
]

const updaterNode: Manners = {
  ...updater,
  offerIn: wholeOfferInJson,
  ...byHand({
    reading: USUAL_READING,
    postHeaders: (host, length, token) => [
      ['host', host],
      ['connection', 'keep-alive'],
      ['authorization', token],
      ['content-type', JSON_TYPE],
      ...FETCH_HEADERS,
      ['content-length', length],
    ],
    getHeaders: (host) => [['host', host], ['connection', 'keep-alive'], ...FETCH_HEADERS],
    followsRedirects: true,
  }),
}

const CURL_HEADERS: Headers = [
  ['User-Agent', 'curl/8.5.0'],
  ['Accept', '*/*'],
]

const updaterShell: Manners = {
  ...updater,
  offerIn: wholeOfferInJson,
  ...byHand({
    reading: USUAL_READING,
    postHeaders: (host, length, token) => [
      ['Host', host],
      ...CURL_HEADERS,
      ['Authorization', token],
      ['Content-Type', JSON_TYPE],
      ['Content-Length', length],
    ],
    getHeaders: (host) => [['Host', host], ...CURL_HEADERS],
  }),
}

export const MANNERS: Readonly<Record<IotoClient, Manners>> = {
  updraft: own,
  agent,
  'updater-c': updaterC,
  'updater-node': updaterNode,
  'updater-shell': updaterShell,
}

/** An answer with an address is an offer, to whoever reads JSON. What the agent does not use may be missing. */
function offerInJson(text: string): IotoOffer | null {
  const answer = CheckAnswer.safeParse(jsonOf(text))
  if (!answer.success) throw unreadable()
  const { url, checksum = '', update = '', version = '' } = answer.data
  return url === undefined ? null : { url, checksum, update, version }
}

/** The Updater needs all four. */
function wholeOfferInJson(text: string, asked: URL): IotoOffer | null {
  const offer = offerInJson(text)
  if (offer && (!offer.checksum || !offer.update || !offer.version)) throw unreadable()
  if (offer) checkSecure(offer.url, asked)
  return offer
}

/** As the Updater in C looks for them: by text, without a blank, and no escape is undone. */
function offerInText(text: string, asked: URL): IotoOffer | null {
  const find = (name: string): string | null => {
    const mark = `"${name}":`
    const at = text.indexOf(mark)
    if (at === -1) return null
    const start = at + mark.length + 1
    const end = text.indexOf('"', start)
    return end === -1 ? '' : text.slice(start, end)
  }
  const url = find('url')
  if (url === null) return null
  checkSecure(url, asked)
  const [checksum, update, version] = [find('checksum'), find('update'), find('version')]
  if (!checksum || !update || !version) throw unreadable()
  return { url, checksum, update, version }
}

/** The Updater takes https only; where it was itself pointed at plain http, for a trial, that is good enough. */
function checkSecure(url: string, asked: URL): void {
  if (url.startsWith('https://')) return
  if (asked.protocol === 'http:' && url.startsWith('http://')) return
  throw new Away('insecure URL', { kind: 'refused' })
}

const unreadable = (): Away => new Away('The answer is no answer to a check.', { kind: 'busy' })
