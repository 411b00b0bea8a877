/**
 * What Edgehog's devices say and are told: interfaces and their words. Each fact with its source in
 * docs/dialects/edgehog.md.
 */
import type { JsonObject } from '@updraft/core'
import { z } from 'zod'
import type { InterfaceDefinition, Mapping } from './astarte-interface.ts'
import type { MappingType } from './astarte-values.ts'

const PREFIX = 'io.edgehog.devicemanager.'

/** Names of the interfaces. */
export const NAMES = {
  otaRequest: `${PREFIX}OTARequest`,
  otaEvent: `${PREFIX}OTAEvent`,
  otaResponse: `${PREFIX}OTAResponse`,
  baseImage: `${PREFIX}BaseImage`,
  systemInfo: `${PREFIX}SystemInfo`,
  osInfo: `${PREFIX}OSInfo`,
  hardwareInfo: `${PREFIX}HardwareInfo`,
  runtimeInfo: `${PREFIX}RuntimeInfo`,
  systemStatus: `${PREFIX}SystemStatus`,
  storageUsage: `${PREFIX}StorageUsage`,
  networkInterfaces: `${PREFIX}NetworkInterfaceProperties`,
  telemetry: `${PREFIX}config.Telemetry`,
} as const

const YEAR_SECONDS = 365 * 24 * 3600

const mappings = (
  types: Readonly<Record<string, MappingType>>,
  more: Partial<Mapping> = {},
): readonly Mapping[] =>
  Object.entries(types).map(([endpoint, type]) => ({ endpoint, type, ...more }))

const properties = (
  interface_name: string,
  types: Readonly<Record<string, MappingType>>,
  more: Partial<Mapping> = {},
): InterfaceDefinition => ({
  interface_name,
  version_major: 0,
  version_minor: 1,
  type: 'properties',
  ownership: 'device',
  mappings: mappings(types, more),
})

const objects = (
  interface_name: string,
  types: Readonly<Record<string, MappingType>>,
  more: Partial<Mapping> = {},
): InterfaceDefinition => ({
  interface_name,
  version_major: 0,
  version_minor: 1,
  type: 'datastream',
  aggregation: 'object',
  ownership: 'device',
  mappings: mappings(types, more),
})

/** The command. Without all three keys the Linux runtime ends itself, in a cancel too. */
export const OTA_REQUEST: InterfaceDefinition = {
  ...objects(NAMES.otaRequest, {
    '/request/operation': 'string',
    '/request/url': 'string',
    '/request/uuid': 'string',
  }),
  version_major: 1,
  version_minor: 0,
  ownership: 'server',
}

/** The command to devices of 2022 and before, which cannot be cancelled. */
export const LEGACY_OTA_REQUEST: InterfaceDefinition = {
  ...objects(
    NAMES.otaRequest,
    { '/request/url': 'string', '/request/uuid': 'string' },
    { reliability: 'unique' },
  ),
  ownership: 'server',
}

export const REQUEST_PATH = '/request'
export const EVENT_PATH = '/event'
export const RESPONSE_PATH = '/response'

export const OTA_EVENT: InterfaceDefinition = objects(
  NAMES.otaEvent,
  {
    '/event/requestUUID': 'string',
    '/event/status': 'string',
    '/event/statusProgress': 'integer',
    '/event/statusCode': 'string',
    '/event/message': 'string',
  },
  {
    reliability: 'unique',
    explicit_timestamp: true,
    database_retention_policy: 'use_ttl',
    database_retention_ttl: YEAR_SECONDS,
  },
)

export const LEGACY_OTA_RESPONSE: InterfaceDefinition = objects(
  NAMES.otaResponse,
  {
    '/response/uuid': 'string',
    '/response/status': 'string',
    '/response/statusCode': 'string',
  },
  { reliability: 'unique' },
)

/** The facts a device tells of itself. */
export const FACTS: readonly InterfaceDefinition[] = [
  properties(NAMES.baseImage, {
    '/fingerprint': 'string',
    '/name': 'string',
    '/version': 'string',
    '/buildId': 'string',
  }),
  properties(NAMES.systemInfo, { '/serialNumber': 'string', '/partNumber': 'string' }),
  properties(NAMES.osInfo, { '/osName': 'string', '/osVersion': 'string' }),
  properties(NAMES.hardwareInfo, {
    '/cpu/architecture': 'string',
    '/cpu/model': 'string',
    '/cpu/modelName': 'string',
    '/cpu/vendor': 'string',
    '/mem/totalBytes': 'longinteger',
  }),
  properties(NAMES.runtimeInfo, {
    '/name': 'string',
    '/url': 'string',
    '/version': 'string',
    '/environment': 'string',
  }),
  properties(
    NAMES.networkInterfaces,
    { '/%{iface_name}/macAddress': 'string', '/%{iface_name}/technologyType': 'string' },
    { allow_unset: true },
  ),
  objects(
    NAMES.systemStatus,
    {
      '/systemStatus/availMemoryBytes': 'longinteger',
      '/systemStatus/bootId': 'string',
      '/systemStatus/taskCount': 'integer',
      '/systemStatus/uptimeMillis': 'longinteger',
    },
    { explicit_timestamp: true },
  ),
  objects(
    NAMES.storageUsage,
    { '/%{label}/totalBytes': 'longinteger', '/%{label}/freeBytes': 'longinteger' },
    { explicit_timestamp: true },
  ),
]

/** How often a device tells of itself. Nothing is set by us; devices subscribe to it. */
export const TELEMETRY: InterfaceDefinition = {
  ...properties(
    NAMES.telemetry,
    {
      '/request/%{interface_name}/enable': 'boolean',
      '/request/%{interface_name}/periodSeconds': 'longinteger',
    },
    { allow_unset: true },
  ),
  ownership: 'server',
}

/** All that an Astarte has to know for updates. */
export const INTERFACES: readonly InterfaceDefinition[] = [
  OTA_REQUEST,
  OTA_EVENT,
  ...FACTS,
  TELEMETRY,
]

/** What a device is asked: `Update` or `Cancel`, in exactly these letters. */
export type OtaOperation = 'Update' | 'Cancel'

export interface OtaRequest {
  readonly operation: OtaOperation
  /** Of a cancel that of the update, byte for byte: runtimes take it for another request else. */
  readonly url: string
  /** 36 characters, lower case. */
  readonly uuid: string
}

/** How a device is spoken to of updates: with `OTARequest` 1, or as it was before. */
export type OtaGeneration = 'current' | 'legacy'

/** The request as the object of the interface. */
export const requestObject = ({ operation, url, uuid }: OtaRequest): JsonObject => ({
  operation,
  url,
  uuid,
})

/** A device of the older generation knows updates only. */
export const legacyRequestObject = ({ url, uuid }: OtaRequest): JsonObject => ({ url, uuid })

/** A request as a device reads it. */
export const OtaRequestObject = z.object({
  operation: z.enum(['Update', 'Cancel']),
  url: z.string(),
  uuid: z.string(),
})

export const OTA_STATUSES = [
  'Acknowledged',
  'Downloading',
  'Deploying',
  'Deployed',
  'Rebooting',
  'Success',
  'Error',
  'Failure',
] as const
export type OtaStatus = (typeof OTA_STATUSES)[number]

/** The codes of the interface. Devices say others too. */
export const OTA_CODES = [
  'RequestTimeout',
  'InvalidRequest',
  'UpdateAlreadyInProgress',
  'NetworkError',
  'IOError',
  'InternalError',
  'InvalidBaseImage',
  'SystemRollback',
  'Canceled',
] as const
export type OtaCode = (typeof OTA_CODES)[number]

/** What a device says of an operation. */
export interface OtaEvent {
  /** Of the request, in lower case. */
  readonly uuid: string
  /** Null for a word we do not know. */
  readonly status: OtaStatus | null
  /** The status as it was said. */
  readonly word: string
  /** Percent within the status; null when it says none. */
  readonly progress: number | null
  /** One of `OTA_CODES`, or any other as it was said. */
  readonly code: string | null
  readonly message: string | null
}

const said = z.string().nullish()
const EventObject = z.object({
  requestUUID: z.string(),
  status: z.string(),
  statusProgress: z.number().nullish(),
  statusCode: said,
  message: said,
})

/** Keys may be missing. Null when the essential ones are. */
export function readOtaEvent(object: JsonObject): OtaEvent | null {
  const event = EventObject.safeParse(object)
  if (!event.success) return null
  const { requestUUID, status, statusProgress, statusCode, message } = event.data
  return {
    uuid: requestUUID.trim().toLowerCase(),
    status: STATUSES.get(status.trim().toLowerCase()) ?? null,
    word: status,
    progress: percent(statusProgress),
    code: codeOf(statusCode),
    message: message || null,
  }
}

const STATUSES: ReadonlyMap<string, OtaStatus> = new Map(
  OTA_STATUSES.map((status) => [status.toLowerCase(), status]),
)

const percent = (number: number | null | undefined) =>
  number === null || number === undefined ? null : Math.min(100, Math.max(0, Math.trunc(number)))

/** What devices say in place of a code of the interface. */
const OTHER_SPELLINGS: Readonly<Record<string, OtaCode>> = {
  requesterror: 'InvalidRequest',
  errornetwork: 'NetworkError',
}
const CODES: ReadonlyMap<string, OtaCode> = new Map([
  ...OTA_CODES.map((code) => [code.toLowerCase(), code] as const),
  ...Object.entries(OTHER_SPELLINGS),
])

const codeOf = (code: string | null | undefined): string | null =>
  code ? (CODES.get(code.trim().toLowerCase()) ?? code) : null

const ResponseObject = z.object({ uuid: z.string(), status: z.string(), statusCode: said })

const LEGACY_STATUSES: Readonly<Record<string, OtaStatus>> = {
  inprogress: 'Acknowledged',
  done: 'Success',
  error: 'Failure',
}
/** Others say nothing. */
const LEGACY_CODES: Readonly<Record<string, OtaCode | null>> = {
  otaerrornetwork: 'NetworkError',
  otaalreadyinprogress: 'UpdateAlreadyInProgress',
  otaerrordeploy: 'IOError',
  otaerrorbootwrongpartition: 'SystemRollback',
  otaerrornvs: null,
  otafailed: null,
}

/** What a device of the older generation says, in the words of the newer. */
export function readOtaResponse(object: JsonObject): OtaEvent | null {
  const response = ResponseObject.safeParse(object)
  if (!response.success) return null
  const { uuid, status, statusCode } = response.data
  const legacy = LEGACY_CODES[(statusCode ?? '').trim().toLowerCase()]
  return {
    uuid: uuid.trim().toLowerCase(),
    status: LEGACY_STATUSES[status.trim().toLowerCase()] ?? null,
    word: status,
    progress: null,
    code: legacy === undefined ? statusCode || null : legacy,
    message: null,
  }
}
