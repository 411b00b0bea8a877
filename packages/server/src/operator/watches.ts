/**
 * Word of what happens, for those who then look for themselves: what it was and about what, gathered, each once. A
 * reader that is slow holds up nobody: what comes meanwhile is gathered for it, and when it is too much, that
 * something was missed.
 */
import { DomainError, type EventKind, type OperatorActor } from '@updraft/core'
import type { DeliveredEvent, EventFeed } from '../app/ports.ts'
import type { Owned } from './live.ts'
import { isShutOutBy } from './shut-out.ts'

/** Word is gathered this long, so that a fleet in full swing makes few messages. */
const GATHER_MS = 200
/** So much is kept for a reader that does not come. */
const MAX_GATHERED = 1000
/** One token, or one person's sessions, has so many open at a time. */
const MAX_OF_ONE = 50

export interface Word {
  readonly kind: EventKind | 'missed'
  readonly deviceId: string | null
  readonly subjectId: string
}

const MISSED: Word = { kind: 'missed', deviceId: null, subjectId: '' }

export interface Watches {
  /**
   * Word that matches, in batches; ends when `signal` says so, when the actor may be no more who it was, or with the
   * server. Refuses with request.too-many when that one has too many open.
   */
  open(
    actor: OperatorActor,
    how: { readonly matches: (word: Word) => boolean; readonly signal: AbortSignal },
  ): AsyncGenerator<readonly Word[], void, undefined>
  close(): void
}

export function watches({ feed, owned }: { feed: EventFeed; owned: Owned }): Watches {
  const all = new Set<Watch>()
  let isClosed = false

  const unsubscribe = feed.subscribe((events) => {
    for (const watch of all) watch.hear(events)
  })

  class Watch {
    readonly actor: OperatorActor
    readonly #matches: (word: Word) => boolean
    /** By what makes them the same. */
    #gathered = new Map<string, Word>()
    #isOver = false
    #wake: () => void = () => {}

    constructor(actor: OperatorActor, matches: (word: Word) => boolean) {
      this.actor = actor
      this.#matches = matches
    }

    get isOver(): boolean {
      return this.#isOver
    }

    hear(events: readonly DeliveredEvent[]): void {
      if (events.some((event) => isShutOutBy(this.actor, event))) {
        this.end()
        return
      }
      for (const { tenantId, kind, deviceId, subjectId } of events) {
        const word = { kind, deviceId, subjectId }
        if (tenantId === this.actor.tenantId && this.#matches(word)) this.#gather(word)
      }
      if (this.#gathered.size > 0) this.#wake()
    }

    #gather(word: Word): void {
      if (this.#gathered.has('missed')) return
      if (this.#gathered.size >= MAX_GATHERED) this.#gathered = new Map([['missed', MISSED]])
      else this.#gathered.set(`${word.kind} ${word.subjectId} ${word.deviceId}`, word)
    }

    end(): void {
      this.#isOver = true
      all.delete(this)
      this.#wake()
    }

    /** Resolves when there is word, or there will be none any more. */
    async something(): Promise<void> {
      while (this.#gathered.size === 0 && !this.#isOver) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    }

    async take(): Promise<readonly Word[]> {
      const words = [...this.#gathered.values()]
      this.#gathered = new Map()
      if (this.actor.customerId === null) return words
      const ids = [...new Set(words.flatMap(({ deviceId }) => deviceId ?? []))]
      const mine = await owned(this.actor, ids)
      return words.filter(
        ({ kind, deviceId }) => kind === 'missed' || (deviceId !== null && mine.has(deviceId)),
      )
    }
  }

  const ofSame =
    ({ id, tokenId }: OperatorActor) =>
    (other: Watch) =>
      other.actor.id === id && other.actor.tokenId === tokenId

  async function* wordsFor(watch: Watch, signal: AbortSignal) {
    try {
      while (true) {
        await watch.something()
        if (watch.isOver) return
        await pause(GATHER_MS, signal)
        if (watch.isOver) return
        const words = await watch.take()
        if (words.length > 0) yield words
      }
    } finally {
      watch.end()
    }
  }

  return {
    open: (actor, { matches, signal }) => {
      if ([...all].filter(ofSame(actor)).length >= MAX_OF_ONE) {
        const message = `There are ${MAX_OF_ONE} subscriptions open already.`
        throw new DomainError('request.too-many', message)
      }
      const watch = new Watch(actor, matches)
      // From now on, not from when it is first read: nothing is missed in between.
      all.add(watch)
      if (isClosed || signal.aborted) watch.end()
      signal.addEventListener('abort', () => watch.end(), { once: true })
      return wordsFor(watch, signal)
    },
    close: () => {
      isClosed = true
      unsubscribe()
      for (const watch of all) watch.end()
    },
  }
}

/** Over at once when the signal says so. */
const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    const over = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', over)
      resolve()
    }
    const timer = setTimeout(over, ms)
    signal.addEventListener('abort', over)
  })
