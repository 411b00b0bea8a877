/**
 * An Astarte with Edgehog behind it, as docs/dialects/edgehog.md describes them: pairing and images over HTTP, and MQTT
 * over TLS for those whose certificate it knows. Of one device at a time.
 */
import { EventEmitter, once } from 'node:events'
import { createServer as httpServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TLSSocket, type Server as TlsServer, createServer as tlsServer } from 'node:tls'
import { inbound, readIntrospection, readPropertyList } from '@updraft/wire/astarte'
import { jsonOf, objectBytes, objectOf, readPayload } from '@updraft/wire/astarte-values'
import { OTA_EVENT, type OtaRequest, requestObject } from '@updraft/wire/edgehog'
import { generate, type IPublishPacket, type Packet, parser } from 'mqtt-packet'
import { onTestFinished } from 'vitest'
import { someBytes } from '../fake-server.test-helper.ts'
import { FakePairing, REALM } from './fake-astarte-pairing.test-helper.ts'

export const UUID = '7cff3522-4fad-4f3d-b94a-a4a2addc26ff'

export interface EventThere {
  readonly requestUUID: string
  readonly status: string
  readonly statusProgress: number
  readonly statusCode: string
  readonly message: string
}

const EVENT_TYPES = Object.fromEntries(
  OTA_EVENT.mappings.map(({ endpoint, type }) => [endpoint.split('/').at(-1) ?? '', type]),
)

/** `event`: one came. `said`: anything came. `image`: it was asked for, from that byte on. */
export class FakeAstarte extends EventEmitter<{
  event: [EventThere]
  said: [string]
  image: [number]
}> {
  readonly pairing = new FakePairing()
  readonly connects: { clientId: string; username: unknown; clean: boolean | undefined }[] = []
  readonly events: EventThere[] = []
  /** What came on the connection there is now, in its order. */
  said: string[] = []
  subscriptions: string[] = []
  properties: Record<string, unknown> = {}
  listed: string[] | null = null
  bytes = someBytes(200_000)
  /** So many bytes are sent; then, once, the connection breaks. */
  cutAfterBytes = Number.POSITIVE_INFINITY
  /** Asked of a device as soon as it has subscribed, again and again. */
  standing: OtaRequest | null = null
  /** Requests at this quality; Edgehog's own have 0. */
  quality: 0 | 1 | 2 = 0
  #http: Server | null = null
  #tls: TlsServer | null = null
  #line: { readonly socket: TLSSocket; readonly id: string } | null = null
  #nextId = 1

  static async start(): Promise<FakeAstarte> {
    const fake = new FakeAstarte()
    await fake.up()
    onTestFinished(() => fake.down())
    return fake
  }

  async up(): Promise<void> {
    await this.pairing.makeAuthority()
    this.#http = httpServer(async (request, response) => {
      const answer = await this.pairing.answer(request)
      if (answer) {
        response.writeHead(answer[0], { 'content-type': 'application/json' })
        response.end(JSON.stringify(answer[1]))
        return
      }
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      this.emit('image', from)
      const rest = this.bytes.subarray(from)
      const range = `bytes ${from}-${this.bytes.length - 1}/${this.bytes.length}`
      response.writeHead(from > 0 ? 206 : 200, {
        'content-length': rest.length,
        etag: '"one"',
        ...(from > 0 ? { 'content-range': range } : {}),
      })
      if (this.cutAfterBytes > rest.length) return response.end(rest)
      response.write(rest.subarray(0, this.cutAfterBytes), () => response.destroy())
      this.cutAfterBytes = Number.POSITIVE_INFINITY
    })
    const { certificate: cert, key } = this.pairing.server
    const options = { cert, key, ca: this.pairing.authority, requestCert: true }
    this.#tls = tlsServer({ ...options, rejectUnauthorized: true }, (socket) => this.#serve(socket))
    this.#tls.on('tlsClientError', () => {})
    for (const server of [this.#http, this.#tls]) {
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
    }
    this.pairing.brokerUrl = `mqtts://127.0.0.1:${portOf(this.#tls)}`
  }

  async down(): Promise<void> {
    this.cut()
    this.#http?.closeAllConnections()
    for (const server of [this.#http, this.#tls]) {
      await new Promise<void>((resolve) => server?.close(() => resolve()) ?? resolve())
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.#http ? portOf(this.#http) : 0}`
  }

  get image(): string {
    return `${this.url}/images/app/1.1.0`
  }

  get isConnected(): boolean {
    return this.#line !== null
  }

  /** What was said of the updates, in a form to be read. */
  get story(): string[] {
    return this.events.map(({ status, statusProgress, statusCode }) =>
      [status, statusProgress || '', statusCode].filter((word) => word !== '').join(' '),
    )
  }

  cut(): void {
    this.#line?.socket.destroy()
  }

  request(request: Partial<OtaRequest> = {}): void {
    const { operation = 'Update', uuid = UUID, url = this.image } = request
    const types = { operation: 'string', url: 'string', uuid: 'string' } as const
    const bytes = objectBytes(types, requestObject({ operation, uuid, url }))
    this.publish('/io.edgehog.devicemanager.OTARequest/request', Buffer.from(bytes))
  }

  publish(suffix: string, payload: Buffer, { dup = false, messageId = this.#nextId++ } = {}): void {
    if (!this.#line) throw new Error('Nobody is connected.')
    const topic = `${REALM}/${this.#line.id}${suffix}`
    const qos = this.quality
    const message = { cmd: 'publish', topic, payload, qos, dup, retain: false } as const
    this.#send(this.#line.socket, qos === 0 ? message : { ...message, messageId })
  }

  #serve(socket: TLSSocket): void {
    const id = this.pairing.idOf(socket.getPeerCertificate().raw)
    const reader = parser({ protocolVersion: 4 })
    socket.on('data', (bytes) => reader.parse(bytes))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#line?.socket !== socket) return
      this.#line = null
      this.listed = null
    })
    reader.on('packet', (packet) => this.#hear(socket, id, packet))
  }

  #hear(socket: TLSSocket, id: string | null, packet: Packet): void {
    switch (packet.cmd) {
      case 'connect': {
        const { clientId, username, clean } = packet
        this.connects.push({ clientId, username, clean })
        this.#send(socket, { cmd: 'connack', returnCode: id ? 0 : 5, sessionPresent: false })
        if (!id) return void socket.end()
        this.#line = { socket, id }
        this.said = []
        this.subscriptions = []
        this.listed = null
        return
      }
      case 'subscribe': {
        const topics = packet.subscriptions.map(({ topic }) => topic)
        this.subscriptions.push(...topics.map((topic) => topic.replace(`${REALM}/${id}`, '')))
        const granted = packet.subscriptions.map(({ qos }) => qos)
        this.#send(socket, { cmd: 'suback', messageId: packet.messageId, granted })
        return
      }
      case 'publish':
        if (packet.qos === 2) this.#send(socket, { cmd: 'pubrec', messageId: packet.messageId })
        this.#take(id ?? '', packet)
        return
      case 'pubrel':
        this.#send(socket, { cmd: 'pubcomp', messageId: packet.messageId })
        return
      case 'pubrec':
        this.#send(socket, { cmd: 'pubrel', messageId: packet.messageId })
        return
      case 'pubcomp':
        this.said.push('pubcomp')
        this.emit('said', 'pubcomp')
        return
      case 'pingreq':
        this.#send(socket, { cmd: 'pingresp' })
        return
      default:
        return
    }
  }

  #take(astarteId: string, { topic, payload }: IPublishPacket): void {
    const bytes = Buffer.from(payload)
    const said = inbound({ realm: REALM, astarteId }, topic)
    switch (said.kind) {
      case 'introspection':
        this.#note(`introspection of ${readIntrospection(bytes.toString())?.length}`)
        break
      case 'empty-cache':
        this.#note('empty cache')
        if (this.standing) this.request(this.standing)
        break
      case 'producer-properties':
        this.listed =
          readPropertyList(bytes)?.map(({ interface: name, path }) => short(name) + path) ?? null
        this.#note('list')
        break
      case 'data':
        this.#takeData(said.interface, said.path, bytes)
        break
      default:
        throw new Error(`Nobody publishes to ${topic}.`)
    }
  }

  #takeData(name: string, path: string, bytes: Buffer): void {
    const payload = readPayload(bytes)
    if (!payload) throw new Error('That is no BSON.')
    if (name === OTA_EVENT.interface_name) {
      const event = objectOf(EVENT_TYPES, payload.value) as unknown as EventThere
      this.events.push(event)
      this.#note(event.status)
      this.emit('event', event)
      return
    }
    const type = path.endsWith('Bytes') ? 'longinteger' : 'string'
    this.properties[short(name) + path] = jsonOf(type, payload.value)
    this.#note(short(name) + path)
  }

  #note(what: string): void {
    this.said.push(what)
    this.emit('said', what)
  }

  #send(socket: TLSSocket, packet: Packet): void {
    socket.write(generate(packet))
  }
}

const short = (name: string): string => name.replace('io.edgehog.devicemanager.', '')
const portOf = (server: Server | TlsServer): number => (server.address() as AddressInfo).port
