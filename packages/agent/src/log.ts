/** What the agent says of itself: one line each, for a program (JSON) or a person (text). */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export type Log = Readonly<
  Record<LogLevel, (message: string, fields?: Readonly<Record<string, unknown>>) => void>
>

export const silentLog: Log = { debug() {}, info() {}, warn() {}, error() {} }

/** A log that writes lines of at least that level. */
export function lineLog({
  level,
  format,
  write,
  now = () => new Date(),
}: {
  level: LogLevel
  format: 'json' | 'text'
  write: (line: string) => void
  now?: () => Date
}): Log {
  const line =
    (at: LogLevel) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if (LOG_LEVELS.indexOf(at) < LOG_LEVELS.indexOf(level)) return
      const readable = Object.fromEntries(
        Object.entries(fields).map(([key, value]) => [
          key,
          value instanceof Error ? told(value) : value,
        ]),
      )
      write(
        format === 'json'
          ? `${JSON.stringify({ time: now().toISOString(), level: at, message, ...readable })}\n`
          : `${at === 'info' ? '' : `${at}: `}${message}${asText(readable)}\n`,
      )
    }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}

const asText = (fields: Record<string, unknown>): string =>
  Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join('')

/** A foreseen error is its sentence; a bug is shown whole. */
const told = (error: Error): string => {
  const isForeseen = ['Away', 'UpdateFailed', 'WrongBytes'].includes(error.name)
  return isForeseen ? error.message : (error.stack ?? error.message)
}
