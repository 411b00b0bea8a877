/** A release as an operator describes it, made ready: its file is known here, and the checksum it publishes computed. */
import {
  type ChecksumAlgorithm,
  checksumAlgorithm,
  createRelease,
  DomainError,
  HANDLERS,
  type Needs,
  type OperatorActor,
  type Release,
} from '@updraft/core'
import type {
  ArtifactStore,
  Clock,
  HandlerArchives,
  Ids,
  StoredArtifact,
  UnitOfWork,
} from './ports.ts'

export const DEFAULT_ALGORITHM: ChecksumAlgorithm = 'SHA256'
const DEFAULT_CONTENT_TYPE = 'application/octet-stream'
/** As RFC 9110, section 8.3, spells media types; it is sent as a header to whoever downloads. */
const CONTENT_TYPE =
  /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=("[ !#-~]*"|[\w!#$&^.+-]+))*$/

/** What an operator says of it: of an uploaded artifact (`sha256`) or of a file elsewhere (`url`). */
export interface ReleaseDescription {
  readonly title: string
  readonly version: string
  readonly type: string
  readonly tag?: string
  readonly description?: string
  readonly sha256?: string
  readonly fileName?: string
  readonly contentType?: string
  readonly url?: string
  readonly sizeBytes?: number
  readonly checksumAlgorithm?: string
  readonly checksum?: string
  readonly requirement?: string
  readonly needs?: Needs
}

/** Made for that profile, or for none. */
export type Making = (profileId: string | null) => Release

/**
 * Refuses with artifact.unknown, artifact.unknown-algorithm, artifact.checksum-mismatch or handlers.invalid; the making of it with
 * release.invalid or release.no-content.
 */
export type Describe = (actor: OperatorActor, description: ReleaseDescription) => Promise<Making>

export function describedRelease({
  archives,
  artifacts,
  clock,
  ids,
  unitOfWork,
}: {
  archives: Pick<HandlerArchives, 'check'>
  artifacts: Pick<ArtifactStore, 'checksum'>
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}): Describe {
  /** The checksum the release publishes: of the algorithm asked for, computed unless it is known. */
  const checksumOf = async (
    artifact: StoredArtifact,
    algorithm: ChecksumAlgorithm,
    expected: string | undefined,
  ): Promise<string> => {
    const checksum =
      artifact.checksums[algorithm] ?? (await artifacts.checksum(artifact.sha256, algorithm))
    if (expected && expected.toLowerCase() !== checksum) {
      throw new DomainError(
        'artifact.checksum-mismatch',
        `The file's ${algorithm} is ${checksum}, not ${expected}.`,
        { algorithm, checksum },
      )
    }
    return checksum
  }

  return async (actor, said) => {
    const algorithm =
      said.checksumAlgorithm || said.sha256 || said.checksum
        ? checksumAlgorithm(said.checksumAlgorithm || DEFAULT_ALGORITHM)
        : null
    const sha256 = said.sha256?.toLowerCase()
    const artifact = sha256
      ? await unitOfWork(actor, ({ catalogue }) => catalogue.artifact(sha256))
      : null
    if (artifact && said.type === HANDLERS) await archives.check(artifact.sha256)
    // Reading a large file through takes its time, so it is done outside the unit of work.
    const checksum =
      artifact && algorithm ? await checksumOf(artifact, algorithm, said.checksum) : said.checksum
    return (profileId) =>
      createRelease(
        {
          ...said,
          profileId,
          externalUrl: said.url,
          artifact: artifact && {
            sha256: artifact.sha256,
            sizeBytes: artifact.sizeBytes,
            fileName: said.fileName?.trim() || `${said.title}-${said.version}`,
            contentType: contentTypeOf(said),
          },
          checksumAlgorithm: checksum ? algorithm : null,
          checksum,
        },
        ids.next(),
        clock.now(),
      )
  }
}

function contentTypeOf({ contentType }: ReleaseDescription): string {
  const text = contentType?.trim() || DEFAULT_CONTENT_TYPE
  if (CONTENT_TYPE.test(text)) return text
  throw new DomainError('release.invalid', `"${text}" is not a content type such as image/png.`)
}
