/**
 * Boxes: gateways that fetch the drivers they run, their handlers, as one archive from the server they are configured with.
 * A release of the component type `handlers` is such an archive.
 */
import type { Device } from './device.ts'
import { DomainError } from './errors.ts'
import { isInstalled, type Release } from './release.ts'
import type { Snapshot } from './update/snapshot.ts'
import { STATES } from './update/states.ts'

export const HANDLERS = 'handlers'

/** Raspberry Pi, or Windows. */
export const BOX_PLATFORMS = ['L', 'W'] as const
export type BoxPlatform = (typeof BOX_PLATFORMS)[number]

/**
 * What a box runs by what it was sent: it says nothing of its handlers, but one that had all of them and announces
 * itself has begun with them.
 */
export function begunWith({ components }: Snapshot): Pick<Release, 'title' | 'version'> | null {
  const underWay = components[HANDLERS]?.underWay
  if (!underWay || STATES.indexOf(underWay.state) < STATES.indexOf('DOWNLOADED')) return null
  return { title: underWay.title, version: underWay.version }
}

/** Whether what it was given last is what it runs: it may be given that again, as it may have lost it. */
export const hasStill = (
  { installed }: Pick<Device, 'installed'>,
  release: Pick<Release, 'title' | 'version' | 'type'>,
): boolean => release.type === HANDLERS && isInstalled(release, installed[HANDLERS])

/** Where the boxes of a profile reach the server, and which series of their code they are to follow. */
export interface BoxServer {
  /** Scheme and host, and a port where it is another than usual. */
  readonly url: string
  readonly series: string
}

/** `17.0`, `saas~17.4` or `master`. */
const SERIES = /^((saas[~-])?\d{1,3}\.\d{1,3}|master)$/

/** Refuses with box.invalid. */
export function checkedBoxServer({ url, series }: BoxServer): BoxServer {
  const parsed = URL.parse(url.trim())
  if (!parsed || !/^https?:$/.test(parsed.protocol) || parsed.username || parsed.password) {
    throw invalid(`"${url}" is not a URL that begins with http:// or https://.`)
  }
  if (parsed.pathname !== '/' || parsed.search || parsed.hash) {
    throw invalid('A box keeps scheme and host of a URL only: leave out what comes after it.')
  }
  // A box takes no token that sends it to itself.
  if (parsed.hostname === 'localhost') throw invalid('A box refuses to be sent to "localhost".')
  const wanted = series.trim()
  if (!SERIES.test(wanted)) {
    throw invalid(`"${series}" is not a series such as 17.0, saas~17.4 or master.`)
  }
  return { url: parsed.origin, series: wanted.replace('saas-', 'saas~') }
}

/** The host as a request names it. */
export const hostOf = ({ url }: Pick<BoxServer, 'url'>): string => new URL(url).host.toLowerCase()

/**
 * What is pasted into a box so that it comes here: with pipes until 17.0, as a URL from 18.0 on. The key of the profile is
 * its token. A box takes neither without a contract's code, and asks nobody here for it.
 */
export function boxTokens(
  { url }: Pick<BoxServer, 'url'>,
  { tenantId, key }: { readonly tenantId: string; readonly key: string },
): { readonly pipes: string | null; readonly url: string } {
  const asUrl = new URL(url)
  asUrl.searchParams.set('token', key)
  asUrl.searchParams.set('db_uuid', tenantId)
  asUrl.searchParams.set('enterprise_code', NO_CONTRACT)
  const pipes = key.includes('|') ? null : [url, key, tenantId, NO_CONTRACT].join('|')
  return { pipes, url: asUrl.href }
}

const NO_CONTRACT = 'none'

/** What stands at the top of an archive of handlers. */
export const HANDLER_FOLDERS = ['drivers', 'interfaces', 'lib'] as const

export const HANDLER_LIMITS = {
  archiveBytes: 32 * 1024 * 1024,
  unpackedBytes: 128 * 1024 * 1024,
  entries: 10_000,
  pathLength: 255,
} as const

/** An entry of an archive, as it is listed there. */
export interface HandlerEntry {
  readonly path: string
  readonly sizeBytes: number
  readonly isEncrypted: boolean
  /** The file type of Unix, where the archive tells it: 0o100000 for a file, 0o120000 for a symbolic link. */
  readonly fileType: number
}

/**
 * The files of an archive in the order in which they are sent; folders are left out. Refuses with handlers.invalid what no
 * box should unpack.
 */
export function checkedHandlers(entries: readonly HandlerEntry[]): readonly HandlerEntry[] {
  if (entries.length > HANDLER_LIMITS.entries) {
    throw refused(`It holds more than ${HANDLER_LIMITS.entries} files.`)
  }
  const unpacked = entries.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  if (unpacked > HANDLER_LIMITS.unpackedBytes) {
    throw refused(`Unpacked it has ${unpacked} bytes, more than ${HANDLER_LIMITS.unpackedBytes}.`)
  }
  for (const entry of entries) refuseUnfit(entry)
  const files = entries.filter(({ path }) => !path.endsWith('/'))
  const seen = new Set<string>()
  for (const { path } of files) {
    // Boxes on Windows do not tell letter cases apart.
    const key = path.toLowerCase()
    if (seen.has(key)) throw refused(`"${path}" is in it twice.`)
    seen.add(key)
  }
  if (!files.some(({ path }) => /^(drivers|interfaces)\//.test(path))) {
    throw refused('There is no file in drivers/ or interfaces/.')
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

const SYMBOLIC_LINK = 0o120000
const PLAIN_TYPES: ReadonlySet<number> = new Set([0, 0o100000, 0o040000])

function refuseUnfit({ path, isEncrypted, fileType }: HandlerEntry): void {
  const shown = JSON.stringify(path.slice(0, 100))
  if (path.length > HANDLER_LIMITS.pathLength) throw refused(`The path ${shown}… is too long.`)
  const parts = path.replace(/\/$/, '').split('/')
  if (/[\\:\p{Cc}]/u.test(path) || parts.some((part) => /^\.*$/.test(part))) {
    throw refused(`${shown} does not stay within its folder, or not everywhere.`)
  }
  if (fileType === SYMBOLIC_LINK) throw refused(`${shown} is a symbolic link.`)
  if (!PLAIN_TYPES.has(fileType)) throw refused(`${shown} is no plain file.`)
  if (isEncrypted) throw refused(`${shown} is encrypted.`)
  const isInFolder = HANDLER_FOLDERS.some((folder) => path.startsWith(`${folder}/`))
  if (!isInFolder) {
    throw refused(`${shown} is outside of ${HANDLER_FOLDERS.join('/, ')}/, which stand at its top.`)
  }
}

/**
 * Whether a file of an archive is for that system: the last letter of its name without the extension says so, and of
 * libraries nothing does. The oldest boxes load whatever they are given.
 */
export function isForPlatform(path: string, platform: BoxPlatform): boolean {
  if (path.startsWith('lib/')) return true
  const file = path.split('/').at(-1) ?? ''
  const dot = file.lastIndexOf('.')
  const stem = dot > 0 ? file.slice(0, dot) : file
  return !stem.endsWith(platform === 'L' ? 'W' : 'L')
}

const invalid = (message: string) => new DomainError('box.invalid', message)

/** Why an archive is none that a box should be given. */
export const refused = (why: string): DomainError =>
  new DomainError('handlers.invalid', `The file is no archive of handlers. ${why}`)
