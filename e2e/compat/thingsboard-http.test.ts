/** ThingsBoard's own HTTP client for devices, from PyPI and as it is, against the running platform. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pythonWith } from '../../tools/services.mjs'
import { random } from '../firmware.ts'
import { addWithOwn } from '../own-release.ts'
import { type TestPlatform, testPlatform } from '../platform.ts'
import { pythonApart } from '../python.ts'

const client = await pythonWith('tb-mqtt-client')

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

const run = (...args: readonly string[]) =>
  pythonApart(client ?? '', { within: platform.dataFolder, name: 'thingsboard_http', args })

describe.skipIf(!client)("ThingsBoard's own client", () => {
  test.concurrent.each([
    ['in chunks', 4096, 10_000],
    ['as a whole', 0, 10_000],
    ['in one chunk larger than the file', 20_000, 10_000],
    ['in chunks that go into the file without a rest', 4096, 8192],
  ])('fetches firmware %s and ends UPDATED', async (how, chunkSize, sizeBytes) => {
    const name = `device ${how}`
    const bytes = random(sizeBytes)
    const token = await addWithOwn(platform, name, { bytes })
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
    const [states, ...others] = await platform.history(name)
    expect(others).toEqual([])
    expect(states?.slice(0, 2)).toEqual(['QUEUED', 'INITIATED'])
    expect(states?.at(-1)).toBe('UPDATED')
  })

  test.concurrent('that found its download damaged fails, tries again by itself and ends UPDATED', async () => {
    const bytes = random(10_000)
    const token = await addWithOwn(platform, 'unlucky', { bytes })
    const { cwd, ended } = await run('update-at-second-try', platform.url, token, '4096')
    await ended
    expect(Buffer.compare(await readFile(join(cwd, 'for unlucky')), bytes)).toBe(0)
    const [second, first] = await platform.history('unlucky')
    expect(first?.at(-1)).toBe('FAILED')
    expect(second?.at(-1)).toBe('UPDATED')
  })

  test.concurrent('with nothing assigned is content', async () => {
    const token = await platform.addDevice('idle', 'pump')
    const { ended } = await run('update', platform.url, token, '4096')
    await ended
    expect(await platform.history('idle')).toEqual([])
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
