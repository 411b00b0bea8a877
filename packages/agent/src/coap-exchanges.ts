/**
 * CoAP messages between us and one server over UDP (RFC 7252): a request goes out again until the server has said
 * something to it, one request at a time; what the server sends confirmably is acknowledged once it is understood.
 */
import { randomBytes } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { lookup } from 'node:dns/promises'
import {
  type CoapMessage,
  EMPTY,
  type NewMessage,
  readMessage,
  TRANSMISSION,
  TYPES,
  writeMessage,
} from '@updraft/wire/coap-message'
import { Away, messageOf } from './trouble.ts'
import { type Clock, type Random, unlessAborted } from './waits.ts'

export interface CoapOptions {
  /** coap://host:port. */
  readonly server: URL
  /** Once the server has acknowledged a request, until it answers it. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly random: Random
}

export type CoapQuestion = Pick<NewMessage, 'code' | 'options' | 'payload'>

interface Asked {
  readonly id: number
  readonly token: Buffer
  acknowledged(): void
  answered(message: CoapMessage): void
}

/** A socket, and what ends all that is under way on it. */
interface Line {
  readonly socket: Socket
  readonly broken: AbortController
}

const PORT = 5683
/** Enough that a stranger who cannot listen cannot answer in the server's name (section 5.3.1). */
const TOKEN_BYTES = 8
/** Of the last so many messages it is known that they came before. */
const REMEMBERED = 16
/** Response codes begin at 2.00. */
const FIRST_RESPONSE = 0x40

export class CoapExchanges {
  readonly #options: CoapOptions
  /** Hears what nobody has asked for; answers whether it is understood. */
  readonly #onNotice: (message: CoapMessage) => boolean
  #line: Promise<Line> | null = null
  #asked: Asked | null = null
  /** The end of the queue of those who want to ask. */
  #queue: Promise<unknown> = Promise.resolve()
  #lastId: number
  #seen: number[] = []

  constructor(options: CoapOptions, onNotice: (message: CoapMessage) => boolean) {
    this.#options = options
    this.#onNotice = onNotice
    this.#lastId = Math.floor(options.random() * 0x1_0000)
  }

  /** The server's answer. Throws Away when there is none, or the signal's reason. */
  async ask(question: CoapQuestion, signal: AbortSignal): Promise<CoapMessage> {
    const turn = this.#queue.then(() => {
      signal.throwIfAborted()
      return this.#ask(question, signal)
    })
    this.#queue = turn.catch(() => {})
    return await unlessAborted(turn, signal)
  }

  /** Says something once, and waits for nothing. */
  async tell(question: CoapQuestion, token: Buffer): Promise<void> {
    const line = await this.#line
    const message = { ...question, type: TYPES.nonConfirmable, id: this.#nextId(), token }
    if (line) await new Promise((sent) => line.socket.send(writeMessage(message), sent))
  }

  /** The next question opens a line again. */
  async hangUp(): Promise<void> {
    const line = await this.#line?.catch(() => null)
    if (line) this.#break(line, new Away('The line was hung up.', { kind: 'network' }))
  }

  async #ask(question: CoapQuestion, signal: AbortSignal): Promise<CoapMessage> {
    const line = await this.#opened()
    const { clock, random, timeoutMs } = this.#options
    const acknowledged = new AbortController()
    const answered = new AbortController()
    const answer: { message?: CoapMessage } = {}
    const [id, token] = [this.#nextId(), randomBytes(TOKEN_BYTES)]
    this.#asked = {
      id,
      token,
      acknowledged: () => acknowledged.abort(),
      answered: (message) => {
        answer.message = message
        answered.abort()
      },
    }
    const datagram = writeMessage({ ...question, type: TYPES.confirmable, id, token })
    const over = AbortSignal.any([signal, line.broken.signal, answered.signal])
    const heard = AbortSignal.any([over, acknowledged.signal])
    const { ackTimeoutMs, ackRandomFactor, maxRetransmits } = TRANSMISSION
    let waitMs = ackTimeoutMs * (1 + random() * (ackRandomFactor - 1))
    for (let sent = 0; sent <= maxRetransmits && !heard.aborted; sent++) {
      line.socket.send(datagram)
      await clock.wait(waitMs, heard)
      waitMs *= 2
    }
    if (acknowledged.signal.aborted) await clock.wait(timeoutMs, over)
    this.#asked = null
    if (answer.message) return understood(answer.message)
    signal.throwIfAborted()
    // The way may be another one by now: the next question takes a new socket.
    this.#break(line, this.#away('gives no answer'))
    throw line.broken.signal.reason
  }

  #opened(): Promise<Line> {
    this.#line ??= this.#open().catch((error) => {
      this.#line = null
      throw this.#away(`cannot be reached: ${messageOf(error)}`, error)
    })
    return this.#line
  }

  async #open(): Promise<Line> {
    const { hostname, port } = this.#options.server
    const { address, family } = await lookup(hostname.replace(/^\[|\]$/g, ''), {
      order: 'ipv4first',
    })
    const socket = createSocket(family === 6 ? 'udp6' : 'udp4')
    const line = { socket, broken: new AbortController() }
    socket.on('message', (datagram) => this.#hear(datagram, line))
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.connect(Number(port || PORT), address, resolve)
    })
    // Nobody listens at the other end, or there is no way to it.
    socket.on('error', (error) =>
      this.#break(line, this.#away(`cannot be reached: ${messageOf(error)}`, error)),
    )
    return line
  }

  #break(line: Line, away: Away): void {
    if (line.broken.signal.aborted) return
    this.#line = null
    line.broken.abort(away)
    line.socket.close()
  }

  #hear(datagram: Buffer, { socket }: Line): void {
    const message = readMessage(datagram)
    if (!message || 'isMalformed' in message) return
    const { type, code, id, token } = message
    const asked = this.#asked
    if (type === TYPES.acknowledgement || type === TYPES.reset) {
      if (asked?.id !== id) return
      if (type === TYPES.acknowledgement && code === EMPTY) asked.acknowledged()
      else if (type === TYPES.reset || asked.token.equals(token)) asked.answered(message)
      return
    }
    const say = (word: number) => {
      if (type === TYPES.confirmable) socket.send(writeMessage({ type: word, code: EMPTY, id }))
    }
    const isAnswer = asked?.token.equals(token) ?? false
    const isKnown = this.#seen.includes(id)
    if (isKnown || (code >= FIRST_RESPONSE && (isAnswer || this.#onNotice(message)))) {
      this.#seen = [...this.#seen, id].slice(-REMEMBERED)
      say(TYPES.acknowledgement)
      if (isAnswer && !isKnown) asked?.answered(message)
    } else say(TYPES.reset)
  }

  #nextId(): number {
    this.#lastId = (this.#lastId + 1) & 0xffff
    return this.#lastId
  }

  #away(what: string, cause?: unknown): Away {
    return new Away(`${this.#options.server.host} ${what}.`, { kind: 'network', cause })
  }
}

function understood(answer: CoapMessage): CoapMessage {
  if (answer.type !== TYPES.reset) return answer
  throw new Away('The server does not understand the request.', { kind: 'refused' })
}
