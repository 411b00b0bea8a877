/**
 * hawkBit's Direct Device Integration API (docs/dialects/hawkbit.md): the device asks now and then, is told of one action
 * at a time with a chunk for each component, and says how it fares. That it went well is said once the new version
 * runs, and not before.
 */
import type { Installed, JsonObject } from '@updraft/core'
import {
  type Deployment,
  type Execution,
  feedbackBody,
  LIMITS,
  type PollAnswer,
  type Result,
  readSleep,
} from '@updraft/wire/hawkbit'
import { UpdateFailed } from '../trouble.ts'
import { type Offer, type OutgoingReport, offerName, type Uplink } from '../uplink.ts'
import { type Clock, systemClock } from '../waits.ts'
import { fetchByRange } from './by-range.ts'
import { downloadPercent } from './download-percent.ts'
import { type HawkbitAction, HawkbitActions } from './hawkbit-action.ts'
import { attributesOf } from './hawkbit-attributes.ts'
import { actionLinked, type HawkbitAuth, HawkbitLine } from './hawkbit-line.ts'
import { offersOf, partOfAction, refusalOf } from './hawkbit-offers.ts'

export interface HawkbitOptions {
  /** Where the server is, such as https://updates.example. */
  readonly server: string
  readonly tenant?: string
  /** By which the device is known there. */
  readonly id: string
  readonly auth?: HawkbitAuth
  readonly token: () => Promise<string>
  /** Says yes to each action that waits for somebody to do so; otherwise it waits for another. */
  readonly confirms?: boolean
  /** By which some servers tell what a client can take. */
  readonly userAgent?: string
  readonly answerTimeoutMs?: number
  readonly clock?: Clock
}

type Links = NonNullable<PollAnswer['_links']>

const ANSWER_TIMEOUT_MS = 30_000
const DEFAULT_SLEEP_SECONDS = 300

export function hawkbitUplink({
  server,
  tenant = 'DEFAULT',
  id,
  auth = 'target',
  token,
  confirms = false,
  userAgent = 'updraft-agent',
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
  clock = systemClock,
}: HawkbitOptions): Uplink {
  const line = new HawkbitLine({
    server,
    tenant,
    controllerId: id,
    auth,
    token,
    userAgent,
    answerTimeoutMs,
  })
  const actions = new HawkbitActions()
  let sleepMs = DEFAULT_SLEEP_SECONDS * 1000
  /** What the server has heard in this life, as text. */
  const told = { attributes: '', runs: '' }
  /** Asks beside the work whether the server takes it back. */
  let watch: { readonly operation: string; readonly over: AbortController } | null = null

  const actionOf = (offer: Offer): HawkbitAction => actions.of(partOfAction(offer).actionId)

  const poll = async (signal: AbortSignal): Promise<Links> => {
    const { config, _links = {} } = await line.poll(signal)
    const seconds = config ? readSleep(config.polling.sleep) : null
    sleepMs = (seconds || DEFAULT_SLEEP_SECONDS) * 1000
    return _links
  }

  const say = (
    actionId: string,
    execution: Execution,
    finished: Result,
    details: readonly string[],
    { signal, progress }: { signal: AbortSignal; progress?: { cnt: number; of: number } },
  ) => {
    const body = feedbackBody({ actionId, execution, finished, progress, details: cut(details) })
    return line.feedback('deploymentBase', actionId, body, signal)
  }

  const sayStopped = (
    actionId: string,
    execution: 'closed' | 'rejected',
    text: string,
    signal: AbortSignal,
  ) => {
    const finished = execution === 'closed' ? 'success' : 'none'
    const body = feedbackBody({ actionId, execution, finished, details: cut([text]) })
    return line.feedback('cancelAction', actionId, body, signal)
  }

  const tellOfItself = async (
    installed: Readonly<Record<string, Installed>>,
    facts: JsonObject,
    { isAsked, isIdle, signal }: { isAsked: boolean; isIdle: boolean; signal: AbortSignal },
  ): Promise<void> => {
    const data = attributesOf(facts, installed)
    const attributes = JSON.stringify(data)
    if ((isAsked || attributes !== told.attributes) && Object.keys(data).length > 0) {
      await line.put('/configData', { mode: 'merge', data }, signal)
      told.attributes = attributes
    }
    const runs = installed[TYPE]
    if (!isIdle || !runs?.title || !runs.version) return
    const text = offerName({ title: runs.title, version: runs.version })
    if (text === told.runs) return
    // Servers that know no such thing say so; what they have installed themselves they know.
    await line.put('/installedBase', { name: runs.title, version: runs.version }, signal)
    told.runs = text
  }

  /** What is under way is stopped by who carries it out, which says so; an install goes on, and anything else ends here. */
  const heedStop = async (links: Links, signal: AbortSignal): Promise<void> => {
    const link = actionLinked(links.cancelAction)
    const actionId = link && (await line.toStop(link, signal))
    if (!actionId) return
    const action = actions.of(actionId)
    if (!action.isUnderWay) {
      const some = action.done.size > 0 ? ` Installed before: ${[...action.done].join(', ')}.` : ''
      await sayStopped(actionId, 'closed', `It was not begun.${some}`, signal)
    } else if (!action.isInstalling) action.takenBack.abort()
    else if (!action.hasRefusedToStop) {
      await sayStopped(actionId, 'rejected', 'It is being installed.', signal)
      action.hasRefusedToStop = true
    }
  }

  const confirmIfItMay = async (links: Links, signal: AbortSignal): Promise<Links> => {
    const waiting = actionLinked(links.confirmationBase)
    if (!waiting || !confirms) return links
    const body = { confirmation: 'confirmed', code: 0, details: ['Confirmed by its settings.'] }
    await line.feedback('confirmationBase', waiting.actionId, body, signal)
    return await poll(signal)
  }

  /** What the server says of when counts anew each time. Answers what it asks for, null when that is gone. */
  const look = async (
    link: ReturnType<typeof actionLinked>,
    signal: AbortSignal,
  ): Promise<Deployment | null> => {
    const document = link && (await line.deployment(link, signal))
    if (!link || !document?.deployment) return null
    const { deployment } = document
    const { update, maintenanceWindow: window } = deployment
    const action = actions.of(link.actionId)
    const isClosed = window === 'unavailable' || (update === 'skip' && window !== undefined)
    action.hasWindow = window !== undefined
    action.untilInstallMs = isClosed ? sleepMs : 0
    action.isDownloadOnly = update === 'skip' && window === undefined
    return deployment
  }

  const offersLinked = async (links: Links, signal: AbortSignal): Promise<Offer[]> => {
    const link = actionLinked(links.deploymentBase)
    const deployment = await look(link, signal)
    if (!link || !deployment || deployment.download === 'skip') return []
    const action = actions.of(link.actionId)
    if (action.isDownloadOnly && action.isDownloaded) return []
    action.failed ??= refusalOf(deployment.chunks)
    if (action.failed !== null) {
      await say(action.id, 'closed', 'failure', [action.failed], { signal })
      return []
    }
    return offersOf({ id: link.actionId }, deployment.chunks)
  }

  const stopWatching = (): void => {
    watch?.over.abort()
    watch = null
  }

  const keepWatching = ({ operation }: Offer, signal: AbortSignal): void => {
    if (watch?.operation === operation) return
    stopWatching()
    const over = new AbortController()
    watch = { operation, over }
    void watching(operation, AbortSignal.any([signal, over.signal]))
  }

  const watching = async (operation: string, signal: AbortSignal): Promise<void> => {
    const action = actions.of(partOfAction({ operation }).actionId)
    for (;;) {
      await clock.wait(sleepMs, signal)
      if (signal.aborted) return
      try {
        const links = await poll(signal)
        action.isGone = isNothingMeant(links)
        await heedStop(links, signal)
      } catch {
        // Whoever does the work has the same trouble, and tells of it.
      }
    }
  }

  const onTheWay = async (
    offer: Offer,
    { state, progressPercent }: OutgoingReport,
    signal: AbortSignal,
  ): Promise<'taken' | 'over'> => {
    const action = actionOf(offer)
    action.isUnderWay = true
    if (state === 'VERIFIED' && action.hasWindow) {
      await look({ actionId: action.id, query: '' }, signal)
    }
    if (action.isGone || action.failed !== null) return 'over'
    if (state === 'VERIFIED' && action.isDownloadOnly) {
      stopWatching()
      await say(action.id, 'downloaded', 'success', [`${offerName(offer)} is here.`], { signal })
      action.isDownloaded = true
      return 'over'
    }
    action.isInstalling = state === 'UPDATING'
    if (state === 'VERIFIED' && action.untilInstallMs > 0) stopWatching()
    else keepWatching(offer, signal)
    const { execution, text } = wordsFor(offer, { state, progressPercent }, action)
    if (action.said === text) return 'taken'
    const heard = await say(action.id, execution, 'none', [text], { signal })
    action.said = text
    return heard
  }

  const arrived = async (offer: Offer, signal: AbortSignal): Promise<'taken' | 'over'> => {
    const { parts } = partOfAction(offer)
    const action = actionOf(offer)
    if (offer.type === TYPE) told.runs = offerName(offer)
    const isNews = !action.done.has(offer.type)
    action.done.add(offer.type)
    const text = `${offerName(offer)} runs.`
    if (action.done.size >= parts) {
      return await say(action.id, 'closed', 'success', [text], { signal })
    }
    // What ended in an earlier life of the agent is told again once it is offered again.
    if (!isNews) return 'taken'
    const progress = { cnt: action.done.size, of: parts }
    return await say(action.id, 'proceeding', 'none', [text], { signal, progress })
  }

  const failed = async (
    offer: Offer,
    { error = 'it failed', failure }: OutgoingReport,
    signal: AbortSignal,
  ): Promise<'taken' | 'over'> => {
    const action = actionOf(offer)
    action.failed = error
    if (failure === 'canceled') {
      const heard = await sayStopped(action.id, 'closed', error, signal)
      if (heard === 'taken') return heard
      // It is not to be stopped any more.
    }
    return await say(action.id, 'closed', 'failure', [error], { signal })
  }

  return {
    name: 'hawkbit',

    async checkIn({ installed, facts, underWay, signal }) {
      const begun = underWay ? actionOf(underWay) : null
      if (watch && watch.operation !== underWay?.operation) stopWatching()
      const linked = await poll(signal)
      const isAsked = linked.configData !== undefined
      await tellOfItself(installed, facts, { isAsked, isIdle: !underWay, signal })
      const links = await confirmIfItMay(linked, signal)
      const ids = [links.deploymentBase, links.cancelAction].map((each) => actionLinked(each))
      actions.forgetAllBut([begun?.id, ...ids.map((each) => each?.actionId)])
      if (begun) {
        begun.isUnderWay = true
        begun.isGone = isNothingMeant(links)
      }
      await heedStop(links, signal)
      return {
        offers: await offersLinked(links, signal),
        nextCheckInSeconds: sleepMs / 1000,
        wasHeld: false,
      }
    },

    async report(offer, report, signal) {
      const { state } = report
      if (state !== 'UPDATED' && state !== 'FAILED') return await onTheWay(offer, report, signal)
      stopWatching()
      actionOf(offer).isUnderWay = false
      return state === 'UPDATED'
        ? await arrived(offer, signal)
        : await failed(offer, report, signal)
    },

    async restarting(offer, signal) {
      stopWatching()
      const text = `Restarts into ${offerName(offer)}.`
      await say(actionOf(offer).id, 'proceeding', 'none', [text], { signal })
    },

    takenBack: (offer) => actionOf(offer).takenBack.signal,
    untilInstallMs: (offer) => actionOf(offer).untilInstallMs,

    async fetch(offer, from, limits) {
      const { address } = offer
      if (!address) throw new UpdateFailed('the action names no address to fetch from')
      const authorization = await line.authorizationFor(address)
      return await fetchByRange(address, from, { ...limits, authorization })
    },

    async hangUp() {
      stopWatching()
    },
  }
}

/** Of which component the server asks what runs. */
const TYPE = 'firmware'

/** Nothing is meant for the device any more. Where something is, another may only come first. */
const isNothingMeant = ({ deploymentBase, cancelAction, confirmationBase }: Links): boolean =>
  !deploymentBase && !cancelAction && !confirmationBase

function wordsFor(
  offer: Offer,
  { state, progressPercent }: Pick<OutgoingReport, 'state' | 'progressPercent'>,
  { untilInstallMs }: HawkbitAction,
): { readonly execution: Execution; readonly text: string } {
  const name = offerName(offer)
  switch (state) {
    case 'DOWNLOADING': {
      const percent = downloadPercent(progressPercent)
      return { execution: 'download', text: `Downloads ${name}: ${percent} %.` }
    }
    case 'DOWNLOADED':
      return { execution: 'downloaded', text: `${name} is here.` }
    case 'VERIFIED':
      return untilInstallMs > 0
        ? { execution: 'scheduled', text: `${name} waits until it may be installed.` }
        : { execution: 'proceeding', text: `${name} is what was announced.` }
    default:
      return { execution: 'proceeding', text: `Installs ${name}.` }
  }
}

/** Longer messages are cut by servers, so they are told in pieces, of which the last say most. */
const cut = (details: readonly string[]): string[] =>
  details.flatMap((text) => text.match(PIECES) ?? []).slice(-LIMITS.messages)

const PIECES = new RegExp(`[^]{1,${LIMITS.messageLength}}`, 'g')
