/** What code says of itself, in `updraft-box.json` at the top of its tree. */
import { isAbsolute } from 'node:path'
import { UpdateFailed } from '../../trouble.ts'

export const MANIFEST = 'updraft-box.json'

export interface Manifest {
  /** What other components have to run, by type. */
  readonly needs: Readonly<Record<string, string>>
  /** Program and parameters, started in the release's folder; null: the settings say. */
  readonly service: readonly string[] | null
  readonly health: HealthForm
}

/** What a service has to do to be believed well. */
export interface HealthForm {
  /** It stays up for so long. */
  readonly upSeconds: number
  /** All of it holds before that much time is over. */
  readonly withinSeconds: number
  /** Answers 200 and names the release: the value of UPDRAFT_RELEASE in its environment. */
  readonly url: string | null
  /** Ends with 0, run in the release's folder. */
  readonly command: readonly string[] | null
}

export const DEFAULT_HEALTH: HealthForm = {
  upSeconds: 10,
  withinSeconds: 60,
  url: null,
  command: null,
}

/** Of a tree without one all is left to the settings. Refuses one that cannot be read; unknown fields are for later. */
export function parseManifest(text: string | null): Manifest {
  if (text === null) return { needs: {}, service: null, health: DEFAULT_HEALTH }
  const { needs, service, health } = recordOf(parsed(text), 'it')
  const asked = recordOf(health ?? {}, 'health')
  const upSeconds = secondsOf(asked.upSeconds, 'health.upSeconds') ?? DEFAULT_HEALTH.upSeconds
  const within = secondsOf(asked.withinSeconds, 'health.withinSeconds')
  return {
    needs: textsOf(needs ?? {}),
    service: commandOf(service, 'service'),
    health: {
      upSeconds,
      withinSeconds: Math.max(upSeconds, within ?? DEFAULT_HEALTH.withinSeconds),
      url: urlOf(asked.url),
      command: commandOf(asked.command, 'health.command'),
    },
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw wrong(`it is no JSON (${(error as Error).message})`)
  }
}

function recordOf(value: unknown, name: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong(`${name} is no object`)
  }
  return value as Record<string, unknown>
}

function textsOf(value: unknown): Record<string, string> {
  const texts = recordOf(value, 'needs')
  for (const [type, wanted] of Object.entries(texts)) {
    if (typeof wanted !== 'string') throw wrong(`needs.${type} is no text`)
  }
  return texts as Record<string, string>
}

function commandOf(value: unknown, name: string): readonly string[] | null {
  if (value === undefined || value === null) return null
  const isCommand =
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((each) => typeof each === 'string' && !each.includes('\0')) &&
    value[0] !== ''
  if (!isCommand) throw wrong(`${name} is no list of a program and its parameters`)
  // A program of its own lies where the release lies, and nobody knows where that is.
  const [program] = value as string[]
  return program?.includes('/') && !isAbsolute(program) && !program.startsWith('./')
    ? [`./${program}`, ...value.slice(1)]
    : value
}

function secondsOf(value: unknown, name: string): number | null {
  if (value === undefined || value === null) return null
  const isTime = typeof value === 'number' && value >= 0 && value <= 3_600
  if (!isTime) throw wrong(`${name} is no number of seconds up to 3600`)
  return value
}

function urlOf(value: unknown): string | null {
  if (value === undefined || value === null) return null
  const url = typeof value === 'string' ? URL.parse(value) : null
  if (!url || !/^https?:$/.test(url.protocol)) throw wrong('health.url is no http address')
  return url.href
}

const wrong = (what: string) => new UpdateFailed(`its ${MANIFEST} cannot be read: ${what}`, 'image')
