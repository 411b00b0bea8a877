import type { EventEmitter } from 'node:events'
import type { JsonObject } from '@updraft/core'
import type { Turn } from './carry-out.ts'
import type { Disk } from './disk.ts'
import type { DownloadLimits } from './download.ts'
import type { AgentEvents } from './events.ts'
import type { InstalledVersions } from './installed.ts'
import type { Installer } from './installer.ts'
import type { Entry, Journal } from './journal.ts'
import type { Log } from './log.ts'
import type { Schedule } from './schedule.ts'
import type { Offer, Uplink } from './uplink.ts'
import type { BackOff, Clock, Random, Throttle } from './waits.ts'

/** What the program the agent lives in lays down. */
export interface Rule {
  /** One thing at a time: carries the work out when nothing else is being done. */
  oneAtATime(offer: Offer, work: () => Promise<Turn>): Promise<Turn>
  /** How long an install of it has to wait for now; 0 for not at all. It is asked again. */
  untilInstallMs(offer: Offer): number
  /** After it was away, a check-in is answered at once and not held: somebody looks at what the server has to say. */
  readonly isWatched?: boolean
  /** Wishes that were carried out, for the next check-in to tell. */
  done(): readonly string[]
}

/** What the agent's parts are handed. */
export interface Tools {
  readonly uplink: Uplink
  readonly stateFolder: string
  readonly downloadsFolder: string
  readonly journal: Journal
  readonly installed: InstalledVersions
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly throttle: Throttle
  readonly bootId: string
  readonly intervalMs: number
  readonly isIntervalFixed: boolean
  readonly firstCheckInMs: number
  readonly waitSeconds: number
  readonly schedule: Schedule
  readonly backOff: BackOff
  readonly download: DownloadLimits
  readonly isUncheckedAllowed: boolean
  /** Whoever holds the state folder's lock already takes care of it. */
  readonly isFolderLocked: boolean
  readonly rule: Rule
  readonly facts: () => Promise<JsonObject>
  readonly restart: () => Promise<void>
  readonly installerFor: (type: string) => Installer | undefined
  readonly fileName: (entry: Entry) => string
  readonly filePath: (entry: Entry) => string
  readonly emit: EventEmitter<AgentEvents>['emit']
}
