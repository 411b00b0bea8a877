/**
 * Addresses of files that also say whose update they are for: a device that says nothing of what it does is seen
 * fetching.
 */
import { DomainError, fetching, type Operation, type Snapshot, signOfLife } from '@updraft/core'
import type { Moments } from './moments.ts'
import type { ArtifactHandle, ArtifactStore, Clock, DeviceWork, Secrets, Ticket } from './ports.ts'

/** What a device fetches, and for which of its updates. */
export interface Fetch {
  readonly handle: ArtifactHandle
  /** Notes that the device is at it, or has all of it. Never refuses: the bytes do not depend on it. */
  readonly seen: (how: { isWhole: boolean }) => Promise<void>
  /** The same for a device that says itself how far it is: no more than a sign of life. */
  readonly heard: () => Promise<void>
}

export interface ImageFetching {
  /** A part of an address that stands for those bytes, fetched for that operation, without further authorisation. */
  fetchTicketFor(device: Snapshot, operation: Operation, sha256: string): string
  /** The bytes such a ticket stands for. Refuses with artifact.bad-ticket or artifact.unknown. */
  redeemFetch(ticket: string): Promise<Fetch>
  /** The same note for bytes that the device is given without an address; null for no more than a sign of life. */
  noteFetching(
    device: Snapshot,
    operation: Pick<Operation, 'id'>,
    how: { readonly isWhole: boolean } | null,
  ): Promise<void>
}

export function imageFetching({
  artifacts,
  clock,
  expiry,
  moments,
  onError,
  secrets,
  work,
}: {
  artifacts: Pick<ArtifactStore, 'open'>
  clock: Clock
  /** Until when an address that is given out now is good. */
  expiry: () => Date
  moments: Moments
  onError: (error: unknown) => void
  secrets: Secrets
  work: Pick<DeviceWork, 'settle'>
}): ImageFetching {
  const note = async (
    { tenantId, deviceId, operationId }: Whose,
    how: { isWhole: boolean } | null,
  ): Promise<void> => {
    const moment = await moments(tenantId)
    await work
      .settle({ tenantId, deviceId, operationId }, (device) =>
        how
          ? fetching(device, { ...moment(), operationId, ...how })
          : signOfLife(device, { ...moment(), operationId }),
      )
      .catch((error) => {
        // The device or its update is gone by now: nobody is to be told.
        if (!(error instanceof DomainError)) onError(error)
      })
  }

  return {
    fetchTicketFor: ({ tenantId, device }, operation, sha256) =>
      secrets.signTicket({
        sha256,
        expiresAt: expiry(),
        whose: { tenantId, deviceId: device.id, operationId: operation.id },
      }),
    noteFetching: ({ tenantId, device }, operation, how) =>
      note({ tenantId, deviceId: device.id, operationId: operation.id }, how),
    redeemFetch: async (text) => {
      const { sha256, whose } = secrets.readTicket(text, clock.now())
      if (!whose) throw new DomainError('artifact.bad-ticket', 'The address is of another kind.')
      const handle = await artifacts.open(sha256)
      return { handle, seen: (how) => note(whose, how), heard: () => note(whose, null) }
    },
  }
}

type Whose = NonNullable<Ticket['whose']>
