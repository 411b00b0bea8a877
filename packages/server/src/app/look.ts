/** Looks at a device anew although it has not called: what is meant for it changed, or time passed. */
import { DomainError, NO_FACTS, visit } from '@updraft/core'
import type { Moments } from './moments.ts'
import type { DeviceWork } from './ports.ts'

export type Look = (
  device: { readonly tenantId: string; readonly deviceId: string },
  /** It holds a line open. */
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
    work: Pick<DeviceWork, 'settle'>
    onError: (error: unknown) => void
  }): Look =>
  async (device, { isHere } = { isHere: false }) => {
    try {
      const moment = await moments(device.tenantId)
      await work.settle(device, (snapshot) =>
        visit(snapshot, { ...moment(), facts: NO_FACTS, tells: false, isHere }),
      )
    } catch (error) {
      const code = error instanceof DomainError ? error.code : null
      // Removed meanwhile: nothing is left to look at.
      if (code === 'device.unknown') return
      if (code === 'store.away') throw error
      // A bug with one device must not keep the others waiting; this one is looked at when it calls.
      onError(error)
    }
  }
