/** A week in the life of the invented fleet, played against a real server whose clock it moves. */
import { type Client, createClient } from '@updraft/api/client'
import type { PolicyDraft } from '@updraft/api/shapes'
import type { CheckInResponse } from '@updraft/wire/updraft'
import { seeded } from '../chance.ts'
import { boxesComeIn } from './boxes.ts'
import { BEGIN, CUSTOMERS, DAYS, KINDS, type Kind, NOW, PEOPLE, passwordOf } from './fleet.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const SEED = 20260519

/** When a device that fails each time comes back, after the time before: a little later than it is let. */
const RETRIES_HOURS = [0, 0.6, 1.4, 4.6, 12.6] as const

/** Something that happens at its time. */
interface Moment {
  readonly at: number
  readonly happens: () => Promise<unknown>
}

interface Device {
  readonly name: string
  readonly kind: Kind
  readonly say: (path: string, body: object) => Promise<unknown>
}

/** Plays it all; the clock stands at `NOW` when it is done. */
export async function liveThroughWeek(
  url: string,
  token: string,
  setClock: (to: Date) => void,
): Promise<void> {
  const api = createClient({ url, token })
  const chance = seeded(SEED)
  const begin = BEGIN.getTime()
  setClock(BEGIN)
  const customers: string[] = []
  for (const name of CUSTOMERS) {
    customers.push((await api('createCustomer', { body: { name } })).id)
  }
  for (const { name, role, customer } of PEOPLE) {
    const customerId = customer && customers[CUSTOMERS.indexOf(customer)]
    await api('createOperator', { body: { name, role, customerId, password: passwordOf(name) } })
  }
  const moments: Moment[] = []
  for (const kind of KINDS)
    moments.push(...(await weekOf(kind, { api, url, chance, begin, customers })))
  for (const { at, happens } of moments.toSorted((a, b) => a.at - b.at)) {
    setClock(new Date(at))
    await happens()
  }
  setClock(NOW)
  await planAhead(api)
  await boxesComeIn(api, url, setClock)
}

/** What is prepared for the days to come. */
async function planAhead(api: Client): Promise<void> {
  const groups: string[] = []
  for (const [handle, name, expression] of GROUPS) {
    groups.push((await api('createGroup', { body: { handle, name, expression } })).id)
  }
  const stable = { handle: 'stable', name: 'Stable', groupIds: groups.slice(1) }
  const { id: channelId } = await api('createChannel', { body: stable })
  const query = { title: 'gateway-image', sort: '-createdAt', limit: 1 }
  const [newest] = (await api('listReleases', { query })).items
  const settings = { windows: 'Sat,Sun 01:00-05:00 Europe/Berlin' }
  const scheduledAt = new Date(NOW.getTime() + 3 * DAY_MS).toISOString()
  const audience = { channelId }
  const releaseId = newest?.id ?? ''
  await api('createCampaign', {
    body: { name: 'Gateways at the weekend', releaseId, audience, settings, scheduledAt },
  })
}

const GROUPS = [
  ['beta', 'Beta', '"beta" in labels'],
  ['gateways', 'Gateways with room', 'profile == "Gateway" && inventory.memoryMb >= 1024'],
  ['cellars', 'In cellars', 'profile == "Water meter" && "basement" in labels'],
] as const

async function weekOf(
  kind: Kind,
  {
    api,
    url,
    chance,
    begin,
    customers,
  }: {
    api: Client
    url: string
    chance: () => number
    begin: number
    customers: readonly string[]
  },
): Promise<Moment[]> {
  const { profile, description, title } = kind
  const { id: profileId } = await api('createProfile', { body: { name: profile, description } })
  const devices = await addDevices(kind, { api, url })
  for (const [index, device] of devices.entries()) {
    if (index % 4 !== 1) continue
    const { items } = await api('listDevices', { query: { name: device.name } })
    const customerId = customers[index % customers.length]
    await api('changeDevice', { params: { id: items[0]?.id ?? '' }, body: { customerId } })
  }
  const addRelease = async (version: string) => {
    const bytes = new Uint8Array(kind.fileBytes).map((_, at) => (at * 31 + version.length) % 251)
    const { sha256 } = await api('uploadArtifact', { body: bytes })
    const fileName = `${title}-${version}.bin`
    const body = { title, version, profile, sha256, fileName, type: 'firmware' }
    return (await api('createRelease', { body })).id
  }
  const assign = async (version: string) => {
    const id = await addRelease(version)
    const params = { id: profileId, type: 'firmware' }
    await api('assignToProfile', { params, body: { releaseId: id } })
    // Its devices come to know by and by, and the clock stands still for it.
    const query = { profile, state: 'QUEUED' } as const
    for (let waiting = 0; waiting < devices.length; ) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      waiting = (await api('countDevices', { query })).count
    }
  }

  const bringByCampaign = async (name: string, version: string) => {
    const releaseId = await addRelease(version)
    const audience = { expression: `profile == "${profile}"` }
    const settings = {
      waves: [{ size: { count: 1 } }, { size: { percentage: 60 }, soakSeconds: 3600 }],
      maxFailurePercentage: 25,
      stopRule: { failurePercentage: 40, minFinished: 10 },
    }
    await api('createCampaign', { body: { name, releaseId, audience, settings } })
  }

  const publish = async (version: string, policy: PolicyDraft) => {
    const id = await addRelease(version)
    await api('putPolicy', { params: { id }, body: policy })
  }
  const give = (version: string) =>
    kind.policy ? publish(version, kind.policy(version)) : assign(version)

  const [first, second, newest] = kind.versions
  const moments: Moment[] = []
  // Some are still in their boxes.
  const heardOf = devices.filter((_, index) => index % 16 !== 15)
  for (const device of heardOf) {
    const installed = { firmware: { title, version: first } }
    const at = begin + chance() * 2 * HOUR_MS
    moments.push({ at, happens: () => device.say('check-in', { installed, facts: kind.facts }) })
  }
  const early = begin + (6 + 20 * chance()) * HOUR_MS
  moments.push({ at: early, happens: () => give(second) })
  const stubborn = heardOf.slice(0, kind.stubborn?.devices ?? 0)
  for (const device of stubborn) {
    let at = early + HOUR_MS
    for (const hours of RETRIES_HOURS) {
      at += hours * HOUR_MS
      moments.push(...update(device, at, { end: 'FAILED', reason: kind.stubborn?.reason }, chance))
    }
  }
  for (const device of heardOf.slice(stubborn.length)) {
    // Most come in on the first days, and by day.
    const at = early + chance() ** 1.4 * (DAYS - 1.6) * DAY_MS
    moments.push(...update(device, at, { end: 'UPDATED' }, chance))
  }
  if (newest === null) return moments

  const today = NOW.getTime() - (7 + 2 * chance()) * HOUR_MS
  const { campaign } = kind
  const bring = () => (campaign === undefined ? give(newest) : bringByCampaign(campaign, newest))
  moments.push({ at: today, happens: bring })
  for (const [index, device] of heardOf.entries()) {
    const drawn = chance()
    const at = today + (0.05 + 0.9 * chance()) * (NOW.getTime() - today)
    const { share, reasons } = kind.failing
    const reason = reasons[index % reasons.length]
    if (drawn < share && reason) {
      // Some only just now: their next attempt waits.
      const failsAt = drawn < share / 2 ? NOW.getTime() - 12 * MINUTE_MS : at
      moments.push(...update(device, failsAt, { end: 'FAILED', reason }, chance))
    } else if (drawn < 0.62) {
      moments.push(...update(device, at, { end: 'UPDATED' }, chance))
    } else if (drawn < 0.78) {
      const ends = ['DOWNLOADING', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'] as const
      const end = ends[index % ends.length] ?? 'DOWNLOADING'
      const lately = NOW.getTime() - (2 + 9 * chance()) * MINUTE_MS
      moments.push(...update(device, lately, { end }, chance))
    }
  }
  return moments
}

const WAY = ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'] as const

/** What the device says on its way, as far as it has come by now. */
function update(
  device: Device,
  begun: number,
  { end, reason }: { end: (typeof WAY)[number] | 'UPDATED' | 'FAILED'; reason?: string },
  chance: () => number,
): Moment[] {
  let operation: string | undefined
  const report = (body: object) => () =>
    operation === undefined ? Promise.resolve() : device.say(`operations/${operation}/report`, body)
  const takeOffer = async () => {
    const { offers } = (await device.say('check-in', {})) as CheckInResponse
    operation = offers[0]?.operation
  }
  const isUnderWay = WAY.some((state) => state === end)
  const states = isUnderWay ? WAY.slice(0, (WAY as readonly string[]).indexOf(end) + 1) : WAY
  // Whoever is under way is so now, within the minutes that are left.
  const stepMs = isUnderWay
    ? (NOW.getTime() - begun) / (states.length + 1)
    : (20 + 80 * chance()) * 1000
  const progress = Math.round(8 + 84 * chance())
  let at = begun
  const moments: Moment[] = [{ at, happens: takeOffer }]
  for (const state of states) {
    at += stepMs
    const isLast = isUnderWay && state === end
    const words = isLast && state === 'DOWNLOADING' ? { state, progress } : { state }
    moments.push({ at, happens: report(words) })
  }
  if (!isUnderWay) {
    at += stepMs
    moments.push({ at, happens: report({ state: end, error: reason }) })
  }
  return moments
}

async function addDevices(
  { profile, devices: count, ...kind }: Kind,
  { api, url }: { api: Client; url: string },
): Promise<Device[]> {
  const beginning = profile.toLowerCase().replaceAll(' ', '-')
  const devices = Array.from({ length: count }, (_, index) => ({
    name: `${beginning}-${String(index + 1).padStart(3, '0')}`,
    profile,
    labels: index % 9 === 0 ? ['beta'] : index % 7 === 0 ? ['basement'] : [],
  }))
  const added = await api('importDevices', { body: { devices } })
  return added.devices.map(({ name, token }) => ({
    name,
    kind: { profile, devices: count, ...kind },
    say: async (path, body) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const asked = { method: 'POST', headers, body: JSON.stringify(body) }
      const answer = await fetch(`${url}/device/v1/${path}`, asked)
      if (!answer.ok) throw new Error(`${name}, ${path}: ${await answer.text()}`)
      return answer.json()
    },
  }))
}
