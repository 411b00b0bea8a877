/**
 * One cluster, as the server that holds its devices' lines looks after it: its realm is brought to what updates need, who
 * is on the line is asked now and then, and each of those has a line here. What triggers told is heard elsewhere and lies
 * in the database; here it is only sooner.
 */

import { canonicalDeviceId } from '@updraft/wire/astarte'
import type { DeviceStatus } from '@updraft/wire/astarte-cluster'
import { NAMES } from '@updraft/wire/edgehog'
import type { Cluster, ClusterDesk, ClusterDevice } from '../../app/cluster-desk.ts'
import { wordsOf } from './cluster-check.ts'
import { type ClusterClient, ClusterError } from './cluster-client.ts'
import { reconcile } from './cluster-reconcile.ts'
import { type FewAtOnce, fewAtOnce } from './few-at-once.ts'

/** So often a realm that is well is looked at again, and all its devices are asked how they are. */
const WELL_EVERY_MS = 600_000
const STATUSES_EVERY_MS = 300_000
/** One that is not well, the first time and at most. */
const FIRST_RETRY_MS = 5_000
/** So many calls about devices at once. */
const MOST_CALLS = 8

/** A device's line, held here. */
export interface HeldLine {
  /** What the cluster says of the device has changed, or may have. */
  learn(status?: DeviceStatus): void
  end(): void
}

export interface ClusterAtWork {
  readonly changedAt: Date
  /** Does what is due, unless it is at it. */
  look(): void
  /** That device came on the line or left it; at once, and not only at the next look. */
  heardOfLine(device: ClusterDevice, isConnected: boolean): void
  /** How many lines are held. */
  readonly lines: number
  /** Ends all lines; what is at hand is given up. */
  stop(): Promise<void>
}

export interface ClusterAtWorkNeeds {
  readonly cluster: Cluster
  readonly client: ClusterClient
  readonly clusters: Pick<
    ClusterDesk,
    'note' | 'connected' | 'pairing' | 'heardOfLine' | 'setIntrospection' | 'device'
  >
  /** What its triggers call. */
  readonly triggersCall: () => string
  readonly clock: { now(): Date }
  readonly openLine: (device: ClusterDevice, calls: FewAtOnce) => HeldLine
  readonly onError: (error: unknown) => void
}

export function clusterAtWork({
  cluster,
  client,
  clusters,
  triggersCall,
  clock,
  openLine,
  onError,
}: ClusterAtWorkNeeds): ClusterAtWork {
  const lines = new Map<string, HeldLine>()
  const calls = fewAtOnce(MOST_CALLS)
  let running: Promise<void> | null = null
  let isStopped = false
  let realmDueMs = 0
  let statusesDueMs = 0
  let failures = 0

  const nowMs = () => clock.now().getTime()
  const isDue = (ms: number) => ms <= nowMs()

  /** An operator sees how it stands; whoever has no way to mend it tries again, less and less often. */
  const setRight = async () => {
    const done: string[] = []
    const lookedAt = clock.now()
    const { webhookSecret } = cluster
    try {
      const how = { webhookUrl: triggersCall(), webhookSecret, done }
      const { version } = await reconcile(client, how)
      failures = 0
      realmDueMs = nowMs() + WELL_EVERY_MS
      await clusters.note(cluster, { lookedAt, wellAt: lookedAt, version, done, error: null })
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      realmDueMs = nowMs() + Math.min(FIRST_RETRY_MS * 2 ** failures, WELL_EVERY_MS)
      failures += 1
      const state = { lookedAt, wellAt: null, version: null, done, error: wordsOf(error) }
      await clusters.note(cluster, state)
    }
  }

  const open = (device: ClusterDevice): HeldLine => {
    const held = lines.get(device.deviceId) ?? openLine(device, calls)
    lines.set(device.deviceId, held)
    return held
  }
  const close = (deviceId: string) => {
    lines.get(deviceId)?.end()
    lines.delete(deviceId)
  }

  /** What another server heard, and what was heard while nobody held the lines. */
  const takeUp = async () => {
    const connected = await clusters.connected(cluster)
    if (isStopped) return
    const there = new Set(connected.map(({ deviceId }) => deviceId))
    for (const deviceId of [...lines.keys()]) if (!there.has(deviceId)) close(deviceId)
    for (const device of connected) open(device)
  }

  /** Word of triggers may get lost, or come in another order: how devices are is asked as well. */
  const askAll = async () => {
    let from: string | undefined
    do {
      const page = await client.statuses(from)
      await Promise.all(page.statuses.map((status) => calls(() => heard(status)).catch(onError)))
      from = page.next
    } while (from !== undefined && !isStopped)
    statusesDueMs = nowMs() + STATUSES_EVERY_MS
  }

  const heard = async (status: DeviceStatus) => {
    const astarteId = canonicalDeviceId(status.id)
    // Of devices nobody has spoken of, only those that can be updated are made known.
    if (astarteId === null || isStopped || !status.introspection[NAMES.otaRequest]) return
    const { deviceId } = await clusters.pairing(cluster, astarteId)
    const { connected: isConnected, last_connection, last_disconnection } = status
    const said = isConnected ? last_connection : last_disconnection
    const at = said ? new Date(said) : clock.now()
    const address = status.last_seen_ip ?? null
    const isNews = await clusters.heardOfLine(deviceId, { isConnected, at, address })
    if (!isNews) return
    await clusters.setIntrospection(deviceId, status.introspection)
    const { device } = await clusters.device(deviceId, null)
    const { tenantId } = cluster
    heardOfLine({ tenantId, deviceId, astarteId, profileId: device.profileId }, isConnected)
  }

  const heardOfLine = (device: ClusterDevice, isConnected: boolean) => {
    if (isStopped) return
    if (isConnected) open(device)
    else close(device.deviceId)
  }

  const round = async () => {
    if (isDue(realmDueMs)) await setRight()
    if (isStopped) return
    await takeUp()
    if (isDue(statusesDueMs) && failures === 0) await askAll()
  }

  return {
    changedAt: cluster.changedAt,
    look: () => {
      running ??= round()
        .catch((error) => {
          if (!isStopped) onError(error)
        })
        .finally(() => {
          running = null
        })
    },
    heardOfLine,
    get lines() {
      return lines.size
    },
    stop: async () => {
      isStopped = true
      for (const deviceId of [...lines.keys()]) close(deviceId)
      await running
    },
  }
}
