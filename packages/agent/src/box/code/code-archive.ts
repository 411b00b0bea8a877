/** A tree of code as a file from the configured server: `.tar.gz` or `.zip`, told apart by how they begin. */
import { createHash } from 'node:crypto'
import type { Disk } from '../../disk.ts'
import { UpdateFailed } from '../../trouble.ts'
import { tarTree } from './tar-archive.ts'
import type { CodeTree, TreeFile } from './tree.ts'
import { zipTree } from './zip-archive.ts'

export interface CodeArchive {
  readonly tree: CodeTree
  /** Where whoever made it noted one. */
  readonly commit: string | null
  /** Of the whole file. */
  readonly sha256: string
  close(): Promise<void>
}

/** Throws UpdateFailed when it is none. */
export async function openCodeArchive(disk: Disk, file: string): Promise<CodeArchive> {
  const { head, sha256 } = await sumOf(disk, file)
  if (head[0] === 0x1f && head[1] === 0x8b) {
    const { tree, commit } = await tarTree(disk, file)
    return { tree: withoutTop(tree), commit, sha256, close: async () => {} }
  }
  if (head.subarray(0, 2).toString('latin1') === 'PK') {
    const { tree, close } = await zipTree(disk, file)
    return { tree: withoutTop(tree), commit: null, sha256, close }
  }
  const isPage = /^\s*<(!doctype|html|\?xml)/i.test(head.toString('latin1'))
  const what = isPage ? 'it is a web page' : 'it is neither a .tar.gz nor a .zip'
  throw new UpdateFailed(`the archive of the code cannot be read: ${what}`, 'image')
}

/** Many an archive has all of its tree in one folder, and nothing beside it. */
function withoutTop<F extends TreeFile>(tree: CodeTree<F>): CodeTree {
  const top = tree.files[0]?.path.split('/')[0] ?? ''
  if (top === '' || !tree.files.every(({ path }) => path.startsWith(`${top}/`)))
    return tree as unknown as CodeTree
  const byShort = new Map(
    tree.files.map((file): [TreeFile, F] => [
      { ...file, path: file.path.slice(top.length + 1) },
      file,
    ]),
  )
  return {
    files: [...byShort.keys()],
    read: (file) => tree.read(byShort.get(file) as F),
  }
}

async function sumOf(disk: Disk, file: string): Promise<{ head: Buffer; sha256: string }> {
  const hash = createHash('sha256')
  const handle = await disk.open(file, 'r')
  try {
    const buffer = Buffer.alloc(262_144)
    let head: Buffer = Buffer.alloc(0)
    for (let at = 0; ; ) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, at)
      if (at === 0) head = Buffer.from(buffer.subarray(0, Math.min(bytesRead, 256)))
      if (bytesRead === 0) return { head, sha256: hash.digest('hex') }
      hash.update(buffer.subarray(0, bytesRead))
      at += bytesRead
    }
  } finally {
    await handle.close()
  }
}
