import { createHash, randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../tools/services.mjs'
import { curl } from './curl.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { python } from './python.ts'

const client = await pythonWith('tb-mqtt-client')

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

const random = (sizeBytes: number) => new Uint8Array(randomBytes(sizeBytes))

/** A device of its own, assigned a release of its own. */
async function assigned(name: string, bytes: Uint8Array<ArrayBuffer>, type = 'firmware') {
  const token = await platform.addDevice(name, 'pump')
  const release = { title: `for ${name}`, version: '1.10', profile: 'pump', type, bytes }
  const releaseId = await platform.addRelease(release)
  await platform.assign(releaseId, { device: name }, type)
  return { token, releaseId, url: `${platform.url}/api/v1/${token}` }
}

async function history(name: string) {
  const { id } = await platform.device(name)
  const { items } = await platform.api('listDeviceOperations', { params: { id } })
  return items.map(({ steps }) => steps.map(({ state }) => state))
}

async function run(...args: readonly string[]) {
  const cwd = join(platform.dataFolder, randomBytes(4).toString('hex'))
  await mkdir(cwd)
  return { cwd, ...python(client ?? '', { name: 'thingsboard_http', args, cwd }) }
}

describe.skipIf(!client)("ThingsBoard's own client", () => {
  test.concurrent.each([
    ['in chunks', 4096, 10_000],
    ['as a whole', 0, 10_000],
    ['in one chunk larger than the file', 20_000, 10_000],
    ['in chunks that go into the file without a rest', 4096, 8192],
  ])('fetches firmware %s and ends UPDATED', async (how, chunkSize, sizeBytes) => {
    const name = `device ${how}`
    const bytes = random(sizeBytes)
    const { token } = await assigned(name, bytes)
    const { cwd, ended } = await run('update', platform.url, token, String(chunkSize))
    await ended
    const written = await readFile(join(cwd, `for ${name}`))
    expect(Buffer.compare(written, bytes)).toBe(0)
    expect(await platform.device(name)).toMatchObject({
      dialect: 'thingsboard',
      installed: { firmware: { title: `for ${name}`, version: '1.10' } },
      operation: { state: 'UPDATED', progress: 100, error: null },
    })
    // Its messages share one record: what it says of a state may be the next one already, and some never come.
    const [states, ...others] = await history(name)
    expect(others).toEqual([])
    expect(states?.slice(0, 2)).toEqual(['QUEUED', 'INITIATED'])
    expect(states?.at(-1)).toBe('UPDATED')
  })

  test.concurrent('that found its download damaged fails, tries again by itself and ends UPDATED', async () => {
    const bytes = random(10_000)
    const { token } = await assigned('unlucky', bytes)
    const { cwd, ended } = await run('update-at-second-try', platform.url, token, '4096')
    await ended
    expect(Buffer.compare(await readFile(join(cwd, 'for unlucky')), bytes)).toBe(0)
    const [second, first] = await history('unlucky')
    expect(first?.at(-1)).toBe('FAILED')
    expect(second?.at(-1)).toBe('UPDATED')
  })

  test.concurrent('with nothing assigned is content', async () => {
    const token = await platform.addDevice('idle', 'pump')
    const { ended } = await run('update', platform.url, token, '4096')
    await ended
    expect(await history('idle')).toEqual([])
    expect((await platform.device('idle')).dialect).toBe('thingsboard')
  })

  test('that polls is told at once, of all keys together, change after change', async () => {
    const token = await platform.addDevice('follower', 'pump')
    const following = await run('follow', platform.url, token)
    try {
      expect(await following.next()).toBe('following')
      await platform.waiting(1)
      const bytes = random(100)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const release = { title: 'news', profile: 'pump', bytes }
      const first = await platform.addRelease({ ...release, version: '1' })
      const second = await platform.addRelease({ ...release, version: '2' })
      const keys = { fw_title: 'news', fw_size: 100, fw_checksum_algorithm: 'SHA256' }
      await platform.assign(first, { device: 'follower' })
      const told = { ...keys, fw_checksum: sha256, fw_version: '1' }
      expect(await following.next()).toEqual(told)
      // It pauses between two polls: what changes meanwhile is told by the next one.
      await platform.assign(second, { device: 'follower' })
      expect(await following.next()).toEqual({ ...told, fw_version: '2' })
    } finally {
      await following.kill()
    }
    await platform.waiting(0)
  })

  test('enrols itself by key and secret, once, and is refused with a reason otherwise', async () => {
    const { items } = await platform.api('listProfiles', { query: { name: 'pump' } })
    const id = items[0]?.id ?? ''
    const { key, secret } = await platform.api('enableProvisioning', { params: { id } })
    const enrol = async (...args: string[]) =>
      (await run('provision', platform.url, ...args)).next()
    expect(await enrol('enrolled', key, secret)).toEqual({ token: expect.any(String) })
    expect(await platform.device('enrolled')).toMatchObject({
      profile: 'pump',
      inventory: { serial: 'A1' },
    })
    expect(await enrol('enrolled', key, secret)).toEqual({
      failure: { status: 'FAILURE', errorMsg: expect.any(String) },
    })
    expect(await enrol('other', key, 'wrong')).toEqual({
      failure: { status: 'NOT_FOUND', errorMsg: expect.any(String) },
    })
  })
})

describe.each([
  ['fw', 'firmware'],
  ['sw', 'software'],
])('with curl alone, keys beginning with %s', (family, type) => {
  test('a device is updated chunk by chunk until one is empty', async () => {
    const name = `curl-${family}`
    const bytes = random(10_000)
    const { url } = await assigned(name, bytes, type)
    const tell = async (values: JsonObject) => {
      const { status, body } = await curl('--data', JSON.stringify(values), `${url}/telemetry`)
      expect([status, body]).toEqual([200, ''])
    }
    await tell({ [`current_${family}_title`]: `for ${name}`, [`current_${family}_version`]: '1.9' })
    const keys = ['title', 'version', 'size', 'checksum', 'checksum_algorithm']
    const asked = keys.map((key) => `${family}_${key}`).join(',')
    const { shared } = (await curl(`${url}/attributes?sharedKeys=${asked},`)).json<{
      shared: Record<string, string | number>
    }>()
    expect(shared).toMatchObject({ [`${family}_version`]: '1.10', [`${family}_size`]: 10_000 })

    await tell({ [`${family}_state`]: 'DOWNLOADING', [`${family}_error`]: '' })
    const parts: Buffer[] = []
    for (let chunk = 0; ; chunk += 1) {
      const file = join(platform.dataFolder, `${name}.part`)
      const { status } = await curl(
        ...['--get', '--output', file, '--data', `size=4096&chunk=${chunk}`],
        ...['--data-urlencode', `title=${shared[`${family}_title`]}`],
        ...['--data-urlencode', `version=${shared[`${family}_version`]}`, `${url}/${type}`],
      )
      expect(status).toBe(200)
      const part = await readFile(file)
      if (part.length === 0) break
      parts.push(part)
    }
    expect(parts.map(({ length }) => length)).toEqual([4096, 4096, 1808])
    const hash = createHash('sha256').update(Buffer.concat(parts)).digest('hex')
    expect(hash).toBe(shared[`${family}_checksum`])
    for (const state of ['DOWNLOADED', 'VERIFIED', 'UPDATING']) {
      await tell({ [`${family}_state`]: state, [`${family}_error`]: '' })
    }
    await tell({
      ts: 1,
      values: {
        [`current_${family}_title`]: `for ${name}`,
        [`current_${family}_version`]: '1.10',
        [`${family}_state`]: 'UPDATED',
      },
    })
    expect(await history(name)).toEqual([
      [...['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'], 'UPDATED'],
    ])
    expect((await platform.device(name)).installed[type]?.version).toBe('1.10')
  })
})

describe('a poll for attribute updates', () => {
  const assign = async (name: string, version: string) => {
    const release = { title: `for ${name}`, version, profile: 'pump', bytes: random(100) }
    await platform.assign(await platform.addRelease(release), { device: name })
  }

  test('tells what changed since the last one', async () => {
    const url = `${platform.url}/api/v1/${await platform.addDevice('poller', 'pump')}`
    expect((await curl(`${url}/attributes/updates?timeout=50`)).status).toBe(408)
    await assign('poller', '1')
    const told = await curl(`${url}/attributes/updates?timeout=60000`)
    expect(told.json()).toMatchObject({ fw_version: '1', fw_size: 100 })
    await assign('poller', '2')
    expect((await curl(`${url}/attributes/updates`)).json()).toMatchObject({ fw_version: '2' })
    expect((await curl(`${url}/attributes/updates?timeout=50`)).status).toBe(408)
  })

  test('is not kept silent by a look at other attributes', async () => {
    const url = `${platform.url}/api/v1/${await platform.addDevice('looker', 'pump')}`
    await assign('looker', '1')
    expect((await curl(`${url}/attributes?sharedKeys=interval`)).body).toBe('{}')
    expect((await curl(`${url}/attributes/updates`)).json()).toMatchObject({ fw_version: '1' })
  })

  test('ends with 403 when the device is removed', async () => {
    const token = await platform.addDevice('doomed', 'pump')
    const answer = curl(`${platform.url}/api/v1/${token}/attributes/updates`)
    await platform.waiting(1)
    await platform.api('removeDevice', { params: { id: (await platform.device('doomed')).id } })
    expect((await answer).status).toBe(403)
    expect((await curl(`${platform.url}/api/v1/${token}/attributes`)).status).toBe(401)
  })
})
