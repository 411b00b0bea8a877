/**
 * What a tenant may set for itself, one row a setting: limits, the standard, and what it means. Checks, the operators'
 * API, the command line and the server's own flags are drawn from this table; what a tenant has not chosen is as the
 * server has it.
 */
import { DomainError } from './errors.ts'

export interface SettingFacts {
  /** What a server has that is not told otherwise. */
  readonly standard: number
  readonly min: number
  readonly max: number
  /** What 0 stands for where it lies outside of the limits. */
  readonly zero?: string
  readonly meaning: string
}

export const TENANT_SETTINGS = {
  silenceDeadlineSeconds: {
    standard: 3600,
    // Of a download that goes on word comes every two minutes; a shorter deadline could not tell it from silence.
    min: 300,
    max: 31_536_000,
    zero: 'never',
    meaning:
      'how long a device that is there may say nothing of an update before it is told again, in seconds',
  },
  maxRetries: {
    standard: 5,
    min: 0,
    max: 1000,
    meaning:
      'how often an update that went silent, was interrupted or was begun anew goes on before it has failed',
  },
  pacePackSize: {
    standard: 100,
    min: 1,
    max: 1_000_000,
    meaning: 'how many waiting devices are told of a release within one interval',
  },
  paceIntervalMs: {
    standard: 60_000,
    min: 0,
    max: 86_400_000,
    meaning: 'that interval in milliseconds; 0 tells all of them at once',
  },
  retentionDays: {
    standard: 365,
    min: 1,
    max: 36_500,
    zero: 'for ever',
    meaning: 'how many days the audit log and ended updates are kept; 0 keeps them for ever',
  },
} as const satisfies Record<string, SettingFacts>

export type TenantSetting = keyof typeof TENANT_SETTINGS
export type TenantSettings = Readonly<Record<TenantSetting, number>>
/** What a tenant has chosen for itself. */
export type ChosenSettings = Readonly<Partial<TenantSettings>>
/** What is to be chosen; null goes back to what the server has. */
export type SettingsChange = Readonly<Partial<Record<TenantSetting, number | null>>>

export const TENANT_SETTING_NAMES = Object.keys(TENANT_SETTINGS) as TenantSetting[]

/** Something for each setting. */
export function eachSetting<T>(of: (name: TenantSetting) => T): Record<TenantSetting, T> {
  const all = TENANT_SETTING_NAMES.map((name) => [name, of(name)] as const)
  return Object.fromEntries(all) as Record<TenantSetting, T>
}

export const STANDARD_SETTINGS: TenantSettings = eachSetting(
  (name) => TENANT_SETTINGS[name].standard,
)

/** For how long, and how often, an update that does not arrive is waited for. */
export type Patience = Pick<TenantSettings, 'silenceDeadlineSeconds' | 'maxRetries'>

/** What holds for a tenant. */
export const settingsInForce = (chosen: ChosenSettings, ofServer: TenantSettings): TenantSettings =>
  eachSetting((name) => chosen[name] ?? ofServer[name])

/** `300 to 31536000, or 0 for never`. */
export function limitsOf(name: TenantSetting): string {
  const { min, max, zero }: SettingFacts = TENANT_SETTINGS[name]
  return `${min} to ${max}${zero === undefined ? '' : `, or 0 for ${zero}`}`
}

export function isWithinLimits(name: TenantSetting, value: number): boolean {
  const { min, max, zero }: SettingFacts = TENANT_SETTINGS[name]
  if (!Number.isSafeInteger(value)) return false
  return (value >= min && value <= max) || (value === 0 && zero !== undefined)
}

/** Refuses with settings.invalid what no tenant can choose. */
export function checkedSettings(change: SettingsChange): SettingsChange {
  for (const name of TENANT_SETTING_NAMES) {
    const value = change[name]
    if (value === undefined || value === null || isWithinLimits(name, value)) continue
    const message = `${name} is a whole number from ${limitsOf(name)}, not ${value}.`
    throw new DomainError('settings.invalid', message, { setting: name })
  }
  return change
}
