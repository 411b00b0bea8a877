import { COMPONENT_TYPE_PATTERN, type ComponentType, type Installed } from './component.ts'
import { DomainError } from './errors.ts'
import { checkedNeeds, type Needs } from './needs.ts'
import { remembered } from './remembered.ts'
import { parseRequirement, type Requirement } from './requirement.ts'

export * from './component.ts'

/** The checksum algorithms, spelled as ThingsBoard spells them (docs/dialects/thingsboard.md, "Checksums"). */
export const CHECKSUM_ALGORITHMS = [
  'MD5',
  'SHA256',
  'SHA384',
  'SHA512',
  'CRC32',
  'MURMUR3_32',
  'MURMUR3_128',
] as const

export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number]

/** Hex digits of a digest. */
const DIGEST_LENGTHS: Readonly<Record<ChecksumAlgorithm, number>> = {
  MD5: 32,
  SHA256: 64,
  SHA384: 96,
  SHA512: 128,
  CRC32: 8,
  MURMUR3_32: 8,
  MURMUR3_128: 32,
}

/** The algorithm of that name in any letter case; refuses with artifact.unknown-algorithm. */
export function checksumAlgorithm(name: string): ChecksumAlgorithm {
  const found = CHECKSUM_ALGORITHMS.find((algorithm) => algorithm === name.toUpperCase())
  if (found) return found
  throw new DomainError(
    'artifact.unknown-algorithm',
    `Checksum algorithm "${name}" is not known. Known are ${CHECKSUM_ALGORITHMS.join(', ')}.`,
    { algorithm: name },
  )
}

/** Text fields of a release are at most this long, as ThingsBoard's are. */
export const MAX_TEXT_LENGTH = 255
const MAX_REQUIREMENT_LENGTH = 1024

/** Bytes kept here: named by their SHA-256, with the checksum the operator chose to publish. */
export interface ArtifactDescription {
  readonly sha256: string
  readonly sizeBytes: number
  readonly fileName: string
  readonly contentType: string
}

/** One version of a package (its title). Immutable once created, but for its description. */
export interface Release {
  readonly id: string
  /** The profile it is made for; null for what an operator brings to one device by hand. */
  readonly profileId: string | null
  readonly title: string
  readonly version: string
  readonly type: ComponentType
  readonly tag: string | null
  readonly description: string | null
  readonly checksumAlgorithm: ChecksumAlgorithm | null
  /** Lower-case hex in the byte order of docs/dialects/thingsboard.md. */
  readonly checksum: string | null
  /** Known for files kept here, and for a URL when the operator told it. */
  readonly sizeBytes: number | null
  readonly artifact: ArtifactDescription | null
  readonly externalUrl: string | null
  /** Which installed versions the release may start from, or null for any. */
  readonly requirement: string | null
  /** What other components have to run for it. */
  readonly needs: Needs
  readonly createdAt: Date
}

/**
 * Whether what is installed is exactly that release: title and version are compared as text. A device that tells no
 * title is known by its version alone.
 */
export const isInstalled = (
  release: { title: string; version: string },
  installed: Installed | undefined,
): boolean =>
  installed !== undefined &&
  installed.version === release.version &&
  (installed.title === null || installed.title === release.title)

/** What an operator says of a new release; `artifact` is what the upload answered, if there was one. */
export interface ReleaseDraft {
  readonly profileId: string | null
  readonly title: string
  readonly version: string
  readonly type: ComponentType
  readonly tag?: string | null
  readonly description?: string | null
  readonly checksumAlgorithm?: ChecksumAlgorithm | null
  readonly checksum?: string | null
  readonly sizeBytes?: number | null
  readonly artifact?: ArtifactDescription | null
  readonly externalUrl?: string | null
  readonly requirement?: string | null
  readonly needs?: Needs
}

/**
 * The release a draft describes, checked. Refuses with release.invalid, release.no-content or
 * version.invalid-requirement. Title and version may be any text: a version that is no SemVer is fine, it is
 * just never ordered.
 */
export function createRelease(draft: ReleaseDraft, id: string, now: Date): Release {
  const title = requiredText('title', draft.title)
  const version = requiredText('version', draft.version)
  const tag = optionalText('tag', draft.tag)
  const externalUrl = optionalText('external URL', draft.externalUrl, 2048)
  const artifact = draft.artifact ?? null
  if (!COMPONENT_TYPE_PATTERN.test(draft.type)) {
    throw invalid(
      `Component type "${draft.type}" is not a lower-case name such as firmware or software.`,
    )
  }
  if (artifact && externalUrl)
    throw invalid('A release has either a file or an external URL, not both.')
  if (!artifact && !externalUrl) {
    throw new DomainError('release.no-content', 'A release needs a file or an external URL.')
  }
  if (externalUrl && !/^(https?|coaps?|ftp):\/\/\S+$/i.test(externalUrl)) {
    throw invalid(`"${externalUrl}" is not a URL a device could fetch from.`)
  }
  const requirement = optionalText('requirement', draft.requirement, MAX_REQUIREMENT_LENGTH)
  if (requirement) parseRequirement(requirement)
  const sizeBytes = artifact?.sizeBytes ?? draft.sizeBytes ?? null
  if (sizeBytes !== null && !(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0)) {
    throw invalid('The size is a whole number of bytes.')
  }
  return {
    id,
    profileId: draft.profileId,
    title,
    version,
    type: draft.type,
    tag,
    description: optionalText('description', draft.description, 65_536),
    ...checkedChecksum(draft),
    sizeBytes,
    artifact,
    externalUrl,
    requirement,
    needs: checkedNeeds(draft.type, draft.needs ?? {}),
    createdAt: now,
  }
}

function checkedChecksum({
  checksumAlgorithm,
  checksum,
}: ReleaseDraft): Pick<Release, 'checksumAlgorithm' | 'checksum'> {
  if (Boolean(checksum) !== Boolean(checksumAlgorithm)) {
    throw invalid('A checksum and its algorithm go together.')
  }
  if (!checksum || !checksumAlgorithm) return { checksumAlgorithm: null, checksum: null }
  const digits = DIGEST_LENGTHS[checksumAlgorithm]
  if (checksum.length !== digits || !/^[0-9a-f]+$/i.test(checksum)) {
    throw invalid(`A ${checksumAlgorithm} checksum is written as ${digits} hex digits.`)
  }
  return { checksumAlgorithm, checksum: checksum.toLowerCase() }
}

/** A requirement as it was written, read. */
export const requirementOf: (text: string) => Requirement = remembered(parseRequirement)

function requiredText(field: string, value: string): string {
  const text = optionalText(field, value)
  if (text === null) throw invalid(`A release needs a ${field}.`)
  return text
}

function optionalText(
  field: string,
  value: string | null | undefined,
  maxLength = MAX_TEXT_LENGTH,
): string | null {
  const text = value?.trim() ?? ''
  if (text === '') return null
  if (text.length > maxLength) {
    throw invalid(`The ${field} is longer than ${maxLength} characters.`)
  }
  if (/[\p{Cc}\p{Cs}]/u.test(field === 'description' ? text.replace(/[\n\r\t]/g, '') : text)) {
    throw invalid(`The ${field} holds control characters.`)
  }
  return text
}

const invalid = (message: string) => new DomainError('release.invalid', message)
