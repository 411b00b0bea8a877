/**
 * Downloads in chunks, or whole, within one session [Chunk download]. A download stays with the file it began
 * with, whatever is assigned meanwhile, until its first chunk is asked for again. An empty answer means the end
 * and nothing else.
 */
import {
  DomainError,
  type ErrorCode,
  NO_FACTS,
  type Release,
  reasonOf,
  type Snapshot,
} from '@updraft/core'
import { FAMILIES, type Family } from '@updraft/wire/thingsboard'
import { type ChunkError, type ChunkRequest, chunkBytes } from '@updraft/wire/thingsboard-mqtt'
import type { DeviceDesk, Notice } from '../../app/device-desk.ts'
import type { MqttLog, MqttSent } from '../../transports/mqtt.ts'
import { type Identify, SEEN_EVERY_MS } from './mqtt-needs.ts'

type ArtifactHandle = Awaited<ReturnType<DeviceDesk['openArtifact']>>['handle']

/** Larger ones are never held as a whole. */
const HELD_BYTES = 65_536
/** Downloads a session may have begun at once; the one begun first makes room. */
const MAX_DOWNLOADS = 4
/** Who asks past the end again and again has lost count and would never stop. */
const MAX_PAST_END = 3

interface Download {
  readonly release: Release
  readonly handle: ArtifactHandle
  /** As last asked for; null for the whole file. */
  chunkBytes: number | null
  /** Requests past the end, one after the other. */
  pastEnd: number
  /** When the desk last heard of it. */
  notedMs: number
}

/** How bytes leave the session. */
export interface BytesOut {
  publish(topic: string, bytes: Uint8Array): Promise<MqttSent>
  publishStream(
    topic: string,
    sizeBytes: number,
    pieces: AsyncIterable<Uint8Array>,
  ): Promise<MqttSent>
}

export interface ChunksNeeds {
  readonly desk: Pick<DeviceDesk, 'checkIn' | 'openArtifact' | 'notice'>
  readonly log: MqttLog
  /** Whose downloads they are. */
  readonly device: Snapshot
  /** The same, as it is now. */
  readonly identify: Identify
  readonly out: BytesOut
  readonly tellError: (request: ChunkRequest, word: ChunkError) => Promise<unknown>
  readonly onFetch: (family: Family, release: Release) => void
}

export class Chunks {
  readonly #needs: ChunksNeeds
  /** In the order they began. */
  readonly #downloads = new Map<string, Download>()

  constructor(needs: ChunksNeeds) {
    this.#needs = needs
  }

  /** `size` as the device said it. */
  async answer(request: ChunkRequest, size: string): Promise<void> {
    try {
      await this.#answer(request, size)
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      const word = WORDS[error.code]
      if (!word) throw error
      await this.#needs.tellError(request, word)
      const data = { type: FAMILIES[request.family] }
      await this.#notice({ kind: 'download.refused', data, reason: reasonOf(error) })
    }
  }

  close(): void {
    for (const { handle } of this.#downloads.values()) handle.release()
    this.#downloads.clear()
  }

  async #answer(request: ChunkRequest, size: string): Promise<void> {
    const { family, index, answerTopic } = request
    const asked = chunkBytes(size)
    if (asked === undefined) {
      throw new DomainError('request.malformed', `"${size.slice(0, 40)}" is no size of a chunk.`)
    }
    const download = await this.#downloadOf(request)
    if (asked !== null) download.chunkBytes = asked
    const { sizeBytes } = download.handle
    const isWhole = download.chunkBytes === null
    const start = isWhole ? 0 : Math.min(index * (download.chunkBytes ?? 0), sizeBytes)
    const end = isWhole ? sizeBytes : Math.min(start + (download.chunkBytes ?? 0), sizeBytes)
    if (start === sizeBytes) return this.#pastEnd(request, download)
    download.pastEnd = 0
    this.#needs.onFetch(family, download.release)
    await this.#goesOn(download)
    const sent = await this.#send(answerTopic, download.handle, start, end)
    if (sent === 'too-large') {
      throw new DomainError(
        'request.too-large',
        `The device takes no message of ${end - start} bytes.`,
      )
    }
  }

  async #send(
    topic: string,
    handle: ArtifactHandle,
    start: number,
    end: number,
  ): Promise<MqttSent> {
    if (end - start <= HELD_BYTES) {
      return this.#needs.out.publish(topic, await handle.read(start, end))
    }
    return this.#needs.out.publishStream(topic, end - start, handle.stream(start, end, true))
  }

  async #pastEnd(request: ChunkRequest, download: Download): Promise<void> {
    download.pastEnd += 1
    if (download.pastEnd <= MAX_PAST_END) {
      await this.#needs.out.publish(request.answerTopic, new Uint8Array())
      return
    }
    if (download.pastEnd === MAX_PAST_END + 1) {
      const { family, requestId, index } = request
      const { title, version } = download.release
      const data = { type: FAMILIES[family], title, version, requestId, index }
      await this.#notice({ kind: 'download.looping', data })
    }
  }

  /** A download that goes on is a word about the update; one in a while is enough. */
  async #goesOn(download: Download): Promise<void> {
    const nowMs = performance.now()
    if (nowMs - download.notedMs < SEEN_EVERY_MS) return
    download.notedMs = nowMs
    const { desk, identify } = this.#needs
    await desk.checkIn(await identify(), NO_FACTS, { tells: false, fetches: download.release })
  }

  async #notice(notice: Notice): Promise<void> {
    const { desk, device, log } = this.#needs
    if (!(await desk.notice(device, notice))) return
    const { kind, data, reason } = notice
    log.warn({ device: device.device.name, ...data, code: reason?.code }, kind)
  }

  /** As it was begun, or begun now. Refuses with what `openArtifact` does. */
  async #downloadOf({ family, requestId, index }: ChunkRequest): Promise<Download> {
    const key = `${family} ${requestId}`
    const before = this.#downloads.get(key)
    if (before && index > 0) return before
    const device = await this.#needs.identify()
    const opened = await this.#needs.desk.openArtifact(device, { type: FAMILIES[family] })
    before?.handle.release()
    this.#downloads.delete(key)
    const download = {
      ...opened,
      chunkBytes: before?.chunkBytes ?? null,
      pastEnd: 0,
      notedMs: performance.now(),
    }
    this.#downloads.set(key, download)
    this.#makeRoom()
    return download
  }

  #makeRoom(): void {
    for (const [key, { handle }] of this.#downloads) {
      if (this.#downloads.size <= MAX_DOWNLOADS) return
      handle.release()
      this.#downloads.delete(key)
    }
  }
}

/** How the error topic says it [Error topic]. */
const WORDS: Partial<Record<ErrorCode, ChunkError>> = {
  'release.no-content': 'NOT_FOUND',
  'artifact.unknown': 'NOT_FOUND',
  'release.external': 'FAILURE',
  'request.too-large': 'PAYLOAD_TOO_LARGE',
  'request.malformed': 'UNKNOWN',
}
