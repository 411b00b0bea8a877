import { once } from 'node:events'
import { connect } from 'node:net'
import fastify from 'fastify'
import { afterEach, expect, test } from 'vitest'
import { httpListener, readJsonBodies, streamBodies, withoutToken } from './http.ts'

let app = fastify()
afterEach(async () => {
  await app.close()
  app = fastify()
})

test('a body that does not come to its end in time is given up; one that does is not', async () => {
  readJsonBodies(app, {
    maxBytes: 1000,
    malformed: (message) => new Error(message),
    withinSeconds: 0.1,
  })
  app.post('/', async ({ body }) => {
    await new Promise((resolve) => setTimeout(resolve, 150))
    return { body }
  })
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  const post = (length: number, body: string) =>
    socket.write(
      `POST / HTTP/1.1\r\nhost: a\r\ncontent-type: ?\r\ncontent-length: ${length}\r\n\r\n${body}`,
    )
  post(2, '{}')
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toContain('{"body":{}}')
  post(1000, '{')
  await once(socket, 'close')
})

test('a body taken in as it comes may take long, but is given up when nothing more comes', async () => {
  readJsonBodies(app, {
    maxBytes: 1000,
    malformed: (message) => new Error(message),
    withinSeconds: 0.1,
  })
  await app.register(async (scope) => {
    streamBodies(scope, 1)
    scope.put('/', async ({ raw }) => {
      let length = 0
      for await (const piece of raw) length += piece.length
      return { length }
    })
  })
  const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\n')
  for (const piece of 'slowly') {
    socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  const [answer] = await once(socket, 'data')
  expect(String(answer)).toContain('{"length":6}')
  socket.write('PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nslow')
  await once(socket, 'close')
})

test.each([
  ['/api/v1/s3cret/telemetry', '/api/v1/…/telemetry'],
  ['/api/v1/s%2Fcret/attributes?sharedKeys=a', '/api/v1/…/attributes?sharedKeys=a'],
  ['/api/v1/provisioned-s3cret/telemetry', '/api/v1/…/telemetry'],
  ['/api/v1/provision', '/api/v1/provision'],
  ['/device/v1/artifacts/s3cret/a.bin', '/device/v1/artifacts/…/a.bin'],
  ['/device/v1/check-in', '/device/v1/check-in'],
])('%s is logged as %s', (url, logged) => {
  expect(withoutToken(url)).toBe(logged)
})

test('a stop waits for nobody who has asked nothing yet', async () => {
  const listener = await httpListener({
    log: app.log,
    scopes: [],
    trustedProxies: 0,
    newRequestId: () => 'one',
    onAnswered: () => {},
  })
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  const [silent, begun] = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')]
  begun.write('GET / HTTP/1.1\r\nhost:')
  await Promise.all([once(silent, 'connect'), once(begun, 'connect')])
  await fetch(`http://127.0.0.1:${port}/`)
  const gone = Promise.all([once(silent, 'close'), once(begun, 'close')])
  silent.resume()
  begun.resume()
  await listener.close()
  await gone
})
