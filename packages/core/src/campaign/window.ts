/**
 * Maintenance windows: when a device may be asked to update. Written as one text, by whoever sets up a campaign and in
 * an attribute of a device alike: `Mon-Fri 22:00-04:00 Europe/Berlin`, several of them separated by `;`. Days are those
 * on which a window begins; without days it is every day, without a time zone it is UTC.
 */
import { DomainError } from '../errors.ts'
import { remembered } from '../remembered.ts'

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
type Day = (typeof DAYS)[number]

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
const DAY_MS = DAY_MINUTES * MINUTE_MS
const MAX_WINDOWS = 50

export interface Window {
  readonly days: readonly Day[]
  /** Minutes after midnight in its time zone. */
  readonly from: number
  /** Not after `from`: it ends on the next day. */
  readonly until: number
  readonly timeZone: string
}

const FORM =
  /^(?:(?<days>[a-z,-]+)\s+)?(?<from>\d{1,2}:\d{2})\s*-\s*(?<until>\d{1,2}:\d{2})(?:\s+(?<zone>\S+))?$/i

/** Refuses with campaign.invalid, saying which part cannot be read. */
export const windowsOf: (text: string) => readonly Window[] = remembered(parseWindows)

function parseWindows(text: string): readonly Window[] {
  const parts = text
    .split(';')
    .map((part) => part.trim())
    .filter((part) => part !== '')
  if (parts.length > MAX_WINDOWS) {
    throw new DomainError('campaign.invalid', `There are more than ${MAX_WINDOWS} windows.`)
  }
  return parts.map(parseWindow)
}

function parseWindow(text: string): Window {
  const { days, from = '', until = '', zone = 'UTC' } = FORM.exec(text)?.groups ?? {}
  if (from === '') {
    throw invalid(text, 'It is written like Mon-Fri 22:00-04:00 Europe/Berlin.')
  }
  return {
    days: days === undefined ? DAYS : parseDays(days, text),
    from: parseTime(from, text),
    until: parseTime(until, text),
    timeZone: parseTimeZone(zone, text),
  }
}

function parseDays(days: string, text: string): readonly Day[] {
  const chosen = days.split(',').flatMap((part) => {
    const [first, last = first, ...others] = part.split('-').map((name) => {
      const day = DAYS.findIndex((known) => known.toLowerCase() === name.toLowerCase())
      if (day === -1) throw invalid(text, `"${name}" is none of ${DAYS.join(', ')}.`)
      return day
    })
    if (first === undefined || last === undefined || others.length > 0) {
      throw invalid(text, `"${part}" is neither a day nor two with a dash between.`)
    }
    const length = ((last - first + DAYS.length) % DAYS.length) + 1
    return Array.from({ length }, (_, index) => (first + index) % DAYS.length)
  })
  return DAYS.filter((_, day) => chosen.includes(day))
}

function parseTime(time: string, text: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  const isTime = minutes < 60 && hours * 60 + minutes <= DAY_MINUTES
  if (!isTime) throw invalid(text, `"${time}" is no time of day.`)
  return (hours * 60 + minutes) % DAY_MINUTES
}

function parseTimeZone(zone: string, text: string): string {
  try {
    formatOf(zone)
    return zone
  } catch {
    throw invalid(text, `"${zone}" is no time zone; they are named like Europe/Berlin or UTC.`)
  }
}

const invalid = (text: string, why: string) =>
  new DomainError('campaign.invalid', `The maintenance window "${text}" cannot be read. ${why}`)

/**
 * When one of them is open: now, or at the earliest moment to come. Null when none ever is, which cannot happen to
 * windows that were parsed. Without windows it is always.
 */
export function opensAt(windows: readonly Window[], now: Date): Date | null {
  if (windows.length === 0) return now
  const openings = windows.flatMap((window) => openingOf(window, now) ?? [])
  if (openings.length === 0) return null
  return new Date(Math.min(...openings.map((at) => at.getTime())))
}

function openingOf(window: Window, now: Date): Date | null {
  const today = Math.floor(localTime(now, window.timeZone) / DAY_MS)
  // From yesterday, whose window may reach into today. A week later the clocks may have left nothing of it.
  for (let day = today - 1; day <= today + 2 * DAYS.length; day += 1) {
    if (!window.days.includes(weekday(day))) continue
    const begin = momentAt(day, window.from, window.timeZone)
    const lastDay = window.until <= window.from ? day + 1 : day
    const end = momentAt(lastDay, window.until, window.timeZone)
    if (end > now && end > begin) return begin > now ? begin : now
  }
  return null
}

/** Days are counted from 1970-01-01, which was a Thursday. */
const weekday = (day: number): Day => DAYS[(((day + 3) % 7) + 7) % 7] as Day

/**
 * When clocks there show that time on that day: the first time where they show it twice, and where they skip it, when
 * they would have, had they not been set.
 */
function momentAt(day: number, minutes: number, timeZone: string): Date {
  const wanted = day * DAY_MS + minutes * MINUTE_MS
  const offsetAt = (at: number) => localTime(new Date(at), timeZone) - at
  const [before, after] = [wanted - DAY_MS, wanted + DAY_MS].map((at) => wanted - offsetAt(at))
  const candidates = [before ?? wanted, after ?? wanted].sort((a, b) => a - b)
  const shown = candidates.find((at) => at + offsetAt(at) === wanted)
  return new Date(shown ?? before ?? wanted)
}

/** What clocks and calendars show there, to the second, read as if they were in UTC. */
function localTime(moment: Date, timeZone: string): number {
  const parts = formatOf(timeZone).formatToParts(moment)
  const textOf = (type: Intl.DateTimeFormatPartTypes) =>
    parts.find((part) => part.type === type)?.value ?? ''
  const [year, month, day, hour, minute, second] = (
    ['year', 'month', 'day', 'hour', 'minute', 'second'] as const
  ).map((type) => Number(textOf(type)))
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second)
}

/** Making one costs far more than using it. Throws for what is no time zone. */
const formatOf = remembered(
  (timeZone) =>
    new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    }),
)
