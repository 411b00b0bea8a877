/**
 * What holds for each tenant right now, at hand for whoever decides: read once, and again when it was changed, at
 * this server or another.
 */
import { settingsInForce as inForce, type TenantSettings } from '@updraft/core'
import type { EventFeed, UnitOfWork } from './ports.ts'

/** Word from another server may be lost. */
const READ_AGAIN_MS = 60_000

export interface SettingsInForce {
  /** Refuses with store.away while they were never read and cannot be. */
  of(tenantId: string): Promise<TenantSettings>
  /** As last read; before that what the server has. */
  lastKnown(tenantId: string): TenantSettings
  /** `listener` is called with a tenant whose settings were changed and read. */
  subscribe(listener: (tenantId: string) => void): void
}

interface Known {
  readonly settings: TenantSettings
  readAtMs: number
}

export function settingsInForce({
  feed,
  ofServer,
  unitOfWork,
  onError,
}: {
  feed: EventFeed
  ofServer: TenantSettings
  unitOfWork: UnitOfWork
  onError: (error: unknown) => void
}): SettingsInForce {
  const known = new Map<string, Known>()
  /** The read begun last, by tenant: only that one is believed. */
  const reads = new Map<string, Promise<TenantSettings>>()
  const listeners = new Set<(tenantId: string) => void>()

  const read = (tenantId: string): Promise<TenantSettings> => {
    const reading: Promise<TenantSettings> = unitOfWork(
      { tenantId, customerId: null },
      ({ settings }) => settings.get(),
    )
      .then(({ chosen }) => {
        const settings = inForce(chosen, ofServer)
        if (reads.get(tenantId) === reading) {
          known.set(tenantId, { settings, readAtMs: performance.now() })
        }
        return settings
      })
      .finally(() => {
        if (reads.get(tenantId) === reading) reads.delete(tenantId)
      })
    reads.set(tenantId, reading)
    return reading
  }

  const readAgain = async (tenantId: string) => {
    try {
      await read(tenantId)
      for (const listener of listeners) listener(tenantId)
    } catch (error) {
      onError(error)
    }
  }

  feed.subscribe((delivered) => {
    const changed = delivered.filter(({ kind }) => kind === 'settings.changed')
    for (const tenantId of new Set(changed.map((each) => each.tenantId))) void readAgain(tenantId)
  })

  return {
    of: (tenantId) => {
      const found = known.get(tenantId)
      if (!found) return reads.get(tenantId) ?? read(tenantId)
      const nowMs = performance.now()
      if (nowMs - found.readAtMs > READ_AGAIN_MS) {
        // Once a minute, whether or not it succeeds; what is known holds meanwhile.
        found.readAtMs = nowMs
        void readAgain(tenantId)
      }
      return Promise.resolve(found.settings)
    },
    lastKnown: (tenantId) => known.get(tenantId)?.settings ?? ofServer,
    subscribe: (listener) => {
      listeners.add(listener)
    },
  }
}
