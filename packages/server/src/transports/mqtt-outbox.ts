/**
 * What goes out on one connection, in order. A piece is handed to the socket when the one before has gone, so a
 * reader that is slow, or does not read at all, holds one piece and no more.
 */
import type { Socket } from 'node:net'
import { endOfTurn } from './turn.ts'

type Write = () => Promise<void> | undefined

export class Outbox {
  readonly #socket: Socket
  /** What waits its turn behind something long; empty most of the time. */
  #queue: Write[] = []
  #isWriting = false
  #wakes: (() => void)[] = []
  #stuckSinceMs: number | null = null

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Since when the reader has taken nothing although something waits; null when it reads. */
  get stuckSinceMs(): number | null {
    return this.#stuckSinceMs
  }

  get isIdle(): boolean {
    return !this.#isWriting
  }

  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** Undefined when it has gone at once; else resolves when it has, or when the connection is gone. */
  send(...parts: Uint8Array[]): Promise<void> | undefined {
    return this.#inTurn(() => this.#write(parts))
  }

  /** An answer that is worth it, together with those of others. */
  sendAtEndOfTurn(...parts: Uint8Array[]): Promise<void> | undefined {
    return this.#inTurn(async () => {
      await endOfTurn()
      await this.#write(parts)
    })
  }

  /**
   * A long one, piece by piece; a piece may be overwritten when the next one is pulled. Rejects when the pieces do: then
   * the packet has no end and the connection is of no use.
   */
  sendPieces(header: Uint8Array, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const done = this.#inTurn(async () => {
      await this.#write([header])
      for await (const piece of pieces) {
        if (this.#socket.destroyed) return
        await this.#taken(piece)
      }
    })
    return done ?? Promise.resolve()
  }

  /** The connection is gone: nobody waits for it any more. */
  closed(): void {
    this.#wake()
  }

  #inTurn(write: Write): Promise<void> | undefined {
    if (!this.#isWriting) return this.#start(write)
    return new Promise((resolve, reject) => {
      this.#queue.push(() => {
        const written = write()
        if (written) written.then(resolve, reject)
        else resolve()
        return written
      })
    })
  }

  #start(write: Write): Promise<void> | undefined {
    const written = write()
    if (!written) return undefined
    this.#isWriting = true
    const next = () => {
      this.#isWriting = false
      for (let queued = this.#queue.shift(); queued; queued = this.#queue.shift()) {
        if (this.#start(queued)) return
      }
    }
    written.then(next, next)
    return written
  }

  #write(parts: readonly Uint8Array[]): Promise<void> | undefined {
    const socket = this.#socket
    if (socket.destroyed || socket.writableEnded) return undefined
    let hasRoom = true
    if (parts.length > 1) socket.cork()
    for (const part of parts) hasRoom = socket.write(part)
    if (parts.length > 1) {
      socket.uncork()
      hasRoom = !socket.writableNeedDrain
    }
    return hasRoom ? undefined : this.#drained()
  }

  #drained(): Promise<void> {
    this.#stuckSinceMs = performance.now()
    return new Promise((resolve) => {
      this.#wakes.push(resolve)
      this.#socket.once('drain', () => this.#wake())
    })
  }

  /** Resolves when nothing of it is held here any more, or the connection is gone. */
  #taken(piece: Uint8Array): Promise<void> {
    this.#stuckSinceMs = performance.now()
    return new Promise((resolve) => {
      this.#wakes.push(resolve)
      this.#socket.write(piece, () => this.#wake())
    })
  }

  #wake(): void {
    this.#stuckSinceMs = null
    const wakes = this.#wakes
    this.#wakes = []
    for (const wake of wakes) wake()
  }
}
