/** A table of settings: flag, environment variable, unit, default and meaning of each, and how it is read and printed. */
import { parseArgs } from 'node:util'
import { messageOf } from './trouble.ts'

export interface Setting {
  readonly flag: string
  readonly env: string | null
  /** `yes/no` settings are flags without a value. */
  readonly unit: string
  readonly fallback: string
  readonly meaning: string
}

export const setting = (
  flag: string,
  env: string | null,
  unit: string,
  fallback: string,
  meaning: string,
): Setting => ({ flag, env, unit, fallback, meaning })

/** Words that cannot be read; the message says which and what would be right. */
export class WrongSettings extends Error {
  override readonly name = 'WrongSettings'
}

export type Flags = Record<string, string | boolean | string[] | undefined>

/** By flag: what was told, else what the table falls back to. Each throws WrongSettings for what it cannot read. */
export interface Told {
  raw(flag: string): string | null
  text(flag: string): string
  number(flag: string, least?: number): number
  one<T extends string>(flag: string, words: readonly T[]): T
  yes(flag: string): boolean
}

/** Flags win over the environment, and both over `files`. */
export function toldBy(
  table: readonly Setting[],
  {
    flags,
    env,
    files = {},
  }: {
    flags: Flags
    env: Readonly<Record<string, string | undefined>>
    files?: Readonly<Record<string, string>>
  },
): Told {
  const raw = (flag: string): string | null => {
    const found = table.find((candidate) => candidate.flag === flag)
    const told = flags[flag] ?? (found?.env ? env[found.env] : undefined) ?? files[flag]
    const text = Array.isArray(told) ? told.join(',') : told === true ? 'yes' : told
    return text || found?.fallback || null
  }
  const text = (flag: string): string => raw(flag) ?? ''
  return {
    raw,
    text,
    number: (flag, least = 0) => {
      const value = Number(text(flag))
      if (Number.isFinite(value) && value >= least) return value
      throw new WrongSettings(`--${flag} takes a number of at least ${least}, not "${text(flag)}".`)
    },
    one: (flag, words) => {
      const word = words.find((candidate) => candidate === text(flag))
      if (word) return word
      throw new WrongSettings(`--${flag} takes ${words.join(' or ')}, not "${text(flag)}".`)
    },
    yes: (flag) => {
      if (/^(yes|true|1)$/i.test(text(flag))) return true
      if (/^(no|false|0)$/i.test(text(flag))) return false
      throw new WrongSettings(`--${flag} is yes or no, not "${text(flag)}".`)
    },
  }
}

export function readFlags(
  argv: readonly string[],
  table: readonly Setting[],
  repeatable: readonly string[] = [],
): Flags {
  const known = table.map(({ flag, unit }) => [
    flag,
    unit === 'yes/no'
      ? { type: 'boolean' }
      : { type: 'string', multiple: repeatable.includes(flag) },
  ])
  try {
    return parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries(known),
        help: { type: 'boolean', short: 'h' },
        version: { type: 'boolean' },
      },
      strict: true,
      allowPositionals: false,
    }).values as Flags
  } catch (error) {
    throw new WrongSettings(messageOf(error))
  }
}

/** The table for people. */
export function rowsFor(table: readonly Setting[]): string {
  const rows = table.map(({ flag, env, unit, fallback, meaning }) => {
    const isSwitch = unit === 'yes/no'
    const head = `  --${flag}${isSwitch ? '' : ` ${unit}`}`
    const facts = [env, isSwitch || fallback === '' ? null : `default ${fallback}`].filter(Boolean)
    return [
      `${head}${facts.length > 0 ? `   (${facts.join(', ')})` : ''}`,
      ...wrapped(meaning),
    ].join('\n')
  })
  return `${rows.join('\n')}
  --version
      prints the version of the agent
  --help
      prints this`
}

function wrapped(text: string, width = 90): string[] {
  const lines: string[] = []
  let line = '     '
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > width) {
      lines.push(line)
      line = '     '
    }
    line += ` ${word}`
  }
  return [...lines, line]
}
