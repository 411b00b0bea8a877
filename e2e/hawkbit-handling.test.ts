/**
 * One assignment, brought in another way than usual: soft, forced from some time on, only downloaded, or in a window of its
 * own. Assigned by hawkBit's management API, and read and carried out as each of its clients does.
 */
import { randomBytes } from 'node:crypto'
import type { DeploymentDocument } from '@updraft/wire/hawkbit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { raucUpdater } from './hawkbit-clients.ts'
import { actionIn, type HawkbitDevice, hawkbitDevice } from './hawkbit-device.ts'
import { addSet, type Manage, management } from './hawkbit-management.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

type Client = 'swupdate' | 'rauc' | 'zephyr' | 'ddi'

let platform: TestPlatform
let manage: Manage
let minutes = 0
beforeAll(async () => {
  platform = await testPlatform()
  manage = management(platform)
})
afterAll(() => platform.stop())

const now = () => new Date(Date.now() + minutes * 60_000)
const pass = (some: number) => {
  minutes += some
  platform.advanceClock({ minutes: some })
}

/** hawkBit's window that opens in so many minutes, once, for half an hour. */
function windowIn(away: number) {
  const at = new Date(now().getTime() + away * 60_000)
  const [second, minute, hour] = [at.getUTCSeconds(), at.getUTCMinutes(), at.getUTCHours()]
  const [day, month, year] = [at.getUTCDate(), at.getUTCMonth() + 1, at.getUTCFullYear()]
  const schedule = `${second} ${minute} ${hour} ${day} ${month} ? ${year}`
  return { schedule, duration: '00:30:00', timezone: '+00:00' }
}

/** A target of that client, and a set for it. */
async function known(name: string, client: Client) {
  await manage('PUT', 'system/configs/updraft.profile', { value: `of-${client}` })
  const { json } = await manage('POST', 'targets', [{ controllerId: name, name }])
  const { items } = await platform.api('listProfiles', { query: { name: `of-${client}` } })
  const params = { id: items[0]?.id ?? '' }
  await platform.api('changeHawkbitSettings', { params, body: { client } })
  const fileName = 'image.swu'
  const { setId } = await addSet(manage, {
    name,
    fileName,
    bytes: new Uint8Array(randomBytes(3000)),
  })
  const reached = {
    url: platform.url,
    controllerId: name,
    authorization: `TargetToken ${json[0].securityToken}`,
  }
  return { name, setId, reached, device: hawkbitDevice(reached) }
}

const assign = (name: string, setId: number, wish: object = {}) =>
  manage('POST', `targets/${name}/assignedDS`, [{ id: setId, ...wish }])

const read = async (device: HawkbitDevice) => {
  const link = await device.linked('deploymentBase')
  if (link === undefined) return undefined
  const { json } = await device.ask('GET', link)
  const { download, update, maintenanceWindow } = (json as DeploymentDocument).deployment ?? {}
  return { link, told: [download, update, maintenanceWindow ?? 'none'].join(' ') }
}

const actionsOf = async (name: string) =>
  (await manage('GET', `targets/${name}/actions`)).json.content

describe('each client reads what is meant', () => {
  const HOUR = 60
  const wishes = {
    'as usual': () => ({}),
    forced: () => ({ type: 'forced' }),
    soft: () => ({ type: 'soft' }),
    'forced later': () => ({ type: 'timeforced', forcetime: now().getTime() + HOUR * 60_000 }),
    'forced by now': () => ({ type: 'timeforced', forcetime: now().getTime() - 1 }),
    'in an open window': () => ({ maintenanceWindow: windowIn(-5) }),
    'soft in an open window': () => ({ type: 'soft', maintenanceWindow: windowIn(-5) }),
    'in a window to come': () => ({ maintenanceWindow: windowIn(HOUR) }),
    'soft in a window to come': () => ({ type: 'soft', maintenanceWindow: windowIn(HOUR) }),
    'only downloaded': () => ({ type: 'downloadonly' }),
    'only downloaded in a window to come': () => ({
      type: 'downloadonly',
      maintenanceWindow: windowIn(HOUR),
    }),
  }
  const waits = 'no link'
  const refused = 'refused'
  test.each<[keyof typeof wishes, string, string]>([
    ['as usual', 'forced forced none', 'forced forced none'],
    ['forced', 'forced forced none', 'forced forced none'],
    ['soft', 'attempt attempt none', 'attempt attempt none'],
    ['forced later', 'attempt attempt none', 'attempt attempt none'],
    ['forced by now', 'forced forced none', 'forced forced none'],
    ['in an open window', 'forced forced available', 'forced forced available'],
    ['soft in an open window', 'attempt attempt available', 'attempt attempt available'],
    ['in a window to come', 'forced skip unavailable', waits],
    ['soft in a window to come', 'attempt skip unavailable', waits],
    ['only downloaded', 'forced skip none', refused],
    ['only downloaded in a window to come', waits, refused],
  ])('%s: "%s" where it can wait, "%s" where not', async (wish, ofWaiting, ofOthers) => {
    const clients = { rauc: ofWaiting, ddi: ofWaiting, swupdate: ofOthers, zephyr: ofOthers }
    const found: Record<string, string> = {}
    for (const client of Object.keys(clients) as Client[]) {
      const { name, setId, device } = await known(`${client}-${wish.replaceAll(' ', '-')}`, client)
      const { status } = await assign(name, setId, wishes[wish]())
      const told = status === 200 ? ((await read(device))?.told ?? waits) : refused
      found[client] = told
    }
    expect(found).toEqual(clients)
  })
})

test('rauc-hawkbit-updater fetches what is only to be downloaded, and installs it when it is assigned anew', async () => {
  const { name, setId, reached } = await known('only', 'rauc')
  const { json } = await assign(name, setId, { type: 'downloadonly' })
  const [{ id }] = json.assignedActions
  expect((await manage('GET', `targets/${name}/actions/${id}`)).json).toMatchObject({
    forceType: 'downloadonly',
    active: true,
  })
  const installed: number[] = []
  const updater = raucUpdater(reached, {
    install: async (bundle) => {
      installed.push(bundle.length)
      return true
    },
  })
  expect(await updater.once()).toBe('downloaded')
  // It is done, and nothing more is told; its version is what it was.
  expect(await updater.once()).toBe('nothing')
  expect(installed).toEqual([])
  expect((await manage('GET', `targets/${name}/actions/${id}`)).json).toMatchObject({
    status: 'finished',
    detailStatus: 'downloaded',
    active: false,
  })
  const statuses = await manage('GET', `targets/${name}/actions/${id}/status?sort=id:DESC`)
  expect(statuses.json.content[0]).toMatchObject({
    type: 'downloaded',
    messages: ['File checksum OK.'],
  })
  expect((await manage('GET', `targets/${name}`)).json.updateStatus).toBe('in_sync')
  expect((await manage('GET', `targets/${name}/installedDS`)).status).toBe(204)
  const device = await platform.device(name)
  expect(device.operation).toMatchObject({ state: 'STAGED', handling: { isDownloadOnly: true } })
  expect(device.components.firmware).toMatchObject({
    installed: null,
    verdict: 'nothing',
    reason: { code: 'nothing.staged' },
  })

  expect((await assign(name, setId, { type: 'downloadonly' })).json.alreadyAssigned).toBe(1)
  const again = await assign(name, setId, { type: 'forced' })
  expect(again.json).toMatchObject({ assigned: 1, alreadyAssigned: 0 })
  expect(await updater.once()).toBe('installed')
  expect(installed).toEqual([3000])
  await updater.once()
  expect((await platform.device(name)).installed.firmware?.version).toBe('1.0')
})

test('what was only to be downloaded and is installed all the same is known when the device says so', async () => {
  const { name, setId, device } = await known('eager', 'ddi')
  await assign(name, setId, { type: 'downloadonly' })
  const { link } = (await read(device)) ?? {}
  const id = actionIn(link)
  // Not believed while it has not fetched it.
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  expect((await platform.device(name)).operation?.state).toBe('INITIATED')
  await device.feedback(id, 'downloaded', 'success')
  expect((await platform.device(name)).operation?.state).toBe('STAGED')
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(200)
  expect((await device.feedback(id, 'closed', 'success')).status).toBe(410)
  expect((await platform.device(name)).installed.firmware?.version).toBe('1.0')
})

test('rauc-hawkbit-updater fetches before its window, keeps it, and installs when that opens', async () => {
  const { name, setId, reached } = await known('nightly', 'rauc')
  await assign(name, setId, { maintenanceWindow: windowIn(300) })
  const [action] = await actionsOf(name)
  expect(action.maintenanceWindow).toMatchObject({ duration: '00:30:00', timezone: '+00:00' })
  expect(action.maintenanceWindow.nextStartAt).toBeGreaterThan(now().getTime())
  const updater = raucUpdater(reached)
  expect(await updater.once()).toBe('waiting')
  // For hours it says nothing more of it; that is no silence.
  for (let hour = 0; hour < 4; hour += 1) {
    pass(60)
    expect(await updater.once()).toBe('waiting')
  }
  expect((await platform.device(name)).operation).toMatchObject({
    state: 'DOWNLOADED',
    restarts: 0,
  })
  pass(62)
  expect(await updater.once()).toBe('installed')
  await updater.once()
  expect((await platform.device(name)).operation?.state).toBe('UPDATED')
  expect(await actionsOf(name)).toHaveLength(1)
})

test('what SWUpdate read in its window stays what it was after the window, and after a restart', async () => {
  const { name, setId, device } = await known('kept', 'swupdate')
  await assign(name, setId, { maintenanceWindow: windowIn(60) })
  expect(await read(device)).toBeUndefined()
  pass(65)
  const open = await read(device)
  expect(open?.told).toBe('forced forced available')
  pass(60)
  await platform.restart()
  manage = management(platform)
  const after = hawkbitDevice({
    url: platform.url,
    controllerId: name,
    authorization: device.shows.authorization,
  })
  expect((await read(after))?.told).toBe('forced forced available')
  expect(actionIn((await read(after))?.link)).toBe(actionIn(open?.link))
  expect((await after.feedback(actionIn(open?.link), 'closed', 'success')).status).toBe(200)
  expect((await platform.device(name)).operation?.state).toBe('UPDATED')
})

test('what is soft is forced from its time on, or when an operator says so; the link tells of it', async () => {
  const soft = await known('by-and-by', 'rauc')
  await assign(soft.name, soft.setId, { type: 'timeforced', forcetime: now().getTime() + 600_000 })
  const before = await read(soft.device)
  expect(await read(soft.device)).toEqual(before)
  expect((await actionsOf(soft.name))[0].forceType).toBe('timeforced')
  pass(11)
  const after = await read(soft.device)
  expect([before?.told, after?.told]).toEqual(['attempt attempt none', 'forced forced none'])
  expect(after?.link).not.toBe(before?.link)
  expect(actionIn(after?.link)).toBe(actionIn(before?.link))

  const hurried = await known('hurried', 'rauc')
  await assign(hurried.name, hurried.setId, { type: 'soft' })
  expect((await read(hurried.device))?.told).toBe('attempt attempt none')
  const [{ id }] = await actionsOf(hurried.name)
  const path = `targets/${hurried.name}/actions/${id}`
  const changed = await manage('PUT', path, { forceType: 'forced' })
  expect([changed.status, changed.json.forceType]).toEqual([200, 'forced'])
  expect((await read(hurried.device))?.told).toBe('forced forced none')
  expect((await manage('PUT', path, { forceType: 'soft' })).status).toBe(400)
  expect(await actionsOf(hurried.name)).toHaveLength(1)
})

test('the same release assigned in another way is another action, and the first is taken back', async () => {
  const { name, setId, device } = await known('changed', 'ddi')
  await assign(name, setId, { type: 'downloadonly' })
  const first = actionIn((await read(device))?.link)
  await assign(name, setId, { type: 'forced' })
  expect(actionIn(await device.linked('cancelAction'))).toBe(first)
  await device.feedback(first, 'closed', 'success', { at: 'cancelAction' })
  const second = await read(device)
  expect(second?.told).toBe('forced forced none')
  expect(actionIn(second?.link)).not.toBe(first)
})

test.each([
  [{ schedule: '0 0 3 ? * *', duration: '01:00:00' }, /schedule, a duration and a timezone/],
  [{ schedule: '0 0 3 ? *', duration: '01:00:00', timezone: '+00:00' }, /five|5 fields/],
  [{ schedule: '0 0 3 ? * * 2020', duration: '01:00:00', timezone: '+00:00' }, /never opens/],
  [{ schedule: '0 0 3 ? * *', duration: 'an hour', timezone: '+00:00' }, /HH:mm:ss/],
  [{ schedule: '0 0 3 ? * *', duration: '01:00:00', timezone: 'Berlin' }, /offset/],
])('the window %j is none, and nothing is assigned', async (maintenanceWindow, why) => {
  const name = `none-${Object.values(maintenanceWindow)
    .join('')
    .replaceAll(/[^a-zA-Z0-9]/g, '-')}`
  const { setId } = await known(name, 'rauc')
  const { status, json } = await assign(name, setId, { maintenanceWindow })
  expect([status, json.errorCode, json.message]).toEqual([
    400,
    'hawkbit.server.error.maintenanceScheduleInvalid',
    expect.stringMatching(why),
  ])
  expect((await manage('GET', `targets/${name}/assignedDS`)).status).toBe(204)
})
