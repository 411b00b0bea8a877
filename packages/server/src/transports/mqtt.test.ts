import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { gone, mqttClient, welcomed } from './mqtt-client.test-helper.ts'
import {
  CONNECT_5,
  CONNECT_311,
  hex,
  listening,
  stopListening,
  texts,
} from './mqtt-listening.test-helper.ts'

afterEach(stopListening)

describe.each([3, 4, 5] as const)('version %i', (version) => {
  test('is welcomed without a session of before, and told its name where it has none', async () => {
    const { port } = await listening()
    const client = mqttClient({ port, version })
    const connack = await client.next('connack')
    expect(connack).toMatchObject({ sessionPresent: false })
    if (version === 5) {
      expect(connack).toMatchObject({
        reasonCode: 0,
        properties: {
          assignedClientIdentifier: 'new-1',
          receiveMaximum: 100,
          maximumPacketSize: 66_048,
          topicAliasMaximum: 0,
        },
      })
    } else expect(connack).toMatchObject({ returnCode: 0 })
    client.end()
  })

  test('is refused with a code of its own, and the connection ends', async () => {
    const { port } = await listening()
    const client = mqttClient({ port, version, username: 'nobody' })
    const connack = await client.next('connack')
    expect(connack).toMatchObject(version === 5 ? { reasonCode: 0x86 } : { returnCode: 5 })
    await client.closed
  })

  test('publishes, subscribes, unsubscribes and pings', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port, version })
    await client.publish('a', 'zero')
    expect(await client.publish('a', 'one', 1)).toBe(0)
    expect(await client.subscribe('a', 'no', 'b')).toEqual([1, version === 5 ? 0x8f : 0x80, 1])
    client.send({ cmd: 'unsubscribe', messageId: 9, unsubscriptions: ['a', 'no'] })
    const unsuback = await client.next('unsuback')
    if (version === 5) expect(unsuback).toMatchObject({ granted: [0, 0x11] })
    client.send({ cmd: 'pingreq' })
    await client.next('pingresp')
    expect(texts(seen.messages)).toEqual(['zero', 'one'])
    client.send({ cmd: 'disconnect' })
    await client.closed
  })

  test('gets messages of both qualities', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port, version })
    const [session] = seen.sessions
    expect(await session?.publish('t', 'zero', 0)).toBe('sent')
    expect(await session?.publish('t', Buffer.alloc(70_000, 'x'), 1)).toBe('sent')
    expect(await client.message()).toMatchObject({ qos: 0, topic: 't' })
    expect((await client.message()).payload.equals(Buffer.alloc(70_000, 'x'))).toBe(true)
    client.end()
  })
})

test('what was sent before the client went is still taken, one by one', async () => {
  const seen = await listening()
  const taken: string[] = []
  let atOnce = 0
  seen.onMessage = async ({ payload }) => {
    atOnce += 1
    expect(atOnce).toBe(1)
    await new Promise(setImmediate)
    atOnce -= 1
    taken.push(`${payload}`)
    return {}
  }
  const client = await welcomed({ port: seen.port, clientId: 'leaver' })
  for (let each = 0; each < 50; each++) void client.publish('a', String(each))
  client.send({ cmd: 'disconnect' })
  await client.closed
  await expect.poll(() => seen.closed).toEqual(['leaver'])
  expect(taken).toHaveLength(50)
})

test('an acknowledgement goes out before what follows it, with a reason in version 5', async () => {
  const seen = await listening()
  seen.onMessage = async (_message, session) => ({
    reason: 0x90,
    afterwards: () => session.publish('answer', '', 1),
  })
  const client = await welcomed({ port: seen.port, version: 5 })
  expect(await client.publish('a', '', 1)).toBe(0x90)
  await client.message('answer')
  expect(client.order).toEqual(['connack', 'puback', 'publish'])
  client.end()
})

test('a message too large for the client is refused to the caller', async () => {
  const seen = await listening()
  const client = await welcomed({
    port: seen.port,
    version: 5,
    properties: { maximumPacketSize: 100 },
  })
  const [session] = seen.sessions
  expect(await session?.publish('t', Buffer.alloc(100), 1)).toBe('too-large')
  expect(await session?.publish('t', Buffer.alloc(80), 1)).toBe('sent')
  const pieces = { topic: 't', sizeBytes: 268_435_455, qos: 0 as const, pieces: nothing() }
  expect(await session?.publishStream(pieces)).toBe('too-large')
  expect((await client.message()).payload).toHaveLength(80)
  client.end()
})

test('who acknowledges nothing gets as many of quality 1 as it takes, and the rest of quality 0', async () => {
  const seen = await listening()
  const client = await welcomed({
    port: seen.port,
    version: 5,
    acknowledges: false,
    properties: { receiveMaximum: 3 },
  })
  for (let each = 0; each < 5; each++) await seen.sessions[0]?.publish('t', String(each), 1)
  const qualities = []
  for (let each = 0; each < 5; each++) qualities.push((await client.message()).qos)
  expect(qualities).toEqual([1, 1, 1, 0, 0])
  client.end()
})

describe('closes only the connection of', () => {
  test.each([
    ['a ping before the CONNECT', 'c000'],
    ['a message before the CONNECT', '30 03 0001 61'],
    ['a subscription before the CONNECT', '82 06 0001 0001 61 00'],
    ['a DISCONNECT before the CONNECT', 'e000'],
    ['a type that does not exist', '00 00'],
    ['a length of five bytes', '10 ffffffff 01'],
    ['a length longer than the limit', '10 808404'],
    ['a protocol nobody speaks', '10 0c 0004 4d515858 04 02 0000 0000'],
    ['a reserved connect flag', '10 0c 0004 4d515454 04 03 0000 0000'],
    ['a CONNECT cut short', '10 0a 0004 4d515454 04 02 0000'],
    ['a client id that is longer than its packet', '10 0c 0004 4d515454 04 02 0000 00ff'],
    ['a user name that is missing', '10 0c 0004 4d515454 04 82 0000 0000'],
    ['two limits in one CONNECT', '10 13 0004 4d515454 05 02 0000 06 21 0001 21 0002 0000'],
    ['a limit of zero', '10 10 0004 4d515454 05 02 0000 03 21 0000 0000'],
    ['an unknown property', '10 0f 0004 4d515454 05 02 0000 02 7f00 0000'],
    ['a second CONNECT', `${CONNECT_311} ${CONNECT_311}`],
    ['a packet only servers send', `${CONNECT_311} 20020000`],
    ['a quality of three', `${CONNECT_311} 36 05 0001 61 0001`],
    ['an empty topic', `${CONNECT_311} 30 02 0000`],
    ['a topic with a wildcard', `${CONNECT_311} 30 03 0001 23`],
    ['a topic with a NUL', `${CONNECT_311} 30 03 0001 00`],
    ['a topic that is no UTF-8', `${CONNECT_311} 30 03 0001 ff`],
    ['a topic longer than its packet', `${CONNECT_311} 30 03 00ff 61`],
    ['a packet id of zero', `${CONNECT_311} 32 05 0001 61 0000`],
    ['a missing packet id', `${CONNECT_311} 32 03 0001 61`],
    ['an acknowledgement that is too long', `${CONNECT_311} 40 03 0001 00`],
    ['a ping with a body', `${CONNECT_311} c0 01 00`],
    ['a SUBSCRIBE without its flag', `${CONNECT_311} 80 06 0001 0001 61 00`],
    ['a SUBSCRIBE to nothing', `${CONNECT_311} 82 02 0001`],
    ['a SUBSCRIBE to an empty filter', `${CONNECT_311} 82 05 0001 0000 00`],
    ['a subscription of quality three', `${CONNECT_311} 82 06 0001 0001 61 03`],
    ['an UNSUBSCRIBE from nothing', `${CONNECT_311} a2 02 0001`],
    ['AUTH before version 5', `${CONNECT_311} f0 00`],
    ['AUTH nobody asked for', `${CONNECT_5} f0 02 18 00`],
    ['a topic alias', `${CONNECT_5} 30 07 0001 61 03 23 0001`],
    ['a topic alias and no topic', `${CONNECT_5} 30 06 0000 03 23 0001`],
    ['properties longer than their packet', `${CONNECT_5} 30 04 0001 61 7f`],
  ])('%s', async (_what, bytes) => {
    const seen = await listening()
    const other = await welcomed({ port: seen.port })
    const socket = connect({ port: seen.port, host: '127.0.0.1' })
    socket.on('error', () => {})
    socket.resume()
    socket.write(hex(bytes))
    await gone(socket)
    expect(await other.publish('a', 'still here', 1)).toBe(0)
    other.end()
  })

  test('a bug behind the gate, or behind a message', async () => {
    const seen = await listening()
    const other = await welcomed({ port: seen.port })
    await mqttClient({ port: seen.port, username: 'bug' }).closed
    seen.onMessage = async ({ topic }) => {
      if (topic === 'bug') throw new Error('A bug.')
      return {}
    }
    const client = await welcomed({ port: seen.port, version: 5 })
    void client.publish('bug', '', 1).catch(() => {})
    expect(await client.closed).toBe(0x83)
    expect(await other.publish('a', '', 1)).toBe(0)
    other.end()
  })
})

test('reasons are told in version 5: malformed, too large, taken over, stopping', async () => {
  const seen = await listening()
  const malformed = await welcomed({ port: seen.port, version: 5 })
  malformed.socket.write(hex('30 03 0001 23'))
  expect(await malformed.closed).toBe(0x81)
  const large = await welcomed({ port: seen.port, version: 5 })
  large.socket.write(hex('30 808404'))
  expect(await large.closed).toBe(0x95)
  const older = await welcomed({ port: seen.port, version: 5 })
  seen.sessions.at(-1)?.close('taken-over')
  expect(await older.closed).toBe(0x8e)
  const last = await welcomed({ port: seen.port, version: 5 })
  await seen.listener.close()
  expect(await last.closed).toBe(0x8b)
  expect(seen.listener.connectionCount).toBe(0)
})

test('who says nothing is let go: without a CONNECT, and silent for longer than it promised', async () => {
  const seen = await listening({ connectSeconds: 0.2, idleSeconds: 600 })
  const mute = connect({ port: seen.port, host: '127.0.0.1' })
  mute.resume()
  const slow = connect({ port: seen.port, host: '127.0.0.1' })
  slow.resume()
  slow.write(hex('10'))
  const silent = await welcomed({ port: seen.port, version: 5, keepalive: 1 })
  const pinging = await welcomed({ port: seen.port, keepalive: 1 })
  const pings = setInterval(() => pinging.send({ cmd: 'pingreq' }), 300)
  const idle = await welcomed({ port: seen.port })
  await Promise.all([gone(mute), gone(slow)])
  expect(await silent.closed).toBe(0x8d)
  expect(await pinging.publish('a', '', 1)).toBe(0)
  expect(await idle.publish('a', '', 1)).toBe(0)
  clearInterval(pings)
  pinging.end()
  idle.end()
})

test('a packet is taken whatever way the network cuts it', async () => {
  const seen = await listening()
  const client = await welcomed({ port: seen.port })
  client.socket.setNoDelay(true)
  const bytes = hex(`30 8101 0001 61 ${'62'.repeat(126)} c000 30 04 0001 61 63`)
  for (const byte of bytes) {
    client.socket.write(Buffer.of(byte))
    await new Promise(setImmediate)
  }
  await client.next('pingresp')
  expect(await client.publish('a', 'end', 1)).toBe(0)
  expect(texts(seen.messages)).toEqual(['b'.repeat(126), 'c', 'end'])
  client.end()
})

async function* nothing(): AsyncGenerator<Uint8Array> {}

const PIECE_BYTES = 65_536

async function* zeros(sizeBytes: number, onPiece: () => void): AsyncGenerator<Uint8Array> {
  const piece = Buffer.alloc(PIECE_BYTES)
  for (let sent = 0; sent < sizeBytes; sent += piece.length) {
    onPiece()
    yield piece.subarray(0, Math.min(piece.length, sizeBytes - sent))
  }
}

test('a client that reads nothing holds one piece, and nobody else up', async () => {
  const seen = await listening()
  const lazy = await welcomed({ port: seen.port })
  lazy.socket.pause()
  let pieces = 0
  const sizeBytes = 256 * 1024 * 1024 - 1024
  const streaming = seen.sessions[0]?.publishStream({
    topic: 't',
    sizeBytes,
    pieces: zeros(sizeBytes, () => pieces++),
    qos: 0,
  })
  const other = await welcomed({ port: seen.port })
  let before = -1
  while (before !== pieces) {
    before = pieces
    for (let each = 0; each < 20; each++) await other.publish('a', '', 1)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  // What the kernels of both ends hold, and one more; how much that is, is theirs to say.
  expect(pieces).toBeLessThan(sizeBytes / PIECE_BYTES / 4)
  lazy.end()
  expect(await streaming).toBe('closed')
  other.end()
})

test('who asks without end and reads nothing is not read from either', async () => {
  const seen = await listening()
  const [asked, answerBytes] = [20_000, 60_000]
  seen.onMessage = async (_message, session) => ({
    afterwards: () => session.publish('t', Buffer.alloc(answerBytes), 0),
  })
  const lazy = await welcomed({ port: seen.port })
  lazy.socket.pause()
  const before = process.memoryUsage()
  for (let each = 0; each < asked; each++) void lazy.publish('a', 'x'.repeat(200))
  const other = await welcomed({ port: seen.port })
  for (let each = 0; each < 200; each++) await other.publish('a', '', 1)
  const taken = seen.messages.filter(({ payload }) => payload.length === 200).length
  // What the kernels hold of the answers, and little more; all of them would be 1.2 GB.
  expect(taken).toBeLessThan(asked / 4)
  const heldBytes = process.memoryUsage().external - before.external
  expect(heldBytes).toBeLessThan((asked * answerBytes) / 4)
  lazy.end()
  other.end()
})

test('64 MiB in one message are taken as they are read, and what comes behind waits its turn', async () => {
  const seen = await listening()
  const client = mqttClient({ port: seen.port })
  await client.next('connack')
  const sizeBytes = 64 * 1024 * 1024
  client.socket.removeAllListeners('data')
  let read = 0
  let taken = 0
  let mostUnread = 0
  let tail = Buffer.alloc(0)
  client.socket.on('data', (bytes: Buffer) => {
    read += bytes.length
    tail = Buffer.concat([tail, bytes]).subarray(-20)
  })
  const session = seen.sessions[0]
  const streaming = session?.publishStream({
    topic: 't',
    sizeBytes,
    pieces: zeros(sizeBytes, () => {
      taken += PIECE_BYTES
      mostUnread = Math.max(mostUnread, taken - read)
    }),
    qos: 0,
  })
  client.send({ cmd: 'pingreq' })
  const behind = session?.publish('u', 'z', 0)
  expect(await streaming).toBe('sent')
  expect(await behind).toBe('sent')
  const all = 1 + 4 + 3 + sizeBytes + 2 + 6
  await expect.poll(() => read).toBe(all)
  expect(tail.toString('hex')).toMatch(/(d0003004000175 7a|30040001757ad000|d00030040001757a)$/)
  // What the kernels of both ends hold, and one more: never most of the message.
  expect(mostUnread).toBeLessThan(sizeBytes / 2)
  client.end()
})

test('a message that breaks off takes its connection along', async () => {
  const seen = await listening()
  const client = await welcomed({ port: seen.port })
  const sent = seen.sessions[0]?.publishStream({
    topic: 't',
    sizeBytes: 100_000,
    pieces: zeros(65_536, () => {}),
    qos: 0,
  })
  expect(await sent).toBe('closed')
  await client.closed
})
