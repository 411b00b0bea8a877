/**
 * Downloads in chunks, or whole, within one session [Chunk download]. A download stays with the file it began
 * with, whatever is assigned meanwhile, until its first chunk is asked for again. An empty answer means the end
 * and nothing else.
 */
import { DomainError, type ErrorCode, type Release } from '@updraft/core'
import { FAMILIES, type Family } from '@updraft/wire/thingsboard'
import {
  type ChunkError,
  type ChunkTopic,
  chunkBytes,
  chunkResponseTopic,
} from '@updraft/wire/thingsboard-mqtt'
import type { DeviceDesk } from '../../app/device-desk.ts'
import type { MqttSent } from '../../transports/mqtt.ts'
import type { Identify } from './mqtt-needs.ts'

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
}

export interface ChunksNeeds {
  readonly desk: Pick<DeviceDesk, 'openArtifact'>
  readonly identify: Identify
  readonly publish: (topic: string, bytes: Uint8Array) => Promise<MqttSent>
  readonly publishStream: (
    topic: string,
    sizeBytes: number,
    pieces: AsyncIterable<Uint8Array>,
  ) => Promise<MqttSent>
  /** The device cannot be given what it asks for. */
  readonly onRefused: (family: Family, word: ChunkError, error: DomainError) => Promise<void>
  /** The device asks past the end without end. */
  readonly onLooping: (topic: ChunkTopic, release: Release) => Promise<void>
  readonly onFetch: (family: Family, release: Release) => void
}

export class Chunks {
  readonly #needs: ChunksNeeds
  /** In the order they began. */
  readonly #downloads = new Map<string, Download>()

  constructor(needs: ChunksNeeds) {
    this.#needs = needs
  }

  async answer(topic: ChunkTopic, payload: Buffer): Promise<void> {
    try {
      await this.#answer(topic, payload.toString('latin1'))
    } catch (error) {
      const word = error instanceof DomainError ? WORDS[error.code] : undefined
      if (!word) throw error
      await this.#needs.onRefused(topic.family, word, error as DomainError)
    }
  }

  close(): void {
    for (const { handle } of this.#downloads.values()) handle.release()
    this.#downloads.clear()
  }

  async #answer(topic: ChunkTopic, size: string): Promise<void> {
    const { family, index } = topic
    const asked = chunkBytes(size)
    if (asked === undefined) {
      throw new DomainError('request.malformed', `"${size.slice(0, 40)}" is no size of a chunk.`)
    }
    const download = await this.#downloadOf(topic)
    if (asked !== null) download.chunkBytes = asked
    const { sizeBytes } = download.handle
    const isWhole = download.chunkBytes === null
    const start = isWhole ? 0 : Math.min(index * (download.chunkBytes ?? 0), sizeBytes)
    const end = isWhole ? sizeBytes : Math.min(start + (download.chunkBytes ?? 0), sizeBytes)
    if (start === sizeBytes) return this.#pastEnd(topic, download)
    download.pastEnd = 0
    this.#needs.onFetch(family, download.release)
    const sent = await this.#send(chunkResponseTopic(topic), download.handle, start, end)
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
      return this.#needs.publish(topic, await handle.read(start, end))
    }
    return this.#needs.publishStream(topic, end - start, handle.stream(start, end, true))
  }

  async #pastEnd(topic: ChunkTopic, download: Download): Promise<void> {
    download.pastEnd += 1
    if (download.pastEnd <= MAX_PAST_END) {
      await this.#needs.publish(chunkResponseTopic(topic), new Uint8Array())
      return
    }
    if (download.pastEnd === MAX_PAST_END + 1) {
      await this.#needs.onLooping(topic, download.release)
    }
  }

  /** As it was begun, or begun now. Refuses with what `openArtifact` does. */
  async #downloadOf({ family, requestId, index }: ChunkTopic): Promise<Download> {
    const key = `${family} ${requestId}`
    const before = this.#downloads.get(key)
    if (before && index > 0) return before
    const device = await this.#needs.identify()
    const opened = await this.#needs.desk.openArtifact(device, { type: FAMILIES[family] })
    before?.handle.release()
    this.#downloads.delete(key)
    const download = { ...opened, chunkBytes: before?.chunkBytes ?? null, pastEnd: 0 }
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
