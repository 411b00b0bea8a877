/**
 * What Ioto's agent and the EmbedThis Updater say, and the answers they can read. Each fact with its source in
 * docs/dialects/ioto.md. Bodies are read leniently, as two generations of clients write no JSON; answers are
 * written to the letter, as the Updater in C looks for them as text.
 */
import type { Json, JsonObject } from '@updraft/core'
import JSON5 from 'json5'
import { z } from 'zod'

/** Below the address a client was given, which may have a path of its own. All are POST. */
export const PATHS = {
  register: '/device/register',
  /** Agents from 2.8 on. */
  provision: '/tok/device/provision',
  /** Agents 2.5 to 2.7. */
  getCerts: '/tok/provision/getCerts',
  check: '/tok/provision/update',
  report: '/tok/provision/updateReport',
  /** Agents from 2.8 on. */
  getCreds: '/tok/device/getCreds',
  /** Agents 2.5 to 2.7. */
  getOldCreds: '/tok/provision/getCreds',
} as const

/** Longer values are cut by the clients without a word. */
export const LIMITS = {
  /** `api.builder`, in all versions of the agent. */
  builderLength: 143,
  /** `api`, in 2.5 and 2.6. */
  apiLength: 136,
  deviceIdLength: 70,
  /** The Updater in C holds the whole header in 256 bytes. */
  tokenLength: 128,
  /** The Updater in C refuses an address that long. */
  urlLength: 4_000,
  /** Each of the Updaters refuses more. */
  updaterImageBytes: 100_000_000,
} as const

/**
 * Of errors the agent compares two texts exactly: plain text, no line break. At either it forgets its token and
 * registers again. At any other it waits for its next period, which is a day.
 */
export const RE_ENROL = {
  authenticationFailed: 'Authentication failed',
  cannotFindDevice: 'Cannot find device',
} as const

/** The answer to a check when there is nothing: older agents take any field for an offer. */
export const NOTHING = '{}'
/** The answer to a device that nobody claimed yet: clients count the properties. */
export const NOT_CLAIMED = '{"registered":true}'

/**
 * A body as these clients write it: JSON, JSON5, and what the Updater in C before 1.1.2 sends without properties
 * (`,(null)}` and `,}`). Undefined when it is no object.
 */
export function readBody(text: string): JsonObject | undefined {
  const value =
    parsed(text, JSON.parse) ??
    parsed(text, parseJson5) ??
    parsed(text.replaceAll(',(null)', ''), parseJson5)
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined
}

/** What JSON5 knows and JSON does not, such as Infinity, is nothing to us. */
const parseJson5 = (text: string): unknown => JSON.parse(JSON.stringify(JSON5.parse(text)))

function parsed(text: string, parse: (text: string) => unknown): unknown {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** The credential of a request in each of its three spellings; undefined when there is none. */
export function tokenOf(headers: {
  readonly authorization?: string
  readonly 'x-token'?: string | readonly string[]
}): string | undefined {
  const [spelled] = [headers['x-token']].flat()
  return tokenIn(headers.authorization) ?? tokenIn(spelled)
}

/** Other schemes than ours hold no token. */
function tokenIn(told = ''): string | undefined {
  const token = told.trim().replace(/^bearer\s+/i, '')
  return token === '' || /^(bearer$|(basic|digest)\s)/i.test(token) ? undefined : token
}

/** Left out, null, or a number where a text is meant: a hand wrote these files. */
const word = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .transform((value) => (value === null || value === '' ? undefined : value))
  .optional()

/** E1. The properties are those of the device's device.json5. */
export const RegisterRequest = z.looseObject({
  id: word,
  product: word,
  /** With both of them the device asks to be claimed by that account at once. */
  account: word,
  cloud: word,
})
export type RegisterRequest = z.infer<typeof RegisterRequest>

/** E2. */
export const ProvisionRequest = z.looseObject({ id: word })

/** E3. The id is missing where the device knows it only from its registration. */
export const CheckRequest = z.looseObject({
  id: word,
  product: word,
  version: word,
  /** The agent's own version; the Updater has none. */
  iotoVersion: word,
})
export type CheckRequest = z.infer<typeof CheckRequest>

/** E4. The Updater for the shell says the outcome as a text. */
export const ReportRequest = z.looseObject({
  success: z.union([
    z.boolean(),
    z
      .string()
      .regex(/^(true|false)$/i)
      .transform((text) => text.toLowerCase() === 'true'),
  ]),
  id: word,
  update: word,
})
export type ReportRequest = z.infer<typeof ReportRequest>

/** Words of the protocol; the rest of a body is what the device says of itself. */
const OWN_WORDS: ReadonlySet<string> = new Set(['id', 'product', 'version', 'account', 'cloud'])
/** The agent writes 1970 here whatever its device.json5 says. */
const EPOCH = '1970-01-01T00:00:00.000Z'

/** The device's account of itself in a registration or a check, types and nesting kept. */
export const propertiesOf = (body: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(body).filter(
      ([key, value]) => !OWN_WORDS.has(key) && !(key === 'created' && value === EPOCH),
    ),
  )

export interface Claimed {
  /** The device's own: another would make the agent wipe what it knows. */
  readonly id: string
  /** What the paths of the cloud stand below. */
  readonly api: string
  readonly token: string
  readonly cloudType: string
  readonly cloudName: string
  readonly cloudRegion: string
}

/** The answer to a device that is claimed. */
export const claimedText = (claimed: Claimed): string => {
  const { id, api, token, cloudType, cloudName, cloudRegion } = claimed
  return JSON.stringify({ registered: true, api, token, cloudType, cloudName, cloudRegion, id })
}

export interface IotoOffer {
  /** Absolute, and the last one: the agent follows no redirect and brings no authorisation. */
  readonly url: string
  /** SHA-256 in lower-case hex. */
  readonly checksum: string
  /** What a report will name. */
  readonly update: string
  readonly version: string
}

/** The answer to a check with something to install: compact, in this order. */
export const offerText = ({ url, checksum, update, version }: IotoOffer): string =>
  JSON.stringify({ url, checksum, update, version })

/** Whether the Updater in C can read it, which undoes no escapes. */
export const isPlain = (value: string): boolean => JSON.stringify(value) === `"${value}"`

export interface Certificates {
  readonly id: string
  /** PEM. */
  readonly certificate: string
  /** PEM. */
  readonly key: string
  /** Where MQTT is spoken. */
  readonly endpoint: string
  readonly port: number
  readonly accountId: string
  readonly thing: string
}

export const certificatesText = (all: Certificates): string => {
  const { accountId, certificate, key, endpoint, port, id, thing } = all
  return JSON.stringify({ accountId, certificate, key, endpoint, port, id, thing })
}

/** Parks a device that asks for certificates. */
export const waitText = (error: string, delaySeconds: number): string =>
  JSON.stringify({ error, delay: delaySeconds })

const text = z.string().min(1)

/** A registration as the agent reads it: claimed when all is there, not claimed when there is nothing else. */
export const RegisterAnswer = z.object({
  registered: z.literal(true),
  api: text.optional(),
  token: text.optional(),
  id: text.optional(),
  cloudType: z.string().optional(),
  cloudName: z.string().optional(),
  cloudRegion: z.string().optional(),
})
export type RegisterAnswer = z.infer<typeof RegisterAnswer>

/** Certificates as the agent reads them; it does not look into the PEM. */
export const ProvisionAnswer = z.object({
  certificate: text.optional(),
  key: text.optional(),
  endpoint: text.optional(),
  port: z.union([z.number(), z.string()]).optional(),
  id: text.optional(),
  error: z.string().optional(),
  delay: z.number().optional(),
})
export type ProvisionAnswer = z.infer<typeof ProvisionAnswer>

/** A check's answer as the agent from 2.7 on reads it. */
export const CheckAnswer = z.object({
  url: text.optional(),
  checksum: text.optional(),
  update: z.string().optional(),
  version: z.string().optional(),
})
export type CheckAnswer = z.infer<typeof CheckAnswer>

/** E7: the device's object in, an id out. */
export const serialText = (id: string): string => JSON.stringify({ id } satisfies Json)
