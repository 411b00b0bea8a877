/** The handlers list, as the layer tells of it. */

export interface HandlerRow {
  readonly file: string
  readonly state: string
  readonly tone: 'good' | 'bad' | 'neutral'
  readonly error: string | null
  readonly devices: readonly string[]
}

export function handlersIn(details: unknown): HandlerRow[] {
  const { handlers } = (details ?? {}) as { handlers?: unknown }
  return Array.isArray(handlers) ? handlers.flatMap(rowOf) : []
}

function rowOf(told: unknown): HandlerRow[] {
  const handler = (told ?? {}) as Record<string, unknown>
  const file = textOf(handler.file) ?? textOf(handler.path)
  if (file === null) return []
  const error = textOf(handler.error)
  const state = textOf(handler.state) ?? (error ? 'failed' : 'loaded')
  const isBad = error !== null || /fail|crash|error/.test(state)
  const isGood = /load|run|up|ready|good/.test(state)
  const devices = Array.isArray(handler.devices) ? handler.devices.flatMap(deviceOf) : []
  return [{ file, state, tone: isBad ? 'bad' : isGood ? 'good' : 'neutral', error, devices }]
}

function deviceOf(told: unknown): string[] {
  if (typeof told === 'string') return [told]
  const { name, id, identifier } = (told ?? {}) as Record<string, unknown>
  return [textOf(name) ?? textOf(identifier) ?? textOf(id)].filter((text) => text !== null)
}

const textOf = (value: unknown): string | null =>
  typeof value === 'string' && value !== '' ? value : null
