/**
 * The clients that speak hawkBit's device language, and what each of them can take: one table, so that an operator
 * hears of a limit before a device runs into it. Each fact with its source in docs/dialects/hawkbit.md.
 */
import type { JsonObject } from './device.ts'
import { DomainError } from './errors.ts'
import { COMPONENT_TYPE_PATTERN, type ComponentType, nameOf, type Release } from './release.ts'

/** SWUpdate; RAUC's updater; Zephyr's client; whoever else speaks it. */
export const CLIENT_KINDS = ['swupdate', 'rauc', 'zephyr', 'ddi'] as const
export type ClientKind = (typeof CLIENT_KINDS)[number]

/** What proves that an update has come to stay, the strongest last: its own word, that the device comes again, or the version it tells. */
export const PROOFS_OF_LIFE = ['report', 'next-poll', 'version-attribute'] as const
export type ProofOfLife = (typeof PROOFS_OF_LIFE)[number]

export interface ClientLimits {
  /** What a person calls it. */
  readonly name: string
  /** Releases it takes at a time, each as a chunk of one file. */
  readonly chunks: number
  /** Of file names it takes, and the one that must be among them; null for any. */
  readonly endings: { readonly any: readonly string[]; readonly needed: string } | null
  /** Of the path of a download, from the tenant on; null for no limit that matters. */
  readonly pathLength: number | null
  /** Whether it can be told to leave an update for later: SWUpdate takes that for done. */
  readonly canSkip: boolean
  /** Whether it can fetch an update without installing it. */
  readonly canDownloadOnly: boolean
  /** Whether it goes to another host for a file when it is sent there. */
  readonly canFollow: boolean
  /** Whether somebody at the device can be asked. */
  readonly canConfirm: boolean
  /** What is believed unless the profile says otherwise. */
  readonly confirmedBy: ProofOfLife
}

export const CLIENT_LIMITS: Readonly<Record<ClientKind, ClientLimits>> = {
  swupdate: {
    name: 'SWUpdate',
    chunks: 64,
    endings: { any: ['.swu', '.zck'], needed: '.swu' },
    pathLength: null,
    canSkip: false,
    canDownloadOnly: false,
    canFollow: true,
    canConfirm: false,
    // It reports after its reboot.
    confirmedBy: 'report',
  },
  rauc: {
    name: 'rauc-hawkbit-updater',
    chunks: 1,
    endings: null,
    pathLength: null,
    canSkip: true,
    canDownloadOnly: true,
    canFollow: true,
    canConfirm: false,
    // It reports before its reboot.
    confirmedBy: 'next-poll',
  },
  zephyr: {
    name: "Zephyr's hawkBit client",
    chunks: 1,
    endings: null,
    pathLength: 199,
    canSkip: false,
    canDownloadOnly: false,
    // Any answer but 200 is an error to it.
    canFollow: false,
    canConfirm: false,
    confirmedBy: 'report',
  },
  ddi: {
    name: 'A hawkBit client',
    chunks: 1,
    endings: null,
    pathLength: null,
    canSkip: true,
    canDownloadOnly: true,
    canFollow: true,
    canConfirm: true,
    confirmedBy: 'report',
  },
}

/** What an operator has said of the devices of a profile that speak hawkBit's language. */
export interface HawkbitSettings {
  /** Null: each is known by what it says of itself. */
  readonly client: ClientKind | null
  /** Whether a client of no known kind takes several releases at once. */
  readonly severalChunks: boolean
  /** Null: as is usual for the kind. */
  readonly confirmedBy: ProofOfLife | null
  /** The attribute by which a device tells what version it runs; null for none. */
  readonly versionAttribute: string | null
  /** Of what component that is. */
  readonly versionType: ComponentType
  /** Whether somebody at the device is asked before each update. */
  readonly needsConfirmation: boolean
  /** `attempt`: a device updates when it likes. */
  readonly handling: 'forced' | 'attempt'
  /** How often devices are to come while nothing is to be done; null as the server has it. */
  readonly pollSeconds: number | null
  /** Whether devices come in with tokens of their own. */
  readonly targetToken: boolean
  /** Whether the profile's provisioning key lets anybody in as any device of the profile. */
  readonly gatewayToken: boolean
  /** Fingerprints of authorities in whose name a trusted proxy vouches for devices. */
  readonly authorities: readonly string[]
}

export const STANDARD_HAWKBIT: HawkbitSettings = {
  client: null,
  severalChunks: false,
  confirmedBy: null,
  versionAttribute: null,
  versionType: 'firmware',
  needsConfirmation: false,
  handling: 'forced',
  pollSeconds: null,
  targetToken: true,
  gatewayToken: false,
  authorities: [],
}

const MIN_POLL_SECONDS = 1
const MAX_POLL_SECONDS = 86_399
const MAX_AUTHORITIES = 20
const MAX_TEXT_LENGTH = 128

/** Those settings after a change, checked. Refuses with settings.invalid. */
export function changedHawkbit(
  settings: HawkbitSettings,
  change: Partial<HawkbitSettings>,
): HawkbitSettings {
  const next = { ...settings, ...change }
  const { pollSeconds, versionAttribute, versionType, authorities, client } = next
  if (
    pollSeconds !== null &&
    !(
      Number.isSafeInteger(pollSeconds) &&
      pollSeconds >= MIN_POLL_SECONDS &&
      pollSeconds <= MAX_POLL_SECONDS
    )
  ) {
    throw invalid(
      `pollSeconds is a whole number from ${MIN_POLL_SECONDS} to ${MAX_POLL_SECONDS}, not ${pollSeconds}.`,
    )
  }
  if (versionAttribute !== null && !isText(versionAttribute)) {
    throw invalid(`A name of an attribute has 1 to ${MAX_TEXT_LENGTH} printable characters.`)
  }
  if (!COMPONENT_TYPE_PATTERN.test(versionType)) {
    throw invalid(
      `"${versionType}" is not a component type; use a lower-case name such as firmware.`,
    )
  }
  if (next.confirmedBy === 'version-attribute' && versionAttribute === null) {
    throw invalid('An update is proven by the version attribute only where that is named.')
  }
  if (authorities.length > MAX_AUTHORITIES || !authorities.every(isText)) {
    throw invalid(
      `There are at most ${MAX_AUTHORITIES} authorities, each a text of 1 to ${MAX_TEXT_LENGTH} characters.`,
    )
  }
  if (next.needsConfirmation && client !== null && !CLIENT_LIMITS[client].canConfirm) {
    throw invalid(`${CLIENT_LIMITS[client].name} cannot ask anybody for a confirmation.`)
  }
  return { ...next, authorities: [...new Set(authorities.map((each) => each.toLowerCase()))] }
}

const isText = (text: string): boolean =>
  text.trim() !== '' && text.length <= MAX_TEXT_LENGTH && /^[\x20-\x7e]+$/.test(text)

const invalid = (message: string) => new DomainError('settings.invalid', message)

/**
 * The kind a client's headers tell. SWUpdate's User-Agent is that of a library, so that it is but suspected; Zephyr has
 * none, nor does it say what it takes.
 */
export function clientByHeaders({
  userAgent,
  accept,
}: {
  readonly userAgent: string | undefined
  readonly accept: string | undefined
}): { readonly kind: ClientKind; readonly version: string | null } {
  if (userAgent === undefined && (accept === undefined || accept === 'application/cbor')) {
    return { kind: 'zephyr', version: null }
  }
  const [, name = '', version = null] = /^([^/\s]*)(?:\/(\S{1,64}))?/.exec(userAgent ?? '') ?? []
  return { kind: kindOfName(name.toLowerCase()), version }
}

function kindOfName(name: string): ClientKind {
  if (name.startsWith('rauc-hawkbit')) return 'rauc'
  if (name.includes('zephyr')) return 'zephyr'
  return name === 'libcurl-agent' || name === 'swupdate' ? 'swupdate' : 'ddi'
}

/** What kind of client a device is; null for one that never spoke that language and of which nobody says that it does. */
export function clientKindOf(
  settings: Pick<HawkbitSettings, 'client'> | null,
  inventory: JsonObject,
): ClientKind | null {
  if (settings?.client) return settings.client
  const { hawkbit } = inventory
  const told = hawkbit && typeof hawkbit === 'object' && 'client' in hawkbit ? hawkbit.client : null
  return CLIENT_KINDS.find((kind) => kind === told) ?? null
}

/** So many releases it is told of at once. */
export const chunksOf = (kind: ClientKind, { severalChunks }: HawkbitSettings): number =>
  kind === 'ddi' && severalChunks ? MAX_CHUNKS : CLIENT_LIMITS[kind].chunks

const MAX_CHUNKS = 64

/** What counts of a release for what a client can take. */
export type Told = Pick<Release, 'title' | 'version' | 'artifact'>

/**
 * Why a client of that kind cannot be given those releases together, in a sentence for an operator; null when it can.
 * `basePath`: where its addresses begin, by which some are too long.
 */
export function clientRefusal(
  kind: ClientKind,
  releases: readonly Told[],
  {
    settings = STANDARD_HAWKBIT,
    basePath = '',
    isDownloadOnly = false,
  }: {
    readonly settings?: HawkbitSettings
    readonly basePath?: string
    readonly isDownloadOnly?: boolean
  } = {},
): string | null {
  const { name, endings, pathLength, canDownloadOnly } = CLIENT_LIMITS[kind]
  if (isDownloadOnly && !canDownloadOnly) {
    return `${name} cannot download an update without installing it.`
  }
  const most = chunksOf(kind, settings)
  if (releases.length > most) {
    return `${name} takes ${most === 1 ? 'one release' : `${most} releases`} at a time, not ${releases.length}.`
  }
  for (const release of releases) {
    if (!release.artifact) {
      return `${nameOf(release)} has no file here, of which ${name} must be told a SHA-1.`
    }
    const { fileName } = release.artifact
    if (endings && !endings.any.some((ending) => fileName.endsWith(ending))) {
      return `${name} takes files that end in ${endings.any.join(' or ')}, not ${fileName}.`
    }
    const path = `${basePath}${DOWNLOAD_PATH}${encodeURIComponent(fileName)}`
    if (pathLength !== null && path.length > pathLength) {
      return `${name} takes a path of ${pathLength} characters; that of ${fileName} has ${path.length}.`
    }
  }
  const { needed = null } = endings ?? {}
  if (
    needed !== null &&
    releases.length > 0 &&
    !releases.some(({ artifact }) => artifact?.fileName.endsWith(needed))
  ) {
    return `${name} needs a file that ends in ${needed}; there is none in ${releases.map(nameOf).join(', ')}.`
  }
  return null
}

/**
 * Which of several parts make up one chunk, the one that is installed last in each. SWUpdate refuses a chunk without a
 * file of the kind it needs, so that what only lies beside goes before the first that has one.
 */
export function chunked<T extends { readonly release: Told }>(
  kind: ClientKind,
  parts: readonly T[],
): readonly (readonly T[])[] {
  const needed = CLIENT_LIMITS[kind].endings?.needed ?? ''
  const isWhole = ({ release }: T) => release.artifact?.fileName.endsWith(needed) ?? true
  const [first, ...others] = parts.filter(isWhole)
  if (!first) return parts.map((part) => [part])
  const beside = parts.filter((part) => !isWhole(part))
  return [[...beside, first], ...others.map((part) => [part])]
}

/**
 * Why a device cannot be told to fetch an update and install nothing: by its client, or by the language it speaks. Null
 * when it can, or nobody knows yet.
 */
export function downloadOnlyRefusal(
  kind: ClientKind | null,
  dialect: string | null,
): string | null {
  if (kind !== null) return clientRefusal(kind, [], { isDownloadOnly: true })
  if (dialect === null || dialect === HAWKBIT_DIALECT) return null
  return `The device speaks ${dialect}, which has no word for a download without an installation.`
}

/** The language those clients speak. */
export const HAWKBIT_DIALECT = 'hawkbit'

/** As long as it can be. */
const DOWNLOAD_PATH = '/softwaremodules/2147483647/artifacts/'
