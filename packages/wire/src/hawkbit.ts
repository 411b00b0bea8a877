/**
 * hawkBit's Direct Device Integration API, version 1: paths, the documents of both sides, and how they are read and
 * written as JSON and as CBOR. Each fact with its source in docs/dialects/hawkbit.md.
 */
import type { ComponentType, Json, JsonObject } from '@updraft/core'
import { decode, encode } from 'cborg'
import { z } from 'zod'

/** Below `/{tenant}/controller/v1/{controllerId}`. */
export const PATHS = {
  base: '',
  configData: '/configData',
  deploymentBase: '/deploymentBase',
  cancelAction: '/cancelAction',
  installedBase: '/installedBase',
  confirmationBase: '/confirmationBase',
  softwareModules: '/softwaremodules',
  feedback: '/feedback',
} as const

/** The one tenant that Zephyr's client can name. */
export const DEFAULT_TENANT = 'default'

export const LIMITS = {
  controllerIdLength: 256,
  /** Clients read the number of an action into 32 bits. */
  actionId: 2 ** 31 - 1,
  attributeKeyLength: 128,
  attributeValueLength: 128,
  attributes: 100,
  /** Of a message of a client, more is cut. */
  messageLength: 512,
  messages: 50,
  /** Messages of an action that are told back. */
  history: 100,
  /** SWUpdate cuts an address there. */
  urlLength: 2047,
  /** Of an address below the base, for Zephyr's client. */
  zephyrPathLength: 199,
  /** SWUpdate's bodies of log lines have up to 50 KB. */
  bodyBytes: 1_048_576,
  minSleepSeconds: 1,
  maxSleepSeconds: 86_399,
} as const

/** The start of every path of a device. */
export const basePath = (tenant: string, controllerId: string): string =>
  `/${encodeURIComponent(tenant)}/controller/v1/${encodeURIComponent(controllerId)}`

/** The number of an action as it stands in an address; undefined for what is none. */
export function readActionId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined
  const id = Number(text)
  return id >= 1 && id <= LIMITS.actionId ? id : undefined
}

export type Credentials = {
  /** `target`: of this device. `gateway`: of whoever comes. */
  readonly kind: 'target' | 'gateway'
  readonly token: string
}

/** The scheme is spelled exactly so, and one space follows. */
export function readAuthorization(header: string | undefined): Credentials | undefined {
  const [, scheme, token] = /^(TargetToken|GatewayToken) (\S.*)$/.exec(header ?? '') ?? []
  if (!scheme || !token) return undefined
  return { kind: scheme === 'TargetToken' ? 'target' : 'gateway', token }
}

/**
 * In whose name a proxy says that a device showed a certificate, and under what name it is known: as hawkBit has it now,
 * and as it had it before 1.0. Undefined when it says neither. Nobody but a proxy may be believed that.
 */
export function readVouching(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): { readonly controllerId: string; readonly authorities: readonly string[] } | undefined {
  const textOf = (name: string) => [headers[name] ?? []].flat().join(',').trim()
  const controllerId = textOf('x-controller-id') || textOf('x-ssl-client-cn')
  const authorities = Object.keys(headers)
    .filter((name) => /^x-(authority(-\d+)?|ssl-issuer-hash-\d+)$/.test(name))
    .flatMap((name) => textOf(name).split(/[,;]/))
    .map((authority) => authority.trim().toLowerCase())
    .filter((authority) => authority !== '')
  return controllerId && authorities.length > 0 ? { controllerId, authorities } : undefined
}

/** `HH:MM:SS` below 24 hours, eight characters, at least a second: all that every client reads. */
export function sleepText(seconds: number): string {
  const { minSleepSeconds, maxSleepSeconds } = LIMITS
  const whole = Math.round(Math.min(Math.max(seconds, minSleepSeconds), maxSleepSeconds))
  const digits = (count: number) => String(Math.floor(count)).padStart(2, '0')
  return `${digits(whole / 3600)}:${digits((whole / 60) % 60)}:${digits(whole % 60)}`
}

/** The same as a client reads it, also in the spelling that hawkBit has for a day and more; null for neither. */
export function readSleep(text: string): number | null {
  const clock = /^(\d+):([0-5]?\d):([0-5]?\d)$/.exec(text)
  if (clock) {
    const [hours = 0, minutes = 0, seconds = 0] = clock.slice(1).map(Number)
    return hours * 3600 + minutes * 60 + seconds
  }
  const iso = /^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?)?$/.exec(text)
  if (!iso || text === 'P' || text.endsWith('T')) return null
  const [days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0))
  return (days ?? 0) * 86_400 + (hours ?? 0) * 3600 + (minutes ?? 0) * 60 + (seconds ?? 0)
}

/** What part of a device a component is to these clients. */
const PARTS: Readonly<Record<ComponentType, string>> = {
  firmware: 'os',
  software: 'bApp',
  application: 'bApp',
  runtime: 'jvm',
}

/** Zephyr's client takes nothing but `bApp`. */
export const partOf = (type: ComponentType, { isZephyr = false } = {}): string =>
  isZephyr ? 'bApp' : (PARTS[type] ?? type)

/** Of a part without a name of ours, its own, if it is one. */
export function componentTypeOf(part: string): ComponentType {
  if (part === 'os') return 'firmware'
  if (part === 'bApp' || part === 'application') return 'software'
  return part === 'jvm' ? 'runtime' : part
}

const Link = z.object({ href: z.string() })
type Link = z.infer<typeof Link>

export const POLL_LINKS = [
  'deploymentBase',
  'cancelAction',
  'confirmationBase',
  'installedBase',
  'configData',
] as const
export type PollLink = (typeof POLL_LINKS)[number]

export const PollAnswer = z.object({
  config: z.object({ polling: z.object({ sleep: z.string() }) }).optional(),
  _links: z
    .object({
      deploymentBase: Link.optional(),
      cancelAction: Link.optional(),
      confirmationBase: Link.optional(),
      installedBase: Link.optional(),
      configData: Link.optional(),
    })
    .optional(),
})
export type PollAnswer = z.infer<typeof PollAnswer>

/** `_links` is left out where nothing is linked. */
export function pollAnswer({
  sleepSeconds,
  links,
}: {
  sleepSeconds: number
  links: Readonly<Partial<Record<PollLink, string>>>
}): PollAnswer {
  const linked: Partial<Record<PollLink, Link>> = {}
  for (const name of POLL_LINKS) {
    const href = links[name]
    if (href !== undefined) linked[name] = { href }
  }
  return {
    config: { polling: { sleep: sleepText(sleepSeconds) } },
    ...(Object.keys(linked).length > 0 && { _links: linked }),
  }
}

/** `attempt` is hawkBit's soft: when the device likes. */
export const HANDLINGS = ['skip', 'attempt', 'forced'] as const
export type Handling = (typeof HANDLINGS)[number]

export const Artifact = z.object({
  filename: z.string(),
  size: z.number(),
  hashes: z.object({
    sha1: z.string().optional(),
    md5: z.string().optional(),
    sha256: z.string().optional(),
  }),
  _links: z.object({
    download: Link.optional(),
    md5sum: Link.optional(),
    'download-http': Link.optional(),
    'md5sum-http': Link.optional(),
  }),
})
export type Artifact = z.infer<typeof Artifact>

export const Chunk = z.object({
  part: z.string(),
  version: z.string(),
  name: z.string(),
  encrypted: z.boolean().optional(),
  artifacts: z.array(Artifact),
  metadata: z.array(z.object({ key: z.string(), value: z.string() })).optional(),
})
export type Chunk = z.infer<typeof Chunk>

const Deployment = z.object({
  download: z.enum(HANDLINGS),
  update: z.enum(HANDLINGS),
  maintenanceWindow: z.enum(['available', 'unavailable']).optional(),
  chunks: z.array(Chunk),
})
export type Deployment = z.infer<typeof Deployment>

const ActionHistory = z.object({
  status: z.string().optional(),
  messages: z.array(z.string()).optional(),
})
export type ActionHistory = z.infer<typeof ActionHistory>

/** What deploymentBase, confirmationBase and installedBase answer. */
export const DeploymentDocument = z.object({
  id: z.string(),
  deployment: Deployment.optional(),
  confirmation: Deployment.optional(),
  actionHistory: ActionHistory.optional(),
})
export type DeploymentDocument = z.infer<typeof DeploymentDocument>

/** The number is digits in quotes: as a number RAUC's updater does nothing at all. */
export const deploymentDocument = ({
  actionId,
  deployment,
  history,
  isToConfirm = false,
}: {
  actionId: number
  deployment: Deployment
  history?: ActionHistory
  isToConfirm?: boolean
}): DeploymentDocument => ({
  id: String(actionId),
  ...(isToConfirm ? { confirmation: deployment } : { deployment }),
  ...(history && { actionHistory: history }),
})

/** The one set of links that all clients take; the second is the first with an ending. */
export const artifactOf = ({
  fileName,
  sizeBytes,
  hashes,
  url,
}: {
  fileName: string
  sizeBytes: number
  hashes: Artifact['hashes']
  url: string
}): Artifact => ({
  filename: fileName,
  size: sizeBytes,
  hashes,
  _links: { 'download-http': { href: url }, 'md5sum-http': { href: `${url}${MD5_ENDING}` } },
})

export const MD5_ENDING = '.MD5SUM'
export const md5Text = (md5: string, fileName: string): string => `${md5}  ${fileName}`

export const CancelDocument = z.object({
  id: z.string(),
  cancelAction: z.object({ stopId: z.string() }),
})
export type CancelDocument = z.infer<typeof CancelDocument>

export const cancelDocument = (actionId: number): CancelDocument => ({
  id: String(actionId),
  cancelAction: { stopId: String(actionId) },
})

export const EXECUTIONS = [
  'closed',
  'proceeding',
  'canceled',
  'scheduled',
  'rejected',
  'resumed',
  'download',
  'downloaded',
] as const
export type Execution = (typeof EXECUTIONS)[number]

export const RESULTS = ['success', 'failure', 'none'] as const
export type Result = (typeof RESULTS)[number]

/** Some clients write texts as they like, so that one that is no text is no fault. */
const Details = z
  .unknown()
  .optional()
  .transform((told): string[] => messagesIn(told))

/** How a device fares with an action, or with its end. Numbers and texts beside are taken as they come. */
export const Feedback = z.object({
  status: z.object({
    execution: z.enum(EXECUTIONS),
    code: z.unknown().optional().transform(wholeNumberIn),
    result: z.object({
      finished: z.enum(RESULTS),
      progress: z
        .object({ cnt: z.number().catch(0), of: z.number().catch(0) })
        .optional()
        .catch(undefined),
    }),
    details: Details,
  }),
  timestamp: z.unknown().optional().transform(wholeNumberIn),
})
export type Feedback = z.infer<typeof Feedback>

/** As clients of ours say it. */
export const feedbackBody = ({
  actionId,
  execution,
  finished,
  code,
  progress,
  details = [],
}: {
  actionId: number | string
  execution: Execution
  finished: Result
  code?: number
  progress?: { cnt: number; of: number }
  details?: readonly string[]
}): JsonObject => ({
  id: String(actionId),
  status: {
    execution,
    ...(code !== undefined && { code }),
    result: { finished, ...(progress && { progress }) },
    details: [...details],
  },
})

/** What a person on the device, or the device itself, says to an action that waits for that. */
export const Confirmation = z.object({
  confirmation: z.enum(['confirmed', 'denied']),
  code: z.unknown().optional().transform(wholeNumberIn),
  details: Details,
})
export type Confirmation = z.infer<typeof Confirmation>

export const AutoConfirm = z.object({
  initiator: z.string().max(64).nullish(),
  remark: z.string().max(512).nullish(),
})
export type AutoConfirm = z.infer<typeof AutoConfirm>

/** The answer to GET confirmationBase. */
export const confirmationState = ({
  autoConfirm,
  links,
}: {
  autoConfirm: { initiator: string | null; remark: string | null; activatedAt: Date } | null
  links: { readonly toggle: string; readonly confirmationBase?: string }
}): JsonObject => ({
  autoConfirm: {
    active: autoConfirm !== null,
    ...(autoConfirm && {
      ...(autoConfirm.initiator !== null && { initiator: autoConfirm.initiator }),
      ...(autoConfirm.remark !== null && { remark: autoConfirm.remark }),
      activatedAt: autoConfirm.activatedAt.getTime(),
    }),
  },
  _links: {
    [autoConfirm ? 'deactivateAutoConfirm' : 'activateAutoConfirm']: { href: links.toggle },
    ...(links.confirmationBase && { confirmationBase: { href: links.confirmationBase } }),
  },
})

/** What a device says it runs, without having been told to. */
export const InstalledSaid = z.object({ name: z.string().min(1), version: z.string().min(1) })
export type InstalledSaid = z.infer<typeof InstalledSaid>

export const CONFIG_MODES = ['merge', 'replace', 'remove'] as const
export type ConfigMode = (typeof CONFIG_MODES)[number]

const Scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String)

/** What a device says of itself. The names that are to be removed may have any value. */
export const ConfigData = z.union([
  z.object({
    mode: z.literal('remove'),
    data: z.record(z.string(), z.unknown()).transform((data) => ({ ...data })),
  }),
  z.object({
    mode: z
      .enum(['merge', 'replace'])
      .nullish()
      .transform((mode) => mode ?? ('merge' as const)),
    data: z.record(z.string(), Scalar),
  }),
])
export type ConfigData = z.infer<typeof ConfigData>

export type Attributes = Readonly<Record<string, string>>

const PRINTABLE = /^[\x20-\x7e]*$/

/** Why a device's attributes cannot be kept, in a sentence; null when they can. */
export function attributesFault({ mode, data }: ConfigData): string | null {
  const { attributeKeyLength, attributeValueLength } = LIMITS
  const entries = Object.entries(data)
  if (entries.length === 0) return 'The data holds no attribute.'
  for (const [key, value] of entries) {
    if (key.trim() === '' || key.length > attributeKeyLength || !PRINTABLE.test(key)) {
      return `An attribute has a name of 1 to ${attributeKeyLength} printable characters.`
    }
    if (mode === 'remove') continue
    if (String(value).length > attributeValueLength || !PRINTABLE.test(String(value))) {
      return `The value of ${key} has more than ${attributeValueLength} characters, or other than printable ones.`
    }
  }
  return null
}

/** A device's attributes after what it said; there may be too many of them now. */
export function attributesAfter(known: Attributes, { mode, data }: ConfigData): Attributes {
  if (mode === 'remove') {
    return Object.fromEntries(Object.entries(known).filter(([key]) => !Object.hasOwn(data, key)))
  }
  return mode === 'replace' ? { ...data } : { ...known, ...data }
}

export const MEDIA_TYPES = ['application/hal+json', 'application/json', 'application/cbor'] as const
export type MediaType = (typeof MEDIA_TYPES)[number]

/** In what type an answer is wanted; null when in none that we have. */
export function answerType(accept: string | undefined): MediaType | null {
  if (accept === undefined || accept.trim() === '') return MEDIA_TYPES[0]
  let best: { type: MediaType; weight: number } | null = null
  for (const [range = '', ...parameters] of accept.split(',').map((one) => one.split(';'))) {
    const type = typeFor(range.trim().toLowerCase())
    const weight = weightIn(parameters)
    if (type && weight > (best?.weight ?? 0)) best = { type, weight }
  }
  return best?.type ?? null
}

function typeFor(range: string): MediaType | null {
  if (range === '*/*' || range === '*' || range === 'application/*') return MEDIA_TYPES[0]
  return MEDIA_TYPES.find((type) => type === range) ?? null
}

function weightIn(parameters: readonly string[]): number {
  const told = parameters.map((one) => /^\s*q=([0-9.]+)\s*$/i.exec(one)?.[1]).find(Boolean)
  const weight = Number(told ?? 1)
  return Number.isFinite(weight) ? weight : 0
}

/** What a body is said to be; null where we read no such thing. A body of no type at all is taken for JSON. */
export function bodyType(contentType: string | undefined): 'json' | 'cbor' | null {
  const type = (contentType ?? '').split(';')[0]?.trim().toLowerCase()
  if (!type || type === 'application/json') return 'json'
  return type === 'application/cbor' ? 'cbor' : null
}

/**
 * A body as it is said to be. JSON may hold control characters within its texts, as some clients print it without
 * escaping them. Undefined when it is no object.
 */
export function readBody(bytes: Uint8Array, type: 'json' | 'cbor'): JsonObject | undefined {
  const value = type === 'cbor' ? fromCbor(bytes) : fromJson(new TextDecoder().decode(bytes))
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as JsonObject)
    : undefined
}

function fromCbor(bytes: Uint8Array): unknown {
  try {
    // As JSON has it: what JSON cannot say, such as bytes or a map with numbers for keys, nobody means.
    return JSON.parse(JSON.stringify(decode(bytes, { rejectDuplicateMapKeys: true })))
  } catch {
    return undefined
  }
}

function fromJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    try {
      return JSON.parse(escaped(text))
    } catch {
      return undefined
    }
  }
}

/** Control characters within texts, written as JSON wants them. Each sign is looked at once, whatever is not closed. */
function escaped(text: string): string {
  let isInText = false
  return text.replace(SIGNS, (sign) => {
    if (sign === '"') isInText = !isInText
    return isInText && sign < ' ' ? JSON.stringify(sign).slice(1, -1) : sign
  })
}

/** What opens and closes texts, what is escaped already, and what is to be. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const SIGNS = /\\[^\x00-\x1f]|["\x00-\x1f]/g

/** An answer as bytes, with the type that goes above it. */
export function spell(
  answer: object,
  type: MediaType,
): { readonly contentType: string; readonly body: Uint8Array } {
  if (type === 'application/cbor') return { contentType: type, body: encode(answer) }
  return {
    contentType: `${type};charset=utf-8`,
    body: new TextEncoder().encode(JSON.stringify(answer)),
  }
}

/** What went wrong, in hawkBit's own names; its clients read none of them, its test suites do. */
export const ERRORS = {
  notReadable: ['MessageNotReadableException', 'hawkbit.server.error.rest.body.notReadable'],
  invalid: ['ConstraintViolationException', 'hawkbit.server.error.repo.constraintViolation'],
  attributes: [
    'InvalidTargetAttributeException',
    'hawkbit.server.error.repo.invalidTargetAttributes',
  ],
  notFound: ['EntityNotFoundException', 'hawkbit.server.error.repo.entitiyNotFound'],
  forbidden: ['InsufficientPermissionException', 'hawkbit.server.error.insufficientpermission'],
  notCanceling: ['CancelActionNotAllowedException', 'hawkbit.server.error.action.notcancelable'],
  conflict: ['ConcurrentModificationException', 'hawkbit.server.error.repo.concurrentModification'],
  alreadyExists: ['EntityAlreadyExistsException', 'hawkbit.server.error.repo.entitiyAlreayExists'],
  gone: ['EntityNotFoundException', 'hawkbit.server.error.repo.actionNotActive'],
  precondition: ['PreconditionFailedException', 'hawkbit.server.error.rest.precondition'],
  quota: ['AssignmentQuotaExceededException', 'hawkbit.server.error.quota.tooManyEntries'],
  tooLarge: ['FileSizeQuotaExceededException', 'hawkbit.server.error.quota.fileSizeExceeded'],
  method: ['HttpRequestMethodNotSupportedException', 'hawkbit.server.error.rest.method'],
  mediaType: ['HttpMediaTypeNotSupportedException', 'hawkbit.server.error.rest.mediaType'],
  notAcceptable: ['HttpMediaTypeNotAcceptableException', 'hawkbit.server.error.rest.accept'],
  away: ['GenericSpServerException', 'hawkbit.server.error.generic'],
} as const satisfies Record<string, readonly [string, string]>
export type ErrorName = keyof typeof ERRORS

export const errorBody = (name: ErrorName, message: string, info?: JsonObject): JsonObject => {
  const [exception, errorCode] = ERRORS[name]
  const place = name === 'notReadable' ? 'rest' : 'repository'
  return {
    exceptionClass: `org.eclipse.hawkbit.${place}.exception.${exception}`,
    errorCode,
    message,
    ...(info && { info }),
  }
}

function messagesIn(told: unknown): string[] {
  if (told === undefined || told === null) return []
  return (Array.isArray(told) ? told : [told])
    .filter((one) => one !== null)
    .flatMap((one: Json) => (typeof one === 'string' ? one : spelled(one)))
}

/** None for what is so deep that nobody means it. */
function spelled(told: Json): string[] {
  try {
    return [JSON.stringify(told)]
  } catch {
    return []
  }
}

function wholeNumberIn(told: unknown): number | undefined {
  const number = typeof told === 'string' && told.trim() !== '' ? Number(told) : told
  return typeof number === 'number' && Number.isSafeInteger(number) ? number : undefined
}
