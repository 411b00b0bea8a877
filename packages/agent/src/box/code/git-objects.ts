/**
 * Commits, trees and blobs as our repository holds them, read one by one and held against their names: a name is
 * the hash of what it names, so from the commit on nothing can be other than what upstream has.
 */

import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { createHash } from 'node:crypto'
import { UpdateFailed } from '../../trouble.ts'
import type { Git } from './git.ts'
import { type CodeTree, isWanted, mayHoldWanted, type TreeFile } from './tree.ts'

/** What our repository holds is not whole. It is thrown away then, and fetched anew. */
export class BrokenCache extends Error {
  override readonly name = 'BrokenCache'
}

export interface GitFile extends TreeFile {
  readonly object: string
}

const LONGEST_HEADER = 200
const MAX_DEPTH = 64
/** A commit or a tree of more is none we would know what to do with. */
const MAX_LISTING_BYTES = 33_554_432

export class GitObjects {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #git: Git
  readonly #pieces: AsyncIterator<Buffer>
  #rest: Buffer = Buffer.alloc(0)

  constructor(git: Git) {
    this.#git = git
    this.#child = git.start(['cat-file', '--batch'])
    // What it says of broken objects is seen by what it does not say on its output.
    this.#child.stderr.resume()
    this.#child.on('error', () => {})
    this.#pieces = this.#child.stdout[Symbol.asyncIterator]()
  }

  close(): Promise<void> {
    return this.#git.stop(this.#child)
  }

  /** The files of the commit's tree, without their sizes, and when it was committed. */
  async list(
    commit: string,
    wanted: readonly string[],
  ): Promise<{ files: Omit<GitFile, 'sizeBytes'>[]; committedAt: string | null }> {
    const text = (await this.#whole(commit, 'commit')).toString('utf8')
    const tree = /^tree ([0-9a-f]{40,64})$/m.exec(text)?.[1]
    if (!tree) throw new BrokenCache(`commit ${commit} names no tree`)
    const files: Omit<GitFile, 'sizeBytes'>[] = []
    await this.#walk(tree, '', wanted, files)
    const seconds = Number(/^committer .* (\d+) [+-]\d{4}$/m.exec(text)?.[1])
    const isDate = Number.isFinite(seconds) && seconds < 1e11
    return { files, committedAt: isDate ? new Date(seconds * 1000).toISOString() : null }
  }

  /** The blob's bytes; throws BrokenCache at its end when they are not what its name says. */
  async *read(object: string): AsyncGenerator<Buffer> {
    yield* this.#read(object, 'blob')
  }

  async #walk(
    tree: string,
    folder: string,
    wanted: readonly string[],
    files: Omit<GitFile, 'sizeBytes'>[],
  ): Promise<void> {
    if (folder.split('/').length > MAX_DEPTH) {
      throw new UpdateFailed('the code is refused: its folders are too deep', 'image')
    }
    for (const { mode, name, object } of treeEntries(await this.#whole(tree, 'tree'), tree)) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (mode === 0o40000) {
        if (mayHoldWanted(path, wanted)) await this.#walk(object, path, wanted, files)
      } else if (isWanted(path, wanted)) files.push({ path, kind: kindOf(mode, path), object })
    }
  }

  async #whole(object: string, type: string): Promise<Buffer> {
    const pieces: Buffer[] = []
    let length = 0
    for await (const piece of this.#read(object, type)) {
      length += piece.length
      if (length > MAX_LISTING_BYTES) throw new BrokenCache(`${type} ${object} has no end`)
      pieces.push(piece)
    }
    return Buffer.concat(pieces)
  }

  async *#read(object: string, type: string): AsyncGenerator<Buffer> {
    this.#child.stdin.write(`${object}\n`)
    const header = await this.#line()
    const [, foundType, sizeText] = /^\S+ (\S+) (\d+)$/.exec(header) ?? []
    if (foundType !== type) throw new BrokenCache(`${type} ${object} is missing`)
    const hash = createHash(object.length === 64 ? 'sha256' : 'sha1')
    hash.update(`${type} ${sizeText}\0`)
    for (let left = Number(sizeText); left > 0; ) {
      const piece = (await this.#some()).subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      hash.update(piece)
      yield piece
    }
    if ((await this.#some())[0] !== 0x0a) throw new BrokenCache(`${type} ${object} has no end`)
    this.#rest = this.#rest.subarray(1)
    if (hash.digest('hex') !== object) throw new BrokenCache(`${type} ${object} is damaged`)
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf(0x0a)
      if (end >= 0) {
        const line = this.#rest.subarray(0, end).toString('utf8')
        this.#rest = this.#rest.subarray(end + 1)
        return line
      }
      if (this.#rest.length > LONGEST_HEADER) throw new BrokenCache('an object without a head')
      const known = this.#rest
      this.#rest = Buffer.alloc(0)
      this.#rest = Buffer.concat([known, await this.#some()])
    }
  }

  /** What has come and is not read yet, at least a byte of it. */
  async #some(): Promise<Buffer> {
    while (this.#rest.length === 0) {
      const { value, done } = await this.#pieces.next()
      if (done) throw new BrokenCache('git cannot read what our repository holds')
      this.#rest = value
    }
    return this.#rest
  }
}

/** A tree as git stores it: mode, blank, name, zero, hash; again and again. */
function* treeEntries(
  bytes: Buffer,
  tree: string,
): Generator<{ mode: number; name: string; object: string }> {
  const hashBytes = tree.length / 2
  for (let at = 0; at < bytes.length; ) {
    const blank = bytes.indexOf(0x20, at)
    const zero = bytes.indexOf(0, blank)
    if (blank < 0 || zero < 0) throw new BrokenCache(`tree ${tree} cannot be read`)
    const mode = Number.parseInt(bytes.subarray(at, blank).toString('latin1'), 8)
    const name = bytes.subarray(blank + 1, zero).toString('utf8')
    at = zero + 1 + hashBytes
    // Refused here already, for a folder is never listed itself.
    if (name.includes('/'))
      throw new UpdateFailed('the code is refused: a name with a slash', 'image')
    yield { mode, name, object: bytes.subarray(zero + 1, at).toString('hex') }
  }
}

function kindOf(mode: number, path: string): TreeFile['kind'] {
  if (mode === 0o160000) {
    throw new UpdateFailed(
      `the code is refused: ${path} is another repository (a submodule), and those are not fetched`,
      'image',
    )
  }
  if (mode === 0o120000) return 'link'
  return mode & 0o100 ? 'executable' : 'file'
}

export type GitTree = CodeTree<GitFile>
