/**
 * Schedules as hawkBit's operators write them, in the form of Quartz: second, minute, hour, day of the month, month,
 * day of the week, and a year if one is said. One of the two days is `?`.
 */
import { DAY_MS, localTime, momentAt, SECOND_MS, weekdayOf } from './local-time.ts'

/** Which of a field's values hold. */
type Field = ReadonlySet<number>
/** Whether a day holds, counted from 1970-01-01. */
type DayRule = (day: number) => boolean

export interface Cron {
  readonly text: string
  readonly seconds: readonly number[]
  readonly minutes: readonly number[]
  readonly hours: readonly number[]
  readonly months: Field
  readonly years: Field | null
  readonly holds: DayRule
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC']
/** The first of them is 1. */
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT']

interface Range {
  readonly name: string
  readonly least: number
  readonly most: number
  readonly names?: readonly string[]
}

const SECOND: Range = { name: 'second', least: 0, most: 59 }
const MINUTE: Range = { name: 'minute', least: 0, most: 59 }
const HOUR: Range = { name: 'hour', least: 0, most: 23 }
const DAY: Range = { name: 'day of the month', least: 1, most: 31 }
const MONTH: Range = { name: 'month', least: 1, most: 12, names: MONTHS }
const WEEKDAY: Range = { name: 'day of the week', least: 1, most: 7, names: WEEKDAYS }
const YEAR: Range = { name: 'year', least: 1970, most: 2099 }

/** The schedule, or what is wrong with it. */
export function readCron(text: string): Cron | { readonly mistake: string } {
  const fields = text.trim().toUpperCase().split(/\s+/)
  if (fields.length !== 6 && fields.length !== 7) {
    return { mistake: `It has ${fields.length} fields, not six or seven.` }
  }
  const [second = '', minute = '', hour = '', day = '', month = '', weekday = '', year] = fields
  if ((day === '?') === (weekday === '?')) {
    return { mistake: 'One of the day of the month and the day of the week is ?, and one is not.' }
  }
  try {
    const sorted = (field: string, range: Range) =>
      [...readField(field, range)].sort((a, b) => a - b)
    const cron: Cron = {
      text: fields.join(' '),
      seconds: sorted(second, SECOND),
      minutes: sorted(minute, MINUTE),
      hours: sorted(hour, HOUR),
      months: readField(month, MONTH),
      years: year === undefined || year === '*' ? null : readField(year, YEAR),
      holds: day === '?' ? weekdayRule(weekday) : dayRule(day),
    }
    const isNever = nextOf(cron, new Date(0), 'UTC') === null
    return isNever ? { mistake: 'There is no such day.' } : cron
  } catch (error) {
    if (error instanceof Mistake) return { mistake: error.message }
    throw error
  }
}

class Mistake extends Error {}

/** The first moment of that schedule after another; null when there is none. */
export function nextOf(cron: Cron, after: Date, timeZone: string): Date | null {
  const from = shownFrom(after, timeZone)
  const today = Math.floor(from / DAY_MS)
  for (let day = today; day <= lastDayOf(cron, today); day += 1) {
    if (!isDay(cron, day)) continue
    for (const timeMs of timesOf(cron)) {
      if (day * DAY_MS + timeMs <= from) continue
      const at = momentAt(day, timeMs, timeZone)
      if (at > after) return at
    }
  }
  return null
}

/** Clocks are set by less than that. */
const SET_BY_MS = 3 * 3_600_000

/** What clocks show at that moment, or what they showed a while before if they were set in between. */
function shownFrom(moment: Date, timeZone: string): number {
  const before = new Date(moment.getTime() - SET_BY_MS)
  return localTime(before, timeZone) + SET_BY_MS === localTime(moment, timeZone)
    ? localTime(moment, timeZone)
    : localTime(before, timeZone)
}

/** A fifth Friday of a February may be forty years away. */
const HORIZON_DAYS = 41 * 366

const lastDayOf = ({ years }: Cron, today: number): number =>
  years === null
    ? today + HORIZON_DAYS
    : Math.floor(Date.UTC(Math.max(...years) + 1, 0, 1) / DAY_MS)

function isDay({ months, years, holds }: Cron, day: number): boolean {
  const at = new Date(day * DAY_MS)
  if (years !== null && !years.has(at.getUTCFullYear())) return false
  return months.has(at.getUTCMonth() + 1) && holds(day)
}

function* timesOf({ hours, minutes, seconds }: Cron): Generator<number> {
  for (const hour of hours) {
    for (const minute of minutes) {
      for (const second of seconds) yield ((hour * 60 + minute) * 60 + second) * SECOND_MS
    }
  }
}

function readField(text: string, range: Range): Field {
  const { name, least, most } = range
  const values = new Set<number>()
  for (const part of text.split(',')) {
    const [, span = '', step] = /^([^/]*)(?:\/(\d+))?$/.exec(part) ?? []
    const isAll = span === '*' || (range !== DAY && range !== WEEKDAY && span === '?')
    const [from, until, ...more] = isAll ? [least, most] : span.split('-').map(valueIn(range))
    const by = step === undefined ? 1 : Number(step)
    if (from === undefined || more.length > 0 || by < 1) {
      throw new Mistake(`"${part}" is no ${name}.`)
    }
    // What only says where it begins goes on to the end, if it goes in steps.
    const to = until ?? (step === undefined ? from : most)
    const length = to >= from ? to - from : to - from + (most - least + 1)
    for (let at = 0; at <= length; at += by) {
      values.add(((from + at - least) % (most - least + 1)) + least)
    }
  }
  return values
}

const valueIn =
  ({ name, least, most, names = [] }: Range) =>
  (text: string): number => {
    const named = names.indexOf(text)
    const value = named >= 0 ? named + least : /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN
    if (value >= least && value <= most) return value
    throw new Mistake(`"${text}" is no ${name}: they go from ${least} to ${most}.`)
  }

const dayOfMonth = (day: number): number => new Date(day * DAY_MS).getUTCDate()
const lastOfMonth = (day: number): number => {
  const at = new Date(day * DAY_MS)
  return new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
}
const isWorkday = (day: number): boolean => weekdayOf(day) < 5

/** `L` is the last, `L-3` the third before it, `15W` the workday next to the 15th, `LW` the last workday. */
function dayRule(text: string): DayRule {
  const last = /^L(?:-(\d{1,2}))?$/.exec(text)
  if (last) {
    const before = Number(last[1] ?? 0)
    return (day) => dayOfMonth(day) === lastOfMonth(day) - before
  }
  const workday = /^(L|\d{1,2})W$/.exec(text)
  if (workday) {
    const wanted = workday[1] === 'L' ? null : valueIn(DAY)(workday[1] ?? '')
    return (day) => isWorkday(day) && nearestWorkday(day, wanted) === dayOfMonth(day)
  }
  const days = readField(text, DAY)
  return (day) => days.has(dayOfMonth(day))
}

/** The workday of that day's month that is next to a date, which stays in the month; null: to its last. */
function nearestWorkday(day: number, wanted: number | null): number {
  const last = lastOfMonth(day)
  const date = wanted ?? last
  if (date > last) return 0
  const weekday = weekdayOf(day - dayOfMonth(day) + date)
  if (weekday === 5) return date === 1 ? 3 : date - 1
  if (weekday === 6) return date === last ? date - 2 : date + 1
  return date
}

/** `6L` is the last Friday of the month, `6#3` the third. */
function weekdayRule(text: string): DayRule {
  const isOn = (day: number, weekday: number) => ((weekdayOf(day) + 1) % 7) + 1 === weekday
  const special = /^([A-Z]{3}|\d)(?:(L)|#([1-5]))$/.exec(text)
  if (special) {
    const weekday = valueIn(WEEKDAY)(special[1] ?? '')
    if (special[2]) {
      return (day) => isOn(day, weekday) && dayOfMonth(day) > lastOfMonth(day) - 7
    }
    const nth = Number(special[3])
    return (day) => isOn(day, weekday) && Math.ceil(dayOfMonth(day) / 7) === nth
  }
  if (text === 'L') return (day) => isOn(day, 7)
  const weekdays = readField(text, WEEKDAY)
  return (day) => weekdays.has(((weekdayOf(day) + 1) % 7) + 1)
}
