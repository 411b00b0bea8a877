/**
 * What is in the folder of a release: every file with its size and its SHA-256, as the disk gives it back. The listing
 * lies in the folder as its mark of being complete.
 */
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { type Disk, readIfThere, syncFolder, writeDurably } from '../disk.ts'
import { codeOf, UpdateFailed } from '../trouble.ts'

export interface ListedFile {
  /** From the top of the release, with slashes on every system. */
  readonly path: string
  readonly sizeBytes: number
  /** Of a link: of where it leads to, as it stands there. */
  readonly sha256: string
  readonly isLink?: true
}

export type Listing = readonly ListedFile[]

/** Its presence says that the release is whole. It is written when everything else is on the medium. */
export const MARK = '.complete'
const FORMAT = 'updraft-release-1'
const READ_BYTES = 262_144

/** The files and links of the folder, in the order of their paths. Refuses what is none of these, nor a folder. */
export async function listingOf(disk: Disk, folder: string): Promise<Listing> {
  const { files, links } = await tree(disk, folder)
  const listed: ListedFile[] = []
  for (const path of files) listed.push({ path, ...(await sumOf(disk, join(folder, path))) })
  for (const path of links) {
    listed.push({ path, ...(await sumOfLink(disk, join(folder, path))), isLink: true })
  }
  return listed.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Brings everything in the folder to the medium: what the files hold, then the names, then the folder's own. */
export async function syncTree(disk: Disk, folder: string): Promise<void> {
  const { files, folders } = await tree(disk, folder)
  for (const path of files) {
    // Windows syncs only what is open for writing.
    const file = await disk.open(join(folder, path), 'r+')
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }
  for (const path of folders.toReversed()) await syncFolder(disk, join(folder, path))
}

export async function writeMark(disk: Disk, folder: string, listing: Listing): Promise<void> {
  const body = JSON.stringify(listing)
  await writeDurably(disk, join(folder, MARK), `${FORMAT} ${sha256(body)}\n${body}\n`)
}

/** What the mark says is there; null without a mark, or with one that is damaged itself. */
export async function readMark(disk: Disk, folder: string): Promise<Listing | null> {
  const text = await readIfThere(disk, join(folder, MARK))
  if (text === null) return null
  const [head, body = ''] = text.split('\n')
  return head === `${FORMAT} ${sha256(body)}` ? (JSON.parse(body) as Listing) : null
}

/**
 * What is wrong with the release, for people, or null: every file that its mark names is read again. Files beside them do
 * not count: a program may leave some.
 */
export async function troubleWith(disk: Disk, folder: string): Promise<string | null> {
  const listing = await readMark(disk, folder).catch(() => null)
  if (!listing) return 'it is not there as a whole'
  for (const { path, isLink, ...said } of listing) {
    try {
      const found = await (isLink ? sumOfLink : sumOf)(disk, join(folder, path))
      if (found.sizeBytes === said.sizeBytes && found.sha256 === said.sha256) continue
      return `${path} is not what it was`
    } catch (error) {
      return codeOf(error) === 'ENOENT'
        ? `${path} is missing`
        : `${path} cannot be read (${codeOf(error) ?? 'unknown'})`
    }
  }
  return null
}

/** Paths from the folder on; each folder comes before what is in it, the folder itself as ''. */
async function tree(
  disk: Disk,
  top: string,
): Promise<{ files: string[]; links: string[]; folders: string[] }> {
  const files: string[] = []
  const links: string[] = []
  const folders: string[] = ['']
  for (const folder of folders) {
    for (const entry of await disk.readdir(join(top, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isSymbolicLink()) links.push(path)
      else if (!entry.isFile()) throw new UpdateFailed(`${path} is neither a file nor a folder`)
      else if (path !== MARK && path !== `${MARK}.tmp`) files.push(path)
    }
  }
  return { files: files.toSorted(), links, folders }
}

async function sumOfLink(disk: Disk, path: string): Promise<Omit<ListedFile, 'path'>> {
  const target = await disk.readlink(path)
  return { sizeBytes: Buffer.byteLength(target), sha256: sha256(target) }
}

async function sumOf(disk: Disk, path: string): Promise<Omit<ListedFile, 'path'>> {
  const hash = createHash('sha256')
  const file = await disk.open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    for (let sizeBytes = 0; ; ) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, sizeBytes)
      if (bytesRead === 0) return { sizeBytes, sha256: hash.digest('hex') }
      hash.update(buffer.subarray(0, bytesRead))
      sizeBytes += bytesRead
    }
  } finally {
    await file.close()
  }
}

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
