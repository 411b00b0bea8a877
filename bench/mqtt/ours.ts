// Our session endpoint: answers a request with a chunk, tells all sessions something when asked to.

import { type MqttSession, mqttListener } from '../../packages/server/src/transports/mqtt.ts'
import { CHUNK, CHUNK_TOPIC, PUSH, PUSH_TOPIC } from './words.ts'

const sessions = new Set<MqttSession>()
const quiet = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error }
let ids = 0
const listener = mqttListener({
  log: quiet,
  newClientId: () => `client-${++ids}`,
  gates: [
    async (_hello, session) => {
      sessions.add(session)
      return {
        kind: 'accepted',
        visitor: {
          published: async ({ topic }) => ({
            afterwards: async () => {
              if (topic === 'chunk') await session.publish(CHUNK_TOPIC, CHUNK, 0)
              else for (const each of sessions) void each.publish(PUSH_TOPIC, PUSH, 0)
            },
          }),
          subscribed: async (filters) => filters.map(() => 0),
          unsubscribed: async (filters) => filters.map(() => true),
          closed: () => sessions.delete(session),
        },
      }
    },
  ],
})
const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
console.log(JSON.stringify({ port }))
