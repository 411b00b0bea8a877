/** Distribution sets, and assigning them. */
import { DomainError } from '@updraft/core'
import { z } from 'zod'
import type { DistributionSet } from '../../app/ports.ts'
import type { Asked } from './asked.ts'
import { AssignmentWishes, assignSets, type Wish } from './assigning.ts'
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
import { exactly, readQuery } from './rsql.ts'
import { moduleDocument } from './software.ts'
import { nameOfSetType, SET_TYPES } from './types.ts'

const PATH = '/distributionsets'
const MAX_DRAFTS = 1000
const MAX_TARGETS = 1000

const Numbered = z.object({ id: z.coerce.number().int().min(0).max(999_999_999_999_999) })
const SetDrafts = z
  .array(
    z.object({
      name: z.string(),
      version: z.string(),
      description: z.string().nullish(),
      type: z.string().nullish(),
      modules: z.array(Numbered).nullish(),
      os: Numbered.nullish(),
      runtime: Numbered.nullish(),
      application: Numbered.nullish(),
      requiredMigrationStep: z.boolean().nullish(),
    }),
  )
  .min(1)
  .max(MAX_DRAFTS)

const TargetWishes = z
  .array(AssignmentWishes.extend({ id: z.coerce.string() }))
  .min(1)
  .max(MAX_TARGETS)

export async function createSets(asked: Asked, body: unknown) {
  const drafts = checked(SetDrafts, body).map((draft) => {
    const type = draft.type ?? 'os_app'
    if (!SET_TYPES.some(({ key }) => key === type)) {
      const known = SET_TYPES.map(({ key }) => key).join(', ')
      throw new DomainError(
        'distribution-set.invalid',
        `There is no distribution set type "${type.slice(0, 80)}"; there are ${known}.`,
      )
    }
    if (draft.requiredMigrationStep) {
      throw unsupported(
        'A required migration step is not known here: give the release a requirement instead.',
      )
    }
    const { os, runtime, application, modules } = draft
    const named = [os, runtime, application].flatMap((each) => each ?? [])
    return {
      type,
      name: draft.name,
      version: draft.version,
      description: draft.description ?? undefined,
      moduleIds: [...new Set([...(modules ?? []), ...named].map(({ id }) => id))],
    }
  })
  const sets = await asked.asks.under('createRelease', (actor) =>
    asked.needs.distributionSets.createSets(actor, drafts),
  )
  return sets.map((set) => setDocument(set, asked))
}

export async function listSets(asked: Asked, query: unknown) {
  const { q, offset, limit, sort } = checked(PageQuery, query)
  sortOf({ sort }, ['id'])
  const named = q ? exactly(readQuery(q), ['name', 'version', 'type']) : {}
  const { items, total } = await asked.asks.under('listReleases', (actor) =>
    asked.needs.distributionSets.listSets(actor, { offset, limit, ...named }),
  )
  return pagedList(
    items.map((set) => setDocument(set, asked)),
    total,
  )
}

export const showSet = async (asked: Asked, id: string) =>
  setDocument(await setOf(asked, id), asked)

export async function listSetModules(asked: Asked, id: string) {
  const { modules } = await setOf(asked, id)
  return pagedList(
    modules.map((module) => moduleDocument(module, asked)),
    modules.length,
  )
}

export async function removeSet(asked: Asked, id: string): Promise<void> {
  await asked.asks.under('removeRelease', (actor) =>
    asked.needs.distributionSets.removeSet(actor, numberIn(id)),
  )
}

/** Each of these targets is assigned it. */
export function assignTargets(asked: Asked, id: string, body: unknown, query: unknown) {
  refuseOffline(query)
  const setId = numberIn(id)
  const wishes: Wish[] = checked(TargetWishes, body).map(({ id: target, ...wish }) => ({
    ...wish,
    target,
    setId,
  }))
  return assignSets(asked, wishes)
}

export function refuseOffline(query: unknown): void {
  if ((query as { offline?: string }).offline !== 'true') return
  throw unsupported(
    'An assignment of what was installed already is not known here: devices tell what they run.',
  )
}

const setOf = ({ asks, needs }: Asked, id: string): Promise<DistributionSet> =>
  asks.under('showRelease', (actor) => needs.distributionSets.showSet(actor, numberIn(id)))

export function setDocument(set: DistributionSet, asked: Pick<Asked, 'at'>) {
  const path = `${PATH}/${set.id}`
  const type = SET_TYPES.find(({ key }) => key === set.type)
  return {
    createdBy: set.createdBy,
    createdAt: millis(set.createdAt),
    lastModifiedBy: set.createdBy,
    lastModifiedAt: millis(set.createdAt),
    name: set.name,
    ...(set.description !== null && { description: set.description }),
    version: set.version,
    modules: set.modules.map((module) => moduleDocument(module, asked)),
    requiredMigrationStep: false,
    type: set.type,
    typeName: nameOfSetType(set.type),
    complete: set.modules.length > 0 && set.modules.every(({ releaseId }) => releaseId !== null),
    locked: false,
    deleted: set.isRemoved,
    valid: true,
    _links: {
      self: asked.at.of(path),
      modules: asked.at.of(`${path}/assignedSM?offset=0&limit=50`),
      ...(type && { type: asked.at.of(`/distributionsettypes/${type.id}`) }),
    } satisfies Links,
    id: set.id,
  }
}
