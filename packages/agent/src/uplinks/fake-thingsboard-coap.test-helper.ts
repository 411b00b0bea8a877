/**
 * A ThingsBoard as docs/dialects/thingsboard.md, "CoAP", describes it, by another reader and writer of messages than
 * ours. It may lose datagrams, and answer late.
 */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { generate, type Option, type Packet, type ParsedPacket, parse } from 'coap-packet'
import { onTestFinished } from 'vitest'
import { FakeThingsBoard, TOKEN } from './fake-thingsboard.test-helper.ts'

interface Observer {
  readonly token: Buffer
  readonly to: RemoteInfo
}

export class FakeCoap extends FakeThingsBoard {
  /** Whether the next datagram, there or back, gets lost; all arrive unless told otherwise. */
  loses: () => boolean = () => false
  /** Acknowledges first, and answers by a message of its own, as ThingsBoard does for files. */
  isLate = false
  /** Hears everything and says nothing. */
  isMute = false
  observer: Observer | null = null
  /** What was said to messages of ours, such as ACK and RST, with their ids. */
  readonly replies: string[] = []
  /** Requests that came, each time they came. */
  readonly requests: string[] = []
  readonly #answers = new Map<string, Packet>()
  readonly #blocks: Buffer[] = []
  #socket: Socket | null = null
  #lastId = 1000

  static async start(): Promise<FakeCoap> {
    const fake = new FakeCoap()
    await fake.up()
    onTestFinished(() => fake.down())
    return fake
  }

  async up(): Promise<void> {
    const port = this.url === '' ? 0 : Number(new URL(this.url).port)
    const socket = createSocket('udp4')
    this.#socket = socket
    socket.on('message', (datagram, from) => {
      if (!this.loses()) this.#hear(parse(datagram), from)
    })
    socket.bind(port, '127.0.0.1')
    await once(socket, 'listening')
    this.url = `coap://127.0.0.1:${socket.address().port}`
    this.on('change', () => this.notify())
  }

  async down(): Promise<void> {
    this.removeAllListeners('change')
    this.observer = null
    const socket = this.#socket
    this.#socket = null
    if (socket) await new Promise<void>((resolve) => socket.close(() => resolve()))
  }

  /** Tells the observer, twice if its word might get lost. */
  notify({ code = '2.05', isTwice = false } = {}): void {
    if (!this.observer) return
    const { token, to } = this.observer
    const options = code === '2.05' ? [{ name: 'Observe' as const, value: Buffer.from([9]) }] : []
    const payload = Buffer.from(JSON.stringify(this.shared))
    const messageId = this.#nextId()
    const packet = { code, confirmable: true, messageId, token, options, payload }
    this.#send(packet, to)
    if (isTwice) this.#send(packet, to)
  }

  #hear(message: ParsedPacket, from: RemoteInfo): void {
    const { code, messageId, token } = message
    if (code === '0.00') {
      this.replies.push(`${message.reset ? 'RST' : 'ACK'} ${messageId}`)
      this.emit('reply')
      return
    }
    const key = `${messageId} ${token.toString('hex')}`
    const before = this.#answers.get(key)
    this.requests.push(textOf(message, 'Uri-Path').join('/'))
    this.emit('request')
    const answer = before ?? this.#answer(message, from)
    if (!answer) return
    if (before) this.#send(before, from)
    else if (!this.isLate) this.#reply(key, { ...answer, ack: true, messageId, token }, from)
    else {
      this.#reply(key, { code: '0.00', ack: true, messageId }, from)
      this.#send({ ...answer, confirmable: true, messageId: this.#nextId(), token }, from)
    }
  }

  #answer(message: ParsedPacket, from: RemoteInfo): Packet | null {
    const [root = '', ...path] = textOf(message, 'Uri-Path')
    const [token, what] = root === 'api' ? path.slice(1) : [path[0], root]
    if (token !== TOKEN) return { code: '4.01' }
    if (message.code === '0.02')
      return this.#take(what === 'telemetry' ? what : 'attributes', message)
    if (what === 'attributes') return this.#attributes(message, from)
    const query = Object.fromEntries(textOf(message, 'Uri-Query').map((each) => each.split('=')))
    if (query.version !== this.shared[`${what}_version`]) return { code: '4.00' }
    const chunk = this.chunk(Number(query.chunk), Number(query.size))
    return typeof chunk === 'string' ? null : { code: '2.05', payload: chunk }
  }

  #take(what: 'telemetry' | 'attributes', { options, payload }: ParsedPacket): Packet {
    const block = options.find(({ name }) => name === 'Block1')
    this.#blocks.push(payload)
    if (block && (block.value.at(-1) ?? 0) & 8) {
      return { code: '2.31', options: [{ name: 'Block1', value: block.value }] }
    }
    this.post(what, JSON.parse(Buffer.concat(this.#blocks.splice(0)).toString()))
    return { code: '2.01', options: block ? [{ name: 'Block1', value: block.value }] : [] }
  }

  /** In blocks if they do not fit into one. */
  #attributes({ options, token }: ParsedPacket, from: RemoteInfo): Packet {
    const observe = options.find(({ name }) => name === 'Observe')
    if (observe?.value.at(0) === 1) this.observer = null
    else if (observe) this.observer = { token, to: from }
    const body = Buffer.from(JSON.stringify(this.shared))
    const wanted = options.find(({ name }) => name === 'Block2')?.value ?? Buffer.from([6])
    const num = wanted.readUIntBE(0, wanted.length) >> 4
    const end = (num + 1) * 1024
    const block = (num << 4) | (end < body.length ? 8 : 0) | 6
    const told: Option[] = observe ? [{ name: 'Observe', value: Buffer.from([8]) }] : []
    return {
      code: '2.05',
      options:
        body.length > 1024 ? [...told, { name: 'Block2', value: Buffer.from([block]) }] : told,
      payload: body.subarray(num * 1024, end),
    }
  }

  #reply(key: string, answer: Packet, to: RemoteInfo): void {
    this.#answers.set(key, answer)
    this.#send(answer, to)
  }

  #send(packet: Packet, { port, address }: RemoteInfo): void {
    if (!this.isMute && !this.loses()) this.#socket?.send(generate(packet), port, address)
  }

  #nextId(): number {
    this.#lastId += 1
    return this.#lastId
  }
}

const textOf = ({ options }: ParsedPacket, name: string): string[] =>
  options.filter((option) => option.name === name).map(({ value }) => value.toString())
