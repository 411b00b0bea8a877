/** Releases that lie in buckets: devices fetch them straight from there, each from the store of its cloud. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ArtifactStoreConfig } from '@updraft/server/config'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { S3_KEY, type TestS3, testS3 } from '../tools/test-s3.ts'
import { send } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const s3 = (await testS3()) as TestS3
const bytes = randomBytes(700_000)
const sha256 = createHash('sha256').update(bytes).digest('hex')

const bucket = (name: string): ArtifactStoreConfig => ({
  name,
  kind: 's3',
  bucket: `${name}-${randomUUID()}`,
  prefix: '',
  region: 'us-east-1',
  endpoint: s3?.endpoint,
  isPathStyle: true,
  isDirect: true,
  mayCreate: true,
})

describe.skipIf(!s3)('two clouds with a bucket each, beside a folder', () => {
  let platform: TestPlatform
  let files: ArtifactStoreConfig
  const [eu, us] = [bucket('eu'), bucket('us')]
  let tokens: Record<string, string>

  beforeAll(async () => {
    process.env.AWS_ACCESS_KEY_ID = S3_KEY.id
    process.env.AWS_SECRET_ACCESS_KEY = S3_KEY.secret
    platform = await testPlatform((dataFolder) => {
      files = { name: 'files', kind: 'file', folder: join(dataFolder, 'artifacts') }
      return { artifacts: [files, eu, us] }
    })
    await platform.addProfile('P')
    tokens = {}
    for (const name of ['eu', 'us']) {
      const body = { name, artifactStore: name, publicUrl: `http://${name}.updates.example` }
      const { id: cloudId } = await platform.api('createCloud', { body })
      tokens[name] = await platform.addDevice(name, 'P')
      const { id } = await platform.device(name)
      await platform.api('changeDevice', { params: { id }, body: { cloudId } })
    }
    tokens.none = await platform.addDevice('none', 'P')
    const release = await platform.addRelease({ title: 'app', version: '1', profile: 'P', bytes })
    await platform.assign(release, { profile: 'P' })
  })
  afterAll(async () => {
    await platform?.stop()
    await s3?.stop()
  })

  const addressFor = async (name: string): Promise<string> => {
    const url = `${platform.url}/device/v1/check-in`
    const answer = await send(url, 'POST', { token: tokens[name], body: {} })
    expect(answer.status, answer.text).toBe(200)
    return answer.json.offers[0].artifact
  }
  const fetched = async (address: string, range?: string) => {
    const answer = await fetch(address, { headers: range ? { range } : {} })
    return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
  }

  test('a device is served from where the file is, until it lies in the store of its cloud', async () => {
    const first = await addressFor('eu')
    expect(first).toMatch(/^http:\/\/eu\.updates\.example\/device\/v1\//)
    const here = first.replace('http://eu.updates.example', platform.url)
    expect((await fetched(here)).bytes.equals(bytes)).toBe(true)
    expect(await addressFor('none')).toMatch(`${platform.url}/`)
    for (const [name, store] of [
      ['eu', eu],
      ['us', us],
    ] as const) {
      await addressFor(name)
      platform.advanceClock({ minutes: 1 })
      const direct = `${s3.endpoint}/${'bucket' in store ? store.bucket : ''}/`
      await expect.poll(() => addressFor(name), { timeout: 50_000 }).toMatch(direct)
      const address = await addressFor(name)
      const whole = await fetched(address)
      expect([whole.status, createHash('sha256').update(whole.bytes).digest('hex')]).toEqual([
        200,
        sha256,
      ])
      const rest = await fetched(address, 'bytes=699990-')
      expect([rest.status, rest.bytes.equals(bytes.subarray(699_990))]).toEqual([206, true])
    }
    // What was given out before stays good.
    expect((await fetched(here)).status).toBe(200)
  })

  test('while the bucket is away its devices are served from here', async () => {
    const release = await platform.addRelease({
      title: 'app',
      version: '2',
      profile: 'P',
      bytes: randomBytes(100),
    })
    await platform.assign(release, { profile: 'P' })
    s3.fault = () => 'cut'
    expect(await addressFor('us')).toMatch(/^http:\/\/us\.updates\.example\//)
    s3.fault = () => 'pass'
  })
})

describe.skipIf(!s3)('moving all files from a folder into a bucket', () => {
  test('keeps every address good until its time is over', async () => {
    const s3 = (await testS3()) as TestS3
    process.env.AWS_ACCESS_KEY_ID = S3_KEY.id
    process.env.AWS_SECRET_ACCESS_KEY = S3_KEY.secret
    const before = await testPlatform()
    const old: ArtifactStoreConfig = {
      name: 'old',
      kind: 'file',
      folder: join(before.dataFolder, 'artifacts'),
    }
    const fresh = { ...bucket('fresh'), endpoint: s3.endpoint } as ArtifactStoreConfig
    await before.addProfile('P')
    const token = await before.addDevice('d', 'P')
    const release = await before.addRelease({ title: 'app', version: '1', profile: 'P', bytes })
    await before.assign(release, { profile: 'P' })
    const checkIn = async (at: TestPlatform): Promise<string> => {
      const answer = await send(`${at.url}/device/v1/check-in`, 'POST', { token, body: {} })
      return answer.json.offers[0].artifact
    }
    const ticket = new URL(await checkIn(before)).pathname
    const after = await testPlatform({
      databaseUrl: before.connectionString,
      artifacts: [fresh, old],
    })
    try {
      const stores = async () => (await after.api('listArtifactStores', {})).items
      const status = async (at: TestPlatform) => (await fetch(`${at.url}${ticket}`)).status
      expect(await status(after)).toBe(200)
      const begun = await after.api('moveArtifacts', { body: { from: 'old', to: 'fresh' } })
      expect(begun).toEqual({ artifacts: 1 })
      after.advanceClock({ minutes: 1 })
      await expect.poll(stores, { timeout: 50_000 }).toMatchObject([
        { name: 'fresh', progress: { toCome: 0, toLeave: 0, error: null } },
        { name: 'old', progress: { toCome: 0, toLeave: 1, error: null } },
      ])
      expect(await checkIn(after)).toContain(s3.endpoint)
      expect([await status(before), await status(after)]).toEqual([200, 200])
      after.advanceClock({ minutes: 8 * 24 * 60 + 1 })
      await expect
        .poll(async () => (await stores())[1]?.progress?.toLeave, { timeout: 50_000 })
        .toBe(0)
      const left = join(before.dataFolder, 'artifacts', 'sha256', sha256.slice(0, 2))
      expect(await readdir(left)).toEqual([])
    } finally {
      await after.stop()
      await before.stop()
      await s3.stop()
    }
  })
})
