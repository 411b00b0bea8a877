/**
 * What a device is asked for its updates, where it is asked rather than answered: the same words however often it is
 * asked, kept before they leave, and taken back when what they ask for was cancelled.
 */
import type { Operation, Snapshot } from '@updraft/core'
import type { Clock, OperationRequest, RequestsAtWork, Secrets } from './ports.ts'

/**
 * A device takes the same request with another address for another request, so the address is never a new one; and an
 * update waits for a device that is away for as long as it may be away. It is worth no more than the bytes.
 */
const ADDRESS_DAYS = 3650
const DAY_MS = 86_400_000

export interface OperationRequests {
  /** A part of an address that stands for those bytes, fetched for that operation, as long as anybody may ask for it. */
  lastingTicketFor(device: Snapshot, operation: Operation, sha256: string): string
  /**
   * The device is about to be asked for that operation. Answers what it is asked, with the address it was given at first;
   * null when the operation is there no more.
   */
  asking(device: Snapshot, request: OperationRequest): Promise<OperationRequest | null>
  /** Whether it was asked for it more than once. */
  wasAskedAgain(device: Snapshot, operationId: string): Promise<boolean>
  /** What it was asked for, and is to stop: cancelled since, without its last word. The oldest first. */
  cancelsOwed(device: Snapshot): Promise<readonly OperationRequest[]>
  /** It said its last word of an operation that was cancelled. */
  cancelAnswered(device: Snapshot, operationId: string): Promise<void>
}

export function operationRequests({
  clock,
  requests,
  secrets,
}: {
  clock: Clock
  requests: RequestsAtWork
  secrets: Pick<Secrets, 'signTicket'>
}): OperationRequests {
  return {
    lastingTicketFor: ({ tenantId, device }, operation, sha256) =>
      secrets.signTicket({
        sha256,
        expiresAt: new Date(clock.now().getTime() + ADDRESS_DAYS * DAY_MS),
        whose: { tenantId, deviceId: device.id, operationId: operation.id },
      }),
    asking: ({ device }, request) =>
      requests.sending({ ...request, deviceId: device.id }, clock.now()),
    wasAskedAgain: async ({ device }, operationId) =>
      (await requests.timesSent(device.id, operationId)) > 1,
    cancelsOwed: ({ device }) => requests.cancelsOwed(device.id),
    cancelAnswered: ({ device }, operationId) =>
      requests.answered(device.id, operationId, clock.now()),
  }
}
