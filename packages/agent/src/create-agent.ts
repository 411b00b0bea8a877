/** The composition root: what an agent is made of, with defaults fit for a device in the field. */
import { createHash } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { JsonObject } from '@updraft/core'
import { Agent } from './agent.ts'
import { type CronWindow, isAlwaysOpen, parseCronWindow } from './cron-window.ts'
import type { Disk } from './disk.ts'
import { type AskInstalled, type InstalledByType, InstalledVersions } from './installed.ts'
import type { Installer } from './installer.ts'
import { eventInstaller } from './installers/event.ts'
import { type Entry, Journal } from './journal.ts'
import { readBootId } from './lock.ts'
import { type Log, silentLog } from './log.ts'
import { Schedule, systemWallMs } from './schedule.ts'
import type { Rule, Tools } from './tools.ts'
import type { Uplink } from './uplink.ts'
import { type Clock, type Random, systemClock, Throttle } from './waits.ts'

export interface AgentOptions {
  readonly uplink: Uplink
  /** Belongs to this agent alone. Created when it is missing. */
  readonly stateFolder: string
  /** What this very program or image is, by component type; believed when it changes from start to start. */
  readonly installed?: InstalledByType
  /** Asks what runs now, at each start. */
  readonly askInstalled?: AskInstalled
  /** By component type. Left out, each update is handed to the listener of `device:update`. */
  readonly installers?: Readonly<Record<string, Installer>>
  /** What the device tells of itself; asked before each check-in. */
  readonly facts?: () => Promise<JsonObject>
  /** Restarts the machine, or throws. */
  readonly restart?: () => Promise<void>

  readonly intervalSeconds?: number
  /** The server's own wish for the next check-in does not count. */
  readonly isIntervalFixed?: boolean
  /** The first check-in comes at a random moment within so many seconds. */
  readonly firstCheckInSeconds?: number
  /** How long the server may hold a check-in until there is something to do. */
  readonly waitSeconds?: number
  /** When the device may ask, and with it begin to download: five fields of cron, or a name such as `night`. */
  readonly checkWindow?: string
  /** When it may install what it has. */
  readonly applyWindow?: string
  /** A check-in comes at a random moment within it once it is due, as far as the window goes. */
  readonly jitterSeconds?: number
  readonly backOffBaseSeconds?: number
  readonly backOffCapSeconds?: number
  readonly maxBytesPerSecond?: number
  /** A rest in milliseconds after each 4 KB of a download; five seconds at most. */
  readonly throttleMs?: number
  readonly stallSeconds?: number
  readonly reserveBytes?: number
  readonly syncEveryBytes?: number
  readonly installTimeoutSeconds?: number
  /** Whether bytes may be installed that came without any checksum. */
  readonly isUncheckedAllowed?: boolean

  /** The state folder is locked by this program already. */
  readonly isFolderLocked?: boolean
  /** What the program the agent lives in lays down. */
  readonly rule?: Rule

  readonly log?: Log
  readonly clock?: Clock
  /** The device's own time in milliseconds, as if it were in UTC; for its windows. */
  readonly wallMs?: () => number
  readonly random?: Random
  readonly disk?: Disk
  readonly bootId?: string
}

const NO_RULE: Rule = {
  oneAtATime: (_offer, work) => work(),
  untilInstallMs: () => 0,
  done: () => [],
}

/** An agent, not yet running: listen to its events, then `await agent.run()`. */
export async function createAgent(options: AgentOptions): Promise<Agent> {
  const bootId = options.bootId ?? (await readBootId())
  return new Agent((agent) => toolsFor(agent, options, bootId))
}

function toolsFor(agent: Agent, options: AgentOptions, bootId: string): Tools {
  const { clock = systemClock, disk = promises, log = silentLog, random = Math.random } = options
  const stateFolder = resolve(options.stateFolder)
  const downloadsFolder = join(stateFolder, 'downloads')
  const byEvent = eventInstaller(agent, {
    clock,
    timeoutMs: (options.installTimeoutSeconds ?? 3600) * 1000,
  })
  return {
    uplink: options.uplink,
    stateFolder,
    downloadsFolder,
    journal: new Journal({ disk, folder: stateFolder, log }),
    installed: new InstalledVersions({
      disk,
      folder: stateFolder,
      given: options.installed ?? {},
      ask: options.askInstalled ?? null,
      clock,
      log,
    }),
    disk,
    clock,
    random,
    log,
    throttle: new Throttle(options.maxBytesPerSecond ?? 0, clock, options.throttleMs),
    bootId,
    intervalMs: (options.intervalSeconds ?? 3600) * 1000,
    isIntervalFixed: options.isIntervalFixed ?? false,
    firstCheckInMs: (options.firstCheckInSeconds ?? 60) * 1000,
    waitSeconds: options.waitSeconds ?? 0,
    schedule: new Schedule({
      checkWindow: windowOf(options.checkWindow),
      applyWindow: windowOf(options.applyWindow),
      jitterMs: (options.jitterSeconds ?? 0) * 1000,
      wallMs: options.wallMs ?? systemWallMs,
      random,
    }),
    backOff: {
      baseMs: (options.backOffBaseSeconds ?? 5) * 1000,
      capMs: (options.backOffCapSeconds ?? 600) * 1000,
    },
    download: {
      stallMs: (options.stallSeconds ?? 60) * 1000,
      reserveBytes: options.reserveBytes ?? 16 * 1_048_576,
      syncEveryBytes: options.syncEveryBytes ?? 4 * 1_048_576,
    },
    isUncheckedAllowed: options.isUncheckedAllowed ?? false,
    isFolderLocked: options.isFolderLocked ?? false,
    rule: options.rule ?? NO_RULE,
    facts: options.facts ?? (async () => ({})),
    restart:
      options.restart ??
      (() => Promise.reject(new Error('this program brought no way to restart the machine'))),
    installerFor: (type) => (options.installers ? own(options.installers, type) : byEvent),
    fileName,
    filePath: (entry) => join(downloadsFolder, fileName(entry)),
    emit: agent.emit.bind(agent),
  }
}

/** Named after the bytes where their SHA-256 is known, else after the operation. */
function fileName({ offer: { operation, checksum } }: Entry): string {
  const isSha256 =
    checksum?.algorithm.toUpperCase() === 'SHA256' && /^[0-9a-f]{64}$/i.test(checksum.value)
  const name = isSha256
    ? checksum.value.toLowerCase()
    : createHash('sha256').update(operation).digest('hex').slice(0, 32)
  return `${name}.part`
}

/** None where it would be open always. */
function windowOf(text: string | undefined): CronWindow | null {
  if (text === undefined) return null
  const window = parseCronWindow(text)
  return isAlwaysOpen(window) ? null : window
}

const own = <T>(table: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined
