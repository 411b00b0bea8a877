/** HTTP on a port that takes plain connections and TLS, by clients that know the installation's authority. */
import { once } from 'node:events'
import { request as ask, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as askWithin, Agent as TlsAgent } from 'node:https'
import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { deviceAuthority, newDeviceAuthority } from '../credentials/device-ca.ts'
import { shownCertificates } from '../transports/client-certificate.ts'
import {
  type HttpListener,
  type HttpOptions,
  httpListener,
  streamBodies,
} from '../transports/http.ts'
import { websockets } from '../transports/websocket.ts'

const kept = newDeviceAuthority(new Date())
const authority = deviceAuthority({ kept: () => kept, now: () => new Date() })
const ca = await authority.authority()
/** Of the devices' maker, whom the server does not know. */
const makersKeys = newDeviceAuthority(new Date())
const maker = deviceAuthority({ kept: () => makersKeys, now: () => new Date() })
const device = await maker.issue('gw-1')
const chain = `${device.certificate}\n${await maker.authority()}`
const issued = await authority.issueForServer(['localhost', '127.0.0.1'], 1)

const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop()
})

const LARGE = 3_000_000

function routes(app: FastifyInstance): void {
  app.get('/who', async (request) => ({
    protocol: request.protocol,
    host: request.host,
    ip: request.ip,
    certificates: shownCertificates(request.raw.socket).length,
  }))
  app.get('/large', async (_request, reply) => reply.send(Buffer.alloc(LARGE, 'l')))
  app.register(async (scope) => {
    streamBodies(scope)
    scope.put('/body', async ({ raw }) => {
      let length = 0
      for await (const piece of raw) length += piece.length
      return { length }
    })
  })
}

interface House {
  readonly port: number
  readonly listener: HttpListener
  /** Answers body and what came with it. */
  get(path: string, options?: RequestOptions & ConnectionOptions): Promise<Answer>
  /** The same within TLS. */
  within(path: string, options?: RequestOptions & ConnectionOptions): Promise<Answer>
}

interface Answer {
  readonly status: number
  readonly text: string
  readonly socket: Socket
  readonly headers: IncomingMessage['headers']
}

async function house(options: Partial<HttpOptions> = {}): Promise<House> {
  let ids = 0
  const listener = await httpListener({
    log: pino({ level: 'silent' }),
    scopes: [{ name: 'test', register: routes }],
    trustedProxies: 0,
    newRequestId: () => String(++ids),
    onAnswered: () => {},
    tls: async () => tls,
    ...options,
  })
  let isOpen = true
  const close = async () => {
    if (isOpen) await listener.close()
    isOpen = false
  }
  stops.push(close)
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  const by =
    (asking: typeof ask, defaults: object) =>
    (path: string, { ...more }: RequestOptions & ConnectionOptions = {}): Promise<Answer> =>
      new Promise((resolve, reject) => {
        const asked = asking({ host: '127.0.0.1', port, path, agent: false, ...defaults, ...more })
        asked.once('error', reject)
        asked.once('response', async (answer) => {
          const { socket } = answer
          let text = ''
          for await (const piece of answer.setEncoding('latin1')) text += piece
          resolve({ status: answer.statusCode ?? 0, text, socket, headers: answer.headers })
        })
        asked.end()
      })
  return {
    port,
    listener: { ...listener, close },
    get: by(ask, {}),
    within: by(askWithin as typeof ask, { ca, servername: 'localhost' }),
  }
}
const tls = { ...issued, clientCa: undefined }

/** Resolves once it is over. */
const gone = (socket: Socket) =>
  new Promise<void>((resolve) => {
    socket.on('error', () => {})
    socket.once('close', () => resolve())
    socket.resume()
  })

describe('one port', () => {
  test('answers both, and knows which it was', async () => {
    const { port, get, within } = await house()
    const { json: plain } = { json: JSON.parse((await get('/who')).text) }
    const { json: secure } = { json: JSON.parse((await within('/who')).text) }
    const both = { host: `127.0.0.1:${port}`, ip: '127.0.0.1', certificates: 0 }
    expect(plain).toEqual({ ...both, protocol: 'http' })
    expect(secure).toEqual({ ...both, protocol: 'https' })
  })

  test('keeps connections open for the next request, over both', async () => {
    const { port, within } = await house()
    const agent = new TlsAgent({ keepAlive: true, maxSockets: 1, ca, servername: 'localhost' })
    const first = await within('/who', { agent })
    const second = await within('/who', { agent })
    expect(second.socket).toBe(first.socket)
    agent.destroy()
    const socket = connectPlain(port, '127.0.0.1')
    for (const _ of [1, 2]) {
      socket.write('GET /who HTTP/1.1\r\nhost: a\r\n\r\n')
      expect(String((await once(socket, 'data'))[0])).toContain('200 OK')
    }
    socket.destroy()
  })

  test('takes a request that comes byte by byte, and two that come at once', async () => {
    const { port } = await house()
    const socket = connectPlain(port, '127.0.0.1').setNoDelay(true)
    let heard = ''
    socket.on('data', (piece) => {
      heard += piece
    })
    for (const byte of 'GET /who HTTP/1.1\r\nhost: a\r\n\r\n') {
      await new Promise((resolve) => socket.write(byte, resolve))
    }
    await expect.poll(() => heard).toContain('200 OK')
    socket.write('GET /who HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(2))
    await expect.poll(() => heard.split('200 OK').length).toBe(4)
    socket.destroy()
  })

  test.each(['plain', 'within'] as const)(
    '%s: large bodies, 100-continue, large answers',
    async (way) => {
      const { port, get, within } = await house()
      expect((await (way === 'plain' ? get : within)('/large')).text).toHaveLength(LARGE)
      const asked = (way === 'plain' ? ask : askWithin)({
        host: '127.0.0.1',
        port,
        path: '/body',
        method: 'PUT',
        headers: { expect: '100-continue', 'content-length': LARGE },
        agent: false,
        ...(way === 'within' && { ca, servername: 'localhost' }),
      })
      asked.flushHeaders()
      await once(asked, 'continue')
      asked.end(Buffer.alloc(LARGE, 'x'))
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      expect(JSON.parse(String((await answer.setEncoding('utf8').toArray()).join('')))).toEqual({
        length: LARGE,
      })
    },
  )

  test('carries lines over WebSocket within TLS', async () => {
    const heard: string[] = []
    const scope = {
      path: '/line',
      open: (line: { send(text: string): void; onText(hear: (text: string) => void): void }) =>
        line.onText((text) => {
          heard.push(text)
          line.send(`${text}!`)
        }),
    }
    const { port } = await house({ websockets: websockets([scope]) })
    const line = new WebSocket(`wss://127.0.0.1:${port}/line`, [], { ca })
    await once(line, 'open')
    line.send('here')
    expect(String((await once(line, 'message'))[0])).toBe('here!')
    line.terminate()
  })

  test('listens at all addresses of localhost, and takes TLS at each', async () => {
    const { listener } = await house()
    await listener.close()
    const other = await httpListener({
      log: pino({ level: 'silent' }),
      scopes: [{ name: 'test', register: routes }],
      trustedProxies: 0,
      newRequestId: () => 'id',
      onAnswered: () => {},
      tls: async () => tls,
    })
    stops.push(() => other.close())
    const { port } = await other.listen({ host: 'localhost', port: 0 })
    const socket = connect({ port, host: 'localhost', ca })
    await once(socket, 'secureConnect')
    socket.destroy()
  })

  test('by ALPN is HTTP/1.1 also to those who would rather have HTTP/2', async () => {
    const { port } = await house()
    const options = { port, host: '127.0.0.1', servername: 'localhost', ca }
    const socket = connect({ ...options, ALPNProtocols: ['h2', 'http/1.1'] })
    await once(socket, 'secureConnect')
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
  })
})

describe('what cannot be read', () => {
  test.each([
    ['noise', Buffer.of(0x16, ...Array.from({ length: 200 }, (_, at) => (at * 7) % 256))],
    ['an alert', Buffer.from('15030300020100', 'hex')],
    ['half a request that ends', Buffer.from('GET / HT')],
  ])('%s ends its own connection', async (_what, bytes) => {
    const { port, within } = await house()
    const socket = connectPlain(port, '127.0.0.1')
    const over = gone(socket)
    socket.end(bytes)
    await over
    expect((await within('/who')).status).toBe(200)
  })

  test('within TLS is answered 400, as it is plain', async () => {
    const { port } = await house()
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
    await once(socket, 'secureConnect')
    socket.write('\0\0\r\n\r\n')
    expect(String((await once(socket, 'data'))[0])).toContain('400 Bad Request')
  })

  test('who says nothing and goes leaves nothing behind', async () => {
    const { port, listener } = await house()
    const sockets = Array.from({ length: 20 }, () => connectPlain(port, '127.0.0.1'))
    const over = sockets.map(gone)
    for (const socket of sockets) socket.end()
    await Promise.all(over)
    const count = () =>
      new Promise((resolve) => listener.app.server.getConnections((_error, all) => resolve(all)))
    await expect.poll(count).toBe(0)
  })
})

describe('the end', () => {
  test('waits for nobody who has asked nothing, in whatever state', async () => {
    const { port, listener, get } = await house()
    await get('/who')
    const mute = connectPlain(port, '127.0.0.1')
    const half = connectPlain(port, '127.0.0.1')
    half.write(Buffer.of(0x16, 0x03))
    const quiet = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
    await once(quiet, 'secureConnect')
    const over = [mute, half, quiet].map(gone)
    await listener.close()
    await Promise.all(over)
  })

  test('waits for an answer that is on its way within TLS', async () => {
    let arrived = () => {}
    const asked = new Promise<void>((resolve) => {
      arrived = resolve
    })
    let go = () => {}
    const released = new Promise<void>((resolve) => {
      go = resolve
    })
    const { within, listener } = await house({
      scopes: [
        {
          name: 'slow',
          register: (app) => {
            app.get('/slow', async () => {
              arrived()
              await released
              return 'done'
            })
          },
        },
      ],
    })
    const answer = within('/slow')
    await asked
    const closed = listener.close()
    go()
    expect((await answer).text).toBe('done')
    await closed
  })
})

describe('where plain HTTP is off', () => {
  test('programs are refused, browsers are sent on, and within TLS all is as ever', async () => {
    const { port, get, within } = await house({ isTlsOnly: true })
    expect(await get('/who')).toMatchObject({ status: 403 })
    const page = await get('/devices?a=b', { headers: { accept: 'text/html,*/*' } })
    expect(page.headers.location).toBe(`https://127.0.0.1:${port}/devices?a=b`)
    expect((await get('/who', { headers: { 'x-forwarded-proto': 'https' } })).status).toBe(403)
    expect((await within('/who')).status).toBe(200)
  })

  test('nor is a line over WebSocket opened', async () => {
    const lines = websockets([{ path: '/line', open: () => {} }])
    const { port } = await house({ isTlsOnly: true, websockets: lines })
    const line = new WebSocket(`ws://127.0.0.1:${port}/line`)
    const [error] = await once(line, 'error')
    expect(String(error)).toContain('403')
  })

  test('what a proxy had within TLS is answered', async () => {
    const { get } = await house({ isTlsOnly: true, trustedProxies: 1 })
    expect((await get('/who', { headers: { 'x-forwarded-proto': 'https' } })).status).toBe(200)
    expect((await get('/who')).status).toBe(403)
  })
})

describe('a certificate of the client', () => {
  test('is asked for and need not be shown; who signed it is for others to judge', async () => {
    const { within } = await house()
    const { certificate: cert, key } = device
    const shown = async (options: ConnectionOptions) =>
      JSON.parse((await within('/who', options)).text).certificates
    expect(await shown({})).toBe(0)
    expect(await shown({ cert, key })).toBe(1)
    expect(await shown({ cert: chain, key })).toBe(2)
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    '%s: a session that is taken up again still has its own',
    async (version) => {
      const { port } = await house()
      const options = {
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca,
        cert: chain,
        key: device.key,
      }
      const versions = { minVersion: version, maxVersion: version }
      const told = async (session?: Buffer) => {
        const socket = connect({ ...options, ...versions, session })
        const next = once(socket, 'session')
        await once(socket, 'secureConnect')
        const isReused = socket.isSessionReused()
        socket.write('GET /who HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n')
        let text = ''
        for await (const piece of socket) text += piece
        const { certificates } = JSON.parse(text.slice(text.indexOf('{')))
        return { certificates, isReused, session: isReused ? undefined : (await next)[0] }
      }
      const { session, ...first } = await told()
      expect(first).toEqual({ certificates: 2, isReused: false })
      expect(await told(session)).toMatchObject({ certificates: 1, isReused: true })
    },
  )
})
