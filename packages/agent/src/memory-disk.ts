/**
 * A disk in memory, for pretend devices. When the power goes it forgets what was not synced: what files hold without
 * sync() of the file, and names (made, moved or removed, folders too) without sync() of the folder they are in. What is
 * forgotten is drawn by a random number, as on a real one.
 */
import { basename, dirname } from 'node:path'
import type { Disk } from './disk.ts'
import type { Random } from './waits.ts'

interface File {
  readonly kind: 'file'
  now: Buffer
  onMedium: Buffer
  /** So many bytes from the start were not touched since they came to the medium. */
  untouched: number
}

interface Folder {
  readonly kind: 'folder'
  now: Map<string, Inode>
  onMedium: Map<string, Inode>
}

interface Link {
  readonly kind: 'link'
  readonly target: string
}

type Inode = File | Folder | Link

/** What takes room; a full disk does the rest as well as any. */
export const TAKES_ROOM = ['open', 'write', 'write whole', 'mkdir'] as const

export type DiskStep =
  | (typeof TAKES_ROOM)[number]
  | 'link'
  | 'rename'
  | 'rm'
  | 'truncate'
  | 'sync'
  | 'sync folder'

export class MemoryDisk {
  readonly #root: Folder = newFolder()
  /** Called before each change; what it throws is what the disk says. */
  readonly #step: (what: DiskStep, path: string) => void

  constructor(step: (what: DiskStep, path: string) => void) {
    this.#step = step
  }

  /** Everything unsynced survives whole, in part, as zeros, or not at all. */
  cutPower(random: Random): void {
    const seen = new Map<Folder, () => void>()
    const cut = (folder: Folder): void => {
      folder.onMedium = survivingNames(folder, random)
      folder.now = new Map(folder.onMedium)
      for (const [name, inode] of folder.now) {
        const drop = () => {
          folder.now.delete(name)
          folder.onMedium.delete(name)
        }
        if (inode.kind === 'file') settle(inode, survivor(inode, random))
        // A folder is in one place only: a move that half survived is undone, or done.
        else if (inode.kind === 'link') continue
        else if (!seen.has(inode)) {
          seen.set(inode, drop)
          cut(inode)
        } else if (random() < 0.5) drop()
        else seen.get(inode)?.()
      }
    }
    cut(this.#root)
  }

  /**
   * Everything comes to the medium, as a disk sees to by itself after a while, or as it is when the program is ended and the
   * machine runs on.
   */
  writeOut(): void {
    const write = (folder: Folder): void => {
      folder.onMedium = new Map(folder.now)
      for (const inode of folder.now.values()) {
        if (inode.kind === 'folder') write(inode)
        else if (inode.kind === 'file') settle(inode, inode.now)
      }
    }
    write(this.#root)
  }

  text(path: string): string | null {
    const inode = this.#find(path)
    return inode?.kind === 'file' ? inode.now.toString('utf8') : null
  }

  bytes(path: string): Buffer {
    return this.#file(path).now
  }

  readonly disk: Disk = {
    mkdir: async (path: string, options?: { recursive?: boolean }) => {
      const found = this.#find(path)
      if (found?.kind === 'folder' && options?.recursive) return undefined
      if (found) throw trouble('EEXIST', path)
      const parent = dirname(path)
      const first =
        options?.recursive && !this.#find(parent)
          ? await this.disk.mkdir(parent, { recursive: true })
          : undefined
      this.#step('mkdir', path)
      this.#folder(parent).now.set(basename(path), newFolder())
      return first ?? path
    },
    open: async (path: string, flags: string) => {
      const found = this.#find(path)
      if (found?.kind === 'folder') {
        if (flags !== 'r') throw trouble('EISDIR', path)
        return this.#folderHandle(path, found)
      }
      if (!flags.startsWith('w')) return this.#fileHandle(path, this.#file(path))
      if (found && flags.includes('x')) throw trouble('EEXIST', path)
      this.#step('open', path)
      if (found?.kind === 'file') touch(found, Buffer.alloc(0), 0)
      else this.#folder(dirname(path)).now.set(basename(path), newFile())
      return this.#fileHandle(path, this.#file(path))
    },
    readFile: async (path: string, encoding?: string) => {
      const { now } = this.#file(path)
      return encoding ? now.toString('utf8') : now
    },
    readdir: async (path: string, options?: { withFileTypes?: boolean }) => {
      const entries = [...this.#folder(path).now]
      if (!options?.withFileTypes) return entries.map(([name]) => name)
      return entries.map(([name, { kind }]) => ({
        name,
        isFile: () => kind === 'file',
        isDirectory: () => kind === 'folder',
        isSymbolicLink: () => kind === 'link',
      }))
    },
    rename: async (from: string, to: string) => {
      const moved = this.#find(from)
      if (!moved) throw trouble('ENOENT', from)
      const there = this.#find(to)
      if (there?.kind === 'folder' && there.now.size > 0) throw trouble('ENOTEMPTY', to)
      this.#step('rename', to)
      this.#folder(dirname(from)).now.delete(basename(from))
      this.#folder(dirname(to)).now.set(basename(to), moved)
    },
    link: async (from: string, to: string) => {
      const file = this.#file(from)
      if (this.#find(to)) throw trouble('EEXIST', to)
      this.#step('link', to)
      this.#folder(dirname(to)).now.set(basename(to), file)
    },
    symlink: async (target: string, path: string) => {
      if (this.#find(path)) throw trouble('EEXIST', path)
      this.#step('link', path)
      this.#folder(dirname(path)).now.set(basename(path), { kind: 'link', target })
    },
    readlink: async (path: string) => {
      const found = this.#find(path)
      if (found?.kind !== 'link') throw trouble(found ? 'EINVAL' : 'ENOENT', path)
      return found.target
    },
    rm: async (path: string, options?: { force?: boolean; recursive?: boolean }) => {
      const found = this.#find(path)
      if (!found && options?.force) return
      if (!found) throw trouble('ENOENT', path)
      if (found.kind === 'folder') {
        if (!options?.recursive) throw trouble('ERR_FS_EISDIR', path)
        // One by one, as a real one does; the power may go in between.
        for (const name of [...found.now.keys()]) await this.disk.rm(`${path}/${name}`, options)
      }
      this.#step('rm', path)
      this.#folder(dirname(path)).now.delete(basename(path))
    },
    stat: async (path: string) => ({ size: this.#file(path).now.length }),
    statfs: async () => ({ bavail: 1_000_000, bsize: 4096 }),
  } as unknown as Disk

  #find(path: string): Inode | undefined {
    let inode: Inode | undefined = this.#root
    for (const name of path.split('/').filter(Boolean)) {
      if (inode?.kind !== 'folder') return undefined
      inode = inode.now.get(name)
    }
    return inode
  }

  #file(path: string): File {
    const inode = this.#find(path)
    if (inode?.kind !== 'file') throw trouble(inode ? 'EISDIR' : 'ENOENT', path)
    return inode
  }

  #folder(path: string): Folder {
    const inode = this.#find(path)
    if (inode?.kind !== 'folder') throw trouble(inode ? 'ENOTDIR' : 'ENOENT', path)
    return inode
  }

  #folderHandle(path: string, folder: Folder) {
    return {
      sync: async () => {
        this.#step('sync folder', path)
        folder.onMedium = new Map(folder.now)
      },
      close: async () => {},
    }
  }

  #fileHandle(path: string, file: File) {
    return {
      writeFile: async (content: string | Buffer) => {
        this.#step('write whole', path)
        touch(file, Buffer.from(content as string), 0)
      },
      write: async (buffer: Buffer, offset: number, length: number, position: number) => {
        this.#step('write', path)
        const grown = Buffer.alloc(Math.max(file.now.length, position + length))
        file.now.copy(grown)
        buffer.copy(grown, position, offset, offset + length)
        touch(file, grown, position)
        return { bytesWritten: length }
      },
      read: async (buffer: Buffer, offset: number, length: number, position: number) => ({
        bytesRead: file.now.copy(buffer, offset, position, position + length),
      }),
      truncate: async (length: number) => {
        this.#step('truncate', path)
        const cut = Buffer.alloc(length)
        file.now.copy(cut)
        touch(file, cut, length)
      },
      sync: async () => {
        this.#step('sync', path)
        settle(file, file.now)
      },
      close: async () => {},
    }
  }
}

const newFile = (): File => {
  const empty = Buffer.alloc(0)
  return { kind: 'file', now: empty, onMedium: empty, untouched: 0 }
}
const newFolder = (): Folder => ({ kind: 'folder', now: new Map(), onMedium: new Map() })

const trouble = (code: string, path: string): Error =>
  Object.assign(new Error(`${code}: ${path}`), { code })

/** What a disk says that is full, for steps that take room. */
export const diskFull = (): Error =>
  Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })

/** Each name that was made, moved or removed since the last sync, has its own fate. */
function survivingNames({ now, onMedium }: Folder, random: Random): Map<string, Inode> {
  const names = new Map(onMedium)
  for (const [name, inode] of now) {
    if (onMedium.get(name) !== inode && random() < 0.5) names.set(name, inode)
  }
  for (const name of onMedium.keys()) {
    if (!now.has(name) && random() < 0.5) names.delete(name)
  }
  return names
}

/** It holds something else from that byte on. */
function touch(file: File, now: Buffer, from: number): void {
  file.now = now
  file.untouched = Math.min(file.untouched, from)
}

function settle(file: File, content: Buffer): void {
  file.now = file.onMedium = content
  file.untouched = content.length
}

function survivor({ now, onMedium, untouched }: File, random: Random): Buffer {
  if (now === onMedium) return now
  const fate = random()
  if (fate < 0.4) return onMedium
  if (fate < 0.6) return now
  const middle = untouched + Math.floor((now.length - untouched) / 2)
  return fate < 0.8 ? now.subarray(0, middle) : Buffer.from(now).fill(0, middle)
}
