/** Software modules and the one artifact of each: a release in the making, and its file. */

import type { Release } from '@updraft/api/shapes'
import { DomainError } from '@updraft/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { refuseSecond } from '../../app/distribution-sets.ts'
import type { ArtifactDigests, SoftwareModule } from '../../app/ports.ts'
import { readMultipart } from '../multipart.ts'
import type { Asked } from './asked.ts'
import {
  checked,
  type Links,
  millis,
  numberIn,
  PageQuery,
  pagedList,
  sortOf,
  unsupported,
} from './documents.ts'
import { profile } from './profile.ts'
import { exactly, readQuery } from './rsql.ts'
import { componentOf, keyOf, nameOfModuleType } from './types.ts'

const PATH = '/softwaremodules'
const MAX_FIELD_BYTES = 4096
const MAX_DRAFTS = 1000

const ModuleDraft = z.object({
  name: z.string(),
  version: z.string(),
  type: z.string(),
  description: z.string().nullish(),
  vendor: z.string().nullish(),
  encrypted: z.boolean().nullish(),
})
const ModuleDrafts = z.array(ModuleDraft).min(1).max(MAX_DRAFTS)

/** What the file is called and must be, as the client says in the query or in fields of the form. */
const UploadQuery = z.object({
  filename: z.string().max(255).optional(),
  md5sum: z.string().optional(),
  sha1sum: z.string().optional(),
  sha256sum: z.string().optional(),
})

export async function createModules(asked: Asked, body: unknown) {
  const { asks, needs } = asked
  const drafts = checked(ModuleDrafts, body)
  if (drafts.some(({ encrypted }) => encrypted)) {
    throw unsupported('Encrypted software modules are not known here: encrypt the file yourself.')
  }
  const modules = await asks.under('createRelease', async (actor) => {
    const { id: profileId } = await profile(asked)
    return needs.distributionSets.createModules(
      actor,
      drafts.map(({ type, name, version, vendor, description }) => ({
        profileId,
        type: componentOf(type),
        name,
        version,
        vendor: vendor ?? undefined,
        description: description ?? undefined,
      })),
    )
  })
  return modules.map((module) => moduleDocument(module, asked))
}

export async function listModules(asked: Asked, query: unknown) {
  const { q, offset, limit, sort } = checked(PageQuery, query)
  sortOf({ sort }, ['id'])
  const { type, ...named } = q ? exactly(readQuery(q), ['name', 'version', 'type']) : {}
  const { items, total } = await asked.asks.under('listReleases', (actor) =>
    asked.needs.distributionSets.listModules(actor, {
      offset,
      limit,
      ...named,
      ...(type !== undefined && { type: componentOf(type) }),
    }),
  )
  return pagedList(
    items.map((module) => moduleDocument(module, asked)),
    total,
  )
}

export const showModule = async (asked: Asked, id: string) =>
  moduleDocument(await moduleOf(asked, id), asked, { isAlone: true })

/** Its release goes with it, unless devices are to run that. */
export async function removeModule(asked: Asked, id: string): Promise<void> {
  const { asks, needs } = asked
  const module = await moduleOf(asked, id)
  await asks.under('removeRelease', async (actor) => {
    if (module.releaseId !== null) await removeUnused(asked, module.releaseId)
    await needs.distributionSets.removeModule(actor, module.id)
  })
}

async function removeUnused({ asks, needs }: Asked, releaseId: string): Promise<void> {
  try {
    await needs.catalogue.removeRelease(asks.actor, releaseId)
  } catch (error) {
    const isStillNeeded =
      error instanceof DomainError &&
      (error.code === 'release.in-use' || error.code === 'release.unknown')
    if (!isStillNeeded) throw error
  }
}

/** The file becomes the module's release. It is taken in as it comes. */
export async function uploadArtifact(asked: Asked, id: string, request: FastifyRequest) {
  const { asks, needs } = asked
  const said = checked(UploadQuery, request.query)
  const { file, fields, discard } = await readMultipart(request.raw, {
    maxFieldBytes: MAX_FIELD_BYTES,
  })
  try {
    const module = await moduleOf(asked, id)
    refuseSecond(module)
    if (file?.part !== 'file') {
      throw new DomainError('request.malformed', 'The file comes as part "file" of a form.')
    }
    const stored = await asks.under('uploadArtifact', (actor) =>
      needs.catalogue.upload(actor, file.bytes, {}),
    )
    const digests = await needs.digests.whole(stored.sha256)
    checkSums({ ...digests, sha256: stored.sha256 }, { ...said, ...Object.fromEntries(fields) })
    const release = await asks.ask('createRelease', {
      body: {
        title: module.name,
        version: module.version,
        type: module.type,
        profileId: module.profileId,
        sha256: stored.sha256,
        fileName: said.filename ?? fields.get('filename') ?? file.fileName,
        contentType: file.contentType,
        description: module.description ?? undefined,
      },
    })
    await needs.distributionSets.setRelease(asks.actor, module.id, release.id)
    return artifactDocument(module, release, digests, asked)
  } finally {
    discard()
  }
}

/** Refuses with artifact.checksum-mismatch; what was uploaded belongs to no release and is swept. */
function checkSums(
  found: Readonly<Record<'md5' | 'sha1' | 'sha256', string>>,
  said: Readonly<Record<string, string | undefined>>,
): void {
  for (const name of ['md5', 'sha1', 'sha256'] as const) {
    const wanted = said[`${name}sum`]?.trim().toLowerCase()
    if (!wanted || wanted === found[name]) continue
    throw new DomainError(
      'artifact.checksum-mismatch',
      `The file's ${name} is ${found[name]}, not ${wanted}.`,
    )
  }
}

export async function listArtifacts(asked: Asked, id: string) {
  const module = await moduleOf(asked, id)
  const document = module.releaseId && (await shownArtifact(asked, module, module.releaseId))
  return document ? [document] : []
}

export async function showArtifact(asked: Asked, id: string, artifactId: string) {
  const { module, releaseId } = await artifactOf(asked, id, artifactId)
  return shownArtifact(asked, module, releaseId)
}

/** Refuses with release.in-use while devices are to run it. */
export async function removeArtifact(asked: Asked, id: string, artifactId: string): Promise<void> {
  const { module, releaseId } = await artifactOf(asked, id, artifactId)
  await asked.asks.ask('removeRelease', { params: { id: releaseId } })
  await asked.needs.distributionSets.setRelease(asked.asks.actor, module.id, null)
}

/** A module has one artifact, and that has its number. */
async function artifactOf(asked: Asked, id: string, artifactId: string) {
  const module = await moduleOf(asked, id)
  if (module.releaseId !== null && numberIn(artifactId) === module.id) {
    return { module, releaseId: module.releaseId }
  }
  const message = `Software module ${id} has no artifact ${artifactId.slice(0, 80)}.`
  throw new DomainError('artifact.unknown', message)
}

async function shownArtifact(asked: Asked, module: SoftwareModule, releaseId: string) {
  const release = await asked.asks.ask('showRelease', { params: { id: releaseId } })
  const { sha256 } = release
  const digests = sha256 === null ? null : await asked.needs.digests.whole(sha256)
  return artifactDocument(module, release, digests, asked)
}

const moduleOf = ({ asks, needs }: Asked, id: string): Promise<SoftwareModule> =>
  asks.under('showRelease', (actor) => needs.distributionSets.showModule(actor, numberIn(id)))

export function moduleDocument(
  module: SoftwareModule,
  { at }: Pick<Asked, 'at'>,
  { isAlone = false } = {},
) {
  const key = keyOf(module.type)
  const path = `${PATH}/${module.id}`
  return {
    createdBy: module.createdBy,
    createdAt: millis(module.createdAt),
    lastModifiedBy: module.createdBy,
    lastModifiedAt: millis(module.createdAt),
    name: module.name,
    ...(module.description !== null && { description: module.description }),
    version: module.version,
    type: key,
    typeName: nameOfModuleType(key),
    ...(module.vendor !== null && { vendor: module.vendor }),
    encrypted: false,
    locked: module.releaseId !== null,
    deleted: module.isRemoved,
    _links: {
      self: at.of(path),
      ...(isAlone && { artifacts: at.of(`${path}/artifacts`) }),
    } satisfies Links,
    id: module.id,
  }
}

function artifactDocument(
  module: SoftwareModule,
  release: Release,
  digests: ArtifactDigests | null,
  { at }: Pick<Asked, 'at'>,
) {
  const path = `${PATH}/${module.id}/artifacts/${module.id}`
  return {
    createdBy: module.createdBy,
    createdAt: millis(release.createdAt),
    lastModifiedBy: module.createdBy,
    lastModifiedAt: millis(release.createdAt),
    hashes: { ...digests, sha256: release.sha256 },
    providedFilename: release.fileName,
    size: release.sizeBytes,
    _links: { self: at.of(path), download: at.of(`${path}/download`) } satisfies Links,
    id: module.id,
  }
}
