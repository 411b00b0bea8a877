/** What devices log: lines, kept for a while. */
import type { LogLevel } from '@updraft/core'
import type { Page, PageQuery } from './paging.ts'

export interface LogLine {
  readonly at: Date
  readonly level: LogLevel
  readonly message: string
  /** It grows by one with each line a device ever wrote; null of devices that do not number theirs. */
  readonly sequence: number | null
}

export interface KeptLine extends Omit<LogLine, 'sequence'> {
  readonly id: string
  readonly receivedAt: Date
}

/** Of one tenant. */
export interface DeviceLogs {
  /** `level`: and above. */
  page(deviceId: string, query: PageQuery & { level?: LogLevel }): Promise<Page<KeptLine>>
}

/** As they come. */
export interface DeviceLogsAtWork {
  /** Keeps those that are not there yet. */
  keep(
    device: { readonly tenantId: string; readonly deviceId: string },
    lines: readonly LogLine[],
    receivedAt: Date,
  ): Promise<void>
  /** The highest number of a line that is kept; null when there is none. */
  taken(deviceId: string): Promise<number | null>
  /** Removes lines that are older, and of each device all but its newest; answers how many. Several servers may at once. */
  sweep(before: Date, limit: number): Promise<number>
}
