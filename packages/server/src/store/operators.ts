import { DomainError } from '@updraft/core'
import { type Kysely, sql } from 'kysely'
import type { OperatorRecord, Operators } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { ofCustomer, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

/** Operators with the customers whose users they are. */
export const selectOperators = (from: Kysely<Tables>) =>
  from
    .selectFrom('operators')
    .leftJoin('customers', 'customers.id', 'operators.customer_id')
    .selectAll('operators')
    .select('customers.name as customer_name')
type OperatorRow = Awaited<ReturnType<ReturnType<typeof selectOperators>['execute']>>[number]

export const operatorOf = (row: OperatorRow): OperatorRecord => ({
  id: row.id,
  tenantId: row.tenant_id,
  name: row.name,
  role: row.role,
  customer:
    row.customer_id && row.customer_name ? { id: row.customer_id, name: row.customer_name } : null,
  createdAt: row.created_at,
})

export function operators(scope: Scope): Operators {
  const { db, tenantId } = scope
  const select = () =>
    selectOperators(db)
      .where('operators.tenant_id', '=', tenantId)
      .where(ofCustomer(scope, 'operators.customer_id'))

  const get = async (id: string): Promise<OperatorRecord> => {
    const row = await select().where('operators.id', '=', id).executeTakeFirst()
    if (row) return operatorOf(row)
    throw new DomainError('operator.unknown', `There is no operator ${id}.`)
  }

  /** Changes that one, or refuses with operator.unknown. */
  const change = async (
    id: string,
    to: Partial<Pick<Row, 'role' | 'customer_id' | 'password_hash'>>,
  ) => {
    await get(id)
    await db
      .updateTable('operators')
      .set(to)
      .where('tenant_id', '=', tenantId)
      .where('id', '=', id)
      .execute()
  }
  type Row = Tables['operators']

  const dropSessions = (id: string) =>
    db.deleteFrom('sessions').where('tenant_id', '=', tenantId).where('operator_id', '=', id)

  return {
    insert: async (operator) => {
      await db
        .insertInto('operators')
        .values({
          id: operator.id,
          tenant_id: tenantId,
          name: operator.name,
          role: operator.role,
          customer_id: operator.customerId,
          password_hash: operator.passwordHash,
          created_at: operator.createdAt,
        })
        .execute()
    },
    get,
    page: (query) => {
      let rows = select()
      if (query.name !== undefined) rows = rows.where('operators.name', '=', query.name)
      if (query.role !== undefined) rows = rows.where('operators.role', '=', query.role)
      if (query.customer !== undefined) rows = rows.where('customers.name', '=', query.customer)
      if (query.search) rows = rows.where('operators.name', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: { name: sql.ref('operators.name'), createdAt: sql.ref('operators.created_at') },
        id: sql.ref('operators.id'),
        defaultSort: 'name',
        view: operatorOf,
      })
    },
    setRole: (id, { role, customerId }) => change(id, { role, customer_id: customerId }),
    setPassword: (id, passwordHash) => change(id, { password_hash: passwordHash }),
    remove: async (id) => {
      await get(id)
      await db
        .deleteFrom('operators')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
    },
    endSession: async (id, secretHash) => {
      await get(id)
      await dropSessions(id).where('secret_hash', '=', secretHash).execute()
    },
    endSessions: async (id, but) => {
      await get(id)
      await dropSessions(id)
        .$if(but !== undefined, (rows) => rows.where('secret_hash', '<>', but ?? Buffer.of()))
        .execute()
    },
    revokeTokens: async (id, at) => {
      await get(id)
      await db
        .updateTable('api_tokens')
        .set({ revoked_at: at })
        .where('tenant_id', '=', tenantId)
        .where('operator_id', '=', id)
        .where('revoked_at', 'is', null)
        .execute()
    },
    lock: async () => {
      await db
        .selectFrom('tenants')
        .select('id')
        .where('id', '=', tenantId)
        .forNoKeyUpdate()
        .execute()
    },
    count: async (roles) => {
      const { count } = await db
        .selectFrom('operators')
        .select(sql<string>`count(*)`.as('count'))
        .where('tenant_id', '=', tenantId)
        .where('role', 'in', roles)
        .executeTakeFirstOrThrow()
      return Number(count)
    },
  }
}
