/** How a campaign goes about it: what may be set, what stands where nothing is said, and what contradicts itself. */
import { DomainError } from '../errors.ts'
import { checkUrgency, type Handling, STANDARD_HANDLING } from '../update/handling.ts'
import { windowsOf } from './window.ts'

export interface CampaignSettings extends Omit<Handling, 'windows'> {
  /** So many devices are at it at most, all waves together. */
  readonly maxInProgress: number
  /** Of all targets: when more have failed, the campaign ends as a failure. 0: at the first; 100: never. */
  readonly maxFailurePercentage: number
  /** Of those that have ended, as soon as enough have. Null: only the one above counts. */
  readonly stopRule: StopRule | null
  /** How often a device that says nothing is asked again. */
  readonly requestRetries: number
  /** How long a device may say nothing of what it was asked. */
  readonly requestTimeoutSeconds: number
  /** How long one that has begun may say nothing further before it has failed; null waits without end. */
  readonly progressTimeoutSeconds: number | null
  /** Also over what is newer, and over what the release may not start from. */
  readonly forceDowngrade: boolean
  readonly waves: readonly WaveSettings[]
  /** Maintenance windows as text; empty for any time. */
  readonly windows: string
  /** The attribute in which a device has windows of its own; null for none. */
  readonly windowAttribute: string | null
  /** Devices the audience comes to hold later on become targets too. */
  readonly isDynamic: boolean
  /** When it stops by itself, devices it has updated are offered what they had before. */
  readonly rollsBackOnStop: boolean
}

export interface StopRule {
  /** Failed among those that have ended, above which it stops. */
  readonly failurePercentage: number
  /** So many must have ended before it counts. */
  readonly minFinished: number
}

export interface WaveSettings {
  readonly size: WaveSize
  /** So many of the wave must have been updated before it goes on; at least one. */
  readonly successPercentage: number
  /** How long it waits after that. */
  readonly soakSeconds: number
  /** Whether a person then has to let it go on. */
  readonly needsApproval: boolean
}

export type WaveSize = { readonly count: number } | { readonly percentage: number }

export type WaveDraft = { readonly size: WaveSize } & Partial<WaveSettings>
export type SettingsDraft = Partial<Omit<CampaignSettings, 'waves'>> & {
  /** What is not said: a canary of one before a large campaign. */
  readonly waves?: readonly WaveDraft[]
}

const MAX_DEVICES = 100_000_000
const MAX_SECONDS = 31_536_000
const MAX_WAVES = 100

/** From so many targets on, one device goes first unless it was said otherwise. */
export const LARGE_CAMPAIGN = 50
const CANARY: WaveDraft = { size: { count: 1 } }

export const STANDARD_CAMPAIGN_SETTINGS: Omit<CampaignSettings, 'waves'> = {
  maxInProgress: 100,
  maxFailurePercentage: 10,
  stopRule: { failurePercentage: 10, minFinished: 10 },
  requestRetries: 3,
  requestTimeoutSeconds: 300,
  progressTimeoutSeconds: 172_800,
  forceDowngrade: false,
  windows: '',
  windowAttribute: null,
  urgency: null,
  forcedFrom: null,
  isDownloadOnly: false,
  confirmedBy: null,
  isDynamic: false,
  rollsBackOnStop: false,
}

/** Whole, or refused with campaign.invalid. How large its waves are is seen once its targets are known. */
export function checkedCampaignSettings(draft: SettingsDraft, targets: number): CampaignSettings {
  const waves = draft.waves ?? (targets >= LARGE_CAMPAIGN ? [CANARY] : [])
  const { maxFailurePercentage = STANDARD_CAMPAIGN_SETTINGS.maxFailurePercentage } = draft
  const wave = {
    successPercentage: 100 - maxFailurePercentage,
    soakSeconds: 0,
    needsApproval: false,
  }
  const settings = {
    ...STANDARD_CAMPAIGN_SETTINGS,
    ...draft,
    waves: waves.map((draft) => ({ ...wave, ...draft })),
  }
  whole('maxInProgress', settings.maxInProgress, 1, MAX_DEVICES)
  percentage('maxFailurePercentage', settings.maxFailurePercentage)
  if (settings.stopRule) {
    percentage('stopRule.failurePercentage', settings.stopRule.failurePercentage)
    whole('stopRule.minFinished', settings.stopRule.minFinished, 1, MAX_DEVICES)
  }
  whole('requestRetries', settings.requestRetries, 0, 1000)
  whole('requestTimeoutSeconds', settings.requestTimeoutSeconds, 30, MAX_SECONDS)
  if (settings.progressTimeoutSeconds !== null) {
    whole('progressTimeoutSeconds', settings.progressTimeoutSeconds, 30, MAX_SECONDS)
  }
  windowsOf(settings.windows)
  checkHandling(settings)
  checkWaves(settings.waves, targets)
  return settings
}

function checkHandling(settings: CampaignSettings): void {
  try {
    checkUrgency(settings)
  } catch (error) {
    if (error instanceof DomainError) throw invalid(error.message)
    throw error
  }
  if (settings.isDownloadOnly && settings.rollsBackOnStop) {
    throw invalid('What is only downloaded is installed nowhere, so there is nothing to roll back.')
  }
}

/** How each device is to go about it; its windows hold back the asking. */
export const handlingOfCampaign = ({
  urgency,
  forcedFrom,
  isDownloadOnly,
  confirmedBy,
}: CampaignSettings): Handling => ({
  ...STANDARD_HANDLING,
  urgency,
  forcedFrom,
  isDownloadOnly,
  confirmedBy,
})

function checkWaves(waves: readonly WaveSettings[], targets: number): void {
  if (waves.length > MAX_WAVES) throw invalid(`A campaign has at most ${MAX_WAVES} waves.`)
  for (const [index, wave] of waves.entries()) {
    const name = `wave ${index + 1}`
    if ('count' in wave.size) whole(`the size of ${name}`, wave.size.count, 1, MAX_DEVICES)
    else {
      percentage(`the size of ${name}`, wave.size.percentage)
      if (wave.size.percentage === 0) throw invalid(`The size of ${name} is nobody.`)
    }
    percentage(`successPercentage of ${name}`, wave.successPercentage)
    whole(`soakSeconds of ${name}`, wave.soakSeconds, 0, MAX_SECONDS)
  }
  const sum = (sizeOf: (size: WaveSize) => number) =>
    rounded(waves.reduce((all, { size }) => all + sizeOf(size), 0))
  const percentages = sum((size) => ('percentage' in size ? size.percentage : 0))
  if (percentages > 100) {
    throw invalid(`The waves take ${percentages} % of the devices together; there are only 100 %.`)
  }
  const counts = sum((size) => ('count' in size ? size.count : 0))
  const devices = counts + shareOf(targets, percentages)
  if (targets > 0 && counts > 0 && devices > targets) {
    const message = `The waves take ${Math.ceil(devices)} devices together; there are only ${targets}.`
    throw invalid(message)
  }
}

/** So many percent of a number of devices; without the last digits, in which 7 % of 100 would be more than 7. */
export const shareOf = (devices: number, percentage: number): number =>
  rounded((devices * percentage) / 100)

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6

/** How many devices each wave asks; the last one takes the rest, and whoever joins later. */
export function waveSizes(
  { waves, isDynamic }: Pick<CampaignSettings, 'waves' | 'isDynamic'>,
  targets: number,
): readonly number[] {
  let left = targets
  const sizes = waves.map(({ size }) => {
    const wanted = 'count' in size ? size.count : Math.ceil(shareOf(targets, size.percentage))
    const taken = Math.min(left, wanted)
    left -= taken
    return taken
  })
  const all = [...sizes, left].filter((size) => size > 0)
  return isDynamic && left === 0 ? [...all, 0] : all
}

function whole(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return
  throw invalid(`${capital(name)} is a whole number from ${min} to ${max}, not ${value}.`)
}

function percentage(name: string, value: number): void {
  if (Number.isFinite(value) && value >= 0 && value <= 100) return
  throw invalid(`${capital(name)} is a percentage from 0 to 100, not ${value}.`)
}

/** A setting keeps its own spelling; words begin a sentence. */
const capital = (name: string): string =>
  name.includes(' ') ? name.charAt(0).toUpperCase() + name.slice(1) : name

const invalid = (message: string) => new DomainError('campaign.invalid', message)
