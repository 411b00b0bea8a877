/** What devices log, as it comes. */
import { DomainError, type LogLevel, type Snapshot } from '@updraft/core'
import type { Clock, DeviceLogsAtWork, LogLine } from './ports.ts'

const MAX_MESSAGE_LENGTH = 4096
/** Beyond that lines are turned away until some are kept: they are for people, and must hold nobody up. */
const MAX_AT_ONCE = 200
/** What clocks without a battery say is a time, and what no calendar has is none. */
const [EARLIEST, LATEST] = [Date.UTC(1970, 0, 1), Date.UTC(9999, 0, 1)]

/** A line as a device says it; `at` by its own clock, where it has one. */
export interface SaidLine {
  readonly at?: string
  readonly level: LogLevel
  readonly message: string
  readonly sequence?: number
}

type Whose = Pick<Snapshot, 'tenantId'> & { readonly deviceId: string }

export interface LogDesk {
  /** Keeps those that are not there yet. Refuses with store.away when more come than can be kept. */
  keepLines(whose: Whose, lines: readonly SaidLine[]): Promise<void>
  /** The highest number of a line of the device; null when there is none. */
  linesTaken(whose: Whose): Promise<number | null>
}

export function logDesk({
  clock,
  logs,
}: {
  clock: Clock
  logs: Pick<DeviceLogsAtWork, 'keep' | 'taken'>
}): LogDesk {
  let atOnce = 0
  return {
    keepLines: async (whose, said) => {
      if (said.length === 0) return
      if (atOnce >= MAX_AT_ONCE) {
        throw new DomainError('store.away', 'More is logged at the moment than can be kept.')
      }
      const receivedAt = clock.now()
      atOnce += 1
      try {
        await logs.keep(
          whose,
          said.map((line) => lineOf(line, receivedAt)),
          receivedAt,
        )
      } finally {
        atOnce -= 1
      }
    },
    linesTaken: ({ deviceId }) => logs.taken(deviceId),
  }
}

function lineOf({ at, level, message, sequence }: SaidLine, receivedAt: Date): LogLine {
  const time = at === undefined ? Number.NaN : new Date(at).getTime()
  return {
    at: time >= EARLIEST && time < LATEST ? new Date(time) : receivedAt,
    level,
    message: message.replaceAll('\0', '').slice(0, MAX_MESSAGE_LENGTH).toWellFormed(),
    sequence: sequence ?? null,
  }
}
