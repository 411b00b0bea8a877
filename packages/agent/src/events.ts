/** What the agent tells the program it lives in. */
import type { State } from '@updraft/core'
import type { InstallJob } from './installer.ts'
import type { CheckInAnswer, Offer } from './uplink.ts'

export interface AgentEvents {
  /** Somebody has to install `file` and call `respond`; for programs that brought no installer. */
  'device:update': [
    update: {
      file: string
      release: InstallJob['release']
      respond: (result: InstallResponse) => void
    },
  ]
  'check-in': [answer: CheckInAnswer, told: CheckInTold]
  offer: [offer: Offer]
  progress: [progress: { offer: Offer; state: State; progressPercent: number }]
  ended: [end: { offer: Offer; state: 'UPDATED' | 'FAILED' | 'OVER'; error: string | null }]
  /** Bytes of a download that are here. */
  bytes: [bytes: { offer: Offer; bytes: number; totalBytes: number | null }]
  /** The server could not be had, or did not let it go on. */
  away: [away: { message: string }]
  waiting: [wait: { ms: number; because: string }]
}

/** What a check-in said besides what runs. */
export interface CheckInTold {
  readonly asked: readonly string[]
  readonly done: readonly string[]
  /** The component type of what is being carried out. */
  readonly underWay: string | null
}

/** What a host program may answer: done, exit, restart, or why it failed. */
export type InstallResponse = 'done' | 'exit' | 'restart' | { readonly failed: string }
