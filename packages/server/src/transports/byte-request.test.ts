import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { bodyOf } from './byte-request.ts'

let server: Server | undefined

afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A server that does `take` with each request and answers with what comes of it. */
async function serve(take: (request: IncomingMessage) => Promise<string>): Promise<number> {
  server = createServer(async (request, response) => {
    response.end(await take(request).catch((error) => `failed: ${error.code}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

async function post(port: number, body: Buffer): Promise<string> {
  const client = request({ port, host: '127.0.0.1', method: 'POST' }).on('error', () => {})
  client.end(body)
  const [response] = await once(client, 'response')
  return Buffer.concat(await response.toArray()).toString()
}

test('The body comes whole, and the memory of each piece is freed when the next one is pulled', async () => {
  const body = randomBytes(5_000_000)
  let freed = 0
  let pieces = 0
  const port = await serve(async (request) => {
    const hash = createHash('sha256')
    let last: Uint8Array | undefined
    for await (const piece of bodyOf(request)) {
      if (last?.byteLength === 0) freed += 1
      hash.update(piece)
      last = piece
      pieces += 1
    }
    return hash.digest('hex')
  })
  expect(await post(port, body)).toBe(createHash('sha256').update(body).digest('hex'))
  expect(freed).toBe(pieces - 1)
})

test('Who stops before the end can still answer', async () => {
  const port = await serve(async (request) => {
    for await (const _piece of bodyOf(request)) return 'that is enough'
    return 'nothing came'
  })
  expect(await post(port, randomBytes(5_000_000))).toBe('that is enough')
})

test('A body that breaks off throws', async () => {
  const outcome = Promise.withResolvers<string>()
  const began = Promise.withResolvers<void>()
  const port = await serve(async (request) => {
    try {
      for await (const _piece of bodyOf(request)) began.resolve()
      outcome.resolve('it ended')
    } catch (error) {
      outcome.resolve((error as NodeJS.ErrnoException).code ?? 'no code')
    }
    return ''
  })
  const headers = { 'Content-Length': 1_000_000 }
  const client = request({ port, host: '127.0.0.1', method: 'POST', headers }).on('error', () => {})
  client.write(Buffer.alloc(1000))
  await began.promise
  client.destroy()
  expect(await outcome.promise).toBe('ECONNRESET')
})
