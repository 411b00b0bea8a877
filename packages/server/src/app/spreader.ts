/**
 * Looks at every device concerned after what is meant for devices changed, so that what is to be done is queued
 * and shown before the device calls. Works in pages off a durable list; several servers share the list.
 */
import type { Look } from './look.ts'
import type { DeliveredEvent, EventFeed, Spreads } from './ports.ts'

const PAGE_SIZE = 2000
const FIRST_RETRY_MS = 500
const MAX_RETRY_MS = 30_000
/** Kinds of events, by their first part, that never put anything on the list: spreading makes the first itself. */
const NEVER_SPREADS = [
  'operation',
  'report',
  'release',
  'artifact',
  'operator',
  'token',
  'action',
  'download',
  'settings',
]
/** What another server left behind when it was killed is taken up by then. */
const LOOK_EVERY_MS = 60_000

export interface Spreader {
  start(): void
  /** Finishes the page at hand. */
  stop(): Promise<void>
}

export function spreader({
  feed,
  look,
  spreads,
  onError,
}: {
  feed: EventFeed
  look: Look
  spreads: Spreads
  onError: (error: unknown) => void
}): Spreader {
  let isStopped = false
  let isDue = false
  let running: Promise<void> | null = null
  let retry: NodeJS.Timeout | undefined
  let wakeRetry: (() => void) | undefined
  let regularly: NodeJS.Timeout | undefined

  const run = async () => {
    let retryMs = FIRST_RETRY_MS
    while (isDue && !isStopped) {
      isDue = false
      try {
        const took = await spreads.next(PAGE_SIZE, (page) => look(page))
        isDue ||= took
        retryMs = FIRST_RETRY_MS
      } catch (error) {
        onError(error)
        isDue = true
        await new Promise<void>((resolve) => {
          retry = setTimeout(resolve, retryMs)
          wakeRetry = resolve
        })
        retryMs = Math.min(MAX_RETRY_MS, retryMs * 2)
      }
    }
  }

  const kick = () => {
    isDue = true
    if (isStopped) return
    running ??= run().finally(() => {
      running = null
      if (isDue) kick()
    })
  }

  const unsubscribe = feed.subscribe((delivered) => {
    const maySpread = ({ kind }: DeliveredEvent) =>
      !NEVER_SPREADS.includes(kind.split('.')[0] ?? '')
    if (delivered.some(maySpread)) kick()
  })

  return {
    start: () => {
      kick()
      regularly = setInterval(kick, LOOK_EVERY_MS).unref()
    },
    stop: async () => {
      isStopped = true
      clearInterval(regularly)
      unsubscribe()
      clearTimeout(retry)
      wakeRetry?.()
      await running
    },
  }
}
