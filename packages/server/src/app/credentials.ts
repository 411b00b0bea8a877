/**
 * What a device is known by, as operators keep it. A device holds two credentials of a kind while one takes the place
 * of the other: the new one is added, and the old one is taken back at once or at a set time.
 */
import {
  type CredentialDraft,
  DomainError,
  type EventKind,
  type JsonObject,
  MAX_OF_A_KIND,
  type OperatorActor,
} from '@updraft/core'
import { deed } from './deed.ts'
import type { NewCredentialOf } from './new-credential.ts'
import type {
  Clock,
  CredentialView,
  DeviceTokens,
  NewCredential,
  Secrets,
  Stores,
  UnitOfWork,
} from './ports.ts'

export interface CredentialAddition {
  readonly credential: CredentialDraft
  /** When the device's others of that kind end; 0: at once. When absent they stay. */
  readonly keepOthersForSeconds?: number
}

export interface AddedCredential {
  readonly credential: CredentialView
  /** Null for kinds that have none. */
  readonly token: string | null
}

/** Of tokens that follow from a device's id, what newly added devices have. */
export const FIRST_GENERATION = 1

export function credentials({
  clock,
  newCredential,
  secrets,
  tokens,
  unitOfWork,
}: {
  clock: Clock
  newCredential: NewCredentialOf
  secrets: Secrets
  tokens: DeviceTokens
  unitOfWork: UnitOfWork
}) {
  const append = async (
    { devices, events }: Stores,
    kind: EventKind,
    actor: OperatorActor,
    deviceId: string,
    data: JsonObject,
  ) => {
    const { id, name } = (await devices.get(deviceId)).snapshot.device
    const subject = { kind: 'device', id, name } as const
    await events.append([deed(actor, kind, { at: clock.now(), subject, deviceId, data })])
  }

  /** Answers when they end; null when that is now. */
  const endIn = async (
    { credentials: stored }: Stores,
    deviceId: string,
    ids: readonly string[],
    seconds: number,
  ): Promise<Date | null> => {
    if (seconds === 0) {
      await stored.remove(deviceId, ids)
      return null
    }
    const at = new Date(clock.now().getTime() + seconds * 1000)
    await stored.end(deviceId, ids, at)
    return at
  }

  /** Adds it, with the device's others of its kind ending in that time, or staying when none is given. */
  const put = async (
    stores: Stores,
    deviceId: string,
    row: NewCredential,
    keepOthersForSeconds: number | undefined,
  ): Promise<void> => {
    const all = await stores.credentials.ofDevice(deviceId, clock.now(), { lock: true })
    const others = all.filter(({ kind }) => kind === row.kind).map(({ id }) => id)
    const isAtOnce = keepOthersForSeconds === 0
    if (!isAtOnce) refuseTooMany(row, others.length)
    if (keepOthersForSeconds !== undefined) {
      await endIn(stores, deviceId, others, keepOthersForSeconds)
    }
    await stores.credentials.insert(deviceId, [row])
  }

  return {
    /** The token a device is given that follows from its id. */
    firstTokenOf: (deviceId: string): string => tokens.of(deviceId, FIRST_GENERATION),

    /** That token, while the device is known by it; null when it has another, of which nothing is kept that could be shown. */
    shownToken: (actor: OperatorActor, deviceId: string): Promise<string | null> =>
      unitOfWork(actor, async ({ credentials: stored }) => {
        const token = tokens.of(deviceId, FIRST_GENERATION)
        const { lookupHash } = newCredential({ kind: 'token', token }).row
        return (await stored.hasToken(deviceId, lookupHash, clock.now())) ? token : null
      }),

    list: (actor: OperatorActor, deviceId: string): Promise<readonly CredentialView[]> =>
      unitOfWork(actor, ({ credentials: stored }) => stored.ofDevice(deviceId, clock.now())),

    /** Refuses with credential.taken or credential.too-many. */
    add: (
      actor: OperatorActor,
      deviceId: string,
      { credential, keepOthersForSeconds }: CredentialAddition,
    ): Promise<AddedCredential> =>
      unitOfWork(actor, async (stores) => {
        const { row, token } = newCredential(credential)
        await put(stores, deviceId, row, keepOthersForSeconds)
        const data = {
          credential: row.id,
          kind: row.kind,
          ...(keepOthersForSeconds !== undefined && { keepOthersForSeconds }),
        }
        await append(stores, 'device.credential-added', actor, deviceId, data)
        return { credential: viewOf(row), token }
      }),

    /** In place of the tokens the device has. Refuses with credential.taken. */
    replaceToken: (
      actor: OperatorActor,
      deviceId: string,
      {
        token = secrets.newToken(),
        keepOldForSeconds = 0,
      }: { token?: string; keepOldForSeconds?: number },
    ): Promise<{ token: string }> =>
      unitOfWork(actor, async (stores) => {
        const { row } = newCredential({ kind: 'token', token })
        await put(stores, deviceId, row, keepOldForSeconds)
        const data = { credential: row.id, keepOldForSeconds }
        await append(stores, 'device.token-replaced', actor, deviceId, data)
        return { token }
      }),

    /** Sessions that were opened with it end with it. Refuses with credential.unknown. */
    remove: (
      actor: OperatorActor,
      deviceId: string,
      id: string,
      { keepForSeconds = 0 }: { keepForSeconds?: number } = {},
    ): Promise<void> =>
      unitOfWork(actor, async (stores) => {
        const all = await stores.credentials.ofDevice(deviceId, clock.now(), { lock: true })
        const found = all.find((each) => each.id === id)
        if (!found) throw new DomainError('credential.unknown', `It has no credential ${id}.`)
        const endsAt = await endIn(stores, deviceId, [id], keepForSeconds)
        const data = {
          credential: id,
          kind: found.kind,
          ...(endsAt && { endsAt: endsAt.toISOString() }),
        }
        await append(stores, 'device.credential-removed', actor, deviceId, data)
      }),
  }
}

export type CredentialUseCases = ReturnType<typeof credentials>

/** Refuses with credential.too-many when the device has so many others of its kind. */
export function refuseTooMany({ kind }: NewCredential, others: number): void {
  if (others < MAX_OF_A_KIND) return
  throw new DomainError(
    'credential.too-many',
    `The device has ${others} credentials of kind ${kind} already; take one back first.`,
  )
}

const viewOf = ({ passwordHash, lookupHash: _, ...row }: NewCredential): CredentialView => ({
  ...row,
  hasPassword: passwordHash !== null,
  firstUsedAt: null,
  expiresAt: null,
})
