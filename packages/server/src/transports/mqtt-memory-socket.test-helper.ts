/** As much of a socket as a connection needs, without a network: what is pushed is what the client sends. */
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

export class MemorySocket extends Duplex {
  readonly remoteAddress = 'memory'
  readonly sent: Buffer[] = []
  /** A client that takes what it is sent; the others leave the first piece lying. */
  readonly #isReading: boolean

  constructor({ isReading = true } = {}) {
    super({ allowHalfOpen: false, writableHighWaterMark: 1024 })
    this.#isReading = isReading
  }

  get asSocket(): Socket {
    return this as unknown as Socket
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: unknown, done: () => void): void {
    this.sent.push(bytes)
    if (this.#isReading) done()
  }

  destroySoon(): void {
    this.end(() => this.destroy())
  }
}
