import { DomainError } from '@updraft/core'
import { sql } from 'kysely'
import type { Assignments, AssignmentView, Spread } from '../app/ports.ts'
import { handlingColumn, handlingOf } from './operations.ts'
import { page } from './paging.ts'
import { ofCustomer, ofCustomersDevice, ofCustomersProfile, type Scope } from './scope.ts'

export function assignments(scope: Scope): Assignments {
  const { db, tenantId, customerId } = scope

  const unknown = (to: Spread) =>
    'deviceId' in to
      ? new DomainError('device.unknown', `There is no device ${to.deviceId}.`)
      : new DomainError('profile.unknown', `There is no profile ${to.profileId}.`)

  /** A customer assigns to its own devices only. That a device is the tenant's, the references see to. */
  const refuseOthers = async (to: Spread) => {
    if (customerId === null) return
    const { device_id } = columnsOf(to)
    const own = await db
      .selectFrom('devices')
      .select('id')
      .where('customer_id', '=', customerId)
      .where('id', '=', device_id)
      .executeTakeFirst()
    if (!own) throw unknown(to)
  }

  return {
    put: async (to, assignment) => {
      await refuseOthers(to)
      const columns = columnsOf(to)
      const { numInsertedOrUpdatedRows } = await db
        .insertInto('assignments')
        .values({
          id: assignment.id,
          tenant_id: tenantId,
          ...columns,
          type: assignment.type,
          release_id: assignment.releaseId,
          assigned_at: assignment.assignedAt,
          assigned_by: assignment.assignedBy,
          handling: handlingColumn(assignment.handling),
        })
        .onConflict((conflict) =>
          conflict
            .columns([columns.device_id ? 'device_id' : 'profile_id', 'type'])
            .doUpdateSet({
              release_id: assignment.releaseId,
              assigned_at: assignment.assignedAt,
              assigned_by: assignment.assignedBy,
              handling: handlingColumn(assignment.handling),
            })
            .where('assignments.tenant_id', '=', tenantId),
        )
        .executeTakeFirstOrThrow()
      if (numInsertedOrUpdatedRows === 1n) return
      throw unknown(to)
    },
    withdraw: async (from, type) => {
      const { device_id, profile_id } = columnsOf(from)
      const { numDeletedRows } = await db
        .deleteFrom('assignments')
        .where('tenant_id', '=', tenantId)
        .where(ofCustomersDevice(scope, 'device_id'))
        .where('device_id', device_id ? '=' : 'is', device_id)
        .where('profile_id', profile_id ? '=' : 'is', profile_id)
        .where('type', '=', type)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
    countAffected: async (profileId, type) => {
      const { count } = await db
        .selectFrom('devices')
        .select(sql<string>`count(*)`.as('count'))
        .where('devices.tenant_id', '=', tenantId)
        .where('devices.profile_id', '=', profileId)
        .where(ofCustomer(scope, 'devices.customer_id'))
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('assignments')
                .select('assignments.id')
                .whereRef('assignments.device_id', '=', 'devices.id')
                .where('assignments.type', '=', type),
            ),
          ),
        )
        .executeTakeFirstOrThrow()
      return Number(count)
    },
    page: (query) => {
      let rows = db
        .selectFrom('assignments')
        .innerJoin('releases', 'releases.id', 'assignments.release_id')
        .where('assignments.tenant_id', '=', tenantId)
        .where((where) =>
          where.or([
            ofCustomersDevice(scope, 'assignments.device_id'),
            ofCustomersProfile(scope, 'assignments.profile_id'),
          ]),
        )
        .selectAll('assignments')
        .select(['releases.title', 'releases.version'])
      if (query.releaseId) rows = rows.where('assignments.release_id', '=', query.releaseId)
      return page(db, rows, query, {
        columns: { assignedAt: sql.ref('assignments.assigned_at') },
        id: sql.ref('assignments.id'),
        defaultSort: '-assignedAt',
        view: (row): AssignmentView => ({
          deviceId: row.device_id,
          profileId: row.profile_id,
          type: row.type,
          release: { id: row.release_id, title: row.title, version: row.version },
          handling: handlingOf(row.handling),
          assignedAt: row.assigned_at,
          assignedBy: row.assigned_by,
        }),
      })
    },
  }
}

/** The two columns that say whose something is: one of them is null. */
export const columnsOf = (of: Spread): { device_id: string | null; profile_id: string | null } => ({
  device_id: 'deviceId' in of ? of.deviceId : null,
  profile_id: 'profileId' in of ? of.profileId : null,
})
