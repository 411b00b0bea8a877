/**
 * The agent's life: wake up, finish what was begun, check in, carry out what is offered, and wait. Whom it
 * talks to is an uplink, how an artifact gets in place is an installer.
 */
import { EventEmitter } from 'node:events'
import { CarryOut, type Turn } from './carry-out.ts'
import { makeFolder, removeOthers } from './disk.ts'
import type { AgentEvents } from './events.ts'
import type { InstalledVersions } from './installed.ts'
import { type Ended, type Entry, isBeforeInstall, type Journal } from './journal.ts'
import { type Lock, lockFolder } from './lock.ts'
import type { Tools } from './tools.ts'
import { Away, messageOf } from './trouble.ts'
import { type CheckInAnswer, type Offer, offerName } from './uplink.ts'
import { backOffMs, spreadMs } from './waits.ts'

/** Why run() came back. */
export type RunEnd =
  | { readonly kind: 'stopped' }
  /** The new version has to be started: end this program, or the machine, accordingly. */
  | { readonly kind: 'exit' | 'restart' }
  /** With `once` only: all was done, or what went wrong. */
  | { readonly kind: 'idle'; readonly updated: number }
  | { readonly kind: 'failed'; readonly error: string }

/** With `once`, this many failures in a row without a byte of progress end the run; a refused token does at once. */
const PATIENCE_ONCE = 5
const MIN_CHECK_IN_MS = 1_000
const MAX_CHECK_IN_MS = 7 * 86_400_000
/** A refused token is looked at seldom: somebody has to mend it first. */
const UNAUTHORISED_BACK_OFF = { baseMs: 300_000, capMs: 3_600_000 }
/** After a standing offer failed, it is taken again after this, doubled each time, up to a day. */
const STANDING_RETRY_MS = 600_000
const MAX_STANDING_RETRY_MS = 86_400_000
/** A machine that has not restarted by then is asked again. */
const RESTART_PATIENCE_MS = 600_000

export class Agent extends EventEmitter<AgentEvents> {
  readonly #tools: Tools
  readonly #journal: Journal
  readonly #installed: InstalledVersions
  readonly #carryOut: CarryOut
  readonly #stop = new AbortController()
  /** When a standing offer that failed may be taken again, by operation. */
  readonly #retryAtMs = new Map<string, number>()
  /** Component types that somebody asked for, until the server has offered them and that has ended, or offers none. */
  readonly #asked = new Set<string>()
  /** The server answered the last time it was asked. */
  #isInTouch = false
  /** Aborted by who does not want to wait; replaced at each turn. */
  #hurry = new AbortController()

  /** Use createAgent(). */
  constructor(makeTools: (agent: Agent) => Tools) {
    super()
    this.#tools = makeTools(this)
    this.#journal = this.#tools.journal
    this.#installed = this.#tools.installed
    this.#carryOut = new CarryOut(this.#tools, this.#stop.signal)
  }

  /** Ends run() at the next point it can go on from; an install under way is finished first. */
  stop(): void {
    this.#stop.abort()
  }

  /**
   * Checks in at once: a wait ends, and so does a check-in that the server holds. With component types that somebody
   * asked for, the server is told so. What is being carried out is not disturbed.
   */
  checkNow(asked: readonly string[] = []): void {
    for (const type of asked) this.#asked.add(type)
    this.#hurry.abort()
  }

  /** What runs is another now, without an update of this agent's: it is asked, and told at once. */
  async lookAgain(): Promise<void> {
    await this.#installed.lookAgain()
    this.checkNow()
  }

  /** Runs until stopped, until the new version has to be started, or with `once` until all is done. */
  async run({ once = false }: { once?: boolean } = {}): Promise<RunEnd> {
    const { disk, stateFolder, bootId } = this.#tools
    await makeFolder(disk, this.#tools.downloadsFolder, 0o700)
    const lock: Lock | null = this.#tools.isFolderLocked
      ? null
      : await lockFolder(disk, stateFolder, bootId)
    try {
      await this.#wakeUp()
      this.#carryOut.mayWait = !once
      if (!once)
        await this.#wait(this.#tools.random() * this.#tools.firstCheckInMs, 'first check-in')
      return await this.#live(once)
    } finally {
      await this.#tools.uplink.hangUp?.()
      await lock?.release()
    }
  }

  /** Remembers where it was and asks what runs now. */
  async #wakeUp(): Promise<void> {
    const { disk, downloadsFolder, log } = this.#tools
    const { entry, given, ended } = await this.#journal.load()
    const nowGiven = await this.#installed.wakeUp(given)
    if (nowGiven !== given) await this.#journal.write({ given: nowGiven })
    const strays = await removeOthers(
      disk,
      downloadsFolder,
      entry ? [this.#tools.fileName(entry)] : [],
    )
    if (strays.length > 0) log.info('Removed downloads nobody needs any more.', { files: strays })
    for (const end of ended) if (end.state === 'FAILED') this.#paceStanding(end)
    if (entry)
      log.info('Goes on where it was.', { operation: entry.offer.operation, at: entry.phase.at })
    this.#carryOut.wakeUp()
  }

  async #live(once: boolean): Promise<RunEnd> {
    let failures = 0
    let updated = 0
    while (!this.#stop.signal.aborted) {
      const turn = await this.#turn(once)
      switch (turn.kind) {
        case 'nothing':
          if (once) return { kind: 'idle', updated }
          failures = 0
          await this.#waitForNews(turn.waitMs)
          break
        case 'updated':
          failures = 0
          updated += 1
          if (!once) await this.#wait(MIN_CHECK_IN_MS * this.#tools.random(), 'what else there is')
          break
        case 'failed':
          if (once) return { kind: 'failed', error: turn.error }
          failures += 1
          await this.#wait(this.#backOff(failures), 'the update failed')
          break
        case 'over':
          failures += 1
          if (once && failures >= PATIENCE_ONCE) return { kind: 'idle', updated }
          await this.#wait(this.#backOff(failures), 'the server took the update back')
          break
        case 'away':
          failures = turn.hasMoved ? 1 : failures + 1
          this.#complain(turn.away, failures)
          if (once && (failures >= PATIENCE_ONCE || turn.away.kind === 'unauthorised')) {
            return { kind: 'failed', error: turn.away.message }
          }
          await this.#waitUnlessTakenBack(this.#patience(turn.away, failures), turn.away.message)
          break
        case 'held':
          await this.#wait(turn.ms, 'it may not be installed for now')
          break
        case 'later':
          return { kind: 'idle', updated }
        case 'leave':
          if (turn.how === 'exit' || once) return { kind: turn.how }
          await this.#wait(RESTART_PATIENCE_MS, 'the machine restarts', this.#stop.signal)
          this.#carryOut.wakeUp()
          break
        case 'stopped':
          break
        default:
          turn satisfies never
      }
    }
    return { kind: 'stopped' }
  }

  /** One turn: finish what must come first, else check in and carry out what is offered. */
  async #turn(once: boolean): Promise<Turn> {
    const { entry } = this.#journal.memory
    this.#hurry = new AbortController()
    try {
      // Until then the server may still change its mind, and the address may have grown old: it asks first.
      if (entry && !isBeforeInstall(entry)) return await this.#carry(entry)
      // What was begun goes on, in the window or not.
      if (!entry && !(await this.#awaitWindow(once))) {
        return this.#stop.signal.aborted ? { kind: 'stopped' } : { kind: 'later' }
      }
      const answer = await this.#checkIn(entry)
      const taken = await this.#take(answer.offers)
      if (taken) return await this.#carry(taken)
      return { kind: 'nothing', waitMs: this.#untilNext(answer) }
    } catch (error) {
      if (this.#stop.signal.aborted) return { kind: 'stopped' }
      if (this.#hurry.signal.aborted) return { kind: 'nothing', waitMs: 0 }
      if (error instanceof Away) return { kind: 'away', away: error, hasMoved: false }
      // A bug or a broken disk. It is told whole, and the agent stays alive to be mended.
      this.#tools.log.error('Something unforeseen went wrong.', { error })
      const away = new Away(messageOf(error), { kind: 'busy', cause: error })
      return { kind: 'away', away, hasMoved: false }
    }
  }

  /** Whether it may ask now: when it has waited for its window, if it may wait. */
  async #awaitWindow(once: boolean): Promise<boolean> {
    const { schedule, log } = this.#tools
    const mayCheck = () => this.#asked.size > 0 || schedule.untilCheckMs() === 0
    if (mayCheck()) return true
    log.info('The window for check-ins is closed.')
    if (once) return false
    for (let ms = schedule.untilCheckMs(); ms > 0; ms = schedule.untilCheckMs()) {
      await this.#wait(ms, 'the window for check-ins')
      if (this.#stop.signal.aborted) return false
      if (mayCheck()) break
    }
    if (this.#asked.size > 0) return true
    await this.#wait(schedule.jitterNowMs(), 'a moment within the window')
    return !this.#stop.signal.aborted
  }

  async #carry(entry: Entry): Promise<Turn> {
    const { offer } = entry
    const turn = await this.#tools.rule.oneAtATime(offer, () => this.#carryOut.run(entry))
    if (['updated', 'failed', 'over'].includes(turn.kind)) this.#asked.delete(offer.type)
    if (turn.kind === 'failed') {
      const end = this.#journal.memory.ended.at(-1)
      if (end) this.#paceStanding(end)
    }
    return turn
  }

  async #checkIn(entry: Entry | null): Promise<CheckInAnswer> {
    const { uplink, waitSeconds, facts, rule } = this.#tools
    const told = { asked: [...this.#asked], done: rule.done() }
    // It hears at once how things stand, and lets itself be held from then on.
    const isBack = rule.isWatched === true && !this.#isInTouch
    const answer = await uplink.checkIn({
      installed: this.#installed.current,
      facts: await facts(),
      underWay: entry?.offer ?? null,
      ...told,
      waitSeconds: entry || isBack ? 0 : waitSeconds,
      signal: AbortSignal.any([this.#stop.signal, this.#hurry.signal]),
    })
    for (const type of told.asked) {
      const isMeant = [entry?.offer, ...answer.offers].some((offer) => offer?.type === type)
      if (!isMeant) this.#asked.delete(type)
    }
    this.#isInTouch = true
    this.emit('check-in', answer, { ...told, underWay: entry?.offer.type ?? null })
    return isBack && waitSeconds > 0 ? { ...answer, wasHeld: true } : answer
  }

  /** The entry to go on with: the one under way, with a fresh address, or a new one for an offer. */
  async #take(offers: readonly Offer[]): Promise<Entry | null> {
    const { entry } = this.#journal.memory
    // A standing offer that was gone meanwhile is a new one: taken back and made again by an operator.
    for (const operation of this.#retryAtMs.keys()) {
      if (!offers.some((offer) => offer.operation === operation)) this.#retryAtMs.delete(operation)
    }
    if (entry) {
      const same = offers.find((offer) => offer.operation === entry.offer.operation)
      if (same) return { ...entry, offer: { ...entry.offer, address: same.address } }
      const isMeant = !offers.some((offer) => offer.type === entry.offer.type)
      if (isMeant && !entry.offer.isStanding) return entry
      this.#tools.log.info('Another release is meant now.', { insteadOf: offerName(entry.offer) })
      await this.#carryOut.drop(entry)
    }
    for (const offer of offers) {
      if (!(await this.#isStillToDo(offer))) continue
      this.emit('offer', offer)
      const before = this.#installed.of(offer.type)
      const phase = { at: 'offered' } as const
      const taken: Entry = { offer, phase, before, attempts: 0, startedOver: 0 }
      await this.#journal.write({ entry: taken })
      return taken
    }
    return null
  }

  /** What has ended here is not begun again: the server is told once more how it ended. */
  async #isStillToDo(offer: Offer): Promise<boolean> {
    const end = this.#journal.memory.ended.find(({ operation }) => operation === offer.operation)
    if (!end) return true
    if (offer.isStanding) {
      return this.#tools.clock.nowMs() >= (this.#retryAtMs.get(offer.operation) ?? 0)
    }
    this.#tools.log.warn('The server offers what has ended here.', { operation: offer.operation })
    const { state, error, failure } = end
    const installed = this.#installed.of(offer.type)
    const report = { state, installed, failure, ...(error === null ? {} : { error }) }
    await this.#tools.uplink.report(offer, report, this.#stop.signal)
    return false
  }

  #paceStanding({ operation, failures }: Ended): void {
    const pause = Math.min(
      MAX_STANDING_RETRY_MS,
      STANDING_RETRY_MS * 2 ** Math.max(0, failures - 1),
    )
    this.#retryAtMs.set(operation, this.#tools.clock.nowMs() + spreadMs(pause, this.#tools.random))
  }

  #untilNext({ nextCheckInSeconds, wasHeld }: CheckInAnswer): number {
    const { intervalMs, isIntervalFixed, schedule, random } = this.#tools
    if (wasHeld) return MIN_CHECK_IN_MS * (0.5 + random())
    if (isIntervalFixed) return Math.max(MIN_CHECK_IN_MS, schedule.nextCheckMs(intervalMs))
    const wishedMs = nextCheckInSeconds === null ? intervalMs : nextCheckInSeconds * 1000
    const ms = schedule.nextCheckMs(Math.min(MAX_CHECK_IN_MS, wishedMs))
    return Math.max(MIN_CHECK_IN_MS, ms)
  }

  #complain({ kind, message }: Away, failures: number): void {
    const { log } = this.#tools
    this.#isInTouch = false
    this.emit('away', { message })
    log.warn('Cannot go on now.', { because: message, failures })
    if (kind !== 'unauthorised') return
    log.error(
      'The server does not accept this device: check its token, and whether the device still exists there.',
    )
  }

  #patience(away: Away, failures: number): number {
    const own =
      away.kind === 'unauthorised'
        ? backOffMs(failures, UNAUTHORISED_BACK_OFF, this.#tools.random)
        : this.#backOff(failures)
    return away.retryAfterMs === null
      ? own
      : Math.max(own, away.retryAfterMs * (1 + this.#tools.random() / 10))
  }

  #backOff = (failures: number): number =>
    backOffMs(failures, this.#tools.backOff, this.#tools.random)

  /** Until the next check-in is due, or the server has something to say. */
  async #waitForNews(ms: number): Promise<void> {
    const { uplink } = this.#tools
    const over = new AbortController()
    const signal = AbortSignal.any([this.#stop.signal, this.#hurry.signal, over.signal])
    const waits = [this.#wait(ms, 'next check-in', signal), uplink.news?.(signal)]
    await Promise.race(waits.filter((wait) => wait !== undefined))
    over.abort()
  }

  /** To an update that the server takes back meanwhile there is an end at once. */
  async #waitUnlessTakenBack(ms: number, because: string): Promise<void> {
    const { entry } = this.#journal.memory
    const takenBack = entry && this.#tools.uplink.takenBack?.(entry.offer)
    const signals = takenBack && !takenBack.aborted ? [takenBack] : []
    await this.#wait(ms, because, AbortSignal.any([this.#soon(), ...signals]))
  }

  /** Aborts when it is to stop, or to check in at once. */
  #soon = (): AbortSignal => AbortSignal.any([this.#stop.signal, this.#hurry.signal])

  async #wait(ms: number, because: string, signal = this.#soon()): Promise<void> {
    if (signal.aborted || ms <= 0) return
    this.emit('waiting', { ms, because })
    this.#tools.log.debug('Waits.', { seconds: Math.round(ms / 1000), because })
    await this.#tools.clock.wait(ms, signal)
  }
}
