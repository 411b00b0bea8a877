import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { random } from './firmware.ts'
import { addWithOwn, assignOwn } from './own-release.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

/** A device of its own, assigned a release of its own; answers where it calls. */
async function assigned(name: string, bytes: Uint8Array<ArrayBuffer>, type: string) {
  const token = await addWithOwn(platform, name, { bytes, type })
  return `${platform.url}/api/v1/${token}`
}

describe.each([
  ['fw', 'firmware'],
  ['sw', 'software'],
])('with curl alone, keys beginning with %s', (family, type) => {
  test('a device is updated chunk by chunk until one is empty', async () => {
    const name = `curl-${family}`
    const bytes = random(10_000)
    const url = await assigned(name, bytes, type)
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
    expect(await platform.history(name)).toEqual([
      [...['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'], 'UPDATED'],
    ])
    expect((await platform.device(name)).installed[type]?.version).toBe('1.10')
  })
})

describe('a poll for attribute updates', () => {
  const assign = (name: string, version: string) =>
    assignOwn(platform, name, { version, bytes: random(100) })

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
