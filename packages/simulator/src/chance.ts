/** Chance that repeats: what befalls a device depends on the seed and on names, never on who came first. */
import { createHash } from 'node:crypto'
import { type Random, randomFrom } from '@updraft/agent'
import { type CutMoment, DIALECTS, type Dialect, type Group } from './scenario.ts'

/** Numbers of their own for each sequence of words. */
export function chanceOf(seed: number, ...words: readonly (string | number)[]): Random {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...words]))
    .digest()
  return randomFrom(digest.readUInt32LE())
}

/** What comes of one attempt at an update. */
export interface Fate {
  readonly end: 'works' | 'fails' | 'rolls back'
  /** Why it fails; otherwise null. */
  readonly reason: string | null
  /** When the power goes: in which part of the update, and how far into it, 0 to 1. Null: it does not. */
  readonly powerCut: { readonly during: CutMoment; readonly at: number } | null
}

export function fateOf(group: Group, random: Random): Fate {
  const powerCut = powerCutOf(group, random)
  let drawn = random()
  for (const { share, reason } of group.failures) {
    if (drawn < share) return { end: 'fails', reason, powerCut }
    drawn -= share
  }
  const end = drawn < group.rollbacks.share ? 'rolls back' : 'works'
  return { end, reason: null, powerCut }
}

function powerCutOf({ powerCuts: { share, during } }: Group, random: Random): Fate['powerCut'] {
  if (random() >= share) return null
  const moment = during[Math.floor(random() * during.length)]
  return moment === undefined ? null : { during: moment, at: 0.1 + 0.8 * random() }
}

/** What each device of the group speaks: the parts as exactly as whole devices allow, spread over the group. */
export function dialectsOf({ devices, dialects }: Group): Dialect[] {
  const parts = DIALECTS.map((dialect) => ({ dialect, part: dialects[dialect] ?? 0, owed: 0 }))
  const whole = parts.reduce((sum, { part }) => sum + part, 0)
  return Array.from({ length: devices }, () => {
    for (const each of parts) each.owed += each.part / whole
    const next = parts.reduce((most, each) => (each.owed > most.owed + 1e-9 ? each : most))
    next.owed -= 1
    return next.dialect
  })
}
