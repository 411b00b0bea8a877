import { sql } from 'kysely'
import type { ArtifactCopies } from '../app/ports.ts'
import type { Database } from './database.ts'
import { refuse } from './refusals.ts'

export function artifactCopies({ db }: Database): ArtifactCopies {
  return {
    want: async (sha256s, { store, movedFrom = null }, now) => {
      await sql`
        insert into artifact_copies as c (sha256, store, moved_from, asked_at, next_try_at)
        select wanted, ${store}, ${movedFrom}, ${now}, ${now} from unnest(${[...sha256s]}::text[]) wanted
            on conflict (sha256, store) do update
           set moved_from = coalesce(excluded.moved_from, c.moved_from), copied_at = null,
               next_try_at = excluded.next_try_at, tries = 0, error = null
         where c.copied_at is not null or excluded.moved_from is not null`
        .execute(db)
        .catch(refuse)
    },
    take: async (now, until) => {
      const { rows } = await sql<{
        sha256: string
        store: string
        moved_from: string | null
        tries: number
      }>`
        update artifact_copies c set next_try_at = ${until}, tries = tries + 1
          from (select sha256, store from artifact_copies
                 where copied_at is null and next_try_at <= ${now}
                 order by next_try_at limit 1 for update skip locked) due
         where c.sha256 = due.sha256 and c.store = due.store
        returning c.sha256, c.store, c.moved_from, c.tries`
        .execute(db)
        .catch(refuse)
      const [row] = rows
      return (
        (row && {
          sha256: row.sha256,
          store: row.store,
          movedFrom: row.moved_from,
          tries: row.tries,
        }) ??
        null
      )
    },
    done: ({ sha256, store, movedFrom }, now, leavesAt) =>
      db
        .transaction()
        .execute(async (transaction) => {
          await transaction
            .updateTable('artifact_copies')
            .set({ copied_at: now, error: null, moved_from: null })
            .where(({ and }) => and({ sha256, store }))
            .execute()
          if (movedFrom === null) return
          await transaction
            .insertInto('artifact_departures')
            .values({ sha256, store: movedFrom, moved_to: store, leaves_at: leavesAt })
            .onConflict((conflict) =>
              conflict
                .columns(['sha256', 'store'])
                .doUpdateSet({ moved_to: store, leaves_at: leavesAt }),
            )
            .execute()
        })
        .catch(refuse),
    failed: async ({ sha256, store }, error, nextTryAt) => {
      await db
        .updateTable('artifact_copies')
        .set({ error: error.slice(0, 1000), next_try_at: nextTryAt })
        .where(({ and }) => and({ sha256, store }))
        .execute()
        .catch(refuse)
    },
    drop: async ({ sha256, store }) => {
      await db
        .deleteFrom('artifact_copies')
        .where(({ and }) => and({ sha256, store }))
        .execute()
        .catch(refuse)
    },
    departures: async (now) => {
      const rows = await db
        .selectFrom('artifact_departures')
        .select(['sha256', 'store', 'moved_to'])
        .where('leaves_at', '<=', now)
        .orderBy('leaves_at')
        .limit(500)
        .execute()
        .catch(refuse)
      return rows.map(({ sha256, store, moved_to }) => ({ sha256, store, movedTo: moved_to }))
    },
    endDeparture: async ({ sha256, store }) => {
      await db
        .deleteFrom('artifact_departures')
        .where(({ and }) => and({ sha256, store }))
        .execute()
        .catch(refuse)
    },
    progress: async () => {
      const { rows } = await sql<{
        store: string
        to_come: string
        to_leave: string
        error: string | null
      }>`
        select store, sum(to_come) as to_come, sum(to_leave) as to_leave, max(error) as error from (
          select store, count(*) as to_come, 0 as to_leave,
                 (array_agg(error order by next_try_at desc) filter (where error is not null))[1] as error
            from artifact_copies where copied_at is null group by store
          union all
          select store, 0, count(*), null from artifact_departures group by store
        ) each group by store`
        .execute(db)
        .catch(refuse)
      return new Map(
        rows.map(({ store, to_come, to_leave, error }) => [
          store,
          { toCome: Number(to_come), toLeave: Number(to_leave), error },
        ]),
      )
    },
  }
}
