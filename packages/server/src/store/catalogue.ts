import { DomainError, type Needs, nameOf, type Release } from '@updraft/core'
import { sql } from 'kysely'
import type { Catalogue, ReleaseView } from '../app/ports.ts'
import { containsText, page } from './paging.ts'
import { refuseRemoval } from './refusals.ts'
import { ofCustomersProfile, type Scope } from './scope.ts'
import type { Tables } from './tables.ts'

export function catalogue(scope: Scope): Catalogue {
  const { db, tenantId } = scope

  /** What came by hand is of no profile, and so is none of these. */
  const select = () =>
    db
      .selectFrom('releases')
      .innerJoin('profiles', 'profiles.id', 'releases.profile_id')
      .where('releases.tenant_id', '=', tenantId)
      .where(ofCustomersProfile(scope, 'releases.profile_id'))
      .selectAll('releases')
      .select(['profiles.id as profile_id', 'profiles.name as profile_name'])

  const view = (
    row: ReleaseRow & { profile_id: string; profile_name: string; revision: number },
  ): ReleaseView => ({
    ...releaseOf(row),
    profileId: row.profile_id,
    profileName: row.profile_name,
    revision: row.revision,
  })

  const get = async (id: string): Promise<ReleaseView> => {
    const row = await select().where('releases.id', '=', id).executeTakeFirst()
    if (row) return view(row)
    throw new DomainError('release.unknown', `There is no release ${id}.`)
  }

  return {
    recordArtifact: async ({ sha256, sizeBytes, checksums }, storedAt) => {
      await db
        .insertInto('artifacts')
        .values({
          tenant_id: tenantId,
          sha256,
          size_bytes: sizeBytes,
          checksums: JSON.stringify(checksums),
          stored_at: storedAt,
        })
        .onConflict((conflict) =>
          conflict.columns(['tenant_id', 'sha256']).doUpdateSet({
            checksums: sql`artifacts.checksums || excluded.checksums`,
            stored_at: storedAt,
          }),
        )
        .execute()
    },
    artifact: async (sha256) => {
      const row = await db
        .selectFrom('artifacts')
        .selectAll()
        .where('tenant_id', '=', tenantId)
        .where('sha256', '=', sha256)
        .executeTakeFirst()
      if (!row) {
        throw new DomainError(
          'artifact.unknown',
          `No file with SHA-256 ${sha256} has been uploaded.`,
        )
      }
      return { sha256, sizeBytes: Number(row.size_bytes), checksums: row.checksums }
    },
    insert: async (release, { onlyForDeviceId } = {}) => {
      await db
        .insertInto('releases')
        .values({
          id: release.id,
          tenant_id: tenantId,
          profile_id: release.profileId,
          only_for_device_id: onlyForDeviceId,
          title: release.title,
          version: release.version,
          type: release.type,
          tag: release.tag,
          description: release.description,
          checksum_algorithm: release.checksumAlgorithm,
          checksum: release.checksum,
          size_bytes: release.sizeBytes,
          artifact_sha256: release.artifact?.sha256 ?? null,
          file_name: release.artifact?.fileName ?? null,
          content_type: release.artifact?.contentType ?? null,
          external_url: release.externalUrl,
          requirement: release.requirement,
          needs: JSON.stringify(release.needs),
          created_at: release.createdAt,
        })
        .execute()
    },
    get,
    several: async (ids) => {
      const rows = await select()
        .where('releases.id', '=', sql<string>`any(${[...ids]}::uuid[])`)
        .execute()
      return rows.map(view)
    },
    page: (query) => {
      let rows = select()
      if (query.title !== undefined) rows = rows.where('releases.title', '=', query.title)
      if (query.version !== undefined) rows = rows.where('releases.version', '=', query.version)
      if (query.type !== undefined) rows = rows.where('releases.type', '=', query.type)
      if (query.profile !== undefined) rows = rows.where('profiles.name', '=', query.profile)
      if (query.profileId !== undefined) {
        rows = rows.where('releases.profile_id', '=', query.profileId)
      }
      if (query.search) rows = rows.where('releases.title', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: {
          createdAt: sql.ref('releases.created_at'),
          title: sql.ref('releases.title'),
          version: sql.ref('releases.version'),
          type: sql.ref('releases.type'),
          tag: sql`coalesce(releases.tag, '')`,
          fileName: sql`coalesce(releases.file_name, '')`,
          sizeBytes: sql`coalesce(releases.size_bytes, -1)`,
          checksum: sql`coalesce(releases.checksum, '')`,
          url: sql`coalesce(releases.external_url, '')`,
        },
        id: sql.ref('releases.id'),
        defaultSort: '-createdAt',
        view,
      })
    },
    packages: (query) => {
      let rows = db
        .selectFrom('releases')
        .where('releases.tenant_id', '=', tenantId)
        .where('releases.profile_id', 'is not', null)
        .where(ofCustomersProfile(scope, 'releases.profile_id'))
        .select('releases.title')
        .select([
          sql<string>`count(*)`.as('releases'),
          sql<Date>`max(releases.created_at)`.as('latest_at'),
        ])
        .groupBy('releases.title')
      if (query.title !== undefined) rows = rows.where('releases.title', '=', query.title)
      if (query.profileId !== undefined) {
        rows = rows.where('releases.profile_id', '=', query.profileId)
      }
      if (query.search) rows = rows.where('releases.title', 'ilike', containsText(query.search))
      return page(db, rows, query, {
        columns: { title: sql.ref('releases.title') },
        id: sql.ref('releases.title'),
        defaultSort: 'title',
        view: ({ title, releases, latest_at }) => ({
          title,
          releases: Number(releases),
          latestAt: latest_at,
        }),
      })
    },
    describe: async (id, description, revision) => {
      let update = db
        .updateTable('releases')
        .set({ description, revision: sql`revision + 1` })
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
      if (revision !== undefined) update = update.where('revision', '=', revision)
      const { numUpdatedRows } = await update.executeTakeFirst()
      if (numUpdatedRows > 0n) {
        // Its policy may ask for it.
        await sql`update profiles set policies_revision = policies_revision + 1
          where id in (select profile_id from policies where release_id = ${id})`.execute(db)
        return
      }
      await get(id)
      throw new DomainError(
        'request.version-mismatch',
        'The release was changed by someone else meanwhile.',
      )
    },
    forget: async (id) => {
      await db
        .deleteFrom('releases')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .where('only_for_device_id', 'is not', null)
        .execute()
    },
    remove: async (id) => {
      const release = await get(id)
      const underWay = await db
        .selectFrom('operations')
        .select(sql<string>`count(*)`.as('count'))
        .where('release_id', '=', id)
        .where('ended_at', 'is', null)
        .executeTakeFirstOrThrow()
      if (Number(underWay.count) > 0) {
        const devices = underWay.count === '1' ? '1 device' : `${underWay.count} devices`
        throw new DomainError(
          'release.in-use',
          `${nameOf(release)} is under way to ${devices}; wait for them or cancel.`,
        )
      }
      const offering = await db
        .selectFrom('policies')
        .select('release_id')
        .where('release_id', '=', id)
        .where('is_enabled', '=', true)
        .executeTakeFirst()
      if (offering) {
        throw new DomainError(
          'release.in-use',
          `A policy offers ${nameOf(release)} to devices; disable it first.`,
        )
      }
      await db
        .deleteFrom('releases')
        .where('tenant_id', '=', tenantId)
        .where('id', '=', id)
        .execute()
        .catch(refuseRemoval)
    },
  }
}

/** A row of `releases` as it is read. */
export type ReleaseRow = {
  [Column in Exclude<
    keyof Tables['releases'],
    'revision' | 'size_bytes' | 'only_for_device_id' | 'needs'
  >]: Tables['releases'][Column]
} & { size_bytes: string | null; needs: Needs }

export const releaseOf = (row: ReleaseRow): Release => ({
  id: row.id,
  profileId: row.profile_id,
  title: row.title,
  version: row.version,
  type: row.type,
  tag: row.tag,
  description: row.description,
  checksumAlgorithm: row.checksum_algorithm,
  checksum: row.checksum,
  sizeBytes: row.size_bytes === null ? null : Number(row.size_bytes),
  artifact:
    row.artifact_sha256 === null
      ? null
      : {
          sha256: row.artifact_sha256,
          sizeBytes: Number(row.size_bytes),
          fileName: row.file_name ?? row.title,
          contentType: row.content_type ?? 'application/octet-stream',
        },
  externalUrl: row.external_url,
  requirement: row.requirement,
  needs: row.needs,
  createdAt: row.created_at,
})
