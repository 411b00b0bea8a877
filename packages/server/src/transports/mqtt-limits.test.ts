import { connect } from 'node:net'
import { generate, type Packet } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import { gone, mqttClient, welcomed } from './mqtt-client.test-helper.ts'
import { CONNECT_311, hex, listening, stopListening, texts } from './mqtt-listening.test-helper.ts'

afterEach(stopListening)

const publish = (messageId: number, payload = '', dup = false): Packet => ({
  cmd: 'publish',
  topic: 'a',
  payload,
  qos: 2,
  messageId,
  dup,
  retain: false,
})

/** All that comes until the connection ends. */
async function answerTo(port: number, bytes: Buffer): Promise<string> {
  const socket = connect({ port, host: '127.0.0.1' })
  let answer = ''
  socket.on('data', (piece) => {
    answer += piece.toString('hex')
  })
  socket.write(bytes)
  await gone(socket)
  return answer
}

describe('a CONNECT', () => {
  test.each([0, 1, 2, 6, 9, 127, 255])(
    'of level %i is told that nobody speaks it',
    async (level) => {
      const { port, sessions } = await listening()
      const bytes = hex(CONNECT_311)
      bytes[8] = level
      expect(await answerTo(port, bytes)).toBe('20020001')
      expect(sessions).toEqual([])
    },
  )

  test('of a bridge is one of the version it bridges', async () => {
    const { port } = await listening()
    const bytes = hex(`${CONNECT_311} e000`)
    bytes[8] = 0x84
    expect(await answerTo(port, bytes)).toBe('20020000')
  })

  test('that comes a second time, while the first waits to be let in, ends both', async () => {
    const gate = Promise.withResolvers<void>()
    const seen = await listening({}, gate.promise)
    const twice = answerTo(seen.port, hex(`${CONNECT_311} ${CONNECT_311} c000`))
    gate.resolve()
    expect(await twice).toBe('20020000')
    expect(seen.closed).toEqual(['new-1'])
    expect(seen.listener.connectionCount).toBe(0)
  })

  test('that comes after a message is not heard, nor is the message', async () => {
    const seen = await listening()
    expect(await answerTo(seen.port, hex(`30 03 0001 61 ${CONNECT_311}`))).toBe('')
    expect(seen.messages).toEqual([])
    expect(seen.sessions).toEqual([])
  })
})

describe('before it is let in', () => {
  test('a client may say hundreds of things, which are taken in order once it is', async () => {
    const gate = Promise.withResolvers<void>()
    const seen = await listening({}, gate.promise)
    const client = mqttClient({ port: seen.port })
    for (let each = 0; each < 500; each++) void client.publish('a', String(each))
    client.send({ cmd: 'pingreq' })
    gate.resolve()
    await client.next('connack')
    await client.next('pingresp')
    expect(texts(seen.messages)).toEqual(Array.from({ length: 500 }, (_, each) => String(each)))
    client.end()
  })

  test('a client that goes on without end is not read from', async () => {
    const gate = Promise.withResolvers<void>()
    const seen = await listening({}, gate.promise)
    const client = mqttClient({ port: seen.port })
    const message = generate({ cmd: 'publish', topic: 'a', payload: 'x'.repeat(60_000) } as Packet)
    const floodBytes = 64 * 1024 * 1024
    for (let sent = 0; sent < floodBytes; sent += message.length) client.socket.write(message)
    const other = mqttClient({ port: seen.port })
    // Another one comes and goes while the flood stands still: the buffers of the network are full.
    let before = -1
    while (before !== client.socket.writableLength) {
      before = client.socket.writableLength
      const passing = connect({ port: seen.port, host: '127.0.0.1' })
      passing.write(hex('c000'))
      await gone(passing.resume())
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect(before).toBeGreaterThan(floodBytes / 2)
    gate.resolve()
    await other.next('connack')
    client.end()
    other.end()
  })

  test('what a refused client said besides is not heard', async () => {
    const seen = await listening()
    const client = mqttClient({ port: seen.port, username: 'nobody' })
    for (let each = 0; each < 100; each++) void client.publish('a', String(each))
    expect(await client.next('connack')).toMatchObject({ returnCode: 5 })
    await client.closed
    expect(seen.messages).toEqual([])
  })
})

describe('a packet', () => {
  const HEAD = 7
  const messageOf = (packetBytes: number) =>
    generate({ cmd: 'publish', topic: 'a', payload: 'x'.repeat(packetBytes - HEAD) } as Packet)

  test('as long as the limit is taken, so that 64 KiB can be said in one', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port })
    client.socket.write(messageOf(66_048))
    expect(await client.publish('a', 'x'.repeat(65_536), 1)).toBe(0)
    expect(seen.messages.map(({ payload }) => payload.length)).toEqual([66_041, 65_536])
    client.end()
  })

  test.each([
    ['a byte longer', 66_049],
    ['of a hundred times that', 6_553_600],
  ])('%s ends its connection before it has come', async (_how, packetBytes) => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port, version: 5 })
    // The first bytes are enough to know.
    client.socket.write(messageOf(packetBytes).subarray(0, 100))
    expect(await client.closed).toBe(0x95)
    expect(seen.messages).toEqual([])
  })
})

describe('a message of quality 2', () => {
  test('is heard once, and anew when its identifier was released', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port, version: 5 })
    for (const dup of [false, true, true]) {
      client.send(publish(7, 'once', dup))
      expect(await client.next('pubrec')).toMatchObject({ messageId: 7, reasonCode: 0 })
    }
    client.send({ cmd: 'pubrel', messageId: 7 })
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 7, reasonCode: 0 })
    client.send(publish(7, 'another', true))
    await client.next('pubrec')
    expect(texts(seen.messages)).toEqual(['once', 'another'])
    client.end()
  })

  test('of one identifier does not stand for that of another', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port })
    for (const id of [1, 2, 3, 2, 1]) client.send(publish(id, String(id)))
    for (const id of [1, 2, 3, 2, 1]) {
      expect(await client.next('pubrec')).toMatchObject({ messageId: id })
    }
    expect(texts(seen.messages)).toEqual(['1', '2', '3'])
    client.end()
  })

  test('that nobody sent cannot be released, which version 5 is told', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port, version: 5 })
    client.send({ cmd: 'pubrel', messageId: 9 })
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 9, reasonCode: 0x92 })
    expect(await client.publish('a', 'goes on', 1)).toBe(0)
    client.end()
  })

  test('that is refused is done with', async () => {
    const seen = await listening()
    seen.onMessage = async () => ({ reason: 0x90 })
    const client = await welcomed({ port: seen.port, version: 5 })
    client.send(publish(7))
    expect(await client.next('pubrec')).toMatchObject({ messageId: 7, reasonCode: 0x90 })
    client.send(publish(7))
    await client.next('pubrec')
    expect(seen.messages).toHaveLength(2)
    client.end()
  })

  test('waits for its release, and a hundred more than that are too many', async () => {
    const seen = await listening()
    const client = await welcomed({ port: seen.port, version: 5 })
    for (let id = 1; id <= 101; id++) client.send(publish(id))
    expect(await client.closed).toBe(0x93)
    expect(seen.messages).toHaveLength(100)
  })
})
