import { createHash } from 'node:crypto'
import { afterEach, describe, expect, test } from 'vitest'
import type { TestClient } from '../../transports/mqtt-client.test-helper.ts'
import { bytes, closeHouses, type House, house, TELEMETRY } from './mqtt-house.test-helper.ts'

afterEach(closeHouses)

const FILE = bytes(10_000)
const part = (from: number, to: number) => Buffer.from(FILE.subarray(from, to))
const ERROR_TOPIC = 'v2/fw/error'

/** A device that is to run that file, on the line. */
async function device(
  file: Uint8Array = FILE,
): Promise<{ desk: House; client: TestClient; chunk: ReturnType<typeof chunksOf> }> {
  const desk = await house()
  desk.addDevice('d')
  await desk.assign('d', { bytes: file })
  const client = await desk.connect('d', { version: 5 })
  return { desk, client, chunk: chunksOf(client) }
}

/** Asks for a chunk and answers what came. */
const chunksOf =
  (client: TestClient, family = 'fw') =>
  async (id: number, index: number, size: string | Buffer) => {
    void client.publish(`v2/${family}/request/${id}/chunk/${index}`, size)
    return (await client.message(`v2/${family}/response/${id}/chunk/${index}`)).payload
  }

/** What comes on the error topic for that request. */
const errorOf = async (
  client: TestClient,
  size: string | Buffer,
  family = 'fw',
  topic = ERROR_TOPIC,
) => {
  void client.publish(`v2/${family}/request/9/chunk/0`, size)
  return `${(await client.message(topic)).payload}`
}

test.each([
  ['a piece', 0, '4096', part(0, 4096)],
  ['a piece in the middle', 1, '4096', part(4096, 8192)],
  ['the last piece', 2, '4096', part(8192, 10_000)],
  ['a single byte', 9_999, '1', part(9_999, 10_000)],
  ['a piece as long as the file', 0, '10000', part(0, 10_000)],
  ['a piece far longer than the file', 0, '10485760', part(0, 10_000)],
  ['a piece behind the last', 3, '4096', part(0, 0)],
  ['a piece behind the last of a file that goes in without a rest', 5, '2000', part(0, 0)],
  ['the longest index there is', 999_999_999_999_999, '999999999999999', part(0, 0)],
  ['a size in quotes', 1, '"4096"', part(4096, 8192)],
  ['a size with blanks and a line break', 1, ' 4096\r\n', part(4096, 8192)],
  ['no size at all', 0, '', part(0, 10_000)],
  ['no size, at any index', 7, '', part(0, 10_000)],
  ['no size, in quotes', 0, '""', part(0, 10_000)],
  ['the size zero', 0, '0', part(0, 10_000)],
  ['a size below zero', 3, '-4096', part(0, 10_000)],
])('asked for %s', async (_what, index, size, expected) => {
  const { client, chunk } = await device()
  expect(await chunk(1, index, size)).toEqual(expected)
  client.end()
})

test('a file of 25 MB goes out in chunks of 10 MB', async () => {
  const file = bytes(25_000_000)
  const { client, chunk } = await device(file)
  const hash = createHash('sha256')
  for (const index of [0, 1, 2]) hash.update(await chunk(1, index, '10000000'))
  expect(hash.digest('hex')).toBe(createHash('sha256').update(file).digest('hex'))
  expect(await chunk(1, 3, '10000000')).toHaveLength(0)
  client.end()
})

test('a size is remembered for its id, whatever is asked for meanwhile', async () => {
  const { client, chunk } = await device()
  await chunk(1, 0, '4096')
  await chunk(2, 0, '1000')
  expect(await chunk(1, 1, '')).toEqual(part(4096, 8192))
  expect(await chunk(2, 1, '0')).toEqual(part(1000, 2000))
  expect(await chunk(1, 2, '-1')).toEqual(part(8192, 10_000))
  expect(await chunk(1, 3, '""')).toHaveLength(0)
  expect(await chunk(1, 0, '')).toEqual(part(0, 4096))
  expect(await chunk(1, 1, '5000')).toEqual(part(5000, 10_000))
  client.end()
})

test('many requests at once are answered in the order they came, each once', async () => {
  const { client } = await device()
  for (let index = 0; index < 40; index++) {
    void client.publish(`v2/fw/request/1/chunk/${index}`, '256', index % 2 ? 1 : 0)
  }
  const received: Buffer[] = []
  for (let index = 0; index < 40; index++) {
    const { topic, payload } = await client.message()
    expect(topic).toBe(`v2/fw/response/1/chunk/${index}`)
    received.push(payload)
  }
  expect(Buffer.concat(received)).toEqual(part(0, 10_000))
  expect(client.unread()).toEqual([])
  client.end()
})

describe('a download stays with its file', () => {
  const OTHER = Uint8Array.from(FILE).reverse()
  const other = (from: number, to: number) => Buffer.from(OTHER.subarray(from, to))

  test('when another is assigned midway, until its first chunk is asked for again', async () => {
    const { desk, client, chunk } = await device()
    expect(await chunk(1, 0, '4096')).toEqual(part(0, 4096))
    await desk.assign('d', { bytes: OTHER, version: '3.0.0' })
    expect(await chunk(1, 1, '4096')).toEqual(part(4096, 8192))
    expect(await chunk(1, 2, '4096')).toEqual(part(8192, 10_000))
    expect(await chunk(1, 0, '4096')).toEqual(other(0, 4096))
    expect(await chunk(1, 1, '4096')).toEqual(other(4096, 8192))
    client.end()
  })

  test('while another id begins with what is assigned now', async () => {
    const { desk, client, chunk } = await device()
    await chunk(1, 0, '4096')
    await desk.assign('d', { bytes: OTHER, version: '3.0.0' })
    expect(await chunk(2, 0, '4096')).toEqual(other(0, 4096))
    expect(await chunk(1, 1, '4096')).toEqual(part(4096, 8192))
    client.end()
  })

  test('when nothing is assigned any more', async () => {
    const { desk, client, chunk } = await device()
    await chunk(1, 0, '4096')
    await desk.withdraw('d', 'firmware')
    expect(await chunk(1, 1, '4096')).toEqual(part(4096, 8192))
    client.end()
  })

  test('of its own kind, where firmware and software are fetched under one id', async () => {
    const { desk, client, chunk } = await device()
    await desk.assign('d', { type: 'software', bytes: OTHER })
    const software = chunksOf(client, 'sw')
    expect(await chunk(0, 0, '4096')).toEqual(part(0, 4096))
    expect(await software(0, 0, '1000')).toEqual(other(0, 1000))
    expect(await chunk(0, 1, '')).toEqual(part(4096, 8192))
    expect(await software(0, 1, '')).toEqual(other(1000, 2000))
    client.end()
  })

  test('that begins in the middle, as after a pause', async () => {
    const { desk, client, chunk } = await device()
    expect(await chunk(1, 2, '4096')).toEqual(part(8192, 10_000))
    await desk.assign('d', { bytes: OTHER, version: '3.0.0' })
    expect(await chunk(1, 1, '4096')).toEqual(part(4096, 8192))
    client.end()
  })

  test('when the device comes back on another connection and goes on where it was', async () => {
    const { desk, client, chunk } = await device()
    await client.publish(TELEMETRY, '{"fw_state":"DOWNLOADING"}', 1)
    await chunk(1, 0, '4096')
    await desk.assign('d', { bytes: OTHER, version: '3.0.0' })
    const again = await desk.connect('d')
    expect(await client.closed).toBe(0x8e)
    expect(await chunksOf(again)(1, 1, '4096')).toEqual(part(4096, 8192))
    expect(desk.states('d')).toEqual(['firmware DOWNLOADING'])
    await expect.poll(() => desk.openFiles).toBe(1)
    again.end()
    await again.closed
    await expect.poll(() => desk.openFiles).toBe(0)
  })
})

test('a session keeps few files open, however many downloads it begins', async () => {
  const { desk, client, chunk } = await device()
  for (let id = 1; id <= 50; id++) expect(await chunk(id, 0, '10')).toHaveLength(10)
  expect(desk.openFiles).toBeLessThanOrEqual(4)
  client.end()
  await client.closed
  await expect.poll(() => desk.openFiles).toBe(0)
})

describe('a device that asks past the end without end', () => {
  test('gets three answers, and more when it begins anew', async () => {
    const { client } = await device(bytes(100))
    for (let index = 0; index < 100; index++) {
      await client.publish(`v2/fw/request/1/chunk/${index}`, '100', 1)
    }
    await client.publish('v2/fw/request/1/chunk/0', '100', 1)
    await client.publish('v2/fw/request/1/chunk/1', '100', 1)
    const lengths: number[] = []
    for (let each = 0; each < 6; each++) lengths.push((await client.message()).payload.length)
    expect(lengths).toEqual([100, 0, 0, 0, 100, 0])
    expect(client.unread()).toEqual([])
    client.end()
  })

  test('is found in its log, once', async () => {
    const { desk, client } = await device(bytes(100))
    for (const round of [1, 2]) {
      for (let index = 0; index < 50; index++) {
        await client.publish(`v2/fw/request/${round}/chunk/${index}`, '100', 1)
      }
    }
    expect(desk.events).toMatchObject([
      {
        kind: 'download.looping',
        subject: { kind: 'device', name: 'd' },
        data: { type: 'firmware', title: 'pump', version: '2.0.0', requestId: 1, index: 4 },
      },
    ])
    client.end()
  })

  test('is answered as before where it merely asks for one chunk more than there are', async () => {
    const { desk, client, chunk } = await device(bytes(100))
    for (let id = 1; id <= 20; id++) {
      expect(await chunk(id, 0, '100')).toHaveLength(100)
      expect(await chunk(id, 1, '100')).toHaveLength(0)
    }
    expect(desk.events).toEqual([])
    client.end()
  })
})

describe('what cannot be sent is told on the error topic, and the session stays:', () => {
  test('nothing is assigned', async () => {
    const desk = await house()
    desk.addDevice('d')
    const client = await desk.connect('d')
    expect(await errorOf(client, '10')).toBe('NOT_FOUND')
    expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0)
    client.end()
  })

  test('the file is not there', async () => {
    const { desk, client } = await device()
    const checksum = '0'.repeat(64)
    await desk.assign('d', {
      version: '3.0.0',
      artifact: { sha256: checksum, sizeBytes: 5, fileName: 'a', contentType: 'a/b' },
      checksumAlgorithm: 'SHA256',
      checksum,
    })
    expect(await errorOf(client, '10')).toBe('NOT_FOUND')
    client.end()
  })

  test('it is kept elsewhere', async () => {
    const desk = await house()
    desk.addDevice('d')
    await desk.assign('d', { externalUrl: 'https://files.example/a' })
    const client = await desk.connect('d')
    expect(await errorOf(client, '10')).toBe('FAILURE')
    expect(await client.publish(TELEMETRY, '{}', 1)).toBe(0)
    client.end()
  })

  test.each(['4k', '1e3', '4096.5', '0x10', '{}', 'null', '--1', '9'.repeat(41)])(
    'the size is %j',
    async (size) => {
      const { client, chunk } = await device()
      expect(await errorOf(client, size)).toBe('UNKNOWN')
      expect(await chunk(1, 0, '10')).toHaveLength(10)
      client.end()
    },
  )

  test('the size is no text', async () => {
    const { client, chunk } = await device()
    expect(await errorOf(client, Buffer.from([0, 255, 254, 128]))).toBe('UNKNOWN')
    expect(await chunk(1, 0, '10')).toHaveLength(10)
    client.end()
  })

  test('the client takes no packet of that size, but smaller ones', async () => {
    const desk = await house()
    desk.addDevice('d')
    await desk.assign('d', { bytes: FILE })
    const client = await desk.connect('d', { version: 5, properties: { maximumPacketSize: 1000 } })
    for (const size of ['4096', '0']) expect(await errorOf(client, size)).toBe('PAYLOAD_TOO_LARGE')
    expect(await chunksOf(client)(9, 0, '900')).toEqual(part(0, 900))
    client.end()
  })

  test('the file is as a whole larger than any message can be, but not its chunks', async () => {
    const sizeBytes = 268_435_456
    let released = 0
    const desk = await house({
      verbs: {
        openArtifact: async ({ components }) => ({
          release: components.firmware?.deviceAssignment?.release as never,
          handle: {
            sha256: '',
            sizeBytes,
            read: async (start, end) => Buffer.alloc(end - start, 7),
            // biome-ignore lint/correctness/useYield: what is not sent is not read
            async *stream() {
              throw new Error('Nobody can be sent this.')
            },
            release: () => {
              released += 1
            },
          },
        }),
      },
    })
    desk.addDevice('d')
    await desk.assign('d', { bytes: FILE })
    const client = await desk.connect('d')
    expect(await errorOf(client, '')).toBe('PAYLOAD_TOO_LARGE')
    const chunk = chunksOf(client)
    expect(await chunk(1, 65_535, '4096')).toEqual(Buffer.alloc(4096, 7))
    expect(await chunk(1, 65_536, '4096')).toHaveLength(0)
    client.end()
    await client.closed
    await expect.poll(() => released).toBe(2)
  })

  test('of software, on a topic of its own for who listens there', async () => {
    const desk = await house()
    desk.addDevice('d')
    const client = await desk.connect('d')
    expect(await errorOf(client, '10', 'sw')).toBe('NOT_FOUND')
    await client.subscribe('v2/sw/error')
    expect(await errorOf(client, '10', 'sw', 'v2/sw/error')).toBe('NOT_FOUND')
    expect(await errorOf(client, '10', 'fw')).toBe('NOT_FOUND')
    client.end()
  })

  test('an operator finds it in the log of the device, with the reason, once', async () => {
    const desk = await house()
    desk.addDevice('d')
    await desk.assign('d', { externalUrl: 'https://files.example/a' })
    const client = await desk.connect('d')
    for (let each = 0; each < 20; each++) await errorOf(client, '10')
    expect(desk.events).toMatchObject([
      {
        kind: 'download.refused',
        subject: { kind: 'device', name: 'd' },
        data: { type: 'firmware' },
        reason: { code: 'release.external' },
      },
    ])
    client.end()
  })
})
