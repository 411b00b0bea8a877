/** What a fleet is like, as a file says it: JSON, checked here field by field. */
import type { Installed } from '@updraft/core'

export const DIALECTS = [
  'updraft',
  'thingsboard-http',
  'thingsboard-mqtt',
  'thingsboard-coap',
  'ioto',
  'ioto-updater',
  'edgehog',
  'hawkbit',
  'hawkbit-rauc',
  'hawkbit-swupdate',
] as const
export type Dialect = (typeof DIALECTS)[number]

/** Those that register by themselves, or come in by a token of all of them. */
export const IOTO_DIALECTS: readonly Dialect[] = ['ioto', 'ioto-updater']

/** Those of hawkBit's language: our own agent, and agents that come by the name of another client. */
export const HAWKBIT_DIALECTS: readonly Dialect[] = ['hawkbit', 'hawkbit-rauc', 'hawkbit-swupdate']

/** The programs that come as Updater. */
export const UPDATERS = ['updater-c', 'updater-node', 'updater-shell'] as const

/** The parts of an update in which the power may go. */
export const CUT_MOMENTS = ['download', 'install', 'report'] as const
export type CutMoment = (typeof CUT_MOMENTS)[number]

export interface Scenario {
  /** The same seed, and the same updates offered, bring the same failures to the same devices. */
  readonly seed: number
  readonly groups: readonly Group[]
}

/** Devices that are alike. */
export interface Group {
  /** Its devices are called NAME-0001 and so on. */
  readonly name: string
  /** The profile they belong to, for whoever reads the table; provisioning decides it. */
  readonly profile: string
  readonly devices: number
  /** Parts of the whole, in any unit: 2 to 1 is two thirds and one third. */
  readonly dialects: Readonly<Partial<Record<Dialect, number>>>
  /** What they leave the factory with, by component type. */
  readonly installed: Readonly<Record<string, Installed>>
  /** With this, devices without a token enrol themselves (docs/dialects/thingsboard.md, "Provisioning"). */
  readonly provisioning: { readonly key: string; readonly secret: string } | null
  /** For those that speak Ioto. */
  readonly ioto: {
    /** The product's token. */
    readonly product: string
    /** By which all Updaters come in; null: each by its own. */
    readonly cloudToken: string | null
    readonly updater: (typeof UPDATERS)[number]
    /** Agents fetch certificates before they check, as the stock configuration has it. */
    readonly certificates: boolean
  } | null
  /** For those that speak Edgehog: the realm they register in, with the token of an agent. */
  readonly edgehog: { readonly realm: string; readonly agentToken: string } | null
  /** For those that speak hawkBit's language: the profile's key, by which who has no token registers. */
  readonly hawkbit: { readonly tenant: string; readonly gatewayToken: string | null }
  readonly startWithinSeconds: number
  readonly checkInSeconds: number
  /** How long they let the server hold a check-in; 0: they do not wait. */
  readonly waitSeconds: number
  /** 0: as fast as it goes. */
  readonly downloadBytesPerSecond: number
  readonly installSeconds: number
  /** Each takes its share (0 to 1) of the updates. */
  readonly failures: readonly { readonly share: number; readonly reason: string }[]
  /** The new version does not come up, and the old one is there again after a restart. */
  readonly rollbacks: { readonly share: number; readonly restartSeconds: number }
  /** Once in an update, in one of these parts of it; what was not on the disk is lost. */
  readonly powerCuts: {
    readonly share: number
    readonly offSeconds: number
    readonly during: readonly CutMoment[]
  }
  /** Without a network for a while, again and again; every 0 seconds: never. */
  readonly offline: { readonly everySeconds: number; readonly forSeconds: number }
}

/** A scenario that cannot be used, said in a sentence for whoever wrote it. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError'
}

/** A device's name has four digits at least, so names sort as numbers do. */
export const deviceName = (group: string, index: number): string =>
  `${group}-${String(index + 1).padStart(4, '0')}`

/** Throws ScenarioError. */
export function parseScenario(text: string): Scenario {
  const whole = fieldsOf(jsonOf(text), 'the scenario')
  const scenario = {
    seed: whole.number('seed', { least: 0, fallback: 1, isWhole: true }),
    groups: whole.list('groups').map((each, index) => groupOf(each, `groups[${index}]`)),
  }
  whole.end()
  if (scenario.groups.length === 0) throw new ScenarioError('groups is empty: there is no device.')
  const names = scenario.groups.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) throw new ScenarioError(`Two groups are called ${twice}.`)
  return scenario
}

function groupOf(value: unknown, path: string): Group {
  const fields = fieldsOf(value, path)
  const failures = fields.list('failures', []).map((each, index) => {
    const failure = fieldsOf(each, `${path}.failures[${index}]`)
    const read = { share: failure.share('share'), reason: failure.text('reason') }
    failure.end()
    return read
  })
  const rollbacks = fields.inner('rollbacks')
  const powerCuts = fields.inner('powerCuts')
  const offline = fields.inner('offline')
  const name = fields.text('name')
  // They stand in a file of lines NAME,TOKEN.
  if (/[,\r\n]/.test(name)) throw new ScenarioError(`${path}.name holds a comma or a line break.`)
  const group: Group = {
    name,
    profile: fields.text('profile'),
    devices: fields.number('devices', { least: 1, isWhole: true }),
    dialects: dialectsOf(fields.inner('dialects', { updraft: 1 })),
    installed: installedOf(fields.inner('installed'), `${path}.installed`),
    provisioning: fields.has('provisioning') ? provisioningOf(fields.inner('provisioning')) : null,
    ioto: fields.has('ioto') ? iotoOf(fields.inner('ioto')) : null,
    edgehog: fields.has('edgehog') ? edgehogOf(fields.inner('edgehog')) : null,
    hawkbit: hawkbitOf(fields.inner('hawkbit')),
    startWithinSeconds: fields.number('startWithinSeconds', { fallback: 10 }),
    checkInSeconds: fields.number('checkInSeconds', { least: 1, fallback: 60 }),
    waitSeconds: fields.number('waitSeconds', { fallback: 0 }),
    downloadBytesPerSecond: fields.number('downloadBytesPerSecond', { fallback: 0 }),
    installSeconds: fields.number('installSeconds', { fallback: 1 }),
    failures,
    rollbacks: {
      share: rollbacks.share('share', 0),
      restartSeconds: rollbacks.number('restartSeconds', { fallback: 5 }),
    },
    powerCuts: {
      share: powerCuts.share('share', 0),
      offSeconds: powerCuts.number('offSeconds', { fallback: 5 }),
      during: momentsOf(powerCuts.list('during', [...CUT_MOMENTS]), `${path}.powerCuts.during`),
    },
    offline: {
      everySeconds: offline.number('everySeconds', { fallback: 0 }),
      forSeconds: offline.number('forSeconds', { fallback: 30 }),
    },
  }
  for (const each of [rollbacks, powerCuts, offline, fields]) each.end()
  if (group.ioto === null && IOTO_DIALECTS.some((dialect) => group.dialects[dialect])) {
    throw new ScenarioError(`${path}.ioto is missing: who speaks it is of a product.`)
  }
  if (group.edgehog === null && group.dialects.edgehog) {
    throw new ScenarioError(`${path}.edgehog is missing: who speaks it is of a realm.`)
  }
  const gone = group.rollbacks.share + failures.reduce((sum, { share }) => sum + share, 0)
  if (gone > 1 + 1e-9) {
    throw new ScenarioError(`${path}: failures and rollbacks together are more than all updates.`)
  }
  return group
}

function dialectsOf(fields: Fields): Group['dialects'] {
  const parts: Partial<Record<Dialect, number>> = {}
  for (const dialect of DIALECTS) {
    if (fields.has(dialect)) parts[dialect] = fields.number(dialect, {})
  }
  fields.end()
  if (!Object.values(parts).some((part) => part > 0)) {
    throw new ScenarioError(`${fields.path} gives no dialect a part.`)
  }
  return parts
}

function momentsOf(values: readonly unknown[], path: string): CutMoment[] {
  const moments = CUT_MOMENTS.filter((moment) => values.includes(moment))
  if (values.length > 0 && moments.length === values.length) return moments
  throw new ScenarioError(`${path} is a list of parts: ${CUT_MOMENTS.join(', ')}.`)
}

function installedOf(fields: Fields, path: string): Group['installed'] {
  const types = fields.names().map((type): [string, Installed] => {
    const text = fields.text(type)
    const at = text.lastIndexOf('@')
    if (at <= 0 || at === text.length - 1) {
      throw new ScenarioError(`${path}.${type} is TITLE@VERSION, not ${JSON.stringify(text)}.`)
    }
    return [type, { title: text.slice(0, at), version: text.slice(at + 1) }]
  })
  if (types.length === 0) throw new ScenarioError(`${path} names no component type.`)
  return Object.fromEntries(types)
}

function provisioningOf(fields: Fields): Group['provisioning'] {
  const read = { key: fields.text('key'), secret: fields.text('secret') }
  fields.end()
  return read
}

function edgehogOf(fields: Fields): Group['edgehog'] {
  const read = { realm: fields.text('realm'), agentToken: fields.text('agentToken') }
  fields.end()
  return read
}

function hawkbitOf(fields: Fields): Group['hawkbit'] {
  const read = {
    tenant: fields.has('tenant') ? fields.text('tenant') : 'DEFAULT',
    gatewayToken: fields.has('gatewayToken') ? fields.text('gatewayToken') : null,
  }
  fields.end()
  return read
}

function iotoOf(fields: Fields): Group['ioto'] {
  const updater = fields.has('updater') ? fields.text('updater') : UPDATERS[0]
  const found = UPDATERS.find((name) => name === updater)
  if (!found) throw new ScenarioError(`${fields.path}.updater is one of ${UPDATERS.join(', ')}.`)
  const read = {
    product: fields.text('product'),
    cloudToken: fields.has('cloudToken') ? fields.text('cloudToken') : null,
    updater: found,
    certificates: fields.flag('certificates', false),
  }
  fields.end()
  return read
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new ScenarioError(`It is no JSON: ${(error as Error).message}`)
  }
}

interface Limits {
  readonly least?: number
  readonly most?: number
  readonly fallback?: number
  readonly isWhole?: boolean
}

/** An object's fields, read one by one; what is missing or of another kind throws ScenarioError. */
interface Fields {
  readonly path: string
  has(name: string): boolean
  names(): string[]
  number(name: string, limits: Limits): number
  share(name: string, fallback?: number): number
  text(name: string): string
  flag(name: string, fallback: boolean): boolean
  list(name: string, fallback?: unknown[]): unknown[]
  inner(name: string, fallback?: object): Fields
  /** Refuses what nobody has read, such as a mistyped name. */
  end(): void
}

function fieldsOf(value: unknown, path: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScenarioError(`${path} is an object.`)
  }
  const object = value as Readonly<Record<string, unknown>>
  const prefix = path === 'the scenario' ? '' : `${path}.`
  const read = new Set<string>()
  const get = (name: string, fallback?: unknown): unknown => {
    read.add(name)
    const found = Object.hasOwn(object, name) ? object[name] : fallback
    if (found === undefined) throw new ScenarioError(`${prefix}${name} is missing.`)
    return found
  }
  const refuse = (name: string, kind: string): never => {
    throw new ScenarioError(`${prefix}${name} is ${kind}, not ${JSON.stringify(object[name])}.`)
  }
  const number = (name: string, limits: Limits): number => {
    const { least = 0, most = Number.MAX_SAFE_INTEGER, fallback, isWhole = false } = limits
    const found = get(name, fallback)
    const isOne = isWhole ? Number.isInteger(found) : Number.isFinite(found)
    if (isOne && (found as number) >= least && (found as number) <= most) return found as number
    const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`
    return refuse(name, `a ${isWhole ? 'whole ' : ''}number ${range}`)
  }
  return {
    path,
    has: (name) => Object.hasOwn(object, name),
    names: () => Object.keys(object),
    number,
    share: (name, fallback) => number(name, { most: 1, fallback }),
    text: (name) => {
      const found = get(name)
      return typeof found === 'string' && found !== '' ? found : refuse(name, 'a text')
    },
    flag: (name, fallback) => {
      const found = get(name, fallback)
      return typeof found === 'boolean' ? found : refuse(name, 'true or false')
    },
    list: (name, fallback) => {
      const found = get(name, fallback)
      return Array.isArray(found) ? found : refuse(name, 'a list')
    },
    inner: (name, fallback = {}) => fieldsOf(get(name, fallback), `${prefix}${name}`),
    end: () => {
      const stranger = Object.keys(object).find((name) => !read.has(name))
      if (stranger === undefined) return
      throw new ScenarioError(
        `${prefix}${stranger} means nothing here; there are ${[...read].sort().join(', ')}.`,
      )
    },
  }
}
