/**
 * A ThingsBoard as docs/dialects/thingsboard.md, "MQTT", describes it: no broker, and answers come whether or not
 * one has subscribed.
 */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import {
  generate,
  type IConnectPacket,
  type IPublishPacket,
  type Packet,
  parser,
} from 'mqtt-packet'
import { onTestFinished } from 'vitest'
import { FakeThingsBoard, TOKEN } from './fake-thingsboard.test-helper.ts'

export class FakeMqtt extends FakeThingsBoard {
  readonly connects: IConnectPacket[] = []
  readonly subscriptions: string[] = []
  /** Acknowledgements that have come, for messages that have to be. */
  acknowledged = 0
  /** Answers a chunk request with this word instead. */
  refusesChunks: string | null = null
  /** Hears everything and says nothing. */
  isMute = false
  readonly #sockets = new Map<Socket, 4 | 5>()
  #server: Server | null = null
  #port = 0

  static async start(): Promise<FakeMqtt> {
    const fake = new FakeMqtt()
    await fake.up()
    onTestFinished(() => fake.down())
    return fake
  }

  async up(): Promise<void> {
    this.#server = createServer((socket) => this.#serve(socket))
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
    this.url = `mqtt://127.0.0.1:${this.#port}`
    this.on('change', () => this.push(this.shared))
  }

  async down(): Promise<void> {
    this.removeAllListeners('change')
    this.cut()
    await new Promise<void>((resolve) => this.#server?.close(() => resolve()) ?? resolve())
    this.#server = null
  }

  get connections(): number {
    return this.#sockets.size
  }

  cut(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  /** A push, to whoever listens. */
  push(values: object): void {
    for (const socket of this.#sockets.keys()) {
      this.#publish(socket, 'v1/devices/me/attributes', JSON.stringify(values), 1)
    }
  }

  #serve(socket: Socket): void {
    const reader = parser()
    socket.on('data', (bytes) => reader.parse(bytes))
    socket.on('error', () => {})
    socket.on('close', () => this.#sockets.delete(socket))
    reader.on('packet', (packet) => this.#hear(socket, packet))
  }

  #hear(socket: Socket, packet: Packet): void {
    switch (packet.cmd) {
      case 'connect': {
        const level = packet.protocolVersion === 5 ? 5 : 4
        this.#sockets.set(socket, level)
        this.connects.push(packet)
        const isKnown = packet.username === TOKEN
        const refusal = level === 5 ? 0x86 : 5
        const code = isKnown ? 0 : refusal
        this.#send(socket, {
          cmd: 'connack',
          sessionPresent: false,
          reasonCode: code,
          returnCode: code,
        })
        if (!isKnown) socket.end()
        return
      }
      case 'subscribe': {
        this.subscriptions.push(...packet.subscriptions.map(({ topic }) => topic))
        const granted = packet.subscriptions.map(({ qos }) => qos)
        this.#send(socket, { cmd: 'suback', messageId: packet.messageId, granted })
        return
      }
      case 'publish':
        if (packet.qos === 1) this.#send(socket, { cmd: 'puback', messageId: packet.messageId })
        this.#take(socket, packet)
        return
      case 'puback':
        this.acknowledged += 1
        return
      case 'pingreq':
        this.emit('ping')
        this.#send(socket, { cmd: 'pingresp' })
        return
      default:
        return
    }
  }

  #take(socket: Socket, { topic, payload }: IPublishPacket): void {
    const text = payload.toString()
    const request = /^v1\/devices\/me\/attributes\/request\/(\d+)$/.exec(topic)
    const chunk = /^v2\/(?:fw|sw)\/request\/\d+\/chunk\/(\d+)$/.exec(topic)
    if (topic === 'v1/devices/me/telemetry') this.post('telemetry', JSON.parse(text))
    else if (topic === 'v1/devices/me/attributes') this.post('attributes', JSON.parse(text))
    else if (request) {
      const shared = this.named(JSON.parse(text).sharedKeys)
      const answerTopic = `v1/devices/me/attributes/response/${request[1]}`
      this.#publish(socket, answerTopic, JSON.stringify({ shared }))
    } else if (chunk) this.#sendChunk(socket, topic, this.chunk(Number(chunk[1]), Number(text)))
    else throw new Error(`Nobody publishes to ${topic}.`)
  }

  #sendChunk(socket: Socket, topic: string, chunk: ReturnType<FakeThingsBoard['chunk']>): void {
    if (this.refusesChunks) this.#publish(socket, 'v2/fw/error', this.refusesChunks)
    else if (chunk === 'cut') socket.destroy()
    else if (chunk !== 'nothing') {
      this.#publish(socket, topic.replace('request', 'response'), chunk)
    }
  }

  #publish(socket: Socket, topic: string, payload: string | Buffer, qos: 0 | 1 = 0): void {
    const messageId = qos === 1 ? 7 : undefined
    this.#send(socket, {
      cmd: 'publish',
      topic,
      payload,
      qos,
      messageId,
      dup: false,
      retain: false,
    })
  }

  #send(socket: Socket, packet: Packet): void {
    if (this.isMute) return
    socket.write(generate(packet, { protocolVersion: this.#sockets.get(socket) }))
  }
}
