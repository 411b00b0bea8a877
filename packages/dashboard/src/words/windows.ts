/** Maintenance windows as a person reads them. */
import {
  DomainError,
  opensAt,
  passingWindowsOf,
  type ScheduledWindow,
  type WeeklyWindow,
  type Window,
  windowsOf,
} from '@updraft/core'
import { exactTime } from './time.ts'

export interface ReadWindows {
  /** One line for each. */
  readonly lines: readonly string[]
  /** When the next one opens, or that one is open. */
  readonly next: string
}

/** `mayPass`: it may be over some day. Null where nothing is written; else what it means, or what is wrong with it. */
export function readWindows(
  text: string,
  now: Date,
  { mayPass = false } = {},
): ReadWindows | { mistake: string } | null {
  if (text.trim() === '') return null
  try {
    const windows = mayPass ? passingWindowsOf(text) : windowsOf(text)
    const opening = opensAt(windows, now)
    if (opening === null) return { mistake: 'It never opens any more.' }
    return {
      lines: windows.map(lineOf),
      next:
        opening > now ? `The next one opens on ${exactTime(opening)}.` : 'One of them is open now.',
    }
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    return { mistake: error.message }
  }
}

const NAMES: Readonly<Record<WeeklyWindow['days'][number], string>> = {
  Mon: 'Monday',
  Tue: 'Tuesday',
  Wed: 'Wednesday',
  Thu: 'Thursday',
  Fri: 'Friday',
  Sat: 'Saturday',
  Sun: 'Sunday',
}
const WEEK = Object.keys(NAMES)

const lineOf = (window: Window): string =>
  'cron' in window ? scheduledLine(window) : weeklyLine(window)

/** Who writes a schedule reads one. */
function scheduledLine({ cron, seconds, timeZone }: ScheduledWindow): string {
  const length = [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, '0'))
    .join(':')
  return `From ${cron.text} for ${length} (${timeZone})`
}

function weeklyLine({ days, from, until, timeZone }: WeeklyWindow): string {
  const when =
    from === until
      ? `from ${clock(from)} for 24 hours`
      : `${clock(from)} to ${clock(until)}${until < from && until > 0 ? ' the day after' : ''}`
  return `${daysOf(days)}, ${when} (${timeZone})`
}

/** Days that follow each other, from the third on, as a span. */
function daysOf(days: WeeklyWindow['days']): string {
  if (days.length === WEEK.length) return 'Every day'
  const runs: WeeklyWindow['days'][number][][] = []
  for (const day of days) {
    const run = runs.at(-1)
    const before = run?.at(-1)
    if (run && before && WEEK.indexOf(before) + 1 === WEEK.indexOf(day)) run.push(day)
    else runs.push([day])
  }
  const words = runs.flatMap((run) => {
    const names = run.map((day) => NAMES[day])
    return run.length > 2 ? [`${names[0]} to ${names.at(-1)}`] : names
  })
  const last = words.at(-1)
  return words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${last}` : (last ?? '')
}

const clock = (minutes: number): string =>
  `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`
