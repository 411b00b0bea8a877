/**
 * What Odoo's IoT boxes say to the server they are configured with, from 14.0 to 19.1, and the answers they can read. Each
 * fact with its section in docs/dialects/odoo-iot.md. All is read leniently: a box that hears an error to its fetch of
 * handlers may delete those it has.
 */
import type { BoxPlatform } from '@updraft/core'
import { z } from 'zod'

/** All are POST but the last. */
export const PATHS = {
  versionInfo: '/web/webclient/version_info',
  setup: '/iot/setup',
  getHandlers: '/iot/get_handlers',
  printerStatus: '/iot/printer/status',
  sendWebsocket: '/iot/box/send_websocket',
  log: '/iot/log',
  websocket: '/websocket',
} as const

/** GET: where boxes look for images on their maker's host; and for a proxy that stands in for it, by the host of a profile. */
export const IMAGE_PATHS = {
  upstream: '/master/iotbox/:file',
  ofHost: '/iot/images/:host/:file',
} as const
export const IMAGE_SUMS = 'SHA1SUMS.txt'

/** "Generations": whether a box can be told to restart, which is all that it can be told. */
export const GENERATIONS = {
  /** 14.0, 15.0. */
  G14: { restarts: false },
  /** 16.0, 17.0. */
  G16: { restarts: false },
  /** 17.0 late, 18.0 to 18.2. */
  G18: { restarts: false },
  /** 18.3 to 19.0. */
  G19: { restarts: true },
  /** 19.1 and later: with handlers of the server's only where the box has "custom handlers" on. */
  G191: { restarts: true },
} as const
export type Generation = keyof typeof GENERATIONS

/** A box's version, taken apart. */
export interface BoxVersion {
  /** The letter of the system it runs on; T, a test, counts as L. */
  readonly platform: BoxPlatform
  /** `23.11`. */
  readonly image: string
  /** The release of the core code, `17.0`; boxes before 17.0 late do not say. */
  readonly code?: string
  readonly commit?: string
}

const VERSION = /^([LWT])?(\d{2})([._])(\d{2})(?:-(.+?))?(?:#([0-9a-f]+|unknown))?$/

/** "Versions"; null for what is none. */
export function boxVersion(text: string): BoxVersion | null {
  const [whole, letter, year, , month, code, commit] = VERSION.exec(text.trim()) ?? []
  if (whole === undefined) return null
  return {
    platform: letter === 'W' ? 'W' : 'L',
    image: `${year}.${month}`,
    ...(code !== undefined && { code }),
    ...(commit !== undefined && commit !== 'unknown' && { commit }),
  }
}

const MAC = /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/

/** As it is kept: the letters small, a MAC with colons. Null for what identifies nobody. */
export function boxName(text: string | undefined): string | null {
  const plain = text?.trim().toLowerCase() ?? ''
  const name = /^([0-9a-f]{2}-){5}[0-9a-f]{2}$/.test(plain) ? plain.replaceAll('-', ':') : plain
  if (name === '' || name.length > 128 || !/^[!-~]+$/.test(name)) return null
  return /^(00:){5}00$/.test(name) ? null : name
}

export const isMac = (name: string): boolean => MAC.test(name)

/** Which generation a box is of, as far as its announcement shows: by its identifier, and by its version. */
export function generationOf(identifier: string, version: BoxVersion | null): Generation {
  const [major = 0, minor = 0] = (version?.code?.match(/\d+/g) ?? []).map(Number)
  if (!isMac(identifier)) return major > 19 || (major === 19 && minor >= 1) ? 'G191' : 'G19'
  if (version?.code !== undefined) return 'G18'
  const [year = 0] = (version?.image ?? '').split('.').map(Number)
  return year >= 22 ? 'G16' : 'G14'
}

const word = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .catch(undefined)
  .transform((value) => value ?? undefined)

const BoxDevice = z.looseObject({
  name: word,
  type: word,
  manufacturer: word,
  connection: word,
  subtype: word,
})

/** "Announcement". */
const SetupRequest = z.looseObject({
  iot_box: z.looseObject({
    name: word,
    identifier: word,
    mac: word,
    ip: word,
    token: word,
    version: word,
  }),
  devices: z.record(z.string(), BoxDevice).nullish().catch(undefined),
})

export interface Setup {
  readonly identifier: string
  readonly mac: string | null
  readonly token: string | undefined
  readonly name: string | undefined
  readonly ip: string | undefined
  readonly versionText: string | undefined
  readonly version: BoxVersion | null
  readonly generation: Generation
  /** By their ids; undefined where the box did not say. */
  readonly devices: Readonly<Record<string, z.infer<typeof BoxDevice>>> | undefined
}

/** With or without the envelope of JSON-RPC. Null when it names no box. */
export function readSetup(text: string): Setup | null {
  const body = json(text)
  const params = isObject(body) && isObject(body.params) ? body.params : body
  const said = SetupRequest.safeParse(params).data
  if (!said) return null
  const { iot_box: box, devices } = said
  const mac = boxName(box.mac)
  const identifier = boxName(box.identifier) ?? mac
  if (identifier === null) return null
  const version = box.version === undefined ? null : boxVersion(box.version)
  return {
    identifier,
    mac,
    token: box.token,
    name: box.name,
    ip: box.ip,
    versionText: box.version,
    version,
    generation: generationOf(identifier, version),
    devices: devices ?? undefined,
  }
}

/** What a box asks for when it fetches its handlers. */
export interface HandlersRequest {
  /** The identifier, and the MAC where it says it besides. */
  readonly names: readonly string[]
  /** At the start of its service; false: somebody pressed "Load handlers". */
  readonly isAutomatic: boolean
}

/** "Handlers": of fields in parts or as a form, told by how they begin; unknown ones are passed over. */
export function readHandlersRequest(text: string): HandlersRequest {
  const fields = formFields(text)
  const names = [boxName(fields.get('identifier')), boxName(fields.get('mac'))]
  const auto = fields.get('auto')?.trim().toLowerCase()
  return {
    names: [...new Set(names.filter((name) => name !== null))],
    isAutomatic: !(auto === 'false' || auto === '0'),
  }
}

function formFields(text: string): ReadonlyMap<string, string> {
  const lines = text.replaceAll('\r\n', '\n')
  const boundary = /^\s*(--[^\n]+)\n/.exec(lines)?.[1]
  if (boundary === undefined) return new Map(new URLSearchParams(text))
  const fields = new Map<string, string>()
  for (const part of lines.split(boundary)) {
    const [head = '', ...rest] = part.split('\n\n')
    const name = /content-disposition:[^\n]*\bname="?([^";\n]+)"?/i.exec(head)?.[1]
    if (name !== undefined) fields.set(name, rest.join('\n\n').replace(/\n$/, ''))
  }
  return fields
}

/** An entity tag as a box names it: with quotes or without. */
export const readEtag = (header: string | undefined): string | null =>
  header
    ?.trim()
    .replace(/^W\//i, '')
    .replace(/^"(.*)"$/, '$1') || null

const EMPTY_ENVELOPE = { jsonrpc: '2.0', id: null }

/** An answer of JSON-RPC; the id is the one of the request. */
export const resultText = (result: unknown, request = ''): string => {
  const body = json(request)
  const id = isObject(body) && isId(body.id) ? body.id : null
  return JSON.stringify({ ...EMPTY_ENVELOPE, id, result })
}

/** What `version_info` answers, "Series". */
export function versionInfo(serie: string): object {
  const [, saas, numbers = ''] = /^(saas[~-])?(.*)$/.exec(serie) ?? []
  const [major = 0, minor = 0] = numbers.split('.').map(Number)
  const first = saas === undefined ? major : `saas~${major}`
  const version = serie.replace('saas-', 'saas~')
  return {
    server_version: version,
    server_version_info: serie === 'master' ? [] : [first, minor, 0, 'final', 0, ''],
    server_serie: version,
    protocol_version: 1,
  }
}

/** "Log": one line a box wrote. */
export interface LogLine {
  /** Python's number: 10, 20, 30, 40 or 50. */
  readonly level: number
  readonly text: string
}

export interface BoxLog {
  readonly names: readonly string[]
  readonly lines: readonly LogLine[]
}

const RECORD_END = /<log\/>\r?\n?/

/** Records end with `<log/>` and a line break; the last may be cut off, and what is no record is passed over. */
export function readLog(text: string): BoxLog {
  const records = text.split(RECORD_END)
  // What follows the last end is a record that was cut off, or nothing.
  records.pop()
  const names: string[] = []
  const lines: LogLine[] = []
  for (const record of records) {
    const [, said] = /^\s*(?:mac|identifier)\s+(\S+)\s*$/.exec(record) ?? []
    const name = boxName(said)
    if (name !== null) names.push(name)
    const [, level, line] = /^\s*(\d{1,2}),([\s\S]*)$/.exec(record) ?? []
    if (level !== undefined && line) lines.push({ level: Number(level), text: line })
  }
  return { names: [...new Set(names)], lines }
}

/** "Websocket": what a box says when its line is open. */
const Subscribe = z.looseObject({
  event_name: z.literal('subscribe'),
  data: z.looseObject({
    channels: z.array(z.string()).catch([]),
    last: z.number().catch(0),
  }),
})

/** The channels it subscribes to; null when it says something else. */
export function readSubscription(
  text: string,
): { channels: readonly string[]; last: number } | null {
  return Subscribe.safeParse(json(text)).data?.data ?? null
}

export interface BoxMessage {
  readonly id: number
  readonly type: string
  readonly payload: object
}

/** Frames to a box are lists of messages. */
export const frameText = (messages: readonly BoxMessage[]): string =>
  JSON.stringify(messages.map(({ id, type, payload }) => ({ id, message: { type, payload } })))

/** A box restarts its service, and fetches its handlers anew: since 18.3. Named by all it may go by. */
export const restartMessage = (id: number, names: readonly string[]): BoxMessage => ({
  id,
  type: 'restart_odoo',
  payload: { iot_identifiers: names },
})

/** "Images": what a box compares its own image with. */
export const IMAGE_LATEST = 'iotbox-latest.zip'
export const imageFileName = (version: string): string | null => {
  const [, major, minor] = /^(\d{2})[._](\d{2})$/.exec(version) ?? []
  return major === undefined ? null : `iotboxv${major}_${minor}.zip`
}

/** The versioned lines come after that of the latest, which boxes count on. */
export const imageSums = (
  latest: string,
  all: readonly { readonly sha1: string; readonly fileName: string }[],
): string =>
  [{ sha1: latest, fileName: IMAGE_LATEST }, ...all]
    .map(({ sha1, fileName }) => `${sha1}  ${fileName}\n`)
    .join('')

/** A listing in which every image is the latest: the one way to tell a box that there is none, and have its page work. */
export function noNewImageSums(): string {
  const sha1 = '0'.repeat(40)
  const years = Array.from({ length: 30 }, (_, index) => 20 + index)
  const months = Array.from({ length: 12 }, (_, index) => String(index + 1).padStart(2, '0'))
  const all = years.flatMap((year) =>
    months.map((month) => ({ sha1, fileName: `iotboxv${year}_${month}.zip` })),
  )
  return imageSums(sha1, all)
}

/** What a box with that image reads from the list: the version it offers, or null when its own is the latest. */
export function offeredImage(sums: string, version: string): string | null {
  const nameOf = new Map<string, string>()
  const digestOf = new Map<string, string>()
  for (const line of sums.split('\n')) {
    const [digest, name] = line.split(/ {2}/)
    if (digest === undefined || name === undefined) continue
    nameOf.set(digest, name)
    digestOf.set(name, digest)
  }
  const latest = digestOf.get(IMAGE_LATEST) ?? ''
  const own = digestOf.get(imageFileName(version) ?? '') ?? ''
  if (own === latest) return null
  const [, major, minor] = /^iotboxv(\d+)_(\d+)\.zip$/.exec(nameOf.get(latest) ?? '') ?? []
  return major === undefined ? null : `${major}.${minor}`
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const isId = (value: unknown) => typeof value === 'number' || typeof value === 'string'

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
