/**
 * The actions of devices that speak hawkBit's language, as operators see and stop them. An action belongs to its
 * updates: stopping it is cancelling those, and its device is asked to.
 */
import {
  chunksOf,
  clientKindOf,
  DomainError,
  type Handling,
  isTerminal,
  type Operation,
  type OperatorActor,
  type Snapshot,
  STANDARD_HANDLING,
  standingOf,
} from '@updraft/core'
import { needsConfirmation } from './hawkbit-bundling.ts'
import { factsOf } from './hawkbit-standing.ts'
import type { Look } from './look.ts'
import type { Moments } from './moments.ts'
import type { OperationsUseCases } from './operations.ts'
import type {
  Clock,
  DistributionSet,
  HawkbitAction,
  HawkbitAtWork,
  HawkbitStatus,
  Numbered,
  SetAssignment,
  TargetActionList,
  UnitOfWork,
} from './ports.ts'

/** Where it stands, in hawkBit's words. */
export type ActionDetail =
  | 'finished'
  | 'downloaded'
  | 'error'
  | 'canceled'
  | 'canceling'
  | 'wait_for_confirmation'
  | 'retrieved'
  | 'running'

export interface ActionView {
  readonly id: number
  readonly createdAt: Date
  readonly changedAt: Date
  /** It was taken back, and the device did not refuse. */
  readonly isCancel: boolean
  readonly isOver: boolean
  readonly detail: ActionDetail
  /** The set by which it came; null when it came otherwise. */
  readonly set: DistributionSet | null
  readonly handling: Handling
  readonly action: HawkbitAction
}

/** One line of what became of an action. */
export interface Noted {
  readonly type: string
  readonly at: Date
  readonly messages: readonly string[]
}

export interface Reach {
  readonly offset: number
  readonly limit: number
  readonly isNewestFirst: boolean
}

const MAX_STATUSES = 100
/** Of a device's sets, the one that an action was of is looked for among these. */
const REMEMBERED_SETS = 100

export function targetActions({
  actions,
  clock,
  list,
  look,
  moments,
  operations,
  unitOfWork,
}: {
  actions: HawkbitAtWork
  clock: Clock
  list: TargetActionList
  look: Look
  moments: Moments
  operations: Pick<OperationsUseCases, 'cancel' | 'force'>
  unitOfWork: UnitOfWork
}) {
  const seen = (actor: OperatorActor, deviceId: string) =>
    unitOfWork(actor, ({ devices }) => devices.get(deviceId))

  const setsOf = ({ tenantId }: OperatorActor, deviceId: string) =>
    unitOfWork({ tenantId, customerId: null }, ({ distributionSets }) =>
      distributionSets.assignedTo(deviceId, REMEMBERED_SETS),
    )

  const viewed = async (
    actor: OperatorActor,
    deviceId: string,
    found: readonly HawkbitAction[],
  ): Promise<ActionView[]> => {
    const sets = found.length > 0 ? await setsOf(actor, deviceId) : []
    const moment = (await moments(actor.tenantId))()
    return found.map((action) => {
      const standing = standingOf(factsOf(action), moment)
      const detail = detailOf(action, standing)
      return {
        id: action.id,
        createdAt: action.createdAt,
        changedAt: changedAt(action),
        isCancel: detail === 'canceled' || detail === 'canceling',
        isOver: standing.kind === 'over',
        detail,
        set: setOf(action, sets),
        handling: action.chunks[0]?.handling ?? STANDARD_HANDLING,
        action,
      }
    })
  }

  /** Those of the device's that are open, for the operations; made for those that have none. */
  const standFor = async (
    { tenantId }: OperatorActor,
    { device }: Snapshot,
    wanted: readonly Operation[],
  ): Promise<number[]> => {
    const hawkbit = await actions.of(device.id)
    const ofOperation = (id: string) =>
      hawkbit.actions.find(({ chunks }) => chunks.some(({ operationId }) => operationId === id))
    const known = wanted.flatMap(({ id }) => ofOperation(id)?.id ?? [])
    const fresh = wanted.filter(({ id }) => !ofOperation(id))
    // What it is may be known only when it comes; what it has not read then is bundled anew.
    const kind = clientKindOf(hawkbit.settings, device.inventory) ?? 'ddi'
    const most = chunksOf(kind, hawkbit.settings)
    const made: number[] = []
    for (let from = 0; from < fresh.length; from += most) {
      const bundle = fresh.slice(from, from + most)
      const at = clock.now()
      const action = await actions.open(
        { tenantId, deviceId: device.id },
        {
          client: kind,
          needsConfirmation: needsConfirmation(kind, hawkbit),
          operations: bundle,
          at,
        },
      )
      if (action) made.push(action.id)
    }
    return [...new Set([...known, ...made])]
  }

  return {
    list: async (
      actor: OperatorActor,
      deviceId: string,
      reach: Reach,
    ): Promise<Numbered<ActionView>> => {
      await seen(actor, deviceId)
      const { items: ids, total } = await list(deviceId, reach)
      const found: HawkbitAction[] = []
      for (const id of ids) {
        const action = await actions.action(deviceId, id)
        if (action) found.push(action)
      }
      return { items: await viewed(actor, deviceId, found), total }
    },

    /** Refuses with operation.unknown. */
    show: async (actor: OperatorActor, deviceId: string, id: number): Promise<ActionView> => {
      await seen(actor, deviceId)
      const action = id <= MAX_ID ? await actions.action(deviceId, id) : null
      const [view] = action ? await viewed(actor, deviceId, [action]) : []
      if (view) return view
      throw new DomainError('operation.unknown', `The target has no action ${id}.`)
    },

    /** What became of it: what the device said, and what was done here. */
    statuses: async (
      { action, detail, isOver, isCancel }: ActionView,
      { offset, limit, isNewestFirst }: Reach,
    ): Promise<Numbered<Noted & { id: number }>> => {
      const told = await actions.statuses(action.id, MAX_STATUSES)
      // The word by which the device is done says how it ended, also while it is to show that it came to stay.
      const last = told.find(({ status }) => wordOf(status) === CLOSED || hasStopped(status))
      const isTold =
        last !== undefined || told.some((each) => notedOf(each, detail).type === detail)
      const wellOrNot = isOver ? detail : action.isUnproven ? 'finished' : 'running'
      const said = told.map((each) => notedOf(each, each === last ? wellOrNot : 'running'))
      const done = doneHere(action, { isCancel })
      const end: Noted[] =
        isOver && !isTold ? [{ type: detail, at: changedAt(action), messages: [END[detail]] }] : []
      const all = [...done, ...said, ...end]
        .toSorted((a, b) => a.at.getTime() - b.at.getTime())
        .map((each, index) => ({ ...each, id: index + 1 }))
      const ordered = isNewestFirst ? all.toReversed() : all
      return { items: ordered.slice(offset, offset + limit), total: all.length }
    },

    /**
     * The device is looked at after it was assigned that set, and what it is to do of it has numbers from then on.
     * Answers these: none where it runs all of it already.
     */
    afterAssignment: async (
      actor: OperatorActor,
      deviceId: string,
      { modules }: DistributionSet,
    ): Promise<readonly number[]> => {
      await look({ tenantId: actor.tenantId, deviceIds: [deviceId] })
      const { snapshot } = await seen(actor, deviceId)
      const releaseIds = modules.map(({ releaseId }) => releaseId)
      const underWay = Object.values(snapshot.components).flatMap((each) => each.underWay ?? [])
      const wanted = underWay.filter(({ releaseId }) => releaseIds.includes(releaseId))
      return standFor(actor, snapshot, wanted)
    },

    /**
     * Its updates are cancelled, and the device is asked to stop, even if it has not heard of them: hawkBit's scripts wait
     * for its answer. Refuses with operation.already-ended.
     */
    cancel: async (actor: OperatorActor, { id, action, isCancel, isOver }: ActionView) => {
      if (isOver || isCancel) {
        const message = `Action ${id} ${isOver ? 'is over' : 'is being cancelled already'}.`
        throw new DomainError('operation.already-ended', message)
      }
      for (const { operationId, state } of action.chunks) {
        if (state !== null && !isTerminal(state)) await operations.cancel(actor, operationId)
      }
      if (!action.cancelAskedAt) await actions.change(id, { cancelAskedAt: clock.now() })
    },

    /** What was left to the device is a must from now on. Refuses with operation.already-ended. */
    force: async (actor: OperatorActor, { id, action, isOver, isCancel }: ActionView) => {
      if (isOver || isCancel) {
        const message = `Action ${id} ${isOver ? 'is over' : 'is being cancelled'}.`
        throw new DomainError('operation.already-ended', message)
      }
      for (const { operationId, state } of action.chunks) {
        if (state !== null && !isTerminal(state)) await operations.force(actor, operationId)
      }
    },

    /** Nothing is waited for any more. Refuses with operation.already-ended unless it was cancelled. */
    forceQuit: async (_actor: OperatorActor, { id, action, isCancel, isOver }: ActionView) => {
      if (!isCancel) {
        const why = isOver ? 'it is over' : 'it was not cancelled before'
        throw new DomainError('operation.already-ended', `Action ${id} cannot be quit: ${why}.`)
      }
      if (!isOver) await actions.change(action.id, { closedAt: clock.now(), outcome: 'cancelled' })
    },
  }
}

const MAX_ID = 2 ** 31 - 1
const END: Readonly<Record<ActionDetail, string>> = {
  finished: 'The update is done.',
  downloaded: 'The update was downloaded, and was not to be installed.',
  error: 'The update has failed.',
  canceled: 'The update was taken back.',
  canceling: 'The device is asked to stop.',
  wait_for_confirmation: 'Somebody at the device is to confirm it.',
  retrieved: 'The device has read it.',
  running: 'The device has not come for it yet.',
}

function detailOf(
  { fetchedAt, feedbackCount }: HawkbitAction,
  standing: ReturnType<typeof standingOf>,
): ActionDetail {
  switch (standing.kind) {
    case 'over':
      return OF_OUTCOME[standing.outcome]
    case 'to-cancel':
      return 'canceling'
    case 'to-confirm':
      return 'wait_for_confirmation'
    case 'unproven':
      return 'running'
    case 'to-do':
      return fetchedAt && feedbackCount === 0 ? 'retrieved' : 'running'
  }
}

const OF_OUTCOME = {
  finished: 'finished',
  downloaded: 'downloaded',
  failed: 'error',
  'given-up': 'error',
  cancelled: 'canceled',
  withdrawn: 'canceled',
  'cancel-unanswered': 'canceled',
} as const

const changedAt = ({
  createdAt,
  confirmedAt,
  fetchedAt,
  cancelAskedAt,
  cancelRefusedAt,
  closedAt,
}: HawkbitAction): Date => {
  const times = [createdAt, confirmedAt, fetchedAt, cancelAskedAt, cancelRefusedAt, closedAt]
  return new Date(Math.max(...times.map((time) => time?.getTime() ?? 0)))
}

function doneHere(
  { createdAt, fetchedAt, cancelAskedAt }: HawkbitAction,
  { isCancel }: { isCancel: boolean },
): Noted[] {
  const line = (type: ActionDetail, at: Date | null): Noted[] =>
    at === null ? [] : [{ type, at, messages: [END[type]] }]
  return [
    ...line('running', createdAt),
    ...line('retrieved', fetchedAt),
    ...line('canceling', isCancel ? cancelAskedAt : null),
  ]
}

const CLOSED = 'closed'
/** The first of what is noted; the second says how it ended. */
const wordOf = (status: string): string => status.split(' ')[0] ?? ''
/** What devices say in between. */
const TYPE_OF: Readonly<Record<string, string>> = {
  rejected: 'warning',
  canceled: 'canceled',
  download: 'download',
  downloaded: 'downloaded',
}

/** The device's yes to a cancel. */
const hasStopped = (status: string): boolean => /^cancel closed (success|none)$/.test(status)

const notedOf = ({ at, status, messages }: HawkbitStatus, closed: ActionDetail): Noted => ({
  type: typeOf(status, closed),
  at,
  messages,
})

function typeOf(status: string, closed: ActionDetail): string {
  if (hasStopped(status)) return 'canceled'
  return wordOf(status) === CLOSED ? closed : (TYPE_OF[wordOf(status)] ?? 'running')
}

/** The latest of the sets assigned before it that has a release of it. */
function setOf(
  { chunks, createdAt }: HawkbitAction,
  sets: readonly SetAssignment[],
): DistributionSet | null {
  const releaseIds = new Set<string | null>(chunks.map(({ releaseId }) => releaseId))
  const found = sets.find(
    ({ set, assignedAt }) =>
      assignedAt <= createdAt && set.modules.some(({ releaseId }) => releaseIds.has(releaseId)),
  )
  return found?.set ?? null
}

export type TargetActionsUseCases = ReturnType<typeof targetActions>
