/** What a device that speaks hawkBit's language says: of its actions, of their end, and of itself. */
import {
  type ActionOutcome,
  type ActionWord,
  DomainError,
  type Facts,
  isTerminal,
  type JsonObject,
  reportOf,
  STATES,
  standingOf,
} from '@updraft/core'
import type { DeviceDesk } from './device-desk.ts'
import type { HawkbitClient } from './hawkbit-entry.ts'
import { confirmedBy, factsOf, isDownloadOnly } from './hawkbit-standing.ts'
import type { Moments } from './moments.ts'
import type {
  Clock,
  HawkbitAction,
  HawkbitAtWork,
  HawkbitAutoConfirm,
  HawkbitChunk,
} from './ports.ts'

/** Of what a client says of one action in between, that much is heard. */
const MAX_FEEDBACK = 1000
/** Of a failure the last lines say why. */
const LAST_LINES = 20
/** RAUC says what went wrong a few words before its updater says that it failed. */
const LAST_WORDS = 10
const isCause = (line: string): boolean => line.startsWith('LastError: ')
const UNTYPED = 'firmware'
const LIFE_EVERY_MS = 30_000
const MAX_LIVELY = 10_000

export interface HawkbitFeedback {
  readonly word: ActionWord
  /** As the client spells it, for the history. */
  readonly status: string
  readonly messages: readonly string[]
  readonly code?: string
  /** It did not say how it ended, which is taken for a success. */
  readonly isVague?: boolean
}

/** `unknown`: no such action, or not in a state for that. `over`: it has ended. */
export type HawkbitHeard = 'heard' | 'unknown' | 'over'

export type CancelWord = 'stopped' | 'refused' | 'trying'

export interface HawkbitWords {
  feedback(client: HawkbitClient, actionId: number, said: HawkbitFeedback): Promise<HawkbitHeard>
  /** `unknown`: the action is not being cancelled. */
  cancelFeedback(
    client: HawkbitClient,
    actionId: number,
    said: Pick<HawkbitFeedback, 'status' | 'messages'> & { readonly word: CancelWord },
  ): Promise<HawkbitHeard>
  confirm(
    client: HawkbitClient,
    actionId: number,
    said: Pick<HawkbitFeedback, 'messages'> & { readonly isConfirmed: boolean },
  ): Promise<HawkbitHeard>
  /** Answers false when it was so before. */
  setAutoConfirm(
    client: HawkbitClient,
    to: Omit<HawkbitAutoConfirm, 'activatedAt'> | null,
  ): Promise<boolean>
  /** What the device says of itself, whole. Refuses with request.malformed. */
  describe(client: HawkbitClient, attributes: JsonObject): Promise<void>
  /** What the device runs already. Answers false when that was known. */
  runs(client: HawkbitClient, name: { title: string; version: string }): Promise<boolean>
}

export function hawkbitWords({
  clock,
  desk,
  moments,
  store,
}: {
  clock: Clock
  desk: Pick<DeviceDesk, 'checkIn' | 'report' | 'notice' | 'noteFetching'>
  moments: Moments
  store: HawkbitAtWork
}): HawkbitWords {
  const found = async ({ device }: HawkbitClient, actionId: number) => {
    const action = await store.action(device.device.id, actionId)
    if (!action) return null
    const moment = await moments(device.tenantId)
    return { action, standing: standingOf(factsOf(action), moment()) }
  }

  const note = (action: HawkbitAction, status: string, messages: readonly string[]) =>
    store.note(action.id, { at: clock.now(), status, messages })

  /** When an operation last gave a sign of life: a client may say something of it ten times a second. */
  const lively = new Map<string, number>()
  const noteLife = async ({ device }: HawkbitClient, operationId: string): Promise<void> => {
    const now = clock.now().getTime()
    if ((lively.get(operationId) ?? -Infinity) + LIFE_EVERY_MS > now) return
    if (lively.size >= MAX_LIVELY) lively.clear()
    lively.set(operationId, now)
    await desk.noteFetching(device, { id: operationId }, null)
  }

  const close = (action: HawkbitAction, outcome: ActionOutcome, isUnproven = false) =>
    store.change(action.id, { closedAt: clock.now(), outcome, isUnproven })

  /** It runs what it was told once, whatever became of that here. */
  const learn = async ({ device }: HawkbitClient, action: HawkbitAction) => {
    const gone = action.chunks.filter(
      ({ state }) => state === null || (isTerminal(state) && state !== 'UPDATED'),
    )
    if (gone.length === 0) return
    const installed: Record<string, Facts['installed'][string]> = {}
    for (const { type, title, version } of await store.releases(
      gone.map(({ releaseId }) => releaseId),
    )) {
      installed[type] = { title, version }
    }
    await desk.checkIn(device, { installed }, { tells: false })
  }

  /** What came too late, or too often: nobody but an operator learns of it. */
  const drop = async ({ device }: HawkbitClient, action: HawkbitAction, why: string) => {
    await desk.notice(device, { kind: 'report.ignored', data: { action: action.id, why } })
  }

  const hearLate = async (
    client: HawkbitClient,
    action: HawkbitAction,
    outcome: ActionOutcome,
    said: HawkbitFeedback,
  ): Promise<HawkbitHeard> => {
    const isFinal = said.word === 'done' || said.word === 'failed'
    const isSaid = outcome === 'finished' || outcome === 'failed' || outcome === 'cancelled'
    if (isFinal && isSaid) return 'over'
    if (!action.closedAt) await close(action, outcome)
    if (isFinal) {
      await note(action, said.status, said.messages)
      await close(action, said.word === 'done' ? 'finished' : 'failed')
      if (said.word === 'done') await learn(client, action)
    } else {
      await drop(client, action, 'The action is over.')
    }
    return 'heard'
  }

  const lastLines = async (action: HawkbitAction, said: HawkbitFeedback): Promise<string> => {
    const last = said.messages.slice(-LAST_LINES)
    const before = said.word === 'failed' ? await store.statuses(action.id, LAST_WORDS) : []
    const cause = before.flatMap(({ messages }) => messages).find(isCause)
    return [...last, ...(cause && !last.includes(cause) ? [cause] : [])].join('\n')
  }

  const feedback: HawkbitWords['feedback'] = async (client, actionId, said) => {
    const known = await found(client, actionId)
    if (!known || known.standing.kind === 'to-confirm') return 'unknown'
    const { action, standing } = known
    if (standing.kind === 'over') return hearLate(client, action, standing.outcome, said)
    if (standing.kind === 'unproven') {
      await drop(client, action, 'The device has reported its success before.')
      return 'heard'
    }
    const { device } = client
    const isFinal = said.word === 'done' || said.word === 'failed'
    if ((await store.countFeedback(action.id)) > MAX_FEEDBACK && !isFinal) {
      await drop(client, action, `The device said more than ${MAX_FEEDBACK} things of it.`)
      return 'heard'
    }
    await note(action, said.status, said.messages)
    const isToFetch = isDownloadOnly(action)
    // It was told not to install it, or not yet, and takes that for done.
    const isMistaken = said.word === 'done' && action.isSkipped
    if (isMistaken && !(isToFetch && action.chunks.every(isFetched))) return 'heard'
    const word = isMistaken ? 'downloaded' : said.word
    const last = await lastLines(action, said)
    const proof = confirmedBy(client, action)
    let isAtWork = false
    for (const { operationId, state } of action.chunks) {
      if (state === null || isTerminal(state)) continue
      isAtWork = true
      const report = reportOf(word, {
        state,
        confirmedBy: proof,
        isToKeep: isToFetch || action.isSkipped,
        said: last,
        code: said.code,
      })
      if (said.isVague && word === 'done') {
        const error = 'It closed the action without saying how, which is taken for a success.'
        await desk.report(device, { operationId }, { state: null, error }, NOTHING_NEW)
      }
      if (report) await desk.report(device, { operationId }, report, NOTHING_NEW)
      else await noteLife(client, operationId)
    }
    const { tenantId } = device
    if (word === 'done') {
      await close(action, 'finished', isAtWork && proof !== 'report')
      await learn(client, action)
      await store.wantAttributes({ tenantId, deviceId: device.device.id }, true)
    } else if (word === 'downloaded' && isToFetch) {
      await close(action, 'downloaded')
      await store.wantAttributes({ tenantId, deviceId: device.device.id }, true)
    } else if (word === 'failed') {
      await close(action, 'failed')
    }
    return 'heard'
  }

  const remark = async ({ device }: HawkbitClient, action: HawkbitAction, error: string) => {
    for (const { operationId, state } of action.chunks) {
      if (state === null) continue
      await desk.report(device, { operationId }, { state: null, error }, NOTHING_NEW)
    }
  }

  const describe: HawkbitWords['describe'] = async ({ device, hawkbit }, attributes) => {
    const { versionAttribute, versionType } = hawkbit.settings
    const version = versionAttribute === null ? undefined : attributes[versionAttribute]
    const tells = typeof version === 'string' && version !== ''
    await desk.checkIn(
      device,
      {
        installed: tells ? { [versionType]: { title: null, version } } : {},
        namesNoTitles: tells,
        inventoryChanges: { attributes },
      },
      { tells: false },
    )
    const { tenantId } = device
    await store.wantAttributes({ tenantId, deviceId: device.device.id }, false)
  }

  return {
    feedback,
    cancelFeedback: async (client, actionId, { word, status, messages }) => {
      const known = await found(client, actionId)
      if (known?.standing.kind !== 'to-cancel') return 'unknown'
      const { action } = known
      await note(action, `cancel ${status}`, messages)
      const last = messages.slice(-LAST_LINES).join('\n')
      if (word === 'stopped') {
        await close(action, 'cancelled')
        await remark(client, action, `The device has stopped. ${last}`)
      } else if (word === 'refused') {
        await store.change(action.id, { cancelRefusedAt: clock.now() })
        await remark(client, action, `The device does not stop. ${last}`)
      }
      return 'heard'
    },
    confirm: async (client, actionId, { isConfirmed, messages }) => {
      const known = await found(client, actionId)
      if (!known) return 'unknown'
      if (known.standing.kind === 'over') return 'over'
      if (known.standing.kind !== 'to-confirm') return 'unknown'
      await note(known.action, isConfirmed ? 'confirmed' : 'denied', messages)
      if (isConfirmed) await store.change(actionId, { confirmedAt: clock.now() })
      else await remark(client, known.action, `It was denied at the device. ${messages.join(' ')}`)
      return 'heard'
    },
    setAutoConfirm: async ({ device, hawkbit }, to) => {
      if ((to !== null) === (hawkbit.autoConfirm !== null)) return false
      const whose = { tenantId: device.tenantId, deviceId: device.device.id }
      const activatedAt = clock.now()
      await store.setAutoConfirm(whose, to && { ...to, activatedAt })
      for (const action of to ? hawkbit.actions : []) {
        if (action.needsConfirmation && !action.confirmedAt) {
          await store.change(action.id, { confirmedAt: activatedAt })
        }
      }
      return true
    },
    describe,
    runs: async ({ device }, { title, version }) => {
      const { profileId, installed } = device.device
      const release = await store.releaseNamed(profileId, { title, version })
      const type = release?.type ?? UNTYPED
      const known = installed[type]
      if (known?.title === title && known.version === version) return false
      if (title.length > 255 || version.length > 255) {
        throw new DomainError(
          'request.malformed',
          'A name or version is longer than 255 characters.',
        )
      }
      await desk.checkIn(device, { installed: { [type]: { title, version } } }, { tells: false })
      return true
    },
  }
}

/** We have seen it fetch all of it. */
const isFetched = ({ state }: HawkbitChunk): boolean =>
  state !== null && STATES.indexOf(state) >= STATES.indexOf('DOWNLOADED')

const NOTHING_NEW: Facts = { installed: {} }
