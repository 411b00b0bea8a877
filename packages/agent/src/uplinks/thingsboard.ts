/**
 * ThingsBoard's device API (docs/dialects/thingsboard.md) over the transport that the server's address names. It
 * knows no operations: what the shared attributes name is meant for the device until they name something else.
 */
import { createHash } from 'node:crypto'
import type { Installed, Json, JsonObject } from '@updraft/core'
import { FAMILIES, FAMILY_PREFIXES, type Family, sharedReleaseOf } from '@updraft/wire/thingsboard'
import type { MqttVersion } from '../mqtt.ts'
import { Away, UpdateFailed } from '../trouble.ts'
import type { Fetched, Offer, Uplink } from '../uplink.ts'
import { type Clock, type Random, systemClock } from '../waits.ts'
import { fetchByRange } from './by-range.ts'
import { overCoap } from './thingsboard-coap.ts'
import { overHttp } from './thingsboard-http.ts'
import type { FetchChunk, LineOptions, ThingsBoardLine } from './thingsboard-line.ts'
import { overMqtt } from './thingsboard-mqtt.ts'

export interface ThingsBoardOptions {
  /** Its scheme names the transport, such as https://things.example or mqtt://things.example:1883. */
  readonly server: string
  /** The device's access token; asked for before each request, or each connection. */
  readonly token: () => Promise<string>
  /** Bytes asked for at once. The place in the file is a multiple of it, so it may change between two starts. */
  readonly chunkBytes?: number
  readonly answerTimeoutMs?: number
  /** For mqtt and mqtts: the version to speak. */
  readonly mqttVersion?: MqttVersion
  readonly clock?: Clock
  readonly random?: Random
}

const CHUNK_BYTES = 65_536
const ANSWER_TIMEOUT_MS = 30_000

/** By the scheme of the server's address. */
const LINES: Readonly<Record<string, (options: LineOptions) => ThingsBoardLine>> = {
  http: overHttp,
  https: overHttp,
  mqtt: overMqtt,
  mqtts: overMqtt,
  coap: overCoap,
}

/** Schemes of addresses that thingsBoardUplink takes. */
export const THINGSBOARD_SCHEMES: readonly string[] = Object.keys(LINES)

/** Throws when no line goes to such an address. */
export function thingsBoardUplink({
  chunkBytes = CHUNK_BYTES,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
  mqttVersion = '5',
  clock = systemClock,
  random = Math.random,
  ...options
}: ThingsBoardOptions): Uplink {
  const server = new URL(options.server)
  const line = LINES[server.protocol.slice(0, -1)]?.({
    ...options,
    server,
    chunkBytes,
    answerTimeoutMs,
    mqttVersion,
    clock,
    random,
  })
  if (!line) throw new Error(`ThingsBoard is not spoken over ${server.protocol}`)
  /** What was told last, by kind: telling it again would only make more history there. */
  const told = new Map<string, string>()

  const postNews = async (
    what: 'telemetry' | 'attributes',
    values: JsonObject,
    signal: AbortSignal,
  ): Promise<void> => {
    const text = JSON.stringify(values)
    if (text === '{}' || told.get(what) === text) return
    await line.post(what, values, signal)
    told.set(what, text)
  }

  return {
    name: 'thingsboard',
    news: line.news,
    hangUp: line.hangUp,

    async checkIn({ installed, facts, waitSeconds, signal }) {
      const standing = async () => offersIn(await line.sharedAttributes(signal), installed)
      await postNews('telemetry', currentOf(installed), signal)
      await postNews('attributes', facts, signal)
      const offers = await standing()
      // Changes between two polls are lost there, so the attributes are read after each wait as well.
      if (offers.length > 0 || waitSeconds === 0) {
        return { offers, nextCheckInSeconds: null, wasHeld: false }
      }
      const wasHeld = await line.awaitChange(waitSeconds, signal)
      return { offers: await standing(), nextCheckInSeconds: null, wasHeld }
    },

    async report(offer, { state, error, installed }, signal) {
      const family = familyOf(offer.type)
      if (!family) return 'over'
      // Each message carries the error, as ThingsBoard's own clients do: an old one does not stay in sight.
      const values = {
        ...currentOf(installed ? { [offer.type]: installed } : {}),
        [`${family}_state`]: state,
        [`${family}_error`]: error ?? '',
      }
      const key = `${offer.operation} ${state}`
      if (told.get('state') === key && state === 'DOWNLOADING') return 'taken'
      await line.post('telemetry', values, signal)
      told.set('state', key)
      return 'taken'
    },

    async fetch(offer, from, limits) {
      if (offer.address) return await fetchByRange(offer.address, from, limits)
      const family = familyOf(offer.type)
      if (!family) throw new UpdateFailed(`ThingsBoard knows no ${offer.type}`)
      const { title, version, sizeBytes } = offer
      if (version === null) throw new UpdateFailed('ThingsBoard names each version')
      const fetchChunk = line.download({ family, title, version }, limits)
      return byChunks(fetchChunk, {
        chunkBytes: line.chunkBytes,
        from: from.byte,
        total: sizeBytes,
      })
    },
  }
}

/** The file from the chunk on that holds the wanted byte. The end is the announced length, or a short chunk. */
function byChunks(
  fetchChunk: FetchChunk,
  { chunkBytes, from, total }: { chunkBytes: number; from: number; total: number | null },
): Fetched {
  const first = Math.floor(from / chunkBytes)
  return { from: first * chunkBytes, totalBytes: null, etag: null, pieces: pieces() }

  async function* pieces(): AsyncGenerator<Buffer> {
    for (let index = first; total === null || index * chunkBytes < total; index++) {
      let length = 0
      for await (const piece of fetchChunk(index)) {
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
function offersIn(shared: JsonObject, installed: Readonly<Record<string, Installed>>): Offer[] {
  return FAMILY_PREFIXES.flatMap((family) => {
    const release = sharedReleaseOf(family, shared)
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
