/** What an installer is: the way an artifact gets in place. */
import type { Installed, JsonObject } from '@updraft/core'
import type { Offer } from './uplink.ts'

/** Puts an artifact in place. It is called again for the same file if the power went while it ran. */
export interface Installer {
  install(job: InstallJob): Promise<InstallResult>
  /** Waits for what an earlier life of the agent began and left running. */
  settle?(mark: JsonObject): Promise<void>
  /** What it knows of why that release does not run, after it had asked for a restart; null for nothing. */
  whyNot?(release: Pick<Offer, 'title' | 'version'>): string | null
}

export interface InstallJob {
  /** Absolute path; whole and checked. It is removed once the update has ended. */
  readonly file: string
  readonly release: Readonly<Pick<Offer, 'operation' | 'type' | 'title' | 'version' | 'sizeBytes'>>
  readonly previous: Installed | null
  /** Keeps a note that settle() gets should the agent be killed from here on. */
  remember(mark: JsonObject): Promise<void>
}

/** `exit`: the supervisor starts the new version; `restart`: the machine has to start anew for it. */
export type InstallResult =
  | { readonly kind: 'done' }
  | { readonly kind: 'exit' }
  | { readonly kind: 'restart' }
  | { readonly kind: 'failed'; readonly error: string }
