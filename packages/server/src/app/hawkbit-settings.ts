/** What operators set for the devices of a profile that speak hawkBit's language, and what they ask of one. */
import {
  changedHawkbit,
  DomainError,
  type HawkbitSettings,
  type OperatorActor,
} from '@updraft/core'
import { deed } from './deed.ts'
import { HAWKBIT } from './hawkbit-entry.ts'
import type {
  CertificateChains,
  Clock,
  HawkbitAtWork,
  KnownAuthority,
  UnitOfWork,
} from './ports.ts'

/** With the authorities whose certificate is known, by which devices come in without a proxy. */
export interface HawkbitSettingsShown extends HawkbitSettings {
  readonly knownAuthorities: readonly KnownAuthority[]
}

export function hawkbitSettings({
  actions,
  clock,
  chains,
  unitOfWork,
}: {
  actions: Pick<HawkbitAtWork, 'wantAttributes'>
  clock: Clock
  chains: Pick<CertificateChains, 'readAuthorities'>
  unitOfWork: UnitOfWork
}) {
  /** An authority is told by its fingerprint, or by its certificate, which has one. */
  const readChange = ({ authorities, ...change }: Partial<HawkbitSettings>) => {
    if (!authorities) return { change, told: [] }
    const read = authorities.map((each) => (isPem(each) ? chains.readAuthorities(each) : each))
    const fingerprints = read.flatMap((each) =>
      typeof each === 'string' ? spelled(each) : each.map(({ fingerprint }) => fingerprint),
    )
    const told = read.flatMap((each) => (typeof each === 'string' ? [] : each))
    return { change: { ...change, authorities: fingerprints }, told }
  }

  return {
    /** Refuses with profile.unknown. */
    showSettings: (actor: OperatorActor, profileId: string): Promise<HawkbitSettingsShown> =>
      unitOfWork(actor, async ({ profiles }) => ({
        ...(await profiles.hawkbit(profileId)),
        knownAuthorities: await profiles.authorities(profileId),
      })),

    /** Refuses with profile.unknown or settings.invalid. */
    changeSettings: async (
      actor: OperatorActor,
      profileId: string,
      wanted: Partial<HawkbitSettings>,
    ): Promise<HawkbitSettingsShown> => {
      const { change, told } = readChange(wanted)
      return unitOfWork(actor, async ({ profiles, events }) => {
        const { id, name } = await profiles.get(profileId)
        const settings = changedHawkbit(await profiles.hawkbit(profileId), change)
        await profiles.setHawkbit(profileId, settings)
        await profiles.setAuthorities(profileId, settings.authorities, told)
        const subject = { kind: 'profile', id, name } as const
        const data = { changed: ['hawkbit'], ...change, authorities: settings.authorities }
        await events.append([deed(actor, 'profile.changed', { at: clock.now(), subject, data })])
        return { ...settings, knownAuthorities: await profiles.authorities(profileId) }
      })
    },

    /** The device is asked for its attributes when it comes. Refuses with device.unknown or hawkbit.none. */
    askForAttributes: async (actor: OperatorActor, deviceId: string): Promise<void> => {
      const tenantId = await unitOfWork(actor, async ({ devices, events }) => {
        const { device, tenantId } = (await devices.get(deviceId)).snapshot
        const { id, name, dialect } = device
        if (dialect !== null && dialect !== HAWKBIT) {
          throw new DomainError('hawkbit.none', `${name} does not speak hawkBit's language.`)
        }
        const at = clock.now()
        const subject = { kind: 'device', id, name } as const
        await events.append([
          deed(actor, 'device.attributes-asked', { at, subject, deviceId: id, data: {} }),
        ])
        return tenantId
      })
      await actions.wantAttributes({ tenantId, deviceId }, true)
    },
  }
}

const isPem = (text: string): boolean => text.includes('-----BEGIN ')

/** A SHA-256 as openssl prints it, however it was written; all else is a name that a proxy has for it. */
const spelled = (text: string): string => {
  const digits = text
    .trim()
    .replace(/^sha256 fingerprint=/i, '')
    .replaceAll(':', '')
  const isSha256 = /^[0-9a-f]{64}$/i.test(digits)
  return isSha256 ? (digits.toLowerCase().match(/../g) ?? []).join(':') : text
}

export type HawkbitUseCases = ReturnType<typeof hawkbitSettings>
