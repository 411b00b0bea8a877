/** What a person says of a new package, what of it is sent, and beside which field a refusal belongs. */
import { ApiError, type Input } from '@updraft/api/client'
import type { Artifact } from '@updraft/api/shapes'
import { type ChecksumAlgorithm, checkedNeeds, DomainError } from '@updraft/core'

export interface Need {
  readonly type: string
  readonly wanted: string
}

export interface Draft {
  readonly source: 'file' | 'url'
  readonly url: string
  readonly title: string
  readonly version: string
  readonly profile: string | null
  readonly type: string
  readonly description: string
  /** Null until it is edited: title and version. */
  readonly tag: string | null
  readonly requirement: string
  /** What other components have to run for it; one that is not filled in does not count. */
  readonly needs: readonly Need[]
  readonly algorithm: ChecksumAlgorithm
  /** Compared with the file's own, which is made when this is empty. */
  readonly checksum: string
  /** Of a file elsewhere, where it is known. */
  readonly sizeBytes: number | null
}

export const EMPTY: Draft = {
  source: 'file',
  url: '',
  title: '',
  version: '',
  profile: null,
  type: 'firmware',
  description: '',
  tag: null,
  requirement: '',
  needs: [],
  algorithm: 'SHA256',
  checksum: '',
  sizeBytes: null,
}

export type Field = Exclude<keyof Draft, 'source' | 'algorithm' | 'sizeBytes'>

export const tagOf = ({ tag, title, version }: Draft): string =>
  tag ?? `${title.trim()} ${version.trim()}`.trim()

/** Whether all is said that must be. */
export const isSaid = ({ source, url, title, version, profile, type }: Draft): boolean =>
  [title, version, type, profile ?? '', source === 'url' ? url : '-'].every((text) => text.trim())

/** `file`: what was uploaded, for a package that is kept here. */
export function bodyOf(
  draft: Draft,
  file: { readonly artifact: Artifact; readonly name: string; readonly type: string } | null,
): Input<'createRelease'>['body'] {
  const { title, version, profile, type, description, requirement, algorithm } = draft
  const checksum = draft.checksum.trim() || undefined
  return {
    title,
    version,
    profile: profile ?? undefined,
    type: type.trim(),
    tag: tagOf(draft),
    description: description.trim() || undefined,
    requirement: requirement.trim() || undefined,
    needs: needsOf(draft),
    checksum,
    // Of a file that is not here none can be made.
    checksumAlgorithm: file || checksum ? algorithm : undefined,
    ...contentOf(draft, file),
  }
}

/** Why they are not taken; null if they are. The server refuses them in words that fit other fields as well. */
export function mistakeInNeeds(draft: Pick<Draft, 'type' | 'needs'>): string | null {
  try {
    checkedNeeds(draft.type.trim(), needsOf(draft) ?? {})
    return null
  } catch (error) {
    if (error instanceof DomainError) return error.message
    throw error
  }
}

function needsOf({ needs }: Pick<Draft, 'needs'>): Record<string, string> | undefined {
  const said = needs.filter(({ type, wanted }) => type.trim() !== '' && wanted.trim() !== '')
  if (said.length === 0) return undefined
  return Object.fromEntries(said.map(({ type, wanted }) => [type.trim(), wanted.trim()]))
}

/** Where the bytes are. */
export const contentOf = (
  { url, sizeBytes }: Pick<Draft, 'url' | 'sizeBytes'>,
  file: { readonly artifact: Artifact; readonly name: string; readonly type: string } | null,
) =>
  file
    ? { sha256: file.artifact.sha256, fileName: file.name, contentType: file.type || undefined }
    : { url: url.trim(), sizeBytes: sizeBytes ?? undefined }

const FIELD_OF_CODE: Readonly<Record<string, Field>> = {
  'artifact.checksum-mismatch': 'checksum',
  'artifact.unknown-algorithm': 'checksum',
  'profile.unknown': 'profile',
  'release.duplicate': 'version',
  'version.invalid-requirement': 'requirement',
}
/** Words of a refusal that tell what it is about, the most telling first. */
const FIELD_OF_WORD: readonly (readonly [word: RegExp, field: Field])[] = [
  [/\bURL\b/, 'url'],
  [/component type/i, 'type'],
  [/checksum/i, 'checksum'],
  [/requirement/i, 'requirement'],
  [/description/i, 'description'],
  [/\btag\b/i, 'tag'],
  [/\bversion\b/i, 'version'],
  [/\btitle\b/i, 'title'],
  [/\bprofile\b/i, 'profile'],
]

/** Null when it is about none of them. */
export function fieldOf(error: Error): Field | null {
  if (!(error instanceof ApiError)) return null
  const byCode = FIELD_OF_CODE[error.code]
  if (byCode) return byCode
  if (error.code !== 'release.invalid') return null
  return FIELD_OF_WORD.find(([word]) => word.test(error.message))?.[1] ?? null
}
