/**
 * The enabled policies of profiles, read and compiled once for all the devices that ask: a profile's row says whether
 * they are others by now. What their limits count is read anew each time.
 */
import {
  type Asks,
  type Belongings,
  type Candidate,
  type ComponentType,
  comparePolicies,
  DomainError,
  hasLimits,
  type Release,
} from '@updraft/core'
import { compilePolicy, type PolicyProgram } from '@updraft/core/expression'
import { type Kysely, sql } from 'kysely'
import type pg from 'pg'
import { CUSTOMER, HARDWARE_TYPE, SYSTEM_MODEL } from './expression-columns.ts'
import { countsOf, type PolicyRow, policiesByReleases, policyOf } from './policy-rows.ts'
import type { Releases, SnapshotRow } from './snapshots.ts'
import type { Tables } from './tables.ts'

type Queryable = Pick<pg.ClientBase, 'query'>
export type CandidatesByType = Readonly<Record<ComponentType, readonly Candidate[]>>

interface Chapter {
  readonly revision: number
  readonly byType: CandidatesByType
  /** Ids of the releases whose policies have limits. */
  readonly limited: readonly string[]
  /** They ask for more than a snapshot holds. */
  readonly asksForBelongings: boolean
}

const NO_POLICIES: Chapter = { revision: 0, byType: {}, limited: [], asksForBelongings: false }

/** What the devices of some rows are asked. */
export interface PoliciesAtHand {
  /** By profile. */
  readonly chapters: ReadonlyMap<string, CandidatesByType>
  /** By device, where they are asked for. */
  readonly belongings: ReadonlyMap<string, Belongings>
}

export type PolicyBook = (
  client: Queryable,
  rows: readonly Pick<SnapshotRow, 'id' | 'profile_id' | 'policies_revision'>[],
  options: { readonly lock: boolean },
) => Promise<PoliciesAtHand>

const CHAPTERS = {
  name: 'policies-of-profiles',
  text: `select f.id, f.policies_revision as revision,
      (select json_agg(to_jsonb(p) || jsonb_build_object('description', r.description))
         from policies p join releases r on r.id = p.release_id
        where p.profile_id = f.id and p.is_enabled) as policies
    from profiles f where f.id = any($1::uuid[])`,
}

/** The description may change, and releases that were read are kept. */
type DescribedRow = PolicyRow & { readonly description: string | null }

const MAX_PROFILES = 2000

export function policyBook({
  releases,
  db,
}: {
  releases: Releases
  db: Kysely<Tables>
}): PolicyBook {
  const known = new Map<string, Chapter>()

  const read = async (
    client: Queryable,
    profileIds: readonly string[],
  ): Promise<ReadonlyMap<string, Chapter>> => {
    if (profileIds.length === 0) return new Map()
    const { rows } = await client.query<{
      id: string
      revision: number
      policies: DescribedRow[] | null
    }>({ ...CHAPTERS, values: [profileIds] })
    const policies = rows.flatMap((row) => row.policies ?? [])
    const found = await releases(policies.map(({ release_id }) => release_id))
    const chapters = new Map(rows.map((row) => [row.id, chapterOf(row, found)]))
    if (known.size + chapters.size > MAX_PROFILES) known.clear()
    for (const [id, chapter] of chapters) known.set(id, chapter)
    return chapters
  }

  return async (client, rows, { lock }) => {
    const chapters = new Map<string, Chapter>()
    const outdated = new Set<string>()
    for (const { profile_id, policies_revision: revision } of rows) {
      const chapter = known.get(profile_id) ?? NO_POLICIES
      chapters.set(profile_id, chapter)
      if (revision > chapter.revision) outdated.add(profile_id)
    }
    for (const [id, chapter] of await read(client, [...outdated])) chapters.set(id, chapter)
    const limited = [...chapters.values()].flatMap((chapter) => chapter.limited)
    const counts = new Map(
      (await policiesByReleases(client, limited, { lock })).map((row) => [row.release_id, row]),
    )
    const asking = rows.filter(({ profile_id }) => chapters.get(profile_id)?.asksForBelongings)
    const byProfile = new Map<string, CandidatesByType>()
    for (const [id, { byType, limited }] of chapters) {
      byProfile.set(id, limited.length === 0 ? byType : asCounted(byType, counts))
    }
    return {
      chapters: byProfile,
      belongings: await belongingsOf(
        client,
        asking.map(({ id }) => id),
        db,
      ),
    }
  }
}

function chapterOf(
  { revision, policies }: { revision: number; policies: readonly DescribedRow[] | null },
  releases: ReadonlyMap<string, Release>,
): Chapter {
  const byType: Record<ComponentType, Candidate[]> = {}
  const limited: string[] = []
  let asksForBelongings = false
  for (const row of policies ?? []) {
    const release = releases.get(row.release_id)
    // Removed meanwhile.
    if (!release) continue
    const policy = policyOf(row)
    const program = programOf(row.expression, { ...release, description: row.description })
    const candidate = { policy, release, asks: program.asks, counts: countsOf(row) }
    byType[release.type] = [...(byType[release.type] ?? []), candidate]
    if (hasLimits(policy.limits)) limited.push(release.id)
    asksForBelongings ||= ['customer', 'systemModel', 'hardwareType'].some((name) =>
      program.needs.has(name),
    )
  }
  for (const candidates of Object.values(byType)) candidates.sort(comparePolicies)
  return { revision, byType, limited, asksForBelongings }
}

/** An expression that was fine when it was saved and is not any more holds for nobody, and says why. */
function programOf(expression: string, release: Release): Pick<PolicyProgram, 'asks' | 'needs'> {
  try {
    return compilePolicy(expression, release)
  } catch (error) {
    if (!(error instanceof DomainError)) throw error
    const asks: Asks = () => ({ holds: false, because: error.message })
    return { asks, needs: new Set() }
  }
}

/** With what their limits count, and the limits, as they are now; one that was disabled meanwhile is left out. */
const asCounted = (
  byType: CandidatesByType,
  rows: ReadonlyMap<string, PolicyRow>,
): CandidatesByType =>
  Object.fromEntries(
    Object.entries(byType).map(([type, candidates]) => [
      type,
      candidates.flatMap((candidate) => {
        if (!hasLimits(candidate.policy.limits)) return candidate
        const row = rows.get(candidate.release.id)
        if (!row?.is_enabled) return []
        const { limits } = policyOf(row)
        return { ...candidate, policy: { ...candidate.policy, limits }, counts: countsOf(row) }
      }),
    ]),
  )

/**
 * On the caller's connection: who holds locks must not wait for another, which those who wait for the locks may have.
 * `db` only spells the statement.
 */
async function belongingsOf(
  client: Queryable,
  deviceIds: readonly string[],
  db: Kysely<Tables>,
): Promise<ReadonlyMap<string, Belongings>> {
  if (deviceIds.length === 0) return new Map()
  const { sql: text, parameters } = sql`
    select devices.id, ${CUSTOMER} as "customer", ${SYSTEM_MODEL} as "systemModel", ${HARDWARE_TYPE} as "hardwareType"
      from devices where devices.id = any(${[...deviceIds]}::uuid[])`.compile(db)
  const { rows } = await client.query<Belongings & { id: string }>({
    name: 'belongings-of-devices',
    text,
    values: [...parameters],
  })
  return new Map(rows.map(({ id, ...belongings }) => [id, belongings]))
}
