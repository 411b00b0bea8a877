/**
 * Which of a device's operations it is told of together, as its client can take them: an action for each such bundle. What
 * its client cannot take it is not told, and an operator learns why.
 */
import {
  bundleOf,
  CLIENT_LIMITS,
  type ClientKind,
  chunksOf,
  clientRefusal,
  type Release,
  standingOf,
  windowOf,
} from '@updraft/core'
import type { DigestsOf } from './artifact-digests.ts'
import type { DeviceDesk, Offered } from './device-desk.ts'
import type { HawkbitClient } from './hawkbit-entry.ts'
import { canSkip, factsOf, isDownloadOnly, isUnproven } from './hawkbit-standing.ts'
import type { Moments } from './moments.ts'
import type { HawkbitAction, HawkbitAtWork, HawkbitDevice } from './ports.ts'

export interface HawkbitBundling {
  /** The device's actions that are not over, the oldest first; what it has not read yet as its client takes it. */
  open(client: HawkbitClient, now: Date): Promise<readonly HawkbitAction[]>
  /** The oldest of those that the device is at, or can take. */
  firstToDo(client: HawkbitClient, open: readonly HawkbitAction[]): Promise<HawkbitAction | null>
  /** The first of what is offered and not told yet, as its client can take it. `preparing`: it can be told in a moment. */
  next(
    client: HawkbitClient,
    offers: readonly Offered[],
    open: readonly HawkbitAction[],
    now: Date,
  ): Promise<HawkbitAction | 'preparing' | null>
}

export function hawkbitBundling({
  desk,
  digests,
  moments,
  store,
}: {
  desk: Pick<DeviceDesk, 'notice'>
  digests: Pick<DigestsOf, 'soon'>
  moments: Moments
  store: HawkbitAtWork
}): HawkbitBundling {
  /** Those that are not over, once those that are were closed. */
  const atWork = async (client: HawkbitClient): Promise<readonly HawkbitAction[]> => {
    const { tenantId, device } = client.device
    const { actions } = await store.of(device.id)
    const moment = await moments(tenantId)
    const left: HawkbitAction[] = []
    for (const action of actions) {
      const standing = standingOf(factsOf(action), moment())
      if (standing.kind !== 'over') {
        left.push(action)
        continue
      }
      const { outcome } = standing
      const closedAt = action.closedAt ?? moment().now
      await store.change(action.id, { closedAt, outcome, isUnproven: false })
      if (outcome === 'finished' || outcome === 'downloaded') {
        await store.wantAttributes({ tenantId, deviceId: device.id }, true)
      }
    }
    return left
  }

  /** What was made before its client was known is bundled as that one takes it, while nothing of it was read. */
  const fitted = async (
    client: HawkbitClient,
    open: readonly HawkbitAction[],
    now: Date,
  ): Promise<readonly HawkbitAction[]> => {
    const { kind, hawkbit } = client
    const others = open.filter((action) => isUnread(action) && action.client !== kind)
    if (others.length === 0) return open
    const alike = [others.filter(isDownloadOnly), others.filter((each) => !isDownloadOnly(each))]
    for (const some of alike.filter(({ length }) => length > 0)) {
      await store.bundleAnew(
        some.map(({ id }) => id),
        {
          client: kind,
          needsConfirmation: needsConfirmation(kind, hawkbit),
          most: chunksOf(kind, hawkbit.settings),
          at: now,
        },
      )
    }
    return atWork(client)
  }

  const firstToDo: HawkbitBundling['firstToDo'] = async (client, open) => {
    for (const action of open.filter((each) => !isUnproven(each))) {
      if (!isUnread(action)) return action
      const releases = await store.releases(action.chunks.map(({ releaseId }) => releaseId))
      const how = { isAlone: true, isDownloadOnly: isDownloadOnly(action) }
      if (!(await isRefused(client, releases, how))) return action
    }
    return null
  }

  const next: HawkbitBundling['next'] = async (client, offers, open, now) => {
    const { device, hawkbit, kind } = client
    const { settings } = hawkbit
    const told = new Set(open.flatMap(({ chunks }) => chunks.map((chunk) => chunk.operationId)))
    const fresh: Offered[] = []
    for (const offered of offers.filter(({ operation }) => !told.has(operation.id))) {
      const { isDownloadOnly } = offered.operation.handling
      if (await isRefused(client, [offered.release], { isAlone: false, isDownloadOnly })) continue
      const isClosed = windowOf(device, offered.operation, now).kind === 'closed'
      if (isClosed && (isDownloadOnly || !canSkip(kind))) continue
      fresh.push(offered)
    }
    const bundle = bundleOf(fresh, chunksOf(kind, settings))
    if (bundle.length === 0) return null
    const releases = bundle.map(({ release }) => release)
    const isDownloadOnly = bundle.some(({ operation }) => operation.handling.isDownloadOnly)
    if (await isRefused(client, releases, { isAlone: true, isDownloadOnly })) return null
    for (const { artifact } of releases) {
      if (artifact && !(await digests.soon(artifact.sha256))) return 'preparing'
    }
    const made = await store.open(
      { tenantId: device.tenantId, deviceId: device.device.id },
      {
        client: kind,
        needsConfirmation: needsConfirmation(kind, hawkbit),
        operations: bundle.map(({ operation }) => operation),
        at: now,
      },
    )
    // Null: another poll of the same device was quicker.
    return made ?? (await atWork(client)).find((action) => !isUnproven(action)) ?? null
  }

  /** With a notice for operators. `isAlone`: nothing comes with those. */
  const isRefused = async (
    { device, hawkbit, kind, caller }: HawkbitClient,
    releases: readonly Release[],
    { isAlone, isDownloadOnly }: { isAlone: boolean; isDownloadOnly: boolean },
  ): Promise<boolean> => {
    const { tenant, controllerId } = caller
    const basePath = `/${tenant}/controller/v1/${encodeURIComponent(controllerId)}`
    const needed = CLIENT_LIMITS[kind].endings?.needed
    const withNeeded = isAlone || needed === undefined ? releases : [...releases, named(needed)]
    const message = clientRefusal(kind, withNeeded, {
      settings: hawkbit.settings,
      basePath,
      isDownloadOnly,
    })
    const [first] = releases
    if (message === null || !first) return false
    await desk.notice(device, {
      kind: 'offer.refused',
      data: { title: first.title, version: first.version },
      reason: { code: 'release.unspeakable', message },
    })
    return true
  }

  return {
    open: async (client, now) => fitted(client, await atWork(client), now),
    firstToDo,
    next,
  }
}

/** Somebody at the device is asked first. */
export const needsConfirmation = (
  kind: ClientKind,
  { settings, autoConfirm }: HawkbitDevice,
): boolean => settings.needsConfirmation && CLIENT_LIMITS[kind].canConfirm && autoConfirm === null

const isUnread = ({ fetchedAt, confirmedAt, closedAt }: HawkbitAction): boolean =>
  !fetchedAt && !confirmedAt && !closedAt

/** Stands for a file that comes with others. */
const named = (ending: string): Pick<Release, 'title' | 'version' | 'artifact'> => ({
  title: 'another',
  version: '',
  artifact: { sha256: '', sizeBytes: 0, fileName: `another${ending}`, contentType: '' },
})
