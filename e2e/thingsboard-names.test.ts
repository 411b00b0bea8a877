import { afterAll, beforeAll, expect, test } from 'vitest'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let id: string
let token: string

beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('P')
  token = await platform.addDevice('d', 'P')
  id = (await platform.device('d')).id
})
afterAll(() => platform.stop())

/** As a script written for ThingsBoard asks. */
async function read(path: string) {
  const answer = await fetch(`${platform.url}/api/plugins/telemetry/DEVICE/${id}/${path}`, {
    headers: { 'x-authorization': `Bearer ${ADMIN_TOKEN}` },
  })
  expect(answer.status).toBe(200)
  // biome-ignore lint/suspicious/noExplicitAny: whatever came; the test looks at it.
  return (await answer.json()) as any
}
const tell = (body: unknown) =>
  fetch(`${platform.url}/api/v1/${token}/telemetry`, {
    method: 'POST',
    body: JSON.stringify(body),
  })
const release = (version: string) =>
  platform.addRelease({ title: 'app', version, profile: 'P', bytes: new Uint8Array([1, 2, 3]) })

test('an update is read under the names ThingsBoard has for it', async () => {
  expect(await read('keys/timeseries')).toEqual([])
  await tell({ current_fw_title: 'app', current_fw_version: '1.10' })
  await platform.assign(await release('2.0'), { device: 'd' })
  await platform.until('d', ({ operation }) => operation?.state === 'QUEUED')
  await fetch(`${platform.url}/api/v1/${token}/attributes?sharedKeys=fw_title,fw_version`)
  // All at once, as devices send what they had no line for.
  await tell([
    { fw_state: 'DOWNLOADING' },
    { fw_state: 'DOWNLOADED' },
    { fw_state: 'VERIFIED' },
    { fw_state: 'FAILED', fw_error: 'no space' },
  ])

  const keys = 'fw_state,fw_error,target_fw_version,current_fw_version,sw_state'
  expect(await read(`values/timeseries?keys=${keys}`)).toEqual({
    fw_state: [{ ts: expect.any(Number), value: 'FAILED' }],
    fw_error: [{ ts: expect.any(Number), value: 'no space' }],
    target_fw_version: [{ ts: expect.any(Number), value: '2.0' }],
    current_fw_version: [{ ts: expect.any(Number), value: '1.10' }],
    sw_state: [{ ts: expect.any(Number), value: null }],
  })
  const range = `startTs=0&endTs=${Date.now() + 60_000}`
  const history = await read(`values/timeseries?keys=fw_state,sw_state&${range}&orderBy=ASC`)
  expect(Object.keys(history)).toEqual(['fw_state'])
  expect(history.fw_state.map(({ value }: { value: string }) => value)).toEqual([
    'QUEUED',
    'INITIATED',
    'DOWNLOADING',
    'DOWNLOADED',
    'VERIFIED',
    'FAILED',
  ])
  const newest = await read(`values/timeseries?keys=fw_state&${range}&limit=2`)
  expect(newest.fw_state).toEqual(history.fw_state.toReversed().slice(0, 2))

  const [at] = (await read('values/timeseries?keys=target_fw_ts')).target_fw_ts
  expect(at.value).toBe(String(at.ts))
  const strict = await read('values/timeseries?keys=target_fw_ts&useStrictDataTypes=true')
  expect(strict.target_fw_ts).toEqual([{ ts: at.ts, value: at.ts }])
})

test('a withdrawn assignment leaves target and state, and takes the attributes', async () => {
  await platform.assign(await release('3.0'), { device: 'd' })
  await platform.until('d', ({ operation }) => operation?.release.version === '3.0')
  const shared = async () =>
    (await read('values/attributes/SHARED_SCOPE?keys=fw_version,fw_size')).map(
      ({ key, value }: { key: string; value: unknown }) => [key, value],
    )
  expect(await shared()).toEqual([
    ['fw_version', '3.0'],
    ['fw_size', 3],
  ])
  await platform.api('unassignFromDevice', { params: { id, type: 'firmware' } })
  await platform.until('d', ({ operation }) => operation?.state === 'CANCELED')
  expect(await shared()).toEqual([])
  expect(await read('values/timeseries?keys=target_fw_version,fw_state')).toMatchObject({
    target_fw_version: [{ value: '3.0' }],
    fw_state: [{ value: 'QUEUED' }],
  })
  const [seen] = await read('values/attributes/SERVER_SCOPE')
  expect(seen).toMatchObject({ key: 'lastActivityTime', value: seen.lastUpdateTs })
})
