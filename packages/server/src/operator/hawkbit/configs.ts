/**
 * What hawkBit calls a tenant's configuration: each key stands for a setting of ours, most of them of the profile whose
 * devices hawkBit's API adds; a key that has none is refused, and so is a value that cannot hold.
 */
import type { HawkbitSettings, Profile } from '@updraft/api/shapes'
import { DomainError, type Json, STANDARD_HAWKBIT } from '@updraft/core'
import { readSleep, sleepText } from '@updraft/wire/hawkbit'
import { z } from 'zod'
import type { HawkbitConfig } from '../../app/ports.ts'
import type { Asked } from './asked.ts'
import { checked, type Links, millis, unsupported } from './documents.ts'
import { PROFILE_KEY, profile, profileIfAny, STANDARD_PROFILE, settingsOf } from './profile.ts'

const PATH = '/system/configs'
const STANDARD_OVERDUE_SECONDS = 300
const STANDARD: HawkbitSettings = { ...STANDARD_HAWKBIT, authorities: [], knownAuthorities: [] }

interface Known {
  readonly asked: Asked
  readonly profile: Profile | null
  /** Of the profile, or as they are where nothing was said. */
  readonly hawkbit: HawkbitSettings
  readonly kept: ReadonlyMap<string, HawkbitConfig>
}

interface Key {
  read(known: Known): Json
  /** Undefined where it can be no other. */
  write?(asked: Asked, key: string, value: Json): Promise<void>
  /** Kept by us under that key. */
  readonly isKept?: boolean
}

/** What cannot be otherwise here, and why not. */
const fixed = (value: boolean, why: string): Key => ({
  read: () => value,
  write: async (_asked, key, wanted) => {
    if (wanted !== value) throw unsupported(`${key} is always ${value} here: ${why}`)
  },
})

const KEYS: Readonly<Record<string, Key>> = {
  pollingTime: {
    read: ({ asked, hawkbit }) => sleepText(pollSeconds(asked, hawkbit)),
    write: async (asked, key, value) => {
      await changeProfile(asked, { pollSeconds: secondsIn(key, value) })
    },
  },
  pollingOverdueTime: {
    isKept: true,
    read: ({ kept }) =>
      kept.get('pollingOverdueTime')?.value ?? sleepText(STANDARD_OVERDUE_SECONDS),
    write: (asked, key, value) => keep(asked, key, sleepText(secondsIn(key, value))),
  },
  'authentication.targettoken.enabled': {
    read: ({ hawkbit }) => hawkbit.targetToken,
    write: async (asked, key, value) => {
      await changeProfile(asked, { targetToken: flagIn(key, value) })
    },
  },
  'authentication.gatewaytoken.enabled': {
    read: ({ hawkbit }) => hawkbit.gatewayToken,
    write: async (asked, key, value) => {
      await changeProfile(asked, { gatewayToken: flagIn(key, value) })
    },
  },
  'authentication.gatewaytoken.key': {
    read: ({ profile }) => profile?.provisioning?.key ?? '',
    write: async (asked, key, value) => {
      if (typeof value !== 'string' || value === '') throw invalid(`${key} is a text.`)
      const { id } = await profile(asked)
      const body = { strategy: 'create-new', key: value, claimsAtOnce: true } as const
      await asked.asks.ask('enableProvisioning', { params: { id }, body })
    },
  },
  'authentication.header.enabled': {
    read: ({ hawkbit }) => hawkbit.authorities.length > 0,
    write: async (asked, key, value) => {
      const hawkbit = await settingsOf(asked, await profile(asked))
      const isSo = hawkbit.authorities.length > 0
      if (flagIn(key, value) === isSo) return
      if (isSo) await changeProfile(asked, { authorities: [] })
      else throw unsupported(`${key} is true once authentication.header.authority names one.`)
    },
  },
  'authentication.header.authority': {
    read: ({ hawkbit }) => hawkbit.authorities.join(','),
    write: async (asked, key, value) => {
      if (typeof value !== 'string') throw invalid(`${key} is a text.`)
      const authorities = value.split(/[,;]/).map((each) => each.trim())
      await changeProfile(asked, { authorities: authorities.filter((each) => each !== '') })
    },
  },
  'anonymous.download.enabled': fixed(false, 'a file is given to whom it is meant for.'),
  'repository.actions.autoclose.enabled': fixed(
    true,
    'what is assigned anew takes the place of what the device has not begun.',
  ),
  'multi.assignments.enabled': fixed(false, 'a device is at one update of a component at a time.'),
  'user.confirmation.flow.enabled': {
    read: ({ hawkbit }) => hawkbit.needsConfirmation,
    write: async (asked, key, value) => {
      await changeProfile(asked, { needsConfirmation: flagIn(key, value) })
    },
  },
  [PROFILE_KEY]: {
    isKept: true,
    read: ({ kept }) => kept.get(PROFILE_KEY)?.value ?? STANDARD_PROFILE,
    write: async (asked, key, value) => {
      if (typeof value !== 'string' || value.trim() === '') throw invalid(`${key} is a name.`)
      await keep(asked, key, value.trim())
    },
  },
}

export async function listConfigs(asked: Asked) {
  const known = await knownOf(asked)
  return Object.fromEntries(Object.keys(KEYS).map((key) => [key, document(known, key)]))
}

export async function showConfig(asked: Asked, key: string) {
  keyOf(key)
  return document(await knownOf(asked), key)
}

const Value = z.object({ value: z.json() })
const Values = z.record(z.string(), z.json())

export async function changeConfig(asked: Asked, key: string, body: unknown) {
  await write(asked, key, checked(Value, body).value)
  return showConfig(asked, key)
}

/** One after the other; the first that is refused is the end of it. */
export async function changeConfigs(asked: Asked, body: unknown) {
  const values = Object.entries(checked(Values, body))
  for (const [key] of values) keyOf(key)
  for (const [key, value] of values) await write(asked, key, value)
  return listConfigs(asked)
}

/** As it is when nobody says anything. */
export async function resetConfig(asked: Asked, key: string): Promise<void> {
  const { isKept } = keyOf(key)
  if (!isKept) throw unsupported(`${key} is a setting of the profile here; give it a value.`)
  await asked.asks.under('changeSettings', (actor) => asked.needs.hawkbitConfigs.reset(actor, key))
}

const write = async (asked: Asked, key: string, value: Json): Promise<void> => {
  await asked.asks.under('changeSettings', async () => {
    await keyOf(key).write?.(asked, key, value)
  })
}

const keep = (asked: Asked, key: string, value: Json): Promise<void> =>
  asked.needs.hawkbitConfigs.keep(asked.asks.actor, key, value)

async function changeProfile(asked: Asked, change: Partial<HawkbitSettings>): Promise<void> {
  const { id } = await profile(asked)
  await asked.asks.ask('changeHawkbitSettings', { params: { id }, body: change })
}

async function knownOf(asked: Asked): Promise<Known> {
  return asked.asks.under('showSettings', async (actor) => {
    const profile = await profileIfAny(asked)
    return {
      asked,
      profile,
      hawkbit: profile ? await settingsOf(asked, profile) : STANDARD,
      kept: new Map((await asked.needs.hawkbitConfigs.all(actor)).map((each) => [each.key, each])),
    }
  })
}

function keyOf(key: string): Key {
  const found = Object.hasOwn(KEYS, key) ? KEYS[key] : undefined
  if (found) return found
  const known = Object.keys(KEYS).join(', ')
  throw unsupported(`Nothing here stands for ${key.slice(0, 80)}; there are ${known}.`)
}

function document(known: Known, key: string) {
  const { read, isKept = false } = keyOf(key)
  const kept = isKept ? known.kept.get(key) : undefined
  return {
    value: read(known),
    global: isKept ? kept === undefined : known.profile === null,
    ...(kept && { lastModifiedAt: millis(kept.changedAt), lastModifiedBy: kept.changedBy }),
    _links: { self: known.asked.at.of(`${PATH}/${encodeURIComponent(key)}`) } satisfies Links,
  }
}

/** How soon devices of the profile are to come again. */
export const pollSeconds = ({ needs }: Asked, { pollSeconds }: HawkbitSettings): number =>
  pollSeconds ?? needs.hawkbitPollSeconds

/** How much later one is late. */
export async function overdueSeconds({ asks, needs }: Asked): Promise<number> {
  const value = await needs.hawkbitConfigs.value(asks.actor, 'pollingOverdueTime')
  return (typeof value === 'string' ? readSleep(value) : null) ?? STANDARD_OVERDUE_SECONDS
}

function secondsIn(key: string, value: Json): number {
  const seconds = typeof value === 'string' ? readSleep(value) : null
  if (seconds !== null && seconds >= 1 && seconds < 86_400) return seconds
  throw invalid(`${key} is a time from 00:00:01 to 23:59:59, as HH:MM:SS.`)
}

function flagIn(key: string, value: Json): boolean {
  if (value === true || value === 'true') return true
  if (value === false || value === 'false') return false
  throw invalid(`${key} is true or false.`)
}

const invalid = (message: string) => new DomainError('settings.invalid', message)
