import { existsSync, type Stats } from 'node:fs'
import { chmod, chown, lchown, mkdir, readdir, readFile, realpath, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

// PostgreSQL refuses to run as root. Started by root, it runs as a system user that is there
// already; this file says which, what that user can reach, and where to go when it can reach too
// little.

export type User = { readonly uid: number; readonly gid: number; readonly name: string }

/** A minimal logger; pino's fits. */
export type Log = {
  info(details: object, message: string): void
  warn(details: object, message: string): void
}

/** Best first. `nobody` comes last because other programs may run as it, and they could read the cluster. */
const CANDIDATES = ['updraft', 'postgres', '_postgres', 'nobody']

export const isRoot = (): boolean => process.getuid?.() === 0

/** The user a new cluster will belong to when we are root. initdb insists that it has a name. */
export async function chooseUser(): Promise<User> {
  const rows = (await readFile('/etc/passwd', 'utf8')).split('\n').map((row) => row.split(':'))
  for (const name of CANDIDATES) {
    const row = rows.find((fields) => fields[0] === name)
    const [uid, gid] = [Number(row?.[2]), Number(row?.[3])]
    if (uid > 0 && gid >= 0) return { uid, gid, name }
  }
  throw new Error(
    'PostgreSQL does not run as root, and this system has no user to run it as. Create one ' +
      '(useradd --system updraft), start Updraft as an ordinary user, or set UPDRAFT_DATABASE_URL.',
  )
}

/** Whether `user` may pass through `folder` and all folders above it, by their mode bits. */
export async function canEnter(folder: string, user: User): Promise<boolean> {
  for (let at = await realpath(folder); ; at = dirname(at)) {
    if (!allows(await stat(at), user, 0o1)) return false
    if (at === dirname(at)) return true
  }
}

/** Whether `user` may read and run the program `file`. */
export async function canRun(file: string, user: User, bits = 0o5): Promise<boolean> {
  return (await canEnter(dirname(file), user)) && allows(await stat(file), user, bits)
}

function allows(stats: Stats, user: User, bits: number): boolean {
  const shift = stats.uid === user.uid ? 6 : stats.gid === user.gid ? 3 : 0
  return ((stats.mode >> shift) & bits) === bits
}

/**
 * Lets `user` pass through the data folder, which is Updraft's own: where root keeps it to itself,
 * that user's group may pass (mode 0710), and nobody else. Folders above are not ours to open.
 */
export async function openDataFolder(dataFolder: string, user: User): Promise<void> {
  const stats = await stat(dataFolder)
  if (allows(stats, user, 0o1) || stats.uid !== 0 || stats.mode & 0o070) return
  if (!(await canEnter(dirname(dataFolder), user))) return
  await chown(dataFolder, stats.uid, user.gid)
  await chmod(dataFolder, (stats.mode & 0o7777) | 0o010)
}

/**
 * A folder outside the data folder that `user` can reach and only root can write: `preferred`, or
 * else one under the system's temporary folder, which is worth a warning.
 */
export async function openShelter(preferred: string, user: User, log: Log): Promise<string> {
  const lastResort = join(tmpdir(), 'updraft-postgres')
  for (const folder of [preferred, lastResort]) {
    try {
      if (await mkdir(folder, { recursive: true })) await chmod(folder, 0o755)
      const { uid, mode } = await stat(folder)
      if (uid !== 0 || mode & 0o022 || !(await canEnter(folder, user))) continue
    } catch (cause) {
      log.warn({ folder, err: cause }, 'this folder cannot hold the database')
      continue
    }
    if (folder === lastResort)
      log.warn({ folder }, 'the database lies in a folder that the system may empty: set another')
    return folder
  }
  throw new Error(
    `The user ${user.name}, whom PostgreSQL runs as, can enter neither the data folder nor ${preferred}. ` +
      'Choose a data folder whose parents others may pass through (chmod o+x).',
  )
}

/**
 * Gives a cluster's `data` and `run` to `user`, and lets that user's group, and no other, pass through
 * the folder that holds them, which stays root's. Links are given themselves, not followed.
 */
export async function giveDatabase(folder: string, user: User): Promise<void> {
  const parts = [join(folder, 'data'), join(folder, 'run')]
  for (const part of parts.filter(existsSync)) {
    await lchown(part, user.uid, user.gid)
    for (const entry of await readdir(part, { recursive: true, withFileTypes: true }))
      await lchown(join(entry.parentPath, entry.name), user.uid, user.gid)
  }
  await chown(folder, 0, user.gid)
  await chmod(folder, 0o710)
}
