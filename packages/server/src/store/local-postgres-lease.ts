import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'

// Who uses the server. Every process that does keeps one session open that shares an advisory lock.
// Whoever leaves tries to have that lock alone: it can only if it is the last, and it then keeps
// newcomers out until the server is down. A process that is killed loses its session, and with it its
// share. There is nothing to clean up and no time-out to choose.

const LOCK = 0x75706472

export type Lease = {
  /** Settles when the session ends, whoever ended it. */
  readonly lost: Promise<void>
  /** Gives the share back. True if nobody else has one: the server is ours to stop, and stays closed to others. */
  leave(): Promise<boolean>
  /** Runs one statement in the session. */
  query(sql: string, values?: unknown[]): Promise<pg.QueryResult>
  close(): Promise<void>
}

/** What a server says that is starting, recovering or going down, and what its absence looks like. */
const NOT_NOW = /^(57P0[123]|53300|55P03|ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|ETIMEDOUT)$/

/** Opens a session and takes a share of the server; nothing if the server is not there for us now. */
export async function takeLease(config: pg.ClientConfig): Promise<Lease | undefined> {
  const client = new pg.Client({
    ...config,
    ssl: false,
    connectionTimeoutMillis: 5000,
    lock_timeout: 5000,
    application_name: 'updraft: in use',
  })
  // An error here is followed by the end, which is what we watch for.
  client.on('error', () => {})
  const lost = new Promise<void>((resolve) => client.once('end', () => resolve()))
  try {
    await client.connect()
    await client.query('select pg_advisory_lock_shared($1)', [LOCK])
  } catch (error) {
    await client.end().catch(() => {})
    if (isNotNow(error)) return undefined
    throw error
  }
  return {
    lost,
    leave: async () => {
      await client.query('select pg_advisory_unlock_shared($1)', [LOCK])
      // The server needs a moment to notice that a process with a share was killed.
      for (let isSecondLook = false; ; isSecondLook = true) {
        const { rows } = await client.query('select pg_try_advisory_lock($1) as alone', [LOCK])
        if (rows[0].alone || isSecondLook) return rows[0].alone
        await pause(50)
      }
    },
    query: (sql, values) => client.query(sql, values),
    close: () => client.end(),
  }
}

function isNotNow(error: unknown): boolean {
  const { code, message } = error as NodeJS.ErrnoException
  return NOT_NOW.test(code ?? '') || /terminated|timeout/i.test(message ?? '')
}
