/** Sessions that outlive their connection, and messages that arrive once, packet by packet. */
import type { Packet } from 'mqtt-packet'
import { afterEach, describe, expect, test } from 'vitest'
import type { MqttTaken } from './mqtt.ts'
import { type Options, type TestClient, welcomed } from './mqtt-client.test-helper.ts'
import { listening, type Seen, stopListening, texts } from './mqtt-listening.test-helper.ts'

afterEach(stopListening)

const VERSIONS = [3, 4, 5] as const

/** A client with a session of its own; keeps it unless it says otherwise. */
const keeper = async (seen: Seen, words: Partial<Options> = {}) => {
  const { version = 4 } = words
  const client = await welcomed({
    port: seen.port,
    username: 'kept',
    clientId: 'd',
    clean: false,
    acknowledges: false,
    ...(version === 5 && { properties: { sessionExpiryInterval: 3600 } }),
    ...words,
  })
  return { ...client, session: lastSession(seen) }
}

const lastSession = (seen: Seen) => {
  const session = seen.sessions.at(-1)
  if (!session) throw new Error('Nobody was let in.')
  return session
}

/** Gone, and noticed. */
const cut = async (seen: Seen, client: TestClient) => {
  const before = seen.closed.length
  client.socket.destroy()
  await expect.poll(() => seen.closed.length).toBe(before + 1)
}

/** All that was sent so far has come: the answer to a ping comes behind it. */
const settled = async (client: TestClient) => {
  client.send({ cmd: 'pingreq' })
  await client.next('pingresp')
}

const publishWith = (messageId: number, payload: string, words: object = {}): Packet =>
  ({
    cmd: 'publish',
    topic: 't',
    payload,
    qos: 2,
    messageId,
    dup: false,
    retain: false,
    ...words,
  }) as Packet

describe.each(VERSIONS)('in version %i', (version) => {
  // The oldest version cannot be told that its session is there; it is all the same.
  const told = version > 3

  test('a session is there again, with its filters, for who did not ask to begin anew', async () => {
    const seen = await listening()
    const first = await keeper(seen, { version })
    expect(first.isPresent).toBe(false)
    first.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'a/#', qos: 2 },
        { topic: 'no', qos: 2 },
        { topic: 'b', qos: 0 },
        { topic: 'c', qos: 1 },
      ],
    })
    expect(await first.next('suback')).toMatchObject({
      granted: [2, version === 5 ? 0x8f : 0x80, 0, 1],
    })
    first.send({ cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['c'] })
    await first.next('unsuback')
    await cut(seen, first)
    const second = await keeper(seen, { version })
    expect(second.isPresent).toBe(told)
    second.end()
    await second.closed
    expect(seen.opened).toEqual([
      null,
      [
        ['a/#', 2],
        ['b', 0],
      ],
    ])
  })

  test('it is not there after a clean one, nor for one, nor where the gate says so', async () => {
    const seen = await listening()
    const present: boolean[] = []
    for (const words of [{}, { clean: true }, {}, { username: 'anew' }, {}, {}]) {
      const client = await keeper(seen, { version, ...words })
      present.push(client.isPresent)
      await cut(seen, client)
    }
    // A session of version 5 may begin anew and be kept.
    const afterClean = version === 5
    expect(present).toEqual([false, false, told && afterClean, false, told, told])
    expect(seen.opened.map((filters) => filters !== null)).toEqual([
      false,
      false,
      afterClean,
      false,
      true,
      true,
    ])
  })

  test('another connection of the same session ends the first, and goes on where it was', async () => {
    const seen = await listening()
    const first = await keeper(seen, { version })
    await first.subscribe('a')
    const second = await keeper(seen, { version })
    expect(await first.closed).toBe(version === 5 ? 0x8e : null)
    expect(second.isPresent).toBe(told)
    expect(seen.opened.at(-1)).toEqual([['a', 1]])
    expect(await first.session.publish('a', 'x', 1)).toBe('closed')
    expect(seen.closed).toHaveLength(1)
    second.end()
  })

  test('a message of quality 2 goes out in four packets', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version })
    expect(await client.session.publish('t', 'once', 2)).toBe('sent')
    const message = await client.next('publish')
    expect(message).toMatchObject({ qos: 2, dup: false, messageId: 1 })
    client.send({ cmd: 'pubrec', messageId: 1 })
    expect(await client.next('pubrel')).toMatchObject({ messageId: 1 })
    client.send({ cmd: 'pubcomp', messageId: 1 })
    await cut(seen, client)
    const again = await keeper(seen, { version })
    await settled(again)
    expect(again.order).toEqual(['connack', 'pingresp'])
    again.end()
  })

  test.each([
    ['the message', [], ['publish']],
    ['that it was received', ['pubrec'], ['pubrel']],
    ['that it was received, twice', ['pubrec', 'pubrec'], ['pubrel']],
  ] as const)('cut after %s it goes on from there, once', async (_what, said, resumed) => {
    const seen = await listening()
    const client = await keeper(seen, { version })
    await client.session.publish('t', 'once', 2)
    await client.next('publish')
    for (const cmd of said) {
      client.send({ cmd, messageId: 1 })
      await client.next('pubrel')
    }
    await cut(seen, client)
    for (const _each of [1, 2]) {
      const again = await keeper(seen, { version })
      await settled(again)
      expect(again.order).toEqual(['connack', ...resumed, 'pingresp'])
      if (resumed[0] === 'publish') {
        expect(await again.next('publish')).toMatchObject({ dup: true, qos: 2, messageId: 1 })
      }
      await cut(seen, again)
    }
    const last = await keeper(seen, { version })
    if (resumed[0] === 'publish') last.send({ cmd: 'pubrec', messageId: 1 })
    await last.next('pubrel')
    last.send({ cmd: 'pubcomp', messageId: 1 })
    await settled(last)
    await cut(seen, last)
    const done = await keeper(seen, { version })
    await settled(done)
    expect(done.order).toEqual(['connack', 'pingresp'])
    done.end()
  })

  test('a message of quality 1 that nobody acknowledged is sent again, the same', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version })
    await client.session.publish('t', 'a', 1)
    await client.session.publish('t', 'b', 1)
    await client.next('publish')
    client.send({ cmd: 'puback', messageId: 1 })
    await settled(client)
    await cut(seen, client)
    const again = await keeper(seen, { version })
    const message = await again.next('publish')
    expect(message).toMatchObject({ dup: true, qos: 1, messageId: 2 })
    expect(`${(message as { payload: Buffer }).payload}`).toBe('b')
    await settled(again)
    expect(again.order).toEqual(['connack', 'publish', 'pingresp'])
    again.end()
  })

  test.each([
    ['the message', (id: number) => [publishWith(id, 'once')]],
    [
      'the message, twice',
      (id: number) => [publishWith(id, 'once'), publishWith(id, 'once', { dup: true })],
    ],
  ] as const)('one that came in is taken once, cut after %s', async (_what, said) => {
    const seen = await listening()
    const client = await keeper(seen, { version })
    for (const packet of said(7)) client.send(packet)
    await settled(client)
    await cut(seen, client)
    const again = await keeper(seen, { version })
    again.send(publishWith(7, 'once', { dup: true }))
    expect(await again.next('pubrec')).toMatchObject({ messageId: 7 })
    again.send({ cmd: 'pubrel', messageId: 7 })
    expect(await again.next('pubcomp')).toMatchObject({ messageId: 7 })
    // Released on one connection, completed on the next.
    await cut(seen, again)
    const last = await keeper(seen, { version })
    last.send({ cmd: 'pubrel', messageId: 7 })
    expect(await last.next('pubcomp')).toMatchObject({ messageId: 7 })
    expect(texts(seen.messages)).toEqual(['once'])
    last.send(publishWith(7, 'the next'))
    await last.next('pubrec')
    expect(texts(seen.messages)).toEqual(['once', 'the next'])
    last.end()
  })

  test('and may come anew where the session began anew', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version })
    client.send(publishWith(7, 'a'))
    await client.next('pubrec')
    await cut(seen, client)
    const again = await keeper(seen, { version, clean: true })
    again.send(publishWith(7, 'b'))
    await again.next('pubrec')
    expect(texts(seen.messages)).toEqual(['a', 'b'])
    again.end()
  })
})

test('what is still being taken on the connection before is taken once, and before the next is welcome', async () => {
  const seen = await listening()
  const work = Promise.withResolvers<MqttTaken>()
  seen.onMessage = () => work.promise
  const first = await keeper(seen)
  first.send(publishWith(7, 'once'))
  await expect.poll(() => seen.messages.length).toBe(1)
  const second = keeper(seen)
  // It has come as far as it gets.
  await expect.poll(() => seen.sessions.length).toBe(2)
  expect(seen.opened).toHaveLength(1)
  work.resolve({})
  const again = await second
  expect(again.isPresent).toBe(true)
  expect(seen.closed).toHaveLength(1)
  again.send(publishWith(7, 'once', { dup: true }))
  await again.next('pubrec')
  expect(texts(seen.messages)).toEqual(['once'])
  again.end()
})

test('of many connections that come for one session at once the last has it', async () => {
  const seen = await listening()
  const first = await keeper(seen)
  await first.subscribe('a')
  const rush = Array.from({ length: 20 }, () => keeper(seen).catch(() => null))
  const clients = await Promise.all(rush)
  const alive = []
  for (const client of clients) {
    if (!client) continue
    client.send({ cmd: 'pingreq' })
    if (await client.next('pingresp').catch(() => null)) alive.push(client)
  }
  expect(alive).toHaveLength(1)
  expect(alive[0]?.isPresent).toBe(true)
  expect(seen.opened.slice(1).every((filters) => filters?.[0]?.[0] === 'a')).toBe(true)
  await expect.poll(() => seen.closed.length).toBe(20)
  expect(seen.listener.connectionCount).toBe(1)
  alive[0]?.end()
})

describe('acknowledgements', () => {
  test('of what nobody knows are answered so that the client can forget it', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version: 5 })
    client.send({ cmd: 'pubrec', messageId: 9 })
    expect(await client.next('pubrel')).toMatchObject({ messageId: 9, reasonCode: 0x92 })
    client.send({ cmd: 'pubrel', messageId: 9 })
    expect(await client.next('pubcomp')).toMatchObject({ messageId: 9, reasonCode: 0x92 })
    client.send({ cmd: 'puback', messageId: 9 })
    client.send({ cmd: 'pubcomp', messageId: 9 })
    await settled(client)
    client.end()
  })

  test('that do not fit what was sent change nothing', async () => {
    const seen = await listening()
    const client = await keeper(seen)
    await client.session.publish('t', 'x', 2)
    client.send({ cmd: 'puback', messageId: 1 })
    client.send({ cmd: 'pubcomp', messageId: 1 })
    await settled(client)
    await cut(seen, client)
    const again = await keeper(seen)
    expect(await again.next('publish')).toMatchObject({ messageId: 1, dup: true })
    again.end()
  })

  test('that refuse a message end it', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version: 5 })
    await client.session.publish('t', 'x', 2)
    client.send({ cmd: 'pubrec', messageId: 1, reasonCode: 0x99 })
    await settled(client)
    expect(client.order).toEqual(['connack', 'publish', 'pingresp'])
    await cut(seen, client)
    const again = await keeper(seen, { version: 5 })
    await settled(again)
    expect(again.order).toEqual(['connack', 'pingresp'])
    again.end()
  })
})

describe('more messages than a client takes at once', () => {
  test('wait, and come in order as it acknowledges', async () => {
    const seen = await listening()
    const client = await keeper(seen)
    for (let each = 0; each < 150; each++) {
      expect(await client.session.publish('t', String(each), each % 2 ? 1 : 2)).toBe('sent')
    }
    await settled(client)
    expect(client.unread()).toHaveLength(100)
    const received: string[] = []
    for (let each = 0; each < 150; each++) {
      const message = (await client.next('publish')) as Packet & { qos: number; payload: Buffer }
      received.push(`${message.payload}`)
      const { messageId } = message
      if (message.qos === 1) {
        client.send({ cmd: 'puback', messageId })
      } else {
        client.send({ cmd: 'pubrec', messageId })
        await client.next('pubrel')
        client.send({ cmd: 'pubcomp', messageId })
      }
    }
    expect(received).toEqual(Array.from({ length: 150 }, (_, each) => String(each)))
    client.end()
  })

  test('also over connections, of which the next takes fewer', async () => {
    const seen = await listening()
    const words = (receiveMaximum: number) => ({
      version: 5 as const,
      properties: { sessionExpiryInterval: 60, receiveMaximum },
    })
    const client = await keeper(seen, words(4))
    for (let each = 0; each < 6; each++) await client.session.publish('t', String(each), 1)
    await settled(client)
    expect(client.unread()).toHaveLength(4)
    await cut(seen, client)
    const again = await keeper(seen, words(2))
    await settled(again)
    expect(again.unread()).toHaveLength(2)
    for (let each = 0; each < 6; each++) {
      const { messageId, dup } = (await again.next('publish')) as Packet & { dup: boolean }
      expect([messageId, dup]).toEqual([each + 1, each < 4])
      again.send({ cmd: 'puback', messageId })
    }
    again.end()
  })

  test('or than there is room for are not taken', async () => {
    const seen = await listening()
    const client = await keeper(seen)
    let count = 0
    while ((await client.session.publish('t', 'x', 1)) === 'sent') count += 1
    expect(count).toBe(500)
    const other = await keeper(seen, { clientId: 'other' })
    expect(await other.session.publish('t', Buffer.alloc(200_000), 2)).toBe('sent')
    expect(await other.session.publish('t', 'x', 2)).toBe('full')
    expect(await other.session.publish('t', 'x', 0)).toBe('sent')
    client.end()
    other.end()
  })

  test('or larger ones than the next connection takes are given up', async () => {
    const seen = await listening()
    const words = (maximumPacketSize: number) => ({
      version: 5 as const,
      properties: { sessionExpiryInterval: 60, maximumPacketSize },
    })
    const client = await keeper(seen, words(1000))
    await client.session.publish('t', 'x'.repeat(500), 1)
    await client.session.publish('t', 'small', 1)
    await cut(seen, client)
    const again = await keeper(seen, words(100))
    expect(`${(await again.message()).payload}`).toBe('small')
    expect(await again.session.publish('t', 'x'.repeat(500), 1)).toBe('too-large')
    again.end()
  })
})

describe('how long a session is kept', () => {
  test.each([
    ['as long as it asks for', { sessionExpiryInterval: 60 }, undefined, true, undefined],
    ['not at all where it does not ask', {}, undefined, false, undefined],
    [
      'no longer than there is time',
      { sessionExpiryInterval: 0xffffffff },
      undefined,
      true,
      86_400,
    ],
    [
      'as long as it says at last',
      { sessionExpiryInterval: 60 },
      { sessionExpiryInterval: 0 },
      false,
      undefined,
    ],
  ] as const)('in version 5: %s', async (_what, properties, lastWords, isPresent, told) => {
    const seen = await listening()
    const client = await keeper(seen, { version: 5, properties })
    expect(client.offered?.sessionExpiryInterval).toBe(told)
    client.send({ cmd: 'disconnect', properties: lastWords })
    await client.closed
    await expect.poll(() => seen.closed).toHaveLength(1)
    const again = await keeper(seen, { version: 5, properties })
    expect(again.isPresent).toBe(isPresent)
    again.end()
  })

  test('who did not ask for it cannot do so at last', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version: 5, properties: {} })
    client.send({ cmd: 'disconnect', properties: { sessionExpiryInterval: 60 } })
    expect(await client.closed).toBe(0x82)
    const again = await keeper(seen, { version: 5, properties: {} })
    expect(again.isPresent).toBe(false)
    again.end()
  })

  test('a session without a key is not kept, and its client is told so', async () => {
    const seen = await listening()
    for (const _each of [1, 2]) {
      const client = await keeper(seen, { version: 5, username: 'somebody' })
      expect(client.isPresent).toBe(false)
      expect(client.offered?.sessionExpiryInterval).toBe(0)
      await cut(seen, client)
    }
    expect(seen.listener.keptCount).toBe(0)
  })

  test('no longer than the time is over', async () => {
    const seen = await listening({ maxKeptSeconds: 0 })
    await cut(seen, await keeper(seen))
    const again = await keeper(seen)
    expect(again.isPresent).toBe(false)
    again.end()
  })

  test('the last to leave are kept, as many as there is room for', async () => {
    const seen = await listening({ maxKept: 2 })
    for (const clientId of ['a', 'b', 'c']) await cut(seen, await keeper(seen, { clientId }))
    expect(seen.listener.keptCount).toBe(2)
    const back = []
    for (const clientId of ['a', 'b', 'c']) back.push(await keeper(seen, { clientId }))
    expect(back.map(({ isPresent }) => isPresent)).toEqual([false, true, true])
    for (const client of back) client.end()
  })

  test('and as much of what they hold', async () => {
    const seen = await listening({ maxKeptBytes: 3000 })
    for (const clientId of ['a', 'b']) {
      const client = await keeper(seen, { clientId })
      await client.session.publish('t', 'x'.repeat(2000), 1)
      await cut(seen, client)
    }
    expect(seen.listener.keptCount).toBe(1)
    const b = await keeper(seen, { clientId: 'b' })
    expect(b.isPresent).toBe(true)
    expect(seen.listener.keptCount).toBe(0)
    b.end()
  })

  test('not when it is to be forgotten', async () => {
    const seen = await listening()
    const client = await keeper(seen)
    client.session.forget()
    client.session.close('protocol-error')
    await client.closed
    const again = await keeper(seen)
    expect(again.isPresent).toBe(false)
    again.end()
  })

  test('who subscribes without end is closed', async () => {
    const seen = await listening()
    const client = await keeper(seen, { version: 5 })
    const subscribing = (async () => {
      for (let each = 0; ; each++) await client.subscribe(`${each}/${'x'.repeat(1000)}`)
    })().catch(() => {})
    expect(await client.closed).toBe(0x97)
    await subscribing
  })
})

test('a message that was streamed is not sent again', async () => {
  const seen = await listening()
  const client = await keeper(seen)
  const pieces = (async function* () {
    yield Buffer.from('abc')
  })()
  expect(await client.session.publishStream({ topic: 't', sizeBytes: 3, pieces, qos: 1 })).toBe(
    'sent',
  )
  await client.next('publish')
  await cut(seen, client)
  const again = await keeper(seen)
  await settled(again)
  expect(again.order).toEqual(['connack', 'pingresp'])
  again.end()
})

test.each([
  ['first', 3],
  ['nobody', 5],
  ['nobodys', 5],
])(
  'gates are asked one after the other; whom none of them knows is refused: %s',
  async (username, code) => {
    const seen = await listening()
    await expect(welcomed({ port: seen.port, username })).rejects.toThrow(`Refused with ${code}.`)
  },
)
