// Takes uploads over HTTP into an artifact store, in a process of its own, so that its memory can be watched.

import fastify from 'fastify'
import { fileStore } from '../../packages/server/src/artifacts/file-store.ts'
import { bodyOf } from '../../packages/server/src/transports/byte-request.ts'
import { settingsOf } from '../parts/children.ts'

export interface ServerSettings {
  readonly folder: string
}

const log = { info: () => {}, warn: console.error }
const store = await fileStore({ folder: settingsOf<ServerSettings>().folder, log })
const app = fastify({ bodyLimit: Number.MAX_SAFE_INTEGER, requestTimeout: 0 })
app.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null))
app.post('/', (request) => store.receive(bodyOf(request.raw), { algorithm: 'SHA256' }))
console.log(JSON.stringify({ url: await app.listen({ port: 0, host: '127.0.0.1' }) }))
