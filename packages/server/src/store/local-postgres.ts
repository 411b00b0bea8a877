import { mkdir, realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Cluster, openCluster } from './local-postgres-cluster.ts'
import { type Lease, takeLease } from './local-postgres-lease.ts'
import {
  boundLog,
  DATABASE,
  endServer,
  findRunning,
  healLocks,
  isServer,
  lastLines,
  ROLE,
  type Running,
  readText,
  type Spawned,
  spawnServer,
} from './local-postgres-process.ts'
import type { Log } from './local-postgres-user.ts'

// The database of an Updraft that was given none: a real PostgreSQL of its own under the data folder.
// A process that is killed leaves it running; the next one adopts it. Several processes may use
// it at once, and the last to stop ends it. Nothing here is a lock of ours: a rename decides who made the
// cluster, PostgreSQL's lock file who started the server, and sessions who still uses it.

export type { Log } from './local-postgres-user.ts'

export type LocalPostgres = {
  /** For `pg` and libpq alike. Holds the password: not for logs. */
  readonly connectionString: string
  /** The server's own process. */
  readonly pid: number
  /** True if the server was running already when we came. */
  readonly adopted: boolean
  /** Settles if the server goes away without our asking. To go on, call startLocalPostgres again. */
  readonly died: Promise<{ readonly lastLines: string }>
  /**
   * Lets go of the server and, if no other process uses it, ends it; settles when its process is gone.
   * Close your own connections first: those still open are cut.
   */
  stop(): Promise<void>
}

export type LocalPostgresOptions = {
  readonly dataFolder: string
  readonly log: Log
  /** Breaks a start off, leaving no process behind. Once started, use stop(). */
  readonly signal?: AbortSignal
  /** Where the database goes if we are root and its user cannot enter the data folder. */
  readonly shelter?: string
}

const WAIT_LIMIT_SECONDS = 600
const MOST_ATTEMPTS = 100
const WORD_EVERY_SECONDS = 10
const LOG_CHECK_SECONDS = 60

/**
 * Starts this data folder's PostgreSQL, or adopts it if it runs, making it first if there is none. Settles when it
 * answers. Throws an Error with a sentence for the operator if the folder holds another major
 * version, belongs to somebody else or is damaged, and with the end of the server's log if it will not start.
 */
export async function startLocalPostgres(options: LocalPostgresOptions): Promise<LocalPostgres> {
  const began = performance.now()
  const signal = options.signal ?? new AbortController().signal
  const { log } = options
  await mkdir(options.dataFolder, { recursive: true })
  const cluster = await openCluster({
    dataFolder: await realpath(resolve(options.dataFolder)),
    shelter: options.shelter ?? '/var/lib/updraft-postgres',
    log,
    signal,
  })
  const use = await reach(cluster, log, signal)
  const milliseconds = Math.round(performance.now() - began)
  log.info(
    { pid: use.server.pid, folder: cluster.folder, milliseconds },
    use.adopted ? 'database adopted: it was running already' : 'database started',
  )
  return keep(cluster, use, log)
}

type Use = { readonly server: Running; readonly lease: Lease; readonly adopted: boolean }

/** What a server says in its log that lost a race for the folder, or for its port: worth another try. */
const LOST_RACE = /lock file .*(already exists|is empty)|still in use|could not bind/

/** Waits for a server that runs, starts one where none does, and takes a share of it. */
async function reach(cluster: Cluster, log: Log, signal: AbortSignal): Promise<Use> {
  const deadline = performance.now() + WAIT_LIMIT_SECONDS * 1000
  let nextWord = performance.now() + WORD_EVERY_SECONDS * 1000
  let spawned: Spawned | undefined
  let attempts = 0
  try {
    for (; ; await pause(10, undefined, { signal })) {
      const server = await findRunning(cluster)
      if (server) {
        const lease = server.isReady && (await takeLease(sessionAt(cluster, server)))
        if (lease) {
          await addDatabase(lease, cluster, server)
          return { server, lease, adopted: server.pid !== spawned?.pid }
        }
      } else if (!spawned || spawned.ended()) {
        if (spawned) await retryOrThrow(cluster, spawned, ++attempts)
        await healLocks(cluster)
        spawned = await spawnServer(cluster)
      }
      if (performance.now() > deadline) throw new Error(await neverAnswered(cluster))
      if (performance.now() < nextWord) continue
      nextWord += WORD_EVERY_SECONDS * 1000
      log.info({ pid: server?.pid }, 'database not ready: starting, recovering or shutting down')
    }
  } catch (error) {
    if (spawned?.pid && !spawned.ended()) await endServer(spawned.pid, cluster)
    if ((error as NodeJS.ErrnoException).code !== '28P01') throw error
    throw new Error(
      `The database refuses the password in ${join(cluster.folder, 'password')}: bring back the ` +
        'file that belongs to it.',
      { cause: error },
    )
  }
}

/** Makes the database in a new cluster, or in one whose first start was broken off. */
async function addDatabase(lease: Lease, cluster: Cluster, server: Running): Promise<void> {
  try {
    const { rowCount } = await lease.query('select from pg_database where datname = $1', [DATABASE])
    if (!rowCount) await lease.query(`create database ${DATABASE}`)
  } catch (error) {
    // duplicate_database, unique_violation: another process makes it as well.
    if (/^(42P04|23505)$/.test((error as NodeJS.ErrnoException).code ?? '')) return
    await letGo(lease, cluster, server.pid)
    throw error
  }
}

async function retryOrThrow(cluster: Cluster, spawned: Spawned, attempts: number): Promise<void> {
  const [end, lines] = [spawned.ended(), await spawned.lines()]
  // Ended well: another process took it over, and stopped it before we had a share.
  const isWorthIt = end?.code === 0 || LOST_RACE.test(lines)
  if (!isWorthIt || attempts > MOST_ATTEMPTS)
    throw new Error(
      `PostgreSQL did not start: ${end?.reason}. Its log, ${cluster.logPath}, ends:\n${lines}`,
    )
  await pause(100)
}

const neverAnswered = async (cluster: Cluster): Promise<string> =>
  `PostgreSQL did not answer within ${WAIT_LIMIT_SECONDS} seconds. Its log, ${cluster.logPath}, ends:\n` +
  lastLines(await readText(cluster.logPath))

/** Watches over a server in use until it is stopped or dies. */
function keep(cluster: Cluster, use: Use, log: Log): LocalPostgres {
  const { pid } = use.server
  let lease: Lease | undefined = use.lease
  let isStopping = false
  let stopped: Promise<void> | undefined
  const { promise: died, resolve: tellDeath } = Promise.withResolvers<{ lastLines: string }>()
  const warn = (err: unknown): undefined => {
    log.warn({ err }, 'trouble with the local database')
  }
  const logCheck = setInterval(
    () => boundLog(cluster.logPath).catch(warn),
    LOG_CHECK_SECONDS * 1000,
  )
  logCheck.unref()

  /** A crash of one of its processes makes the server cut all sessions and go on: take a new one. */
  async function renewLease(): Promise<void> {
    const server = await findRunning(cluster)
    if (server?.pid === pid) lease = await takeLease(sessionAt(cluster, server)).catch(warn)
    if (!lease) await pause(50)
  }

  async function watch(): Promise<void> {
    while (!isStopping) {
      await lease?.lost
      if (isStopping) return
      lease = undefined
      if (!(await isServer(pid, cluster))) break
      await renewLease()
    }
    if (isStopping) return
    clearInterval(logCheck)
    tellDeath({ lastLines: lastLines(await readText(cluster.logPath)) })
  }

  async function stop(): Promise<void> {
    isStopping = true
    clearInterval(logCheck)
    if (!lease) await watching
    while (await isServer(pid, cluster)) {
      if (lease && (await letGo(lease, cluster, pid))) return
      lease = undefined
      await renewLease()
    }
  }

  const watching = watch().catch(warn)
  return {
    connectionString: connectionStringOf(cluster, use.server),
    pid,
    adopted: use.adopted,
    died,
    stop: () => {
      stopped ??= stop()
      return stopped
    },
  }
}

/** Gives a share back and, if it was the last, ends the server. False if the session was lost before. */
async function letGo(lease: Lease, cluster: Cluster, pid: number): Promise<boolean> {
  const isLast = await lease.leave().catch(() => undefined)
  try {
    // The session stays open meanwhile: it holds the lock that keeps newcomers waiting.
    if (isLast) await endServer(pid, cluster)
  } finally {
    await lease.close().catch(() => {})
  }
  return isLast !== undefined
}

const sessionAt = (cluster: Cluster, { host, port }: Running) => ({
  host,
  port,
  user: ROLE,
  password: cluster.password,
  database: 'postgres',
})

function connectionStringOf(cluster: Cluster, { host, port }: Running): string {
  const url = new URL(`postgresql://localhost:${port}/${DATABASE}`)
  url.username = ROLE
  url.password = cluster.password
  url.searchParams.set('host', host)
  return url.href
}
