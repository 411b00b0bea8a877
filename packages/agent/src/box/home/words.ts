/** Figures and times in words, for people. */

import type { JobKind } from '../jobs.ts'
import type { BoxLayerName } from '../layer.ts'

export const LAYER_NAMES: Readonly<Record<BoxLayerName, string>> = {
  handlers: 'Handlers',
  code: 'Code',
  image: 'Image',
}

export const JOB_NAMES: Readonly<Record<JobKind, string>> = {
  'load-handlers': 'Load handlers',
  'update-code': 'Update code',
  'upgrade-image': 'Upgrade image',
  'roll-back': 'Roll back',
  restart: 'Restart the program',
  reboot: 'Restart the box',
}

export function bytesText(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

export function durationText(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

export function timeText(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return 'at a time not known'
  return `${date.toISOString().slice(0, 10)} ${date.toISOString().slice(11, 16)} UTC`
}
