/**
 * Carries word of events to other servers on the same database, and theirs to us: only whom it concerns, as the
 * listener reads for itself what it needs. A lost line is taken up again; devices that waited meanwhile look
 * again when their wait is over.
 */
import type { DomainEvent } from '@updraft/core'
import pg from 'pg'
import type { Announce, eventFeed } from './events.ts'

const CHANNEL = 'updraft_events'
const RECONNECT_MS = 2000
/** PostgreSQL takes up to 8000 bytes; this many pairs of ids stay below. */
const MAX_PAIRS = 90

interface Notification {
  readonly from: string
  readonly tenantId: string
  /** Device and subject of each event. */
  readonly about: readonly (readonly [string | null, string])[]
}

export async function notifications({
  connectionString,
  self,
  feed,
  onError,
}: {
  connectionString: string
  /** Names this server among the others. */
  self: string
  feed: ReturnType<typeof eventFeed>
  onError: (error: unknown) => void
}): Promise<{ announce: Announce; close(): Promise<void> }> {
  let client: pg.Client | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  let waiting: { tenantId: string; pairs: [string | null, string][] }[] = []
  let isSending = false

  const connect = async () => {
    const fresh = new pg.Client({ connectionString, application_name: 'updraft events' })
    fresh.on('error', lost)
    fresh.on('notification', ({ payload }) => hear(payload ?? ''))
    try {
      await fresh.connect()
      await fresh.query(`listen ${CHANNEL}`)
      client = fresh
    } catch (error) {
      lost(error)
    }
  }

  const lost = (error: unknown) => {
    if (isClosed) return
    client?.removeAllListeners()
    client?.end().catch(() => {})
    client = undefined
    onError(error)
    clearTimeout(timer)
    timer = setTimeout(() => void connect(), RECONNECT_MS)
  }

  const hear = (payload: string) => {
    const { from, tenantId, about } = JSON.parse(payload) as Notification
    if (from === self) return
    feed.deliver(
      about.map(([deviceId, subjectId]) => ({ tenantId, deviceId, subjectId, event: null })),
    )
  }

  /** After the commit, and not awaited by anyone: word that is lost costs a wait, never an update. */
  const send = async () => {
    isSending = true
    while (waiting.length > 0 && client) {
      const batch = waiting
      waiting = []
      for (const { tenantId, pairs } of batch) {
        for (let start = 0; start < pairs.length; start += MAX_PAIRS) {
          const about = pairs.slice(start, start + MAX_PAIRS)
          const payload = JSON.stringify({ from: self, tenantId, about } satisfies Notification)
          await client?.query({
            name: 'notify',
            text: 'select pg_notify($1, $2)',
            values: [CHANNEL, payload],
          })
        }
      }
    }
    waiting = []
    isSending = false
  }

  await connect()
  return {
    announce: (tenantId, events: readonly DomainEvent[]) => {
      feed.announce(tenantId, events)
      const pairs = events.map(({ deviceId, subject }): [string | null, string] => [
        deviceId,
        subject.id,
      ])
      waiting.push({ tenantId, pairs })
      if (!isSending) {
        send().catch((error) => {
          isSending = false
          if (!isClosed) onError(error)
        })
      }
    },
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await client?.end()
    },
  }
}
