/**
 * Software modules and distribution sets: releases as hawkBit's management API knows them. A module is a release in
 * the making until its file is there; a set is a name for some of them; assigning a set to a device is assigning it
 * each of its releases.
 */
import {
  COMPONENT_TYPE_PATTERN,
  type ComponentType,
  checkedHandling,
  checkedName,
  DomainError,
  type EventKind,
  type Handling,
  isInstalled,
  nameOf,
  type OperatorActor,
  type Snapshot,
  sameHandling,
  type Urgency,
} from '@updraft/core'
import type { AssignmentsUseCases } from './assignments.ts'
import { refuseForDevice } from './client-limits.ts'
import { deed } from './deed.ts'
import type {
  Clock,
  DistributionSet,
  Numbered,
  NumberedQuery,
  SetAssignment,
  SoftwareModule,
  UnitOfWork,
} from './ports.ts'

export interface ModuleDraft {
  readonly profileId: string
  readonly type: ComponentType
  readonly name: string
  readonly version: string
  readonly vendor?: string
  readonly description?: string
}

export interface SetDraft {
  readonly type: string
  readonly name: string
  readonly version: string
  readonly description?: string
  readonly moduleIds: readonly number[]
}

/** How many of a device's are looked through for the set that an update was of. */
const REMEMBERED_SETS = 100

export function distributionSets({
  assignments,
  clock,
  unitOfWork,
}: {
  assignments: Pick<AssignmentsUseCases, 'assignWithin'>
  clock: Clock
  unitOfWork: UnitOfWork
}) {
  const told = (
    kind: EventKind,
    actor: OperatorActor,
    { id, name, version }: { id: number; name: string; version: string },
  ) => {
    const noun = kind.startsWith('software-module') ? 'software-module' : 'distribution-set'
    const subject = {
      kind: noun,
      id: String(id),
      name: nameOf({ title: name, version }),
    } as const
    return deed(actor, kind, { at: clock.now(), subject })
  }

  return {
    /** All or none. Refuses with software-module.duplicate or software-module.invalid. */
    createModules: (
      actor: OperatorActor,
      drafts: readonly ModuleDraft[],
    ): Promise<readonly SoftwareModule[]> =>
      unitOfWork(actor, async ({ events, softwareModules }) => {
        const made: SoftwareModule[] = []
        for (const draft of drafts) {
          const module = await softwareModules.insert({
            profileId: draft.profileId,
            type: checkedType(draft.type),
            name: checkedName('software module', draft.name),
            version: checkedName('version', draft.version),
            vendor: draft.vendor?.trim() || null,
            description: draft.description?.trim() || null,
            createdAt: clock.now(),
            createdBy: actor.name,
          })
          made.push(module)
          await events.append([told('software-module.created', actor, module)])
        }
        return made
      }),

    /** Refuses with software-module.unknown. */
    showModule: (actor: OperatorActor, id: number): Promise<SoftwareModule> =>
      unitOfWork(actor, ({ softwareModules }) => softwareModules.get(id)),

    listModules: (
      actor: OperatorActor,
      query: NumberedQuery & { type?: ComponentType },
    ): Promise<Numbered<SoftwareModule>> =>
      unitOfWork(actor, ({ softwareModules }) => softwareModules.page(query)),

    /** The module is that release from now on; with null it has none. Refuses with software-module.invalid when it is one. */
    setRelease: (actor: OperatorActor, id: number, releaseId: string | null): Promise<void> =>
      unitOfWork(actor, async ({ events, softwareModules }) => {
        const module = await softwareModules.get(id, { lock: true })
        if (releaseId !== null) refuseSecond(module)
        await softwareModules.setRelease(id, releaseId)
        await events.append([told('software-module.changed', actor, module)])
      }),

    removeModule: (actor: OperatorActor, id: number): Promise<void> =>
      unitOfWork(actor, async ({ events, softwareModules }) => {
        const module = await softwareModules.get(id)
        await softwareModules.remove(id, clock.now())
        await events.append([told('software-module.removed', actor, module)])
      }),

    /** All or none. Refuses with distribution-set.duplicate, distribution-set.invalid or software-module.unknown. */
    createSets: (
      actor: OperatorActor,
      drafts: readonly SetDraft[],
    ): Promise<readonly DistributionSet[]> =>
      unitOfWork(actor, async ({ distributionSets, events, softwareModules }) => {
        const made: DistributionSet[] = []
        for (const draft of drafts) {
          const modules: SoftwareModule[] = []
          for (const id of draft.moduleIds) modules.push(await softwareModules.get(id))
          checkTogether(modules)
          const set = await distributionSets.insert({
            type: draft.type,
            name: checkedName('distribution set', draft.name),
            version: checkedName('version', draft.version),
            description: draft.description?.trim() || null,
            createdAt: clock.now(),
            createdBy: actor.name,
            moduleIds: draft.moduleIds,
          })
          made.push(set)
          await events.append([told('distribution-set.created', actor, set)])
        }
        return made
      }),

    /** Refuses with distribution-set.unknown. */
    showSet: (actor: OperatorActor, id: number): Promise<DistributionSet> =>
      unitOfWork(actor, ({ distributionSets }) => distributionSets.get(id)),

    listSets: (
      actor: OperatorActor,
      query: NumberedQuery & { type?: string },
    ): Promise<Numbered<DistributionSet>> =>
      unitOfWork(actor, ({ distributionSets }) => distributionSets.page(query)),

    /** What it was assigned to keeps its releases. */
    removeSet: (actor: OperatorActor, id: number): Promise<void> =>
      unitOfWork(actor, async ({ distributionSets, events }) => {
        const set = await distributionSets.get(id)
        await distributionSets.remove(id, clock.now())
        await events.append([told('distribution-set.removed', actor, set)])
      }),

    /** The sets a device was assigned, the latest first; those that are no more among them, marked. */
    assignedTo: (actor: OperatorActor, deviceId: string): Promise<readonly SetAssignment[]> =>
      unitOfWork(actor, async ({ devices, distributionSets }) => {
        await devices.get(deviceId)
        return distributionSets.assignedTo(deviceId, REMEMBERED_SETS)
      }),

    /**
     * Assigns the device each of the set's releases; answers null where that is so already and goes on, or has been
     * done. Refuses with distribution-set.invalid while a module has no file, and as any assignment is refused.
     */
    assign: (
      actor: OperatorActor,
      id: number,
      deviceId: string,
      wanted: Partial<Handling> = {},
    ): Promise<DistributionSet | null> =>
      unitOfWork(actor, async (stores) => {
        const set = await stores.distributionSets.get(id)
        const { snapshot } = await stores.devices.get(deviceId)
        const releases = set.modules.map((module) => ({
          type: module.type,
          releaseId: releaseOf(set, module),
        }))
        if (releases.length === 0) {
          throw invalidSet(`Distribution set ${nameOfSet(set)} has no software module.`)
        }
        const handling = checkedHandling(wanted, clock.now())
        const hawkbit = await stores.profiles.hawkbit(snapshot.device.profileId)
        const usual = hawkbit.handling === 'forced' ? 'forced' : 'soft'
        const isSo = (release: (typeof releases)[number]) =>
          isMeant(snapshot, { ...release, handling, usual })
        if (releases.every(isSo)) return null
        // Those of a set come together; what a client takes one by one is refused as a set.
        const all = await stores.catalogue.several(releases.map(({ releaseId }) => releaseId))
        await refuseForDevice(stores, snapshot, { releases: all, handling })
        for (const release of releases) {
          await assignments.assignWithin(stores, actor, { deviceId }, { ...release, handling })
        }
        const at = clock.now()
        await stores.distributionSets.noteAssigned(id, { deviceId, at, by: actor.name })
        return set
      }),
  }
}

const nameOfSet = ({ name, version }: { name: string; version: string }): string =>
  nameOf({ title: name, version })

/** Whether the device is assigned that release itself, and is at it or runs it. */
function isMeant(
  { components, device }: Snapshot,
  {
    type,
    releaseId,
    handling,
    usual,
  }: { type: ComponentType; releaseId: string; handling: Handling; usual: Urgency },
): boolean {
  const { deviceAssignment, latestEnded, underWay } = components[type] ?? {}
  const assigned = deviceAssignment?.release
  if (!assigned || assigned.id !== releaseId) return false
  if (isInstalled(assigned, device.installed[type])) return true
  const said = (how: Handling) => ({ ...how, urgency: how.urgency ?? usual })
  if (underWay) {
    return underWay.releaseId === releaseId && sameHandling(said(underWay.handling), said(handling))
  }
  const isStaged = latestEnded?.state === 'STAGED' && latestEnded.releaseId === releaseId
  return isStaged && handling.isDownloadOnly
}

function releaseOf(set: DistributionSet, module: SoftwareModule): string {
  if (module.releaseId !== null) return module.releaseId
  throw invalidSet(
    `Distribution set ${nameOfSet(set)} is incomplete: software module ${nameOfSet(module)} has no artifact.`,
  )
}

/** A device has one release of a type at a time, and releases are made for one profile. */
function checkTogether(modules: readonly SoftwareModule[]): void {
  const types = new Map<ComponentType, SoftwareModule>()
  for (const module of modules) {
    const other = types.get(module.type)
    if (other) {
      throw invalidSet(
        `${nameOfSet(other)} and ${nameOfSet(module)} are both of type ${module.type}; a device runs one of a type.`,
      )
    }
    types.set(module.type, module)
  }
  if (new Set(modules.map(({ profileId }) => profileId)).size > 1) {
    throw invalidSet('The software modules are made for different profiles.')
  }
}

/** One file is one release. */
export function refuseSecond(module: SoftwareModule): void {
  if (module.releaseId === null) return
  throw new DomainError(
    'software-module.invalid',
    `Software module ${nameOfSet(module)} has its artifact already; a module has one here.`,
  )
}

function checkedType(type: string): ComponentType {
  if (COMPONENT_TYPE_PATTERN.test(type)) return type
  throw new DomainError(
    'software-module.invalid',
    `"${type}" is no type of a software module; it is a lower-case name such as os or application.`,
  )
}

const invalidSet = (message: string) => new DomainError('distribution-set.invalid', message)

export type DistributionSetsUseCases = ReturnType<typeof distributionSets>
