/**
 * The files of a release before they are written: what is listed in a tree of git or in an archive, and whether all
 * of it stays within the release's own folder.
 */
import { posix } from 'node:path'
import { UpdateFailed } from '../../trouble.ts'

export interface TreeFile {
  /** Relative, with slashes. */
  readonly path: string
  readonly kind: 'file' | 'executable' | 'link'
  readonly sizeBytes: number
}

/** All files of one commit or archive, and their bytes on demand. */
export interface CodeTree<F extends TreeFile = TreeFile> {
  readonly files: readonly F[]
  /** Throws when what comes is not what is listed. Of a link: where it leads to. */
  read(file: F): AsyncIterable<Buffer>
}

/** So many files are a mistake, or an attack on the disk's list of files. */
export const MAX_FILES = 500_000
const MAX_PATH_BYTES = 1_024
const MAX_LINK_BYTES = 1_024

/** Refuses a list of which a file could lie outside, or on top of another. */
export function refuseUnsafe(files: readonly TreeFile[], platform: NodeJS.Platform): void {
  if (files.length > MAX_FILES) throw unsafe(`it lists ${files.length} files`)
  const isCaseBlind = platform === 'win32' || platform === 'darwin'
  const keyOf = (path: string) => (isCaseBlind ? path.toLowerCase() : path)
  const seen = new Set<string>()
  for (const { path } of files) {
    refuseUnsafePath(path, platform)
    if (seen.has(keyOf(path))) throw unsafe(`${shown(path)} is listed twice`)
    seen.add(keyOf(path))
  }
  for (const { path } of files) {
    for (let folder = posix.dirname(path); folder !== '.'; folder = posix.dirname(folder)) {
      if (seen.has(keyOf(folder))) throw unsafe(`${shown(folder)} is a file and a folder`)
    }
  }
}

/** Refuses what does not name a file below the folder by plain names. */
export function refuseUnsafePath(path: string, platform: NodeJS.Platform): void {
  if (path === '' || Buffer.byteLength(path) > MAX_PATH_BYTES) {
    throw unsafe(`${shown(path)} is no name, or too long`)
  }
  for (const name of path.split('/')) {
    const isPlain =
      !['', '.', '..'].includes(name) &&
      name.toLowerCase() !== '.git' &&
      !/[\\\0\ufffd]/.test(name) &&
      (platform !== 'win32' || isPlainOnWindows(name))
    if (!isPlain) throw unsafe(`${shown(path)} does not stay in its folder`)
  }
}

/**
 * Refuses a link that leads out. `..` may stand at its front only: after the name of another link it would be taken
 * from where that one leads to.
 */
export function refuseLeadingOut(path: string, target: string): void {
  const steps = target.split('/')
  const firstName = steps.findIndex((step) => step !== '..' && step !== '.')
  const front = firstName < 0 ? steps : steps.slice(0, firstName)
  const up = front.filter((step) => step === '..').length
  const depth = path.split('/').length - 1
  const staysInside =
    target !== '' &&
    Buffer.byteLength(target) <= MAX_LINK_BYTES &&
    !/^[/\\]|^[a-z]:|[\\\0]/i.test(target) &&
    up <= depth &&
    !steps.slice(front.length).includes('..')
  if (!staysInside) throw unsafe(`the link ${shown(path)} leads out of its folder`)
}

/** Whether the file is among those that are wanted; an empty list means all. */
export const isWanted = (path: string, wanted: readonly string[]): boolean =>
  wanted.length === 0 ||
  !path.includes('/') ||
  wanted.some((each) => path === each || path.startsWith(`${each}/`))

/** Whether something wanted may lie in that folder. */
export const mayHoldWanted = (folder: string, wanted: readonly string[]): boolean =>
  wanted.length === 0 ||
  wanted.some(
    (each) => each === folder || each.startsWith(`${folder}/`) || folder.startsWith(`${each}/`),
  )

const isPlainOnWindows = (name: string): boolean =>
  !/[<>:"|?*\p{Cc}]|[. ]$/u.test(name) && !/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(name)

const shown = (path: string): string => JSON.stringify(path.slice(0, 200))

const unsafe = (what: string) => new UpdateFailed(`the code is refused: ${what}`, 'image')
