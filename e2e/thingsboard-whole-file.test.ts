import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServerProcess, serverProcess } from './server-process.ts'
import { type WholeFile, wholeFile } from './whole-file.ts'

const SIZE_BYTES = 128 * 1024 * 1024

let server: ServerProcess
let fileSha256: string

beforeAll(async () => {
  server = await serverProcess({ UPDRAFT_MQTT_PORT: '0' })
  const bytes = new Uint8Array(randomBytes(SIZE_BYTES))
  const { api } = server
  await api('createProfile', { body: { name: 'pump' } })
  const { sha256 } = await api('uploadArtifact', { body: bytes })
  const { id: releaseId } = await api('createRelease', {
    body: { title: 'large', version: '1.0.0', profile: 'pump', type: 'firmware', sha256 },
  })
  const { id } = (await api('listProfiles', { query: { name: 'pump' } })).items[0] ?? { id: '' }
  await api('assignToProfile', { params: { id, type: 'firmware' }, body: { releaseId } })
  fileSha256 = createHash('sha256').update(bytes).digest('hex')
})
afterAll(() => server.remove())

/** A new device that asks for the file. */
async function asking(name: string): Promise<WholeFile> {
  const { token } = await server.api('createDevice', { body: { name, profile: 'pump' } })
  return wholeFile(await server.mqtt(), token ?? '', SIZE_BYTES)
}

test('a file of 128 MiB in one message goes out whole, and costs no memory, also while four readers let it lie', async () => {
  // What the server needs for the first of all is no measure.
  const first = await asking('first')
  first.read()
  expect(await first.sha256).toBe(fileSha256)
  const lazy = await Promise.all(['a', 'b', 'c', 'd'].map((name) => asking(name)))
  const before = await server.memory()
  const quick = await asking('quick')
  quick.read()
  expect(await quick.sha256).toBe(fileSha256)
  const during = await server.memory()
  // Who held the file would hold that much more, and five times as much further down.
  expect(during.highestBytes - before.nowBytes).toBeLessThan(SIZE_BYTES)
  for (const each of lazy) expect(each.receivedBytes).toBe(0)
  for (const each of lazy) each.read()
  for (const each of lazy) expect(await each.sha256).toBe(fileSha256)
  const after = await server.memory()
  expect(after.highestBytes - before.nowBytes).toBeLessThan(SIZE_BYTES)
})
