// Our side of the download benchmark: a file in the artifact store behind Fastify, in a process of its own.

import { createReadStream } from 'node:fs'
import fastify from 'fastify'
import { fileStore } from '../../packages/server/src/artifacts/file-store.ts'
import { replyWithSource } from '../../packages/server/src/transports/byte-reply.ts'
import { settingsOf } from '../parts/children.ts'

export interface ServerSettings {
  readonly folder: string
  readonly file: string
}

const { folder, file } = settingsOf<ServerSettings>()
const log = { info: () => {}, warn: console.error }
const store = await fileStore({ folder, log })
const { sha256 } = await store.receive(createReadStream(file), { algorithm: 'SHA256' })

const app = fastify()
app.get('/file', async (request, reply) => {
  const artifact = await store.open(sha256)
  return replyWithSource(request, reply, {
    sizeBytes: artifact.sizeBytes,
    etag: `"${sha256}"`,
    contentType: 'application/octet-stream',
    read: artifact.read,
    stream: artifact.stream,
    release: artifact.release,
  })
})
console.log(JSON.stringify({ url: `${await app.listen({ port: 0, host: '127.0.0.1' })}/file` }))
