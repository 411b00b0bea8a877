import { randomBytes, randomUUID } from 'node:crypto'
import type { ArtifactStoreConfig } from '@updraft/server/config'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { S3_KEY, type TestS3, testS3 } from '../tools/test-s3.ts'
import { type ZephyrDevice, zephyrDevice } from './hawkbit-zephyr.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('board')
})
afterAll(() => platform.stop())

async function board(
  name: string,
  { at = platform, ...how }: { at?: TestPlatform; tenant?: string; readsWell?: boolean } = {},
): Promise<ZephyrDevice> {
  const authorization = `TargetToken ${await at.addDevice(name, 'board')}`
  return zephyrDevice({ url: at.url, controllerId: name, authorization, ...how })
}

async function image(name: string, { at = platform, version = '2.0.0' } = {}) {
  const bytes = randomBytes(200_000)
  const releaseId = await at.addRelease({
    title: `image of ${name}`,
    version,
    profile: 'board',
    bytes: new Uint8Array(bytes),
    fileName: 'zephyr.signed.bin',
  })
  await at.assign(releaseId, { device: name })
  return bytes
}

async function cancel(name: string): Promise<void> {
  const { operation } = await platform.device(name)
  await platform.api('cancelOperation', { params: { id: operation?.id ?? '' } })
}

const stateOf = async (name: string) => (await platform.device(name)).operation?.state

test.each(['DEFAULT', 'default'])(
  'under %s it tells of itself, fetches, and reports',
  async (tenant) => {
    const name = `z-${tenant}`
    const device = await board(name, { tenant })
    expect(await device.probe()).toBe('nothing')
    expect(await platform.device(name)).toMatchObject({
      inventory: { attributes: { VIN: name }, hawkbit: { client: 'zephyr' } },
    })
    const bytes = await image(name)
    expect(await device.probe()).toBe('downloaded')
    expect(device.slot).toEqual(bytes)
    // It has booted.
    expect(await device.probe()).toBe('nothing')
    expect((await platform.device(name)).installed.firmware?.version).toBe('2.0.0')
    expect(await stateOf(name)).toBe('UPDATED')
    // It is asked what it is once more, and no more than that.
    expect(device.did.filter((each) => each === 'PUT /configData')).toHaveLength(2)
  },
)

test('what it is to stop has a number that it can read', async () => {
  const device = await board('stops')
  await device.probe()
  // Some numbers have one digit, or end in zeros.
  for (let times = 0; times < 12; times += 1) {
    await image('stops', { version: `2.${times}.0` })
    await device.probe({ losesPower: true })
    await cancel('stops')
    expect(await device.probe()).toBe('nothing')
    expect(device.did.at(-2)).toBe('stops')
    expect(await stateOf('stops')).toBe('CANCELED')
  }
  expect(device.slot).toBeUndefined()
})

test('what it has downloaded it does not stop any more, and its report counts', async () => {
  const device = await board('late', { readsWell: true })
  await image('late')
  expect(await device.probe()).toBe('downloaded')
  await cancel('late')
  expect(await device.probe()).toBe('nothing')
  expect(device.did).toContain('does not stop')
  expect(await platform.device('late')).toMatchObject({
    installed: { firmware: { version: '2.0.0' } },
    operation: { state: 'CANCELED' },
  })
})

test('an update after the other reaches it, each by a number of its own', async () => {
  const device = await board('twice')
  for (const version of ['2.0.0', '3.0.0']) {
    const bytes = await image('twice', { version })
    expect(await device.probe()).toBe('downloaded')
    expect(device.slot).toEqual(bytes)
    expect(await device.probe()).toBe('nothing')
    expect((await platform.device('twice')).installed.firmware?.version).toBe(version)
  }
})

describe('where files lie in a bucket', () => {
  let s3: TestS3 | undefined
  let own: TestPlatform | undefined
  beforeAll(async () => {
    s3 = await testS3()
    if (!s3) return
    process.env.AWS_ACCESS_KEY_ID = S3_KEY.id
    process.env.AWS_SECRET_ACCESS_KEY = S3_KEY.secret
    const bucket: ArtifactStoreConfig = {
      name: 'bucket',
      kind: 's3',
      bucket: `zephyr-${randomUUID()}`,
      prefix: '',
      region: 'us-east-1',
      endpoint: s3.endpoint,
      isPathStyle: true,
      isDirect: true,
      mayCreate: true,
    }
    own = await testPlatform({ artifacts: [bucket] })
    await own.addProfile('board')
  })
  afterAll(async () => {
    await own?.stop()
    await s3?.stop()
  })

  test('it is not sent there, as it would not go', async ({ skip }) => {
    if (!own) return skip('there is no bucket here')
    const device = await board('bucket', { at: own })
    const bytes = await image('bucket', { at: own })
    expect(await device.probe()).toBe('downloaded')
    expect(device.slot).toEqual(bytes)
  })
})
