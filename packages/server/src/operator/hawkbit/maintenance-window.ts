/** When an assignment may be installed: hawkBit's schedule, duration and time zone, and our windows. */
import { DomainError, opensAt, passingWindowsOf } from '@updraft/core'
import { z } from 'zod'
import { millis } from './documents.ts'

const Text = z.string().max(255).nullish()
export const MaintenanceWindow = z
  .object({ schedule: Text, duration: Text, timezone: Text })
  .nullish()
type MaintenanceWindow = z.output<typeof MaintenanceWindow>

/** As a window of ours; empty for none. Refuses with assignment.invalid where something is missing. */
export function windowsIn(window: MaintenanceWindow): string {
  const [schedule, duration, timezone] = [window?.schedule, window?.duration, window?.timezone].map(
    (text) => text?.trim() ?? '',
  )
  if (!schedule && !duration && !timezone) return ''
  if (!schedule || !duration || !timezone) {
    throw invalid('A maintenance window has a schedule, a duration and a timezone.')
  }
  const [, clock, seconds = ':00'] = /^(\d{2}:[0-5]\d)(:[0-5]\d)?$/.exec(duration) ?? []
  if (clock === undefined) throw invalid(`"${duration}" is no duration; it is written HH:mm:ss.`)
  if (!/^(Z|[+-]\d{2}:\d{2})$/.test(timezone)) {
    throw invalid(`"${timezone}" is no timezone; it is written as an offset such as +02:00.`)
  }
  const zone = timezone === 'Z' ? 'UTC' : timezone
  return `cron ${schedule} for ${clock}${seconds} ${zone}`
}

const invalid = (message: string) => new DomainError('assignment.invalid', message)

/** The window of an assignment as hawkBit tells it; null when there is none. */
export function windowDocument(windows: string, now: Date) {
  if (windows === '') return null
  const all = passingWindowsOf(windows)
  const [window] = all
  const next = opensAt(all, now)
  const nextStartAt = next && { nextStartAt: millis(next) }
  // What was written in our words has no schedule in theirs.
  if (!window || all.length > 1 || !('cron' in window)) return { ...nextStartAt }
  const { cron, seconds, timeZone } = window
  return {
    schedule: cron.text,
    duration: durationText(seconds),
    timezone: timeZone === 'UTC' ? '+00:00' : timeZone,
    ...nextStartAt,
  }
}

const durationText = (seconds: number): string =>
  [seconds / 3600, (seconds / 60) % 60, seconds % 60]
    .map((part) => String(Math.floor(part)).padStart(2, '0'))
    .join(':')
