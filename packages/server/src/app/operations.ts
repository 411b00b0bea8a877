/** An operator's hand on one operation: look, cancel, try again. */
import {
  cancelByOperator,
  DomainError,
  forceByOperator,
  isByHand,
  nameOf,
  type Operation,
  type OperatorActor,
  retryByOperator,
} from '@updraft/core'
import { actorOf } from './deed.ts'
import type { Moments } from './moments.ts'
import {
  type DeviceWork,
  type OperationView,
  type Page,
  type PageQuery,
  REMOVED_RELEASE,
  type UnitOfWork,
} from './ports.ts'

/** How many are read at a time where all are gone through. */
const PAGE_SIZE = 100

export function operations({
  moments,
  unitOfWork,
  work,
}: {
  moments: Moments
  unitOfWork: UnitOfWork
  work: DeviceWork
}) {
  const show = (actor: OperatorActor, id: string): Promise<OperationView> =>
    unitOfWork(actor, ({ operations }) => operations.get(id))
  const targetOf = (actor: OperatorActor, operation: Operation) => ({
    tenantId: actor.tenantId,
    deviceId: operation.deviceId,
    operationId: operation.id,
  })

  return {
    show,

    ofDevice: (
      actor: OperatorActor,
      deviceId: string,
      query: PageQuery,
    ): Promise<Page<OperationView>> =>
      unitOfWork(actor, async ({ devices, operations }) => {
        await devices.get(deviceId)
        return operations.pageOfDevice(deviceId, query)
      }),

    /** All of a device's, a page held at a time. Refuses with device.unknown. */
    each: async function* (
      actor: OperatorActor,
      deviceId: string,
      sort: 'openedAt' | '-openedAt',
    ): AsyncGenerator<OperationView> {
      let cursor: string | null = null
      do {
        const query: PageQuery = { limit: PAGE_SIZE, sort, cursor: cursor ?? undefined }
        const page: Page<OperationView> = await unitOfWork(actor, async (stores) => {
          await stores.devices.get(deviceId)
          return stores.operations.pageOfDevice(deviceId, query)
        })
        yield* page.items
        cursor = page.nextCursor
      } while (cursor !== null)
    },

    /** Refuses with operation.already-ended. */
    cancel: async (actor: OperatorActor, operationId: string): Promise<Operation> => {
      const { operation } = await show(actor, operationId)
      const moment = await moments(actor.tenantId)
      await work.settle(targetOf(actor, operation), (snapshot) => ({
        changes: cancelByOperator(snapshot, {
          ...moment(),
          operationId,
          actor: actorOf(actor),
        }),
      }))
      return (await show(actor, operationId)).operation
    },

    /** What was left to the device is a must from now on. Refuses with operation.already-ended. */
    force: async (actor: OperatorActor, operationId: string): Promise<Operation> => {
      const { operation } = await show(actor, operationId)
      const moment = await moments(actor.tenantId)
      const forced = await work.settle(targetOf(actor, operation), (snapshot) =>
        forceByOperator(snapshot, { ...moment(), operationId, actor: actorOf(actor) }),
      )
      return forced.operation
    },

    /** Opens another operation for the same release. Refuses with operation.cannot-retry. */
    retry: async (actor: OperatorActor, operationId: string): Promise<Operation> => {
      const { operation } = await show(actor, operationId)
      if (operation.state !== 'FAILED' && operation.state !== 'CANCELED') {
        throw new DomainError(
          'operation.cannot-retry',
          `The update to ${nameOf(operation)} is ${operation.state}; only what failed or was cancelled can be tried again.`,
        )
      }
      if (isByHand(operation)) {
        const message = `${nameOf(operation)} was brought by hand, once; bring it anew.`
        throw new DomainError('operation.cannot-retry', message)
      }
      if (operation.releaseId === REMOVED_RELEASE) {
        const message = `${nameOf(operation)} was removed; it cannot be tried again.`
        throw new DomainError('operation.cannot-retry', message)
      }
      const release = await unitOfWork(actor, ({ catalogue }) => catalogue.get(operation.releaseId))
      const moment = await moments(actor.tenantId)
      const retried = await work.settle(targetOf(actor, operation), (snapshot) =>
        retryByOperator(snapshot, { ...moment(), release, actor: actorOf(actor) }),
      )
      return retried.operation
    },
  }
}

export type OperationsUseCases = ReturnType<typeof operations>
