import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createClient } from '@updraft/api/client'
import { archiveOf, filesIn } from '@updraft/server/dialects/odoo-iot/testing/archive'
import { offeredImage } from '@updraft/wire/odoo-iot'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { otherTenant } from './other-tenant.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const run = promisify(execFile)

let platform: TestPlatform
let folder: string
let key: string

beforeAll(async () => {
  platform = await testPlatform()
  folder = await mkdtemp(join(tmpdir(), 'updraft-boxes-'))
  key = await profileOf('box', '17.0')
})
afterAll(async () => {
  await platform.stop()
  await rm(folder, { recursive: true, force: true })
})

/** A profile whose devices come by themselves, and what boxes of it are told by the host they come by. */
async function profileOf(name: string, series?: string): Promise<string> {
  const id = await platform.addProfile(name)
  await platform.api('enableProvisioning', {
    params: { id },
    body: { key: `key of ${name}`, strategy: 'create-new', claimsAtOnce: true },
  })
  if (series) {
    await platform.api('setBoxServer', { params: { id }, body: { url: platform.url, series } })
  }
  return `key of ${name}`
}

/** Each generation as it announces itself and asks, with curl as the client. */
const GENERATIONS = {
  G14: { identifier: '02:00:00:00:14:00', version: '21.04' },
  G16: { identifier: '02:00:00:00:16:00', version: 'W23_11' },
  G18: { identifier: '02:00:00:00:18:00', version: 'L24.10-18.0#1a2b3c4' },
  G19: { identifier: '10000000abcdef19', mac: '02:00:00:00:19:00', version: 'L25.07-19.0#1a2b3c4' },
  G191: {
    identifier: '10000000abcde191',
    mac: '02:00:00:00:19:10',
    version: 'L26.01-saas~19.1#1a2b3c4',
  },
} as const
type Generation = keyof typeof GENERATIONS

interface Heard {
  readonly status: number
  readonly headers: string
  readonly body: Buffer
}

async function curl(...args: string[]): Promise<Heard> {
  const [head, body] = [join(folder, 'head'), join(folder, 'body')]
  await run('curl', ['-sS', '--max-time', '8', '-D', head, '-o', body, ...args])
  const headers = await readFile(head, 'latin1')
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(headers)?.[1])
  return { status, headers, body: await readFile(body).catch(() => Buffer.alloc(0)) }
}

const postJson = (path: string, body: object) =>
  curl('-H', 'Content-Type: application/json', '-d', JSON.stringify(body), platform.url + path)

const announce = async (of: Generation, box: object = {}): Promise<string> => {
  const iot_box = { name: 'kassa', ip: '192.0.2.7', token: key, ...GENERATIONS[of], ...box }
  const { status, body } = await postJson('/iot/setup', { params: { iot_box, devices: {} } })
  expect(status).toBe(200)
  return JSON.parse(body.toString()).result
}

const isOfToday = (of: Generation) => of === 'G19' || of === 'G191'

/** `auto=True`, or as when somebody presses "Load handlers". */
const fetchHandlers = (of: Generation, etag?: string, auto = 'True'): Promise<Heard> => {
  const { identifier } = GENERATIONS[of]
  const fields = isOfToday(of)
    ? ['-d', `identifier=${identifier}&auto=${auto}`]
    : ['-F', `mac=${identifier}`, '-F', `auto=${auto}`]
  const named = etag === undefined ? [] : ['-H', `If-None-Match: ${etag}`]
  return curl(...named, ...fields, `${platform.url}/iot/get_handlers`)
}

const etagIn = ({ headers }: Heard) => /^etag: "(.*)"\r$/im.exec(headers)?.[1]
const runs = async (of: Generation) =>
  (await platform.device(GENERATIONS[of].identifier)).installed.handlers?.version

const publish = async (profile: string, version: string, files: Record<string, string>) => {
  const bytes = new Uint8Array(await archiveOf(files))
  return platform.addRelease({ title: profile, version, profile, type: 'handlers', bytes })
}

const FIRST = {
  'drivers/scale_L.py': 'first for linux',
  'drivers/scale_W.py': 'first for windows',
  'interfaces/usb.py': 'first',
}

describe.each(Object.keys(GENERATIONS) as Generation[])('a box of %s', (of) => {
  test('asks which series it follows, announces itself, fetches, restarts, and runs what it was given', async () => {
    const info = await postJson('/web/webclient/version_info', {})
    expect(JSON.parse(info.body.toString()).result.server_serie).toBe('17.0')

    const channel = await announce(of)
    const before = await fetchHandlers(of)
    expect([before.status, before.body.length]).toEqual([200, 0])

    const version = `1.${of}`
    const release = await publish('box', version, { ...FIRST, 'lib/of.py': of })
    await platform.assign(release, { device: GENERATIONS[of].identifier }, 'handlers')
    const given = await fetchHandlers(of)
    expect(given.status).toBe(200)
    expect(await filesIn(given.body)).toEqual({
      ...(of === 'G16'
        ? { 'drivers/scale_W.py': 'first for windows' }
        : { 'drivers/scale_L.py': 'first for linux' }),
      'interfaces/usb.py': 'first',
      'lib/of.py': of,
    })
    const { identifier } = GENERATIONS[of]
    await platform.until(
      identifier,
      ({ components }) => components.handlers?.operation?.state === 'DOWNLOADED',
    )

    expect(await announce(of)).toBe(channel)
    expect(await runs(of)).toBe(version)
    expect(await platform.history(identifier)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'UPDATED'],
    ])
    if (isOfToday(of)) {
      expect((await fetchHandlers(of, etagIn(given))).status).toBe(304)
    } else {
      const again = await fetchHandlers(of)
      expect(again.body.equals(given.body)).toBe(true)
    }
    expect(await platform.device(identifier)).toMatchObject({
      dialect: 'odoo-iot',
      inventory: { generation: of, hostName: 'kassa' },
      installed: { image: { title: null } },
    })
  })
})

describe('a box that nobody claimed', () => {
  test('waits, is told nothing, and comes in when somebody claims it', async () => {
    const id = await platform.addProfile('waiting box')
    await platform.api('enableProvisioning', { params: { id }, body: { key: 'key to wait' } })
    const box = { identifier: '02:00:00:00:00:01', token: 'key to wait' }
    expect(await announce('G16', box)).toBe('')
    const { items } = await platform.api('listWaitingDevices', {
      query: { search: box.identifier },
    })
    expect(items).toMatchObject([{ saidId: box.identifier, facts: { generation: 'G16' } }])
    await platform.api('claimWaitingDevices', {
      body: { ids: items.map((each) => each.id), name: 'Kassa 1' },
    })
    expect(await announce('G16', box)).not.toBe('')
    expect(await platform.device('Kassa 1')).toMatchObject({
      installed: { image: { version: '23.11' } },
      registeredAs: box.identifier,
    })
  })
})

describe('an archive', () => {
  test('that no box should be given is refused with the reason', async () => {
    await expect(publish('box', 'bad', { 'iot_handlers/drivers/a.py': 'x' })).rejects.toMatchObject(
      {
        problem: { status: 422, code: 'handlers.invalid' },
      },
    )
  })
})

describe('a box on the line', () => {
  const open = async (channel: string) => {
    const socket = new WebSocket(`${platform.url.replace('http', 'ws')}/websocket`)
    const heard: string[] = []
    socket.addEventListener('message', ({ data }) => heard.push(String(data)))
    await new Promise((resolve, reject) => {
      socket.addEventListener('open', resolve)
      socket.addEventListener('error', reject)
    })
    const data = { channels: [channel], last: 41, identifier: 'x' }
    socket.send(JSON.stringify({ event_name: 'subscribe', data }))
    return { socket, heard }
  }

  test('restarts when an operator says so, and then fetches as if the button were pressed', async () => {
    const box = { identifier: '10000000abcd0001', mac: '02:00:00:00:00:02' }
    const channel = await announce('G19', box)
    const { id } = await platform.device(box.identifier)
    await platform.api('changeDevice', {
      params: { id },
      body: { attributes: { automaticDriversUpdate: false } },
    })
    const release = await publish('box', 'on the line', FIRST)
    await platform.assign(release, { device: box.identifier }, 'handlers')
    const ask = () =>
      curl('-d', `identifier=${box.identifier}&auto=True`, `${platform.url}/iot/get_handlers`)
    expect((await ask()).body.length).toBe(0)

    const { socket, heard } = await open(channel)
    const frame = JSON.stringify([
      {
        id: 42,
        message: {
          type: 'restart_odoo',
          payload: { iot_identifiers: [box.mac, box.identifier] },
        },
      },
    ])
    // It is heard once the line is taken, which nothing tells.
    await expect
      .poll(async () => {
        if (heard.length === 0) await platform.api('restartBox', { params: { id } })
        return heard[0]
      })
      .toBe(frame)
    expect((await ask()).body.length).toBeGreaterThan(0)
    await platform.until(
      box.identifier,
      ({ components }) => components.handlers?.operation?.state === 'DOWNLOADED',
    )
    socket.close()

    const again = await open(channel)
    await platform.until(
      box.identifier,
      ({ installed }) => installed.handlers?.version === 'on the line',
    )
    expect(again.heard).toEqual([])
    again.socket.close()
  })

  test('of an older generation cannot be told to', async () => {
    const box = { identifier: '02:00:00:00:00:03' }
    await announce('G18', box)
    const { id } = await platform.device(box.identifier)
    await expect(platform.api('restartBox', { params: { id } })).rejects.toMatchObject({
      problem: { status: 409, code: 'box.cannot-restart' },
    })
  })

  test('that says a channel of nobody hears nothing, and all other upgrades are requests', async () => {
    const { socket, heard } = await open('nobody')
    expect(heard).toEqual([])
    socket.close()
    const { status } = await curl('--http2', `${platform.url}/api/session`)
    expect(status).toBe(401)
  })
})

describe('the form of a box', () => {
  const box = { identifier: '02:00:00:00:00:06' }
  const fetched = async (auto: 'True' | 'False') =>
    (await curl('-d', `mac=${box.identifier}&auto=${auto}`, `${platform.url}/iot/get_handlers`))
      .body.length
  const operation = async () => (await platform.device(box.identifier)).components.handlers

  test('keeps handlers back: a hold at the button too, the switch at a start only', async () => {
    await announce('G18', box)
    const { id } = await platform.device(box.identifier)
    const set = (body: object) => platform.api('setBoxForm', { params: { id }, body })
    expect(await platform.api('showBox', { params: { id } })).toMatchObject({
      kind: 'odoo',
      canRestart: false,
      form: { automaticDriversUpdate: true, hold: null },
    })
    const release = await publish('box', 'of a form', FIRST)
    await platform.assign(release, { device: box.identifier }, 'handlers')

    await set({ hold: { reason: 'inventory' } })
    expect([await fetched('True'), await fetched('False')]).toEqual([0, 0])
    expect(await operation()).toMatchObject({
      because: 'box@of a form waits. The box is held: inventory',
      held: { comesIfAsked: false },
    })

    const form = await set({ automaticDriversUpdate: false })
    expect(form.held).toMatchObject([{ type: 'handlers', comesIfAsked: true }])
    expect((await platform.device(box.identifier)).attributes).toMatchObject({
      automaticDriversUpdate: false,
    })
    expect(await fetched('True')).toBe(0)
    expect(await fetched('False')).toBeGreaterThan(0)
  })
})

describe('a campaign', () => {
  test('waits for a box that is held, and fails nobody for it', async () => {
    const held = { identifier: '02:00:00:00:00:07' }
    await announce('G18', held)
    const { id } = await platform.device(held.identifier)
    const params = { id }
    await platform.api('setBoxForm', { params, body: { hold: { reason: 'a fair' } } })
    const expression = `name == "${held.identifier}"`
    const campaign = await platform.api('createCampaign', {
      body: {
        name: 'handlers of a fair',
        releaseId: await publish('box', 'of a fair', FIRST),
        audience: { expression },
      },
    })
    const ask = () =>
      curl('-d', `mac=${held.identifier}&auto=False`, `${platform.url}/iot/get_handlers`)
    expect((await ask()).body.length).toBe(0)
    platform.advanceClock({ minutes: 60 * 24 * 3 })
    expect((await ask()).body.length).toBe(0)
    const { components } = await platform.device(held.identifier)
    expect(components.handlers).toMatchObject({
      because: 'box@of a fair waits. The box is held: a fair',
    })
    const show = () => platform.api('showCampaign', { params: { id: campaign.id } })
    expect(await show()).toMatchObject({
      status: 'in-progress',
      tally: { idle: 1, failed: 0, skipped: 0 },
    })

    const { items } = await platform.api('listTargets', {
      params: { id: campaign.id },
      query: {},
    })
    expect(items).toMatchObject([
      {
        status: 'idle',
        because: 'It waits. The box is held: a fair',
        reason: { code: 'box.hold' },
      },
    ])

    await platform.api('setBoxForm', { params, body: {} })
    expect((await ask()).body.length).toBeGreaterThan(0)
    await announce('G18', held)
    await expect
      .poll(async () => {
        await announce('G18', held)
        return show()
      })
      .toMatchObject({ status: 'finished', outcome: 'success', tally: { successful: 1 } })
  })
})

describe('what a box logs', () => {
  test('is kept whole, and cut off is what is cut off', async () => {
    const box = { identifier: '02:00:00:00:00:08' }
    await announce('G18', box)
    const { id } = await platform.device(box.identifier)
    const body = [
      `mac ${box.identifier}<log/>\n`,
      '10,polled<log/>\n20,started<log/>\n30,slow<log/>\n40,no scale<log/>\n50,gone<log/>\n20,cut',
    ].join('')
    const answer = await curl(
      ...['-H', 'Content-Type: application/octet-stream', '-H', 'Transfer-Encoding: chunked'],
      ...['--data-binary', body, `${platform.url}/iot/log`],
    )
    expect(answer.status).toBe(200)
    const lines = async () =>
      (await platform.api('listLogLines', { params: { id }, query: {} })).items.map(
        ({ level, message }) => `${level} ${message}`,
      )
    await expect
      .poll(lines)
      .toEqual(['error gone', 'error no scale', 'warn slow', 'info started', 'debug polled'])
    const events = async () =>
      (await platform.api('listEvents', { query: { deviceId: id, kind: 'device.logged' } })).items
    await expect.poll(events).toMatchObject([{ data: { lines: ['no scale', 'gone'] } }])
  })
})

describe('images', () => {
  const HOST = 'images.example'
  const [OLD, NEW] = [new Uint8Array(1000).fill(1), new Uint8Array(2000).fill(2)]
  const sha1 = (bytes: Uint8Array) => createHash('sha1').update(bytes).digest('hex')
  const from = (path: string, ...args: string[]) =>
    curl('-H', `Host: ${HOST}`, ...args, platform.url + path)

  test('are listed as boxes read them, and fetched: what the profile is assigned is the latest', async () => {
    const id = await platform.addProfile('images')
    const body = { url: `https://${HOST}`, series: '17.0' }
    await platform.api('setBoxServer', { params: { id }, body })
    const image = (version: string, bytes: Uint8Array<ArrayBuffer>) =>
      platform.addRelease({ title: 'image', version, profile: 'images', type: 'image', bytes })
    await image('23.09', OLD)
    const latest = await image('23.11', NEW)
    const listing = '/master/iotbox/SHA1SUMS.txt'

    const none = (await from(listing)).body.toString()
    for (const version of ['23.09', '24.01']) expect(offeredImage(none, version)).toBeNull()
    expect((await from('/master/iotbox/iotbox-latest.zip')).status).toBe(404)

    await platform.assign(latest, { profile: 'images' }, 'image')
    const sums = await from(listing)
    expect(sums.status).toBe(200)
    expect(sums.body.toString()).toBe(
      `${sha1(NEW)}  iotbox-latest.zip\n${sha1(OLD)}  iotboxv23_09.zip\n${sha1(NEW)}  iotboxv23_11.zip\n`,
    )
    // As a proxy asks that stands in for the host of their maker.
    const proxied = await curl(`${platform.url}/iot/images/${HOST}/SHA1SUMS.txt`)
    expect(proxied.body.equals(sums.body)).toBe(true)

    const whole = await from('/master/iotbox/iotbox-latest.zip')
    expect([whole.status, whole.body.equals(NEW)]).toEqual([200, true])
    const rest = await from('/master/iotbox/iotboxv23_09.zip', '-r', '900-')
    expect([rest.status, rest.body.equals(OLD.subarray(900))]).toEqual([206, true])
    expect(rest.headers).toMatch(/^content-range: bytes 900-999\/1000\r$/im)
  })

  test.each(['/master/iotbox/iotboxv99_99.zip', '/iot/images/nobody.example/SHA1SUMS.txt'])(
    'at %s there is none',
    async (path) => {
      const { status, body } = await from(path)
      expect([status, body.length]).toEqual([404, 0])
    },
  )
})

describe('two tenants', () => {
  /** An administrator of another tenant. */
  const others = async () => {
    const { token } = await otherTenant(platform, {
      name: 'others',
      administrator: 'administrator of others',
    })
    return createClient({ url: platform.url, token })
  }

  test('have no box and no host in common: who had it first keeps it', async () => {
    const box = { identifier: '02:00:00:00:00:04', mac: '02:00:00:00:00:05' }
    const channel = await announce('G18', box)
    const ours = await publish('box', 'ours', FIRST)
    await platform.assign(ours, { device: box.identifier }, 'handlers')

    const api = await others()
    const { id } = await api('createProfile', { body: { name: 'theirs' } })
    const body = { key: 'key of theirs', strategy: 'create-new', claimsAtOnce: true } as const
    await api('enableProvisioning', { params: { id }, body })
    await expect(
      api('setBoxServer', { params: { id }, body: { url: platform.url, series: '14.0' } }),
    ).rejects.toMatchObject({ code: 'box.host-taken' })

    const theirs = { token: 'key of theirs' }
    expect(await announce('G18', { ...box, ...theirs, version: 'L99.99' })).toBe('')
    expect((await api('listDevices', { query: {} })).items).toEqual([])
    expect((await platform.device(box.identifier)).installed.image?.version).toBe('24.10')

    // With the same adapter, but known by its own number: theirs, and given nothing of ours.
    const own = { ...theirs, identifier: '10000000abcd0099', mac: box.mac }
    expect(await announce('G19', own)).not.toBe('')
    const given = await curl(
      '-d',
      'identifier=10000000abcd0099',
      `${platform.url}/iot/get_handlers`,
    )
    expect([given.status, given.body.length]).toEqual([200, 0])
    expect(await announce('G18', box)).toBe(channel)
  })
})
