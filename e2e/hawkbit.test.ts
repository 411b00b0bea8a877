/** hawkBit's Direct Device Integration API as its clients use it, against the platform. */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { DeploymentDocument } from '@updraft/wire/hawkbit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { actionIn, type HawkbitDevice, hawkbitDevice } from './hawkbit-device.ts'
import { query } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const added = async (name: string, profile: string, userAgent?: string): Promise<HawkbitDevice> => {
  const token = await platform.addDevice(name, profile)
  const authorization = `TargetToken ${token}`
  return hawkbitDevice({ url: platform.url, controllerId: name, authorization, userAgent })
}

const RAUC = 'rauc-hawkbit-c-agent/1.0'
const SWUPDATE = 'libcurl-agent/1.0'

const release = async (
  profile: string,
  { version = '2.0.0', type = 'firmware', fileName = 'image.swu' } = {},
): Promise<string> => {
  const bytes = random(5_000)
  const title = `${profile} ${type}`
  const upload = { title, version, profile, type, bytes, fileName }
  const id = await platform.addRelease(upload)
  await platform.assign(id, { profile }, type)
  return id
}

/** A device of a profile of its own that was told of a release and has read what it is to do. */
async function told(
  name: string,
  { userAgent = 'test', settings = {}, fileName = 'image.swu' } = {},
) {
  const id = await platform.addProfile(name)
  await platform.api('changeHawkbitSettings', { params: { id }, body: settings })
  const device = await added(name, name, userAgent)
  await release(name, { fileName })
  const link = (await device.linked('deploymentBase')) ?? ''
  const document = (await device.ask('GET', link)).json as DeploymentDocument
  const file = document.deployment?.chunks[0]?.artifacts[0]?._links['download-http']?.href ?? ''
  return { device, id: actionIn(link), link, document, file }
}

const operationOf = async (name: string) => {
  const { operation } = await platform.device(name)
  if (!operation) throw new Error(`${name} has no operation.`)
  return operation
}

const cancelled = async (name: string) => {
  const { id } = await operationOf(name)
  await platform.api('cancelOperation', { params: { id } })
}

const digest = (algorithm: string, bytes: Uint8Array) =>
  createHash(algorithm).update(bytes).digest('hex')

test('a device is told of a release, fetches it, reports, and has it', async () => {
  await platform.addProfile('round')
  const device = await added('round-1', 'round')
  const first = await device.poll()
  expect(first).toEqual({
    config: { polling: { sleep: expect.stringMatching(/^\d\d:\d\d:\d\d$/) } },
    _links: { configData: { href: `${device.base}/configData` } },
  })
  const put = await device.ask('PUT', '/configData', { body: { data: { hwRevision: '2' } } })
  expect([put.status, put.text]).toEqual([200, ''])
  expect((await device.poll())._links).toBeUndefined()
  expect(await platform.device('round-1')).toMatchObject({
    dialect: 'hawkbit',
    inventory: { attributes: { hwRevision: '2' }, hawkbit: { client: 'ddi' } },
  })

  const bytes = random(100_000)
  const release = { title: 'rootfs', version: '2.0.0', profile: 'round', bytes }
  await platform.assign(await platform.addRelease({ ...release, fileName: 'root fs.img' }), {
    profile: 'round',
  })
  const link = await device.linked('deploymentBase')
  const id = actionIn(link)
  expect(link).toMatch(/\/default\/controller\/v1\/round-1\/deploymentBase\/\d+\?c=-?\d+$/)
  const { json } = await device.ask('GET', link ?? '')
  const document = json as DeploymentDocument
  const artifact = document.deployment?.chunks[0]?.artifacts[0]
  const file = artifact?._links['download-http']?.href ?? ''
  expect(document).toEqual({
    id,
    deployment: {
      download: 'forced',
      update: 'forced',
      chunks: [
        {
          part: 'os',
          version: '2.0.0',
          name: 'rootfs',
          artifacts: [
            {
              filename: 'root fs.img',
              size: 100_000,
              hashes: {
                sha1: digest('sha1', bytes),
                md5: digest('md5', bytes),
                sha256: digest('sha256', bytes),
              },
              _links: {
                'download-http': { href: expect.stringMatching(/\/artifacts\/root%20fs\.img$/) },
                'md5sum-http': { href: `${file}.MD5SUM` },
              },
            },
          ],
        },
      ],
    },
  })
  expect((await platform.device('round-1')).operation?.state).toBe('INITIATED')

  const md5 = await device.ask('GET', `${file}.MD5SUM`)
  expect(md5.text).toBe(`${digest('md5', bytes)}  root fs.img`)
  const whole = await fetch(file, { headers: device.shows })
  expect(Buffer.from(await whole.arrayBuffer())).toEqual(Buffer.from(bytes))
  await platform.until('round-1', ({ operation }) => operation?.state === 'DOWNLOADED')

  expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
  expect((await platform.device('round-1')).operation?.state).toBe('UPDATING')
  const closed = await device.feedback(id, 'closed', 'success', { details: ['done'] })
  expect([closed.status, closed.text]).toEqual([200, ''])
  expect(await platform.device('round-1')).toMatchObject({
    installed: { firmware: { title: 'rootfs', version: '2.0.0' } },
    operation: { state: 'UPDATED' },
  })
  expect((await device.poll())._links).toEqual({
    installedBase: { href: `${device.base}/installedBase/${id}` },
    configData: { href: `${device.base}/configData` },
  })
  const installed = await device.ask('GET', `/installedBase/${id}?actionHistory=5`)
  expect(installed.json).toMatchObject({
    id,
    actionHistory: { status: 'FINISHED', messages: ['done'] },
  })
})

test('SWUpdate gets all its components at once, and its link over reboots and days until it closes', async () => {
  await platform.addProfile('swu')
  const device = await added('swu-1', 'swu', SWUPDATE)
  await release('swu', { type: 'firmware', fileName: 'os.swu' })
  await release('swu', { type: 'bootloader', fileName: 'boot.swu' })
  const link = await device.linked('deploymentBase')
  const document = (await device.ask('GET', link ?? '')).json as DeploymentDocument
  expect(document.deployment?.chunks.map(({ part }) => part)).toEqual(['bootloader', 'os'])
  expect(document.deployment).toMatchObject({ download: 'forced', update: 'forced' })
  const id = actionIn(link)
  for (const details of [['Installing Update Chunk Artifacts.'], ['All Chunks Installed.']]) {
    expect((await device.feedback(id, 'proceeding', 'none', { details })).status).toBe(200)
  }
  for (const chunk of document.deployment?.chunks ?? []) {
    const href = chunk.artifacts[0]?._links['download-http']?.href ?? ''
    const fetched = await fetch(href, { headers: device.shows })
    expect((await fetched.arrayBuffer()).byteLength).toBe(5_000)
  }
  await platform.until('swu-1', ({ components }) =>
    Object.values(components).every(({ operation }) => operation?.state === 'DOWNLOADED'),
  )
  expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
  await platform.restart()
  for (let day = 0; day < 3; day += 1) {
    platform.advanceClock({ minutes: 24 * 60 })
    expect(actionIn(await device.linked('deploymentBase'))).toBe(id)
  }
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  expect(await platform.device('swu-1')).toMatchObject({
    installed: {
      firmware: { title: 'swu firmware', version: '2.0.0' },
      bootloader: { title: 'swu bootloader', version: '2.0.0' },
    },
  })
  expect(await device.linked('deploymentBase')).toBeUndefined()
})

test('what a client cannot take it is not told, and an operator finds why', async () => {
  await platform.addProfile('no-swu')
  const device = await added('no-swu-1', 'no-swu', SWUPDATE)
  await release('no-swu', { fileName: 'image.raucb' })
  expect(await device.linked('deploymentBase')).toBeUndefined()
  const { id } = await platform.device('no-swu-1')
  const { items } = await platform.api('listEvents', {
    query: { deviceId: id, kind: 'offer.refused' },
  })
  expect(items[0]?.reason?.message).toBe(
    'SWUpdate takes files that end in .swu or .zck, not image.raucb.',
  )
})

test("RAUC's updater gets one release after the other, and its success is believed when it comes again", async () => {
  await platform.addProfile('rauc')
  const device = await added('rauc-1', 'rauc', RAUC)
  await release('rauc', { type: 'firmware' })
  await release('rauc', { type: 'application' })
  const parts: (string | undefined)[] = []
  for (let round = 0; round < 2; round += 1) {
    const link = await device.linked('deploymentBase')
    const { deployment } = (await device.ask('GET', link ?? '')).json as DeploymentDocument
    expect(deployment?.chunks).toHaveLength(1)
    parts.push(deployment?.chunks[0]?.part)
    expect((await device.feedback(actionIn(link), 'closed', 'success')).status).toBe(200)
    const { components } = await platform.device('rauc-1')
    expect(Object.values(components).map(({ operation }) => operation?.state)).toContain('UPDATING')
    // A second word of it, as after an answer that was lost.
    expect((await device.feedback(actionIn(link), 'proceeding', 'none')).status).toBe(200)
  }
  expect(parts.toSorted()).toEqual(['bApp', 'os'])
  await device.poll()
  const { components } = await platform.device('rauc-1')
  expect(Object.values(components).map(({ operation }) => operation?.state)).toEqual([
    'UPDATED',
    'UPDATED',
  ])
})

test('where a profile says so, the version that a device tells proves its update', async () => {
  const settings = { confirmedBy: 'version-attribute', versionAttribute: 'sw' } as const
  const { device, id } = await told('proof', { settings })
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  // RAUC's updater says what it is only when it is asked, and comes before it is restarted, too.
  const comes = async (sw: string) => {
    if (!(await device.linked('configData'))) return
    await device.ask('PUT', '/configData', { body: { data: { sw } } })
  }
  for (const _ of ['at once', 'a while later']) {
    await comes('1.0.0')
    expect((await operationOf('proof')).state).toBe('UPDATING')
  }
  await platform.restart()
  await comes('2.0.0')
  expect((await operationOf('proof')).state).toBe('UPDATED')
  // Once more, as after any update, and then never again.
  await comes('2.0.0')
  expect(await device.linked('configData')).toBeUndefined()
})

test('what was cancelled before the device read it is never asked back', async () => {
  await platform.addProfile('early')
  const device = await added('early', 'early')
  await release('early')
  expect(await device.linked('deploymentBase')).toBeDefined()
  await cancelled('early')
  expect((await device.poll())._links).toEqual({ configData: expect.anything() })
})

test('a cancel is asked of the device until it closes it; other words do not', async () => {
  const { device, id, link } = await told('cancel')
  await cancelled('cancel')
  const asked = await device.linked('cancelAction')
  expect(actionIn(asked)).toBe(id)
  expect((await device.ask('GET', asked ?? '')).json).toEqual({ id, cancelAction: { stopId: id } })
  expect((await device.ask('GET', link)).status).toBe(404)
  // Both clients say this and that between the question and their answer.
  expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
  const at = 'cancelAction'
  expect((await device.feedback(id, 'canceled', 'none', { at })).status).toBe(200)
  expect(actionIn(await device.linked('cancelAction'))).toBe(id)
  await platform.restart()
  expect(actionIn(await device.linked('cancelAction'))).toBe(id)
  expect((await device.feedback(id, 'closed', 'success', { at })).status).toBe(200)
  expect(await device.linked('cancelAction')).toBeUndefined()
  expect((await device.feedback(id, 'closed', 'success', { at })).status).toBe(405)
})

test('a device that does not stop is heard to its end', async () => {
  const { device, id } = await told('refuse')
  await cancelled('refuse')
  await device.poll()
  const at = 'cancelAction'
  expect((await device.feedback(id, 'rejected', 'success', { at })).status).toBe(200)
  expect(actionIn(await device.linked('deploymentBase'))).toBe(id)
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  expect(await platform.device('refuse')).toMatchObject({
    installed: { firmware: { version: '2.0.0' } },
    operation: { state: 'CANCELED' },
  })
})

test('a device that says nothing to a cancel is not asked for ever, and what supersedes follows', async () => {
  const { device, id } = await told('silent')
  await release('silent', { version: '3.0.0' })
  await platform.until('silent', ({ operation }) => operation?.release.version === '3.0.0')
  expect(actionIn(await device.linked('cancelAction'))).toBe(id)
  platform.advanceClock({ minutes: 61 })
  const next = await device.linked('deploymentBase')
  expect(actionIn(next)).not.toBe(id)
  // Late, and of an action that was superseded: it runs that.
  expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  expect((await platform.device('silent')).installed.firmware?.version).toBe('2.0.0')
})

test.each([
  ['closed', 'none', 'UPDATED'],
  ['closed', 'failure', 'FAILED'],
  ['download', 'none', 'DOWNLOADING'],
  ['downloaded', 'success', 'DOWNLOADED'],
  ['proceeding', 'none', 'DOWNLOADING'],
  ['scheduled', 'none', 'INITIATED'],
  ['resumed', 'none', 'INITIATED'],
  ['rejected', 'none', 'INITIATED'],
  ['canceled', 'success', 'INITIATED'],
])('%s/%s makes the update %s', async (execution, finished, state) => {
  const name = `${execution}-${finished}`
  const { device, id } = await told(name)
  const details = ['the flash is worn out']
  expect((await device.feedback(id, execution, finished, { details })).status).toBe(200)
  const operation = await operationOf(name)
  expect(operation.state).toBe(state)
  if (state === 'FAILED') expect(operation.error).toBe('the flash is worn out')
  if (execution === 'closed') {
    expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
    expect((await device.feedback(id, 'closed', 'success')).status).toBe(410)
  }
  const history = await device.ask('GET', `/deploymentBase/${id}?actionHistory=-1`)
  expect(history.json).toMatchObject({ actionHistory: { messages: details } })
})

test('of what it said it is told so many messages again, the newest first', async () => {
  const { device, id } = await told('history')
  await device.feedback(id, 'proceeding', 'none', { details: ['first'] })
  await device.feedback(id, 'proceeding', 'none', { details: ['second', 'third'] })
  const messages = async (count: string) => {
    const { json } = await device.ask('GET', `/deploymentBase/${id}${count}`)
    return (json as DeploymentDocument).actionHistory?.messages
  }
  expect(await messages('')).toBeUndefined()
  expect(await messages('?actionHistory=0')).toBeUndefined()
  expect(await messages('?actionHistory')).toBeUndefined()
  expect(await messages('?actionHistory=2')).toEqual(['second', 'third'])
  expect(await messages('?actionHistory=3')).toEqual(['second', 'third', 'first'])
  expect(await messages('?actionHistory=-1')).toEqual(['second', 'third', 'first'])
})

test('somebody at the device is asked first where its profile says so', async () => {
  const name = 'confirm'
  const profile = await platform.addProfile(name)
  const body = { needsConfirmation: true }
  await platform.api('changeHawkbitSettings', { params: { id: profile }, body })
  const device = await added(name, name)
  await release(name)
  const link = await device.linked('confirmationBase')
  const id = actionIn(link)
  expect((await device.ask('GET', link ?? '')).json).toMatchObject({
    id,
    confirmation: { chunks: [{}] },
  })
  expect((await device.ask('GET', `/deploymentBase/${id}`)).status).toBe(404)
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(404)
  const say = (confirmation: string) =>
    device.ask('POST', `/confirmationBase/${id}/feedback`, { body: { confirmation } })
  expect((await say('perhaps')).status).toBe(400)
  expect((await say('denied')).status).toBe(200)
  expect(await device.linked('confirmationBase')).toBeDefined()
  expect((await say('confirmed')).status).toBe(200)
  expect(actionIn(await device.linked('deploymentBase'))).toBe(id)
  expect((await say('confirmed')).status).toBe(404)
  await device.feedback(id, 'closed', 'success')
  expect((await say('confirmed')).status).toBe(410)

  await release(name, { version: '3.0.0' })
  expect(await device.linked('confirmationBase')).toBeDefined()
  const activate = () =>
    device.ask('POST', '/confirmationBase/activateAutoConfirm', { body: { initiator: 'me' } })
  expect((await activate()).status).toBe(200)
  expect((await activate()).status).toBe(409)
  const off = () => device.ask('POST', '/confirmationBase/deactivateAutoConfirm')
  expect((await off()).status).toBe(200)
  const nobody = { initiator: 'me', remark: null }
  const again = await device.ask('POST', '/confirmationBase/activateAutoConfirm', { body: nobody })
  expect(again.status).toBe(200)
  expect(await device.linked('deploymentBase')).toBeDefined()
  expect((await device.ask('GET', '/confirmationBase')).json).toMatchObject({
    autoConfirm: { active: true, initiator: 'me' },
    _links: { deactivateAutoConfirm: {} },
  })
  expect((await off()).status).toBe(200)
  expect((await device.ask('GET', '/confirmationBase')).json).toMatchObject({
    autoConfirm: { active: false },
  })
})

test('a file is fetched whole, in ranges and from where it broke off', async () => {
  const { device, file, document, id } = await told('ranges')
  const sha1 = document.deployment?.chunks[0]?.artifacts[0]?.hashes.sha1
  const ask = (headers: Record<string, string>, method = 'GET') =>
    fetch(file, { method, headers: { ...device.shows, ...headers } })
  const head = await ask({}, 'HEAD')
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '5000'])
  expect(Object.fromEntries(head.headers)).toMatchObject({
    'accept-ranges': 'bytes',
    etag: `"${sha1}"`,
    'content-type': 'application/octet-stream',
    'x-content-type-options': 'nosniff',
    'last-modified': expect.stringContaining('GMT'),
    'content-disposition': 'attachment; filename="image.swu"',
  })
  const whole = Buffer.from(await (await ask({})).arrayBuffer())
  for (const [range, part] of [
    ['bytes=0-9', whole.subarray(0, 10)],
    ['bytes=4990-', whole.subarray(4990)],
    ['bytes=-10', whole.subarray(4990)],
  ] as const) {
    const answer = await ask({ range })
    expect([answer.status, Buffer.from(await answer.arrayBuffer())]).toEqual([206, part])
  }
  const beyond = await ask({ range: 'bytes=5000-' })
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */5000'])
  const modified = head.headers.get('last-modified') ?? ''
  expect((await ask({ range: 'bytes=1-', 'if-range': modified })).status).toBe(206)
  expect((await ask({ range: 'bytes=1-', 'if-range': '"another"' })).status).toBe(200)
  expect((await ask({ 'if-match': '"another"' })).status).toBe(412)
  // hawkBit's tags stand without quotes.
  for (const known of [`"${sha1}"`, `${sha1}`, `"other", "${sha1}"`, '*']) {
    expect((await ask({ 'if-match': known })).status).toBe(200)
  }
  expect((await ask({ 'if-match': `${sha1}0` })).status).toBe(412)
  const sum = await fetch(`${file}.MD5SUM`, { headers: device.shows })
  expect(sum.headers.get('content-disposition')).toBe('attachment; filename="image.swu.MD5SUM"')
  for (const path of [file, `${file}.MD5SUM`, file.slice(0, file.lastIndexOf('/'))]) {
    for (const method of ['PUT', 'POST', 'DELETE']) {
      expect((await device.ask(method, path)).status).toBe(405)
    }
  }
  expect((await ask({ authorization: 'TargetToken none' })).status).toBe(401)
  expect((await device.ask('GET', `${file}x`)).status).toBe(404)
  const list = await device.ask('GET', file.slice(0, file.lastIndexOf('/')))
  expect(list.json).toEqual(document.deployment?.chunks[0]?.artifacts)
  const other = await added('ranges-2', 'ranges')
  expect((await other.ask('GET', file.replace('/ranges/', '/ranges-2/'))).status).toBe(404)
  await device.feedback(id, 'closed', 'failure')
})

test('a file that is read in hundreds of ranges comes whole, without a line for each of them', async () => {
  const { device, document, file } = await told('streams', { userAgent: RAUC })
  const pieces: Buffer[] = []
  for (let from = 0; from < 5_000; from += 10) {
    const headers = { ...device.shows, range: `bytes=${from}-${from + 9}` }
    const answer = await fetch(file, { headers })
    expect(answer.status).toBe(206)
    pieces.push(Buffer.from(await answer.arrayBuffer()))
  }
  const { sha1 } = document.deployment?.chunks[0]?.artifacts[0]?.hashes ?? {}
  expect(digest('sha1', Buffer.concat(pieces))).toBe(sha1)
  const { id: deviceId } = await platform.device('streams')
  const { items } = await platform.api('listEvents', { query: { deviceId } })
  expect(items.length).toBeLessThan(10)
  expect((await operationOf('streams')).state).toBe('DOWNLOADING')
})

test('attributes are merged, replaced and removed, and are a hundred at most', async () => {
  await platform.addProfile('attributes')
  const device = await added('attributes', 'attributes')
  const put = async (body: unknown) => (await device.ask('PUT', '/configData', { body })).status
  expect(await put({ data: { a: '1', b: '2' }, time: 'x', status: {} })).toBe(200)
  expect(await put({ mode: 'merge', data: { c: '3' } })).toBe(200)
  expect((await platform.device('attributes')).inventory.attributes).toEqual({
    a: '1',
    b: '2',
    c: '3',
  })
  expect(await put({ mode: 'remove', data: { a: '' } })).toBe(200)
  expect(await put({ mode: 'replace', data: { d: '4' } })).toBe(200)
  expect((await platform.device('attributes')).inventory.attributes).toEqual({ d: '4' })
  const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`k${index}`, 'v']))
  expect(await put({ data: many })).toBe(429)
  expect(await put({ data: {} })).toBe(400)
  expect(await put({ data: { a: 'ä' } })).toBe(400)
  expect((await platform.device('attributes')).inventory.attributes).toEqual({ d: '4' })
})

test('a device says what it runs without having been told to', async () => {
  await platform.addProfile('runs')
  const device = await added('runs', 'runs')
  const put = () =>
    device.ask('PUT', '/installedBase', { body: { name: 'rootfs', version: '1.0.0' } })
  expect([(await put()).status, (await put()).status]).toEqual([201, 200])
  expect((await platform.device('runs')).installed.firmware).toMatchObject({ version: '1.0.0' })
})

test('two servers tell a device of the same action', async () => {
  const { device, id } = await told('two')
  const folder = join(platform.dataFolder, 'artifacts')
  const other = await testPlatform({
    databaseUrl: platform.connectionString,
    artifacts: [{ name: 'default', kind: 'file', folder }],
  })
  try {
    const there = hawkbitDevice({
      url: other.url,
      controllerId: 'two',
      authorization: device.shows.authorization,
    })
    expect(actionIn(await there.linked('deploymentBase'))).toBe(id)
    await release('two', { type: 'bootloader' })
    await there.feedback(id, 'closed', 'success')
    const links = await Promise.all(
      [device, there, device, there].map((each) => each.linked('deploymentBase')),
    )
    expect(new Set(links.map(actionIn)).size).toBe(1)
    expect(actionIn(links[0])).not.toBe(id)
  } finally {
    await other.stop()
  }
})

test('of ten thousand words of one action a thousand are heard, and those beyond do no harm', async () => {
  const { device, id } = await told('chatty')
  const details = Array.from({ length: 60 }, () => 'a line of its log\t'.repeat(60))
  expect((await device.feedback(id, 'proceeding', 'none', { details })).status).toBe(200)
  const answered = new Set<number>()
  for (let from = 1; from < 10_000; from += 100) {
    const many = Array.from({ length: 100 }, (_, index) =>
      device.feedback(id, 'proceeding', 'none', { details: [`word ${from + index}`] }),
    )
    for (const { status } of await Promise.all(many)) answered.add(status)
  }
  expect(answered).toEqual(new Set([200]))
  const { json } = await device.ask('GET', `/deploymentBase/${id}?actionHistory=100`)
  const { messages = [] } = (json as DeploymentDocument).actionHistory ?? {}
  expect(messages).toHaveLength(100)
  const numbers = messages.map((text) => Number(text.split(' ')[1]))
  expect(Math.min(...numbers)).toBeGreaterThan(700)
  expect(Math.max(...numbers)).toBeLessThan(1200)
  const kept = 'select count(*)::int as count from hawkbit_messages where action_id = $1'
  const [row] = await query<{ count: number }>(platform.connectionString, kept, [Number(id)])
  expect(row?.count).toBeLessThan(250)
  const { id: deviceId } = await platform.device('chatty')
  const ignored = await platform.api('listEvents', { query: { deviceId, kind: 'report.ignored' } })
  expect(ignored.items).toHaveLength(1)
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  expect((await operationOf('chatty')).state).toBe('UPDATED')
}, 300_000)
