/**
 * One pretend device: a real agent on a disk in memory, with an installer that only pretends. It lives as many
 * lives as it takes, and knows what is true of itself.
 */
import {
  type Agent,
  type Clock,
  createAgent,
  type Disk,
  type InstalledByType,
  type Installer,
  type InstallResult,
  MemoryDisk,
  type Offer,
  type Random,
  type Uplink,
} from '@updraft/agent'
import type { Installed } from '@updraft/core'
import { astarteIdOf } from './astarte-id.ts'
import { chanceOf, type Fate, fateOf } from './chance.ts'
import { switched } from './line.ts'
import type { CutMoment, Dialect, Group } from './scenario.ts'

export interface DeviceOptions {
  readonly name: string
  readonly group: Group
  readonly dialect: Dialect
  /** What it runs, if it does not come from the factory. */
  readonly runs?: InstalledByType
  readonly seed: number
  /** It may keep something on the device's own disk. */
  readonly uplink: (disk: Disk, stateFolder: string) => Uplink
  readonly clock: Clock
}

export interface LastEnd {
  readonly type: string
  readonly release: Installed
  readonly state: 'UPDATED' | 'FAILED'
  readonly error: string | null
}

/** How long a device without an answer waits at most before it tries again. */
const BACK_OFF = { backOffBaseSeconds: 2, backOffCapSeconds: 60 }

/** What happens in one go has happened or has not when the power goes: half of the cuts come before it. */
const BEFORE = 0.5
const AFTER = 1

export class PretendDevice {
  readonly name: string
  /** What the server calls it. */
  readonly nameThere: string
  readonly group: Group
  readonly dialect: Dialect
  /** What really runs here, by component type. */
  readonly runs: Record<string, Installed>
  readonly counts = { updated: 0, failed: 0, rolledBack: 0, powerCuts: 0, offline: 0, refused: 0 }
  lastEnd: LastEnd | null = null
  isUnderWay = false
  /** The server has answered a check-in, so it knows what runs here. */
  isKnown = false

  readonly #options: DeviceOptions
  readonly #disk: MemoryDisk
  readonly #random: Random
  readonly #uplink: Uplink
  /** Its own: a signal shared by ten thousand would walk through all of them at each wait. */
  readonly #stop = new AbortController()
  /** The version that was offered last: what a pretend file would be found to hold. */
  #asked: string | null = null
  readonly #attempts = new Map<string, number>()
  #fate: Fate = { end: 'works', reason: null, powerCut: null }
  #hasPower = true
  #hasNetwork = true
  #boots = 0
  #agent: Agent | null = null

  constructor(options: DeviceOptions) {
    const { name, group, dialect, seed, uplink } = options
    this.name = name
    this.nameThere = dialect === 'edgehog' ? astarteIdOf(name) : name
    this.group = group
    this.dialect = dialect
    this.runs = { ...group.installed, ...options.runs }
    this.#options = options
    this.#random = chanceOf(seed, name)
    this.#disk = new MemoryDisk(() => {
      if (!this.#hasPower) throw new Error('there is no power')
    })
    const whyCut = () => this.#whyCut()
    this.#uplink = switched(uplink(this.#disk.disk, this.#stateFolder), whyCut, {
      onRefused: () => {
        this.counts.refused += 1
      },
      onBytes: ({ sizeBytes }, bytes) => {
        if (sizeBytes !== null) this.#mayLosePower('download', bytes / sizeBytes)
      },
      onEnd: (when) => this.#mayLosePower('report', when === 'to be told' ? BEFORE : AFTER),
    })
  }

  get #stateFolder(): string {
    return `/simulated/${this.name}`
  }

  /** Lives until it is stopped; resolves once all is quiet. */
  async live(): Promise<void> {
    const { clock, group } = this.#options
    const { signal } = this.#stop
    await clock.wait(this.#random() * group.startWithinSeconds * 1000, signal)
    const weather = this.#goOfflineNowAndThen(signal)
    while (!signal.aborted) {
      await this.#life()
      if (!this.#hasPower) await this.#comeBack(signal)
      else await clock.wait(group.rollbacks.restartSeconds * 1000, signal)
    }
    await weather
  }

  stop(): void {
    this.#stop.abort()
    this.#agent?.stop()
  }

  /** From one start of the agent to its end: stopped, without power, or to be started anew. */
  async #life(): Promise<void> {
    this.#agent = await this.#newAgent()
    try {
      if (!this.#stop.signal.aborted) await this.#agent.run()
    } catch (error) {
      // Without power it cannot even tidy up.
      if (this.#hasPower) throw error
    }
  }

  async #newAgent(): Promise<Agent> {
    const { name, group, clock, dialect } = this.#options
    this.#boots += 1
    const agent = await createAgent({
      uplink: this.#uplink,
      stateFolder: this.#stateFolder,
      disk: this.#disk.disk,
      clock,
      random: this.#random,
      bootId: String(this.#boots),
      askInstalled: async () => this.runs,
      installers: Object.fromEntries(
        Object.keys(group.installed).map((type) => [type, this.#installer]),
      ),
      facts: async () => ({
        simulated: true,
        group: group.name,
        speaks: dialect,
        ...(dialect === 'edgehog' ? { serialNumber: name } : {}),
      }),
      isUncheckedAllowed: dialect === 'edgehog',
      firstCheckInSeconds: 0,
      intervalSeconds: group.checkInSeconds,
      isIntervalFixed: true,
      waitSeconds: group.waitSeconds,
      maxBytesPerSecond: group.downloadBytesPerSecond,
      reserveBytes: 0,
      syncEveryBytes: 262_144,
      ...BACK_OFF,
    })
    agent.on('check-in', () => {
      this.isKnown = true
    })
    agent.on('offer', (offer) => this.#begin(offer))
    agent.on('ended', ({ offer, state, error }) => {
      this.isUnderWay = false
      // Who tells nothing of how it ended is known again with its next question.
      // So is who is believed by that alone.
      if (dialect === 'ioto' || dialect === 'hawkbit-rauc') this.isKnown = false
      this.#disk.writeOut()
      if (state === 'OVER') return
      const { type, title } = offer
      const version = versionOf(offer)
      this.lastEnd = { type, release: { title, version }, state, error }
      this.counts[state === 'UPDATED' ? 'updated' : 'failed'] += 1
    })
    return agent
  }

  #begin(offer: Offer): void {
    const { type, title } = offer
    const version = versionOf(offer)
    this.#asked = version
    const release = `${type} ${title}@${version}`
    const attempt = (this.#attempts.get(release) ?? 0) + 1
    this.#attempts.set(release, attempt)
    this.isUnderWay = true
    const { seed, name, group } = this.#options
    this.#fate = fateOf(group, chanceOf(seed, name, release, attempt))
  }

  readonly #installer: Installer = {
    install: async ({ release }): Promise<InstallResult> => {
      const { type, title } = release
      const version = release.version ?? this.#asked
      const { clock, group } = this.#options
      await clock.wait(group.installSeconds * 1000)
      const { end, reason } = this.#fate
      this.#mayLosePower('install', BEFORE)
      if (this.#hasPower && end === 'works') this.runs[type] = { title, version }
      this.#mayLosePower('install', AFTER)
      if (!this.#hasPower) throw new Error('there is no power')
      if (end === 'fails') return { kind: 'failed', error: reason ?? 'it failed' }
      if (end === 'rolls back') {
        this.counts.rolledBack += 1
        return { kind: 'exit' }
      }
      return { kind: 'done' }
    },
  }

  /** Called in each part of an update, with how much of that is done, 0 to 1. */
  #mayLosePower(during: CutMoment, share: number): void {
    const { powerCut } = this.#fate
    if (powerCut?.during !== during || share < powerCut.at) return
    this.#fate = { ...this.#fate, powerCut: null }
    this.counts.powerCuts += 1
    this.#hasPower = false
    this.#agent?.stop()
  }

  async #comeBack(signal: AbortSignal): Promise<void> {
    this.#disk.cutPower(this.#random)
    await this.#options.clock.wait(this.group.powerCuts.offSeconds * 1000, signal)
    this.#hasPower = true
  }

  /** Why nothing gets through, or null. */
  #whyCut(): string | null {
    if (!this.#hasPower) return 'There is no power.'
    return this.#hasNetwork ? null : 'There is no network.'
  }

  async #goOfflineNowAndThen(signal: AbortSignal): Promise<void> {
    const { clock, group } = this.#options
    const { everySeconds, forSeconds } = group.offline
    if (everySeconds === 0) return
    const random = chanceOf(this.#options.seed, this.name, 'offline')
    while (!signal.aborted) {
      await clock.wait(everySeconds * 1000 * (0.5 + random()), signal)
      if (signal.aborted || !this.#hasPower) continue
      this.counts.offline += 1
      this.#hasNetwork = false
      await this.#uplink.hangUp?.()
      await clock.wait(forSeconds * 1000 * (0.5 + random()), signal)
      this.#hasNetwork = true
    }
  }
}

/** Where nobody tells the version, the address ends in it, as Edgehog's do. */
function versionOf({ version, address }: Offer): string | null {
  if (version !== null || address === null) return version
  return decodeURIComponent(new URL(address).pathname.split('/').at(-1) ?? '')
}
