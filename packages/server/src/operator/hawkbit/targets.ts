/** Targets: devices as hawkBit's API shows them. */
import type { Component, Device } from '@updraft/api/shapes'
import { can, DomainError, type Json, type JsonObject, type State } from '@updraft/core'
import { z } from 'zod'
import type { Asked } from './asked.ts'
import { overdueSeconds, pollSeconds } from './configs.ts'
import { deviceOf } from './device-of.ts'
import {
  checked,
  type Links,
  millis,
  PageQuery,
  pagedList,
  sortOf,
  unsupported,
} from './documents.ts'
import { profile, profileIfAny, settingsOf } from './profile.ts'
import { expressionOf, readQuery } from './rsql.ts'
import { setDocument } from './sets.ts'

const PATH = '/targets'
const MAX_DRAFTS = 1000
const PAGE_SIZE = 500
/** Beyond that one is to ask for what one looks for. */
const MAX_REACH = 20_000
/** Under which attribute of ours it stands what hawkBit calls a target, and says of it. */
const SAID = 'hawkbit'

const Text = z.string().max(4096).nullish()
const TargetDraft = z.object({
  controllerId: z.string(),
  name: Text,
  description: Text,
  securityToken: z.string().min(1).max(128).nullish(),
  address: z.unknown().optional(),
  group: z.unknown().optional(),
  targetType: z.unknown().optional(),
  requestAttributes: z.boolean().nullish(),
})
const TargetDrafts = z.array(TargetDraft).min(1).max(MAX_DRAFTS)
const TargetChange = TargetDraft.omit({ controllerId: true })

const SORTS = ['name', 'controllerId', 'id', 'createdAt', 'lastControllerRequestAt'] as const
const SORT_OF: Readonly<Record<(typeof SORTS)[number], string>> = {
  name: 'name',
  controllerId: 'name',
  id: 'createdAt',
  createdAt: 'createdAt',
  lastControllerRequestAt: 'lastSeenAt',
}

export async function createTargets(asked: Asked, body: unknown) {
  const { asks, needs } = asked
  const drafts = checked(TargetDrafts, body)
  for (const draft of drafts) refuseUnknown(draft)
  const { id: profileId } = await profile(asked)
  const made = await asks.under('importDevices', (actor) =>
    needs.fleet.importDevices(
      actor,
      drafts.map(({ controllerId, name, description, securityToken }) => ({
        name: controllerId,
        profileId,
        attributes: attributesWith({}, { controllerId, name, description }),
        ...(securityToken ? { token: securityToken } : { tokenOf: needs.credentials.firstTokenOf }),
      })),
    ),
  )
  const targets = []
  for (const { id, token } of made) {
    const device = await asks.ask('showDevice', { params: { id } })
    targets.push(await targetDocument(asked, device, { securityToken: token }))
  }
  return targets
}

export async function listTargets(asked: Asked, query: unknown) {
  const { q, offset, limit, ...rest } = checked(PageQuery, query)
  const sort = sortOf(rest, SORTS)
  if (offset + limit > MAX_REACH) {
    throw unsupported(`Here a list reaches to ${MAX_REACH}; ask with q for what you look for.`)
  }
  const { asks } = asked
  const filter = q ? { filter: expressionOf(readQuery(q)) } : {}
  const { count } = await asks.ask('countDevices', { query: filter })
  const order = sort ? { sort: `${sort.isDescending ? '-' : ''}${SORT_OF[sort.field]}` } : {}
  const devices: Device[] = []
  let skip = Math.min(offset, count)
  let cursor: string | null | undefined
  while (cursor !== null && devices.length < limit && skip < count) {
    const wanted = Math.min(PAGE_SIZE, skip + limit - devices.length)
    const page = await asks.ask('listDevices', {
      query: { ...filter, ...order, limit: wanted, ...(cursor && { cursor }) },
    })
    devices.push(...page.items.slice(skip))
    skip = Math.max(0, skip - page.items.length)
    cursor = page.nextCursor
  }
  const documents = []
  for (const device of devices.slice(0, limit)) documents.push(await targetDocument(asked, device))
  return pagedList(documents, count)
}

export async function showTarget(asked: Asked, controllerId: string) {
  const device = await deviceOf(asked, controllerId)
  return targetDocument(asked, device, {
    securityToken: await shownToken(asked, device.id),
    isAlone: true,
  })
}

export async function changeTarget(asked: Asked, controllerId: string, body: unknown) {
  const { asks } = asked
  const change = checked(TargetChange, body)
  refuseUnknown(change)
  if (change.requestAttributes === false) {
    throw new DomainError(
      'request.malformed',
      'requestAttributes can be asked for, not taken back.',
    )
  }
  const { id } = await deviceOf(asked, controllerId)
  if (change.name != null || change.description != null) {
    await asks.change(
      { name: 'showDevice', input: { params: { id } } },
      {
        name: 'changeDevice',
        input: ({ name, attributes }) => ({
          params: { id },
          body: { attributes: attributesWith(attributes, { ...change, controllerId: name }) },
        }),
      },
    )
  }
  if (change.securityToken) {
    const { securityToken: token } = change
    await asks.ask('replaceDeviceToken', { params: { id }, body: { token } })
  }
  if (change.requestAttributes) {
    await asks.ask('askForAttributes', { params: { id } })
  }
  return showTarget(asked, controllerId)
}

export async function removeTarget(asked: Asked, controllerId: string): Promise<void> {
  const { id } = await deviceOf(asked, controllerId)
  await asked.asks.ask('removeDevice', { params: { id } })
}

/** What the device said of itself, each as a text; null when it said nothing. */
export async function targetAttributes(
  asked: Asked,
  controllerId: string,
): Promise<Readonly<Record<string, string>> | null> {
  const { inventory } = await deviceOf(asked, controllerId)
  // Devices of other languages say what they are without a word around it.
  const said = isObject(inventory.attributes) ? inventory.attributes : inventory
  const entries = Object.entries(said).map(
    ([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)] as const,
  )
  return entries.length > 0 ? Object.fromEntries(entries) : null
}

/** The set it was assigned last, while it is assigned all of it; null when it is not. */
export async function assignedSet(asked: Asked, controllerId: string) {
  const device = await deviceOf(asked, controllerId)
  const set = (await setsOf(asked, device)).find(({ modules }) =>
    modules.every(({ type, releaseId }) => {
      const assigned = device.components[type]?.assigned
      return assigned?.scope === 'device' && assigned.release.id === releaseId
    }),
  )
  return set ? setDocument(set, asked) : null
}

/** Of those it was assigned the latest that it runs all of; null when it runs none. */
export async function installedSet(asked: Asked, controllerId: string) {
  const device = await deviceOf(asked, controllerId)
  const set = (await setsOf(asked, device)).find(({ modules }) =>
    modules.every(({ type, name, version }) => {
      const installed = device.installed[type]
      return installed?.version === version && (installed.title ?? name) === name
    }),
  )
  return set ? setDocument(set, asked) : null
}

const setsOf = async ({ asks, needs }: Asked, { id }: Device) => {
  const assigned = await asks.under(
    'showDevice',
    (actor) => needs.distributionSets.assignedTo(actor, id),
    id,
  )
  return assigned.map(({ set }) => set).filter(({ modules }) => modules.length > 0)
}

/** Only to those who may give it another, and while it can be told. */
const shownToken = async ({ asks, needs }: Asked, id: string): Promise<string | null> =>
  can(asks.actor, 'device.write') ? needs.credentials.shownToken(asks.actor, id) : null

function refuseUnknown({
  address,
  group,
  targetType,
}: Partial<z.output<typeof TargetDraft>>): void {
  if (targetType != null && targetType !== -1) {
    throw unsupported(
      'Target types are not known here: all targets are of the profile that updraft.profile names.',
    )
  }
  if (group != null) throw unsupported('Target groups are not known here: give devices labels.')
  if (address != null) throw unsupported('A device tells its address by coming; it is not kept.')
}

/** A name other than its id, and a description, are kept among the device's attributes. */
function attributesWith(
  attributes: JsonObject,
  {
    controllerId,
    name,
    description,
  }: { controllerId: string; name?: string | null; description?: string | null },
): JsonObject {
  const { name: nameBefore, ...before } = saidOf(attributes)
  const called = name ?? nameBefore
  const said: JsonObject = {
    ...before,
    ...(called !== undefined && called !== controllerId && { name: called }),
    ...(description != null && { description }),
  }
  const { [SAID]: _, ...others } = attributes
  return Object.keys(said).length > 0 ? { ...others, [SAID]: said } : others
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const saidOf = (attributes: JsonObject): JsonObject => {
  const said = attributes[SAID]
  return isObject(said) ? { ...said } : {}
}

async function targetDocument(
  asked: Asked,
  device: Device,
  { securityToken, isAlone = false }: { securityToken?: string | null; isAlone?: boolean } = {},
) {
  const { at } = asked
  const path = `${PATH}/${encodeURIComponent(device.name)}`
  const { name, description } = saidOf(device.attributes)
  const installedAt = installedAtOf(device)
  return {
    createdAt: millis(device.createdAt),
    lastModifiedAt: millis(device.createdAt),
    name: typeof name === 'string' ? name : device.name,
    ...(typeof description === 'string' && { description }),
    controllerId: device.name,
    updateStatus: updateStatus(device),
    ...(device.lastSeenAt && {
      lastControllerRequestAt: millis(device.lastSeenAt),
      pollStatus: await pollStatus(asked, device.lastSeenAt),
    }),
    ...(installedAt !== null && { installedAt }),
    ...(securityToken && { securityToken }),
    requestAttributes: false,
    _links: {
      self: at.of(path),
      ...(isAlone && {
        assignedDS: at.of(`${path}/assignedDS`),
        installedDS: at.of(`${path}/installedDS`),
        attributes: at.of(`${path}/attributes`),
        actions: at.of(`${path}/actions?offset=0&limit=50&sort=id%3ADESC`),
      }),
    } satisfies Links,
  }
}

async function pollStatus(asked: Asked, lastSeenAt: string) {
  const lastRequestAt = millis(lastSeenAt)
  const found = await profileIfAny(asked)
  // Who may not read settings is told of the server's own.
  const isSeen = found && can(asked.asks.actor, 'cloud.read')
  const seconds = isSeen
    ? pollSeconds(asked, await settingsOf(asked, found))
    : asked.needs.hawkbitPollSeconds
  const nextExpectedRequestAt = lastRequestAt + seconds * 1000
  const overdueAt = nextExpectedRequestAt + (await overdueSeconds(asked)) * 1000
  const overdue = asked.needs.clock.now().getTime() > overdueAt
  return { lastRequestAt, nextExpectedRequestAt, overdue }
}

const ENDED_BADLY: ReadonlySet<State> = new Set(['FAILED'])

function updateStatus({ components, lastSeenAt }: Device): string {
  const all: readonly Component[] = Object.values(components)
  if (all.some(({ verdict }) => verdict !== 'nothing')) return 'pending'
  const isWanting = ({ assigned, installed, operation }: Component) =>
    assigned !== null &&
    !isStaged({ assigned, operation }) &&
    (assigned.release.version !== installed?.version ||
      (installed.title !== null && assigned.release.title !== installed.title))
  if (
    all.some((each) => isWanting(each) && each.operation && ENDED_BADLY.has(each.operation.state))
  ) {
    return 'error'
  }
  if (lastSeenAt === null) return 'unknown'
  return all.some(({ assigned }) => assigned) && !all.some(isWanting) ? 'in_sync' : 'registered'
}

/** It has what it was only to fetch. */
const isStaged = ({ assigned, operation }: Pick<Component, 'assigned' | 'operation'>): boolean =>
  operation?.state === 'STAGED' && operation.release.id === assigned?.release.id

function installedAtOf({ components }: Device): number | null {
  const ends = Object.values(components).flatMap(({ operation }) =>
    operation?.state === 'UPDATED' && operation.endedAt ? millis(operation.endedAt) : [],
  )
  return ends.length > 0 ? Math.max(...ends) : null
}
