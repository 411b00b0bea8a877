/** From what an operator types to what the API takes: names to ids, `title@version` to a release, pages to lists. */
import type { Client } from '@updraft/api/client'
import type {
  Campaign,
  Channel,
  Cloud,
  Customer,
  Device,
  Group,
  HardwareType,
  Operation,
  Operator,
  Page,
  Profile,
  Release,
  SystemModel,
  Tenant,
} from '@updraft/api/shapes'

import { Refusal, WrongWords } from './errors.ts'

export interface ReleaseName {
  readonly title: string
  readonly version: string
}

/** Splits at the last `@`: a title may hold one, as in `@acme/app@1.0.0`. */
export function splitRelease(text: string): ReleaseName {
  const at = text.lastIndexOf('@')
  const title = text.slice(0, Math.max(0, at))
  const version = text.slice(at + 1)
  if (at > 0 && version !== '') return { title, version }
  throw new WrongWords(`"${text}" is no title@version, such as app@1.4.0.`)
}

export async function findProfile(client: Client, name: string): Promise<Profile> {
  const { items } = await client('listProfiles', { query: { name, limit: 1 } })
  return items[0] ?? missing('profile.unknown', `There is no profile "${name}".`, 'profile list')
}

export async function findCampaign(client: Client, name: string): Promise<Campaign> {
  const { items } = await client('listCampaigns', { query: { name, limit: 1 } })
  return items[0] ?? missing('campaign.unknown', `There is no campaign "${name}".`, 'campaign list')
}

/** The device with what is decided for it just now. */
export async function findDevice(client: Client, name: string): Promise<Device> {
  const { items } = await client('listDevices', { query: { name, limit: 1 } })
  return items[0] ?? missing('device.unknown', `There is no device "${name}".`, 'device list')
}

export async function findGroup(client: Client, handle: string): Promise<Group> {
  const { items } = await client('listGroups', { query: { handle, limit: 1 } })
  return items[0] ?? missing('group.unknown', `There is no group "${handle}".`, 'group list')
}

export async function findChannel(client: Client, handle: string): Promise<Channel> {
  const { items } = await client('listChannels', { query: { handle, limit: 1 } })
  return items[0] ?? missing('channel.unknown', `There is no channel "${handle}".`, 'channel list')
}

export async function findHardwareType(client: Client, handle: string): Promise<HardwareType> {
  const { items } = await client('listHardwareTypes', { query: { handle, limit: 1 } })
  return (
    items[0] ??
    missing('hardware-type.unknown', `There is no hardware type "${handle}".`, 'hardware list')
  )
}

export async function findSystemModel(client: Client, handle: string): Promise<SystemModel> {
  const { items } = await client('listSystemModels', { query: { handle, limit: 1 } })
  return (
    items[0] ??
    missing('system-model.unknown', `There is no system model "${handle}".`, 'model list')
  )
}

export async function findCloud(client: Client, name: string): Promise<Cloud> {
  const { items } = await client('listClouds', { query: { name, limit: 1 } })
  return items[0] ?? missing('cloud.unknown', `There is no cloud "${name}".`, 'cloud list')
}

export async function findCustomer(client: Client, name: string): Promise<Customer> {
  const { items } = await client('listCustomers', { query: { name, limit: 1 } })
  return items[0] ?? missing('customer.unknown', `There is no customer "${name}".`, 'customer list')
}

/** The id of the customer that was named, if one was. */
export const customerIdOf = async (
  client: Client,
  name: string | undefined,
): Promise<string | undefined> =>
  name === undefined ? undefined : (await findCustomer(client, name)).id

export async function findUser(client: Client, name: string): Promise<Operator> {
  const { items } = await client('listOperators', { query: { name, limit: 1 } })
  return items[0] ?? missing('operator.unknown', `There is no user "${name}".`, 'user list')
}

export async function findTenant(client: Client, name: string): Promise<Tenant> {
  const { items } = await client('listTenants', { query: { name, limit: 1 } })
  return items[0] ?? missing('tenant.unknown', `There is no tenant "${name}".`, 'tenant list')
}

export async function findRelease(client: Client, name: string): Promise<Release> {
  const { title, version } = splitRelease(name)
  const { items } = await client('listReleases', { query: { title, version, limit: 1 } })
  return (
    items[0] ??
    missing('release.unknown', `There is no package ${title}@${version}.`, 'package list')
  )
}

/**
 * The device's one update for which the condition holds, of that component type or of any. Refuses where there
 * is none, and asks for the type where there are several.
 */
export function findOperation(
  device: Device,
  type: string | undefined,
  { holds, nothing }: { holds: (operation: Operation) => boolean; nothing: string },
): Operation {
  const found = Object.values(device.components)
    .map((component) => component.operation)
    .filter((operation) => operation !== null)
    .filter((operation) => (type === undefined || operation.type === type) && holds(operation))
  const [first] = found
  if (!first) {
    throw new Refusal({
      code: 'operation.unknown',
      message: nothing,
      hint: `\`updraft status ${device.name}\` shows where it stands.`,
    })
  }
  if (found.length === 1) return first
  const types = found.map((operation) => operation.type).join(', ')
  throw new WrongWords(`There are several: say which with --type (${types}).`)
}

const missing = (code: string, message: string, words: string): never => {
  throw new Refusal({ code, message, hint: `\`updraft ${words}\` shows what there is.` })
}

/** The server's largest page. */
const PAGE_SIZE = 500

type FetchPage<T> = (query: { limit: number; cursor?: string }) => Promise<Page<T>>
interface Extent {
  /** At most so many items in all. */
  readonly limit?: number
  readonly cursor?: string
}

/** Page after page of a list, one at a time: for lists too long to hold. */
export async function* pages<T>(
  { limit = Number.POSITIVE_INFINITY, cursor }: Extent,
  fetchPage: FetchPage<T>,
): AsyncGenerator<Page<T>> {
  let left = limit
  let nextCursor: string | null = cursor ?? null
  do {
    const page: Page<T> = await fetchPage({
      limit: Math.min(PAGE_SIZE, left),
      cursor: nextCursor ?? undefined,
    })
    yield page
    left -= page.items.length
    nextCursor = page.nextCursor
  } while (nextCursor !== null && left > 0)
}

/** All items of a list, or the first `limit` of them with the cursor to go on. */
export async function listAll<T>(extent: Extent, fetchPage: FetchPage<T>): Promise<Page<T>> {
  const items: T[] = []
  let nextCursor: string | null = null
  for await (const page of pages(extent, fetchPage)) {
    items.push(...page.items)
    nextCursor = page.nextCursor
  }
  return { items, nextCursor }
}
