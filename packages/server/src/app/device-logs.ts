/** What devices log, as operators read it. */
import type { LogLevel, OperatorActor } from '@updraft/core'
import type { KeptLine, Page, PageQuery, UnitOfWork } from './ports.ts'

export function deviceLogs({ unitOfWork }: { unitOfWork: UnitOfWork }) {
  return {
    /** The newest first; `level`: and above. Refuses with device.unknown. */
    lines: (
      actor: OperatorActor,
      deviceId: string,
      query: PageQuery & { level?: LogLevel },
    ): Promise<Page<KeptLine>> =>
      unitOfWork(actor, async ({ devices, deviceLogs: kept }) => {
        await devices.get(deviceId)
        return kept.page(deviceId, query)
      }),
  }
}

export type DeviceLogUseCases = ReturnType<typeof deviceLogs>
