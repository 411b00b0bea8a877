/**
 * What an operator should find in the log of a device although it changes nothing: that it asks for what it cannot
 * be given, or does not stop asking. Devices do such things again and again, so of each kind one an hour is kept.
 */
import type { DomainEvent, Snapshot } from '@updraft/core'
import type { Clock, UnitOfWork } from './ports.ts'

const EVERY_MS = 3_600_000
/** Of what was kept lately; more devices than that do not misbehave at once, or are looked up. */
const MAX_RECENT = 10_000

export interface Notice extends Pick<DomainEvent, 'data' | 'reason'> {
  readonly kind:
    | 'offer.refused'
    | 'offer.too-large'
    | 'device.logged'
    | 'download.refused'
    | 'download.looping'
    | 'message.refused'
    | 'report.ignored'
}

/** Answers false when one of that kind was kept within the hour, by this server or another. */
export type Notices = (device: Snapshot, notice: Notice) => Promise<boolean>

export function notices({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }): Notices {
  /** When it may be kept again, by device and kind: so that what is repeated costs no look into the database. */
  const keptUntil = new Map<string, number>()

  return async ({ tenantId, device: { id, name } }, { kind, data, reason }) => {
    const at = clock.now()
    const key = `${id} ${kind}`
    if ((keptUntil.get(key) ?? 0) > at.getTime()) return false
    const subject = { kind: 'device', id, name } as const
    const before = await unitOfWork({ tenantId, customerId: null }, async ({ events }) => {
      const since = new Date(at.getTime() - EVERY_MS)
      const { items } = await events.page({ deviceId: id, kind, since, limit: 1 })
      const [latest] = items
      if (latest) return latest.at
      await events.append([{ kind, at, actor: subject, subject, deviceId: id, data, reason }])
      return null
    })
    if (keptUntil.size >= MAX_RECENT) keptUntil.clear()
    keptUntil.set(key, (before ?? at).getTime() + EVERY_MS)
    return before === null
  }
}
