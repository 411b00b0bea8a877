/**
 * ThingsBoard's device HTTP API (wire/thingsboard.ts; docs/dialects/thingsboard.md, "HTTP device API"). It knows
 * no operations: what the shared attributes name is meant for the device until they name something else.
 */
import { createHash } from 'node:crypto'
import type { Installed, Json, JsonObject } from '@updraft/core'
import {
  FAMILIES,
  FAMILY_PREFIXES,
  type Family,
  HTTP_PATHS,
  sharedAttributeKeys,
  sharedReleaseOf,
} from '@updraft/wire/thingsboard'
import { exchange, exchangeText, piecesOf, refusal } from '../http.ts'
import { Away, UpdateFailed } from '../trouble.ts'
import type { Fetched, Offer, Uplink } from '../uplink.ts'
import { fetchByRange } from './by-range.ts'

export interface ThingsBoardOptions {
  readonly server: string
  /** The device's access token. It stands in every path. */
  readonly token: () => Promise<string>
  /** Bytes asked for at once. The place in the file is a multiple of it, so it may change between two starts. */
  readonly chunkBytes?: number
  readonly answerTimeoutMs?: number
}

const CHUNK_BYTES = 65_536
const ANSWER_TIMEOUT_MS = 30_000

export function thingsBoardUplink({
  server,
  token,
  chunkBytes = CHUNK_BYTES,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
}: ThingsBoardOptions): Uplink {
  const base = server.replace(/\/+$/, '')
  /** What was told last, by kind: telling it again would only make more history there. */
  const told = new Map<string, string>()

  const addressOf = async (path: string): Promise<string> =>
    base + path.replace(':token', encodeURIComponent(await token()))

  const post = async (path: string, body: JsonObject, signal: AbortSignal): Promise<void> => {
    const answer = await exchangeText({
      url: await addressOf(path),
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      timeoutMs: answerTimeoutMs,
      signal,
    })
    if (answer.status !== 200) throw refusal(answer)
  }

  const postNews = async (path: string, body: JsonObject, signal: AbortSignal): Promise<void> => {
    const text = JSON.stringify(body)
    if (text === '{}' || told.get(path) === text) return
    await post(path, body, signal)
    told.set(path, text)
  }

  /** Resolves when attributes change, or when the time is over (408). Whether it took its time. */
  const awaitChange = async (seconds: number, signal: AbortSignal): Promise<boolean> => {
    const begun = performance.now()
    const answer = await exchangeText({
      url: `${await addressOf(HTTP_PATHS.attributeUpdates)}?timeout=${seconds * 1000}`,
      timeoutMs: seconds * 1000 + answerTimeoutMs,
      signal,
    })
    if (answer.status !== 200 && answer.status !== 408) throw refusal(answer)
    return answer.status === 200 || performance.now() - begun >= seconds * 900
  }

  const standing = async (installed: Readonly<Record<string, Installed>>, signal: AbortSignal) => {
    const keys = FAMILY_PREFIXES.flatMap(sharedAttributeKeys).join(',')
    const url = `${await addressOf(HTTP_PATHS.attributes)}?sharedKeys=${keys}`
    const answer = await exchangeText({ url, timeoutMs: answerTimeoutMs, signal })
    if (answer.status !== 200) throw refusal(answer)
    return offersIn(answer.text, installed)
  }

  return {
    name: 'thingsboard',

    async checkIn({ installed, facts, waitSeconds, signal }) {
      await postNews(HTTP_PATHS.telemetry, currentOf(installed), signal)
      await postNews(HTTP_PATHS.attributes, facts, signal)
      const offers = await standing(installed, signal)
      // Changes between two polls are lost there, so the attributes are read after each wait as well.
      if (offers.length > 0 || waitSeconds === 0) {
        return { offers, nextCheckInSeconds: null, wasHeld: false }
      }
      const wasHeld = await awaitChange(waitSeconds, signal)
      return { offers: await standing(installed, signal), nextCheckInSeconds: null, wasHeld }
    },

    async report(offer, { state, error, installed }, signal) {
      const family = familyOf(offer.type)
      if (!family) return 'over'
      // Each message carries the error, as ThingsBoard's own clients do: an old one does not stay in sight.
      const body = {
        ...currentOf(installed ? { [offer.type]: installed } : {}),
        [`${family}_state`]: state,
        [`${family}_error`]: error ?? '',
      }
      const key = `${offer.operation} ${state}`
      if (told.get('state') === key && state === 'DOWNLOADING') return 'taken'
      await post(HTTP_PATHS.telemetry, body, signal)
      told.set('state', key)
      return 'taken'
    },

    async fetch(offer, from, limits) {
      if (offer.address) return await fetchByRange(offer.address, from, limits)
      const family = familyOf(offer.type)
      if (!family) throw new UpdateFailed(`ThingsBoard knows no ${offer.type}`)
      const path = family === 'fw' ? HTTP_PATHS.firmware : HTTP_PATHS.software
      const named = new URLSearchParams({ title: offer.title, version: offer.version })
      const chunk = async (index: number) =>
        exchange({
          url: `${await addressOf(path)}?${named}&size=${chunkBytes}&chunk=${index}`,
          timeoutMs: limits.stallMs,
          signal: limits.signal,
        })
      return await byChunks(chunk, {
        chunkBytes,
        from: from.byte,
        total: offer.sizeBytes,
        ...limits,
      })
    },
  }
}

/** The file from the chunk on that holds the wanted byte. The end is the announced length, or an empty chunk. */
async function byChunks(
  ask: (index: number) => ReturnType<typeof exchange>,
  about: { chunkBytes: number; from: number; total: number | null; stallMs: number },
): Promise<Fetched> {
  const { chunkBytes, total, stallMs } = about
  const first = Math.floor(about.from / chunkBytes)
  return { from: first * chunkBytes, totalBytes: null, etag: null, pieces: pieces() }

  async function* pieces(): AsyncGenerator<Buffer> {
    for (let index = first; total === null || index * chunkBytes < total; index++) {
      const answer = await ask(index)
      if (answer.status !== 200) {
        answer.body.destroy()
        throw refusal(answer, 'the file cannot be fetched')
      }
      let length = 0
      for await (const piece of piecesOf(answer.body, stallMs)) {
        length += piece.length
        if (length > chunkBytes) {
          throw new Away(`A chunk is longer than ${chunkBytes} bytes.`, { kind: 'refused' })
        }
        yield piece
      }
      if (length < chunkBytes) return
    }
  }
}

/** What runs here as telemetry; other component types have no name there. */
function currentOf(installed: Readonly<Record<string, Installed>>): JsonObject {
  const values: Record<string, Json> = {}
  for (const family of FAMILY_PREFIXES) {
    const runs = installed[FAMILIES[family]]
    if (!runs) continue
    values[`current_${family}_title`] = runs.title
    values[`current_${family}_version`] = runs.version
  }
  return values
}

/** What the attributes name and does not run here yet. */
function offersIn(text: string, installed: Readonly<Record<string, Installed>>): Offer[] {
  let shared: unknown
  try {
    shared = (JSON.parse(text === '' ? '{}' : text) as { shared?: unknown }).shared
  } catch (error) {
    throw new Away('The attributes are no JSON.', { kind: 'busy', cause: error })
  }
  return FAMILY_PREFIXES.flatMap((family) => {
    const release = sharedReleaseOf(family, (shared ?? {}) as JsonObject)
    const type = FAMILIES[family]
    const runs = installed[type]
    if (!release || (runs?.title === release.title && runs.version === release.version)) return []
    const { title, version, sizeBytes, checksum, checksumAlgorithm, url } = release
    const said = JSON.stringify([type, title, version, checksum, url])
    return {
      operation: `${family}-${createHash('sha256').update(said).digest('hex').slice(0, 24)}`,
      type,
      title,
      version,
      sizeBytes,
      checksum:
        checksum && checksumAlgorithm ? { algorithm: checksumAlgorithm, value: checksum } : null,
      address: url,
      isStanding: true,
    }
  })
}

const familyOf = (type: string): Family | undefined =>
  FAMILY_PREFIXES.find((family) => FAMILIES[family] === type)
