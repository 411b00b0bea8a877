/** What clocks and calendars show in a time zone, and when they show it. */
import { remembered } from '../remembered.ts'

export const SECOND_MS = 1000
export const DAY_MS = 86_400_000

/** Whether that names one: `Europe/Berlin`, `UTC`, `+02:00`. */
export function isTimeZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** Of the week, from 0, which is Monday. Days are counted from 1970-01-01, which was a Thursday. */
export const weekdayOf = (day: number): number => (((day + 3) % 7) + 7) % 7

/**
 * When clocks there show that time on that day: the first time where they show it twice, and where they skip it, when
 * they would have, had they not been set.
 */
export function momentAt(day: number, timeMs: number, timeZone: string): Date {
  const wanted = day * DAY_MS + timeMs
  const offsetAt = (at: number) => localTime(new Date(at), timeZone) - at
  const [before, after] = [wanted - DAY_MS, wanted + DAY_MS].map((at) => wanted - offsetAt(at))
  const candidates = [before ?? wanted, after ?? wanted].sort((a, b) => a - b)
  const shown = candidates.find((at) => at + offsetAt(at) === wanted)
  return new Date(shown ?? before ?? wanted)
}

/** What clocks and calendars show there, to the second, read as if they were in UTC. */
export function localTime(moment: Date, timeZone: string): number {
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
