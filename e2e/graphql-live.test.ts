/** What is watched over GraphQL while it happens, files that are brought, and what a page of things costs. */
import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { runs, testDevice } from './device.ts'
import { askGraphql, type How, subscribeGraphql, type Told } from './graphql.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { serverProcess } from './server-process.ts'

let platform: TestPlatform
beforeEach(async () => {
  platform = await testPlatform()
  await platform.addProfile('box')
})
afterEach(() => platform.stop())

const good = async (query: string, variables?: How['variables']) => {
  const { data, errors } = await askGraphql(platform, query, { variables })
  expect(errors).toEqual([])
  return data
}
const addRelease = () =>
  platform.addRelease({ title: 'os', version: '2', profile: 'box', bytes: new Uint8Array([1, 2]) })

const CAMPAIGN = `mutation ($release: ID!) {
  createCampaign(input: {name: "C", expression: "true", campaignMechanism: {
    firmwareUpgrade: {baseImageId: $release, maxFailurePercentage: 50, maxInProgressOperations: 10}}
  }) { result { id totalTargetCount } errors { message } } }`

describe('subscriptions', () => {
  test('a campaign is told of with its counts as its devices go on, and its targets with it', async () => {
    const devices = []
    for (const name of ['a', 'b']) {
      const device = testDevice(platform.url, await platform.addDevice(name, 'box'))
      await device.checkIn(runs('os@1'))
      devices.push(device)
    }
    const { createCampaign } = await good(CAMPAIGN, { release: await addRelease() })
    const { id } = createCampaign.result
    const campaigns = subscribeGraphql(
      platform,
      `subscription ($id: ID!) { campaign(id: $id) { updated { status outcome successfulTargetCount failedTargetCount } } }`,
      { variables: { id } },
    )
    const targets = subscribeGraphql(
      platform,
      `subscription ($id: ID!) { campaignTargets(campaignId: $id) { missed updated { status device { name } operation { edgehogStatus statusCode } } } }`,
      { variables: { id } },
    )
    const told: Told[] = []
    const ofTargets: Told[] = []
    const listen = async (
      to: AsyncGenerator<Told>,
      into: Told[],
      isLast: (each: Told) => boolean,
    ) => {
      for await (const each of to) {
        into.push(each)
        if (isLast(each)) return
      }
    }
    const all = Promise.all([
      listen(campaigns, told, ({ data }) => data.campaign.updated?.outcome === 'SUCCESS'),
      listen(targets, ofTargets, () => {
        const ended = ofTargets.filter(
          ({ data }) => data.campaignTargets.updated?.status === 'SUCCESSFUL',
        )
        return new Set(ended.map(({ data }) => data.campaignTargets.updated.device.name)).size === 2
      }),
    ])
    for (const device of devices) {
      const { operation } = await device.offer(runs('os@1'))
      await device.report(operation, { state: 'UPDATED' })
    }
    await all
    expect(told.flatMap(({ errors }) => errors)).toEqual([])
    expect(told.at(-1)?.data.campaign.updated).toEqual({
      status: 'FINISHED',
      outcome: 'SUCCESS',
      successfulTargetCount: 2,
      failedTargetCount: 0,
    })
    expect(ofTargets.at(-1)?.data.campaignTargets.updated.operation).toEqual({
      edgehogStatus: 'SUCCESS',
      statusCode: null,
    })
  })

  test('devices and operations are told of with curl, as lines of server-sent events', async () => {
    const child = spawn('curl', [
      '-sN',
      `${platform.url}/api/graphql`,
      '-H',
      `Authorization: Bearer ${ADMIN_TOKEN}`,
      '--data',
      JSON.stringify({
        query: 'subscription { deviceChanged { created { name } updated { name } destroyed } }',
      }),
    ])
    let text = ''
    const heard = (what: string) =>
      new Promise<void>((resolve) => {
        const look = () => {
          if (!text.includes(what)) return
          child.stdout.off('data', look)
          resolve()
        }
        child.stdout.on('data', look)
        look()
      })
    child.stdout.on('data', (piece: Buffer) => {
      text += piece
    })
    await heard(':\n\n')
    await platform.addDevice('new', 'box')
    await heard(
      '{"data":{"deviceChanged":{"created":{"name":"new"},"updated":null,"destroyed":null}}}',
    )
    const { id } = await platform.device('new')
    await platform.api('removeDevice', { params: { id } })
    await heard('"destroyed":"')
    child.kill()
    await once(child, 'exit')
  })

  test('end with the token they were asked with, and are not begun by who may not', async () => {
    const { id, token } = await platform.api('createToken', { body: { name: 'short' } })
    const told = subscribeGraphql(platform, 'subscription { deviceChanged { created { name } } }', {
      token,
    })
    const first = told.next()
    await expect
      .poll(async () => {
        await platform.addDevice(`device ${Math.random()}`, 'box')
        return Promise.race([first.then(() => true), new Promise((done) => setTimeout(done, 300))])
      })
      .toBe(true)
    await platform.api('revokeToken', { params: { id } })
    // Whatever it had gathered comes, and then nothing.
    for await (const each of told) expect(each.errors).toEqual([])
    const { status } = await askGraphql(platform, 'subscription { deviceChanged { missed } }', {
      token,
    }).catch(() => ({ status: 401 }))
    expect(status).toBe(401)
  })

  test('end with the server', async () => {
    const told = subscribeGraphql(platform, 'subscription { deviceChanged { created { name } } }')
    const first = told.next()
    await expect
      .poll(async () => {
        await platform.addDevice(`device ${Math.random()}`, 'box')
        return Promise.race([first.then(() => true), new Promise((done) => setTimeout(done, 300))])
      })
      .toBe(true)
    await platform.restart()
    for await (const each of told) expect(each.errors).toEqual([])
  })
})

describe('a file', () => {
  const MANUAL = `mutation ($device: ID!, $file: Upload) {
    createManualOtaOperation(input: {deviceId: $device, baseImageFile: $file, version: "9"}) {
      result { state edgehogStatus version device { name } } errors { code message } } }`

  test('is brought to a device, in either way that clients have of sending one', async () => {
    const bytes = new Uint8Array([7, 7, 7])
    const send = async (form: FormData) => {
      const response = await fetch(`${platform.url}/api/graphql`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
        body: form,
      })
      return ((await response.json()) as { data: object }).data
    }
    const brought = (name: string) => ({
      createManualOtaOperation: {
        result: { state: 'QUEUED', edgehogStatus: 'PENDING', version: '9', device: { name } },
        errors: [],
      },
    })
    await platform.addDevice('a', 'box')
    await platform.addDevice('b', 'box')
    const spec = new FormData()
    const { id: device } = await platform.device('a')
    spec.set('operations', JSON.stringify({ query: MANUAL, variables: { device, file: null } }))
    spec.set('map', JSON.stringify({ 0: ['variables.file'] }))
    spec.set('0', new Blob([bytes]), 'a.bin')
    expect(await send(spec)).toEqual(brought('a'))
    const named = new FormData()
    named.set('query', MANUAL)
    const { id } = await platform.device('b')
    named.set('variables', JSON.stringify({ device: id, file: 'image' }))
    named.set('image', new Blob([bytes]), 'b.bin')
    expect(await send(named)).toEqual(brought('b'))
    // Neither a file nor a URL, or a part that did not come.
    const { createManualOtaOperation: neither } = await good(MANUAL, { device })
    expect(neither.errors).toMatchObject([{ code: 'request.malformed' }])
    const { createManualOtaOperation: absent } = await good(MANUAL, { device, file: 'image' })
    expect(absent.errors).toMatchObject([{ code: 'request.malformed' }])
  })

  test('of 200 MB passes through, and is never held', { timeout: 180_000 }, async () => {
    const server = await serverProcess()
    try {
      const file = join(server.dataFolder, 'large.bin')
      const out = createWriteStream(file)
      const hash = createHash('sha256')
      for (let written = 0; written < 200; written += 1) {
        const piece = randomBytes(1_000_000)
        hash.update(piece)
        if (!out.write(piece)) await once(out, 'drain')
      }
      out.end()
      await once(out, 'finish')
      const { id } = await server.api('createProfile', { body: { name: 'box' } })
      const query = `mutation ($profile: ID!, $file: Upload) { createRelease(input: {title: "large", version: "1", profileId: $profile, file: $file}) {
        result { sha256 sizeBytes fileName } errors { message } } }`
      const before = await server.memory()
      const { body } = await curl(
        `${server.url}/api/graphql`,
        '-H',
        `Authorization: Bearer ${ADMIN_TOKEN}`,
        '--form-string',
        `operations=${JSON.stringify({ query, variables: { profile: id, file: null } })}`,
        '--form-string',
        'map={"file": ["variables.file"]}',
        '--form',
        `file=@${file}`,
      )
      expect(JSON.parse(body)).toEqual({
        data: {
          createRelease: {
            result: { sha256: hash.digest('hex'), sizeBytes: 200_000_000, fileName: 'large.bin' },
            errors: [],
          },
        },
      })
      const after = await server.memory()
      // Who held it would hold all of it.
      expect(after.highestBytes - before.nowBytes).toBeLessThan(120_000_000)
    } finally {
      await server.remove()
    }
  })
})
