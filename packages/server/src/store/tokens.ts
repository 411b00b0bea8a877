import { DomainError, roleOfToken } from '@updraft/core'
import { sql } from 'kysely'
import type { TokenRecord, Tokens } from '../app/ports.ts'
import { page } from './paging.ts'
import { ofCustomer, type Scope } from './scope.ts'

export function tokens(scope: Scope): Tokens {
  const { db, tenantId } = scope

  const select = () =>
    db
      .selectFrom('api_tokens')
      .innerJoin('operators', 'operators.id', 'api_tokens.operator_id')
      .where('api_tokens.tenant_id', '=', tenantId)
      .where(ofCustomer(scope, 'operators.customer_id'))
      .select([
        'api_tokens.id',
        'api_tokens.name',
        'api_tokens.created_at',
        'api_tokens.last_used_at',
        'api_tokens.revoked_at',
        'api_tokens.role',
        'operators.name as operator_name',
        'operators.role as operator_role',
      ])
  type Row = Awaited<ReturnType<ReturnType<typeof select>['execute']>>[number]

  const view = (row: Row): TokenRecord => ({
    id: row.id,
    name: row.name,
    operatorName: row.operator_name,
    role: roleOfToken(row.operator_role, row.role),
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
  })

  const ofOperator = (operatorId: string | undefined) =>
    operatorId === undefined ? select() : select().where('api_tokens.operator_id', '=', operatorId)

  return {
    insert: async (token) => {
      await db
        .insertInto('api_tokens')
        .values({
          id: token.id,
          tenant_id: tenantId,
          operator_id: sql`(select o.id from operators o
            where o.id = ${token.operatorId} and ${ofCustomer(scope, 'o.customer_id')})`,
          name: token.name,
          role: token.role,
          secret_hash: token.secretHash,
          created_at: token.createdAt,
        })
        .execute()
    },
    page: ({ operatorId, ...query }) =>
      page(db, ofOperator(operatorId), query, {
        columns: { createdAt: sql.ref('api_tokens.created_at') },
        id: sql.ref('api_tokens.id'),
        defaultSort: '-createdAt',
        view,
      }),
    revoke: async (id, at, operatorId) => {
      const row = await ofOperator(operatorId).where('api_tokens.id', '=', id).executeTakeFirst()
      if (!row) throw new DomainError('token.unknown', `There is no API token ${id}.`)
      const { revoked_at } = await db
        .updateTable('api_tokens')
        .set({ revoked_at: sql`coalesce(revoked_at, ${at})` })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .returning('revoked_at')
        .executeTakeFirstOrThrow()
      return view({ ...row, revoked_at })
    },
  }
}
