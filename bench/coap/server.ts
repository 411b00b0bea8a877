// Our side of the CoAP benchmark: ThingsBoard's dialect and the artifact store, with a desk that knows one file.

import { createReadStream } from 'node:fs'
import type { Release } from '@updraft/core'
import type { DeviceDesk } from '../../packages/server/src/app/device-desk.ts'
import type { LiveSessions } from '../../packages/server/src/app/live-sessions.ts'
import { fileStore } from '../../packages/server/src/artifacts/file-store.ts'
import { thingsboardCoap } from '../../packages/server/src/dialects/thingsboard/coap.ts'
import { coapListener } from '../../packages/server/src/transports/coap.ts'
import { settingsOf } from '../parts/children.ts'

export interface ServerSettings {
  readonly folder: string
  /** Each is served at `fw/` and its place in the list. */
  readonly files: readonly string[]
}

const { folder, files } = settingsOf<ServerSettings>()
const log = { info: () => {}, warn: console.error, error: console.error }
const store = await fileStore({ folder, log })
const stored = await Promise.all(
  files.map((file) => store.receive(createReadStream(file), { algorithm: 'SHA256' })),
)

const desk = {
  identify: async (token: string) => ({ device: { id: token } }),
  openArtifact: async ({ device }: { device: { id: string } }) => ({
    release: {} as Release,
    handle: await store.open(stored[Number(device.id)]?.sha256 ?? ''),
  }),
} as unknown as DeviceDesk

const { coap } = thingsboardCoap({
  desk,
  liveSessions: {} as LiveSessions,
  pacer: { inTurn: async () => {} },
  log,
})
const listener = coapListener({ scopes: coap ? [coap] : [], log })
const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
console.log(JSON.stringify({ port }))
