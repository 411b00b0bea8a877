/** The connection pool and the migrations. */
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { refuse } from './refusals.ts'
import type { Tables } from './tables.ts'

const MIGRATIONS = new URL('./migrations/', import.meta.url)
/** Any number that is ours alone within the database; servers that start at once wait for each other on it. */
const MIGRATION_LOCK = 7_304_201
/** Two for each of the four things that all devices do, and one for each of the five that paired ones do besides. */
const MAX_HOT_CONNECTIONS = 13

export type Db = Kysely<Tables>
export interface Database {
  readonly pool: pg.Pool
  /**
   * For what is asked of devices by their ids, hundreds at a time. A plan that was made while a table was small is kept
   * until the statistics are made anew; a look through the whole table, cheap then, would cost minutes once a release
   * for all is queued. So here plans go by an index, always.
   */
  readonly hotPool: pg.Pool
  readonly db: Db
  close(): Promise<void>
}

export interface DatabaseOptions {
  readonly connectionString: string
  readonly maxConnections?: number
  /** Called with errors of idle connections; the pool replaces them by itself. */
  readonly onError: (error: Error) => void
}

/** Opens the pool; nothing is connected until it is used. */
export function openDatabase({
  connectionString,
  maxConnections = 12,
  onError,
}: DatabaseOptions): Database {
  const open = (options: Pick<pg.PoolConfig, 'max' | 'options' | 'idleTimeoutMillis'>) => {
    const pool = new pg.Pool({
      ...options,
      connectionString,
      connectionTimeoutMillis: 5000,
      statement_timeout: 60_000,
      application_name: 'updraft',
    })
    pool.on('error', (error) => {
      // pg hangs the whole client on it, with all it ever asked: nothing for a log.
      onError(Object.assign(error, { client: undefined }))
    })
    // A connection may be lost in the middle of a transaction, when the pool does not listen.
    pool.on('connect', (client) => client.on('error', () => {}))
    return pool
  }
  const pool = open({ max: maxConnections })
  const hotPool = open({
    max: MAX_HOT_CONNECTIONS,
    options: '-c enable_seqscan=off',
    // They stay: when all devices come at once there is no time to open some.
    idleTimeoutMillis: 0,
  })
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
  const close = async () => {
    await Promise.all([db.destroy(), hotPool.end()])
  }
  return { pool, hotPool, db, close }
}

/**
 * Brings the database to this version's shape. Forward only; safe when several servers start at once. Throws
 * when the database is of a newer Updraft, or a migration that ran is no longer what it was.
 */
export async function migrate(
  { pool }: Database,
  folder: URL = MIGRATIONS,
): Promise<{ applied: string[] }> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort()
  const client = await pool.connect().catch(refuse)
  try {
    // Neither a long migration nor the wait for another server's is a statement that hangs.
    await client.query('set statement_timeout = 0')
    await client.query('select pg_advisory_lock($1)', [MIGRATION_LOCK])
    await client.query(
      `create table if not exists migrations
         (name text primary key, checksum text not null, applied_at timestamptz not null default now())`,
    )
    const { rows } = await client.query<{ name: string; checksum: string }>(
      'select name, checksum from migrations',
    )
    const done = new Map(rows.map((row) => [row.name, row.checksum]))
    for (const name of done.keys()) {
      if (!files.includes(name)) {
        throw new Error(
          `The database has been migrated by a newer Updraft (${name} is not known here). Start that version, or restore a backup.`,
        )
      }
    }
    const applied: string[] = []
    for (const name of files) {
      const text = await readFile(new URL(name, folder), 'utf8')
      const checksum = createHash('sha256').update(text).digest('hex')
      if (done.has(name)) {
        if (done.get(name) !== checksum)
          throw new Error(`Migration ${name} was changed after it ran.`)
        continue
      }
      await client.query('begin')
      try {
        await client.query(text)
        await client.query('insert into migrations (name, checksum) values ($1, $2)', [
          name,
          checksum,
        ])
        await client.query('commit')
      } catch (error) {
        await client.query('rollback').catch(() => {})
        throw new Error(`Migration ${name} failed.`, { cause: error })
      }
      applied.push(name)
    }
    return { applied }
  } finally {
    // The connection goes, and with it the lock and the setting.
    client.release(true)
  }
}
