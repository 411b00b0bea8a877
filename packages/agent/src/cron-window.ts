/**
 * Windows of time as Ioto's files write them: five fields of cron (minute, hour, day of the month, month, weekday),
 * each of which must hold, or one of a few names. Times are the device's own; a moment is given as the milliseconds
 * its clock on the wall would show if it were in UTC.
 */

/** Which of the field's values are in it. */
type Field = ReadonlySet<number>

export interface CronWindow {
  readonly text: string
  readonly minutes: Field
  readonly hours: Field
  readonly days: Field
  /** From 1. */
  readonly months: Field
  /** From 0, which is Sunday. */
  readonly weekdays: Field
  /** Of `never`. */
  readonly isNever: boolean
}

/** A text that is no window; the message says why. */
export class WrongWindow extends Error {
  override readonly name = 'WrongWindow'
}

const ALIASES: Readonly<Record<string, string>> = {
  anytime: '* * * * *',
  day: '* 6-17 * * *',
  night: '* 18-5 * * *',
  midnight: '* 0 * * *',
  weekdays: '* * * * 1-5',
  workhours: '* 9-17 * * 1-5',
}
const NEVER: readonly string[] = ['never', 'unscheduled']

const RANGES = [
  ['minute', 0, 59],
  ['hour', 0, 23],
  ['day of the month', 1, 31],
  ['month', 1, 12],
  ['weekday', 0, 6],
] as const

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
/** A 29th of February may be eight years away. */
const HORIZON_MS = 9 * 366 * DAY_MS

/** Throws WrongWindow. */
export function parseCronWindow(text: string): CronWindow {
  const word = text.trim().toLowerCase()
  const isNever = NEVER.includes(word)
  const fields = (isNever ? '* * * * *' : (ALIASES[word] ?? word)).split(/\s+/)
  if (fields.length !== RANGES.length) {
    const names = [...Object.keys(ALIASES), ...NEVER].join(', ')
    throw new WrongWindow(`"${text}" has ${fields.length} of five fields, and is none of ${names}`)
  }
  const [minutes, hours, days, months, weekdays] = RANGES.map(([name, least, most], index) =>
    parseField(fields[index] ?? '', { name, least, most }),
  ) as [Field, Field, Field, Field, Field]
  return { text, minutes, hours, days, months, weekdays, isNever }
}

/** Whether it is open at every moment. */
export const isAlwaysOpen = (window: CronWindow): boolean =>
  !window.isNever &&
  [window.minutes, window.hours, window.days, window.months, window.weekdays].every(
    (field, index) => isWhole(field, index),
  )

export function isOpen(window: CronWindow, atMs: number): boolean {
  const at = new Date(atMs)
  return isOpenDay(window, at) && window.hours.has(hourOf(at)) && window.minutes.has(minuteOf(at))
}

/** The first moment from that one on at which it is open; null if there is none. */
export function nextOpening(window: CronWindow, fromMs: number): number | null {
  if (window.isNever) return null
  for (let atMs = fromMs; atMs < fromMs + HORIZON_MS; ) {
    const at = new Date(atMs)
    if (!isOpenDay(window, at)) atMs = startOfNext(atMs, DAY_MS)
    else if (!window.hours.has(hourOf(at))) atMs = startOfNext(atMs, HOUR_MS)
    else if (!window.minutes.has(minuteOf(at))) atMs = startOfNext(atMs, MINUTE_MS)
    else return atMs
  }
  return null
}

/** How long it stays open from a moment on at which it is; no more than `atMostMs`. */
export function staysOpenMs(window: CronWindow, fromMs: number, atMostMs: number): number {
  const areAllMinutes = isWhole(window.minutes, 0)
  const areAllHours = areAllMinutes && isWhole(window.hours, 1)
  let atMs = fromMs
  while (atMs - fromMs < atMostMs && isOpen(window, atMs)) {
    atMs = startOfNext(atMs, areAllHours ? DAY_MS : areAllMinutes ? HOUR_MS : MINUTE_MS)
  }
  return Math.min(atMostMs, atMs - fromMs)
}

const UNITS: readonly (readonly [RegExp, number])[] = [
  [/^(s|secs?|seconds?)?$/, 1],
  [/^(m|mins?|minutes?)$/, 60],
  [/^(h|hrs?|hours?)$/, 3_600],
  [/^(d|days?)$/, 86_400],
  [/^(w|weeks?)$/, 7 * 86_400],
  [/^months?$/, 30 * 86_400],
  [/^years?$/, 365 * 86_400],
]

/** Seconds of a text such as `24 hrs`, `20 secs` or `90`. Throws WrongWindow. */
export function parseSeconds(text: string): number {
  const [, amount, unit = ''] = /^\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*$/i.exec(text) ?? []
  const seconds = UNITS.find(([pattern]) => pattern.test(unit.toLowerCase()))?.[1]
  if (amount === undefined || seconds === undefined) {
    throw new WrongWindow(`"${text}" is no time such as "90", "20 secs" or "24 hrs"`)
  }
  return Number(amount) * seconds
}

function parseField(
  text: string,
  { name, least, most }: { name: string; least: number; most: number },
): Field {
  const values = new Set<number>()
  const wrong = (why: string) => new WrongWindow(`the ${name} "${text}" ${why}`)
  for (const part of text.split(',')) {
    const [, first, last] = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)$/.exec(part) ?? []
    if (part !== '*' && first === undefined) {
      throw wrong('is no *, number or range, nor a list of them')
    }
    const from = Number(first ?? least)
    const until = Number(last ?? first ?? most)
    if (Math.min(from, until) < least || Math.max(from, until) > most) {
      throw wrong(`goes from ${least} to ${most}`)
    }
    // A range may wrap: 22-4 is the night.
    for (let value = from; ; value = value === most ? least : value + 1) {
      values.add(value)
      if (value === until) break
    }
  }
  return values
}

const isWhole = (field: Field, index: number): boolean => {
  const [, least, most] = RANGES[index] ?? ['', 0, 0]
  return field.size === most - least + 1
}

const isOpenDay = ({ isNever, days, months, weekdays }: CronWindow, at: Date): boolean =>
  !isNever &&
  days.has(at.getUTCDate()) &&
  months.has(at.getUTCMonth() + 1) &&
  weekdays.has(at.getUTCDay())

const hourOf = (at: Date): number => at.getUTCHours()
const minuteOf = (at: Date): number => at.getUTCMinutes()
const startOfNext = (atMs: number, unitMs: number): number =>
  (Math.floor(atMs / unitMs) + 1) * unitMs
