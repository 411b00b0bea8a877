import {
  DomainError,
  type Handling,
  type Operation,
  type ReasonCode,
  STANDARD_HANDLING,
  type Step,
  sameHandling,
} from '@updraft/core'
import type { Selectable } from 'kysely'
import { sql } from 'kysely'
import { type Operations, type OperationView, REMOVED_RELEASE } from '../app/ports.ts'
import { page } from './paging.ts'
import { ofCustomersDevice, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

export function operations(scope: Scope): Operations {
  const { db, tenantId } = scope

  const select = () =>
    db
      .selectFrom('operations')
      .leftJoin('releases', 'releases.id', 'operations.release_id')
      .selectAll('operations')
      .select('releases.tag as release_tag')
      .where('operations.tenant_id', '=', tenantId)
      .where(ofCustomersDevice(scope, 'operations.device_id'))

  type Found = Omit<OperationView, 'steps'>
  const withSteps = async (found: readonly Found[]): Promise<OperationView[]> => {
    const ids = found.map(({ operation }) => operation.id)
    const rows = await db
      .selectFrom('operation_steps')
      .selectAll()
      .where('operation_id', '=', sql<string>`any(${ids}::uuid[])`)
      .orderBy('id')
      .execute()
    return found.map((each) => ({
      ...each,
      steps: rows.filter((row) => row.operation_id === each.operation.id).map(stepOf),
    }))
  }
  const foundIn = (
    row: Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number],
  ): Found => ({
    operation: operationOf(row),
    releaseTag: row.release_tag,
  })

  return {
    get: async (id) => {
      const row = await select().where('operations.id', '=', id).executeTakeFirst()
      const [view] = row ? await withSteps([foundIn(row)]) : []
      if (view) return view
      throw new DomainError('operation.unknown', `There is no operation ${id}.`)
    },
    pageOfDevice: async (deviceId, query) => {
      const found = await page(db, select().where('operations.device_id', '=', deviceId), query, {
        columns: { openedAt: sql.ref('operations.opened_at') },
        id: sql.ref('operations.id'),
        defaultSort: '-openedAt',
        view: foundIn,
      })
      return { items: await withSteps(found.items), nextCursor: found.nextCursor }
    },
  }
}

/** What stands in most rows is not written. */
export const handlingOf = (handling: Partial<Handling> | null): Handling =>
  handling === null ? STANDARD_HANDLING : { ...STANDARD_HANDLING, ...handling }

export const handlingColumn = (handling: Handling = STANDARD_HANDLING): string | null =>
  sameHandling(handling, STANDARD_HANDLING) ? null : JSON.stringify(handling)

export const operationOf = (
  row: Omit<Selectable<Tables['operations']>, 'tenant_id'>,
): Operation => ({
  id: row.id,
  deviceId: row.device_id,
  releaseId: row.release_id ?? REMOVED_RELEASE,
  type: row.type,
  title: row.title,
  version: row.version,
  state: row.state,
  progressPercent: row.progress_percent,
  error: row.error,
  code: row.error_code,
  campaignId: row.campaign_id,
  handling: handlingOf(row.handling),
  origin: { code: row.origin_code as ReasonCode, message: row.origin_message },
  because: { code: row.because_code as ReasonCode, message: row.because_message },
  restarts: row.restarts,
  openedAt: row.opened_at,
  changedAt: row.changed_at,
  heardAt: row.heard_at ?? row.changed_at,
  endedAt: row.ended_at,
})

const stepOf = (row: Omit<Tables['operation_steps'], 'id'>): Step => ({
  operationId: row.operation_id,
  at: row.at,
  state: row.state,
  outcome: row.outcome,
  progressPercent: row.progress_percent,
  error: row.error,
  because: { code: row.because_code as ReasonCode, message: row.because_message },
})
