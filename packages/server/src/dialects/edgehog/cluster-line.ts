/**
 * The line of one device on a cluster, as this server holds it: what it says of itself is read when it comes, what is
 * meant for it is asked of it through AppEngine. That goes well whether or not the device is there, so what it is asked is
 * asked again when it says nothing, like everybody else.
 */
import type { Snapshot } from '@updraft/core'
import type { DeviceStatus } from '@updraft/wire/astarte-cluster'
import {
  legacyRequestObject,
  NAMES,
  type OtaGeneration,
  type OtaRequest,
  REQUEST_PATH,
  requestObject,
} from '@updraft/wire/edgehog'
import type { ClusterDesk, ClusterDevice, Introspection } from '../../app/cluster-desk.ts'
import type { DeviceDesk } from '../../app/device-desk.ts'
import type { LiveSessions, Watching } from '../../app/live-sessions.ts'
import type { Pacer } from '../../app/pacer.ts'
import type { HeldLine } from './cluster-at-work.ts'
import { type ClusterClient, ClusterError } from './cluster-client.ts'
import { readFacts } from './cluster-facts.ts'
import { DIALECT } from './cluster-hear.ts'
import type { FewAtOnce } from './few-at-once.ts'
import { type Carrier, Requests, type Sent } from './requests.ts'
import { TYPE } from './translate.ts'

/** What it runs is asked again before it is asked to update, if that was so long ago. */
const FRESH_MS = 60_000
const FIRST_RETRY_MS = 5_000
const MAX_RETRY_MS = 600_000

export interface ClusterLineNeeds {
  readonly client: ClusterClient
  readonly clusters: Pick<
    ClusterDesk,
    'device' | 'setIntrospection' | 'heardOfLine' | 'followModel'
  >
  readonly desk: DeviceDesk
  readonly liveSessions: Pick<LiveSessions, 'mark' | 'watch'>
  readonly pacer: Pick<Pacer, 'inTurn'>
  readonly clock: { now(): Date }
  /** Where devices fetch files that are kept here. */
  readonly rootFor: (device: Snapshot) => Promise<string>
  /** Bounds how much is asked of the cluster at once. */
  readonly calls: FewAtOnce
  readonly onError: (error: unknown) => void
}

export class ClusterLine implements HeldLine, Carrier {
  readonly #needs: ClusterLineNeeds
  readonly #device: ClusterDevice
  readonly #requests: Requests
  #watching: Watching
  #profileId: string
  #introspection: Introspection = {}
  #readMs = Number.NEGATIVE_INFINITY
  #failures = 0
  #retry: NodeJS.Timeout | undefined
  #isOver = false

  constructor(device: ClusterDevice, needs: ClusterLineNeeds) {
    this.#needs = needs
    this.#device = device
    this.#profileId = device.profileId
    this.#requests = new Requests({
      ...needs,
      tenantId: device.tenantId,
      carrier: this,
      identify: () => this.#identify(),
      onError: (error) => this.#failed(error),
    })
    this.#watching = this.#watch()
    this.learn()
  }

  get generation(): OtaGeneration | null {
    return this.#isOver ? null : generationIn(this.#introspection)
  }

  async send(request: OtaRequest, generation: OtaGeneration): Promise<Sent> {
    const { client, calls } = this.#needs
    const spelled = generation === 'current' ? requestObject : legacyRequestObject
    try {
      await calls(() =>
        client.send({
          deviceId: this.#device.astarteId,
          interface: NAMES.otaRequest,
          path: REQUEST_PATH,
          value: spelled(request),
        }),
      )
      return 'sent'
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      if (error.fault === 'refused') return { refused: `Astarte refused it: ${error.message}` }
      this.#needs.onError(error)
      return 'later'
    }
  }

  learn(status?: DeviceStatus): void {
    clearTimeout(this.#retry)
    this.#needs
      .calls(() => this.#learn(status))
      .then(() => {
        this.#failures = 0
        this.#requests.wake()
      })
      .catch((error) => {
        if (this.#isOver) return
        this.#needs.onError(error)
        this.#retry = setTimeout(() => this.learn(), this.#retryMs()).unref()
      })
  }

  end(): void {
    this.#isOver = true
    clearTimeout(this.#retry)
    this.#watching.end()
    this.#requests.close()
  }

  async #learn(known?: DeviceStatus): Promise<void> {
    const { client, clusters, clock } = this.#needs
    const { deviceId, astarteId } = this.#device
    if (this.#isOver) return
    const status = known ?? (await client.status(astarteId))
    if (!status?.connected) {
      const said = status?.last_disconnection
      const at = said ? new Date(said) : clock.now()
      await clusters.heardOfLine(deviceId, { isConnected: false, at, address: null })
      this.#introspection = {}
      return
    }
    const introspection = versionsIn(status)
    await clusters.setIntrospection(deviceId, introspection)
    await this.#read(await clusters.device(deviceId, DIALECT), introspection)
    this.#introspection = introspection
  }

  /** What it says of itself, as the cluster has it. */
  async #read(device: Snapshot, introspection: Introspection): Promise<boolean> {
    const { client, clusters, desk } = this.#needs
    const facts = await readFacts(client, this.#device.astarteId, device.device, introspection)
    this.#readMs = performance.now()
    if (!facts) return false
    await desk.checkIn(device, facts, { tells: false })
    if (facts.inventory) await clusters.followModel(device)
    return true
  }

  async #identify(): Promise<Snapshot> {
    const look = () => this.#needs.clusters.device(this.#device.deviceId, null)
    const device = await look()
    const { profileId } = device.device
    if (profileId !== this.#profileId) {
      this.#profileId = profileId
      this.#watching.end()
      this.#watching = this.#watch()
    }
    const isToBeAsked = device.components[TYPE]?.underWay?.state === 'QUEUED'
    if (!isToBeAsked || performance.now() - this.#readMs < FRESH_MS) return device
    const version = { [NAMES.baseImage]: { major: 0, minor: 1 } }
    const isNew = await this.#needs.calls(() => this.#read(device, version))
    return isNew ? look() : device
  }

  #watch(): Watching {
    const { liveSessions } = this.#needs
    const device = { id: this.#device.deviceId, profileId: this.#profileId }
    return liveSessions.watch(device, liveSessions.mark(), () => this.#requests.wake())
  }

  #failed(error: unknown): void {
    if (this.#isOver) return
    this.#needs.onError(error)
    if (error instanceof ClusterError) this.#requests.wakeIn(this.#retryMs())
  }

  #retryMs(): number {
    this.#failures += 1
    return Math.min(FIRST_RETRY_MS * 2 ** (this.#failures - 1), MAX_RETRY_MS)
  }
}

const versionsIn = ({ introspection }: DeviceStatus): Introspection =>
  Object.fromEntries(
    Object.entries(introspection).map(([name, { major, minor }]) => [name, { major, minor }]),
  )

/** Whoever has both sides of one generation can be updated. */
export function generationIn(introspection: Introspection): OtaGeneration | null {
  const majorOf = (name: string) => introspection[name]?.major
  if (majorOf(NAMES.otaRequest) === 1 && majorOf(NAMES.otaEvent) === 0) return 'current'
  if (majorOf(NAMES.otaRequest) === 0 && majorOf(NAMES.otaResponse) === 0) return 'legacy'
  return null
}
