/** What an action of hawkBit's asks for, as offers: one for each chunk, and which of them is whose. */
import { createHash } from 'node:crypto'
import {
  type Artifact,
  type Chunk,
  componentTypeOf,
  type DeploymentDocument,
} from '@updraft/wire/hawkbit'
import type { Checksum, Offer } from '../uplink.ts'

/** As many ends as the journal remembers. */
export const MAX_CHUNKS = 16

/** Why this agent cannot do it, in a sentence; null when it can. */
export function refusalOf(chunks: readonly Chunk[]): string | null {
  if (chunks.length === 0) return 'The action holds nothing to install.'
  if (chunks.length > MAX_CHUNKS) {
    return `This agent takes ${MAX_CHUNKS} modules at a time, not ${chunks.length}.`
  }
  const types = chunks.map(({ part }) => componentTypeOf(part))
  const twice = types.find((type, index) => types.indexOf(type) !== index)
  if (twice !== undefined) return `This agent installs one ${twice} at a time, not several.`
  for (const chunk of chunks) {
    const { name, version, artifacts, encrypted } = chunk
    if (artifacts.length !== 1) {
      return `This agent takes modules of one file; ${name}@${version} has ${artifacts.length}.`
    }
    if (encrypted) return `${name}@${version} is encrypted, which this agent cannot undo.`
    if (addressOf(artifacts) === null) return `${name}@${version} has no address to fetch from.`
  }
  return null
}

/** Those of a document that is not refused. */
export const offersOf = (
  { id }: Pick<DeploymentDocument, 'id'>,
  chunks: readonly Chunk[],
): Offer[] =>
  chunks.flatMap(({ part, name, version, artifacts }) => {
    const [artifact] = artifacts
    if (!artifact) return []
    const type = componentTypeOf(part)
    const checksum = checksumOf(artifact)
    const print = createHash('sha256').update(JSON.stringify([name, version, checksum]))
    return {
      operation: [id, chunks.length, type, print.digest('hex').slice(0, 12)].join('/'),
      type,
      title: name,
      version,
      sizeBytes: artifact.size,
      checksum,
      address: addressOf(artifacts),
      isStanding: false,
    }
  })

/**
 * Of what action an offer is a part, and of how many parts. What it holds is in its name as well: a server that was set
 * up anew counts its actions from one again.
 */
export function partOfAction({ operation }: Pick<Offer, 'operation'>): {
  readonly actionId: string
  readonly parts: number
} {
  const [actionId = '', parts] = operation.split('/')
  return { actionId, parts: Number(parts) }
}

function addressOf([artifact]: readonly Artifact[]): string | null {
  const { download, 'download-http': overHttp } = artifact?._links ?? {}
  const href = (download ?? overHttp)?.href
  return href !== undefined && URL.canParse(href) ? href : null
}

function checksumOf({ hashes }: Artifact): Checksum | null {
  if (hashes.sha256) return { algorithm: 'SHA256', value: hashes.sha256 }
  if (hashes.sha1) return { algorithm: 'SHA1', value: hashes.sha1 }
  return hashes.md5 ? { algorithm: 'MD5', value: hashes.md5 } : null
}
