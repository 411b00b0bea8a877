/** Who is in the pictures: an invented fleet, and what a week was like for it. The same at every run. */

import type { PolicyDraft } from '@updraft/api/shapes'
import type { Role } from '@updraft/core'

export interface Kind {
  readonly profile: string
  readonly description: string
  readonly title: string
  readonly devices: number
  /** Of the versions, what its devices began the week with, what they got early in it, and what came out today. */
  readonly versions: readonly [string, string, string | null]
  readonly fileBytes: number
  /** Which part of the attempts at the newest version fails, with these reasons. */
  readonly failing: { readonly share: number; readonly reasons: readonly string[] }
  /** So many fail what came early in the week again and again, until a person must look. */
  readonly stubborn?: { readonly devices: number; readonly reason: string }
  readonly facts: Readonly<Record<string, unknown>>
  /** Brings what came out today to them, a few at first; without one the profile is assigned it. */
  readonly campaign?: string
  /** Says of each version for whom it is; nothing is assigned then. */
  readonly policy?: (version: string) => PolicyDraft
}

export const KINDS: readonly Kind[] = [
  {
    profile: 'Water meter',
    description: 'In cellars, on batteries; they call in every few hours.',
    title: 'meter-os',
    devices: 96,
    versions: ['2.3.4', '2.4.0', '2.5.0'],
    fileBytes: 412_000,
    failing: {
      share: 0.05,
      reasons: ['the battery is too low to install: 2.9 V', 'flash write failed at 0x4000'],
    },
    facts: { hardware: 'rev C', batteryVolts: 3.4, radio: 'NB-IoT' },
  },
  {
    profile: 'Gateway',
    description: 'One for each building; a Raspberry Pi in a steel box.',
    title: 'gateway-image',
    devices: 24,
    versions: ['5.0.9', '5.1.2', '5.2.0'],
    fileBytes: 6_400_000,
    failing: {
      share: 0.09,
      reasons: ['not enough space on /dev/mmcblk0p2', 'health check: no network after 60 s'],
    },
    facts: { hardware: 'Raspberry Pi 4', memoryMb: 2048, kernel: '6.12.30' },
  },
  {
    profile: 'Gate camera',
    description: 'Counts vehicles at the gates.',
    title: 'camera-app',
    devices: 32,
    versions: ['1.8.0', '1.8.1', '1.9.0'],
    fileBytes: 1_900_000,
    failing: { share: 0.06, reasons: ['the new version does not start: no /dev/video0'] },
    facts: { hardware: 'IMX 477', temperatureC: 41 },
    campaign: 'Camera 1.9',
  },
  {
    profile: 'Charging station',
    description: 'In the car park; updated at night only.',
    title: 'charge-control',
    devices: 12,
    versions: ['3.1.0', '3.2.0', null],
    fileBytes: 2_700_000,
    failing: { share: 0, reasons: [] },
    stubborn: { devices: 2, reason: 'the relay board does not answer' },
    facts: { hardware: 'CS-22', connectors: 2 },
  },
  {
    profile: 'Street lamp',
    description: 'They ask once a day what there is for them.',
    title: 'lamp-control',
    devices: 48,
    versions: ['1.4.0', '1.5.0', '1.6.0'],
    fileBytes: 230_000,
    failing: { share: 0.05, reasons: ['the image does not fit: 240 KiB of 224'] },
    facts: { hardware: 'SL-3', district: 'Old Harbour', dimmable: true },
    policy: (version) =>
      version === '1.5.0'
        ? {}
        : {
            expression: 'semver(version, "<", newVersion) && device.hardware == "SL-3"',
            limits: { percentage: 50 },
          },
  },
]

export const CUSTOMERS = ['Harbour Works', 'Northfield Housing', 'City Library'] as const
export const PEOPLE: readonly {
  readonly name: string
  readonly role: Role
  readonly customer?: (typeof CUSTOMERS)[number]
}[] = [
  { name: 'mira', role: 'tenant-administrator' },
  { name: 'jonas', role: 'operator' },
  { name: 'noor', role: 'viewer' },
  { name: 'lena', role: 'customer-user', customer: 'Harbour Works' },
]
export const passwordOf = (name: string): string => `the password of ${name}`

/** A Tuesday afternoon. */
export const NOW = new Date('2026-05-19T14:24:00Z')
export const DAYS = 7
export const BEGIN = new Date(NOW.getTime() - DAYS * 86_400_000)
