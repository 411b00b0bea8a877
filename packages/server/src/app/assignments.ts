/** A device's or a profile's release; who is concerned is looked at after the commit. */
import {
  type ComponentType,
  checkedHandling,
  DomainError,
  type Handling,
  type JsonObject,
  nameOf,
  type OperatorActor,
} from '@updraft/core'
import { refuseForDevice, refuseForProfile } from './client-limits.ts'
import { deed } from './deed.ts'
import { saidOf } from './handling-said.ts'
import type {
  Assignments,
  AssignmentView,
  Clock,
  Ids,
  Page,
  Spread,
  Stores,
  UnitOfWork,
} from './ports.ts'

/** What is assigned, and how it is to be brought: what of that is not said is as ever. */
export interface Wanted {
  readonly type: ComponentType
  readonly releaseId: string
  readonly handling?: Partial<Handling>
}

export function assignments({
  clock,
  ids,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  /** The thing that is assigned something: its profile, and how the audit log names it. */
  const subjectOf = async ({ devices, profiles }: Stores, scope: Spread) => {
    if ('deviceId' in scope) {
      const { device } = (await devices.get(scope.deviceId)).snapshot
      return {
        kind: 'device',
        id: device.id,
        name: device.name,
        profileId: device.profileId,
      } as const
    }
    const profile = await profiles.get(scope.profileId)
    return { kind: 'profile', id: profile.id, name: profile.name, profileId: profile.id } as const
  }

  const record = async (
    { events, spread }: Stores,
    kind: 'assignment.made' | 'assignment.withdrawn',
    actor: OperatorActor,
    scope: Spread,
    { kind: subjectKind, id, name }: { kind: 'device' | 'profile'; id: string; name: string },
    data: JsonObject,
  ) => {
    await events.append([
      deed(actor, kind, {
        at: clock.now(),
        subject: { kind: subjectKind, id, name },
        deviceId: subjectKind === 'device' ? id : null,
        data,
      }),
    ])
    await spread(scope, ids.next(), clock.now())
  }

  const assignWithin = async (
    stores: Stores,
    actor: OperatorActor,
    scope: Spread,
    { type, releaseId, handling: wanted = {} }: Wanted,
  ): Promise<AssignmentView> => {
    const subject = await subjectOf(stores, scope)
    const release = await stores.catalogue.get(releaseId)
    if (release.type !== type) {
      throw new DomainError(
        'release.other-type',
        `${nameOf(release)} is ${release.type}, not ${type}.`,
      )
    }
    if (release.profileId !== subject.profileId) {
      throw new DomainError(
        'release.other-profile',
        `${nameOf(release)} is made for profile ${release.profileName}.`,
      )
    }
    const handling = checkedHandling(wanted, clock.now())
    await ('deviceId' in scope
      ? refuseForDevice(stores, (await stores.devices.get(scope.deviceId)).snapshot, {
          releases: [release],
          handling,
        })
      : refuseForProfile(stores, scope.profileId, { releases: [release], handling }))
    const assignment = { type, handling, assignedAt: clock.now(), assignedBy: actor.name }
    await stores.assignments.put(scope, { ...assignment, id: ids.next(), releaseId })
    const data = { type, release: nameOf(release), ...saidOf(handling) }
    await record(stores, 'assignment.made', actor, scope, subject, data)
    return {
      ...assignment,
      deviceId: 'deviceId' in scope ? scope.deviceId : null,
      profileId: 'profileId' in scope ? scope.profileId : null,
      release: { id: release.id, title: release.title, version: release.version },
    }
  }

  return {
    /**
     * Assigns the release; assigning what is assigned already starts the count of attempts anew. Refuses with
     * release.unknown, release.other-type, release.other-profile, assignment.invalid, or release.unspeakable where the
     * client of the device cannot take it, or not so.
     */
    assign: (actor: OperatorActor, scope: Spread, what: Wanted): Promise<AssignmentView> =>
      unitOfWork(actor, (stores) => assignWithin(stores, actor, scope, what)),

    /** The same, as part of more that is done at once. */
    assignWithin,

    /** Refuses with assignment.none. */
    unassign: (actor: OperatorActor, scope: Spread, type: ComponentType): Promise<void> =>
      unitOfWork(actor, async (stores) => {
        const subject = await subjectOf(stores, scope)
        if (!(await stores.assignments.withdraw(scope, type))) {
          const message = `No ${type} is assigned to ${subject.kind} ${subject.name}.`
          throw new DomainError('assignment.none', message)
        }
        await record(stores, 'assignment.withdrawn', actor, scope, subject, { type })
      }),

    /** How many devices an assignment to the profile would touch. Refuses with profile.unknown. */
    countAffected: (
      actor: OperatorActor,
      profileId: string,
      type: ComponentType,
    ): Promise<number> =>
      unitOfWork(actor, async ({ assignments, profiles }) => {
        await profiles.get(profileId)
        return assignments.countAffected(profileId, type)
      }),

    list: (
      actor: OperatorActor,
      query: Parameters<Assignments['page']>[0],
    ): Promise<Page<AssignmentView>> =>
      unitOfWork(actor, ({ assignments }) => assignments.page(query)),
  }
}

export type AssignmentsUseCases = ReturnType<typeof assignments>
