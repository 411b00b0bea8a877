// The peer: aedes, a broker, doing the same by its client handles.

import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import { CHUNK, CHUNK_TOPIC, PUSH, PUSH_TOPIC } from './words.ts'

const broker = await Aedes.createBroker()
const clients = new Set<ClientLike>()
interface ClientLike {
  publish(packet: object, done: (error?: Error) => void): void
}
const message = (topic: string, payload: Buffer) =>
  ({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }) as const
const done = () => {}
broker.on('client', (client) => void clients.add(client as unknown as ClientLike))
broker.on('clientDisconnect', (client) => void clients.delete(client as unknown as ClientLike))
broker.on('publish', (packet, client) => {
  if (!client) return
  if (packet.topic === 'chunk') {
    ;(client as unknown as ClientLike).publish(message(CHUNK_TOPIC, CHUNK), done)
  } else if (packet.topic === 'push') {
    for (const each of clients) each.publish(message(PUSH_TOPIC, PUSH), done)
  }
})
const server = createServer(broker.handle)
server.listen({ host: '127.0.0.1', port: 0, backlog: 4096 }, () => {
  console.log(JSON.stringify({ port: (server.address() as { port: number }).port }))
})
