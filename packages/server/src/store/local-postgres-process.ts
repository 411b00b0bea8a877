import { execFile, spawn } from 'node:child_process'
import {
  chown,
  copyFile,
  link,
  mkdir,
  open,
  readFile,
  rename,
  rm,
  stat,
  truncate,
} from 'node:fs/promises'
import { createServer } from 'node:net'
import { basename, join, parse } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { programOf } from './local-postgres-binaries.ts'
import type { Cluster } from './local-postgres-cluster.ts'

// The server as a process: how it is spawned, recognised, ended, and where its log goes. PostgreSQL's own
// lock file, data/postmaster.pid, is what all processes agree on; we read it, and heal it where
// PostgreSQL would not.

export const DATABASE = 'updraft'
export const ROLE = 'updraft'

/** A clean environment: nothing of ours, and no PG… setting of somebody's shell, reaches the server. */
export const ENVIRONMENT = { LC_ALL: 'C', TZ: 'UTC' }

/** Sized for a small box: about 60 connections, helper processes only where they earn their memory. */
const SETTINGS: Readonly<Record<string, string>> = {
  shared_buffers: '128MB',
  max_connections: '60',
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  jit: 'off',
  // No standing I/O workers; the queries here are small and served from memory.
  io_method: 'sync',
  max_worker_processes: '4',
  max_parallel_workers_per_gather: '0',
  max_logical_replication_workers: '0',
  autovacuum_max_workers: '2',
  // Two are what pg_basebackup needs.
  max_wal_senders: '2',
  max_replication_slots: '2',
  unix_socket_permissions: '0700',
  timezone: 'UTC',
  log_timezone: 'UTC',
  logging_collector: 'off',
  log_destination: 'stderr',
  log_checkpoints: 'off',
  // A refused statement may hold a secret; whoever sent it gets the error anyway.
  log_min_error_statement: 'panic',
}

const SOCKET_PORT = 5432
const LOG_LIMIT_BYTES = 4 * 1024 * 1024
const PATIENCE_WITH_STOP_SECONDS = 60

export type Running = {
  readonly pid: number
  readonly host: string
  readonly port: number
  readonly isReady: boolean
}

/** The live server of this cluster, whoever started it, as its lock file has it; nothing if there is none. */
export async function findRunning(cluster: Cluster): Promise<Running | undefined> {
  const lines = (await readText(join(cluster.dataPath, 'postmaster.pid'))).split('\n')
  const pid = Math.abs(Number(lines[0]))
  if (!pid || !(await isServer(pid, cluster))) return undefined
  const socketFolder = lines[4]?.trim()
  return {
    pid,
    host: socketFolder || lines[5]?.trim() || '127.0.0.1',
    port: Number(lines[3]),
    isReady: lines[7]?.trim() === 'ready',
  }
}

/**
 * Whether process `pid` is this cluster's server, and not some other that got its number later. Its
 * command line tells, which every user may read.
 */
export async function isServer(pid: number, cluster: Cluster): Promise<boolean> {
  if (!isAlive(pid)) return false
  if (process.platform === 'win32') return true
  if (process.platform === 'linux') {
    const words = (await readText(`/proc/${pid}/cmdline`)).split('\0')
    if (words[0]) return basename(words[0]) === 'postgres' && words.includes(cluster.dataPath)
    // It has no memory any more: on its way out, or dead (state Z or X) and waiting for its burial.
    return /\(postgres\) [^ZX]/.test(await readText(`/proc/${pid}/stat`))
  }
  const ps = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
    .then((result) => result.stdout)
    .catch(() => '')
  return ps.includes('postgres') && ps.includes(` ${cluster.dataPath} `)
}

/** Whether any process has this number, ours or not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/**
 * Clears lock files of a server that is gone where PostgreSQL itself would take them for valid: its
 * number now belongs to another process (as after a machine's or container's restart), or a crash left
 * the file empty.
 */
export async function healLocks(cluster: Cluster): Promise<void> {
  const socketLock = join(cluster.socketFolder, `.s.PGSQL.${SOCKET_PORT}.lock`)
  for (const path of [join(cluster.dataPath, 'postmaster.pid'), socketLock]) {
    const text = await readText(path)
    if (!(await isStale(path, text, cluster))) continue
    // Another process may have started a server since we looked: take the file aside, look again, and
    // put it back if it is not what we judged.
    const aside = `${path}.stale-${crypto.randomUUID()}`
    await rename(path, aside).catch(() => {})
    if ((await readText(aside)) !== text) await link(aside, path).catch(() => {})
    await rm(aside, { force: true })
  }
}

async function isStale(path: string, text: string, cluster: Cluster): Promise<boolean> {
  const pid = Math.abs(Number.parseInt(text, 10))
  if (pid) return isAlive(pid) && !(await isServer(pid, cluster))
  const stats = await stat(path).catch(() => undefined)
  return stats !== undefined && Date.now() - stats.mtimeMs > 2000
}

export type Spawned = {
  readonly pid: number | undefined
  /** Why it ended, or could not be started; nothing while it runs. */
  ended(): { readonly code: number | null; readonly reason: string } | undefined
  /** The last lines the log got since the start. */
  lines(): Promise<string>
}

/** Starts the server, which outlives us unless it is ended. Does not wait for it to be ready. */
export async function spawnServer(cluster: Cluster): Promise<Spawned> {
  await boundLog(cluster.logPath)
  // Some backup tools leave out a folder that held only a socket.
  const isNew = await mkdir(cluster.socketFolder, { recursive: true, mode: 0o700 })
  if (isNew && cluster.user) await chown(isNew, cluster.user.uid, cluster.user.gid)
  const log = await open(cluster.logPath, 'a', 0o600)
  const { size } = await log.stat()
  const child = spawn(programOf(cluster.binaries, 'postgres'), await argumentsFor(cluster), {
    cwd: parse(cluster.dataPath).root,
    env: ENVIRONMENT,
    // A session of its own: Ctrl-C must reach us and not the database under us.
    detached: true,
    windowsHide: true,
    stdio: ['ignore', log.fd, log.fd],
    ...(cluster.user && { uid: cluster.user.uid, gid: cluster.user.gid }),
  })
  let end: ReturnType<Spawned['ended']>
  child.once('exit', (code, signal) => {
    end = { code, reason: `it ended with ${signal ?? `code ${code}`}` }
  })
  child.once('error', ({ message }) => {
    end = { code: null, reason: message }
  })
  child.unref()
  await log.close()
  return {
    pid: child.pid,
    ended: () => end,
    lines: async () => lastLines((await readText(cluster.logPath)).slice(size)),
  }
}

async function argumentsFor(cluster: Cluster): Promise<string[]> {
  const settings = { ...SETTINGS, ...(await listenWhere(cluster)) }
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return ['-D', cluster.dataPath, ...flags]
}

/**
 * A Unix socket inside the cluster: nobody else can even knock, there is no port to find or to lose,
 * and pg is faster on it (measured against 127.0.0.1: point reads +15 % one at a time, +10 to +60 % with 16
 * connections, connecting -15 %; large results alike). Its path may have 107 bytes, 103 on macOS; a longer one,
 * and Windows, get a free port on the loopback address.
 */
async function listenWhere(cluster: Cluster): Promise<Record<string, string>> {
  const socketPath = join(cluster.socketFolder, `.s.PGSQL.${SOCKET_PORT}`)
  const isShort = Buffer.byteLength(socketPath) <= (process.platform === 'linux' ? 107 : 103)
  if (isShort && process.platform !== 'win32')
    return {
      listen_addresses: '',
      unix_socket_directories: `"${cluster.socketFolder.replaceAll('"', '""')}"`,
      port: String(SOCKET_PORT),
    }
  return {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port: String(await freePort()),
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done, failed) => {
    server.once('error', failed)
    server.listen(0, '127.0.0.1', done)
  })
  const address = server.address()
  await new Promise((done) => server.close(done))
  return typeof address === 'object' && address ? address.port : 0
}

/** Fast shutdown: sessions are cut, what was committed is safe. Returns when the process is gone. */
export async function endServer(pid: number, cluster: Cluster): Promise<void> {
  await ask(pid, 'fast', cluster)
  const deadline = Date.now() + PATIENCE_WITH_STOP_SECONDS * 1000
  for (let isUrged = false; await isServer(pid, cluster); await pause(10)) {
    if (isUrged || Date.now() < deadline) continue
    isUrged = true
    // Without the last checkpoint; the next start recovers from the log.
    await ask(pid, 'immediate', cluster)
  }
}

async function ask(pid: number, how: 'fast' | 'immediate', cluster: Cluster): Promise<void> {
  if (process.platform === 'win32') {
    const args = ['stop', '-W', '-m', how, '-D', cluster.dataPath]
    await promisify(execFile)(programOf(cluster.binaries, 'pg_ctl'), args).catch(() => {})
    return
  }
  try {
    process.kill(pid, how === 'fast' ? 'SIGINT' : 'SIGQUIT')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/**
 * Keeps the server's log small: a long one becomes `server.log.1`, in place of the one before. The server
 * holds the file open and appends, so the bytes are copied away and the file is cut.
 */
export async function boundLog(path: string): Promise<void> {
  const size = (await stat(path).catch(() => undefined))?.size ?? 0
  if (size < LOG_LIMIT_BYTES) return
  await copyFile(path, `${path}.1`)
  await truncate(path)
}

/** The end of a log, short enough for an error. */
export const lastLines = (text: string): string => text.trim().split('\n').slice(-12).join('\n')

export const readText = (path: string): Promise<string> => readFile(path, 'utf8').catch(() => '')
