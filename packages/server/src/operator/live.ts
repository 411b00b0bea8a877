/**
 * What happens, as a stream of server-sent events: word of it, gathered into batches. One that comes back after
 * its line broke is told what it missed, as far as that is kept; else that it missed something.
 */
import type { LiveBatch, LiveEvent } from '@updraft/api/shapes'
import type { OperatorActor } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { DeliveredEvent, EventFeed } from '../app/ports.ts'
import { isShutOutBy } from './shut-out.ts'

/** Word is gathered this long, so that a fleet in full swing makes few messages. */
const GATHER_MS = 200
/** A batch is never larger; a listener that much behind reads its lists anew. */
const MAX_BATCH = 1000
/** Kept for those who come back. */
const MAX_KEPT = 10_000
/** Proxies cut lines that are silent for a minute. */
const BEAT_MS = 25_000

interface Kept {
  readonly position: number
  readonly delivered: DeliveredEvent
}

/** Which of these devices the actor may hear of: all, but for a customer's people. */
export type Owned = (
  actor: OperatorActor,
  deviceIds: readonly string[],
) => Promise<ReadonlySet<string>>

export interface Live {
  /** Answers with a stream that ends when the client goes, or the server. */
  open(actor: OperatorActor, request: FastifyRequest, reply: FastifyReply): FastifyReply
  close(): void
}

export function live({
  feed,
  owned,
  run,
}: {
  feed: EventFeed
  owned: Owned
  /** Names this run of the server: positions of another one mean nothing here. */
  run: string
}): Live {
  const kept: Kept[] = []
  const listeners = new Set<Listener>()
  let position = 0

  const unsubscribe = feed.subscribe((events) => {
    for (const delivered of events) {
      position += 1
      kept.push({ position, delivered })
    }
    // Cut in one piece now and then: to shift one by one would cost for every event.
    if (kept.length > 2 * MAX_KEPT) kept.splice(0, kept.length - MAX_KEPT)
    for (const listener of listeners) {
      if (events.some((delivered) => listener.isShutOutBy(delivered))) listener.end()
      else listener.wake()
    }
  })

  /** Where a listener goes on; null if what came since is no longer kept. */
  const positionAfter = (lastId: string | undefined): number | null => {
    if (lastId === undefined) return position
    const [itsRun, text] = lastId.split('/')
    const seen = Number(text)
    if (itsRun !== run || !Number.isSafeInteger(seen) || seen > position) return null
    const oldest = kept[0]?.position ?? position + 1
    return seen + 1 >= oldest ? seen : null
  }

  class Listener {
    readonly #actor: OperatorActor
    readonly #raw: FastifyReply['raw']
    readonly #beat: NodeJS.Timeout
    #position: number
    #gathering: NodeJS.Timeout | undefined
    #isTelling = false

    constructor(actor: OperatorActor, raw: FastifyReply['raw'], lastId: string | undefined) {
      this.#actor = actor
      this.#raw = raw
      this.#beat = setInterval(() => this.#write(':\n\n'), BEAT_MS).unref()
      const from = positionAfter(lastId)
      this.#position = from ?? position
      this.#write(`retry: 2000\nid: ${run}/${this.#position}\n`)
      this.#write(from === null ? 'event: missed\ndata: {}\n\n' : 'event: opened\ndata: {}\n\n')
      if (this.#position < position) this.wake()
    }

    isShutOutBy(delivered: DeliveredEvent): boolean {
      return isShutOutBy(this.#actor, delivered)
    }

    wake(): void {
      this.#gathering ??= setTimeout(() => void this.#tell(), GATHER_MS)
    }

    end(): void {
      clearInterval(this.#beat)
      clearTimeout(this.#gathering)
      listeners.delete(this)
      this.#raw.end()
    }

    /** A reader that is slow is told later: it gets one batch when it has taken the last. */
    async #tell(): Promise<void> {
      this.#gathering = undefined
      if (this.#isTelling || this.#raw.writableEnded) return
      this.#isTelling = true
      try {
        const until = position
        const oldest = kept[0]?.position ?? 0
        const isMissed = this.#position + 1 < oldest
        const news = isMissed ? [] : kept.slice(this.#position + 1 - oldest)
        const heard = await this.#heard(news.map(({ delivered }) => delivered))
        this.#position = until
        if (isMissed || heard.length > MAX_BATCH) {
          this.#write(`id: ${run}/${until}\nevent: missed\ndata: {}\n\n`)
        } else if (heard.length > 0) {
          const batch: LiveBatch = { events: heard.map(viewOf) }
          this.#write(`id: ${run}/${until}\ndata: ${JSON.stringify(batch)}\n\n`)
        }
        if (this.#raw.writableNeedDrain) await drained(this.#raw)
      } catch {
        // Whose devices they are could not be asked: the stream says that something was missed.
        this.#write(`event: missed\ndata: {}\n\n`)
      } finally {
        this.#isTelling = false
      }
      if (this.#position < position) this.wake()
    }

    async #heard(news: readonly DeliveredEvent[]): Promise<DeliveredEvent[]> {
      const ours = news.filter(({ tenantId }) => tenantId === this.#actor.tenantId)
      if (this.#actor.customerId === null || ours.length === 0) return ours
      const ids = [...new Set(ours.flatMap(({ deviceId }) => deviceId ?? []))]
      const mine = await owned(this.#actor, ids)
      return ours.filter(({ deviceId }) => deviceId !== null && mine.has(deviceId))
    }

    #write(text: string): void {
      if (!this.#raw.writableEnded) this.#raw.write(text)
    }
  }

  return {
    open: (actor, request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        // Proxies that gather answers must not gather this one.
        'x-accel-buffering': 'no',
      })
      const lastId = [request.headers['last-event-id'] ?? []].flat()[0]
      const listener = new Listener(actor, reply.raw, lastId)
      listeners.add(listener)
      reply.raw.once('close', () => listener.end())
      return reply
    },
    close: () => {
      unsubscribe()
      for (const listener of listeners) listener.end()
    },
  }
}

/** When the reader has taken what was written, or is gone. */
const drained = (raw: FastifyReply['raw']): Promise<void> =>
  new Promise((resolve) => {
    raw.once('drain', resolve)
    raw.once('close', resolve)
  })

/** From another server only the kind and the subject come. */
const viewOf = ({ kind, deviceId, subjectId, event }: DeliveredEvent): LiveEvent => ({
  kind,
  deviceId,
  subjectId,
  at: event ? event.at.toISOString() : null,
  subject: event?.subject.name ?? null,
  data: event ? { ...event.data } : null,
})
