/**
 * The repository the code comes from, behind the smallest door there is. What it keeps on the box is a cache: it may
 * be thrown away at any moment, and is, when anything about it is wrong.
 */
import type { OnProgress } from '../layer.ts'
import type { CodeTree } from './tree.ts'

export interface Upstream {
  /** Without secrets, for people. */
  readonly url: string
  /** The commit the branch is at, or null when there is no such branch. Throws Away when nobody can tell. */
  head(branch: string, signal: AbortSignal): Promise<string | null>
  /**
   * Brings the newest commit of the branch and hands its files to `put`, whose answer comes back. `put` is called
   * again when what had been brought turns out to be damaged. Throws Away when the line breaks; what came stays.
   */
  bring<T>(wanted: WantedCode, put: (commit: BroughtCommit) => Promise<T>): Promise<T>
}

export interface WantedCode {
  readonly branch: string
  /** Only these folders and what lies at the top; empty: all. */
  readonly paths: readonly string[]
  readonly onProgress: OnProgress
  readonly signal: AbortSignal
}

export interface BroughtCommit {
  readonly commit: string
  /** ISO 8601; by the clock of who committed it. */
  readonly committedAt: string | null
  readonly tree: CodeTree
}

/** The branch that holds the series: the same name, but git has another use for `~`. */
export const branchOf = (series: string): string => series.replaceAll('~', '-')

/** Whether git and a command line can take it as the name of a branch. */
export const isBranchName = (name: string): boolean =>
  /^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$/.test(name) &&
  !/\.\.|\/\/|\/\.|\.\/|@\{/.test(name) &&
  !/(\.lock|[./])$/.test(name)
