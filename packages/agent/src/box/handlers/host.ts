/**
 * A handler host, as the layer knows it: the process in which one handler is loaded. What it says comes in lines of JSON;
 * anything else is the handler's own talk, and goes to the log.
 */
import type { HandlerFile } from './handler-file.ts'

/** Something a handler has found, and drives. */
export interface Device {
  /** Stays the same when it is plugged out and in again; the update goes back if it is missing afterwards. */
  readonly id: string
  readonly name: string
  /** `printer`, `scale`, … */
  readonly type: string
  /** `usb`, `serial`, `network`, …; null where the handler does not say. */
  readonly connection: string | null
}

export interface HostEvents {
  /** The file is loaded, and begins to work. */
  loaded(): void
  /** All its devices, each time that they are others. */
  devices(devices: readonly Device[]): void
  /** The process is gone. `error`: why; null when it ended as it wanted to. Called once, and nothing comes after it. */
  ended(error: string | null): void
}

export interface Host {
  /** Resolves when the process, and what it started, is gone. Throws when it does not go. `ended` is not called for it. */
  stop(): Promise<void>
}

/** Starts the host of a file of the release in that folder. Never throws: what goes wrong comes by `ended`. */
export type StartHost = (file: HandlerFile, folder: string, events: HostEvents) => Host

/** What a host may say. */
export type HostWord =
  | { readonly says: 'loaded' }
  | { readonly says: 'devices'; readonly devices: readonly Device[] }
  | { readonly says: 'failed'; readonly error: string }

const MAX_DEVICES = 1_000
const MAX_TEXT = 255
const MAX_ERROR = 2_000

/** Null for a line that is no word of a host's. */
export function readWord(line: string): HostWord | null {
  if (!line.startsWith('{')) return null
  let word: Partial<Record<string, unknown>>
  try {
    word = JSON.parse(line)
  } catch {
    return null
  }
  const { says, devices, error } = word
  if (says === 'loaded') return { says }
  if (says === 'failed') return { says, error: String(error).slice(0, MAX_ERROR) }
  if (says !== 'devices' || !Array.isArray(devices)) return null
  return { says, devices: devices.slice(0, MAX_DEVICES).flatMap(deviceOf) }
}

/** Without an id nobody could tell whether it is there again. */
function deviceOf(said: unknown): Device[] {
  if (typeof said !== 'object' || said === null) return []
  const { id, name, type, connection } = said as Partial<Record<keyof Device, unknown>>
  if (typeof id !== 'string' && typeof id !== 'number') return []
  const text = (value: unknown, otherwise: string) =>
    (typeof value === 'string' && value !== '' ? value : otherwise).slice(0, MAX_TEXT)
  return [
    {
      id: String(id).slice(0, MAX_TEXT),
      name: text(name, String(id)),
      type: text(type, 'device'),
      connection: typeof connection === 'string' ? connection.slice(0, MAX_TEXT) : null,
    },
  ]
}
