/**
 * The one thing the box is doing. The same asked for again joins it, another is refused in words. What is done through
 * the agent, an update from the configured server, is such a job as well. It is written down when it begins, so that
 * one that a power cut ended is known for what it was, and its result as soon as there is one.
 */
import { randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { join } from 'node:path'
import type { Turn } from '../carry-out.ts'
import { type Disk, readIfThere, writeDurably } from '../disk.ts'
import { messageOf } from '../trouble.ts'
import { type Offer, offerName } from '../uplink.ts'
import type { BoxLayerName, JobResult, LayerProgress, LayerStatus } from './layer.ts'

export const JOB_KINDS = [
  'load-handlers',
  'update-code',
  'upgrade-image',
  'roll-back',
  'restart',
  'reboot',
] as const
export type JobKind = (typeof JOB_KINDS)[number]

/** Who wanted it: somebody at the page, an operator at the server, or nobody in particular. */
export type StartedBy = 'page' | 'operator' | 'automatic'

/** What a job is. */
export interface Task {
  readonly kind: JobKind
  readonly layer: BoxLayerName | null
  readonly by: StartedBy
}

export interface Job extends Task {
  readonly id: string
  /** By the box's own clock. */
  readonly startedAt: string
  /** The release it is about, once it is known. */
  readonly about: string | null
  readonly progress: LayerProgress | null
  /** For people: what happened to it besides. */
  readonly note: string | null
}

export interface EndedJob extends Omit<Job, 'progress'> {
  readonly result: JobResult['kind'] | 'done'
  readonly because: string | null
  readonly endedAt: string
}

/** Refused, because something else is being done. */
export class Busy extends Error {
  override readonly name = 'Busy'
}

export interface Started {
  readonly job: Job
  /** It was being done already. */
  readonly isJoined: boolean
  readonly ended: Promise<EndedJob>
}

/** What a job that was cut off left behind. */
export interface CutOff extends Omit<Job, 'progress'> {
  /** How often it was begun. */
  readonly starts: number
  /** The newest result of its layer when it was begun. */
  readonly before: string | null
}

interface Running {
  job: Job
  /** It waits for what the agent does. */
  readonly isAgents: boolean
  readonly before: string | null
  readonly starts: number
  readonly ended: Promise<EndedJob>
  readonly resolve: (ended: EndedJob) => void
}

export interface Outcome {
  readonly result: EndedJob['result']
  readonly because: string | null
}

interface Memory {
  readonly running: CutOff | null
  readonly last: Readonly<Partial<Record<BoxLayerName, EndedJob>>>
  readonly latest: EndedJob | null
}

const EMPTY: Memory = { running: null, last: {}, latest: null }

/** A job that ends the box each time is not begun for ever. */
const MAX_STARTS = 3

export const WENT_ON = 'It was cut off by a restart and went on.'

const NAMES: Readonly<Record<JobKind, string>> = {
  'load-handlers': 'handlers are being loaded',
  'update-code': 'the code is being updated',
  'upgrade-image': 'the image is being upgraded',
  'roll-back': 'a layer is being rolled back',
  restart: 'the program is being restarted',
  reboot: 'the box is being restarted',
}

const KIND_OF: Readonly<Record<BoxLayerName, JobKind>> = {
  handlers: 'load-handlers',
  code: 'update-code',
  image: 'upgrade-image',
}

export interface JobsNeeds {
  readonly disk: Disk
  readonly folder: string
  readonly now: () => Date
  /** What a layer is at, for what an attempt came to. */
  readonly statusOf: (layer: BoxLayerName) => LayerStatus | null
}

export class Jobs extends EventEmitter<{
  change: []
  ended: [job: EndedJob]
  /** The program, or the machine, has to start anew before the job is over. */
  leave: [how: 'exit' | 'restart']
}> {
  readonly #needs: JobsNeeds
  #memory: Memory = EMPTY
  #running: Running | null = null
  #resumed: CutOff | null = null
  #writing: Promise<void> = Promise.resolve()

  constructor(needs: JobsNeeds) {
    super()
    this.setMaxListeners(0)
    this.#needs = needs
  }

  get current(): Job | null {
    return this.#running?.job ?? null
  }

  /** Of which layer the agent is to ask the server for something. */
  get awaited(): BoxLayerName | null {
    return this.#running?.isAgents ? this.#running.job.layer : null
  }

  /** The newest result of each layer's jobs. */
  get last(): Memory['last'] {
    return this.#memory.last
  }

  get latest(): EndedJob | null {
    return this.#memory.latest
  }

  /** What was being done when the power went, or null. */
  async load(): Promise<CutOff | null> {
    const text = await readIfThere(this.#needs.disk, this.#path)
    try {
      this.#memory = { ...EMPTY, ...(JSON.parse(text ?? '{}') as Partial<Memory>) }
    } catch {
      this.#memory = EMPTY
    }
    return this.#memory.running
  }

  /**
   * Ends what was cut off, or has it go on. `goesOn`: the agent's journal speaks of it still. Answers the task that has
   * to be begun again, as it never came so far as to leave something to go on from.
   */
  async takeUp(cutOff: CutOff, goesOn: 'as meant' | 'cut off' | null): Promise<Task | null> {
    if (goesOn) {
      this.#resumed = { ...cutOff, note: goesOn === 'cut off' ? WENT_ON : cutOff.note }
      return null
    }
    if (cutOff.kind === 'restart' || cutOff.kind === 'reboot') {
      await this.#end(cutOff, { result: 'done', because: null })
      return null
    }
    const result = cutOff.layer && this.#needs.statusOf(cutOff.layer)?.history[0]
    if (result && JSON.stringify(result) !== cutOff.before) {
      const { kind, because } = result
      await this.#end({ ...cutOff, note: WENT_ON }, { result: kind, because })
      return null
    }
    if (cutOff.starts < MAX_STARTS && cutOff.kind !== 'roll-back' && cutOff.by !== 'automatic') {
      this.#resumed = { ...cutOff, note: WENT_ON }
      return { kind: cutOff.kind, layer: cutOff.layer, by: cutOff.by }
    }
    await this.#end(cutOff, { result: 'failed', because: 'It was cut off by a restart.' })
    return null
  }

  /** Carries out work of the box's own. Throws Busy when something else is being done. */
  begin(task: Task, work: () => Promise<JobResult>): Started {
    const { running, isJoined } = this.#enter(task, false)
    if (!isJoined) {
      work().then(
        ({ kind, because, then }) => {
          if (then) this.emit('leave', then)
          else this.#settle(running, { result: kind, because })
        },
        (error) => this.#settle(running, { result: 'failed', because: messageOf(error) }),
      )
    }
    return { job: running.job, isJoined, ended: running.ended }
  }

  /** A job that the agent is to do: it ends by settle(), or with the agent's turn at an offer of its layer. */
  await(task: Task): Started {
    const { running, isJoined } = this.#enter(task, true)
    return { job: running.job, isJoined, ended: running.ended }
  }

  /** How what the agent was to do has ended; nothing if it is not being done. */
  settle(layer: BoxLayerName, outcome: Outcome): void {
    const running = this.#running
    if (running?.isAgents && running.job.layer === layer) this.#settle(running, outcome)
  }

  /** The agent's turn at an offer: within the job that waits for it, or as one of its own once nothing else is done. */
  async carry(
    offer: Pick<Offer, 'type' | 'title' | 'version'>,
    work: () => Promise<Turn>,
  ): Promise<Turn> {
    while (this.#running && !this.#running.isAgents) await this.#running.ended
    const layer = offer.type as BoxLayerName
    const task = { kind: KIND_OF[layer] ?? 'load-handlers', layer, by: 'automatic' } as const
    const running = this.#running ?? this.#open(task, true)
    this.#change(running, { about: offerName(offer) })
    const turn = await work()
    if (running.job.layer !== layer) return turn
    const outcome = outcomeOf(turn, this.#needs.statusOf(layer))
    if (outcome) this.#settle(running, outcome)
    return turn
  }

  progress(progress: LayerProgress | null): void {
    if (this.#running) this.#change(this.#running, { progress })
  }

  /** Resolves when all that is to be known after a restart is on the medium. */
  async flush(): Promise<void> {
    await this.#writing
  }

  #enter(task: Task, isAgents: boolean): { running: Running; isJoined: boolean } {
    const running = this.#running
    if (!running) return { running: this.#open(task, isAgents), isJoined: false }
    const { kind, layer } = running.job
    if (kind !== task.kind || layer !== task.layer) {
      throw new Busy(`The box is busy: ${NAMES[kind]}. One thing is done at a time.`)
    }
    if (task.by !== 'automatic') this.#change(running, { by: task.by })
    return { running, isJoined: true }
  }

  #open(task: Task, isAgents: boolean): Running {
    const resumed = this.#resumed
    this.#resumed = null
    const isSame = resumed?.kind === task.kind && resumed.layer === task.layer
    const own = isSame ? resumed : null
    const before = task.layer && this.#needs.statusOf(task.layer)?.history[0]
    const { promise, resolve } = Promise.withResolvers<EndedJob>()
    const running: Running = {
      job: {
        ...task,
        by: own?.by ?? task.by,
        id: own?.id ?? randomUUID(),
        startedAt: own?.startedAt ?? this.#needs.now().toISOString(),
        about: own?.about ?? null,
        note: own?.note ?? null,
        progress: null,
      },
      isAgents,
      before: own ? own.before : before ? JSON.stringify(before) : null,
      starts: (own?.starts ?? 0) + 1,
      ended: promise,
      resolve,
    }
    this.#running = running
    this.#remember(running)
    this.emit('change')
    return running
  }

  #change(running: Running, change: Partial<Job>): void {
    const isLasting = Object.keys(change).some((key) => key !== 'progress')
    running.job = { ...running.job, ...change }
    if (isLasting) this.#remember(running)
    this.emit('change')
  }

  #remember({ job, before, starts }: Running): void {
    const { progress: _, ...lasting } = job
    void this.#write({ running: { ...lasting, before, starts } })
  }

  #settle(running: Running, outcome: Outcome): void {
    if (this.#running !== running) return
    this.#running = null
    const { progress: _, ...job } = running.job
    void this.#end(job, outcome).then(running.resolve)
  }

  async #end(job: Omit<Job, 'progress'>, { result, because }: Outcome): Promise<EndedJob> {
    const { id, kind, layer, by, startedAt, about, note } = job
    const endedAt = this.#needs.now().toISOString()
    const ended = { id, kind, layer, by, startedAt, about, note, result, because, endedAt }
    const last = layer ? { ...this.#memory.last, [layer]: ended } : this.#memory.last
    const written = this.#write({ running: null, last, latest: ended })
    this.emit('change')
    await written
    this.emit('ended', ended)
    return ended
  }

  /** One after the other. What a full disk does not take is known to this life of the box all the same. */
  #write(change: Partial<Memory>): Promise<void> {
    this.#memory = { ...this.#memory, ...change }
    const { disk } = this.#needs
    this.#writing = this.#writing.then(async () => {
      await writeDurably(disk, this.#path, `${JSON.stringify(this.#memory)}\n`).catch(() => {})
    })
    return this.#writing
  }

  get #path(): string {
    return join(this.#needs.folder, 'jobs.json')
  }
}

/** What a turn of the agent's came to; null when that is known only after a restart. */
function outcomeOf(turn: Turn, status: LayerStatus | null): Outcome | null {
  switch (turn.kind) {
    case 'updated':
      return { result: 'updated', because: null }
    case 'failed': {
      const newest = status?.history[0]
      const isBack = newest?.kind === 'rolled-back' && turn.error.includes(newest.because ?? '\n')
      return { result: isBack ? 'rolled-back' : 'failed', because: turn.error }
    }
    case 'over':
      return { result: 'unchanged', because: 'The server took the update back.' }
    case 'away':
      return {
        result: 'unchanged',
        because: `It was cut off and goes on by itself: ${turn.away.message}`,
      }
    case 'held':
      return { result: 'unchanged', because: 'It is fetched, and waits until it may be installed.' }
    case 'nothing':
    case 'later':
      return { result: 'unchanged', because: null }
    case 'leave':
    case 'stopped':
      return null
    default:
      return turn satisfies never
  }
}
