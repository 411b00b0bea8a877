/**
 * A disk in memory, for pretend devices. It forgets what was not synced when the power goes: file contents
 * without sync(), and names whose folder was not synced. What is forgotten is drawn by a random number, as on a
 * real one.
 */
import { dirname } from 'node:path'
import type { Disk } from './disk.ts'
import type { Random } from './waits.ts'

interface Inode {
  now: Buffer
  onMedium: Buffer
}

export class MemoryDisk {
  #names = new Map<string, Inode | 'folder'>()
  #namesOnMedium = new Map<string, Inode | 'folder'>()
  /** Set while there is power; called before each change. */
  readonly #step: (what: string) => void

  constructor(step: (what: string) => void) {
    this.#step = step
  }

  /** Everything unsynced survives whole, in part, as zeros, or not at all. */
  cutPower(random: Random): void {
    for (const [path, inode] of this.#names) {
      if (random() < 0.5) this.#namesOnMedium.set(path, inode)
    }
    for (const path of this.#namesOnMedium.keys()) {
      if (!this.#names.has(path) && random() < 0.5) this.#namesOnMedium.delete(path)
    }
    this.#names = new Map(this.#namesOnMedium)
    for (const inode of this.#names.values()) {
      if (inode === 'folder') continue
      inode.now = inode.onMedium = survivor(inode, random)
    }
  }

  /** Everything comes to the medium, as a disk sees to by itself after a while; removed files take no memory then. */
  writeOut(): void {
    for (const inode of this.#names.values()) if (inode !== 'folder') inode.onMedium = inode.now
    this.#namesOnMedium = new Map(this.#names)
  }

  text(path: string): string | null {
    const inode = this.#names.get(path)
    return inode && inode !== 'folder' ? inode.now.toString('utf8') : null
  }

  bytes(path: string): Buffer {
    return this.#file(path).now
  }

  readonly disk: Disk = {
    mkdir: async (path: string) => {
      this.#step('mkdir')
      for (let folder = path; folder !== '/'; folder = dirname(folder)) {
        this.#names.set(folder, 'folder')
        this.#namesOnMedium.set(folder, 'folder')
      }
    },
    open: async (path: string, flags: string) => {
      const isFolder = this.#names.get(path) === 'folder'
      if (flags.startsWith('w')) {
        this.#step('open')
        const inode = this.#names.get(path)
        if (inode && inode !== 'folder') inode.now = Buffer.alloc(0)
        else this.#names.set(path, { now: Buffer.alloc(0), onMedium: Buffer.alloc(0) })
      }
      return isFolder ? this.#folderHandle(path) : this.#fileHandle(this.#file(path))
    },
    readFile: async (path: string, encoding?: string) => {
      const { now } = this.#file(path)
      return encoding ? now.toString('utf8') : now
    },
    readdir: async (path: string) =>
      [...this.#names.keys()]
        .filter((name) => dirname(name) === path)
        .map((name) => name.slice(path.length + 1)),
    rename: async (from: string, to: string) => {
      this.#step('rename')
      this.#names.set(to, this.#file(from))
      this.#names.delete(from)
    },
    link: async (from: string, to: string) => {
      this.#step('link')
      if (this.#names.has(to)) throw Object.assign(new Error('there already'), { code: 'EEXIST' })
      this.#names.set(to, this.#file(from))
    },
    rm: async (path: string) => {
      this.#step('rm')
      this.#names.delete(path)
    },
    stat: async (path: string) => ({ size: this.#file(path).now.length }),
    statfs: async () => ({ bavail: 1_000_000, bsize: 4096 }),
  } as unknown as Disk

  #file(path: string): Inode {
    const inode = this.#names.get(path)
    if (!inode || inode === 'folder') {
      throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' })
    }
    return inode
  }

  #folderHandle(path: string) {
    return {
      sync: async () => {
        this.#step('sync folder')
        for (const name of this.#namesOnMedium.keys()) {
          if (dirname(name) === path && !this.#names.has(name)) this.#namesOnMedium.delete(name)
        }
        for (const [name, inode] of this.#names) {
          if (dirname(name) === path) this.#namesOnMedium.set(name, inode)
        }
      },
      close: async () => {},
    }
  }

  #fileHandle(inode: Inode) {
    return {
      writeFile: async (text: string) => {
        this.#step('write whole')
        inode.now = Buffer.from(text)
      },
      write: async (buffer: Buffer, offset: number, length: number, position: number) => {
        this.#step('write')
        const grown = Buffer.alloc(Math.max(inode.now.length, position + length))
        inode.now.copy(grown)
        buffer.copy(grown, position, offset, offset + length)
        inode.now = grown
        return { bytesWritten: length }
      },
      read: async (buffer: Buffer, offset: number, length: number, position: number) => ({
        bytesRead: inode.now.copy(buffer, offset, position, position + length),
      }),
      truncate: async (length: number) => {
        this.#step('truncate')
        const cut = Buffer.alloc(length)
        inode.now.copy(cut)
        inode.now = cut
      },
      sync: async () => {
        this.#step('sync')
        inode.onMedium = inode.now
      },
      close: async () => {},
    }
  }
}

function survivor({ now, onMedium }: Inode, random: Random): Buffer {
  if (now === onMedium) return now
  const fate = random()
  if (fate < 0.4) return onMedium
  if (fate < 0.6) return now
  if (fate < 0.8) return now.subarray(0, Math.floor(now.length / 2))
  const zeroed = Buffer.from(now)
  return zeroed.fill(0, Math.min(onMedium.length, Math.floor(now.length / 2)))
}
