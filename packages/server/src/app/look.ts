/** Looks at devices anew although they have not called: what is meant for them changed, or time passed. */
import { DomainError, NO_FACTS, visit } from '@updraft/core'
import type { Moments } from './moments.ts'
import type { DeviceWork } from './ports.ts'

export type Look = (
  page: { readonly tenantId: string; readonly deviceIds: readonly string[] },
  /** They hold a line open. */
  options?: { readonly isHere: boolean },
) => Promise<void>

/** Throws only what keeps all from being looked at, store.away. */
export const look =
  ({
    moments,
    work,
    onError,
  }: {
    moments: Moments
    work: Pick<DeviceWork, 'settleAll'>
    onError: (error: unknown) => void
  }): Look =>
  async (page, { isHere } = { isHere: false }) => {
    const moment = await moments(page.tenantId)
    const unsettled = await work.settleAll(page, (snapshot) =>
      visit(snapshot, { ...moment(), facts: NO_FACTS, tells: false, isHere }),
    )
    for (const { error } of unsettled) {
      // Removed meanwhile: nothing is left to look at.
      if (error instanceof DomainError && error.code === 'device.unknown') continue
      // A bug with one device must not keep the others waiting; this one is looked at when it calls.
      onError(error)
    }
  }
