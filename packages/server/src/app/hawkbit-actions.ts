/**
 * What a device that speaks hawkBit's language is to do: its actions, as it polls for them and reads them. An action never
 * changes once it was told; what the device says of it stands in hawkbit-words.ts.
 */
import {
  BUSY_SECONDS,
  type ClientKind,
  comesAgainInSeconds,
  type Facts,
  type Fetched,
  isAwaited,
  isForced,
  type JsonObject,
  mayRead,
  NO_FACTS,
  type Operation,
  type Release,
  type Snapshot,
  type Spoken,
  sameJson,
  standingOf,
  windowOf,
} from '@updraft/core'
import type { DigestsOf } from './artifact-digests.ts'
import type { CheckedIn, DeviceDesk } from './device-desk.ts'
import { hawkbitBundling } from './hawkbit-bundling.ts'
import type { HawkbitClient, HawkbitEntry } from './hawkbit-entry.ts'
import {
  canDownloadOnly,
  canSkip,
  confirmedBy,
  factsOf,
  isDownloadOnly,
  isUnproven,
} from './hawkbit-standing.ts'
import type { Moments } from './moments.ts'
import type {
  ArtifactDigests,
  ArtifactHandle,
  ArtifactStore,
  HawkbitAction,
  HawkbitAtWork,
  HawkbitStatus,
} from './ports.ts'

/** The digests of a file are being computed; it comes again soon. */
const PREPARING_SECONDS = 10

/** How a device is asked to go about an action. */
export interface Instruction {
  readonly download: 'attempt' | 'forced'
  readonly update: 'skip' | 'attempt' | 'forced'
  /** Null: there is none. */
  readonly window: 'available' | 'unavailable' | null
}

/** What a poll answers. */
export interface HawkbitPolled {
  readonly sleepSeconds: number
  /** The one thing the device is to do now. `mark` differs when what it would read does. */
  readonly next:
    | { readonly kind: 'deploy' | 'confirm'; readonly actionId: number; readonly mark: number }
    | { readonly kind: 'cancel'; readonly actionId: number }
    | null
  readonly installedId: number | null
  readonly wantsAttributes: boolean
}

export interface HawkbitPart {
  readonly chunkId: number
  readonly release: Release
  readonly digests: ArtifactDigests | null
}

export interface HawkbitDocument {
  readonly action: HawkbitAction
  readonly instruction: Instruction
  readonly parts: readonly HawkbitPart[]
  /** What the device said of it, the newest first. */
  readonly statuses: readonly HawkbitStatus[]
}

export interface HawkbitActions {
  poll(client: HawkbitClient): Promise<HawkbitPolled>
  /** Null when the device may not read it, or there is none. */
  read(
    client: HawkbitClient,
    actionId: number,
    as: 'deployment' | 'confirmation' | 'installed',
    history?: number,
  ): Promise<HawkbitDocument | null>
  /** Whether that action is to be stopped; it counts as asked then. */
  isToCancel(client: HawkbitClient, actionId: number): Promise<boolean>
  /** The file of a part; null when the device may not have it. */
  file(
    client: HawkbitClient,
    chunkId: number,
  ): Promise<{ readonly part: HawkbitPart; readonly operationId: string } | null>
  /** Its bytes. Refuses with artifact.unknown. */
  openFile(sha256: string): Promise<ArtifactHandle>
}

export function hawkbitActions({
  again,
  artifacts,
  checkInSeconds,
  desk,
  digests,
  moments,
  random,
  store,
}: {
  again: HawkbitEntry['again']
  artifacts: Pick<ArtifactStore, 'open'>
  /** How often a device comes while nothing is to be done and its profile says nothing else. */
  checkInSeconds: number
  desk: Pick<DeviceDesk, 'checkIn' | 'report' | 'notice'>
  digests: DigestsOf
  moments: Moments
  /** From 0 to 1. */
  random: () => number
  store: HawkbitAtWork
}): HawkbitActions {
  const bundling = hawkbitBundling({ desk, digests, moments, store })

  /** That the device comes again is what some reports of success were waiting for. */
  const proven = async (client: HawkbitClient): Promise<HawkbitClient> => {
    const { device, hawkbit } = client
    const unproven = hawkbit.actions.filter(({ isUnproven }) => isUnproven)
    if (unproven.length === 0) return client
    const moment = await moments(device.tenantId)
    let hasMoved = false
    for (const action of unproven) {
      const { kind } = standingOf(factsOf(action), moment())
      if (kind === 'unproven' && isToTellVersion(client, action)) continue
      for (const { operationId } of kind === 'unproven' ? action.chunks : []) {
        await desk.report(device, { operationId }, { state: 'UPDATED' }, NO_FACTS)
      }
      await store.change(action.id, { isUnproven: false })
      hasMoved = true
    }
    return hasMoved ? again(client) : client
  }

  const partsOf = async (
    action: HawkbitAction,
    { areWanted }: { areWanted: boolean },
  ): Promise<HawkbitPart[]> => {
    const releases = new Map(
      (await store.releases(action.chunks.map(({ releaseId }) => releaseId))).map((release) => [
        release.id,
        release,
      ]),
    )
    const parts: HawkbitPart[] = []
    for (const { id, releaseId } of action.chunks) {
      const release = releases.get(releaseId)
      if (!release) continue
      const sha256 = release.artifact?.sha256
      const found = sha256 && (areWanted ? digests.whole(sha256) : digests.soon(sha256))
      parts.push({ chunkId: id, release, digests: found ? await found : null })
    }
    return parts
  }

  const isToTellVersion = (client: HawkbitClient, action: HawkbitAction): boolean =>
    confirmedBy(client, action) === 'version-attribute'

  const poll: HawkbitActions['poll'] = async (come) => {
    const client = await proven(come)
    const { device, hawkbit } = client
    const moment = await moments(device.tenantId)
    const { now } = moment()
    const { answers, offers } = await desk.checkIn(device, factsToKeep(client), {
      tells: false,
      fetches: awaitedIn(device, now),
      speaks: spokenBy(client.kind),
    })
    const isIdle = offers.length === 0 && hawkbit.actions.length === 0
    const open = isIdle ? [] : await bundling.open(client, now)
    const toDo = await bundling.firstToDo(client, open)
    const made = toDo ?? (await bundling.next(client, offers, open, now))
    const isPreparing = made === 'preparing'
    const action = isPreparing ? null : made
    // Of what was just opened the device as it came knows no window yet.
    const next = action && (await nextOf(toDo ? client : await again(client), action, now))
    if (next?.kind === 'cancel' && action?.cancelAskedAt === null) {
      await store.change(next.actionId, { cancelAskedAt: now })
    }
    const waits = next?.kind === 'deploy' && toDo !== null && isWaiting(client, toDo, now)
    const isBusy = (next !== null && !waits) || open.some(isUnproven)
    const due = dueAt(client, { answers, offers, open }, now)
    const waiting = {
      usualSeconds: hawkbit.settings.pollSeconds ?? checkInSeconds,
      atMostSeconds: isPreparing ? PREPARING_SECONDS : isBusy ? BUSY_SECONDS : null,
      dueInSeconds: due && Math.max(0, Math.ceil((due.getTime() - now.getTime()) / 1000)),
    }
    return {
      sleepSeconds: comesAgainInSeconds(waiting, random()),
      next,
      installedId: hawkbit.finishedId,
      // What it said before it was restarted is of the old version.
      wantsAttributes:
        hawkbit.wantsAttributes ||
        open.some((each) => isUnproven(each) && isToTellVersion(client, each)),
    }
  }

  const nextOf = async (
    client: HawkbitClient,
    action: HawkbitAction,
    now: Date,
  ): Promise<HawkbitPolled['next']> => {
    const moment = await moments(client.device.tenantId)
    const { kind } = standingOf(factsOf(action), { ...moment(), now })
    if (kind === 'to-cancel') return { kind: 'cancel', actionId: action.id }
    if (kind !== 'to-confirm' && kind !== 'to-do') return null
    const instruction = instructionFor(client, action, now)
    if (!instruction) return null
    const { download, update, window } = instruction
    const mark = markOf([action.id, kind, download, update, window ?? ''].join(' '))
    return { kind: kind === 'to-confirm' ? 'confirm' : 'deploy', actionId: action.id, mark }
  }

  const read: HawkbitActions['read'] = async (client, actionId, as, history = 0) => {
    const { device } = client
    const action = await store.action(device.device.id, actionId)
    if (!action) return null
    const moment = await moments(device.tenantId)
    const { now } = moment()
    const { kind } = standingOf(factsOf(action), moment())
    if (!mayRead(action, kind, as)) return null
    const instruction = instructionFor(client, action, now) ?? FORMER
    const parts = await partsOf(action, { areWanted: kind === 'to-do' })
    if (as === 'deployment' && kind === 'to-do') {
      if (instruction === FORMER) return null
      const isSkipped = instruction.update === 'skip'
      if (!action.fetchedAt || action.isSkipped !== isSkipped) {
        await store.change(action.id, { fetchedAt: action.fetchedAt ?? now, isSkipped })
      }
      if (!isSkipped || isDownloadOnly(action)) {
        const fetches = parts.map(({ release }) => fetchedOf(release))
        await desk.checkIn(device, NO_FACTS, { tells: false, fetches })
      }
    }
    const count = history < 0 ? MAX_HISTORY : Math.min(history, MAX_HISTORY)
    const statuses = count === 0 ? [] : await store.statuses(action.id, count)
    return { action, instruction, parts, statuses }
  }

  return {
    poll,
    read,
    isToCancel: async ({ device }, actionId) => {
      const action = await store.action(device.device.id, actionId)
      if (!action) return false
      const moment = await moments(device.tenantId)
      const { now } = moment()
      if (standingOf(factsOf(action), moment()).kind !== 'to-cancel') return false
      if (!action.cancelAskedAt) await store.change(action.id, { cancelAskedAt: now })
      return true
    },
    file: async ({ device }, chunkId) => {
      const found = await store.chunk(device.device.id, chunkId)
      if (!found) return null
      const { action, release } = found
      const moment = await moments(device.tenantId)
      const { kind } = standingOf(factsOf(action), moment())
      const isInstalled = action.outcome === 'finished'
      if (kind !== 'to-do' && kind !== 'unproven' && !isInstalled) return null
      const chunk = action.chunks.find(({ id }) => id === chunkId)
      if (!chunk) return null
      const sha256 = release.artifact?.sha256
      const part = {
        chunkId,
        release,
        digests: sha256 ? await digests.soon(sha256) : null,
      }
      return { part, operationId: chunk.operationId }
    },
    openFile: artifacts.open,
  }
}

const MAX_HISTORY = 100

/** Of what is to be done no more, or not yet. */
const FORMER: Instruction = { download: 'forced', update: 'forced', window: null }

const spokenBy = (kind: ClientKind): Spoken => ({
  windows: canSkip(kind),
  downloadOnly: canDownloadOnly(kind),
})

/** It was read in an open window, or where there was none. */
const isFrozen = ({ fetchedAt, isSkipped }: HawkbitAction): boolean =>
  fetchedAt !== null && !isSkipped

/** Null: its client is not told yet. What was read in an open window stays so: nobody is stopped in the middle. */
function instructionFor(
  { device, hawkbit }: HawkbitClient,
  action: HawkbitAction,
  now: Date,
): Instruction | null {
  const windows = action.chunks.map(({ operationId, type, handling }) =>
    windowOf(device, { id: operationId, type, handling }, now),
  )
  const isClosed = windows.some(({ kind }) => kind === 'closed')
  if (isDownloadOnly(action)) {
    if (!canDownloadOnly(action.client) || (isClosed && !action.fetchedAt)) return null
    return { download: 'forced', update: 'skip', window: null }
  }
  const usual = hawkbit.settings.handling === 'forced' ? 'forced' : 'soft'
  const areForced = action.chunks.some(({ handling }) => isForced(handling, { now, usual }))
  const download = areForced ? 'forced' : 'attempt'
  const hasWindow = windows.some(({ kind }) => kind !== 'none')
  if (isFrozen(action) || !isClosed) {
    return { download, update: download, window: hasWindow ? 'available' : null }
  }
  return canSkip(action.client) ? { download, update: 'skip', window: 'unavailable' } : null
}

/** It was read as what is to wait, and is not being fetched. */
const isWaiting = (client: HawkbitClient, action: HawkbitAction, now: Date): boolean =>
  action.isSkipped &&
  !isDownloadOnly(action) &&
  action.chunks.every(({ state }) => state !== 'DOWNLOADING') &&
  instructionFor(client, action, now)?.update === 'skip'

/** When a window opens for what the device may not begin yet, or when it is worth its while to ask again; null for never. */
function dueAt(
  { device }: HawkbitClient,
  {
    answers,
    offers,
    open,
  }: Pick<CheckedIn, 'answers' | 'offers'> & { readonly open: readonly HawkbitAction[] },
  now: Date,
): Date | null {
  const begun = new Set(
    open
      .filter((action) => isFrozen(action) || isUnproven(action))
      .flatMap(({ chunks }) => chunks.map(({ operationId }) => operationId)),
  )
  const openings = offers
    .filter(({ operation }) => !begun.has(operation.id))
    .map(({ operation }) => windowOf(device, operation, now))
    .map((window) => (window.kind === 'closed' ? window.opensAt : null))
  const looks = Object.values(answers).map(({ choice }) =>
    choice.kind === 'offer' ? null : (choice.lookAgainAt ?? null),
  )
  return earliest([...openings, ...looks])
}

const earliest = (moments: readonly (Date | null)[]): Date | null => {
  const times = moments.flatMap((moment) => moment?.getTime() ?? [])
  return times.length === 0 ? null : new Date(Math.min(...times))
}

const fetchedOf = ({ type, title, version }: Release | Operation): Fetched => ({
  type,
  title,
  version,
})

/** What the device is busy with in silence: that it comes is a sign of life. */
const awaitedIn = ({ components }: Snapshot, now: Date): Fetched[] =>
  Object.values(components).flatMap(({ underWay }) =>
    underWay && isAwaited(underWay, now) ? fetchedOf(underWay) : [],
  )

/** What its client is, and from where it comes, where that is news. */
function factsToKeep({ device, kind, caller }: HawkbitClient): Facts {
  const { inventory } = device.device
  const hawkbit: JsonObject = {
    client: kind,
    ...versionOf(caller.userAgent),
    address: caller.address,
  }
  return sameJson(inventory.hawkbit ?? null, hawkbit)
    ? NO_FACTS
    : { installed: {}, inventoryChanges: { hawkbit } }
}

function versionOf(userAgent: string | undefined): { clientVersion?: string } {
  const [, clientVersion] = /^[^/\s]+\/(\S{1,64})/.exec(userAgent ?? '') ?? []
  return clientVersion === undefined ? {} : { clientVersion }
}

/** Any whole number of 32 bits, with its sign: it differs when the text does, as good as always. */
function markOf(text: string): number {
  let mark = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    mark = Math.imul(mark ^ text.charCodeAt(index), 0x01000193)
  }
  return mark | 0
}
