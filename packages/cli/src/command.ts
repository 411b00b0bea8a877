/**
 * What a command is: its words, its flags, and what it does with them. Every command in `commands/` has the same
 * furniture: words, about, flags, run; `run` gives back an answer that is printed for people or as JSON.
 */
import type { Client } from '@updraft/api/client'
import { ROLES, type Role, STATE_TABLE, STATES, type State } from '@updraft/core'
import { WrongWords } from './errors.ts'
import type { Look } from './print.ts'
import type { Progress, ProgressOf } from './progress.ts'

export interface Answer {
  readonly json: unknown
  readonly text: (look: Look) => string
  /** What was asked is answered with a no, for scripts that ask whether: exit code 1. */
  readonly isNo?: boolean
}

/** What a command is handed besides its words. */
export interface Door {
  readonly client: Client
  readonly url: string
  readonly isJson: boolean
  /** A bar on a terminal, and nothing otherwise. */
  readonly progress: (of: ProgressOf) => Progress
  /** Whether to go on; yes where there is nobody to ask. */
  readonly confirm: (question: string) => Promise<boolean>
  /** Raw bytes or text to standard output; resolves when there is room for more. */
  readonly write: (chunk: Uint8Array | string) => Promise<void>
  /** A remark to standard error, for people only. */
  readonly remark: (text: string) => void
  /** Aborted when the user breaks off. */
  readonly signal: AbortSignal
}

export interface Flag<T> {
  readonly flags: string
  readonly about: string
  readonly isRequired?: boolean
  readonly isMany?: boolean
  readonly standard?: T
  /** Refuses with WrongWords. */
  readonly parse?: (text: string) => T
}
export type Flags = Readonly<Record<string, Flag<unknown>>>

export const text = (flags: string, about: string): Flag<string | undefined> => ({ flags, about })
export const needed = (flags: string, about: string): Flag<string> => ({
  flags,
  about,
  isRequired: true,
})
export const many = (flags: string, about: string): Flag<string[] | undefined> => ({
  flags,
  about,
  isMany: true,
})
export const neededMany = (flags: string, about: string): Flag<string[]> => ({
  flags,
  about,
  isMany: true,
  isRequired: true,
})
export const yes = (flags: string, about: string): Flag<boolean | undefined> => ({ flags, about })
export const withStandard = (flags: string, about: string, standard: string): Flag<string> => ({
  flags,
  about,
  standard,
})
export const count = (flags: string, about: string): Flag<number | undefined> => ({
  flags,
  about,
  parse: (value) => {
    if (/^\d{1,15}$/.test(value) && Number(value) > 0) return Number(value)
    throw new WrongWords('It is not a whole number above 0.')
  },
})

/** A span of time; 0 is one too. */
export const seconds = (flags: string, about: string): Flag<number | undefined> => ({
  flags,
  about,
  parse: (value) => {
    if (/^\d{1,9}$/.test(value)) return Number(value)
    throw new WrongWords('It is not a whole number of seconds.')
  },
})

/** From 0 to 100. */
export const percent = (flags: string, about: string): Flag<number | undefined> => ({
  flags,
  about,
  parse: (value) => {
    if (/^\d{1,3}(\.\d+)?$/.test(value) && Number(value) <= 100) return Number(value)
    throw new WrongWords('It is not a percentage from 0 to 100.')
  },
})

/** A state in our spelling or in a person's word, in any letter case. */
export const state = (flags: string, about: string): Flag<State | undefined> => ({
  flags,
  about,
  parse: (value) => {
    const found = STATES.find(
      (name) => name === value.toUpperCase() || STATE_TABLE[name].word === value.toLowerCase(),
    )
    if (found) return found
    throw new WrongWords(`It is none of ${STATES.join(', ')}.`)
  },
})

export const oneOf = <const T extends string>(
  flags: string,
  about: string,
  words: readonly T[],
): Flag<T | undefined> => ({
  flags,
  about,
  parse: (value) => {
    const found = words.find((word) => word === value)
    if (found) return found
    throw new WrongWords(`It is none of ${words.join(', ')}.`)
  },
})

/** A day or a moment, as the API takes it. Without a zone it is a day of UTC, or a time of this machine. */
export const time = (flags: string, about: string): Flag<string | undefined> => ({
  flags,
  about,
  parse: (value) => {
    const date = /^\d{4}-\d\d-\d\d/.test(value) ? new Date(value) : null
    if (date && !Number.isNaN(date.getTime())) return date.toISOString()
    throw new WrongWords('It is no time such as 2026-03-01 or 2026-03-01T12:00Z.')
  },
})

/** The role of that name. Refuses with WrongWords. */
export function readRole(name: string): Role {
  const found = ROLES.find((each) => each === name)
  if (found) return found
  throw new WrongWords(`"${name}" is none of ${ROLES.join(', ')}.`)
}
export const role = (flags: string, about: string): Flag<Role | undefined> => ({
  flags,
  about: `${about}: ${ROLES.join(', ')}`,
  parse: readRole,
})
export const neededRole = (flags: string, about: string): Flag<Role> => ({
  ...(role(flags, about) as Flag<Role>),
  isRequired: true,
})

/** What lists take. */
export const listFlags = {
  limit: count('--limit <n>', 'at most so many (default: all)'),
  cursor: text('--cursor <cursor>', 'go on where a list with --limit ended (its nextCursor)'),
}

type FlagValues<F extends Flags> = { [K in keyof F]: F[K] extends Flag<infer T> ? T : never }
type WordValues<W extends string> = W extends `${string}<${infer N}>${infer Rest}`
  ? (N extends `${infer Many}...` ? { [K in Many]: string[] } : { [K in N]: string }) &
      WordValues<Rest>
  : W extends `${string}[${infer N}]${infer Rest}`
    ? { [K in N]?: string } & WordValues<Rest>
    : unknown

interface CommandText<W extends string, F extends Flags> {
  /** As it is typed, with its arguments: `device add <name>`; the last may be several, `<name...>`. */
  readonly words: W
  readonly about: string
  readonly flags?: F
  readonly examples?: readonly string[]
  /** Arguments and flags by name, in one. Answers nothing if it has written to standard output itself. */
  readonly run: (input: WordValues<W> & FlagValues<F>, door: Door) => Promise<Answer | undefined>
}

export type Command = Omit<CommandText<string, Flags>, 'run'> & {
  readonly run: (input: Record<string, unknown>, door: Door) => Promise<Answer | undefined>
}

/** Lets `run` see its arguments and flags typed by the command's own words. */
export const command = <const W extends string, F extends Flags = Record<never, never>>(
  definition: CommandText<W, F>,
): Command => definition as unknown as Command
