/** ThingsBoard's own MQTT clients for devices, enrolment and gateways, from PyPI and as it is, against the running platform. */
import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../../tools/services.mjs'
import { random } from '../firmware.ts'
import { addWithOwn, assignOwn } from '../own-release.ts'
import { type TestPlatform, testPlatform } from '../platform.ts'
import { python } from '../python.ts'

const client = await pythonWith('tb-mqtt-client')

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

async function run(command: string, ...args: readonly string[]) {
  const cwd = join(platform.dataFolder, randomBytes(4).toString('hex'))
  await mkdir(cwd)
  const { host, port } = platform.mqtt
  const all = [command, host, String(port), ...args]
  return { cwd, ...python(client ?? '', { name: 'thingsboard_mqtt', args: all, cwd }) }
}

describe.skipIf(!client)("ThingsBoard's own client", () => {
  test.concurrent.each([
    ['in chunks', 4096, 10_000],
    ['as a whole', 0, 10_000],
    ['as a whole of more than a piece', 0, 3_000_000],
    ['in one chunk larger than the file', 20_000, 10_000],
    ['in chunks that go into the file without a rest', 4096, 8192],
  ])('fetches firmware %s and ends UPDATED', async (how, chunkSize, sizeBytes) => {
    const name = `device ${how}`
    const bytes = random(sizeBytes)
    const token = await addWithOwn(platform, name, { bytes })
    const device = await run('update', token, String(chunkSize), `for ${name}`, '1.10')
    await device.ended
    const written = await readFile(join(device.cwd, `for ${name}`))
    expect(Buffer.compare(written, bytes)).toBe(0)
    expect(await platform.device(name)).toMatchObject({
      dialect: 'thingsboard',
      installed: { firmware: { title: `for ${name}`, version: '1.10' } },
      operation: { state: 'UPDATED', progress: 100, error: null },
    })
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test.concurrent('is told while it only listens, and updates', async () => {
    const name = 'a listener'
    const bytes = random(10_000)
    const token = await platform.addDevice(name, 'pump')
    const device = await run('listen', token, '4096', `for ${name}`, '1.10')
    expect(await device.next()).toBe('connected')
    await assignOwn(platform, name, { bytes })
    await device.ended
    expect(Buffer.compare(await readFile(join(device.cwd, `for ${name}`)), bytes)).toBe(0)
    expect((await platform.history(name)).map((states) => states.at(-1))).toEqual(['UPDATED'])
  })

  test.concurrent('that was away when it was assigned is told when it listens again', async () => {
    const name = 'a sleeper'
    const token = await addWithOwn(platform, name, { bytes: random(10_000) })
    await platform.until(name, ({ operation }) => operation?.state === 'QUEUED')
    const device = await run('listen', token, '0', `for ${name}`, '1.10')
    await device.ended
    expect((await platform.history(name)).map((states) => states.at(-1))).toEqual(['UPDATED'])
  })

  test.concurrent('enrols a device', async () => {
    await platform.addProfile('enrolled')
    const { items } = await platform.api('listProfiles', { query: { name: 'enrolled' } })
    const id = items[0]?.id ?? ''
    const { key, secret } = await platform.api('enableProvisioning', { params: { id } })
    const first = await run('provision', 'newcomer', key, secret)
    const answer = await first.next()
    expect(answer).toMatchObject({ status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN' })
    expect(await platform.device('newcomer')).toMatchObject({ profile: 'enrolled' })
    const second = await run('provision', 'another', key, 'no secret')
    expect(await second.next()).toBeNull()
  })
})
