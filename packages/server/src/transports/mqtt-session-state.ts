/**
 * What of a session may outlive its connection [4.1 Session State]: the filters it was granted, and what is on its way
 * in both directions. Most sessions have none of it, and then it takes a few words of memory.
 */
import type { MqttQuality } from './mqtt-visitor.ts'

const MAX_PACKET_ID = 65_535
/** On its way to one client at most; a single message may be longer. */
const MAX_UNFINISHED = 500
const MAX_UNFINISHED_BYTES = 65_536
/** Names of filters; each counts for a little more. */
const MAX_FILTER_BYTES = 32_768
const FILTER_BYTES = 32

/** A message that its client has not yet said to have. */
export interface Unfinished {
  readonly qos: 1 | 2
  /** Null when it cannot be sent again: it was a stream, or its session ends with the connection. */
  message: { readonly topic: string; readonly payload: Uint8Array } | null
  /** The client has it; what is left is its release. */
  isReceived: boolean
  /** It was sent before, perhaps on another connection. */
  wasSent: boolean
  /** It was sent on this connection. */
  isOut: boolean
}

export class SessionState {
  #filters: Map<string, MqttQuality> | null = null
  #filterBytes = 0
  /** Packet identifiers of messages of quality 2 that were taken and not yet released. */
  #unreleased: Set<number> | null = null
  /** By packet identifier, in the order they are sent. */
  #unfinished: Map<number, Unfinished> | null = null
  #unfinishedBytes = 0
  #lastPacketId = 0

  get filters(): ReadonlyMap<string, MqttQuality> {
    this.#filters ??= new Map()
    return this.#filters
  }

  /** Answers false when it holds as many as it may. */
  grant(filter: string, qos: MqttQuality): boolean {
    this.#filters ??= new Map()
    if (!this.#filters.has(filter)) {
      const bytes = FILTER_BYTES + filter.length
      if (this.#filterBytes + bytes > MAX_FILTER_BYTES) return false
      this.#filterBytes += bytes
    }
    this.#filters.set(filter, qos)
    return true
  }

  drop(filter: string): void {
    if (this.#filters?.delete(filter)) this.#filterBytes -= FILTER_BYTES + filter.length
  }

  get unreleasedCount(): number {
    return this.#unreleased?.size ?? 0
  }

  isUnreleased(packetId: number): boolean {
    return this.#unreleased?.has(packetId) ?? false
  }

  taken(packetId: number): void {
    this.#unreleased ??= new Set()
    this.#unreleased.add(packetId)
  }

  /** Answers whether it had been taken. */
  released(packetId: number): boolean {
    return this.#unreleased?.delete(packetId) ?? false
  }

  /** As small as it gets of what is held here, for bounds. */
  get heldBytes(): number {
    return this.#filterBytes + this.#unfinishedBytes
  }

  hasRoomFor(payloadBytes: number): boolean {
    if ((this.#unfinished?.size ?? 0) >= MAX_UNFINISHED) return false
    return (
      this.#unfinishedBytes === 0 || this.#unfinishedBytes + payloadBytes <= MAX_UNFINISHED_BYTES
    )
  }

  /** Answers its packet identifier. */
  begin(unfinished: Unfinished): number {
    this.#unfinished ??= new Map()
    do this.#lastPacketId = (this.#lastPacketId % MAX_PACKET_ID) + 1
    while (this.#unfinished.has(this.#lastPacketId))
    this.#unfinished.set(this.#lastPacketId, unfinished)
    this.#unfinishedBytes += bytesOf(unfinished)
    return this.#lastPacketId
  }

  unfinished(packetId: number): Unfinished | undefined {
    return this.#unfinished?.get(packetId)
  }

  /** In the order they are sent. */
  allUnfinished(): Iterable<[number, Unfinished]> {
    return this.#unfinished ?? []
  }

  received(unfinished: Unfinished): void {
    this.#unfinishedBytes -= bytesOf(unfinished)
    unfinished.message = null
    unfinished.isReceived = true
  }

  finish(packetId: number): void {
    const unfinished = this.#unfinished?.get(packetId)
    if (!unfinished) return
    this.#unfinishedBytes -= bytesOf(unfinished)
    this.#unfinished?.delete(packetId)
  }

  /** Its connection has ended: on the next one all is sent again that can be. */
  interrupted(): void {
    for (const [packetId, unfinished] of this.allUnfinished()) {
      if (unfinished.message || unfinished.isReceived) unfinished.isOut = false
      else this.finish(packetId)
    }
  }
}

const bytesOf = ({ message }: Unfinished): number =>
  message ? message.payload.length + message.topic.length : 0
