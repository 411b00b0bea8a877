import { existsSync, type Stats } from 'node:fs'
import {
  lstat,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Binaries, binariesFor, findBinaries, syncPath } from './local-postgres-binaries.ts'
import { initialise } from './local-postgres-initdb.ts'
import { isAlive } from './local-postgres-process.ts'
import {
  canEnter,
  chooseUser,
  giveDatabase,
  isRoot,
  type Log,
  openDataFolder,
  openShelter,
  type User,
} from './local-postgres-user.ts'

// The cluster on disk: <data folder>/postgres holds PostgreSQL's own folder `data`, its socket's `run`,
// the password and the server's log. It is made under another name and renamed when complete, so it is there as a
// whole or not at all, and of two processes that make it at once the first to rename wins. Where the
// database user cannot enter the data folder's parents, <data folder>/postgres is a link to a folder outside.

export type Cluster = {
  readonly folder: string
  readonly dataPath: string
  readonly socketFolder: string
  readonly logPath: string
  readonly password: string
  /** Whom the server runs as; nobody in particular where we are not root. */
  readonly user: User | undefined
  readonly binaries: Binaries
}

export type Place = {
  readonly dataFolder: string
  /** Where the cluster and the programs go when the database user cannot reach them where they are. */
  readonly shelter: string
  readonly log: Log
  readonly signal: AbortSignal
}

/** The cluster of this data folder, made if there is none. Refuses other major versions and foreign folders. */
export async function openCluster(place: Place): Promise<Cluster> {
  const binaries = await findBinaries()
  return (await findCluster(place, binaries)) ?? (await createCluster(place, binaries))
}

async function findCluster(place: Place, binaries: Binaries): Promise<Cluster | undefined> {
  const home = join(place.dataFolder, 'postgres')
  const folder = await follow(home)
  if (!folder) return undefined
  const dataPath = join(folder, 'data')

  const version = await readOwn(join(dataPath, 'PG_VERSION'), home)
  if (version === undefined) {
    if ((await readdir(folder)).length === 0) return undefined
    throw new Error(`${home} is not a database of Updraft's: move it away to begin with a new one.`)
  }
  refuseOtherMajor(Number.parseInt(version, 10), binaries.major, home)

  const password = await readOwn(join(folder, 'password'), home)
  if (!password)
    throw new Error(`${join(home, 'password')} is missing: bring it back from a backup.`)
  const user = await ownerOf(folder, await stat(dataPath), place.log)
  if (user && !(await canEnter(folder, user))) await openDataFolder(place.dataFolder, user)
  if (user && !(await canEnter(folder, user)))
    throw new Error(
      `The database user (uid ${user.uid}) cannot enter ${folder}: let others pass through the ` +
        'folders above it (chmod o+x), or move the data folder.',
    )
  return clusterAt(folder, password.trim(), user, await reachable(binaries, user, place))
}

/** Where `home` really is; nothing if there is nothing. A link that leads nowhere is lost data, not a new start. */
async function follow(home: string): Promise<string | undefined> {
  if (!(await own(lstat(home), home))) return undefined
  const folder = await own(realpath(home), home)
  if (folder) return folder
  throw new Error(
    `The database was moved out of its data folder and is gone: ${home} is a link that leads ` +
      'nowhere. Bring the database back, or remove the link to begin with an empty one.',
  )
}

function refuseOtherMajor(found: number, ours: number, home: string): void {
  if (found > ours)
    throw new Error(
      `The database in ${home} was made by PostgreSQL ${found}, and this Updraft brings PostgreSQL ` +
        `${ours}, which cannot read it. Nothing was changed: use an Updraft at least as new as the last one that ran here.`,
    )
  if (found < ours)
    throw new Error(
      `The database in ${home} was made by PostgreSQL ${found}, and this Updraft brings PostgreSQL ` +
        `${ours}. Nothing was changed. Dump it (pg_dump) while the Updraft that made it is running, ` +
        'stop that, move the folder away, start this Updraft once, and restore the dump (psql).',
    )
}

/** The user a present cluster belongs to. A cluster that root owns, say from a backup, gets a new owner. */
async function ownerOf(folder: string, data: Stats, log: Log): Promise<User | undefined> {
  if (!isRoot()) {
    if (process.getuid && data.uid !== process.getuid()) throw belongsToOther(folder)
    return undefined
  }
  if (data.uid > 0) return { uid: data.uid, gid: data.gid, name: `uid ${data.uid}` }
  const user = await chooseUser()
  await giveDatabase(folder, user)
  log.info({ folder, user: user.name }, 'the database belonged to root, which cannot run it')
  return user
}

async function createCluster(place: Place, binaries: Binaries): Promise<Cluster> {
  const { dataFolder, log } = place
  const home = join(dataFolder, 'postgres')
  const user = isRoot() ? await chooseUser() : undefined
  if (user?.name === 'nobody')
    log.warn({}, 'the database runs as nobody: a system user "updraft" would keep it to itself')
  if (user) await openDataFolder(dataFolder, user)

  const near = !user || (await canEnter(dataFolder, user))
  const shelter = near ? dataFolder : await openShelter(place.shelter, user, log)
  const name = near ? 'postgres' : placeName(dataFolder)
  await clearLeftovers(shelter, name, log)

  const programs = await reachable(binaries, user, place)
  const draft = await mkdtemp(join(shelter, `${name}.new-${process.pid}-`))
  let failure: unknown
  try {
    await initialise(draft, { binaries: programs, user, signal: place.signal })
    await (near ? rename(draft, home) : settleOutside(draft, name, home))
    await syncPath(dataFolder)
    if (!near)
      log.info(
        { folder: await realpath(home), link: home },
        'the database lies outside its data folder, whose parents the database user cannot enter',
      )
  } catch (cause) {
    failure = cause
  } finally {
    await rm(draft, { recursive: true, force: true, maxRetries: 3 })
  }

  place.signal.throwIfAborted()
  // Ours, or that of another process that was first; then our own failure does not matter.
  const made = await findCluster(place, binaries)
  if (!made) throw failure
  return made
}

/** Tells a person whose database lies outside: /srv/up draft → srv-up-draft. */
const placeName = (dataFolder: string): string =>
  dataFolder
    .replace(/[^a-z0-9]+/gi, '-')
    .replace(/^-/, '')
    .slice(-60) || 'root'

/** Gives the finished draft a name of its own and makes `home` the link to it: whoever makes the link wins. */
async function settleOutside(draft: string, name: string, home: string): Promise<void> {
  const folder = join(dirname(draft), `${name}-${draft.slice(-6)}`)
  if (existsSync(home)) await rmdir(home)
  await rename(draft, folder)
  await syncPath(dirname(draft))
  try {
    await symlink(folder, home)
  } catch (cause) {
    await rm(folder, { recursive: true, force: true })
    throw cause
  }
}

/** Removes what first starts that were killed half-way left behind. */
async function clearLeftovers(shelter: string, name: string, log: Log): Promise<void> {
  for (const entry of await readdir(shelter)) {
    const builder = new RegExp(`^${name}\\.new-(\\d+)-`).exec(entry)?.[1]
    if (!builder || isAlive(Number(builder))) continue
    await rm(join(shelter, entry), { recursive: true, force: true, maxRetries: 3 }).catch((err) =>
      log.warn({ err, entry }, 'a half-made database could not be removed'),
    )
  }
}

const reachable = (binaries: Binaries, user: User | undefined, { shelter, log }: Place) =>
  binariesFor(binaries, user, () => openShelter(shelter, user as User, log))

function clusterAt(
  folder: string,
  password: string,
  user: User | undefined,
  binaries: Binaries,
): Cluster {
  return {
    folder,
    dataPath: join(folder, 'data'),
    socketFolder: join(folder, 'run'),
    logPath: join(folder, 'server.log'),
    password,
    user,
    binaries,
  }
}

const readOwn = (path: string, home: string): Promise<string | undefined> =>
  own(readFile(path, 'utf8'), home)

/** What a look into the cluster found; nothing if it is absent. */
async function own<T>(look: Promise<T>, home: string): Promise<T | undefined> {
  return look.catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    if (cause.code === 'EACCES' || cause.code === 'EPERM') throw belongsToOther(home, cause)
    throw cause
  })
}

const belongsToOther = (home: string, cause?: unknown) =>
  new Error(
    `The database in ${home} belongs to another user: start Updraft as that user or as root.`,
    { cause },
  )
