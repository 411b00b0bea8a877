import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import fastify, { type FastifyInstance } from 'fastify'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type ByteReplyOptions,
  type ByteSource,
  replyBytes,
  replyWithSource,
} from './byte-reply.ts'

const ETAG = '"abc"'
const bytes = randomBytes(300_000)

/**
 * Bytes in memory which count what is asked of them; `pieceBytes` at a time when streamed. What is borrowed becomes
 * rubbish as soon as it may.
 */
function sourceOf(content: Buffer, changes: Partial<ByteSource> = {}, pieceBytes = 50_000) {
  const source = {
    sizeBytes: content.length,
    etag: ETAG,
    contentType: 'application/octet-stream',
    async read(start: number, end: number, into: Buffer = Buffer.alloc(end - start)) {
      return into.subarray(0, content.copy(into, 0, start, end))
    },
    async *stream(start: number, end: number, isBorrowed = false) {
      const memory = Buffer.alloc(pieceBytes)
      try {
        for (let at = start; at < end; at += pieceBytes) {
          source.pieces += 1
          const piece = content.subarray(at, Math.min(at + pieceBytes, end))
          yield isBorrowed ? memory.subarray(0, piece.copy(memory)) : piece
          memory.fill(0)
        }
      } finally {
        memory.fill(0)
        source.streamsEnded += 1
      }
    },
    release: vi.fn(),
    pieces: 0,
    streamsEnded: 0,
    ...changes,
  }
  return source
}

type Source = ReturnType<typeof sourceOf>
let app: FastifyInstance | undefined

afterEach(async () => {
  await app?.close()
  app = undefined
})

function serve(source: ByteSource, options?: ByteReplyOptions): FastifyInstance {
  app = fastify({ forceCloseConnections: true })
  app.get('/', (request, reply) => replyWithSource(request, reply, source, options))
  return app
}

const get = (source: ByteSource, headers: Record<string, string> = {}, method = 'GET') =>
  serve(source).inject({ method: method as 'GET', url: '/', headers })

describe('the whole', () => {
  test.each([0, 10, 65_536, 65_537, 300_000])('of %i bytes is sent as it is', async (size) => {
    const source = sourceOf(bytes.subarray(0, size))
    const answer = await get(source)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-length': String(size),
      'content-type': 'application/octet-stream',
      'accept-ranges': 'bytes',
      etag: ETAG,
    })
    expect(answer.rawPayload.equals(bytes.subarray(0, size))).toBe(true)
    await vi.waitFor(() => expect(source.release).toHaveBeenCalledTimes(1))
  })

  test.each([
    ['a range that ends before it starts', { range: 'bytes=5-4' }],
    ['several ranges', { range: 'bytes=0-1,4-5' }],
    ['a range in another unit', { range: 'lines=1-2' }],
    ['a range that names nothing', { range: 'bytes=-' }],
    ['a range that is no range', { range: 'bytes=a-b' }],
    ['a range if it is still another file', { range: 'bytes=0-1', 'if-range': '"old"' }],
    ['a range if a weak tag fits', { range: 'bytes=0-1', 'if-range': `W/${ETAG}` }],
    [
      'a range if nothing has changed since a date',
      { range: 'bytes=0-1', 'if-range': 'Sat, 21 Nov 2026 00:00:00 GMT' },
    ],
    ['the file unless it is another one', { 'if-none-match': '"old", W/"older"' }],
  ])('answers who asks for %s', async (_what, headers) => {
    const answer = await get(sourceOf(bytes), headers)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).not.toHaveProperty('content-range')
    expect(answer.rawPayload.equals(bytes)).toBe(true)
  })

  test('is only announced to HEAD, whose Range means nothing', async () => {
    const source = sourceOf(bytes)
    const answer = await get(source, { range: 'bytes=0-1' }, 'HEAD')
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({ 'content-length': '300000', etag: ETAG })
    expect(answer.rawPayload.length).toBe(0)
    expect(source.pieces).toBe(0)
    expect(source.release).toHaveBeenCalledTimes(1)
  })
})

describe('a range', () => {
  test.each([
    ['bytes=0-0', 0, 1],
    ['bytes=10-19', 10, 20],
    ['Bytes=10-19', 10, 20],
    ['bytes=299990-', 299_990, 300_000],
    ['bytes=299990-999999', 299_990, 300_000],
    ['bytes=100-200099', 100, 200_100],
    ['bytes=-5', 299_995, 300_000],
    ['bytes=-999999', 0, 300_000],
    ['bytes=0-99999999999999999999999', 0, 300_000],
  ])('%s is bytes %i to %i', async (range, start, end) => {
    const source = sourceOf(bytes)
    const answer = await get(source, { range })
    expect(answer.statusCode).toBe(206)
    expect(answer.headers).toMatchObject({
      'content-range': `bytes ${start}-${end - 1}/300000`,
      'content-length': String(end - start),
    })
    expect(answer.rawPayload.equals(bytes.subarray(start, end))).toBe(true)
    await vi.waitFor(() => expect(source.release).toHaveBeenCalledTimes(1))
  })

  test('is sent if the file is still the same', async () => {
    const answer = await get(sourceOf(bytes), { range: 'bytes=0-1', 'if-range': ETAG })
    expect(answer.statusCode).toBe(206)
  })

  test.each(['bytes=300000-', 'bytes=300000-300001', 'bytes=-0'])('%s cannot be', async (range) => {
    const source = sourceOf(bytes)
    const answer = await get(source, { range })
    expect(answer.statusCode).toBe(416)
    expect(answer.headers).toMatchObject({
      'content-range': 'bytes */300000',
      'content-length': '0',
    })
    expect(source.release).toHaveBeenCalledTimes(1)
  })

  test('that cannot be is answered with the body of whoever was asked', async () => {
    const body = '{"title":"Außerhalb"}'
    const app = serve(sourceOf(bytes), {
      unsatisfiable: { contentType: 'application/problem+json', body },
    })
    const answer = await app.inject({ url: '/', headers: { range: 'bytes=300000-' } })
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.payload).toBe(body)
  })
})

test.each([ETAG, `W/${ETAG}`, `"other", ${ETAG}`, '*'])(
  'What the client has already (%s) is not sent again',
  async (tag) => {
    const source = sourceOf(bytes)
    const answer = await get(source, { 'if-none-match': tag, range: 'bytes=0-1' })
    expect(answer.statusCode).toBe(304)
    expect(answer.headers.etag).toBe(ETAG)
    expect(answer.rawPayload.length).toBe(0)
    expect(source.release).toHaveBeenCalledTimes(1)
  },
)

test.each([
  ['v1.2.bin', 'attachment; filename="v1.2.bin"'],
  [
    'Gerät "A" 50%.bin',
    `attachment; filename="Ger_t _A_ 50_.bin"; filename*=UTF-8''Ger%C3%A4t%20%22A%22%2050%25.bin`,
  ],
  ["it's (1)*é", `attachment; filename="it's (1)*_"; filename*=UTF-8''it%27s%20%281%29%2A%C3%A9`],
  ['../../etc\\x\r\nSet-Cookie: a', 'attachment; filename=".._.._etc_x__Set-Cookie: a"'],
  ['\ud800', `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
])('The file name %j is told safely', async (fileName, expected) => {
  const answer = await get(sourceOf(bytes, { fileName }))
  expect(answer.headers['content-disposition']).toBe(expected)
})

test('A slice is sent as the dialect cut it, whatever range the request names', async () => {
  const source = sourceOf(bytes)
  app = fastify()
  app.get('/', (request, reply) => replyBytes(request, reply, source, { start: 10, end: 200_000 }))
  const answer = await app.inject({ url: '/', headers: { range: 'bytes=0-1' } })
  expect(answer.statusCode).toBe(200)
  expect(answer.headers['content-length']).toBe('199990')
  expect(answer.headers).not.toHaveProperty('etag')
  expect(answer.rawPayload.equals(bytes.subarray(10, 200_000))).toBe(true)
  await vi.waitFor(() => expect(source.release).toHaveBeenCalledTimes(1))
})

test('Headers of hooks are sent, and hooks hear of the end', async () => {
  const ended = vi.fn()
  const server = serve(sourceOf(bytes))
  server.addHook('onRequest', async (_request, reply) => void reply.header('x-request-id', '7'))
  server.addHook('onResponse', async (_request, reply) => ended(reply.statusCode))
  const answer = await server.inject('/')
  expect(answer.headers['x-request-id']).toBe('7')
  await vi.waitFor(() => expect(ended).toHaveBeenCalledWith(200))
})

describe('a source that fails', () => {
  const broken = new Error('read EIO')

  test.each([10, 300_000])('at its first bytes (of %i) is answered as an error', async (size) => {
    const source = sourceOf(bytes.subarray(0, size), {
      read: () => Promise.reject(broken),
      // biome-ignore lint/correctness/useYield: it fails at once
      async *stream() {
        throw broken
      },
    })
    const answer = await get(source)
    expect(answer.statusCode).toBe(500)
    expect(source.release).toHaveBeenCalledTimes(1)
  })

  test.each([
    ['fails', broken],
    ['ends', undefined],
  ])('later on (it %s) is no answer: the connection is cut', async (_how, error) => {
    const source = sourceOf(bytes, {
      async *stream() {
        yield bytes.subarray(0, 50_000)
        if (error) throw error
      },
    })
    const socket = await connectTo(serve(source))
    let received = 0
    socket.on('data', (data) => {
      received += data.length
    })
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'close')
    expect(received).toBeLessThan(300_000)
    expect(source.release).toHaveBeenCalledTimes(1)
  })
})

describe('over a connection', () => {
  const large = randomBytes(30_000_000)

  test('one answer follows the other, large ones and small ones', async () => {
    const socket = await connectTo(serve(sourceOf(large)))
    const asked = [undefined, 'bytes=1-16384', undefined, 'bytes=5-', 'bytes=0-9']
    for (const range of asked) {
      socket.write(`GET / HTTP/1.1\r\nHost: a\r\n${range ? `Range: ${range}\r\n` : ''}\r\n`)
    }
    const bodies = [
      large,
      large.subarray(1, 16_385),
      large,
      large.subarray(5),
      large.subarray(0, 10),
    ]
    let rest = Buffer.alloc(0)
    const data = socket[Symbol.asyncIterator]()
    for (const body of bodies) {
      const parts = [rest]
      let have = rest.length
      let headLength = -1
      while (headLength < 0 || have < headLength + body.length) {
        if (headLength < 0) headLength = Buffer.concat(parts).indexOf('\r\n\r\n') + 4
        if (headLength < 4) headLength = -1
        if (headLength > 0 && have >= headLength + body.length) break
        const { value } = await data.next()
        parts.push(value)
        have += value.length
      }
      const all = Buffer.concat(parts)
      expect(all.subarray(headLength, headLength + body.length).equals(body)).toBe(true)
      rest = all.subarray(headLength + body.length)
    }
    socket.destroy()
  })

  test('a client that takes nothing is given no more than the socket holds', async () => {
    const source = sourceOf(large)
    const socket = await connectTo(serve(source))
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await untilStill(source)
    expect(source.pieces * 50_000).toBeLessThan(large.length)
    expect(source.release).not.toHaveBeenCalled()
    socket.destroy()
    await vi.waitFor(() => expect(source.release).toHaveBeenCalledTimes(1))
    expect(source.streamsEnded).toBe(1)
  })

  test('a client that takes nothing for too long is cut off', async () => {
    const source = sourceOf(large)
    const socket = await connectTo(serve(source, { stallSeconds: 0.05 }))
    socket.pause()
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await vi.waitFor(() => expect(source.release).toHaveBeenCalledTimes(1), 5000)
    expect(source.streamsEnded).toBe(1)
    socket.destroy()
  })

  async function untilStill(source: Source): Promise<void> {
    let seen = -1
    await vi.waitFor(
      () => {
        const before = seen
        seen = source.pieces
        expect(seen).toBeGreaterThan(0)
        expect(seen).toBe(before)
      },
      { interval: 100, timeout: 10_000 },
    )
  }
})

async function connectTo(server: FastifyInstance): Promise<Socket> {
  const { hostname, port } = new URL(await server.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(port), hostname)
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}
