import { connect } from 'node:net'
import { queryObjects } from 'node:v8'
import { generate, type Packet } from 'mqtt-packet'
import { afterEach, expect, test } from 'vitest'
import { seeded } from '../../../../tools/chance.ts'
import { gone, type Version, welcomed } from './mqtt-client.test-helper.ts'
import { Connection } from './mqtt-connection.ts'
import { KeptSessions } from './mqtt-kept-sessions.ts'
import { listening, stopListening } from './mqtt-listening.test-helper.ts'
import { MemorySocket } from './mqtt-memory-socket.test-helper.ts'
import type { MqttVisitor } from './mqtt-visitor.ts'

afterEach(stopListening)

const VERSIONS = [3, 4, 5] as const
const CLIENTS = 8
const PACKETS = 30_000

const connectAs = (version: Version, words: object = {}): Packet =>
  ({
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: true,
    clientId: 'noise',
    keepalive: 60,
    ...words,
  }) as Packet

/** What clients say when nothing is wrong, as bytes of each version. */
const recordings = (version: Version): Buffer[] =>
  (
    [
      connectAs(version),
      connectAs(version, { username: 'token', password: Buffer.from('secret') }),
      connectAs(version, {
        will: { topic: 'w', payload: Buffer.from('gone'), qos: 1, retain: false },
        properties: { sessionExpiryInterval: 60, receiveMaximum: 20, maximumPacketSize: 1000 },
      }),
      { cmd: 'publish', topic: 'v1/devices/me/telemetry', payload: '{"t":1}', qos: 0 },
      { cmd: 'publish', topic: 'a', payload: 'once', qos: 1, messageId: 1 },
      { cmd: 'publish', topic: 'b', payload: 'x'.repeat(300), qos: 2, messageId: 2, dup: true },
      {
        cmd: 'publish',
        topic: 'c',
        payload: '',
        qos: 0,
        properties: { contentType: 'json', userProperties: { a: 'b' } },
      },
      { cmd: 'puback', messageId: 1, reasonCode: 0 },
      { cmd: 'pubrec', messageId: 2, reasonCode: 0 },
      { cmd: 'pubrel', messageId: 2, reasonCode: 0 },
      { cmd: 'pubcomp', messageId: 2, reasonCode: 0 },
      {
        cmd: 'subscribe',
        messageId: 3,
        subscriptions: [
          { topic: 'v1/devices/me/attributes', qos: 1 },
          { topic: 'v2/fw/response/+', qos: 0 },
        ],
      },
      { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['a', 'b/+'] },
      { cmd: 'pingreq' },
      { cmd: 'disconnect', reasonCode: 0, properties: { reasonString: 'bye' } },
      ...(version === 5 ? [{ cmd: 'auth', reasonCode: 0x18 }] : []),
    ] as Packet[]
  ).map((packet) =>
    generate({ dup: false, retain: false, ...packet } as Packet, { protocolVersion: version }),
  )

/** All the ways to be wrong: one packet each time it is called. */
function noise(random: () => number): (version: Version) => Buffer {
  const below = (count: number) => Math.floor(random() * count)
  const bytes = (count: number) => Buffer.from(Array.from({ length: count }, () => below(256)))
  const said = { 3: recordings(3), 4: recordings(4), 5: recordings(5) }
  const one = (version: Version) => {
    const all = said[version]
    return Buffer.from(all[below(all.length)] ?? [])
  }
  const kinds: ((version: Version) => Buffer)[] = [
    // Nothing that makes sense.
    () => bytes(1 + below(60)),
    // Each type with any flags, a body of any bytes and the length of that body.
    () => {
      const body = bytes(below(40))
      return Buffer.concat([Buffer.of(below(256), body.length), body])
    },
    // The same with a length that is not its own.
    () => Buffer.concat([Buffer.of(below(256), below(256), below(256)), bytes(below(40))]),
    // A packet with bytes changed, left out, put in, cut off, or gone on with by another.
    (version) => {
      const packet = one(version)
      for (let times = 1 + below(3); times > 0; times--) packet[below(packet.length)] = below(256)
      return packet
    },
    (version) => {
      const packet = one(version)
      const at = below(packet.length)
      return Buffer.concat([packet.subarray(0, at), packet.subarray(at + 1 + below(4))])
    },
    (version) => {
      const packet = one(version)
      const at = below(packet.length)
      return Buffer.concat([packet.subarray(0, at), bytes(1 + below(4)), packet.subarray(at)])
    },
    (version) => {
      const packet = one(version)
      return packet.subarray(0, below(packet.length))
    },
    (version) => {
      const [packet, other] = [one(version), one(version)]
      return Buffer.concat([
        packet.subarray(0, below(packet.length)),
        other.subarray(below(other.length)),
      ])
    },
    // What only another version says, or what is right, but perhaps not now.
    () => one(VERSIONS[below(3)] ?? 4),
    one,
  ]
  return (version) => kinds[below(kinds.length)]?.(version) ?? Buffer.alloc(0)
}

/** Connections that something still holds on to, told after the garbage was collected. */
const connectionsHeld = () => queryObjects(Connection, { format: 'count' })

test('100,000 packets of noise, each to a connection of its own, are taken or end it, and no bug is met', async () => {
  const random = seeded(4711)
  const packet = noise(random)
  const bugs: object[] = []
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (details: object) => bugs.push(details),
  }
  const sessions = new KeptSessions({ maxKept: 100, maxKeptBytes: 1_000_000, maxKeptSeconds: 60 })
  let [welcomedCount, resumedCount, ended, heard] = [0, 0, 0, 0]
  const visitor: MqttVisitor = {
    published: async () => {
      heard += 1
      return {}
    },
    subscribed: async (filters) => filters.map(() => 1),
    unsubscribed: async (filters) => filters.map(() => true),
    closed: () => {
      ended += 1
    },
  }
  const one = (): Promise<void> =>
    new Promise((resolve) => {
      const socket = new MemorySocket()
      new Connection({
        socket: socket.asSocket,
        sessions,
        limits: { maxPacketBytes: 65_536, connectSeconds: 10, idleSeconds: 600 },
        log,
        newClientId: () => 'new',
        certificate: null,
        gates: [
          async (_hello, session) => {
            welcomedCount += 1
            if (random() < 0.5) return { kind: 'accepted', visitor }
            // A few sessions for all: each finds what the noise before it left.
            const key = String(Math.floor(random() * 200))
            const opened = async (resumed: ReadonlyMap<string, number> | null) => {
              if (resumed) resumedCount += 1
              await session.publish('t', 'x', random() < 0.5 ? 1 : 2)
            }
            return {
              kind: 'accepted',
              visitor: { ...visitor, opened },
              session: { key, isResumable: random() < 0.9 },
            }
          },
        ],
        onGone: () => resolve(),
      })
      const version = VERSIONS[Math.floor(random() * 3)] ?? 4
      const properties = { sessionExpiryInterval: 60 }
      const words = { clean: random() < 0.3, ...(version === 5 && { properties }) }
      if (random() < 0.9) socket.push(generate(connectAs(version, words)))
      socket.push(packet(version))
      socket.push(null)
    })
  for (let sent = 0; sent < 100_000; sent += 100) {
    await Promise.all(Array.from({ length: 100 }, one))
  }
  await expect.poll(() => ended).toBe(welcomedCount)
  expect(bugs).toEqual([])
  expect(welcomedCount).toBeGreaterThan(85_000)
  expect(heard).toBeGreaterThan(5000)
  expect(resumedCount).toBeGreaterThan(5000)
  expect(sessions.keptCount).toBeLessThanOrEqual(100)
}, 120_000)

test('noise by many at once leaves nothing behind and does no harm to others', async () => {
  const seen = await listening()
  const other = await welcomed({ port: seen.port, version: 5, clientId: 'other' })
  const random = seeded(4711)
  const below = (count: number) => Math.floor(random() * count)
  const packet = noise(random)
  let [sent, connections] = [0, 0]

  const oneClient = async (until: number) => {
    while (sent < until) {
      connections += 1
      const version = VERSIONS[below(3)] ?? 4
      const socket = connect({ port: seen.port, host: '127.0.0.1' })
      const closed = gone(socket)
      socket.resume()
      // Most begin as they should, so that what follows gets past the first packet.
      if (below(8) > 0) socket.write(generate(connectAs(version)))
      const packets = 1 + below(40)
      for (let each = 0; each < packets && !socket.destroyed; each++) {
        socket.write(packet(version))
        sent += 1
        // Now and then in pieces of its own.
        if (below(10) === 0) await new Promise(setImmediate)
      }
      socket.end()
      await closed
    }
  }
  const noisy = async (until: number) => {
    let answers = 0
    const answering = (async () => {
      while (sent < until) {
        expect(await other.publish('a', 'x', 1)).toBe(0)
        answers += 1
      }
    })()
    await Promise.all(Array.from({ length: CLIENTS }, () => oneClient(until)))
    await answering
    return answers
  }

  const answers = await noisy(PACKETS)
  expect(connections).toBeGreaterThan(1000)
  expect(answers).toBeGreaterThan(100)
  expect(seen.bugs).toEqual([])
  await expect.poll(() => seen.listener.connectionCount).toBe(1)
  // What the test itself keeps is not the listener's.
  for (const notes of [seen.messages, seen.sessions, seen.closed]) notes.length = 0
  // The other's, and the last few, which the engine may still have at hand.
  await expect.poll(connectionsHeld).toBeLessThan(2 * CLIENTS)
  expect(await other.publish('a', 'still here', 1)).toBe(0)
  other.end()
}, 120_000)
