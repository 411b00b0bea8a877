import { once } from 'node:events'
import { generate, type Packet } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'
import { Connection } from './mqtt-connection.ts'
import { KeptSessions } from './mqtt-kept-sessions.ts'
import { MemorySocket } from './mqtt-memory-socket.test-helper.ts'
import type { MqttMessage, MqttSession, MqttTaken } from './mqtt-visitor.ts'

const MINUTE_MS = 60_000
const limits = { maxPacketBytes: 66_048, connectSeconds: 10, idleSeconds: 600 }
const sessions = new KeptSessions({ maxKept: 10, maxKeptBytes: 1_000_000, maxKeptSeconds: 60 })
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const bytesOf = (packet: object): Buffer =>
  generate({ qos: 0, dup: false, retain: false, ...packet } as Packet, { protocolVersion: 5 })

/** A connection over nothing, its client connected unless it says otherwise, and a way to let time pass. */
async function connection({ keepalive = 0, isReading = true, isConnected = true } = {}) {
  const socket = new MemorySocket({ isReading })
  let onMessage = async (_message: MqttMessage): Promise<MqttTaken> => ({})
  let session: MqttSession | undefined
  const made = new Connection({
    socket: socket.asSocket,
    limits,
    sessions,
    log: quiet,
    newClientId: () => 'new',
    certificate: null,
    onGone: () => {},
    gates: [
      async (_hello, opened) => {
        session = opened
        return {
          kind: 'accepted',
          visitor: {
            published: (message) => onMessage(message),
            subscribed: async () => [],
            unsubscribed: async () => [],
            closed: () => {},
          },
        }
      },
    ],
  })
  const say = async (packet: object) => {
    socket.push(bytesOf(packet))
    await new Promise(setImmediate)
  }
  if (isConnected) {
    await say({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clean: true,
      clientId: 'c',
      keepalive,
    })
  }
  return {
    socket,
    say,
    onMessage: (listener: typeof onMessage) => {
      onMessage = listener
    },
    publish: (payload: string) => session?.publish('t', payload, 0),
    close: () => made.close('taken-over'),
    /** Looked at as if so much time had gone by. */
    after: (ms: number) => made.look(performance.now() + ms),
    get lastWords() {
      return socket.sent.at(-1)?.toString('hex')
    },
  }
}

describe('a client that is silent', () => {
  test('is let go after one and a half times what it promised, and told so', async () => {
    const client = await connection({ keepalive: 20 })
    client.after(25_000)
    expect(client.socket.destroyed).toBe(false)
    const closed = once(client.socket, 'close')
    client.after(31_000)
    await closed
    expect(client.lastWords).toBe('e0028d00')
  })

  test('and promised nothing is let go after ten minutes', async () => {
    const client = await connection()
    client.after(9 * MINUTE_MS)
    expect(client.socket.destroyed).toBe(false)
    const closed = once(client.socket, 'close')
    client.after(11 * MINUTE_MS)
    await closed
  })

  test('before it said who it is is let go after ten seconds, whatever it began to say', async () => {
    const client = await connection({ isConnected: false })
    client.socket.push(Buffer.of(0x10))
    client.after(5_000)
    expect(client.socket.destroyed).toBe(false)
    client.after(11_000)
    expect(client.socket.destroyed).toBe(true)
  })

  test('is not silent while what it said waits for us', async () => {
    const client = await connection({ keepalive: 20 })
    const work = Promise.withResolvers<MqttTaken>()
    client.onMessage(() => work.promise)
    for (let each = 0; each < 30; each++) await client.say({ cmd: 'publish', topic: 'a' })
    expect(client.socket.isPaused()).toBe(true)
    client.after(60 * MINUTE_MS)
    expect(client.socket.destroyed).toBe(false)
    work.resolve({})
    await expect.poll(() => client.socket.isPaused()).toBe(false)
    client.after(25_000)
    expect(client.socket.destroyed).toBe(false)
    client.after(31_000)
    await expect.poll(() => client.socket.destroyed).toBe(true)
  })
})

describe('a client that reads nothing', () => {
  test('is let go after ten minutes, however much it says', async () => {
    const client = await connection({ isReading: false })
    const sent = client.publish('x'.repeat(5000))
    client.after(9 * MINUTE_MS)
    await client.say({ cmd: 'publish', topic: 'a' })
    expect(client.socket.destroyed).toBe(false)
    client.after(11 * MINUTE_MS)
    expect(client.socket.destroyed).toBe(true)
    expect(await sent).toBe('closed')
  })

  test('is not waited for when it is to go', async () => {
    const client = await connection({ isReading: false })
    client.close()
    client.after(2_000)
    expect(client.socket.destroyed).toBe(false)
    client.after(6_000)
    expect(client.socket.destroyed).toBe(true)
  })

  test('and has part of a message is not told anything within it', async () => {
    const client = await connection({ isReading: false })
    const sent = client.publish('x'.repeat(5000))
    client.close()
    expect(client.socket.destroyed).toBe(true)
    expect(await sent).toBe('closed')
  })
})
