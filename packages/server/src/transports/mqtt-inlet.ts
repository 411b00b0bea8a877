/**
 * What comes in on one connection: whole packets, taken one after the other. While one is being worked on the
 * next waits, and who sends faster than that is not read from.
 */
import type { Socket } from 'node:net'
import { FrameReader } from './mqtt-frames.ts'

/** Pieces that may wait unread. */
const MAX_WAITING_PIECES = 16

export interface InletNeeds {
  readonly socket: Socket
  readonly maxPacketBytes: number
  /** Undefined when nothing is waited for, so that pings and acknowledgements cost no promise. */
  readonly take: (frame: Buffer) => Promise<void> | undefined
  /** What cutting or taking a packet threw. */
  readonly onError: (error: unknown) => void
  /** All that has come so far was taken. */
  readonly onTaken: () => void
}

export class Inlet {
  readonly #needs: InletNeeds
  readonly #reader: FrameReader
  #isBusy = false
  #isPaused = false

  constructor(needs: InletNeeds) {
    this.#needs = needs
    this.#reader = new FrameReader(needs.maxPacketBytes)
  }

  /** A packet is being worked on. */
  get isBusy(): boolean {
    return this.#isBusy
  }

  /** The client is not read from, so it cannot be heard either. */
  get isPaused(): boolean {
    return this.#isPaused
  }

  push(chunk: Buffer): void {
    this.#reader.push(chunk)
    if (this.#isBusy && this.#reader.waiting >= MAX_WAITING_PIECES) {
      this.#isPaused = true
      this.#needs.socket.pause()
    }
    this.#takeAll()
  }

  /** What waits is not taken any more. */
  drop(): void {
    this.#reader.clear()
  }

  #takeAll(): void {
    if (this.#isBusy) return
    for (;;) {
      let pending: Promise<void> | undefined
      try {
        const frame = this.#reader.next()
        if (!frame) break
        pending = this.#needs.take(frame)
      } catch (error) {
        this.#needs.onError(error)
        break
      }
      if (pending) {
        this.#goOnAfter(pending)
        return
      }
    }
    if (this.#isPaused) {
      this.#isPaused = false
      this.#needs.socket.resume()
    }
    this.#needs.onTaken()
  }

  #goOnAfter(pending: Promise<void>): void {
    this.#isBusy = true
    const goOn = () => {
      this.#isBusy = false
      this.#takeAll()
    }
    pending.then(goOn, (error: unknown) => {
      this.#needs.onError(error)
      goOn()
    })
  }
}
