/** TLS on a port that also takes plain connections, by clients that know the installation's authority. */
import { connect as connectPlain } from 'node:net'
import { type ConnectionOptions, connect } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { deviceAuthority, newDeviceAuthority } from '../credentials/device-ca.ts'
import { type MqttHello, mqttListener } from '../transports/mqtt.ts'
import { gone, welcomed } from '../transports/mqtt-client.test-helper.ts'
import type { TlsSource } from '../transports/tls-or-plain.ts'

const kept = newDeviceAuthority(new Date())
const authority = deviceAuthority({ kept: () => kept, now: () => new Date() })

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const certificate = async () => ({
  ...(await authority.issueForServer(['localhost', '127.0.0.1'], 1)),
  clientCa: undefined,
})

/** Lets everybody in, and notes who they are. */
async function listening({
  tls,
  isTlsOnly = false,
  connectSeconds = 10,
}: {
  tls?: TlsSource
  isTlsOnly?: boolean
  connectSeconds?: number
} = {}) {
  const once = certificate()
  const hellos: MqttHello[] = []
  const complaints: string[] = []
  const note = (_details: object, message: string) => void complaints.push(message)
  const listener = mqttListener({
    log: { debug: note, info: () => {}, warn: note, error: note },
    newClientId: () => 'new',
    limits: { connectSeconds },
    tls: tls ?? (() => once),
    gates: [
      async (hello) => {
        hellos.push(hello)
        return {
          kind: 'accepted',
          visitor: {
            published: async () => ({}),
            subscribed: async (filters) => filters.map(({ qos }) => qos),
            unsubscribed: async (filters) => filters.map(() => true),
            closed: () => {},
          },
        }
      },
    ],
  })
  stops.push(() => listener.close())
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0, isTlsOnly })
  /** Rejects what the authority has not signed. */
  const secure = async (options: ConnectionOptions = {}) => {
    const ca = await authority.authority()
    const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca, ...options })
    await new Promise((resolve, reject) => {
      socket.once('secureConnect', resolve)
      socket.once('error', reject)
    })
    return socket
  }
  return { port, listener, hellos, complaints, secure }
}

test('of many that come at once all are let in, though some leave before it is their turn', async () => {
  const { port, secure, hellos } = await listening()
  const leaving = Array.from({ length: 20 }, () => connect({ port, host: '127.0.0.1' }))
  for (const socket of leaving) {
    socket.on('error', () => {})
    socket.once('connect', () => socket.destroy())
  }
  const sockets = await Promise.all(Array.from({ length: 60 }, () => secure()))
  await Promise.all(sockets.map((socket) => welcomed({ port, socket })))
  expect(hellos).toHaveLength(60)
})

test('one port takes both, and each is heard', async () => {
  const { port, secure, hellos, listener } = await listening()
  const plain = await welcomed({ port })
  const within = await welcomed({ port, socket: await secure() })
  const byAddress = await welcomed({ port, socket: await secure({ servername: '' }) })
  for (const client of [plain, within, byAddress]) {
    expect(await client.publish('a', 'x'.repeat(50_000), 1)).toBe(0)
  }
  expect(hellos.map((hello) => hello.certificate)).toEqual([null, null, null])
  expect(hellos.map(({ address }) => address)).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1'])
  const reachedAt = hellos.map(({ localAddress }) => localAddress)
  expect(reachedAt).toEqual(['127.0.0.1', '127.0.0.1', '127.0.0.1'])
  expect(listener.connectionCount).toBe(3)
})

test('a certificate that the client shows is brought before the gate, whoever signed it', async () => {
  const { port, secure, hellos } = await listening()
  const { certificate: cert, key } = await authority.issue('realm/device')
  const client = await welcomed({ port, socket: await secure({ cert, key }) })
  const pem = hellos[0]?.certificate?.der.toString('base64')
  expect(pem).toBe(cert.replaceAll(/-----[^-]*-----|\s/g, ''))
  client.end()
})

test('a port for TLS only turns others away', async () => {
  const { port, secure } = await listening({ isTlsOnly: true })
  await expect(welcomed({ port })).rejects.toThrow('The connection ended')
  const client = await welcomed({ port, socket: await secure() })
  expect(await client.publish('a', '', 1)).toBe(0)
})

test('another certificate is shown to those who come next; who is there stays', async () => {
  let current = await certificate()
  const { port, secure } = await listening({ tls: async () => current })
  const first = await secure()
  const client = await welcomed({ port, socket: first })
  current = await certificate()
  const second = await secure()
  const numbers = [first, second].map((socket) => socket.getPeerCertificate().serialNumber)
  expect(new Set(numbers).size).toBe(2)
  expect(await client.publish('a', '', 1)).toBe(0)
  second.destroy()
})

test('where there is no certificate at the moment there is no TLS, and plain as ever', async () => {
  const { port, secure, complaints } = await listening({
    tls: () => Promise.reject(new Error('The store is away.')),
  })
  await expect(secure()).rejects.toThrow()
  expect(complaints).toEqual(['there is no certificate for TLS'])
  const client = await welcomed({ port })
  expect(await client.publish('a', '', 1)).toBe(0)
})

test.each([
  ['noise', Buffer.of(0x16, ...Array.from({ length: 200 }, (_, at) => (at * 7) % 256))],
  ['an alert', Buffer.from('15030300020100', 'hex')],
])('%s instead of a handshake ends its own connection', async (_what, bytes) => {
  const { port, secure } = await listening()
  const other = await welcomed({ port, socket: await secure() })
  const socket = connectPlain({ port, host: '127.0.0.1' })
  socket.resume()
  socket.write(bytes)
  await gone(socket)
  expect(await other.publish('a', '', 1)).toBe(0)
})

test('who stays mute, or within a handshake, is let go', async () => {
  const { port, secure, listener } = await listening({ connectSeconds: 2 })
  const other = await welcomed({ port, socket: await secure(), keepalive: 60 })
  const mute = connectPlain({ port, host: '127.0.0.1' })
  const half = connectPlain({ port, host: '127.0.0.1' })
  half.write(Buffer.of(0x16, 0x03, 0x01))
  const secured = await secure()
  for (const socket of [mute, half, secured]) socket.resume()
  await Promise.all([mute, half, secured].map((socket) => gone(socket)))
  expect(await other.publish('a', '', 1)).toBe(0)
  expect(listener.connectionCount).toBe(1)
})

test('nobody in the midst of it holds up the end', async () => {
  const { port, listener } = await listening()
  const sockets = [Buffer.of(), Buffer.of(0x16, 0x03)].map((bytes) => {
    const socket = connectPlain({ port, host: '127.0.0.1' })
    socket.resume()
    socket.write(bytes)
    return socket
  })
  const ends = sockets.map((socket) => gone(socket))
  const client = await welcomed({ port })
  await listener.close()
  await Promise.all([...ends, client.closed])
})

test('TLS older than 1.2 is not spoken', async () => {
  const { secure } = await listening()
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  await expect(secure(old)).rejects.toThrow()
  const socket = await secure({ maxVersion: 'TLSv1.2' })
  expect(socket.getProtocol()).toBe('TLSv1.2')
  socket.destroy()
})
