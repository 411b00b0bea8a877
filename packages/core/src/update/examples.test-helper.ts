/** A profile's releases, a device and operations to try the rules on. For tests only. */
import { type Campaign, createCampaign } from '../campaign/campaign.ts'
import { plan } from '../campaign/plan.ts'
import type { SettingsDraft } from '../campaign/settings.ts'
import type { Target } from '../campaign/target.ts'
import type { Device } from '../device.ts'
import { reason } from '../reason.ts'
import { createRelease, type Release, type ReleaseDraft } from '../release.ts'
import { type Assignment, type Attempts, NO_ATTEMPTS, type Situation } from './choose.ts'
import { type Handling, STANDARD_HANDLING } from './handling.ts'
import { type Operation, open } from './operation.ts'
import { NO_BELONGINGS } from './snapshot.ts'
import { isTerminal, STATE_TABLE, type State } from './states.ts'

export const NOON = new Date('2026-03-01T12:00:00Z')

export const minutesAfter = (time: Date, minutes: number): Date =>
  new Date(time.getTime() + minutes * 60_000)

/** `F@2.0.0` → the release of that name, made for profile gateway unless it says otherwise. */
export function release(name: string, changes: Partial<ReleaseDraft> = {}): Release {
  const [title = '', version = ''] = name.split('@')
  const draft = { profileId: 'gateway', title, version, type: 'firmware', ...changes }
  return createRelease({ externalUrl: `https://files.example/${name}`, ...draft }, name, NOON)
}

export const installed = (name: string) => {
  const [title = '', version = ''] = name.split('@')
  return { title, version }
}

export function operation(
  target: Release,
  state: State = 'QUEUED',
  changes: Partial<Operation> = {},
): Operation {
  const origin = reason('assigned.profile', 'The profile is assigned it.')
  const id = changes.id ?? 'op1'
  const opened = open({ id, deviceId: 'D1', release: target, origin }, NOON).operation
  const { progressPercent } = STATE_TABLE[state]
  return { ...opened, state, progressPercent, endedAt: isTerminal(state) ? NOON : null, ...changes }
}

export const assigned = (
  target: Release,
  attempts: Partial<Attempts> = {},
  handling: Partial<Handling> = {},
): Assignment => ({
  release: target,
  assignedAt: NOON,
  handling: { ...STANDARD_HANDLING, ...handling },
  attempts: { ...NO_ATTEMPTS, ...attempts },
})

/** A device of a campaign that has begun, for so many devices, all of them idle but this one if `status` says so. */
export function target(
  brings: Release,
  {
    name = 'spring',
    devices = 10,
    settings = {},
    campaign: changes = {},
    ...of
  }: Partial<Omit<Target, 'campaign'>> & {
    name?: string
    devices?: number
    settings?: SettingsDraft
    campaign?: Partial<Campaign>
  } = {},
): Target {
  const draft = { name, audience: { expression: 'true' }, settings }
  const made = { id: name, tenantId: 't1', release: brings, draft }
  const { campaign } = plan(createCampaign(made, devices, NOON), NOON)
  const status = of.status ?? 'idle'
  const tally = { ...campaign.tally, idle: devices - 1 }
  return {
    campaign: { ...campaign, tally: { ...tally, [status]: tally[status] + 1 }, ...changes },
    release: brings,
    status: 'idle',
    isLost: false,
    wave: null,
    operationId: null,
    failures: 0,
    ...of,
  }
}

export const situation = (changes: Partial<Situation> = {}): Situation => ({
  type: 'firmware',
  profileId: 'gateway',
  profileName: 'gateway',
  installed: installed('F@1.0.0'),
  underWay: null,
  deviceAssignment: null,
  profileAssignment: null,
  targets: [],
  arrival: null,
  policies: [],
  standings: {},
  facts: {
    device: device('D1', { installed: { firmware: installed('F@1.0.0') } }),
    ...NO_BELONGINGS,
  },
  attributes: {},
  isHere: true,
  form: null,
  isAsked: false,
  speaks: null,
  ...changes,
})

export const device = (name: string, changes: Partial<Device> = {}): Device => ({
  id: name,
  name,
  profileId: 'gateway',
  profileName: 'gateway',
  cloudId: null,
  cloudName: null,
  labels: [],
  attributes: {},
  inventory: {},
  installed: {},
  dialect: null,
  lastSeenAt: null,
  createdAt: NOON,
  ...changes,
})
