import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, request as httpRequest, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ArtifactStoreConfig } from '@updraft/server/config'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { S3_KEY, type TestS3, testS3 } from '../tools/test-s3.ts'
import { hawkbitDevice } from './hawkbit-device.ts'
import { ownDevice, thingsBoardDevice } from './mixed-fleet.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import {
  makeSwu,
  makeSwuSigner,
  type RunningSwupdate,
  type SwuSigner,
  startSwupdate,
  swupdateProgram,
} from './swupdate.ts'

const program = await swupdateProgram()

let platform: TestPlatform
let folder: string
let signer: SwuSigner
const running = new Set<RunningSwupdate>()
const proxies = new Set<Server>()

beforeAll(async () => {
  if (!program) return
  folder = await mkdtemp(join(tmpdir(), 'updraft-swupdate-'))
  signer = await makeSwuSigner(folder)
  platform = await testPlatform()
  const id = await platform.addProfile('board')
  await platform.api('changeHawkbitSettings', {
    params: { id },
    body: { client: 'swupdate', pollSeconds: 1 },
  })
})
afterEach(async () => {
  for (const each of running) await each.stop()
  running.clear()
  for (const proxy of [...proxies]) {
    proxy.closeAllConnections()
    await new Promise((resolve) => proxy.close(resolve))
    proxies.delete(proxy)
  }
})
afterAll(async () => {
  await platform?.stop()
  if (folder) await rm(folder, { recursive: true, force: true })
})

/**
 * As it runs on a board; `afterBoot` says what the boot loader says of the update before: 2 well, 3 badly. With
 * `isGateway` all it is told stands in its configuration, and the token is its profile's.
 */
async function start(
  name: string,
  token: string,
  {
    afterBoot,
    url = platform.url,
    isGateway = false,
  }: { afterBoot?: 2 | 3; url?: string; isGateway?: boolean } = {},
): Promise<RunningSwupdate> {
  const config = `globals : { verbose = true; };
identify : ( { name = "board"; value = "e2e"; }, { name = "serial"; value = "${name}"; } );
${isGateway ? `suricatta : { tenant = "default"; id = "${name}"; url = "${url}"; gatewaytoken = "${token}"; };` : ''}
`
  const said = isGateway ? '' : `-t default -u ${url} -i ${name} -k ${token}`
  const server = `${said}${afterBoot ? ` -c ${afterBoot}` : ''}`
  const state = join(folder, name)
  const started = await startSwupdate({ program: program ?? '', signer, config, server, state })
  running.add(started)
  return started
}

/** A release of a signed file that puts those bytes into a place of the device's own. */
async function release(
  name: string,
  bytes: Uint8Array,
  {
    at = platform,
    profile = 'board',
    type,
    version = '2.0',
  }: { at?: TestPlatform; profile?: string; type?: string; version?: string } = {},
): Promise<{ releaseId: string; path: string }> {
  const path = join(folder, `${name}.installed`)
  const files = [{ name: 'payload', bytes, path }]
  const swu = await makeSwu(join(folder, `${name}-swu`), signer, { version, files })
  await writeFile(join(folder, `${name}-swu`, 'whole'), swu)
  const releaseId = await at.addRelease({
    title: `rootfs of ${name}`,
    version,
    profile,
    type,
    bytes: new Uint8Array(swu),
    fileName: `${name}.swu`,
  })
  return { releaseId, path }
}

const TRICKLE_BYTES = 50

/** Hands requests on, but for what `meddle` does with them. */
async function proxy(
  meddle: (path: string, count: number) => 'cut' | 'trickle' | URL | null,
): Promise<{ url: string; seen: { method: string; path: string; range: string | undefined }[] }> {
  const seen: { method: string; path: string; range: string | undefined }[] = []
  const server = createServer((request, response) => {
    const { method = 'GET', url: path = '', headers } = request
    seen.push({ method, path, range: headers.range })
    const what = meddle(
      `${method} ${path}`,
      seen.filter((each) => each.path === path && each.method === method).length,
    )
    if (what instanceof URL) {
      response.writeHead(302, { location: what.href }).end()
      return
    }
    const forward = httpRequest(new URL(path, platform.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers)
      if (what === null) {
        answer.pipe(response)
        return
      }
      answer.once('data', (piece: Buffer) => {
        if (what === 'trickle') {
          let at = 0
          const drip = setInterval(() => {
            response.write(piece.subarray(at, at + TRICKLE_BYTES))
            at = Math.min(at + TRICKLE_BYTES, piece.length)
          }, 100)
          response.once('close', () => clearInterval(drip))
        } else {
          response.write(piece.subarray(0, Math.ceil(piece.length / 2)), () => response.destroy())
        }
        answer.destroy()
      })
    })
    forward.on('error', () => response.destroy())
    request.pipe(forward)
  })
  proxies.add(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, seen }
}

const payload = (text: string, size = 20_000) => new Uint8Array(Buffer.alloc(size, text))
const stateOf = async (name: string) => (await platform.device(name)).operation?.state

describe.skipIf(!program)('SWUpdate as Debian has it', { timeout: 180_000 }, () => {
  test('tells of itself, installs a signed file, and reports success after its reboot', async () => {
    const token = await platform.addDevice('well', 'board')
    const first = await start('well', token)
    await platform.until('well', ({ inventory }) => inventory.attributes !== undefined)
    expect((await platform.device('well')).inventory).toMatchObject({
      attributes: { board: 'e2e', serial: 'well' },
    })
    const { releaseId, path } = await release('well', payload('well '))
    await platform.assign(releaseId, { device: 'well' })
    await first.wrote('SWUPDATE successful')
    await platform.until('well', ({ operation }) => operation?.state === 'UPDATING')
    expect(await readFile(path)).toEqual(Buffer.from(payload('well ')))
    await first.stop()
    // Until it has booted nobody knows.
    expect(await stateOf('well')).toBe('UPDATING')

    await start('well', token, { afterBoot: 2 })
    const { installed } = await platform.until(
      'well',
      ({ operation }) => operation?.state === 'UPDATED',
    )
    expect(installed.firmware).toEqual({ title: 'rootfs of well', version: '2.0' })
  })

  test('reports failure after a reboot that went badly', async () => {
    const token = await platform.addDevice('badly', 'board')
    const { releaseId } = await release('badly', payload('badly '))
    await platform.assign(releaseId, { device: 'badly' })
    const first = await start('badly', token)
    await first.wrote('SWUPDATE successful')
    await platform.until('badly', ({ operation }) => operation?.state === 'UPDATING')
    await first.stop()
    await start('badly', token, { afterBoot: 3 })
    const { operation } = await platform.until(
      'badly',
      (device) => device.operation?.state === 'FAILED',
    )
    expect(operation?.error).toMatch(/Update Failed/)
  })

  test('goes on with a download that broke off', async () => {
    const token = await platform.addDevice('breaks', 'board')
    const { releaseId, path } = await release('breaks', payload('breaks ', 3_000_000))
    await platform.assign(releaseId, { device: 'breaks' })
    const between = await proxy((path, count) =>
      /^GET .*\/artifacts\//.test(path) && count === 1 ? 'cut' : null,
    )
    const first = await start('breaks', token, { url: between.url })
    await first.wrote('SWUPDATE successful')
    const ranges = between.seen.flatMap(({ range }) => range ?? [])
    expect(ranges).toContainEqual(expect.stringMatching(/^bytes=[1-9]\d*-$/))
    expect(await readFile(path)).toEqual(Buffer.from(payload('breaks ', 3_000_000)))
  })

  test('is told to stop while it downloads, and says that it has', async () => {
    const token = await platform.addDevice('stops', 'board')
    const { releaseId } = await release('stops', payload('stops ', 3_000_000))
    await platform.assign(releaseId, { device: 'stops' })
    // Its download is slow, so that it is still at the update.
    const between = await proxy((path) => (/^GET .*\/artifacts\//.test(path) ? 'trickle' : null))
    await start('stops', token, { url: between.url })
    // What lies between may have all of it long before, which is all that the server sees.
    const begun = ['DOWNLOADING', 'DOWNLOADED', 'UPDATING']
    const told = await platform.until('stops', ({ operation }) =>
      begun.includes(operation?.state ?? ''),
    )
    // Before that it would be refused the file, and would report that instead.
    await expect
      .poll(
        () =>
          between.seen.some(({ method, path }) => method === 'GET' && path.includes('/artifacts/')),
        { timeout: 60_000 },
      )
      .toBe(true)
    await platform.api('cancelOperation', { params: { id: told.operation?.id ?? '' } })
    await expect
      .poll(
        () =>
          between.seen.some(
            ({ path }) => path.endsWith('/feedback') && path.includes('/cancelAction/'),
          ),
        { timeout: 150_000 },
      )
      .toBe(true)
    expect(await stateOf('stops')).toBe('CANCELED')
  })

  test('is told to stop when it has installed already, and is heard after its reboot', async () => {
    const token = await platform.addDevice('late', 'board')
    const { releaseId } = await release('late', payload('late '))
    await platform.assign(releaseId, { device: 'late' })
    const first = await start('late', token)
    await first.wrote('SWUPDATE successful')
    const { operation } = await platform.until(
      'late',
      (device) => device.operation?.state === 'UPDATING',
    )
    await platform.api('cancelOperation', { params: { id: operation?.id ?? '' } })
    await first.wrote('Cancel action available')
    await first.stop()
    // What it reports after a reboot it reports of an update that is there; of this one it says that it stopped.
    const second = await start('late', token, { afterBoot: 2 })
    await second.wrote('/cancelAction/')
    await second.wrote('No pending action on server')
    expect(await stateOf('late')).toBe('CANCELED')
    const next = await release('late-next', payload('next '))
    await platform.assign(next.releaseId, { device: 'late' })
    await second.wrote('SWUPDATE successful')
    expect(await readFile(next.path)).toEqual(Buffer.from(payload('next ')))
  })

  test('is shown nothing until the window opens, and then installs', async () => {
    const token = await platform.addDevice('window', 'board')
    const { releaseId, path } = await release('window', payload('window '))
    const startsAt = new Date()
    const at = (minutes: number) =>
      new Date(startsAt.getTime() + minutes * 60_000).toISOString().slice(11, 16)
    const windows = `${at(-10)}-${at(30)}; ${at(120)}-${at(180)}`
    await platform.api('createCampaign', {
      body: {
        name: 'in its window',
        releaseId,
        audience: { expression: 'name == "window"' },
        settings: { windows, forceDowngrade: true },
      },
    })
    // It hears in the first window that there is something, and does not look before that is over.
    const told = hawkbitDevice({
      url: platform.url,
      controllerId: 'window',
      authorization: `TargetToken ${token}`,
    })
    await expect.poll(() => told.linked('deploymentBase')).toBeDefined()
    platform.advanceClock({ minutes: 60 })
    const between = await proxy(() => null)
    const first = await start('window', token, { url: between.url })
    const polls = () => between.seen.filter(({ path }) => path.endsWith('/v1/window')).length
    await expect.poll(polls, { timeout: 60_000 }).toBeGreaterThan(4)
    expect(between.seen.filter(({ path }) => path.includes('/deploymentBase/'))).toEqual([])
    platform.advanceClock({ minutes: 70 })
    await first.wrote('SWUPDATE successful')
    expect(await readFile(path)).toEqual(Buffer.from(payload('window ')))
    await first.stop()
    await start('window', token, { afterBoot: 2 })
    await platform.until('window', ({ operation }) => operation?.state === 'UPDATED')
  })

  test('comes by the key of its profile, takes all its parts one after the other, and then the next', async () => {
    const profile = 'gateway'
    const id = await platform.addProfile(profile)
    const key = 'key of all these boards'
    const enabled = { key, claimsAtOnce: true }
    await platform.api('enableProvisioning', { params: { id }, body: enabled })
    const body = { client: 'swupdate', pollSeconds: 1, gatewayToken: true } as const
    await platform.api('changeHawkbitSettings', { params: { id }, body })
    const name = 'parts'
    const gateway = await start(name, key, { isGateway: true })
    const there = async () =>
      (await platform.api('listDevices', { query: { profile } })).items.length
    await expect.poll(there, { timeout: 20_000 }).toBe(1)
    await platform.until(name, ({ inventory }) => inventory.attributes !== undefined)
    await gateway.stop()
    const os = await release('parts-os', payload('os '), { profile })
    const app = await release('parts-app', payload('app '), { profile, type: 'software' })
    // A list of what a delta is made of lies beside what is installed, and is not installed itself.
    const delta = await platform.addRelease({
      title: 'delta of parts',
      version: '2.0',
      profile,
      type: 'delta',
      bytes: new Uint8Array(100),
      fileName: 'os.zck',
    })
    await platform.assign(os.releaseId, { device: name })
    await platform.assign(app.releaseId, { device: name }, 'software')
    await platform.assign(delta, { device: name }, 'delta')
    const first = await start(name, key, { isGateway: true })
    const installed = (path: string) => () => readFile(path).catch(() => null)
    const as = (text: string) => Buffer.from(payload(text))
    await expect.poll(installed(os.path), { timeout: 60_000 }).toEqual(as('os '))
    await expect.poll(installed(app.path), { timeout: 60_000 }).toEqual(as('app '))
    await first.stop()
    const second = await start(name, key, { isGateway: true, afterBoot: 2 })
    await platform.until(name, (device) => Object.keys(device.installed).length === 3)
    const next = await release('parts-next', payload('next '), { profile, version: '3.0' })
    await platform.assign(next.releaseId, { device: name })
    await second.wrote('SWUPDATE successful')
    expect(await readFile(next.path)).toEqual(Buffer.from(payload('next ')))
    // It has no boot loader here; of what it was answered it complains nowhere.
    const complaints = [first, second].flatMap(({ log }) => log().match(/ERROR.*/g) ?? [])
    expect(complaints.filter((line) => !/stored update state/.test(line))).toEqual([])
  })

  test('takes part in a campaign beside devices of other languages', async () => {
    const id = await platform.addProfile('mixed')
    await platform.api('changeHawkbitSettings', { params: { id }, body: { pollSeconds: 1 } })
    const tokenOf = (name: string) => platform.addDevice(name, 'mixed')
    const token = await tokenOf('mixed-swupdate')
    const { url } = platform
    const others = [
      ownDevice({ url, token: await tokenOf('mixed-own') }, async () => true),
      thingsBoardDevice({ url, token: await tokenOf('mixed-things') }, async () => true),
    ]
    for (const come of others) await come()
    const first = await start('mixed-swupdate', token)
    await platform.until('mixed-swupdate', ({ dialect }) => dialect === 'hawkbit')
    const { releaseId } = await release('mixed-swupdate', payload('mixed '), { profile: 'mixed' })
    const campaign = await platform.api('createCampaign', {
      body: {
        name: 'all of mixed',
        releaseId,
        audience: { expression: 'true' },
        settings: { forceDowngrade: true, maxInProgress: 10 },
      },
    })
    await first.wrote('SWUPDATE successful')
    await platform.until('mixed-swupdate', ({ operation }) => operation?.state === 'UPDATING')
    await first.stop()
    await start('mixed-swupdate', token, { afterBoot: 2 })
    const shown = async () => {
      for (const come of others) await come()
      return platform.api('showCampaign', { params: { id: campaign.id } })
    }
    await expect.poll(async () => (await shown()).outcome, { timeout: 40_000 }).toBe('success')
    const { items } = await platform.api('listTargets', {
      params: { id: campaign.id },
      query: { limit: 10 },
    })
    expect(items.map(({ status }) => status)).toEqual(['successful', 'successful', 'successful'])
    const devices = await platform.api('listDevices', { query: { profile: 'mixed' } })
    expect(new Set(devices.items.map(({ dialect }) => dialect))).toEqual(
      new Set(['hawkbit', 'thingsboard', 'updraft']),
    )
  })

  test('follows to another host, which is told no token and refuses HEAD', async () => {
    const token = await platform.addDevice('elsewhere', 'board')
    const { releaseId, path } = await release('elsewhere', payload('elsewhere '))
    await platform.assign(releaseId, { device: 'elsewhere' })
    const bytes = await readFile(join(folder, 'elsewhere-swu', 'whole'))
    const shown: (string | undefined)[] = []
    const other = createServer(({ method, headers }, response) => {
      shown.push(headers.authorization)
      response.writeHead(method === 'GET' ? 200 : 403).end(method === 'GET' ? bytes : undefined)
    })
    proxies.add(other)
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const between = await proxy((path) =>
      /\/artifacts\//.test(path) ? new URL(`http://localhost:${port}/elsewhere.swu`) : null,
    )
    const first = await start('elsewhere', token, { url: between.url })
    await first.wrote('SWUPDATE successful')
    expect(await readFile(path)).toEqual(Buffer.from(payload('elsewhere ')))
    expect(shown.length).toBeGreaterThan(0)
    expect(shown.every((authorization) => authorization === undefined)).toBe(true)
  })

  test('is not assigned what it could not take, and why is said', async () => {
    await platform.addDevice('picky', 'board')
    const releaseId = await platform.addRelease({
      title: 'no swu',
      version: '1',
      profile: 'board',
      bytes: new Uint8Array([1]),
      fileName: 'image.bin',
    })
    const refusal = /SWUpdate takes files that end in \.swu or \.zck, not image\.bin\./
    await expect(platform.assign(releaseId, { device: 'picky' })).rejects.toThrow(refusal)
    await expect(platform.assign(releaseId, { profile: 'board' })).rejects.toThrow(refusal)
    const campaign = { name: 'never', releaseId, audience: { expression: 'true' } }
    await expect(platform.api('createCampaign', { body: campaign })).rejects.toThrow(refusal)
  })
})

describe.skipIf(!program)('SWUpdate, and files that lie in a bucket', { timeout: 180_000 }, () => {
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
      bucket: `swupdate-${randomUUID()}`,
      prefix: '',
      region: 'us-east-1',
      endpoint: s3.endpoint,
      isPathStyle: true,
      isDirect: true,
      mayCreate: true,
    }
    own = await testPlatform({ artifacts: [bucket] })
    const id = await own.addProfile('board')
    await own.api('changeHawkbitSettings', { params: { id }, body: { pollSeconds: 1 } })
  })
  afterAll(async () => {
    await own?.stop()
    await s3?.stop()
  })

  test('fetches them from there', async ({ skip }) => {
    if (!s3 || !own) return skip('there is no bucket here')
    const token = await own.addDevice('bucket', 'board')
    const { releaseId, path } = await release('bucket', payload('bucket '), { at: own })
    await own.assign(releaseId, { device: 'bucket' })
    const before = s3.asked.length
    const first = await start('bucket', token, { url: own.url })
    await first.wrote('SWUPDATE successful')
    expect(await readFile(path)).toEqual(Buffer.from(payload('bucket ')))
    // With the address alone: a token beside it would have been refused.
    expect(s3.asked.slice(before)).toContainEqual(expect.stringMatching(/^GET .*X-Amz-Signature=/))
  })
})
