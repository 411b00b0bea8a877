/** A campaign's windows, and those of a device, as hawkBit's clients meet them: closed, open, closed again. */
import { type DeploymentDocument, readSleep } from '@updraft/wire/hawkbit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { actionIn, type HawkbitDevice, hawkbitDevice } from './hawkbit-device.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let minutes = 0
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const pass = (some: number) => {
  minutes += some
  platform.advanceClock({ minutes: some })
}

/** A window that opens in so many minutes of the platform's clock, for half an hour. */
const windowIn = (away: number): string => {
  const timeAt = (later: number) =>
    new Date(Date.now() + (minutes + later) * 60_000).toISOString().slice(11, 16)
  return `${timeAt(away)}-${timeAt(away + 30)}`
}

type Client = 'swupdate' | 'rauc' | 'zephyr' | 'ddi'

/** A device that is known, and a release for it that nobody has been told of. */
async function known(name: string, client: Client) {
  const id = await platform.addProfile(name)
  await platform.api('changeHawkbitSettings', { params: { id }, body: { client } })
  const token = await platform.addDevice(name, name)
  const authorization = `TargetToken ${token}`
  const device = hawkbitDevice({ url: platform.url, controllerId: name, authorization })
  await device.ask('PUT', '/installedBase', { body: { name, version: '1.0.0' } })
  const upload = { title: name, profile: name, bytes: random(5_000), fileName: 'image.swu' }
  return { device, releaseId: await platform.addRelease({ ...upload, version: '2.0.0' }) }
}

const campaign = (name: string, releaseId: string, settings: object) =>
  platform.api('createCampaign', {
    body: { name, releaseId, audience: { expression: 'true' }, settings },
  })

const read = async (device: HawkbitDevice, link: string | undefined) =>
  ((await device.ask('GET', link ?? '')).json as DeploymentDocument | undefined)?.deployment

const fileOf = (deployment: DeploymentDocument['deployment']): string =>
  deployment?.chunks[0]?.artifacts[0]?._links['download-http']?.href ?? ''

test.each(['swupdate', 'rauc', 'zephyr', 'ddi'] as const)(
  '%s hears nothing before the window, and is not stopped by its end once it has begun',
  async (client) => {
    const { device, releaseId } = await known(`open-${client}`, client)
    await campaign(`open-${client}`, releaseId, { windows: windowIn(60) })
    expect(await device.linked('deploymentBase')).toBeUndefined()
    pass(65)
    const link = await device.linked('deploymentBase')
    const open = await read(device, link)
    expect(open).toMatchObject({ update: 'forced', maintenanceWindow: 'available' })
    const id = actionIn(link)
    expect((await device.feedback(id, 'proceeding', 'none')).status).toBe(200)
    const range = { range: 'bytes=0-99' }
    expect((await device.ask('GET', fileOf(open), { headers: range })).status).toBe(206)
    pass(60)
    const later = await device.linked('deploymentBase')
    expect(later).toBe(link)
    expect(await read(device, later)).toEqual(open)
    expect((await device.ask('GET', fileOf(open))).status).toBe(200)
    expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
    await device.poll()
    expect((await platform.device(`open-${client}`)).operation?.state).toBe('UPDATED')
  },
)

test.each(['rauc', 'ddi'] as const)(
  '%s that missed the window may fetch, and installs when it opens again',
  async (client) => {
    const name = `missed-${client}`
    const { device, releaseId } = await known(name, client)
    // It hears of it in the window, and reads what after it.
    await campaign(name, releaseId, { windows: windowIn(-5) })
    const told = await device.linked('deploymentBase')
    pass(60)
    const link = await device.linked('deploymentBase')
    expect([actionIn(link), link === told]).toEqual([actionIn(told), false])
    const closed = await read(device, link)
    expect(closed).toMatchObject({
      download: 'forced',
      update: 'skip',
      maintenanceWindow: 'unavailable',
    })
    expect((await device.ask('GET', fileOf(closed))).status).toBe(200)
    const id = actionIn(link)
    expect((await device.feedback(id, 'downloaded', 'success')).status).toBe(200)
    // What some take a skip for.
    expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
    expect((await platform.device(name)).operation?.state).toBe('DOWNLOADED')
    expect((await platform.device(name)).installed.firmware?.version).toBe('1.0.0')
    pass(24 * 60 - 60)
    const again = await device.linked('deploymentBase')
    expect(actionIn(again)).toBe(id)
    expect(again).not.toBe(link)
    expect(await read(device, again)).toMatchObject({
      update: 'forced',
      maintenanceWindow: 'available',
    })
    expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
    await device.poll()
    expect((await platform.device(name)).operation?.state).toBe('UPDATED')
  },
)

test.each(['swupdate', 'zephyr'] as const)(
  '%s that missed the window finds no link until it opens again',
  async (client) => {
    const name = `missed-${client}`
    const { device, releaseId } = await known(name, client)
    await campaign(name, releaseId, { windows: windowIn(-5) })
    const told = await device.linked('deploymentBase')
    pass(60)
    expect(await device.linked('deploymentBase')).toBeUndefined()
    // Between its poll and this the window has closed.
    expect((await device.ask('GET', told ?? '')).status).toBe(404)
    pass(24 * 60 - 60)
    const link = await device.linked('deploymentBase')
    expect(actionIn(link)).toBe(actionIn(told))
    expect(await read(device, link)).toMatchObject({ update: 'forced' })
  },
)

test('a device with a window of its own waits for both', async () => {
  const { device, releaseId } = await known('own', 'swupdate')
  const { id } = await platform.device('own')
  const body = { attributes: { night: windowIn(120) } }
  await platform.api('changeDevice', { params: { id }, body })
  const settings = { windows: windowIn(100), windowAttribute: 'night' }
  await campaign('own', releaseId, settings)
  pass(105)
  expect(await device.linked('deploymentBase')).toBeUndefined()
  pass(17)
  expect(await device.linked('deploymentBase')).toBeDefined()
})

test.each(['swupdate', 'rauc'] as const)(
  '%s comes the sooner the nearer its window is, and as ever while that is far',
  async (client) => {
    const name = `nearer-${client}`
    const { device, releaseId } = await known(name, client)
    const { profileId: id } = await platform.device(name)
    await platform.api('changeHawkbitSettings', { params: { id }, body: { pollSeconds: 1800 } })
    const sleep = async () => readSleep((await device.poll()).config?.polling.sleep ?? '') ?? -1
    const between = async (least: number, most: number) => {
      const seconds = await sleep()
      expect([least, seconds, most]).toEqual([least, seconds, most].toSorted((a, b) => a - b))
    }
    // One that can wait hears of it in the window, and reads after it that it is to wait.
    await campaign(name, releaseId, { windows: windowIn(-5) })
    const told = await device.linked('deploymentBase')
    expect(told).toBeDefined()
    pass(60)
    await read(device, told)
    // It opens again 23 hours later, less the five minutes and up to a minute more.
    await between(1620, 1980)
    pass(22 * 60)
    await between(54 * 20 * 0.9, 56 * 20 * 1.1)
    pass(40)
    await between(14 * 20 * 0.9, 16 * 20 * 1.1)
    pass(13)
    await between(27, 132 * 0.4)
  },
)
