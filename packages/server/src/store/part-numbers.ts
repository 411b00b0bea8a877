/** The part numbers of system models, or of hardware types: to both it is the same. */
import type { Marks } from '@updraft/core'
import { type RawBuilder, sql } from 'kysely'
import type { Scope } from './scope.ts'

export function partNumbers(
  { db, tenantId }: Pick<Scope, 'db' | 'tenantId'>,
  kind: 'system_model' | 'hardware_type',
) {
  const owners = sql.table(`${kind}s`)
  const numbers = sql.table(`${kind}_part_numbers`)
  const owner = sql.ref(`${kind}_id`)

  /** Those of the owner with that id, in order. */
  const of = (id: RawBuilder<unknown>): RawBuilder<string[]> => sql`array(
    select n.part_number from ${numbers} n where n.tenant_id = ${tenantId} and n.${owner} = ${id}
     order by n.part_number collate "C"
  )`

  return {
    of,
    /** Exactly these are the owner's from now on. Refuses with part-number.taken. */
    set: async (id: string, to: readonly string[]): Promise<void> => {
      const all = sql`${[...to]}::text[]`
      await sql`delete from ${numbers}
        where tenant_id = ${tenantId} and ${owner} = ${id} and part_number <> all(${all})`.execute(
        db,
      )
      await sql`insert into ${numbers} (tenant_id, part_number, ${owner})
        select ${tenantId}::uuid, wanted, ${id}::uuid from unnest(${all}) wanted
         where wanted <> all(${of(sql`${id}::uuid`)})`.execute(db)
    },
    alike: async (
      {
        handle = null,
        name = null,
        partNumbers: wanted = [],
      }: { [Mark in keyof Marks]?: Marks[Mark] | null },
      exceptId: string,
    ): Promise<readonly Marks[]> => {
      const { rows } = await sql<Marks>`
        select o.handle, o.name, ${of(sql.ref('o.id'))} as "partNumbers" from ${owners} o
         where o.tenant_id = ${tenantId} and o.id <> ${exceptId}
           and (o.handle = ${handle} or o.name = ${name} or o.id in (
             select n.${owner} from ${numbers} n
              where n.tenant_id = ${tenantId} and n.part_number = any(${[...(wanted ?? [])]}::text[])))
         order by o.name`.execute(db)
      return rows
    },
  }
}
