/**
 * A device of Astarte's made of parts of other houses: curl's JSON over `fetch`, OpenSSL, MQTT.js and bson. It knows of
 * ours nothing but what its makers were told.
 */
import { execFile } from 'node:child_process'
import { randomBytes, X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { deserialize, Int32, serialize } from 'bson'
import mqtt, { type IConnackPacket, type MqttClient } from 'mqtt'
import * as frames from './edgehog-frames.ts'

const call = promisify(execFile)
const PREFIX = 'io.edgehog.devicemanager.'
const PATIENCE_MS = 60_000

/** Where to register, and by what. */
export interface Realm {
  /** Ends in `/pairing`. */
  readonly url: string
  readonly realm: string
  readonly agentToken: string
}

export interface Request {
  readonly operation: string
  readonly url: string
  readonly uuid: string
}

export interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever it answers, tests look at.
  readonly body: any
}

export const newAstarteId = (): string => randomBytes(16).toString('base64url')

export class AstarteDevice {
  readonly id: string
  readonly #realm: Realm
  secret = ''
  key = ''
  certificate = ''
  client: MqttClient | null = null
  /** What the server said, in its order, with the bytes. */
  readonly messages: { topic: string; payload: Buffer; qos: number }[] = []
  #read = 0

  constructor(realm: Realm, id = newAstarteId()) {
    this.#realm = realm
    this.id = id
  }

  /** Registered, and with a certificate. */
  static async paired(realm: Realm, id?: string): Promise<AstarteDevice> {
    const device = new AstarteDevice(realm, id)
    const { status, body } = await device.register()
    if (status !== 201) throw new Error(JSON.stringify(body))
    device.secret = body.data.credentials_secret
    await device.certify()
    return device
  }

  get name(): string {
    return `${this.#realm.realm}/${this.id}`
  }

  register(token = this.#realm.agentToken): Promise<Answer> {
    return this.#ask('agent/devices', token, { hw_id: this.id })
  }

  about(): Promise<Answer> {
    return this.#ask(`devices/${this.id}`, this.secret)
  }

  /** Asks for a certificate for a new key, and takes it. */
  async certify(): Promise<Answer> {
    const made = await newRequest(`/O=Devices/CN=${this.name.replace('/', '\\/')}`)
    const answer = await this.#credentials('', { csr: made.request })
    if (answer.status === 201) {
      this.key = made.key
      this.certificate = answer.body.data.client_crt
    }
    return answer
  }

  verify(certificate = this.certificate): Promise<Answer> {
    return this.#credentials('/verify', { client_crt: certificate })
  }

  get commonName(): unknown {
    return new X509Certificate(this.certificate).toLegacyObject().subject.CN
  }

  /** Answers what the server says of the session. Throws when it is not let in. */
  async connect({ clean = true, ...more }: Partial<mqtt.IClientOptions> = {}): Promise<boolean> {
    const broker = new URL((await this.about()).body.data.protocols.astarte_mqtt_v1.broker_url)
    const client = mqtt.connect({
      protocol: 'mqtts',
      host: broker.hostname,
      port: Number(broker.port),
      key: this.key,
      cert: this.certificate,
      rejectUnauthorized: false,
      clientId: clean ? '' : this.name,
      clean,
      protocolVersion: 4,
      reconnectPeriod: 0,
      ...more,
    })
    this.client = client
    client.on('message', (topic, payload, { qos }) => this.messages.push({ topic, payload, qos }))
    client.on('error', () => {})
    const connack = await new Promise<IConnackPacket>((resolve, reject) => {
      client.once('connect', resolve)
      client.once('close', () => reject(new Error('It is not let in.')))
    })
    return connack.sessionPresent
  }

  /** What an SDK says when the server remembers nothing. Answers what was granted. */
  async introduce(introspection = frames.INTROSPECTION): Promise<number[]> {
    const granted = await this.subscribe([
      `${this.name}/control/consumer/properties`,
      `${this.name}/${PREFIX}OTARequest/#`,
      `${this.name}/${PREFIX}config.Telemetry/#`,
    ])
    await this.publish('', introspection)
    await this.frame(frames.EMPTY_CACHE)
    for (const frame of frames.PROPERTIES) await this.frame(frame)
    await this.frame(frames.WHOLE_LIST)
    return granted
  }

  /** What is granted, and 128 for what is not. */
  subscribe(filters: readonly string[]): Promise<number[]> {
    return new Promise((resolve, reject) => {
      this.#line.subscribe([...filters], { qos: 2 }, (error, _granted, suback) => {
        // That one of them is refused is an error to MQTT.js.
        if (suback) resolve(suback.granted as number[])
        else reject(error)
      })
    })
  }

  async publish(suffix: string, payload: string | Buffer, qos: 0 | 1 | 2 = 2): Promise<void> {
    await this.#line.publishAsync(`${this.name}${suffix}`, payload, { qos })
  }

  frame({ suffix, hex }: { suffix: string; hex: string }, qos: 0 | 2 = 2): Promise<void> {
    return this.publish(suffix, Buffer.from(hex, 'hex'), qos)
  }

  /** A property of its own making. */
  property(path: string, value: unknown): Promise<void> {
    return this.publish(`/${PREFIX}${path}`, Buffer.from(serialize({ v: value })))
  }

  event(
    uuid: string,
    status: string,
    more: { code?: string; message?: string; progress?: number } = {},
  ) {
    const { code = '', message = '', progress = 0 } = more
    const v = {
      requestUUID: uuid,
      status,
      statusProgress: new Int32(progress),
      statusCode: code,
      message,
    }
    return this.publish(`/${PREFIX}OTAEvent/event`, Buffer.from(serialize({ v, t: new Date() })))
  }

  /** The next request that was not looked at yet. */
  async request(): Promise<Request & { readonly bytes: Buffer }> {
    const { payload } = await this.message(`/${PREFIX}OTARequest/request`)
    return { ...deserialize(payload).v, bytes: payload }
  }

  /** The next message to that place, which waits for it. */
  async message(suffix: string) {
    const deadline = performance.now() + PATIENCE_MS
    for (;;) {
      for (; this.#read < this.messages.length; this.#read++) {
        const message = this.messages[this.#read]
        if (message?.topic !== this.name + suffix) continue
        this.#read += 1
        return message
      }
      if (performance.now() > deadline) throw new Error(`nothing came to ${suffix}`)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** All the requests there were. */
  get requests(): Request[] {
    const topic = `${this.name}/${PREFIX}OTARequest/request`
    return this.messages
      .filter((message) => message.topic === topic)
      .map(({ payload }) => deserialize(payload).v as Request)
  }

  /** Ends the line without a word, as a cable does. */
  cut(): void {
    this.client?.stream.destroy()
  }

  async disconnect(): Promise<void> {
    await this.client?.endAsync()
  }

  get #line(): MqttClient {
    if (!this.client) throw new Error('not connected')
    return this.client
  }

  #credentials(below: string, data: object): Promise<Answer> {
    const path = `devices/${this.id}/protocols/astarte_mqtt_v1/credentials${below}`
    return this.#ask(path, this.secret, data)
  }

  async #ask(path: string, bearer: string, data?: object): Promise<Answer> {
    const { url, realm } = this.#realm
    const response = await fetch(`${url}/v1/${realm}/${path}`, {
      method: data ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
      body: data && JSON.stringify({ data }),
    })
    return { status: response.status, body: await response.json() }
  }
}

/** A key and a request by OpenSSL; the subject as it writes them. */
export async function newRequest(subject: string): Promise<{ key: string; request: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'updraft-csr-'))
  try {
    const [key, request] = [join(folder, 'key'), join(folder, 'request')]
    const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    await call('openssl', [
      'req',
      '-new',
      ...newKey,
      '-keyout',
      key,
      '-out',
      request,
      '-subj',
      subject,
    ])
    return { key: await readFile(key, 'utf8'), request: await readFile(request, 'utf8') }
  } finally {
    await rm(folder, { recursive: true })
  }
}
