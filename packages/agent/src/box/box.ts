/**
 * A box's life: its layers wake up, then it talks to its server and carries out what is meant for it, what somebody at
 * the page asks for, and what operators wish. It decides nothing about versions; whoever asks is answered in words.
 */
import { EventEmitter } from 'node:events'
import type { Agent, RunEnd } from '../agent.ts'
import { createAgent } from '../create-agent.ts'
import type { Disk } from '../disk.ts'
import { Journal } from '../journal.ts'
import type { Log } from '../log.ts'
import { Away, messageOf, UpdateFailed } from '../trouble.ts'
import type { CheckInAnswer, Uplink } from '../uplink.ts'
import { backOffMs, type Clock } from '../waits.ts'
import type { ConfigFile, ConfiguredServer } from './config.ts'
import { boxFacts, type Told } from './facts.ts'
import type { KeptForm } from './form.ts'
import type { EndedJob, Jobs, Started, StartedBy, Task } from './jobs.ts'
import { type BoxLayerName, inPhase, type JobResult, type Layer } from './layer.ts'
import { type BoxLayers, inOrder } from './layers.ts'
import type { LogRing } from './log-ring.ts'
import { Rate } from './rate.ts'
import { register } from './register.ts'
import type { BoxSettings } from './settings.ts'
import type { Wishes } from './wishes.ts'

/** Refused in words, for whoever asked. */
export class Refused extends Error {
  override readonly name = 'Refused'
}

/** How the box gets on with its server. */
export interface Contact {
  readonly state: 'none' | 'registering' | 'waiting' | 'reached' | 'away'
  /** The last time it answered. */
  readonly at: string | null
  /** Why it cannot be had, or what it waits for. */
  readonly because: string | null
}

export interface BoxNeeds {
  readonly settings: BoxSettings
  readonly stateFolder: string
  readonly disk: Disk
  readonly clock: Clock
  readonly now: () => Date
  readonly log: Log
  readonly ring: LogRing
  readonly config: ConfigFile
  readonly form: KeptForm
  readonly wishes: Wishes
  readonly jobs: Jobs
  readonly layers: BoxLayers
  readonly bootId: string
  readonly identifier: string
  /** What the box tells of itself besides its layers. */
  readonly facts: () => Promise<Told>
  readonly uplinkTo: (server: { url: string; token: () => Promise<string> }) => Uplink
  /** The token by settings, read anew each time; null when there is none. */
  readonly settingsToken: (() => Promise<string>) | null
  /** Has the machine start anew, or throws. */
  readonly restartMachine: () => Promise<void>
}

const LOG_LINES_AT_ONCE = 200
const HELD_LOOK_MS = 5_000
const REGISTER_BACK_OFF = { baseMs: 5_000, capMs: 600_000 }

export class Box extends EventEmitter<{ change: [] }> {
  readonly #needs: BoxNeeds
  readonly #stop = new AbortController()
  readonly #halt = new AbortController()
  readonly #rate: Rate
  #phase: 'starting' | 'running' | 'leaving' = 'starting'
  #contact: Contact = { state: 'none', at: null, because: null }
  #held: NonNullable<CheckInAnswer['held']> = []
  #agent: Agent | null = null
  /** Aborted when another server is meant; replaced with each of them. */
  #another = new AbortController()
  #leave: 'exit' | 'restart' | null = null
  #shipping: Promise<void> | null = null
  #nextLookMs = 0
  /** The series that was looked for last. */
  #lookedFor: string | null = null

  constructor(needs: BoxNeeds) {
    super()
    this.setMaxListeners(0)
    this.#needs = needs
    this.#rate = new Rate(needs.clock)
    needs.jobs.on('change', () => this.emit('change'))
    needs.jobs.on('ended', (ended) => this.#onEnded(ended))
    needs.jobs.on('leave', (how) => this.#go(how))
  }

  get phase() {
    return this.#phase
  }

  get contact(): Contact {
    return this.#contact
  }

  /** What is meant for this box and held back. */
  get held(): NonNullable<CheckInAnswer['held']> {
    return this.#held
  }

  get server(): { readonly url: string; readonly isFixed: boolean } | null {
    const { settings, config } = this.#needs
    if (settings.server !== null) return { url: settings.server, isFixed: true }
    const { server } = config.current
    return server && { url: server.url, isFixed: false }
  }

  /** This program ends, so that the next start of it is that of another system. */
  leave(): void {
    this.#go('exit')
  }

  /** Aborts when it is stopped, by whoever. */
  get ended(): AbortSignal {
    return this.#halt.signal
  }

  /** Ends run() at the next point it can go on from. */
  stop(): void {
    this.#halt.abort()
    this.#stop.abort()
    this.#another.abort()
    this.#agent?.stop()
  }

  /** Until stopped, or until this program or the machine has to start anew. */
  async run(): Promise<'stopped' | 'exit' | 'restart'> {
    await this.#wakeUp()
    this.#phase = 'running'
    this.emit('change')
    while (!this.#stop.signal.aborted) {
      this.#another = new AbortController()
      const server = await this.#serverToTalkTo()
      if (!server) continue
      const end = await this.#talkTo(server)
      if (end.kind === 'exit' || end.kind === 'restart') this.#leave ??= end.kind
      if (this.#leave) break
    }
    this.#phase = 'leaving'
    this.emit('change')
    await this.#shipping?.catch(() => {})
    await this.#needs.jobs.flush()
    await this.#needs.ring.flush()
    return this.#leave ?? 'stopped'
  }

  /** Layers end what was cut off; then what the box itself was at is known. */
  async #wakeUp(): Promise<void> {
    const { layers, jobs, log, disk, stateFolder } = this.#needs
    const cutOff = await jobs.load()
    // Together: an image on trial is well only when the other layers are.
    await Promise.all(
      inOrder(layers).map(async (layer) => {
        try {
          await layer.wakeUp(this.#stop.signal)
        } catch (error) {
          if (this.#stop.signal.aborted) return
          // The other layers, and the way to the server, are what a box is mended by.
          log.error(`The ${layer.name} did not wake up.`, { error })
        }
        this.emit('change')
      }),
    )
    if (!cutOff || this.#stop.signal.aborted) return
    const { entry } = await new Journal({ disk, folder: stateFolder, log }).load()
    log.info('Something was being done when the box stopped.', { job: cutOff.kind })
    const isMeant = entry?.phase.at === 'awaiting-restart'
    const goesOn = isMeant ? 'as meant' : 'cut off'
    const again = await jobs.takeUp(cutOff, entry?.offer.type === cutOff.layer ? goesOn : null)
    if (again) queueMicrotask(() => this.#again(again))
  }

  /** Somebody had asked for it, and it had not begun in earnest. */
  #again(task: Task): void {
    try {
      if (task.kind === 'load-handlers') this.loadHandlers(task.by)
      else if (task.kind === 'update-code') this.updateCode(task.by)
      else if (task.kind === 'upgrade-image') this.upgradeImage(task.by)
    } catch (error) {
      this.#needs.log.warn('It is not begun again.', { job: task.kind, because: messageOf(error) })
    }
  }

  /** Waits until there is a server and a token for it. Null: look again. */
  async #serverToTalkTo(): Promise<{ url: string; token: () => Promise<string> } | null> {
    const { settings, settingsToken, config, clock } = this.#needs
    if (settings.server !== null && settingsToken)
      return { url: settings.server, token: settingsToken }
    const { server } = config.current
    if (!server) {
      this.#meets({ state: 'none', because: 'No server is set.' })
      await clock.wait(Number.MAX_SAFE_INTEGER, this.#another.signal)
      return null
    }
    const { url, token } = server
    if (token !== null) return { url, token: async () => token }
    await this.#register(server)
    return null
  }

  /** Asks until there is a token, or another server is meant. */
  async #register({ url, key }: ConfiguredServer): Promise<void> {
    const { config, clock, log, identifier, settings } = this.#needs
    const signal = this.#another.signal
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        this.#meets({ state: 'registering' })
        const facts = await this.#facts()
        const timeoutMs = settings.answerTimeoutMs
        const id = identifier
        const token = await register({ url, key: key ?? '', id, facts, timeoutMs, signal })
        if (signal.aborted) return
        await config.change({ server: { url, token, key } })
        log.info('The box is registered.', { server: url })
        return
      } catch (error) {
        if (signal.aborted) return
        const away = error instanceof Away ? error : null
        const because = messageOf(error)
        this.#meets({ state: away?.kind === 'busy' ? 'waiting' : 'away', because })
        log.warn('The box cannot register yet.', { server: url, because })
        const own = backOffMs(failures, REGISTER_BACK_OFF, Math.random)
        await clock.wait(away?.retryAfterMs ?? own, signal)
      }
    }
  }

  async #talkTo(server: { url: string; token: () => Promise<string> }): Promise<RunEnd> {
    const { settings, layers, disk, clock, stateFolder, bootId, log, jobs, form, wishes } =
      this.#needs
    const all = inOrder(layers)
    const uplink = this.#needs.uplinkTo(server)
    const agent = await createAgent({
      uplink,
      stateFolder,
      installers: Object.fromEntries(all.map(({ name, installer }) => [name, installer])),
      askInstalled: async () =>
        Object.fromEntries(
          all.map((layer) => [layer.name, layer.installed() ?? { title: null, version: null }]),
        ),
      facts: () => this.#facts(),
      restart: () => this.#restartMachine(),
      intervalSeconds: settings.intervalSeconds,
      isIntervalFixed: settings.isIntervalFixed,
      firstCheckInSeconds: 0,
      waitSeconds: settings.waitSeconds,
      backOffCapSeconds: settings.backOffCapSeconds,
      maxBytesPerSecond: settings.maxBytesPerSecond,
      stallSeconds: settings.stallSeconds,
      reserveBytes: settings.reserveBytes,
      isFolderLocked: true,
      rule: {
        isWatched: true,
        oneAtATime: (offer, work) => jobs.carry(offer, work),
        untilInstallMs: ({ type }) => this.#untilInstallMs(type as BoxLayerName),
        done: () => wishes.done,
      },
      log,
      clock,
      disk,
      bootId,
    })
    this.#listenTo(agent, uplink)
    this.#agent = agent
    if (this.#another.signal.aborted) agent.stop()
    log.info('The box talks to its server.', { server: server.url, series: form.current?.series })
    try {
      // A button pressed while nobody could be asked.
      if (jobs.awaited) agent.checkNow([jobs.awaited])
      return await agent.run()
    } finally {
      this.#agent = null
    }
  }

  #listenTo(agent: Agent, uplink: Uplink): void {
    const { jobs, log } = this.#needs
    agent.on('check-in', (answer, { asked, underWay }) => {
      this.#meets({ state: 'reached', at: this.#needs.now().toISOString() })
      this.#held = answer.held ?? []
      for (const type of asked) {
        const isMeant = underWay === type || answer.offers.some((offer) => offer.type === type)
        if (!isMeant) this.#settleUnchanged(type as BoxLayerName)
      }
      this.#heed(answer).catch((error) => log.error('What the server said is not kept.', { error }))
      this.#ship(uplink)
    })
    agent.on('away', ({ message }) => {
      this.#meets({ state: 'away', because: message })
      const { current } = jobs
      if (!current?.layer || current.about !== null) return
      const because = `The server cannot be reached: ${message}`
      jobs.settle(current.layer, { result: 'failed', because })
    })
    agent.on('bytes', ({ bytes, totalBytes }) => {
      jobs.progress(this.#rate.progress('downloading', bytes, totalBytes))
    })
    agent.on('progress', ({ state }) => {
      if (state === 'DOWNLOADED' || state === 'VERIFIED') jobs.progress(inPhase('verifying'))
    })
  }

  #settleUnchanged(layer: BoxLayerName): void {
    const held = this.#held.find(({ type }) => type === layer)
    const because = held
      ? `${held.title}@${held.version} waits: ${held.because}`
      : 'There is nothing newer for this box.'
    this.#needs.jobs.settle(layer, { result: 'unchanged', because })
    if (layer !== 'handlers') return
    this.#needs.layers.handlers.nothingNew().catch((error) => {
      this.#needs.log.error('The history of the handlers is not kept.', { error })
    })
  }

  /** What operators have set, and what they wish. */
  async #heed({ box, wishes = [] }: CheckInAnswer): Promise<void> {
    const { form, log, jobs } = this.#needs
    if (box && (await form.keep(box))) {
      log.info('Operators have set something for this box.', { form: box })
      this.emit('change')
    }
    if (!jobs.current) await this.#fulfil(wishes)
    this.#followIfDue()
  }

  async #fulfil(wishes: NonNullable<CheckInAnswer['wishes']>): Promise<void> {
    const { log } = this.#needs
    const wish = await this.#needs.wishes.take(wishes)
    if (!wish) return
    log.info('An operator wishes it.', { wish: wish.kind })
    try {
      if (wish.kind === 'restart') this.restart('exit', 'operator')
      else this.loadHandlers('operator')
    } catch (error) {
      log.warn('The wish cannot be fulfilled.', { wish: wish.kind, because: messageOf(error) })
      this.#agent?.checkNow()
    }
  }

  /** What the code is to follow: a branch that somebody has set here, else the series that the server tells. */
  get series(): string | null {
    const { settings, config, form } = this.#needs
    return settings.codeBranch ?? config.current.code.branch ?? form.current?.series ?? null
  }

  get followsUpstream(): boolean {
    const { settings, config, form, layers } = this.#needs
    const hasUpstream = (settings.codeUpstream ?? config.current.code.upstream) !== null
    const isRefused = layers.code.status().refusal !== null
    return hasUpstream && form.current?.codeFrom !== 'server' && !isRefused
  }

  /** The code follows another series at once, and new commits now and then. */
  #followIfDue(): void {
    const { layers, form, jobs, clock } = this.#needs
    const { series } = this
    if (!this.followsUpstream || series === null || jobs.current) return
    // What could not be had of one series is no reason to wait with another.
    const isAnother = series !== this.#lookedFor
    const isDue = clock.nowMs() >= this.#nextLookMs && layers.code.untilRetryMs() === 0
    if ((!isAnother && !isDue) || form.heldFor('code', 'automatic')) return
    this.#follow('automatic')
  }

  #follow(by: StartedBy): Started {
    const { jobs, layers, log, clock, settings } = this.#needs
    const { series } = this
    const task = { kind: 'update-code', layer: 'code', by } as const
    return jobs.begin(task, async () => {
      this.#lookedFor = series
      this.#nextLookMs = clock.nowMs() + settings.codeIntervalSeconds * 1000
      const isAsked = by !== 'automatic'
      const { signal } = this.#stop
      const result = await layers.code.update({ series, isAsked, signal }).catch(failed)
      // What failed is tried again as soon as the layer has the patience for it.
      if (result.kind === 'failed') this.#nextLookMs = 0
      const told = { series, because: result.because ?? undefined }
      log[result.kind === 'failed' ? 'error' : 'info'](`The code is ${result.kind}.`, told)
      return result
    })
  }

  /** Load handlers: those that are meant for this box, now. */
  loadHandlers(by: StartedBy): Started {
    return this.#askServer({ kind: 'load-handlers', layer: 'handlers', by })
  }

  /** Update: the newest code of the series. */
  updateCode(by: StartedBy): Started {
    this.#refuseIfHeld('code', by)
    if (!this.followsUpstream) return this.#askServer({ kind: 'update-code', layer: 'code', by })
    if (this.series === null) {
      throw new Refused('No series is known: neither the server nor anybody here has told one.')
    }
    return this.#follow(by)
  }

  /** Upgrade to X. */
  upgradeImage(by: StartedBy): Started {
    return this.#askServer({ kind: 'upgrade-image', layer: 'image', by })
  }

  rollBack(name: BoxLayerName, by: StartedBy): Started {
    const layer = this.#layer(name)
    this.#refuseIfHeld(name, by)
    if (!layer.status().previous) throw new Refused(`There are no ${name} to go back to.`)
    return this.#needs.jobs.begin({ kind: 'roll-back', layer: name, by }, async () => {
      this.#needs.log.info(`The ${name} go back to what ran before.`, { by })
      const result = await layer.rollBack(this.#stop.signal).catch(failed)
      this.#needs.log.info('The roll-back has ended.', { layer: name, ...result })
      return result
    })
  }

  /** Of the program, or of the machine. */
  restart(then: 'exit' | 'restart', by: StartedBy): Started {
    const kind = then === 'exit' ? 'restart' : 'reboot'
    this.#needs.log.info(then === 'exit' ? 'The program restarts.' : 'The box restarts.', { by })
    return this.#needs.jobs.begin({ kind, layer: null, by }, async () => {
      return { kind: 'unchanged', because: null, then }
    })
  }

  /** From now on it belongs there, or nowhere. */
  async setServer(server: ConfiguredServer | null): Promise<void> {
    const { settings, jobs, config, form, log, disk, stateFolder } = this.#needs
    if (settings.server !== null)
      throw new Refused('The server is set by the settings of the program.')
    if (jobs.current) throw new Refused('Something is being done; set the server afterwards.')
    const isOther = config.current.server?.url !== server?.url
    await config.change({ server })
    if (isOther) {
      await form.forget()
      await forgetBegun(new Journal({ disk, folder: stateFolder, log }))
      this.#held = []
    }
    log.info(server ? 'The server is set.' : 'The server is cleared.', { server: server?.url })
    this.serverChanged()
  }

  /** What the configuration says of the server is looked at anew. */
  serverChanged(): void {
    this.#contact = { state: 'none', at: null, because: null }
    this.#another.abort()
    this.#agent?.stop()
    this.emit('change')
  }

  /** Asks the server now. */
  checkNow(): void {
    this.#agent?.checkNow()
  }

  #askServer(task: Task & { readonly layer: BoxLayerName }): Started {
    const { jobs } = this.#needs
    this.#layer(task.layer)
    this.#refuseIfHeld(task.layer, task.by)
    if (!this.server) throw new Refused('No server is set: updates come from there.')
    const { state } = this.#contact
    if (state === 'registering' || state === 'waiting') {
      throw new Refused(this.#contact.because ?? 'The box is not registered yet.')
    }
    const started = jobs.await(task)
    if (!started.isJoined) jobs.progress(inPhase('checking'))
    this.#forgive(task.layer)
      .catch((error) => this.#needs.log.error('What failed before is not forgotten.', { error }))
      .finally(() => this.#agent?.checkNow([task.layer]))
    return started
  }

  /** What failed too often is tried once more when somebody asks for it. */
  async #forgive(layer: BoxLayerName): Promise<void> {
    const { handlers, code, image } = this.#needs.layers
    if (layer === 'handlers') await handlers.tryAgain()
    if (layer === 'code') await code.tryAgain()
    if (layer === 'image') await image.forgive()
  }

  /** The layer, if it can be updated on this machine at all. */
  #layer(name: BoxLayerName): Layer {
    const layer = this.#needs.layers[name]
    const { refusal } = layer.status()
    if (refusal) throw new Refused(`${refusal.because} ${refusal.instead}`)
    return layer
  }

  #refuseIfHeld(layer: BoxLayerName, by: StartedBy): void {
    const held = this.#needs.form.heldFor(layer, by)
    if (held) throw new Refused(held.until ? `${held.because} (until ${held.until})` : held.because)
  }

  #untilInstallMs(layer: BoxLayerName): number {
    const { form, jobs } = this.#needs
    return form.heldFor(layer, jobs.current?.by ?? 'automatic') ? HELD_LOOK_MS : 0
  }

  #meets(contact: Partial<Contact>): void {
    this.#contact = { ...this.#contact, because: null, ...contact } as Contact
    this.emit('change')
  }

  async #facts() {
    const { layers, jobs, facts } = this.#needs
    return boxFacts(await facts(), { layers, last: jobs.last })
  }

  #onEnded({ layer, result, because, kind }: EndedJob): void {
    this.#needs.log.info('A job has ended.', { job: kind, layer, result, because })
    this.emit('change')
    // What the agent has done itself it knows.
    if ((kind === 'roll-back' || kind === 'update-code') && result !== 'unchanged') {
      this.#agent?.lookAgain().catch((error) => {
        this.#needs.log.error('What runs now cannot be told.', { error })
      })
    }
  }

  /** What was logged since the server heard of it last. */
  #ship(uplink: Uplink): void {
    const { ring, log } = this.#needs
    const send = uplink.sendLog
    if (!send) return
    this.#shipping ??= (async () => {
      for (;;) {
        const lines = ring.untold(LOG_LINES_AT_ONCE)
        const last = lines.at(-1)?.sequence
        if (last === undefined) return
        const taken = await send(lines, this.#stop.signal)
        if (taken < last) return
        await ring.acknowledge(taken)
      }
    })()
      .catch((error) => log.debug('The log was not taken.', { because: messageOf(error) }))
      .finally(() => {
        this.#shipping = null
      })
  }

  #go(how: 'exit' | 'restart'): void {
    this.#leave = how
    this.#stop.abort()
    this.#another.abort()
    this.#agent?.stop()
  }

  /** The agent asks for it: after that, the machine ends this program. */
  async #restartMachine(): Promise<void> {
    await this.#needs.jobs.flush()
    await this.#needs.ring.flush()
    await this.#needs.restartMachine()
  }
}

const failed = (error: unknown): JobResult => {
  if (!(error instanceof UpdateFailed || error instanceof Away)) throw error
  return { kind: 'failed', because: error.message }
}

/** What was begun for another server and not installed yet is nobody's any more. */
async function forgetBegun(journal: Journal): Promise<void> {
  await journal.load()
  await journal.write({ entry: null, ended: [] })
}
