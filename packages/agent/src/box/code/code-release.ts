/** A release of code in its folder: the tree as it came, and beside it a note of where it came from. */
import { join, posix } from 'node:path'
import { type Disk, readIfThere } from '../../disk.ts'
import { UpdateFailed } from '../../trouble.ts'
import type { LayerRelease } from '../layer.ts'
import { MARK } from '../listing.ts'
import { MANIFEST, type Manifest, parseManifest } from './manifest.ts'
import { type CodeTree, refuseLeadingOut, refuseUnsafe, type TreeFile } from './tree.ts'

export interface CodeNote {
  readonly from: 'upstream' | 'server'
  /** Null for code that came as a file from the configured server, as are branch and series. */
  readonly commit: string | null
  readonly branch: string | null
  /** As the server said it when the code was fetched. */
  readonly series: string | null
  /** ISO 8601, by the clock of who committed it. */
  readonly committedAt: string | null
  /** Only these folders are there; empty: all. */
  readonly paths: readonly string[]
}

/** Written by us; a tree that has one of its own is refused. */
const NOTE = '.updraft-code.json'

/** A tree that can be written: all of it looked at, and what it says of itself read. */
export interface CheckedTree {
  readonly tree: CodeTree
  readonly manifest: Manifest
  readonly bytes: number
}

/** Refuses what would not stay in its folder. */
export async function checkedTree(tree: CodeTree, platform: NodeJS.Platform): Promise<CheckedTree> {
  refuseUnsafe(tree.files, platform)
  const ours = tree.files.find(({ path }) => [NOTE, MARK, `${MARK}.tmp`].includes(path))
  if (ours) throw new UpdateFailed(`the code is refused: ${ours.path} is a name of ours`, 'image')
  for (const file of tree.files) {
    if (file.kind !== 'link') continue
    if (platform === 'win32') {
      throw new UpdateFailed(`the code is refused: ${file.path} is a link, and Windows has none`)
    }
    refuseLeadingOut(file.path, (await bytesOf(tree, file)).toString('utf8'))
  }
  const said = tree.files.find(({ path, kind }) => path === MANIFEST && kind !== 'link')
  return {
    tree,
    manifest: parseManifest(said ? (await bytesOf(tree, said)).toString('utf8') : null),
    bytes: tree.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
  }
}

/** Writes all of it into an empty folder. What is there is brought to the medium by whoever keeps releases. */
export async function writeCode(
  disk: Disk,
  folder: string,
  {
    tree,
    note,
    onBytes,
    signal,
  }: {
    tree: CodeTree
    note: CodeNote
    /** How many are written by now. */
    onBytes: (bytes: number) => void
    signal: AbortSignal
  },
): Promise<void> {
  let bytes = 0
  const folders = new Set(['.'])
  for (const file of tree.files) {
    signal.throwIfAborted()
    const parent = posix.dirname(file.path)
    if (!folders.has(parent)) await disk.mkdir(join(folder, parent), { recursive: true })
    folders.add(parent)
    if (file.kind === 'link') {
      const target = (await bytesOf(tree, file)).toString('utf8')
      await disk.symlink(target, join(folder, file.path))
    } else {
      await writeFile(disk, join(folder, file.path), file, tree)
    }
    bytes += file.sizeBytes
    onBytes(bytes)
  }
  const handle = await disk.open(join(folder, NOTE), 'wx', 0o644)
  try {
    await handle.writeFile(`${JSON.stringify(note, null, 2)}\n`)
  } finally {
    await handle.close()
  }
}

export async function readNote(disk: Disk, folder: string): Promise<CodeNote | null> {
  const text = await readIfThere(disk, join(folder, NOTE))
  return text === null ? null : (JSON.parse(text) as CodeNote)
}

export async function readManifest(disk: Disk, folder: string): Promise<Manifest> {
  return parseManifest(await readIfThere(disk, join(folder, MANIFEST)))
}

/** For people: what the release is called. */
export const nameOf = ({ title, version }: Pick<LayerRelease, 'title' | 'version'>): string =>
  `${title} ${version}`

async function writeFile(disk: Disk, path: string, file: TreeFile, tree: CodeTree): Promise<void> {
  const handle = await disk.open(path, 'wx', file.kind === 'executable' ? 0o755 : 0o644)
  try {
    let at = 0
    for await (const piece of tree.read(file)) {
      for (let from = 0; from < piece.length; ) {
        const { bytesWritten } = await handle.write(piece, from, piece.length - from, at)
        from += bytesWritten
        at += bytesWritten
      }
    }
  } finally {
    await handle.close()
  }
}

async function bytesOf(tree: CodeTree, file: TreeFile): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of tree.read(file)) {
    length += piece.length
    if (length > MAX_READ_WHOLE) throw new UpdateFailed(`${file.path} is too long`, 'image')
    pieces.push(piece)
  }
  return Buffer.concat(pieces)
}

const MAX_READ_WHOLE = 1_048_576
