/**
 * What an expression may speak of: the variables, each a fact of one device, and the functions. The operators'
 * page is docs/expressions.md.
 */
import { Environment } from '@marcbachmann/cel-js'
import { type Device, type Json, type JsonObject, partNumberOf } from '../device.ts'
import { requirementOf } from '../release.ts'
import { remembered } from '../remembered.ts'
import { satisfies } from '../requirement.ts'
import { compareVersions, parseVersion } from '../version.ts'
import { glob } from './glob.ts'
import { regularExpression } from './regular.ts'

/** All an expression may ask of a device. */
export interface DeviceFacts {
  readonly device: Device
  /** Name of who owns it; null for the tenant itself. */
  readonly customer: string | null
  /** Handles of what its part number says it is; null when that says nothing. */
  readonly systemModel: string | null
  readonly hardwareType: string | null
}

const TIME = 'google.protobuf.Timestamp'

/** By name: the type, and what it is. */
export const VARIABLES = {
  name: ['string', 'its name'],
  profile: ['string', 'name of its profile'],
  customer: ['string', 'name of who owns it; "" for the tenant itself'],
  cloud: ['string', 'name of the cloud that serves it; "" for none'],
  labels: ['list<string>', 'its labels'],
  attributes: ['map<string, dyn>', 'its attributes'],
  inventory: ['map<string, dyn>', 'what it says of itself'],
  installed: ['map<string, map<string, string>>', 'title and version by component type'],
  dialect: ['string', 'the dialect it last spoke; "" when it never spoke'],
  partNumber: ['string', 'its part number; "" when none is known'],
  systemModel: ['string', 'handle of its system model; "" for none'],
  hardwareType: ['string', 'handle of its hardware type; "" for none'],
  createdAt: [TIME, 'when it was added'],
  lastSeenAt: [TIME, 'when it was last heard of; nothing can be said of it before'],
  seen: ['bool', 'whether it was ever heard of'],
} as const satisfies Readonly<Record<string, readonly [type: string, about: string]>>
export type VariableName = keyof typeof VARIABLES

/** The variables' values; one that is absent makes whatever asks for it undecided. */
export type Values = Partial<Record<VariableName | 'now', unknown>>

/** What `installed.firmware` has. */
export const INSTALLED_FIELDS: readonly string[] = ['title', 'version']

/** Functions, and how they are called; macros and operators stand in the tree. */
export const FUNCTIONS: Readonly<Record<string, string>> = {
  now: 'now()',
  timestamp: 'timestamp("2026-01-31T00:00:00Z")',
  duration: 'duration("24h")',
  has: 'has(inventory.memory)',
  size: 'size(labels)',
  matches: 'matches(name, "^s-[0-9]+$")',
  glob: 'glob(name, "s-*")',
  versionMatches: 'versionMatches(installed.firmware.version, "~> 2.0")',
  versionCompare: 'versionCompare(installed.firmware.version, "2.0.0") < 0',
  versionOf: 'versionOf(installed, "firmware")',
  versionMajor: 'versionMajor(installed.firmware.version) >= 2',
  versionMinor: 'versionMinor(installed.firmware.version)',
  versionPatch: 'versionPatch(installed.firmware.version)',
  semver: 'semver(installed.firmware.version, "<", "2.0.0")',
  contains: 'name.contains("-eu-")',
  startsWith: 'name.startsWith("s-")',
  endsWith: 'name.endsWith("-eu")',
  lowerAscii: 'name.lowerAscii()',
  upperAscii: 'name.upperAscii()',
  trim: 'inventory.site.trim()',
  int: 'int(inventory.slots)',
  double: 'double(inventory.load)',
  string: 'string(inventory.slots)',
  getFullYear: 'createdAt.getFullYear()',
  getMonth: 'createdAt.getMonth()',
  getDate: 'createdAt.getDate()',
  getDayOfWeek: 'createdAt.getDayOfWeek()',
  getHours: 'createdAt.getHours()',
  getMinutes: 'createdAt.getMinutes()',
}

/** Longer texts are of no form and match no pattern: whoever asks is told so. */
export const MAX_MATCHED_LENGTH = 4096

const LIMITS = { maxAstNodes: 4096, maxDepth: 100, maxListElements: 1000 }

/** Parses and checks; `now()` is a variable in what is run. */
export const LANGUAGE = new Environment({ limits: LIMITS })
  .registerFunction(`now(): ${TIME}`, () => {
    throw new Error('The moment comes with the facts.')
  })
  .registerFunction('glob(string, string): bool', (text: string, form: string) => {
    checkLength([...text].length)
    return glob(text, form)
  })
  .registerFunction('matches(string, string): bool', (text: string, pattern: string) => {
    checkLength(text.length)
    return patternOf(pattern)(text)
  })
  .registerFunction('versionMatches(string, string): bool', (version: string, text: string) =>
    satisfies(version, requirementOf(text)),
  )
  .registerFunction('versionCompare(string, string): int', (a: string, b: string) =>
    BigInt(Math.sign(orderOf(a, b))),
  )
  .registerFunction(
    'versionOf(map<string, map<string, string>>, string): string',
    (installed: Record<string, { version?: string }>, type: string) =>
      (Object.hasOwn(installed, type) && installed[type]?.version) || '',
  )
  .registerFunction('versionMajor(string): int', (text: string) => parseVersion(text)?.major ?? 0n)
  .registerFunction('versionMinor(string): int', (text: string) => parseVersion(text)?.minor ?? 0n)
  .registerFunction('versionPatch(string): int', (text: string) => parseVersion(text)?.patch ?? 0n)
  .registerFunction(
    'semver(string, string, string): bool',
    (a: string, by: keyof typeof SEMVER_ORDERS, b: string) => SEMVER_ORDERS[by](orderOf(a, b)),
  )
for (const [name, [type]] of Object.entries(VARIABLES)) LANGUAGE.registerVariable(name, type)
LANGUAGE.registerVariable('now', TIME)

/** How `semver` compares; written out in every expression, so that there is no other. */
export const SEMVER_ORDERS = {
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
  '==': (order: number) => order === 0,
  '!=': (order: number) => order !== 0,
} as const

function orderOf(a: string, b: string): number {
  const order = compareVersions(a, b)
  if (order !== undefined) return order
  throw new Error(`"${a}" and "${b}" have no order: not both are like 1.2.3`)
}

/** What a policy may ask besides: the release it is of, and what it would replace. */
export const POLICY_VARIABLES = {
  version: ['string', 'what the device runs; "" when it has not told'],
  newVersion: ['string', 'the version of the release'],
  major: ['int', "the first number of the device's version; 0 when that is not like 1.2.3"],
  minor: ['int', 'the second'],
  patch: ['int', 'the third'],
  device: ['map<string, dyn>', 'what it says of itself: the inventory'],
  update: ['map<string, string>', 'version, title, id and description of the release'],
} as const satisfies Readonly<Record<string, readonly [type: string, about: string]>>

/** Only read and checked: policy.ts says all of it in the language above before it is run. */
export const POLICY_LANGUAGE = LANGUAGE.clone({ limits: LIMITS })
for (const [name, [type]] of Object.entries(POLICY_VARIABLES)) {
  POLICY_LANGUAGE.registerVariable(name, type)
}

const patternOf = remembered(regularExpression, 100)

function checkLength(length: number): void {
  if (length <= MAX_MATCHED_LENGTH) return
  throw new Error(`a text of more than ${MAX_MATCHED_LENGTH} characters is not matched`)
}

/** What a device with these facts answers to each variable. */
export function valuesOf(
  { device, customer, systemModel, hardwareType }: DeviceFacts,
  now: Date,
): Values {
  return {
    name: device.name,
    profile: device.profileName,
    customer: customer ?? '',
    cloud: device.cloudName ?? '',
    labels: device.labels,
    attributes: readable(device.attributes),
    inventory: readable(device.inventory),
    installed: installedValue(device.installed),
    dialect: device.dialect ?? '',
    partNumber: partNumberOf(device) ?? '',
    systemModel: systemModel ?? '',
    hardwareType: hardwareType ?? '',
    createdAt: device.createdAt,
    lastSeenAt: device.lastSeenAt ?? undefined,
    seen: device.lastSeenAt !== null,
    now,
  }
}

export function installedValue(
  installed: Device['installed'],
): Readonly<Record<string, Readonly<Record<string, string>>>> {
  const values: Record<string, Record<string, string>> = {}
  for (const [type, { title, version }] of Object.entries(installed)) {
    values[type] = { ...(title !== null && { title }), ...(version !== null && { version }) }
  }
  return values
}

/** The library takes an object with a key "constructor" for something else: such an object becomes a map. */
function readable(json: JsonObject): unknown {
  return JSON.stringify(json).includes('"constructor"') ? mapped(json) : json
}
const mapped = (json: Json): unknown => {
  if (typeof json !== 'object' || json === null) return json
  if (Array.isArray(json)) return json.map(mapped)
  return new Map(Object.entries(json).map(([key, value]) => [key, mapped(value)]))
}
