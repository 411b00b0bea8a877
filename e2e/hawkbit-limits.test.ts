/** What a device's client cannot take is refused to whoever wants to bring it, or passed over, with the reason. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { raucUpdater } from './hawkbit-clients.ts'
import { hawkbitDevice } from './hawkbit-device.ts'
import { addSet, management } from './hawkbit-management.ts'
import { ask } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const REFUSAL = /SWUpdate takes files that end in \.swu or \.zck, not (os|bundle)\.raucb\./

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('hawkbit')
})
afterAll(() => platform.stop())

const bytes = () => new Uint8Array(randomBytes(1000))

/** A device that has come, and by that said what it is. */
async function swupdate(name: string): Promise<{ poll(): Promise<unknown> }> {
  const authorization = `TargetToken ${await platform.addDevice(name, 'hawkbit')}`
  const userAgent = 'libcurl-agent/1.0'
  const { url } = platform
  const device = hawkbitDevice({ url, controllerId: name, authorization, userAgent })
  await device.poll()
  return device
}

test('an update by hand is refused', async () => {
  await swupdate('by-hand')
  const { id } = await platform.device('by-hand')
  const { sha256 } = await platform.api('uploadArtifact', { body: bytes() })
  const body = { title: 'debug', version: '1', sha256, fileName: 'os.raucb' }
  const answer = await ask(platform, 'updateByHand', { params: { id }, body })
  expect([answer.status, answer.json.code]).toEqual([422, 'release.unspeakable'])
  expect(answer.json.detail).toMatch(REFUSAL)
  expect((await platform.device('by-hand')).operation).toBeNull()
})

test('a file whose path is too long for Zephyr is refused, with the name of the device in it', async () => {
  const profile = await platform.addProfile('zephyrs')
  const body = { client: 'zephyr' } as const
  await platform.api('changeHawkbitSettings', { params: { id: profile }, body })
  const token = await platform.addDevice('z', 'zephyrs')
  const longName = `z${'ä'.repeat(20)}`
  await platform.addDevice(longName, 'zephyrs')
  // What is left beside the longest number of a module, and a name of one letter.
  const fixed = '/default/controller/v1/z/softwaremodules/2147483647/artifacts/'.length
  const files = [199 - fixed, 200 - fixed].map((length) => `${'f'.repeat(length - 4)}.bin`)
  const answers: unknown[] = []
  for (const [index, fileName] of files.entries()) {
    const upload = { title: 'z', version: `${index}`, profile: 'zephyrs', bytes: bytes(), fileName }
    const releaseId = await platform.addRelease(upload)
    for (const name of ['z', longName]) {
      const { id } = await platform.device(name)
      const params = { id, type: 'firmware' }
      const { status, json } = await ask(platform, 'assignToDevice', {
        params,
        body: { releaseId },
      })
      answers.push([index, status, json.detail?.match(/takes a path of 199 .* has (\d+)/)?.[1]])
    }
  }
  expect(answers).toEqual([
    [0, 200, undefined],
    [0, 422, `${199 + 120}`],
    [1, 422, '200'],
    [1, 422, `${200 + 120}`],
  ])
  // The longest that is taken is told, and both addresses are short enough.
  const device = hawkbitDevice({
    url: platform.url,
    controllerId: 'z',
    authorization: `TargetToken ${token}`,
  })
  const link = (await device.linked('deploymentBase')) ?? ''
  expect(link.slice(link.indexOf('deploymentBase')).length).toBeLessThan(50)
  expect('deploymentBase/2147483647?c=-2147483648'.length).toBeLessThan(50)
  const { text } = await device.ask('GET', link)
  const href = /"download-http":\{"href":"([^"]+)"/.exec(text)?.[1] ?? ''
  expect(new URL(href).pathname.length).toBeLessThan(200)
  expect((await device.ask('GET', href)).status).toBe(200)
})

test('a distribution set is refused, and nothing of it is assigned', async () => {
  await swupdate('by-set')
  const manage = management(platform)
  const { setId } = await addSet(manage, { name: 'not theirs', bytes: bytes() })
  const { status, json } = await manage('POST', `distributionsets/${setId}/assignedTargets`, [
    { id: 'by-set' },
  ])
  expect([status, json.message]).toEqual([expect.any(Number), expect.stringMatching(REFUSAL)])
  expect(status).toBeGreaterThanOrEqual(400)
  expect(status).toBeLessThan(500)
  expect((await manage('GET', 'targets/by-set/assignedDS')).status).toBe(204)
  expect((await manage('GET', 'targets/by-set/actions')).json.total).toBe(0)
})

test('a campaign passes it over, and goes on with the others', async () => {
  const other = await swupdate('passed-over')
  const updater = raucUpdater({
    url: platform.url,
    controllerId: 'taken',
    authorization: `TargetToken ${await platform.addDevice('taken', 'hawkbit')}`,
  })
  await updater.once()
  const releaseId = await platform.addRelease({
    title: 'os of all',
    version: '2',
    profile: 'hawkbit',
    bytes: bytes(),
    fileName: 'os.raucb',
  })
  const { id } = await platform.api('createCampaign', {
    body: {
      name: 'all',
      releaseId,
      audience: { expression: 'name in ["passed-over", "taken"]' },
      settings: { forceDowngrade: true },
    },
  })
  const targets = async () => {
    const { items } = await platform.api('listTargets', { params: { id }, query: { limit: 10 } })
    return Object.fromEntries(items.map((each) => [each.device?.name, each]))
  }
  await expect
    .poll(
      async () => {
        await updater.once()
        await other.poll()
        const { taken, 'passed-over': passed } = await targets()
        return [taken?.status, passed?.status]
      },
      { timeout: 20_000 },
    )
    .toEqual(['successful', 'skipped'])
  expect((await targets())['passed-over']).toMatchObject({
    reason: { code: 'target.client', message: expect.stringMatching(REFUSAL) },
  })
  expect((await platform.device('passed-over')).operation).toBeNull()
})
