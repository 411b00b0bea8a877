import { createHash, generateKeyPairSync } from 'node:crypto'
import { join } from 'node:path'
import { ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import { DEFAULT_BOX_FORM, eachSetting } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ZodType } from 'zod'
import { runs, testDevice } from './device.ts'
import {
  type Answered,
  type Asked,
  addOperator,
  ask,
  expectProblem,
  query,
  quickHash,
  send,
} from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
/** Filled as the story goes on. */
const ids: Record<string, string> = {}
const answered = new Set<RouteName>()

beforeAll(async () => {
  platform = await testPlatform((dataFolder) => ({
    artifacts: [
      { name: 'default', kind: 'file', folder: join(dataFolder, 'artifacts') },
      { name: 'second', kind: 'file', folder: join(dataFolder, 'second') },
    ],
  }))
})
afterAll(() => platform.stop())

/** Asks, and holds the answer against what the table of routes says of it. */
async function good(name: RouteName, asked: Asked = {}): Promise<Answered> {
  const answer = await ask(platform, name, asked)
  const route: Route = ROUTES[name]
  const { response } = route
  expect(answer.status, answer.text).toBe(route.status ?? (response === 'nothing' ? 204 : 200))
  if (response === 'nothing') expect(answer.text).toBe('')
  else if (response !== 'bytes' && response !== 'events') {
    // Strict: what is not described is not sent either.
    const parsed = (response as ZodType).parse(answer.json)
    expect(answer.json).toEqual(parsed)
  }
  answered.add(name)
  return answer
}

const BYTES = new Uint8Array([1, 2, 3, 4, 5])
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
/** What comes in by another way. */
const PIECE = new Uint8Array([1, 2, 3])

describe('every route, once, with the shape it is described with', () => {
  test('profiles', async () => {
    const { json } = await good('createProfile', { body: { name: ' sensor ', description: 'd' } })
    expect(json).toMatchObject({
      name: 'sensor',
      description: 'd',
      deviceCount: 0,
      assignments: {},
    })
    ids.profile = json.id
    expect((await good('listProfiles', { query: { name: 'sensor' } })).json).toEqual({
      items: [json],
      nextCursor: null,
    })
    const params = { id: json.id }
    expect((await good('showProfile', { params })).json).toEqual(json)
    const { json: provisioning } = await good('enableProvisioning', { params })
    const { secret, ...shown } = provisioning
    expect(secret).toMatch(/^[\w-]{43}$/)
    expect((await good('showProfile', { params })).json.provisioning).toEqual(shown)
    await good('disableProvisioning', { params })
    expect((await good('showProfile', { params })).json.provisioning).toBeNull()
    const spare = await good('createProfile', { body: { name: 'spare' } })
    await good('removeProfile', { params: { id: spare.json.id } })
    expectProblem(
      await ask(platform, 'showProfile', { params: { id: spare.json.id } }),
      404,
      'profile.unknown',
    )
  })

  test('devices', async () => {
    const { json } = await good('createDevice', {
      body: { name: 'd1', profile: 'sensor', labels: ['b', 'a', 'b'], attributes: { x: [1] } },
    })
    expect(json).toMatchObject({
      name: 'd1',
      profile: 'sensor',
      labels: ['a', 'b'],
      attributes: { x: [1] },
      operation: null,
      lastSeenAt: null,
    })
    ids.device = json.id
    const params = { id: json.id }
    const { token, credentialsSecret, ...device } = json
    expect(credentialsSecret).toBeNull()
    expect((await good('showDevice', { params })).json).toEqual(device)
    expect((await good('listDevices')).json.items).toEqual([device])
    const changed = await good('changeDevice', { params, body: { labels: [], name: 'd1' } })
    expect(changed.json).toEqual({ ...device, labels: [] })
    const replaced = await good('replaceDeviceToken', { params, body: {} })
    expect(replaced.json.token).not.toBe(token)
    const chosen = await good('replaceDeviceToken', { params, body: { token: 'chosen' } })
    expect(chosen.json).toEqual({ token: 'chosen' })
    await good('addCredential', {
      params,
      body: { credential: { kind: 'mqtt-basic', clientId: 'c', userName: 'u', password: 'hush' } },
    })
    const added = await good('addCredential', {
      params,
      body: { credential: { kind: 'token', token: 'next' }, keepOthersForSeconds: 60 },
    })
    const { token: next, ...credential } = added.json
    expect(next).toBe('next')
    const { items } = (await good('listCredentials', { params })).json
    expect(items).toMatchObject([
      { kind: 'token', expiresAt: expect.any(String) },
      { kind: 'mqtt-basic', clientId: 'c', userName: 'u', hasPassword: true, expiresAt: null },
      credential,
    ])
    await good('removeCredential', { params: { ...params, credentialId: items[0].id } })
    const imported = await good('importDevices', {
      body: {
        devices: [
          { name: 'i1', profileId: ids.profile },
          { name: 'i2', profile: 'sensor', token: 'my own' },
        ],
      },
    })
    expect(imported.json.devices).toMatchObject([{ name: 'i1' }, { name: 'i2', token: 'my own' }])
    await good('removeDevice', { params: { id: imported.json.devices[1].id } })
    expect((await good('overview')).json).toMatchObject({ devices: 2, waiting: 0, failed: 0 })
  })

  test('what is going on, before anything has gone on', async () => {
    const activity = await good('showActivity', { query: { hours: 2, steps: 4 } })
    expect(activity.json.stepSeconds).toBe(1800)
    expect(activity.json.items).toHaveLength(4)
    expect((await good('showEndpoints')).json).toMatchObject({ http: platform.url })
    expect((await good('listInstalled')).json).toEqual({ items: [] })
    expect((await good('listFailures')).json).toEqual({ items: [] })
    expect((await good('liveEvents')).text).toMatch(
      /^retry: \d+\nid: \S+\nevent: opened\ndata: \{\}\n\n$/,
    )
  })

  test('artifacts and releases', async () => {
    const uploaded = await good('uploadArtifact', {
      body: BYTES,
      query: { checksumAlgorithm: 'MD5' },
    })
    expect(uploaded.json).toMatchObject({ sha256: SHA256, sizeBytes: 5 })
    expect(Object.keys(uploaded.json.checksums).toSorted()).toEqual(['MD5', 'SHA256'])
    const { json } = await good('createRelease', {
      body: {
        title: 'app',
        version: '1.0.0',
        profile: 'sensor',
        sha256: SHA256.toUpperCase(),
        checksumAlgorithm: 'crc32',
        tag: 't',
        fileName: 'app.bin',
        contentType: 'application/x-firmware; arch="arm v7"',
        requirement: '>= 0.1.0',
      },
    })
    expect(json).toMatchObject({
      type: 'firmware',
      checksumAlgorithm: 'CRC32',
      sizeBytes: 5,
      sha256: SHA256,
      url: null,
    })
    ids.release = json.id
    const params = { id: json.id }
    expect((await good('showRelease', { params })).json).toEqual(json)
    expect(
      (await good('listReleases', { query: { title: 'app', version: '1.0.0' } })).json.items,
    ).toEqual([json])
    expect((await good('listPackages', { query: { title: 'app' } })).json).toEqual({
      items: [{ title: 'app', releases: 1, latestAt: json.createdAt }],
      nextCursor: null,
    })
    const changed = await good('changeRelease', { params, body: { description: ' of a test ' } })
    expect(changed.json).toEqual({ ...json, description: 'of a test' })
    const bytes = await good('downloadRelease', { params })
    expect(bytes.headers.get('content-length')).toBe('5')
    expect(bytes.headers.get('content-type')).toBe('application/x-firmware; arch="arm v7"')
    expect(bytes.headers.get('content-disposition')).toContain('app.bin')
    const external = await good('createRelease', {
      body: { title: 'app', version: '2.0.0', profile: 'sensor', url: 'https://files.example/a' },
    })
    expect(external.json).toMatchObject({ url: 'https://files.example/a', sha256: null })
    await good('removeRelease', { params: { id: external.json.id } })
  })

  test('assignments', async () => {
    const body = { releaseId: ids.release }
    const ofProfile = { id: ids.profile ?? '', type: 'firmware' }
    const ofDevice = { id: ids.device ?? '', type: 'firmware' }
    const made = await good('assignToProfile', { params: ofProfile, body })
    expect(made.json).toMatchObject({
      scope: 'profile',
      profileId: ids.profile,
      deviceId: null,
      release: { title: 'app', version: '1.0.0' },
      assignedBy: 'admin',
    })
    expect((await good('countAffected', { params: ofProfile })).json).toEqual({ devices: 2 })
    await good('assignToDevice', { params: ofDevice, body })
    const { items } = (await good('listAssignments', { query: { releaseId: ids.release } })).json
    expect(items.map(({ scope }: { scope: string }) => scope)).toEqual(['device', 'profile'])
    await good('unassignFromDevice', { params: ofDevice })
    await good('unassignFromProfile', { params: ofProfile })
    expect((await good('listAssignments')).json.items).toEqual([])
  })

  test('operations', async () => {
    const params = { id: ids.device ?? '' }
    await good('changeDevice', { params, body: { name: 'd1' } })
    const release = (
      await good('createRelease', {
        body: { title: 'app', version: '3.0.0', profile: 'sensor', sha256: SHA256 },
      })
    ).json
    await good('assignToDevice', {
      params: { ...params, type: 'firmware' },
      body: { releaseId: release.id },
    })
    const { operation } = await platform.until('d1', (device) => device.operation !== null)
    const ofOperation = { params: { id: operation?.id ?? '' } }
    const shown = await good('showOperation', ofOperation)
    expect(shown.json.steps).toMatchObject([{ state: 'QUEUED', outcome: 'opened' }])
    const forced = await good('forceOperation', ofOperation)
    expect(forced.json).toMatchObject({ state: 'QUEUED', handling: { urgency: 'forced' } })
    const cancelled = await good('cancelOperation', ofOperation)
    expect(cancelled.json).toMatchObject({ state: 'CANCELED', because: 'Cancelled by admin.' })
    const retried = await good('retryOperation', ofOperation)
    expect(retried.json).toMatchObject({ state: 'QUEUED', deviceId: ids.device })
    const { items } = (await good('listDeviceOperations', { params })).json
    expect(items.map(({ state }: { state: string }) => state)).toEqual(['QUEUED', 'CANCELED'])
    expect((await good('overview')).json).toMatchObject({ waiting: 1, states: { QUEUED: 1 } })
    await good('cancelOperation', { params: { id: retried.json.id } })
    await good('unassignFromDevice', { params: { ...params, type: 'firmware' } })
    await good('removeRelease', { params: { id: release.id } })
    const left = await good('showOperation', { params: { id: retried.json.id } })
    expect(left.json.release).toEqual({ id: null, title: 'app', version: '3.0.0' })
    expectProblem(await ask(platform, 'retryOperation', ofOperation), 409, 'operation.cannot-retry')
    const byHand = await good('updateByHand', {
      params,
      body: { title: 'debug', version: '1', type: 'image', sha256: SHA256 },
    })
    expect(byHand.json).toMatchObject({
      state: 'QUEUED',
      release: { id: null, title: 'debug', version: '1' },
      origin: { code: 'operator.manual' },
    })
    await good('cancelOperation', { params: { id: byHand.json.id } })
  })

  test('uploads in pieces', async () => {
    const begun = await good('beginUpload', { headers: { 'upload-length': '3' } })
    expect(begun.json).toMatchObject({ sizeBytes: 3, offsetBytes: 0, artifact: null })
    const params = { id: begun.json.id }
    const headers = { 'upload-offset': '0' }
    await good('continueUpload', { params, headers, body: PIECE })
    const whole = await good('showUpload', { params })
    expect(whole.json).toMatchObject({ offsetBytes: 3, artifact: { sizeBytes: 3 } })
    await good('abandonUpload', { params })
  })

  test('groups and channels', async () => {
    const expression = 'profile == "sensor"'
    const preview = await good('previewGroup', { body: { expression } })
    expect(preview.json.count).toBe(preview.json.sample.length)
    const body = { handle: 'sensors', name: 'Sensors', expression }
    const group = (await good('createGroup', { body })).json
    const params = { id: group.id }
    const changed = await good('changeGroup', { params, body: { name: 'All sensors' } })
    expect(changed.json).toEqual({ ...group, name: 'All sensors' })
    expect((await good('listGroups')).json.items).toEqual([changed.json])
    const { deviceCount, ...shown } = (await good('showGroup', { params })).json
    expect(shown).toEqual(changed.json)
    expect(deviceCount).toBe(preview.json.count)
    expect((await good('listDevicesOfGroup', { params })).json.items).toHaveLength(deviceCount)

    const channel = (await good('createChannel', { body: { handle: 'c', name: 'C' } })).json
    const ofChannel = { params: { id: channel.id } }
    const filled = await good('changeChannel', { ...ofChannel, body: { groupIds: [group.id] } })
    expect(filled.json).toMatchObject({ ...channel, groups: [{ handle: 'sensors' }] })
    expect((await good('listChannels')).json.items).toEqual([filled.json])
    expect((await good('showChannel', ofChannel)).json).toMatchObject({ deviceCount })
    expect((await good('listDevicesOfChannel', ofChannel)).json.items).toHaveLength(deviceCount)
    await good('removeChannel', ofChannel)
    await good('removeGroup', { params })
  })

  test('hardware types and system models', async () => {
    const marks = { handle: 'board', name: 'Board', partNumbers: ['B-2', 'B-1'] }
    const type = (await good('createHardwareType', { body: marks })).json
    expect(type).toMatchObject({ ...marks, partNumbers: ['B-1', 'B-2'] })
    const ofType = { params: { id: type.id } }
    const changed = await good('changeHardwareType', { ...ofType, body: { partNumbers: ['B-1'] } })
    expect(changed.json).toEqual({ ...type, partNumbers: ['B-1'] })
    expect((await good('listHardwareTypes')).json.items).toEqual([changed.json])
    expect((await good('showHardwareType', ofType)).json).toEqual({
      ...changed.json,
      deviceCount: 0,
    })

    const body = { handle: 'gate', name: 'Gate', partNumbers: ['G-1'], hardwareTypeId: type.id }
    const model = (await good('createSystemModel', { body })).json
    expect(model).toMatchObject({ hardwareType: { handle: 'board' }, profile: null })
    const ofModel = { params: { id: model.id } }
    const given = await good('changeSystemModel', { ...ofModel, body: { profileId: ids.profile } })
    expect(given.json).toEqual({ ...model, profile: { id: ids.profile, name: 'sensor' } })
    expect((await good('listSystemModels')).json.items).toEqual([given.json])
    expect((await good('showSystemModel', ofModel)).json).toEqual({ ...given.json, deviceCount: 0 })
    const refused = await ask(platform, 'removeHardwareType', ofType)
    expectProblem(refused, 409, 'hardware-type.in-use')
    await good('removeSystemModel', ofModel)
    await good('removeHardwareType', ofType)
  })

  test('campaigns', async () => {
    await good('createProfile', { body: { name: 'campaigned' } })
    const token = await platform.addDevice('of a campaign', 'campaigned')
    const releaseOf = (version: string) =>
      platform.addRelease({ title: 'os', version, profile: 'campaigned', bytes: BYTES })
    const releaseId = await releaseOf('2')
    await releaseOf('1')
    const audience = { expression: 'profile == "campaigned"' }
    const body = { name: 'C', releaseId, audience }
    const would = { asked: 1, waits: 0, successful: 0, failed: 0, skipped: 0 }
    const device = testDevice(platform.url, token)
    expect(await device.offers(runs('os@1'))).toEqual([])
    expect((await good('countForecast', { body })).json).toMatchObject({ devices: 1, would })
    expect((await good('forecastCampaign', { body })).json.items).toMatchObject([
      { device: { name: 'of a campaign' }, would: 'asked' },
    ])
    const scheduledAt = '2100-01-01T00:00:00.000Z'
    const later = (await good('createCampaign', { body: { ...body, name: 'later', scheduledAt } }))
      .json
    const ofLater = { params: { id: later.id } }
    expect(later).toMatchObject({ status: 'scheduled', scheduledAt, tally: { idle: 1 } })
    const changed = await good('changeCampaign', { ...ofLater, body: { name: 'much later' } })
    expect(changed.json).toEqual({ ...later, name: 'much later' })
    await good('removeCampaign', ofLater)
    const settings = { waves: [], stopRule: null }
    const campaign = (await good('createCampaign', { body: { ...body, settings } })).json
    const params = { id: campaign.id }
    expect(campaign).toMatchObject({ status: 'in-progress', total: 1, createdBy: 'admin' })
    expect((await good('pauseCampaign', { params })).json.status).toBe('paused')
    expect((await good('resumeCampaign', { params })).json.status).toBe('in-progress')
    expectProblem(await ask(platform, 'approveCampaign', { params }), 409, 'campaign.not-now')
    answered.add('approveCampaign')
    const { operation } = await device.offer()
    expect((await good('listTargetDots', { params })).json.items).toMatchObject([
      { status: 'in-progress', state: 'INITIATED' },
    ])
    await device.report(operation, { state: 'FAILED', error: 'no' })
    expect((await good('showCampaign', { params })).json).toMatchObject({ outcome: 'failure' })
    expect((await good('retryCampaign', { params })).json.tally).toMatchObject({ idle: 1 })
    await device.report((await device.offer()).operation, { state: 'UPDATED' })
    expect((await good('listTargets', { params })).json.items).toMatchObject([
      { status: 'successful', wave: 1, before: { title: 'os', version: '1' } },
    ])
    const back = (await good('rollBackCampaign', { params, body: {} })).json
    expect(back).toMatchObject({ name: 'Roll back C', rollsBack: campaign.id, total: 1 })
    const cancelled = await good('cancelCampaign', { params: { id: back.id } })
    expect(cancelled.json).toMatchObject({ status: 'finished', outcome: 'cancelled' })
    const { items } = (await good('listCampaigns')).json
    expect(items.map(({ name }: { name: string }) => name)).toEqual(['Roll back C', 'C'])
    await good('removeDevice', { params: { id: (await platform.device('of a campaign')).id } })
  })

  test('policies', async () => {
    await good('createProfile', { body: { name: 'policed' } })
    const token = await platform.addDevice('of a policy', 'policed')
    const { id: deviceId } = await platform.device('of a policy')
    const releaseId = await platform.addRelease({
      title: 'fw',
      version: '2.0.0',
      profile: 'policed',
      bytes: BYTES,
    })
    const params = { id: releaseId }
    const written = { releaseId, expression: 'device.region == "us"' }
    expectProblem(await ask(platform, 'showPolicy', { params }), 404, 'policy.unknown')
    expect((await good('checkPolicy', { body: written })).json.warnings).toMatchObject([
      { code: 'policy.may-downgrade' },
    ])
    const mistaken = { body: { ...written, expression: 'region == "us"' } }
    expectProblem(await ask(platform, 'checkPolicy', mistaken), 422, 'expression.invalid')
    const limits = { maxDevices: 1 }
    const policy = (await good('putPolicy', { params, body: { limits } })).json
    expect(policy).toMatchObject({
      release: { id: releaseId, version: '2.0.0' },
      expression: '',
      isEnabled: true,
      limits: { maxDevices: 1, percentage: null },
      counts: { population: 1, offered: 0, deferred: 0 },
      warnings: [],
      createdBy: 'admin',
    })
    const beyond = { params, body: { limits: { percentage: 101 } } }
    expectProblem(await ask(platform, 'putPolicy', beyond), 422, 'policy.invalid')
    expect((await good('listPolicies', { query: { isEnabled: 'true' } })).json.items).toEqual([
      policy,
    ])
    const tried = await good('tryPolicy', { body: { releaseId, deviceId } })
    expect(tried.json).toMatchObject({
      holds: false,
      because: 'The device has not told its version.',
      would: 'nothing',
      reason: { code: 'nothing.no-policy' },
    })
    const device = testDevice(platform.url, token)
    expect(
      (await good('countPolicy', { body: { ...written, expression: '' } })).json,
    ).toMatchObject({
      count: 0,
      population: 1,
    })
    const { operation } = await device.offer(runs('fw@1.0.0'))
    await device.report(operation, { state: 'UPDATED' })
    expect((await good('listPolicyDevices', { params })).json.items).toMatchObject([
      {
        device: { id: deviceId, name: 'of a policy' },
        standing: 'offered',
        because: { code: 'policy.offers' },
        fared: 'succeeded',
      },
    ])
    expect((await good('showPolicy', { params })).json.counts).toMatchObject({
      offered: 1,
      started: 1,
      succeeded: 1,
    })
    expect((await good('listPolicyStatistics')).json.items).toMatchObject([
      { requests: 1, offered: 1, deferred: { maxDevices: 0 }, succeeded: 1, failed: 0 },
    ])
    expectProblem(await ask(platform, 'removeRelease', { params }), 409, 'release.in-use')
    expect((await good('disablePolicy', { params })).json.isEnabled).toBe(false)
    expect((await good('enablePolicy', { params })).json.isEnabled).toBe(true)
    await good('removePolicy', { params })
    await good('removeDevice', { params: { id: deviceId } })
  })

  test('devices that wait to be claimed', async () => {
    const body = { key: 'key of those that wait' }
    const { id } = (await good('createProfile', { body: { name: 'of those that wait' } })).json
    await good('enableProvisioning', { params: { id }, body })
    for (const saidId of ['W1', 'W2']) {
      const said = { id: saidId, ports: 4 }
      const registered = await fetch(`${platform.url}/device/register`, {
        method: 'POST',
        headers: { authorization: `bearer ${body.key}` },
        body: JSON.stringify(said),
      })
      expect(await registered.json()).toEqual({ registered: true })
    }
    const { items } = (await good('listWaitingDevices')).json
    expect(items).toMatchObject([
      { saidId: 'W2', profile: 'of those that wait', facts: { ports: 4 }, times: 1 },
      { saidId: 'W1' },
    ])
    const [second, first] = items.map((each: { id: string }) => each.id)
    const both = { body: { ids: [first, second], name: 'one name' } }
    expectProblem(await ask(platform, 'claimWaitingDevices', both), 400, 'request.malformed')
    const claimed = (await good('claimWaitingDevices', { body: { ids: [first] } })).json
    expect(claimed.items).toMatchObject([{ waitingId: first, name: 'W1' }])
    const [{ deviceId }] = claimed.items
    const again = await ask(platform, 'claimWaitingDevices', { body: { ids: [first] } })
    expectProblem(again, 404, 'registration.unknown')
    await good('forgetWaitingDevice', { params: { id: second } })
    expect((await good('listWaitingDevices')).json.items).toEqual([])
    const anew = { body: { deviceIds: [deviceId] } }
    expect((await good('reEnrolDevices', anew)).json).toEqual({ devices: 1 })
    const other = { body: { deviceIds: [ids.device ?? ''] } }
    expectProblem(await ask(platform, 'reEnrolDevices', other), 409, 'registration.none')
    await good('removeDevice', { params: { id: deviceId } })
    await good('removeProfile', { params: { id } })
  })

  test('artifact stores', async () => {
    const { items } = (await good('listArtifactStores')).json
    const progress = { toCome: 0, toLeave: 0, error: null }
    expect(items).toEqual([
      { name: 'default', kind: 'file', isDefault: true, progress },
      { name: 'second', kind: 'file', isDefault: false, progress },
    ])
    const begun = await good('moveArtifacts', { body: { from: 'second', to: 'default' } })
    expect(begun.json).toEqual({ artifacts: 0 })
    const refused = await ask(platform, 'moveArtifacts', {
      body: { from: 'default', to: 'second' },
    })
    expectProblem(refused, 409, 'artifact-store.in-use')
  })

  test('clouds and their tokens', async () => {
    const body = { name: 'europe', publicUrl: 'https://eu.updates.example/', region: 'eu' }
    const cloud = (await good('createCloud', { body })).json
    expect(cloud).toMatchObject({
      ...body,
      publicUrl: 'https://eu.updates.example',
      deviceCount: 0,
    })
    const params = { id: cloud.id }
    const elsewhere = { params, body: { artifactStore: 'nowhere' } }
    expectProblem(await ask(platform, 'changeCloud', elsewhere), 404, 'artifact-store.unknown')
    const changed = (await good('changeCloud', { params, body: { region: null } })).json
    expect(changed).toEqual({ ...cloud, region: null })
    const device = { params: { id: ids.device ?? '' }, body: { cloudId: cloud.id } }
    expect((await good('changeDevice', device)).json).toMatchObject({ cloud: 'europe' })
    expect((await good('countDevices', { query: { cloud: 'europe' } })).json.count).toBe(1)
    const holds = { query: { filter: 'cloud == "europe"' } }
    expect((await good('countDevices', holds)).json.count).toBe(1)
    expect((await good('listClouds')).json.items).toEqual([{ ...changed, deviceCount: 1 }])
    expect((await good('showCloud', { params })).json).toEqual({ ...changed, deviceCount: 1 })
    const { token, ...made } = (await good('createCloudToken', { params })).json
    expect(token.length).toBeLessThanOrEqual(128)
    expect((await good('listCloudTokens', { params })).json.items).toEqual([made])
    await good('revokeCloudToken', { params: { ...params, tokenId: made.id } })
    expect((await good('listCloudTokens', { params })).json.items).toEqual([])
    expectProblem(await ask(platform, 'removeCloud', { params }), 409, 'cloud.in-use')
    await good('changeDevice', { ...device, body: { cloudId: null } })
    await good('removeCloud', { params })
  })

  test('the realm, its keys, and devices that are paired in it', async () => {
    expectProblem(await ask(platform, 'showRealm'), 404, 'realm.none')
    expectProblem(await ask(platform, 'setRealm', { body: {} }), 400, 'request.malformed')
    const profileId = ids.profile ?? ''
    const misnamed = { body: { name: 'Fleet', profileId } }
    expectProblem(await ask(platform, 'setRealm', misnamed), 422, 'realm.invalid')
    const realm = (await good('setRealm', { body: { name: 'fleet', profileId } })).json
    expect(realm).toMatchObject({ name: 'fleet', profileId, profile: 'sensor', deviceCount: 0 })
    expect((await good('showRealm')).json).toEqual(realm)
    const rotated = (await good('rotateRealmKey')).json
    expect(rotated.publicKey).not.toBe(realm.publicKey)
    const { token, expiresAt } = (await good('createAgentToken', { body: { days: 2 } })).json
    expect(token.split('.')).toHaveLength(3)
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(86_400_000)
    const tooLong = { body: { days: 36_500 } }
    expectProblem(await ask(platform, 'createAgentToken', tooLong), 400, 'request.malformed')
    const elsewhere = { body: { profile: 'nowhere' } }
    expectProblem(await ask(platform, 'createAgentToken', elsewhere), 404, 'profile.unknown')

    const weak = generateKeyPairSync('rsa', {
      modulusLength: 1024,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    for (const publicKey of ['no key', weak.publicKey, weak.privateKey]) {
      const added = await ask(platform, 'addRealmKey', { body: { name: 'weak', publicKey } })
      expectProblem(added, 422, 'realm.invalid')
    }
    const key = (await good('addRealmKey', { body: { name: 'old', publicKey: realm.publicKey } }))
      .json
    expect((await good('listRealmKeys')).json.items).toEqual([key])
    await good('removeRealmKey', { params: { id: key.id } })
    expect((await good('showDeviceAuthority')).json.certificate).toContain('BEGIN CERTIFICATE')

    const params = { id: ids.device ?? '' }
    expectProblem(await ask(platform, 'showPairing', { params }), 404, 'pairing.none')
    const wrong = { params, body: { astarteId: 'd1' } }
    expectProblem(await ask(platform, 'pairDevice', wrong), 422, 'pairing.id-malformed')
    const body = { astarteId: 'ABEiM0RVZneImaq7zN3u_z' }
    const { credentialsSecret, ...pairing } = (await good('pairDevice', { params, body })).json
    expect(credentialsSecret).toMatch(/^[\w+/]{43}=$/)
    expect(pairing).toMatchObject({ astarteId: 'ABEiM0RVZneImaq7zN3u_w', status: 'pending' })
    expect((await good('showDevice', { params })).json.astarteId).toBe(pairing.astarteId)
    const again = (await good('pairDevice', { params, body })).json
    expect(again.credentialsSecret).not.toBe(credentialsSecret)
    const other = { params, body: { astarteId: 'A'.repeat(22) } }
    expectProblem(await ask(platform, 'pairDevice', other), 409, 'pairing.duplicate')
    const inhibited = { params, body: { isInhibited: true } }
    expect((await good('changePairing', inhibited)).json.status).toBe('inhibited')
    await good('changePairing', { params, body: { isInhibited: false } })
    expect((await good('unpairDevice', { params })).json).toEqual(pairing)
    expect((await good('showPairing', { params })).json).toEqual(pairing)
    expectProblem(await ask(platform, 'removeRealm'), 409, 'realm.in-use')
    expectProblem(await ask(platform, 'setRealm', { body: { name: 'x' } }), 409, 'realm.in-use')
    await query(platform.connectionString, 'delete from pairings')
    await good('removeRealm')
  })

  test('the cluster that serves the devices of a realm', async () => {
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-384',
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    })
    const body = { baseUrl: 'http://127.0.0.1:2/', privateKey }
    expectProblem(await ask(platform, 'setCluster', { body }), 404, 'realm.none')
    await good('setRealm', { body: { name: 'away', profileId: ids.profile ?? '' } })
    expectProblem(await ask(platform, 'showCluster'), 404, 'cluster.none')
    expectProblem(await ask(platform, 'checkCluster'), 404, 'cluster.none')
    for (const wrong of [
      { ...body, privateKey: 'no key' },
      { ...body, privateKey: undefined },
      { ...body, baseUrl: 'ftp://astarte.example' },
      { ...body, baseUrl: 'https://me:secret@astarte.example' },
    ]) {
      expectProblem(await ask(platform, 'setCluster', { body: wrong }), 422, 'cluster.invalid')
    }
    const cluster = (await good('setCluster', { body })).json
    expect(cluster).toMatchObject({
      baseUrl: 'http://127.0.0.1:2',
      realm: 'away',
      algorithm: 'ES384',
      triggersCall: `${platform.url}/astarte/v1/away/triggers`,
    })
    expect((await good('showCluster')).text).not.toContain('PRIVATE KEY')
    const elsewhere = { baseUrl: 'http://127.0.0.1:2', realm: 'there' }
    expect((await good('setCluster', { body: elsewhere })).json.realm).toBe('there')
    const check = (await good('checkCluster')).json
    expect(check).toMatchObject({ isWell: false, items: [{ what: 'realm management' }, {}] })
    expect(check.items[0]?.message).toContain('ECONNREFUSED')
    expectProblem(await ask(platform, 'removeRealm'), 409, 'realm.in-use')
    expect((await good('removeCluster')).json.untakenBack).toContain('ECONNREFUSED')
    expectProblem(await ask(platform, 'removeCluster'), 404, 'cluster.none')
    await good('removeRealm')
  })

  test("what is set for devices of a profile that speak hawkBit's language", async () => {
    const params = { id: ids.profile ?? '' }
    const before = (await good('showHawkbitSettings', { params })).json
    expect(before).toMatchObject({ client: null, targetToken: true, gatewayToken: false })
    const wrong = { params, body: { pollSeconds: 0 } }
    expectProblem(await ask(platform, 'changeHawkbitSettings', wrong), 422, 'settings.invalid')
    const body = { client: 'rauc', authorities: ['AB'] }
    const after = (await good('changeHawkbitSettings', { params, body })).json
    expect(after).toEqual({ ...before, client: 'rauc', authorities: ['ab'] })
    expect((await good('showHawkbitSettings', { params })).json).toEqual(after)
    await good('changeHawkbitSettings', { params, body: { client: null, authorities: [] } })
  })

  test("a device that speaks hawkBit's language, asked for its attributes", async () => {
    const device = { params: { id: ids.device ?? '' } }
    const { dialect } = (await good('showDevice', device)).json
    const speaks = (language: string | null) =>
      query(
        platform.connectionString,
        'update device_presence set dialect = $2 where device_id = $1',
        [ids.device, language],
      )
    await speaks('coap')
    expectProblem(await ask(platform, 'askForAttributes', device), 409, 'hawkbit.none')
    // One that never came may be about to.
    for (const language of ['hawkbit', null]) {
      await speaks(language)
      await query(platform.connectionString, 'delete from hawkbit_devices', [])
      await good('askForAttributes', device)
      const text = 'select wants_attributes from hawkbit_devices where device_id = $1'
      const [row] = await query(platform.connectionString, text, [ids.device])
      expect(row).toEqual({ wants_attributes: true })
    }
    await speaks(dialect)
  })

  test('where boxes of a profile reach the server, and a box that restarts', async () => {
    const params = { id: ids.profile ?? '' }
    const device = { params: { id: ids.device ?? '' } }
    expectProblem(await ask(platform, 'showBoxServer', { params }), 404, 'box.server-none')
    const wrong = { params, body: { url: 'boxes.example', series: '17.0' } }
    expectProblem(await ask(platform, 'setBoxServer', wrong), 422, 'box.invalid')
    const body = { url: 'https://boxes.example/', series: '17.0' }
    const server = (await good('setBoxServer', { params, body })).json
    expect(server).toMatchObject({ url: 'https://boxes.example', series: '17.0' })
    expect((await good('showBoxServer', { params })).json).toEqual(server)
    await good('removeBoxServer', { params })
    expectProblem(await ask(platform, 'removeBoxServer', { params }), 404, 'box.server-none')

    expectProblem(await ask(platform, 'restartBox', device), 404, 'box.none')
    await query(
      platform.connectionString,
      `insert into boxes (device_id, tenant_id, channel) select id, tenant_id, 'c' from devices where id = $1`,
      [ids.device],
    )
    expectProblem(await ask(platform, 'restartBox', device), 409, 'box.cannot-restart')
    const tells = (inventory: object) =>
      query(platform.connectionString, 'update devices set inventory = $2 where id = $1', [
        ids.device,
        inventory,
      ])
    const { inventory } = (await good('showDevice', device)).json
    await tells({ ...inventory, generation: 'G19' })
    await good('restartBox', device)
    await good('loadHandlers', device)
    await tells(inventory)
    await query(platform.connectionString, 'delete from boxes', [])
  })

  test('the form of a box, and what it logs', async () => {
    const device = { params: { id: ids.device ?? '' } }
    expectProblem(await ask(platform, 'showBox', device), 404, 'box.none')
    expectProblem(await ask(platform, 'setBoxForm', { ...device, body: {} }), 404, 'box.none')
    const { inventory, attributes } = (await good('showDevice', device)).json
    await query(platform.connectionString, 'update devices set inventory = $2 where id = $1', [
      ids.device,
      { ...inventory, box: {} },
    ])
    const shown = await good('showBox', device)
    expect(shown.json).toMatchObject({ kind: 'updraft', form: DEFAULT_BOX_FORM, wishes: [] })
    const wrong = { ...device, body: { windows: 'at night' } }
    expectProblem(await ask(platform, 'setBoxForm', wrong), 422, 'box.invalid')
    const body = { automaticDriversUpdate: false, layers: { image: { channel: 'beta' } } }
    const set = await good('setBoxForm', {
      ...device,
      body,
      headers: { 'if-match': shown.headers.get('etag') ?? '' },
    })
    expect(set.json.form).toEqual({
      ...DEFAULT_BOX_FORM,
      automaticDriversUpdate: false,
      layers: { ...DEFAULT_BOX_FORM.layers, image: { channel: 'beta', updates: 'button' } },
    })
    const late = { ...device, body, headers: { 'if-match': shown.headers.get('etag') ?? '' } }
    expectProblem(await ask(platform, 'setBoxForm', late), 412, 'request.version-mismatch')
    const filter = 'attributes.box.layers.image.channel == "beta"'
    expect((await good('countDevices', { query: { filter } })).json).toEqual({ count: 1 })
    await good('loadHandlers', device)
    expect((await good('showBox', device)).json.wishes).toMatchObject([{ kind: 'load-handlers' }])
    expect((await good('listLogLines', device)).json.items).toEqual([])
    await good('changeDevice', { ...device, body: { attributes } })
    await query(platform.connectionString, 'update devices set inventory = $2 where id = $1', [
      ids.device,
      inventory,
    ])
  })

  test('customers', async () => {
    const { json } = await good('createCustomer', { body: { name: ' acme ' } })
    expect(json).toMatchObject({ name: 'acme', deviceCount: 0, userCount: 0 })
    ids.customer = json.id
    const params = { id: json.id }
    const changed = await good('changeDevice', {
      params: { id: ids.device ?? '' },
      body: { customerId: json.id },
    })
    expect(changed.json).toMatchObject({ customer: 'acme', customerId: json.id })
    const { items } = (await good('listDevices', { query: { customer: 'acme' } })).json
    expect(items.map(({ name }: { name: string }) => name)).toEqual(['d1'])
    expectProblem(await ask(platform, 'removeCustomer', { params }), 409, 'customer.in-use')
    await good('changeDevice', { params: { id: ids.device ?? '' }, body: { customerId: null } })
    const renamed = await good('changeCustomer', { params, body: { name: 'acme ltd' } })
    expect((await good('showCustomer', { params })).json).toEqual(renamed.json)
    expect((await good('listCustomers')).json.items).toEqual([renamed.json])
    const user = await addOperator(platform, { name: 'carl', role: 'customer-user' })
    const device = await platform.addDevice('d2', 'sensor')
    await send(`${platform.url}/api/v1/${device}/claim`, 'POST', { body: {}, token: null })
    const claimed = await good('claimDevice', { body: { name: 'd2' }, token: user })
    expect(claimed.json).toMatchObject({ name: 'd2', customer: 'customer of carl' })
    await good('giveBackDevice', { params: { id: claimed.json.id }, token: user })
    const spare = await good('createCustomer', { body: { name: 'spare customer' } })
    await good('removeCustomer', { params: { id: spare.json.id } })
  })

  test('people', async () => {
    const { json } = await good('createOperator', { body: { name: 'vera', role: 'viewer' } })
    expect(json).toMatchObject({ name: 'vera', role: 'viewer', customer: null })
    const params = { id: json.id }
    const body = { role: 'customer-user', customerId: ids.customer }
    const { password: _shown, ...changed } = json
    expect((await good('changeOperator', { params, body })).json).toEqual({
      ...changed,
      role: 'customer-user',
      customer: 'acme ltd',
      customerId: ids.customer,
    })
    expect((await good('showOperator', { params })).json.role).toBe('customer-user')
    const { items } = (await good('listOperators', { query: { customer: 'acme ltd' } })).json
    expect(items.map(({ name }: { name: string }) => name)).toEqual(['vera'])
    const chosen = { password: 'a password of hers' }
    expect((await good('resetPassword', { params, body: chosen })).json).toEqual({ password: null })
    const madeUp = (await good('resetPassword', { params, body: {} })).json.password
    const signedIn = await ask(platform, 'signIn', {
      body: { name: 'vera', password: madeUp },
      token: null,
    })
    expect(signedIn.json.operator).toMatchObject({ name: 'vera', customer: 'acme ltd' })
    await good('removeOperator', { params })
  })

  test('tenants', async () => {
    const administrator = { name: 'tess' }
    const { json } = await good('createTenant', { body: { name: 'second', administrator } })
    expect(json).toMatchObject({ name: 'second', administrator })
    const signedIn = await ask(platform, 'signIn', {
      body: { name: 'tess', password: json.administrator.password },
      token: null,
    })
    expect(signedIn.json.operator.role).toBe('tenant-administrator')
    const { items } = (await good('listTenants', { query: { sort: 'createdAt' } })).json
    expect(items.map(({ name }: { name: string }) => name)).toEqual(['default', 'second'])
    const params = { id: json.id }
    const renamed = await good('changeTenant', { params, body: { name: 'another' } })
    expect(renamed.json).toEqual({ id: json.id, name: 'another', createdAt: json.createdAt })
    await good('removeTenant', { params })
    const own = { id: items[0].id }
    expectProblem(await ask(platform, 'removeTenant', { params: own }), 409, 'tenant.in-use')
  })

  test('settings', async () => {
    const ofServer = {
      silenceDeadlineSeconds: 3600,
      maxRetries: 5,
      pacePackSize: 100,
      paceIntervalMs: 60_000,
      retentionDays: 365,
    }
    const own = eachSetting(() => null)
    expect((await good('showSettings')).json).toEqual({ inForce: ofServer, own, ofServer })
    const changed = (await good('changeSettings', { body: { maxRetries: 3, pacePackSize: 7 } }))
      .json
    expect(changed).toEqual({
      inForce: { ...ofServer, maxRetries: 3, pacePackSize: 7 },
      own: { ...own, maxRetries: 3, pacePackSize: 7 },
      ofServer,
    })
    await good('changeSettings', { body: { pacePackSize: null } })
    expect((await good('showSettings')).json.own).toEqual({ ...own, maxRetries: 3 })
  })

  test('tokens, the session and the audit log', async () => {
    const { json } = await good('createToken', { body: { name: 'CI' } })
    expect((await ask(platform, 'overview', { token: json.token })).status).toBe(200)
    const { token: _secret, ...shown } = json
    const { items } = (await good('listTokens')).json
    expect(items[0]).toMatchObject({ ...shown, lastUsedAt: expect.any(String) })
    await good('revokeToken', { params: { id: json.id } })
    expectProblem(
      await ask(platform, 'overview', { token: json.token }),
      401,
      'access.unauthenticated',
    )
    expect((await good('showSession')).json).toMatchObject({
      operator: { name: 'admin', role: 'system-administrator' },
    })
    await query(platform.connectionString, 'update operators set password_hash = $1', [
      quickHash('the first one'),
    ])
    await good('changePassword', {
      body: { password: 'the first one', newPassword: 'the second one' },
    })
    await good('signOut')
    await good('signOutEverywhere')
    const audit = (await good('listEvents', { query: { limit: 3 } })).json
    expect(audit.items).toHaveLength(3)
    expect(audit.nextCursor).not.toBeNull()
    const ofDevices = (await good('listEvents', { query: { kind: 'device' } })).json.items
    expect(ofDevices.every(({ kind }: { kind: string }) => kind.startsWith('device.'))).toBe(true)
    const ofDevice = (await good('listEvents', { query: { deviceId: ids.device } })).json.items
    expect(new Set(ofDevice.map((each: { deviceId: string }) => each.deviceId))).toEqual(
      new Set([ids.device]),
    )
  })

  test('how many devices there are, and what they are by the names ThingsBoard has', async () => {
    const params = { id: ids.device ?? '' }
    const { items: labels } = (await good('listLabels')).json
    for (const { devices } of labels) expect(devices).toBeGreaterThan(0)
    const count = (await good('countDevices', { query: { profile: 'sensor' } })).json.count
    const listed = (await good('listDevices', { query: { profile: 'sensor', limit: 500 } })).json
    expect(count).toBe(listed.items.length)
    const keys = (await good('listTimeseriesKeys', { params })).json
    expect(keys).toContain('target_fw_title')
    const { json } = await good('showTimeseries', { params, query: { keys: 'target_fw_version' } })
    expect(json).toEqual({ target_fw_version: [{ ts: expect.any(Number), value: '3.0.0' }] })
    const shared = await good('showAttributes', { params: { ...params, scope: 'SHARED_SCOPE' } })
    expect(shared.json).toEqual(expect.any(Array))
  })

  test('none was left out but the sign-in, which has a story of its own', () => {
    const left = Object.keys(ROUTES).filter((name) => !answered.has(name as RouteName))
    expect(left).toEqual(['signIn'])
  })
})

test('the audit log says who did what, for every change', async () => {
  const events: { kind: string; actor: { name: string }; subject: { name: string } }[] = []
  let cursor: string | undefined
  do {
    const { json } = await good('listEvents', { query: { limit: 20, cursor } })
    events.push(...json.items)
    cursor = json.nextCursor ?? undefined
  } while (cursor)
  const lines = events
    .toReversed()
    .map(({ kind, actor, subject }) => `${actor.name}: ${kind} ${subject.name}`)
    // The administrator's first token, and what the server does when it gets round to it.
    .filter((line) => !line.includes('first start') && !line.startsWith('updraft: operation.'))
  expect(lines).toEqual([
    'admin: profile.created sensor',
    'admin: profile.changed sensor',
    'admin: profile.changed sensor',
    'admin: profile.created spare',
    'admin: profile.removed spare',
    'admin: device.created d1',
    'admin: device.changed d1',
    'admin: device.token-replaced d1',
    'admin: device.token-replaced d1',
    'admin: device.credential-added d1',
    'admin: device.credential-added d1',
    'admin: device.credential-removed d1',
    'admin: device.created i1',
    'admin: device.created i2',
    'admin: device.removed i2',
    `admin: artifact.stored ${SHA256}`,
    'admin: release.created app@1.0.0',
    'admin: release.changed app@1.0.0',
    'admin: release.downloaded app@1.0.0',
    'admin: release.created app@2.0.0',
    'admin: release.removed app@2.0.0',
    'admin: assignment.made sensor',
    'admin: assignment.made d1',
    'admin: assignment.withdrawn d1',
    'admin: assignment.withdrawn sensor',
    'admin: device.changed d1',
    'admin: release.created app@3.0.0',
    'admin: assignment.made d1',
    'admin: operation.forced app@3.0.0',
    'admin: operation.ended app@3.0.0',
    'admin: operation.opened app@3.0.0',
    'admin: operation.ended app@3.0.0',
    'admin: assignment.withdrawn d1',
    'admin: release.removed app@3.0.0',
    'admin: action.refused app@3.0.0',
    'admin: device.updated-by-hand d1',
    'admin: operation.opened debug@1',
    'admin: operation.ended debug@1',
    `admin: artifact.stored ${createHash('sha256').update(PIECE).digest('hex')}`,
    'admin: group.created Sensors',
    'admin: group.changed All sensors',
    'admin: channel.created C',
    'admin: channel.changed C',
    'admin: channel.removed C',
    'admin: group.removed All sensors',
    'admin: hardware-type.created Board',
    'admin: hardware-type.changed Board',
    'admin: system-model.created Gate',
    'admin: system-model.changed Gate',
    'admin: action.refused Board',
    'admin: system-model.removed Gate',
    'admin: hardware-type.removed Board',
    'admin: profile.created campaigned',
    'admin: device.created of a campaign',
    `admin: artifact.stored ${SHA256}`,
    'admin: release.created os@2',
    `admin: artifact.stored ${SHA256}`,
    'admin: release.created os@1',
    'admin: campaign.created later',
    'admin: campaign.changed much later',
    'admin: campaign.removed much later',
    'admin: campaign.created C',
    'admin: campaign.moved C',
    'admin: campaign.moved C',
    'admin: campaign.moved C',
    'admin: action.refused C',
    'of a campaign: operation.ended os@2',
    'updraft: campaign.ended C',
    'admin: campaign.retried C',
    'admin: campaign.moved C',
    'of a campaign: operation.ended os@2',
    'updraft: campaign.ended C',
    'admin: campaign.created Roll back C',
    'admin: campaign.moved Roll back C',
    'admin: campaign.ended Roll back C',
    'admin: device.removed of a campaign',
    'admin: profile.created policed',
    'admin: device.created of a policy',
    `admin: artifact.stored ${SHA256}`,
    'admin: release.created fw@2.0.0',
    'admin: policy.published policed',
    'admin: action.refused fw@2.0.0',
    'of a policy: operation.ended fw@2.0.0',
    'admin: action.refused fw@2.0.0',
    'admin: policy.disabled policed',
    'admin: policy.enabled policed',
    'admin: policy.removed policed',
    'admin: device.removed of a policy',
    'admin: profile.created of those that wait',
    'admin: profile.changed of those that wait',
    'admin: action.refused ',
    'admin: device.created W1',
    'admin: action.refused ',
    'admin: registration.forgotten of those that wait',
    'admin: device.re-enrolled W1',
    'admin: action.refused ',
    'admin: device.removed W1',
    'admin: profile.removed of those that wait',
    'admin: artifact-store.moved second',
    'admin: action.refused second',
    'admin: cloud.created europe',
    'admin: action.refused europe',
    'admin: cloud.changed europe',
    'admin: device.changed d1',
    'admin: cloud.token-created europe',
    'admin: cloud.token-revoked europe',
    'admin: action.refused europe',
    'admin: device.changed d1',
    'admin: cloud.removed europe',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: realm.created fleet',
    'admin: realm.key-rotated fleet',
    'admin: realm.token-made fleet',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: realm.key-added fleet',
    'admin: realm.key-removed fleet',
    'admin: action.refused d1',
    'admin: device.paired d1',
    'admin: device.paired d1',
    'admin: action.refused d1',
    'admin: device.inhibited d1',
    'admin: device.allowed d1',
    'admin: device.unpaired d1',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: realm.removed fleet',
    'admin: action.refused ',
    'admin: realm.created away',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: action.refused ',
    'admin: realm.cluster-set away',
    'admin: realm.cluster-set away',
    'admin: action.refused ',
    'admin: realm.cluster-removed away',
    'admin: action.refused ',
    'admin: realm.removed away',
    'admin: action.refused sensor',
    'admin: profile.changed sensor',
    'admin: profile.changed sensor',
    'admin: action.refused d1',
    'admin: device.attributes-asked d1',
    'admin: device.attributes-asked d1',
    'admin: action.refused sensor',
    'admin: profile.changed sensor',
    'admin: profile.changed sensor',
    'admin: action.refused sensor',
    'admin: action.refused d1',
    'admin: action.refused d1',
    'admin: device.restart-asked d1',
    'admin: device.load-handlers-asked d1',
    'admin: action.refused d1',
    'admin: action.refused d1',
    'admin: device.changed d1',
    'admin: action.refused d1',
    'admin: device.load-handlers-asked d1',
    'admin: device.changed d1',
    'admin: customer.created acme',
    'admin: device.changed d1',
    'admin: action.refused acme',
    'admin: device.changed d1',
    'admin: customer.changed acme ltd',
    'admin: device.created d2',
    'd2: device.claimable d2',
    'carl: device.claimed d2',
    'carl: device.given-back d2',
    'admin: customer.created spare customer',
    'admin: customer.removed spare customer',
    'admin: operator.created vera',
    'admin: operator.changed vera',
    'admin: operator.changed vera',
    'admin: operator.changed vera',
    'vera: operator.signed-in vera',
    'admin: operator.removed vera',
    'admin: tenant.created second',
    'admin: tenant.changed another',
    'admin: tenant.removed another',
    // Its own, made at the first start, which no event tells the name of.
    'admin: action.refused ',
    'admin: settings.changed default',
    'admin: settings.changed default',
    'admin: token.created CI',
    'admin: token.revoked CI',
    'admin: operator.changed admin',
    'admin: operator.signed-out admin',
  ])
})

describe('the description of the API', () => {
  // biome-ignore lint/suspicious/noExplicitAny: a document that is walked.
  let document: any
  beforeAll(async () => {
    const answer = await send(`${platform.url}/api/openapi.json`, 'GET', { token: null })
    expect(answer.status).toBe(200)
    document = answer.json
  })
  const routes = Object.entries(ROUTES) as [RouteName, Route][]

  test('is OpenAPI 3.1, and names its schemas', () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(document.info).toMatchObject({ title: 'Updraft', version: expect.stringMatching(/^\d/) })
    expect(Object.keys(document.components.schemas)).toEqual(
      expect.arrayContaining(['Device', 'DeviceDraft', 'Release', 'Operation', 'Problem', 'State']),
    )
  })

  test.each(routes)('holds %s', (name, route) => {
    const path = `/api${route.path.replace(/:(\w+)/g, '{$1}')}`
    const described = document.paths[path]?.[route.method.toLowerCase()]
    expect(described).toMatchObject({
      operationId: name,
      summary: route.summary,
      tags: [route.tag],
    })
    const names = [...route.path.matchAll(/:(\w+)/g)].map(([, parameter]) => parameter)
    const parameters = (described.parameters ?? []) as { in: string; name: string }[]
    expect(parameters.filter((each) => each.in === 'path').map((each) => each.name)).toEqual(names)
    const queried = parameters.filter((each) => each.in === 'query').map((each) => each.name)
    expect(queried).toEqual(Object.keys(route.query?.shape ?? {}))
    const body = Object.keys(described.requestBody?.content ?? {})
    expect(body).toEqual(
      route.body === undefined
        ? []
        : [route.body === 'bytes' ? 'application/octet-stream' : 'application/json'],
    )
    const status = route.status ?? (route.response === 'nothing' ? 204 : 200)
    const statuses = route.response === 'bytes' ? ['200', '206'] : [String(status)]
    expect(Object.keys(described.responses).toSorted()).toEqual([...statuses, 'default'])
    expect(Object.keys(described.responses.default.content)).toEqual(['application/problem+json'])
    expect(described.responses.default.description).not.toBe('Default Response')
  })

  test('refers to nothing that is not in it', () => {
    const missing: string[] = []
    const ids: string[] = []
    const walk = (value: unknown) => {
      if (typeof value !== 'object' || value === null) return
      for (const [key, inner] of Object.entries(value)) {
        if (key === '$ref') {
          const target = String(inner)
            .replace(/^#\//, '')
            .split('/')
            .reduce((at, part) => at?.[part], document)
          if (!String(inner).startsWith('#/') || target === undefined) missing.push(String(inner))
        }
        if (key === 'operationId') ids.push(String(inner))
        walk(inner)
      }
    }
    walk(document)
    expect(missing).toEqual([])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('describes nothing the table of routes does not', () => {
    const described = Object.values(document.paths as Record<string, object>).flatMap(Object.keys)
    expect(described).toHaveLength(routes.length)
  })

  test('is shown by a page that fetches from nowhere else', async () => {
    const page = await send(`${platform.url}/api/docs/`, 'GET', { token: null })
    expect(page.status).toBe(200)
    expect(page.headers.get('content-type')).toContain('text/html')
    const addresses = [...page.text.matchAll(/(?:src|href)\s*=\s*["']?([^"'\s>]+)/g)].map(
      ([, address]) => address ?? '',
    )
    expect(addresses.filter((address) => /^(https?:)?\/\//.test(address))).toEqual([])
    expect(addresses.length).toBeGreaterThan(0)
    for (const address of addresses) {
      const part = await send(new URL(address, `${platform.url}/api/docs/`).href, 'GET', {
        token: null,
      })
      expect(part.status, address).toBe(200)
    }
    expect(page.text).toContain('/api/openapi.json')
  })
})

test('health, readiness and figures are there for whoever watches', async () => {
  const get = (path: string) => send(`${platform.url}${path}`, 'GET', { token: null })
  expect((await get('/healthz')).json).toEqual({ status: 'alive' })
  expect((await get('/readyz')).json).toEqual({ status: 'ready' })
  const { text } = await get('/metrics')
  expect(text).toMatch(/updraft_http_request_duration_seconds_count\{.*route="\/api\/devices\/:id"/)
  expect(text).toMatch(/updraft_operations_total\{state="QUEUED",type="firmware"\} \d/)
  expect(text).not.toContain(ids.device)
})
