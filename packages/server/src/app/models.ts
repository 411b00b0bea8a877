/** System models and hardware types: what devices are, and which profile they get. */
import {
  checkedMarks,
  checkNotTaken,
  DomainError,
  type EventKind,
  type HardwareType,
  type JsonObject,
  type Marks,
  type ModelKind,
  type OperatorActor,
  partNumberOf,
} from '@updraft/core'
import { compile } from '@updraft/core/expression'
import { deed } from './deed.ts'
import type {
  Clock,
  HardwareTypes,
  Ids,
  Page,
  Stores,
  SystemModels,
  SystemModelView,
  UnitOfWork,
} from './ports.ts'

export interface SystemModelDraft extends Marks {
  readonly hardwareTypeId?: string
  readonly profileId?: string
}

/** Null takes the profile away. */
export type SystemModelChange = Partial<Marks> & { readonly profileId?: string | null }

/**
 * The profile of a device that is added without one: that of the system model its part number says. Refuses with
 * request.malformed where nothing says one.
 */
export async function profileIdFor(
  { systemModels }: Pick<Stores, 'systemModels'>,
  { name, attributes = {} }: { name: string; attributes?: JsonObject },
): Promise<string> {
  const partNumber = partNumberOf({ attributes, inventory: {} })
  const model = partNumber === null ? null : await systemModels.ofPartNumber(partNumber)
  if (model?.profile) return model.profile.id
  throw new DomainError(
    'request.malformed',
    `Device "${name}" needs a profile, or a part number whose system model has one.`,
  )
}

export function models({
  clock,
  ids,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  const event = (
    actor: OperatorActor,
    kind: EventKind & `${'hardware-type' | 'system-model'}.${string}`,
    { id, name }: { id: string; name: string },
    changed?: readonly string[],
  ) => {
    const of = kind.startsWith('hardware-type') ? 'hardware-type' : 'system-model'
    const data = changed && { changed }
    return deed(actor, kind, { at: clock.now(), subject: { kind: of, id, name }, data })
  }

  /** The marks as they are kept, once it is sure that nobody else has them. */
  const free = async <Given extends Partial<Marks>>(
    kind: ModelKind,
    given: Given,
    { store, id }: { store: Pick<HardwareTypes, 'alike'>; id: string },
  ) => {
    const marks = checkedMarks(kind, given)
    checkNotTaken(kind, marks, await store.alike(marks, id))
    return marks
  }

  const count = ({ devices }: Stores, expression: string) =>
    devices.count({ asked: { any: [compile(expression)], now: clock.now() } })

  return {
    /** Refuses with hardware-type.duplicate or part-number.taken. */
    createHardwareType: (actor: OperatorActor, draft: Marks): Promise<HardwareType> =>
      unitOfWork(actor, async ({ hardwareTypes, events }) => {
        const id = ids.next()
        const marks = await free('hardware type', draft, { store: hardwareTypes, id })
        const type = { id, ...marks, createdAt: clock.now() }
        await hardwareTypes.insert(type)
        await events.append([event(actor, 'hardware-type.created', type)])
        return type
      }),

    listHardwareTypes: (
      actor: OperatorActor,
      query: Parameters<HardwareTypes['page']>[0],
    ): Promise<Page<HardwareType>> =>
      unitOfWork(actor, ({ hardwareTypes }) => hardwareTypes.page(query)),

    showHardwareType: (
      actor: OperatorActor,
      id: string,
    ): Promise<{ type: HardwareType; deviceCount: number }> =>
      unitOfWork(actor, async (stores) => {
        const type = await stores.hardwareTypes.get(id)
        return { type, deviceCount: await count(stores, `hardwareType == "${type.handle}"`) }
      }),

    changeHardwareType: (
      actor: OperatorActor,
      id: string,
      change: Partial<Marks>,
    ): Promise<HardwareType> =>
      unitOfWork(actor, async ({ hardwareTypes, events }) => {
        const to = await free('hardware type', change, { store: hardwareTypes, id })
        await hardwareTypes.change(id, to)
        const type = await hardwareTypes.get(id)
        await events.append([event(actor, 'hardware-type.changed', type, Object.keys(to))])
        return type
      }),

    /** Refuses with hardware-type.in-use. */
    removeHardwareType: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ hardwareTypes, events }) => {
        const type = await hardwareTypes.get(id)
        await hardwareTypes.remove(id)
        await events.append([event(actor, 'hardware-type.removed', type)])
      }),

    /** Refuses with system-model.duplicate, part-number.taken, hardware-type.unknown or profile.unknown. */
    createSystemModel: (actor: OperatorActor, draft: SystemModelDraft): Promise<SystemModelView> =>
      unitOfWork(actor, async ({ systemModels, events }) => {
        const id = ids.next()
        const { hardwareTypeId = null, profileId = null, ...given } = draft
        const marks = await free('system model', given, { store: systemModels, id })
        const model = { id, ...marks, hardwareTypeId, profileId, createdAt: clock.now() }
        await systemModels.insert(model)
        await events.append([event(actor, 'system-model.created', model)])
        return systemModels.get(id)
      }),

    listSystemModels: (
      actor: OperatorActor,
      query: Parameters<SystemModels['page']>[0],
    ): Promise<Page<SystemModelView>> =>
      unitOfWork(actor, ({ systemModels }) => systemModels.page(query)),

    showSystemModel: (
      actor: OperatorActor,
      id: string,
    ): Promise<{ model: SystemModelView; deviceCount: number }> =>
      unitOfWork(actor, async (stores) => {
        const model = await stores.systemModels.get(id)
        return { model, deviceCount: await count(stores, `systemModel == "${model.handle}"`) }
      }),

    changeSystemModel: (
      actor: OperatorActor,
      id: string,
      { profileId, ...change }: SystemModelChange,
    ): Promise<SystemModelView> =>
      unitOfWork(actor, async ({ systemModels, events }) => {
        const marks = await free('system model', change, { store: systemModels, id })
        const to = { ...marks, ...(profileId !== undefined && { profileId }) }
        await systemModels.change(id, to)
        const model = await systemModels.get(id)
        await events.append([event(actor, 'system-model.changed', model, Object.keys(to))])
        return model
      }),

    removeSystemModel: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ systemModels, events }) => {
        const model = await systemModels.get(id)
        await systemModels.remove(id)
        await events.append([event(actor, 'system-model.removed', model)])
      }),
  }
}

export type ModelUseCases = ReturnType<typeof models>
