import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
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

describe('a title is taken as it stands', () => {
  test.concurrent.each([
    ['with signs of paths and queries', 'a/b & c? d=e#f+g'],
    ['with a sign that escapes, and quotes', '100% "sure"; it\'s %41 \\'],
    ['that looks like a path', '../../etc/passwd'],
    ['in many alphabets', 'Prüfstand № 5 ☃ 😀 ポンプ'],
    ['of 255 letters', 'x'.repeat(255)],
    ['of 255 letters that take more than a byte', 'ü'.repeat(255)],
  ])('%s: asked for, fetched, told', async (what, title) => {
    const name = `titled ${what}`
    const version = '1.0 & 2/3?#%'
    const bytes = random(5000)
    const url = `${platform.url}/api/v1/${await platform.addDevice(name, 'pump')}`
    const releaseId = await platform.addRelease({ title, version, profile: 'pump', bytes })
    await platform.assign(releaseId, { device: name })
    const attributes = await fetch(`${url}/attributes?sharedKeys=fw_title`)
    expect(await attributes.json()).toEqual({ shared: { fw_title: title } })
    const ask = (query: Record<string, string>) =>
      fetch(`${url}/firmware?${new URLSearchParams({ title, version, ...query })}`)
    const whole = await ask({})
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true)
    const fileName = whole.headers.get('x-filename') ?? ''
    expect(/^[\x20-\x7e]*$/.test(title) ? fileName : decodeURI(fileName)).toBe(
      `${title}-${version}`,
    )
    expect(whole.headers.get('content-disposition')).toMatch(/^attachment; filename="[^"\\/]+"/)
    const chunk = await ask({ size: '4096', chunk: '1' })
    expect(Buffer.from(await chunk.arrayBuffer()).equals(bytes.subarray(4096))).toBe(true)
    const other = await ask({ title: `${title.slice(0, -1)}_` })
    expect([other.status, await other.text()]).toEqual([400, ''])
    const body = JSON.stringify({ current_fw_title: title, current_fw_version: version })
    expect((await fetch(`${url}/telemetry`, { method: 'POST', body })).status).toBe(200)
    expect((await platform.device(name)).operation?.state).toBe('UPDATED')
  })
})

test.each([
  ['like a word of the API', 'provision'],
  ['with signs that paths escape', 'a/b?c#d%20e&f=g'],
  ['with letters from elsewhere', 'Schlüssel-☃'],
  ['with dots', 'v1.2..x'],
  ['as long as may be', 'x'.repeat(255)],
])('a token %s is good for everything', async (what, token) => {
  const name = `token ${what}`
  const bytes = random(100)
  await platform.api('createDevice', { body: { name, profile: 'pump', token } })
  await assignOwn(platform, name, { bytes })
  const url = `${platform.url}/api/v1/${encodeURIComponent(token)}`
  expect((await curl('--data', '{}', `${url}/telemetry`)).body).toBe('')
  const { shared } = (await curl(`${url}/attributes`)).json<{ shared: JsonObject }>()
  expect(shared).toMatchObject({ fw_size: 100 })
  const query = new URLSearchParams({ title: `for ${name}`, version: '1.10' })
  const file = await fetch(`${url}/firmware?${query}`)
  expect(Buffer.from(await file.arrayBuffer()).equals(bytes)).toBe(true)
  expect((await curl(`${url}x/attributes`)).status).toBe(401)
})

test('a download that broke off is resumed; who has it already is told so; chunks are what they are', async () => {
  const bytes = random(10_000)
  const url = await assigned('resumed', bytes, 'firmware')
  const at = `${url}/firmware?title=for%20resumed&version=1.10`
  const file = join(platform.dataFolder, 'resumed.bin')
  await writeFile(file, bytes.subarray(0, 4000))
  expect((await curl('--continue-at', '-', '--output', file, at)).status).toBe(206)
  expect((await readFile(file)).equals(bytes)).toBe(true)
  const etag = `"${createHash('sha256').update(bytes).digest('hex')}"`
  const status = async (headers: Record<string, string>, more = '') =>
    (await fetch(`${at}${more}`, { headers })).status
  expect(await status({ 'if-none-match': etag })).toBe(304)
  expect(await status({ range: 'bytes=1-', 'if-range': etag })).toBe(206)
  expect(await status({ range: 'bytes=1-', 'if-range': '"another"' })).toBe(200)
  expect(await status({ range: 'bytes=10000-' })).toBe(416)
  expect(await status({ range: 'bytes=1-2' }, '&size=4096&chunk=9')).toBe(200)
  const chunk = await fetch(`${at}&size=4096&chunk=2`, { headers: { range: 'bytes=1-2' } })
  expect(Buffer.from(await chunk.arrayBuffer()).equals(bytes.subarray(8192))).toBe(true)
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
