/** One campaign over devices of four languages at once, followed through GraphQL. */
import { once } from 'node:events'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import {
  type AgentOptions,
  createAgent,
  edgehogUplink,
  iotoUplink,
  thingsBoardUplink,
  type Uplink,
  updraftUplink,
} from '@updraft/agent'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { newAstarteId, type Realm } from './astarte-device.ts'
import { random } from './firmware.ts'
import { askGraphql, subscribeGraphql } from './graphql.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { testRealm } from './realm.ts'

let platform: TestPlatform
let realm: Realm
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('box')
  realm = await testRealm(platform, 'box')
})
afterAll(() => platform.stop())

const CREATE = `mutation ($release: ID!) {
  createCampaign(input: {name: "mixed", expression: "true", campaignMechanism: {
    firmwareUpgrade: {baseImageId: $release, maxFailurePercentage: 30, maxInProgressOperations: 10}}
  }) { result { id totalTargetCount } errors { message } } }`
const FOLLOW = `subscription ($id: ID!) { campaign(id: $id) {
  updated { status outcome successfulTargetCount failedTargetCount } } }`

/** A whole agent with a pretend installer, living until the test is over. */
async function live(name: string, uplink: Uplink, options: Partial<AgentOptions> = {}) {
  let version = '1.0.0'
  const agent = await createAgent({
    uplink,
    stateFolder: join(platform.dataFolder, `agent of ${name}`),
    askInstalled: async () => ({ firmware: { title: 'os', version } }),
    installers: {
      firmware: {
        install: async () => {
          version = '2.0.0'
          return { kind: 'done' }
        },
      },
    },
    firstCheckInSeconds: 0,
    intervalSeconds: 1,
    isIntervalFixed: true,
    waitSeconds: 5,
    reserveBytes: 0,
    isUncheckedAllowed: true,
    ...options,
  })
  const checkedIn = once(agent, 'check-in')
  const running = agent.run()
  onTestFinished(async () => {
    agent.stop()
    await running
  })
  // One that registers itself is not there before.
  await checkedIn
  await platform.until(name, ({ installed }) => installed.firmware?.version === '1.0.0')
}

const edgehog = (id: string) => {
  const stateFolder = join(platform.dataFolder, `state of ${id}`)
  return edgehogUplink({
    server: platform.url,
    realm: realm.realm,
    astarteId: id,
    agentToken: async () => realm.agentToken,
    disk: promises,
    stateFolder,
    trust: { isUnverified: true },
  })
}

test('a campaign over Edgehog, ThingsBoard, Ioto and our own devices ends as a success, with one failure under its limit', async () => {
  const tokenOf = (name: string) => platform.addDevice(name, 'box')
  const at = (token: string) => ({ server: platform.url, token: async () => token })
  await live('ours', updraftUplink(at(await tokenOf('ours'))))
  const mqtt = `mqtt://${platform.mqtt.host}:${platform.mqtt.port}`
  const broken = {
    firmware: {
      install: async () => ({ kind: 'failed' as const, error: 'the flash is worn out' }),
    },
  }
  await live('things', thingsBoardUplink({ ...at(await tokenOf('things')), server: mqtt }))
  await live('http', thingsBoardUplink(at(await tokenOf('http'))), { installers: broken })
  const id = 'ioto'
  await live(id, iotoUplink({ ...at(await tokenOf(id)), id, product: 'PROD' }))
  const [one, other] = [newAstarteId(), newAstarteId()]
  await live(one, edgehog(one))
  await live(other, edgehog(other))

  const release = { title: 'os', version: '2.0.0', profile: 'box', bytes: random(50_000) }
  const { data } = await askGraphql(platform, CREATE, {
    variables: { release: await platform.addRelease(release) },
  })
  const { result } = data.createCampaign
  expect(result.totalTargetCount).toBe(6)
  const told: object[] = []
  for await (const { data } of subscribeGraphql(platform, FOLLOW, {
    variables: { id: result.id },
  })) {
    const { updated } = data.campaign
    told.push(updated)
    if (updated.outcome) break
  }
  expect(told.at(-1)).toMatchObject({
    status: 'FINISHED',
    outcome: 'SUCCESS',
    successfulTargetCount: 5,
    failedTargetCount: 1,
  })
  expect(told.length).toBeGreaterThan(1)
  for (const name of ['ours', 'things', 'ioto', one, other]) {
    expect(await platform.device(name)).toMatchObject({
      installed: { firmware: { version: '2.0.0' } },
      operation: { state: 'UPDATED' },
    })
  }
  expect((await platform.device('http')).operation).toMatchObject({
    state: 'FAILED',
    error: 'the flash is worn out',
  })
  const { items } = await platform.api('listDevices', { query: { profile: 'box' } })
  expect(new Set(items.map(({ dialect }) => dialect))).toEqual(
    new Set(['updraft', 'thingsboard', 'ioto', 'edgehog']),
  )
})

test('an agent that speaks Edgehog is updated by hand, and heeds a cancel in mid-download', async () => {
  const id = newAstarteId()
  await live(id, edgehog(id), { maxBytesPerSecond: 20_000 })
  const { id: deviceId } = await platform.device(id)
  const bring = async (version: string, bytes: Uint8Array<ArrayBuffer>) => {
    const { sha256 } = await platform.api('uploadArtifact', { body: bytes })
    const body = { title: 'os', version, type: 'firmware', sha256 }
    return await platform.api('updateByHand', { params: { id: deviceId }, body })
  }
  const { id: operation } = await bring('3.0.0', random(2_000_000))
  await platform.until(id, ({ operation }) => operation?.state === 'DOWNLOADING')
  await platform.api('cancelOperation', { params: { id: operation } })
  const heeded = async () => {
    const { items } = await platform.api('listDeviceOperations', { params: { id: deviceId } })
    return items[0]?.steps.some(
      ({ outcome, error }) => outcome === 'ignored' && /took .* back/.test(error ?? ''),
    )
  }
  await expect.poll(heeded).toBe(true)
  await bring('2.0.0', random(1_000))
  await platform.until(id, ({ installed }) => installed.firmware?.version === '2.0.0')
})
