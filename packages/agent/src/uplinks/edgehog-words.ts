/** The agent's words as Edgehog's: facts as properties of interfaces, states as events. */
import type { Installed, Json, JsonObject } from '@updraft/core'
import { heldAt, type InterfaceDefinition, versionOf } from '@updraft/wire/astarte-interface'
import type { MappingType } from '@updraft/wire/astarte-values'
import {
  FACTS,
  NAMES,
  OTA_EVENT,
  OTA_REQUEST,
  type OtaCode,
  type OtaStatus,
} from '@updraft/wire/edgehog'
import type { FailureKind } from '../trouble.ts'

export interface Property {
  readonly interface: string
  readonly path: string
  readonly type: MappingType
  readonly value: Json
}

/** Which fact is which property. */
const PROPERTIES: readonly [name: string, path: string, fact: string][] = [
  [NAMES.systemInfo, '/serialNumber', 'serialNumber'],
  [NAMES.systemInfo, '/partNumber', 'partNumber'],
  [NAMES.osInfo, '/osName', 'platform'],
  [NAMES.osInfo, '/osVersion', 'kernel'],
  [NAMES.hardwareInfo, '/cpu/architecture', 'arch'],
  [NAMES.hardwareInfo, '/mem/totalBytes', 'memoryBytes'],
  [NAMES.runtimeInfo, '/version', 'agentVersion'],
]
const RUNTIME = 'updraft-agent'

const TOLD: readonly string[] = [
  NAMES.baseImage,
  NAMES.systemInfo,
  NAMES.osInfo,
  NAMES.hardwareInfo,
  NAMES.runtimeInfo,
]

/** The interfaces this device has. */
export const INTRODUCED = [
  OTA_REQUEST,
  OTA_EVENT,
  ...FACTS.filter(({ interface_name }) => TOLD.includes(interface_name)),
].map(versionOf)

/** What runs here: the one fact that updates are about. */
export const imageProperties = (runs: Installed | null | undefined): Property[] => [
  ...property(NAMES.baseImage, '/name', runs?.title),
  ...property(NAMES.baseImage, '/version', runs?.version),
]

/** What the device says of itself, as far as there is a property for it. */
export const factProperties = (facts: JsonObject): Property[] => [
  ...property(NAMES.runtimeInfo, '/name', RUNTIME),
  ...PROPERTIES.flatMap(([name, path, fact]) => property(name, path, facts[fact])),
]

function property(name: string, path: string, value: Json | undefined): Property[] {
  const definition = FACTS.find(({ interface_name }) => interface_name === name)
  const held = definition && heldAt(definition as InterfaceDefinition, path)
  if (held?.kind !== 'value' || value === undefined || value === null) return []
  const isNumber = held.type === 'longinteger'
  // A serial number that somebody wrote without quotes is one all the same.
  if (isNumber ? !Number.isSafeInteger(value) : typeof value === 'object') return []
  return [{ interface: name, path, type: held.type, value: isNumber ? value : String(value) }]
}

export const CODES: Readonly<Record<FailureKind, OtaCode>> = {
  request: 'InvalidRequest',
  network: 'NetworkError',
  storage: 'IOError',
  image: 'InvalidBaseImage',
  install: 'InternalError',
  'rolled-back': 'SystemRollback',
  canceled: 'Canceled',
}

export interface Event {
  readonly status: OtaStatus
  readonly progress?: number
  readonly code?: OtaCode
  readonly message?: string
}
