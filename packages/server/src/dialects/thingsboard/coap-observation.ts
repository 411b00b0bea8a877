/**
 * A device that observes its attributes is told what changed of them: each change after it has the last one, a new
 * release when it is its turn, all else at once [Attribute push].
 */
import { DomainError, type Json, type JsonObject, NO_FACTS, type Snapshot } from '@updraft/core'
import { deletedKeys, FAMILY_PREFIXES } from '@updraft/wire/thingsboard'
import type { Pacer } from '../../app/pacer.ts'
import type { Observation } from '../../transports/coap-observe.ts'
import type { CoapResponse } from '../../transports/coap-request.ts'
import type { DialectNeeds } from '../dialect.ts'
import { NAME, nobody } from './hear.ts'
import { attributeChange, shared } from './translate.ts'

export interface CoapLog {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface CoapDialectNeeds extends Pick<DialectNeeds, 'desk' | 'liveSessions'> {
  readonly pacer: Pick<Pacer, 'inTurn'>
  readonly log: CoapLog
}

interface Observed {
  readonly token: string
  readonly device: Snapshot
  /** What it was told when it began. */
  readonly attributes: JsonObject
  /** The mark of `liveSessions` before that. */
  readonly since: number
  readonly answer: (body: Json) => CoapResponse
}

const LOOK_AGAIN_MS = 5000

export const observation = (needs: CoapDialectNeeds, observed: Observed): Observation => ({
  of: observed.device.device.id,
  start: (tell) => follow(needs, observed, tell),
})

function follow(
  { desk, liveSessions, pacer, log }: CoapDialectNeeds,
  { token, device, attributes, since, answer }: Observed,
  tell: Parameters<Observation['start']>[0],
): () => void {
  const { id, profileId } = device.device
  const gone = new AbortController()
  let told = attributes
  let isDue = false
  let isLooking = false
  let isWaiting = false
  /** What happened while it was told of a release. */
  let isDueAfterTurn = false
  let again: NodeJS.Timeout | undefined

  /** What holds now; null when the device is not there any more, and has been told so. */
  const look = async (): Promise<JsonObject | null> => {
    const current = await desk.identify(token, NAME).catch(nobody)
    if (current) return shared(current, await desk.checkIn(current, NO_FACTS, { tells: false }))
    await tell({ code: '4.01' })
    return null
  }

  const push = async (values: JsonObject): Promise<boolean> => {
    const change = attributeChange(told, values)
    if (!change || gone.signal.aborted || !(await tell(answer(change)))) return false
    told = values
    return true
  }

  /** It is its turn: what is meant for it now, which may be something else by now, or nothing. */
  const pushRelease = async (): Promise<boolean> => {
    const values = await look()
    if (!values || !(await push(values))) return false
    // Only now it knows.
    await desk.checkIn(await desk.identify(token, NAME), NO_FACTS, { tells: true })
    return true
  }

  const lookAndPush = async (): Promise<void> => {
    const values = await look()
    if (!values) return
    if (!bringsRelease(attributeChange(told, values))) {
      await push(values)
      return
    }
    await push({ ...pick(values, isOther), ...pick(told, isOfRelease) })
    isDueAfterTurn = isWaiting
    if (isWaiting) return
    isWaiting = true
    pacer
      .inTurn(device.tenantId, gone.signal, pushRelease)
      .catch(failed)
      .finally(() => {
        isWaiting = false
        if (isDueAfterTurn) void wake()
      })
  }

  const wake = async (): Promise<void> => {
    isDue = true
    if (isLooking) return
    isLooking = true
    try {
      while (isDue && !gone.signal.aborted) {
        isDue = false
        await lookAndPush()
      }
    } catch (error) {
      failed(error)
    } finally {
      isLooking = false
    }
  }

  /** A change is not lost because the database was away. */
  function failed(error: unknown): void {
    if (!(error instanceof DomainError)) log.error({ err: error }, 'a bug')
    if (!gone.signal.aborted) again = setTimeout(() => void wake(), LOOK_AGAIN_MS).unref()
  }

  const watching = liveSessions.watch({ id, profileId }, since, () => void wake())
  return () => {
    gone.abort()
    clearTimeout(again)
    watching.end()
  }
}

const RELEASE_KEYS = new Set(FAMILY_PREFIXES.flatMap(deletedKeys))
const isOfRelease = (key: string): boolean => RELEASE_KEYS.has(key)
const bringsRelease = (change: JsonObject | null): boolean =>
  change !== null && FAMILY_PREFIXES.some((family) => `${family}_version` in change)
const isOther = (key: string): boolean => !RELEASE_KEYS.has(key)

const pick = (values: JsonObject, isWanted: (key: string) => boolean): JsonObject =>
  Object.fromEntries(Object.entries(values).filter(([key]) => isWanted(key)))
