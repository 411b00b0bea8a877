/**
 * Maintenance windows: when a device may be asked to update. Written as one text, by whoever sets up a campaign or an
 * assignment and in an attribute of a device alike: `Mon-Fri 22:00-04:00 Europe/Berlin`, several of them separated by
 * `;`. Days are those on which a window begins; without days it is every day, without a time zone it is UTC. Who knows
 * when it begins by a schedule of Quartz writes that, and how long it is: `cron 0 0 22 ? * MON-FRI for 06:00:00 +01:00`.
 */
import { DomainError } from '../errors.ts'
import { remembered } from '../remembered.ts'
import { type Cron, nextOf, readCron } from './cron.ts'
import { DAY_MS, isTimeZone, localTime, momentAt, SECOND_MS, weekdayOf } from './local-time.ts'

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'] as const
type Day = (typeof DAYS)[number]

const MINUTE_MS = 60_000
const DAY_MINUTES = 1440
const MAX_WINDOWS = 50

export type Window = WeeklyWindow | ScheduledWindow

export interface WeeklyWindow {
  readonly days: readonly Day[]
  /** Minutes after midnight in its time zone. */
  readonly from: number
  /** Not after `from`: it ends on the next day. */
  readonly until: number
  readonly timeZone: string
}

export interface ScheduledWindow {
  readonly cron: Cron
  readonly seconds: number
  readonly timeZone: string
}

const FORM =
  /^(?:(?<days>[a-z,-]+)\s+)?(?<from>\d{1,2}:\d{2})\s*-\s*(?<until>\d{1,2}:\d{2})(?:\s+(?<zone>\S+))?$/i

/** Of what opens again and again. Refuses with campaign.invalid, saying which part cannot be read. */
export const windowsOf: (text: string) => readonly Window[] = remembered((text) => {
  const windows = parseWindows(text)
  const once = windows.find((window) => 'cron' in window && window.cron.years !== null)
  if (!once) return windows
  throw invalid(text, 'Here a schedule names no years, after which it would never open again.')
})

/** The same where one may be over some day, as for a single update. */
export const passingWindowsOf: (text: string) => readonly Window[] = remembered(parseWindows)

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

const SCHEDULED =
  /^cron\s+(?<cron>.+?)\s+for\s+(?<hours>\d{2}):(?<minutes>\d{2}):(?<seconds>\d{2})(?:\s+(?<zone>\S+))?$/i

function parseWindow(text: string): Window {
  if (/^cron\s/i.test(text)) return parseScheduled(text)
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

function parseScheduled(text: string): ScheduledWindow {
  const { cron = '', zone = 'UTC', ...length } = SCHEDULED.exec(text)?.groups ?? {}
  if (cron === '')
    throw invalid(text, 'It is written like cron 0 0 22 ? * MON-FRI for 06:00:00 UTC.')
  const read = readCron(cron)
  if ('mistake' in read) throw invalid(text, read.mistake)
  const [hours = 0, minutes = 0, seconds = 0] = [length.hours, length.minutes, length.seconds].map(
    Number,
  )
  const all = (hours * 60 + minutes) * 60 + seconds
  if (minutes > 59 || seconds > 59 || all === 0 || all > DAY_MINUTES * 60) {
    throw invalid(text, 'It is longer than nothing, and no longer than 24:00:00.')
  }
  return { cron: read, seconds: all, timeZone: parseTimeZone(zone, text) }
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
  if (isTimeZone(zone)) return zone
  throw invalid(text, `"${zone}" is no time zone; they are named like Europe/Berlin or UTC.`)
}

const invalid = (text: string, why: string) =>
  new DomainError('campaign.invalid', `The maintenance window "${text}" cannot be read. ${why}`)

/**
 * When one of them is open: now, or at the earliest moment to come. Null when none ever is again, as of a schedule that
 * is over. Without windows it is always.
 */
export function opensAt(windows: readonly Window[], now: Date): Date | null {
  if (windows.length === 0) return now
  const openings = windows.flatMap((window) => openingOf(window, now) ?? [])
  if (openings.length === 0) return null
  return new Date(Math.min(...openings.map((at) => at.getTime())))
}

const openingOf = (window: Window, now: Date): Date | null =>
  'cron' in window ? scheduledOpening(window, now) : weeklyOpening(window, now)

function scheduledOpening({ cron, seconds, timeZone }: ScheduledWindow, now: Date): Date | null {
  // One that began within its length is open still.
  const begin = nextOf(cron, new Date(now.getTime() - seconds * SECOND_MS), timeZone)
  return begin && (begin > now ? begin : now)
}

function weeklyOpening(window: WeeklyWindow, now: Date): Date | null {
  const today = Math.floor(localTime(now, window.timeZone) / DAY_MS)
  // From yesterday, whose window may reach into today. A week later the clocks may have left nothing of it.
  for (let day = today - 1; day <= today + 2 * DAYS.length; day += 1) {
    if (!window.days.includes(DAYS[weekdayOf(day)] as Day)) continue
    const begin = momentAt(day, window.from * MINUTE_MS, window.timeZone)
    const lastDay = window.until <= window.from ? day + 1 : day
    const end = momentAt(lastDay, window.until * MINUTE_MS, window.timeZone)
    if (end > now && end > begin) return begin > now ? begin : now
  }
  return null
}
