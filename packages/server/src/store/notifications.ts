/**
 * Carries word of events to other servers on the same database, and theirs to us: only what happened and to whom,
 * as the listener reads for itself what it needs. A lost line is taken up again; devices that waited meanwhile look
 * again when their wait is over.
 */
import type { DomainEvent, EventKind } from '@updraft/core'
import pg from 'pg'
import type { Announce, eventFeed } from './events.ts'

const CHANNEL = 'updraft_events'
const RECONNECT_MS = 1000
/** PostgreSQL takes up to 8000 bytes; this many stay below. */
const MAX_TOLD = 60
/** One statement, and so one commit, for all that waits. */
const NOTIFY = {
  name: 'notify',
  text: `select pg_notify('${CHANNEL}', payload) from unnest($1::text[]) as payload`,
}

interface Notification {
  readonly from: string
  readonly tenantId: string
  readonly about: readonly Told[]
}

/** What is told of an event. */
type Told = readonly [kind: EventKind, deviceId: string | null, subjectId: string]

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
  let isSending = false
  /** What is to be told, by tenant: as JSON, so that the same is told once. */
  let waiting = new Map<string, Set<string>>()

  const connect = async () => {
    const fresh = new pg.Client({ connectionString, application_name: 'updraft events' })
    let isLost = false
    const lost = (error: unknown) => {
      // One connection may say several times that it is gone.
      if (isLost) return
      isLost = true
      if (client === fresh) client = undefined
      fresh.end().catch(() => {})
      if (isClosed) return
      onError(error)
      timer = setTimeout(() => {
        connecting = connect()
      }, RECONNECT_MS)
    }
    fresh.on('error', lost)
    fresh.on('end', () => lost(new Error('The connection was closed.')))
    fresh.on('notification', ({ payload }) => hear(payload ?? ''))
    try {
      await fresh.connect()
      // Word that is lost with the server costs a wait; it is not worth the disk's time.
      await fresh.query(`set synchronous_commit = off; listen ${CHANNEL}`)
      client = fresh
    } catch (error) {
      lost(error)
    }
  }

  const hear = (payload: string) => {
    try {
      const { from, tenantId, about } = JSON.parse(payload) as Notification
      if (from === self) return
      feed.deliver(
        about.map(([kind, deviceId, subjectId]) => ({
          tenantId,
          kind,
          deviceId,
          subjectId,
          event: null,
        })),
      )
    } catch (error) {
      onError(error)
    }
  }

  /** After the commit, and not awaited by anyone: word that is lost costs a wait, never an update. */
  const send = async () => {
    isSending = true
    try {
      while (waiting.size > 0 && client) {
        const payloads = payloadsOf(self, waiting)
        waiting = new Map()
        await client.query({ ...NOTIFY, values: [payloads] })
      }
    } catch (error) {
      if (!isClosed) onError(error)
    } finally {
      waiting = new Map()
      isSending = false
    }
  }

  let connecting = connect()
  await connecting
  return {
    announce: (tenantId, events: readonly DomainEvent[]) => {
      feed.announce(tenantId, events)
      const told = waiting.get(tenantId) ?? new Set()
      for (const { kind, deviceId, subject } of events) {
        told.add(JSON.stringify([kind, deviceId, subject.id] satisfies Told))
      }
      waiting.set(tenantId, told)
      if (!isSending) void send()
    },
    close: async () => {
      isClosed = true
      clearTimeout(timer)
      await connecting
      await client?.end()
    },
  }
}

/** All that waits, in as few words as it takes. */
function payloadsOf(self: string, waiting: ReadonlyMap<string, ReadonlySet<string>>): string[] {
  const payloads: string[] = []
  for (const [tenantId, told] of waiting) {
    const all = [...told].map((each): Told => JSON.parse(each))
    for (let start = 0; start < all.length; start += MAX_TOLD) {
      const about = all.slice(start, start + MAX_TOLD)
      payloads.push(JSON.stringify({ from: self, tenantId, about } satisfies Notification))
    }
  }
  return payloads
}
