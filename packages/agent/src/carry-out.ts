/**
 * One operation, step by step. A step takes what the journal says and answers with what it is to say next; the
 * loop writes that down before the next step begins. Each step can be taken twice: after a kill the agent begins
 * with the one the journal names.
 */
import type { Installed, State } from '@updraft/core'
import { download } from './download.ts'
import { type Ended, type Entry, isBeforeInstall, type Phase, withEnd } from './journal.ts'
import { missingFor } from './needs.ts'
import { Reports } from './reports.ts'
import type { Tools } from './tools.ts'
import { Away, type FailureKind, messageOf, UpdateFailed, WrongBytes } from './trouble.ts'
import { type Offer, offerName } from './uplink.ts'
import { refuseUncheckable, verify } from './verify.ts'

/** What a turn of the agent came to. */
export type Turn =
  | { readonly kind: 'nothing'; readonly waitMs: number }
  | { readonly kind: 'updated' }
  | { readonly kind: 'failed'; readonly error: string }
  /** The server has taken the operation back. */
  | { readonly kind: 'over' }
  /** Cut off; the journal knows where. `hasMoved`: at least some bytes came. */
  | { readonly kind: 'away'; readonly away: Away; readonly hasMoved: boolean }
  | { readonly kind: 'leave'; readonly how: 'exit' | 'restart' }
  /** Its window is closed, and it may not wait. */
  | { readonly kind: 'later' }
  /** It may not be installed for now. */
  | { readonly kind: 'held'; readonly ms: number }
  | { readonly kind: 'stopped' }

type Next =
  | { readonly kind: 'go'; readonly entry: Entry }
  | { readonly kind: 'end' }
  | { readonly kind: 'over' }
  | { readonly kind: 'later' }
  | { readonly kind: 'held'; readonly ms: number }
  | { readonly kind: 'leave'; readonly how: 'exit' | 'restart' }

const MAX_INSTALL_ATTEMPTS = 3
const MAX_RESTARTS_ASKED = 3
/** Refusals of the file, or errors nobody foresaw, in a row: then the operation has failed. */
const MAX_REFUSALS = 5

/** More often than a server loses patience, and not so often that a waiting fleet is a burden. */
const SAY_AGAIN_MS = 1_800_000

type At<P extends Phase['at']> = Extract<Phase, { at: P }>

export class CarryOut {
  /** Whether it may wait for the window in which it installs. */
  mayWait = true
  readonly #tools: Tools
  readonly #stop: AbortSignal
  /** The next step was begun by an earlier life of the agent, or before the machine was to restart. */
  #isResumed = false
  #refusals = 0

  constructor(tools: Tools, stop: AbortSignal) {
    this.#tools = tools
    this.#stop = stop
  }

  /** The journal may speak of a step that was begun and cut off. */
  wakeUp(): void {
    this.#isResumed = true
  }

  /** Goes from where the entry is as far as possible. */
  async run(start: Entry): Promise<Turn> {
    let entry = start
    let hasMoved = false
    const over = new AbortController()
    const reports = this.#reportsOn(entry, over)
    const onMoved = () => {
      hasMoved = true
      this.#refusals = 0
    }
    try {
      while (!this.#stop.aborted) {
        const next = await this.#stepUnlessTakenBack(entry, reports, over.signal, onMoved)
        this.#isResumed = false
        if (next.kind === 'leave' || next.kind === 'later' || next.kind === 'held') return next
        if (next.kind === 'over') return await this.#over(entry)
        if (next.kind === 'end') return await this.#end(entry)
        entry = next.entry
        await this.#write(entry)
      }
      return { kind: 'stopped' }
    } catch (error) {
      if (over.signal.aborted) return await this.#over(entry)
      if (this.#stop.aborted) return { kind: 'stopped' }
      return await this.#cutOff(this.#tools.journal.memory.entry ?? entry, error, hasMoved)
    } finally {
      await reports.close()
    }
  }

  /** Forgets an operation that is no longer meant, with what was fetched for it. */
  async drop(entry: Entry): Promise<void> {
    await this.#tools.journal.write({ entry: null })
    await this.#removeFile(entry)
    this.#tools.emit('ended', { offer: entry.offer, state: 'OVER', error: null })
  }

  /** What the server takes back before the install begins has failed, and the server hears so. */
  async #stepUnlessTakenBack(
    entry: Entry,
    reports: Reports,
    over: AbortSignal,
    onMoved: () => void,
  ): Promise<Next> {
    const takenBack = this.#tools.uplink.takenBack?.(entry.offer)
    if (!takenBack || !isBeforeInstall(entry)) {
      return await this.#step(entry, reports, AbortSignal.any([this.#stop, over]), onMoved)
    }
    const canceled = () => fail(entry, 'the server took the update back', 'canceled')
    if (takenBack.aborted) return canceled()
    try {
      const signal = AbortSignal.any([this.#stop, over, takenBack])
      return await this.#step(entry, reports, signal, onMoved)
    } catch (error) {
      if (takenBack.aborted && !this.#stop.aborted) return canceled()
      throw error
    }
  }

  #step(entry: Entry, reports: Reports, signal: AbortSignal, onMoved: () => void): Promise<Next> {
    const { phase } = entry
    switch (phase.at) {
      case 'offered':
        return this.#begin(entry)
      case 'downloading':
        return this.#download(entry, phase, reports, signal, onMoved)
      case 'downloaded':
        return this.#verify(entry, reports, signal)
      case 'verified':
        return this.#prepare(entry, reports, signal)
      case 'installing':
        return this.#isResumed ? this.#installAgain(entry, phase) : this.#install(entry, reports)
      case 'awaiting-restart':
        return this.#isResumed ? this.#comeBack(entry, phase) : this.#askForRestart(entry, phase)
      case 'reporting':
        return this.#tellTheEnd(entry, phase, reports)
      default:
        return phase satisfies never
    }
  }

  /** What makes the update impossible from the start is said before a byte is fetched. */
  async #begin(entry: Entry): Promise<Next> {
    const { offer } = entry
    this.#tools.log.info('An update is offered.', {
      operation: offer.operation,
      release: offerName(offer),
    })
    if (!this.#tools.installerFor(offer.type)) {
      return fail(entry, `this agent has no installer for ${offer.type}`, 'request')
    }
    try {
      refuseUncheckable(offer, this.#tools.isUncheckedAllowed)
    } catch (error) {
      return fail(entry, messageOf(error), 'request')
    }
    const missing = missingFor(offer.needs ?? {}, (type) => this.#tools.installed.of(type))
    if (missing) return fail(entry, missing, 'request')
    return go(entry, { at: 'downloading', bytesSynced: 0, etag: null })
  }

  async #download(
    entry: Entry,
    phase: At<'downloading'>,
    reports: Reports,
    signal: AbortSignal,
    onMoved: () => void,
  ): Promise<Next> {
    const { offer } = entry
    const { disk, uplink, throttle, download: limits } = this.#tools
    reports.downloaded(offer.sizeBytes ? phase.bytesSynced / offer.sizeBytes : 0)
    try {
      await download({
        ...limits,
        offer,
        path: this.#tools.filePath(entry),
        reached: phase,
        disk,
        uplink,
        throttle,
        signal,
        onSynced: (reached) => this.#write({ ...entry, phase: { at: 'downloading', ...reached } }),
        onBytes: (bytes, total) => {
          onMoved()
          this.#tools.emit('bytes', { offer, bytes, totalBytes: total })
          if (total) reports.downloaded(bytes / total)
        },
      })
    } catch (error) {
      return await this.#wrong(entry, error)
    }
    return go(entry, { at: 'downloaded' })
  }

  async #verify(entry: Entry, reports: Reports, signal: AbortSignal): Promise<Next> {
    if (entry.attempts === 0 && (await reports.say('DOWNLOADED')) === 'over')
      return { kind: 'over' }
    try {
      await verify(this.#tools.disk, this.#tools.filePath(entry), entry.offer, signal)
    } catch (error) {
      const isGone = error instanceof Error && 'code' in error && error.code === 'ENOENT'
      return await this.#wrong(entry, isGone ? new WrongBytes('the file has disappeared') : error)
    }
    return go(entry, { at: 'verified' })
  }

  /** Wrong bytes are thrown away and fetched once more; then, or without space for them, it has failed. */
  async #wrong(entry: Entry, error: unknown): Promise<Next> {
    if (error instanceof UpdateFailed) return fail(entry, error.message, error.kind)
    if (!(error instanceof WrongBytes)) throw error
    if (entry.startedOver > 0) return fail(entry, `${error.message}, twice`, 'image')
    this.#tools.log.warn('The download is thrown away and begun anew.', { because: error.message })
    await this.#removeFile(entry)
    const phase = { at: 'downloading', bytesSynced: 0, etag: null } as const
    return go({ ...entry, startedOver: entry.startedOver + 1 }, phase)
  }

  async #prepare(entry: Entry, reports: Reports, signal: AbortSignal): Promise<Next> {
    // Between two lives of the agent the file may have suffered; it is looked at again.
    if (this.#isResumed) return go(entry, { at: 'downloaded' })
    if (entry.attempts === 0 && (await reports.say('VERIFIED')) === 'over') return { kind: 'over' }
    const answer = entry.attempts === 0 ? await this.#awaitWindow(reports, signal) : 'open'
    if (answer !== 'open') return { kind: answer }
    const { rule, uplink } = this.#tools
    const heldMs = entry.attempts === 0 ? rule.untilInstallMs(entry.offer) : 0
    if (heldMs > 0) return { kind: 'held', ms: heldMs }
    const serverMs = entry.attempts === 0 ? (uplink.untilInstallMs?.(entry.offer) ?? 0) : 0
    if (serverMs > 0) return this.mayWait ? { kind: 'held', ms: serverMs } : { kind: 'later' }
    return go({ ...entry, attempts: entry.attempts + 1 }, { at: 'installing', mark: null })
  }

  /** An install that was begun does not wait again. Meanwhile the server hears now and then that all is well. */
  async #awaitWindow(reports: Reports, signal: AbortSignal): Promise<'open' | 'over' | 'later'> {
    const { schedule, clock, log, emit } = this.#tools
    let saidMs = clock.nowMs()
    for (let ms = schedule.untilApplyMs(); ms > 0; ms = schedule.untilApplyMs()) {
      if (!this.mayWait) {
        log.info('The window for installs is closed.')
        return 'later'
      }
      emit('waiting', { ms, because: 'the window for installs' })
      await clock.wait(ms, signal)
      signal.throwIfAborted()
      if (clock.nowMs() - saidMs < SAY_AGAIN_MS) continue
      saidMs = clock.nowMs()
      if ((await reports.say('VERIFIED')) === 'over') return 'over'
    }
    return 'open'
  }

  async #install(entry: Entry, reports: Reports): Promise<Next> {
    const { offer } = entry
    if ((await reports.say('UPDATING')) === 'over' && entry.attempts === 1) return { kind: 'over' }
    this.#tools.log.info('Installs.', { release: offerName(offer), attempt: entry.attempts })
    const { operation, type, title, version, sizeBytes } = offer
    const result = await this.#tools.installerFor(type)?.install({
      file: this.#tools.filePath(entry),
      release: { operation, type, title, version, sizeBytes },
      previous: entry.before,
      remember: (mark) => this.#write({ ...entry, phase: { at: 'installing', mark } }),
    })
    // Who stops the agent often ends its children as well; that is a cut, and no word of the script.
    if (result?.kind === 'failed' && this.#stop.aborted) throw this.#stop.reason
    switch (result?.kind) {
      case 'done':
        return succeed(entry)
      case 'failed':
        return fail(entry, result.error, 'install')
      case 'exit':
      case 'restart': {
        const { bootId } = this.#tools
        return go(entry, { at: 'awaiting-restart', how: result.kind, asked: 0, bootId })
      }
      default:
        return fail(entry, `this agent has no installer for ${type}`, 'request')
    }
  }

  /** The install was cut off. What runs now decides; the same version as before decides nothing. */
  async #installAgain(entry: Entry, { mark }: At<'installing'>): Promise<Next> {
    const { offer, before, attempts } = entry
    if (mark) await this.#tools.installerFor(offer.type)?.settle?.(mark)
    await this.#tools.installed.lookAgain()
    const ranBefore = before?.title === offer.title && before.version === offer.version
    if (this.#tools.installed.hasArrived(offer, before) && !ranBefore) return succeed(entry)
    if (attempts >= MAX_INSTALL_ATTEMPTS) {
      const error = `the install was cut off ${attempts} times; ${this.#runsNow(offer)}`
      return fail(entry, error, 'install')
    }
    return go(entry, { at: 'downloaded' })
  }

  /** The program, or the machine, started anew: either the new version came up or the old one came back. */
  async #comeBack(entry: Entry, phase: At<'awaiting-restart'>): Promise<Next> {
    const { installed, bootId } = this.#tools
    await installed.lookAgain()
    if (installed.hasArrived(entry.offer, entry.before)) return succeed(entry)
    if (installed.trouble) {
      return fail(entry, `what runs now cannot be told: ${installed.trouble}`, 'install')
    }
    const isSameBoot = phase.bootId === bootId || bootId === 'unknown'
    if (phase.how === 'restart' && isSameBoot && phase.asked < MAX_RESTARTS_ASKED) {
      return await this.#askForRestart(entry, phase)
    }
    return fail(entry, this.#runsNow(entry.offer), 'rolled-back')
  }

  async #askForRestart(entry: Entry, phase: At<'awaiting-restart'>): Promise<Next> {
    await this.#sayRestarting(entry)
    if (phase.how === 'exit') return { kind: 'leave', how: 'exit' }
    const asking = { ...phase, asked: phase.asked + 1 }
    await this.#write({ ...entry, phase: asking })
    try {
      await this.#tools.restart()
    } catch (error) {
      const why = `installed, but the machine cannot be restarted: ${messageOf(error)}`
      return fail(entry, why, 'install')
    }
    return { kind: 'leave', how: 'restart' }
  }

  async #sayRestarting({ offer }: Entry): Promise<void> {
    const { uplink, log } = this.#tools
    await uplink.restarting?.(offer, this.#stop).catch((error: unknown) => {
      log.debug('That it restarts did not get through.', { because: messageOf(error) })
    })
  }

  async #tellTheEnd(
    { offer, ...entry }: Entry,
    phase: At<'reporting'>,
    reports: Reports,
  ): Promise<Next> {
    // The end is the last word.
    await reports.close()
    const { uplink, log } = this.#tools
    const { state, error, failure } = phase
    const installed = await this.#runsAfter(offer, state)
    await this.#removeFile({ offer, ...entry })
    const report = { state, installed, failure, ...(error === null ? {} : { error }) }
    try {
      await uplink.report(offer, report, this.#stop)
    } catch (trouble) {
      if (!(trouble instanceof Away) || trouble.kind !== 'refused') throw trouble
      log.error('The server cannot read how it ended; it is not told again.', { error: trouble })
    }
    return { kind: 'end' }
  }

  /** What runs once the update has ended so. Of a version that nobody told, the new program itself is asked. */
  async #runsAfter(
    { type, title, version }: Offer,
    state: Ended['state'],
  ): Promise<Installed | null> {
    const { installed } = this.#tools
    if (state === 'FAILED') return installed.of(type)
    if (version === null) {
      await installed.lookAgain()
      return installed.of(type)
    }
    await installed.becomes(type, { title, version })
    return { title, version }
  }

  async #end(entry: Entry): Promise<Turn> {
    const { journal, log, emit } = this.#tools
    if (entry.phase.at !== 'reporting') throw new Error(`an end at ${entry.phase.at}`)
    const { offer } = entry
    const { state, error, failure } = entry.phase
    const end = { operation: offer.operation, state, error, failure }
    const ended = withEnd(journal.memory.ended, end)
    await journal.write({ entry: null, ended })
    log[state === 'UPDATED' ? 'info' : 'error'](`The update ended: ${state}.`, {
      release: offerName(offer),
      error: error ?? undefined,
    })
    emit('ended', { offer, state, error })
    return state === 'UPDATED' ? { kind: 'updated' } : { kind: 'failed', error: error ?? state }
  }

  async #over(entry: Entry): Promise<Turn> {
    this.#tools.log.info('The server has taken the update back.', {
      release: offerName(entry.offer),
    })
    await this.drop(entry)
    return { kind: 'over' }
  }

  /** Not now is not an end; refused again and again, or never foreseen, is one. */
  async #cutOff(entry: Entry, error: unknown, hasMoved: boolean): Promise<Turn> {
    // The step was begun: whoever takes it up again must look at what it left.
    this.#isResumed = true
    const isForeseen = error instanceof Away
    if (!isForeseen) this.#tools.log.error('Something unforeseen went wrong.', { error })
    const away = isForeseen ? error : new Away(messageOf(error), { kind: 'busy', cause: error })
    this.#refusals = isForeseen && away.kind !== 'refused' ? 0 : this.#refusals + 1
    if (this.#refusals >= MAX_REFUSALS && entry.phase.at !== 'reporting') {
      this.#refusals = 0
      await this.#write(
        fail(entry, `gave up after ${MAX_REFUSALS} attempts: ${away.message}`, 'network').entry,
      )
    }
    return { kind: 'away', away, hasMoved }
  }

  #reportsOn({ offer, before }: Entry, over: AbortController): Reports {
    const { uplink, clock, log, emit } = this.#tools
    return new Reports({
      uplink,
      offer,
      clock,
      log,
      installed: before,
      signal: this.#stop,
      listener: (state: State, progressPercent: number) =>
        emit('progress', { offer, state, progressPercent }),
      onOver: () => over.abort(),
    })
  }

  #write = (entry: Entry): Promise<void> => this.#tools.journal.write({ entry })

  #removeFile = (entry: Entry): Promise<void> =>
    this.#tools.disk.rm(this.#tools.filePath(entry), { force: true })

  #runsNow(offer: Offer): string {
    const runs = this.#tools.installed.of(offer.type)
    const name = runs ? `${runs.title ?? offer.type}@${runs.version ?? '?'}` : 'nothing known'
    const because = this.#tools.installerFor(offer.type)?.whyNot?.(offer)
    return `came back with ${name} after installing ${offerName(offer)}${because ? `: ${because}` : ''}`
  }
}

const go = (entry: Entry, phase: Phase): Next & { kind: 'go' } => ({
  kind: 'go',
  entry: { ...entry, phase },
})

const succeed = (entry: Entry) => go(entry, { at: 'reporting', state: 'UPDATED', error: null })

const fail = (entry: Entry, error: string, failure: FailureKind) =>
  go(entry, { at: 'reporting', state: 'FAILED', error: error.slice(-MAX_ERROR_LENGTH), failure })

/** The longest error the wire takes. */
const MAX_ERROR_LENGTH = 4096
