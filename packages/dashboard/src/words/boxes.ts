/**
 * What boxes tell of themselves. Ours tell more than Odoo's, and each of either as much as its version knows: whatever is
 * missing, or is of another form, is left out.
 */
import {
  BOX_ATTRIBUTE,
  BOX_LAYERS,
  type BoxLayerName,
  boxFormOf,
  type Device,
  heldBack,
  isOwnBox,
  type Json,
  type JsonObject,
} from '@updraft/core'
import { type Look, lookOf } from './states.tsx'

export const LAYER_WORDS: Readonly<Record<BoxLayerName, string>> = {
  handlers: 'Handlers',
  code: 'Code',
  image: 'Image',
}
export const isLayer = (type: string): type is BoxLayerName =>
  (BOX_LAYERS as readonly string[]).includes(type)

interface ToldRelease {
  readonly title: string | null
  readonly version: string
  readonly installedAt: string | null
}
export const RESULTS = ['done', 'updated', 'unchanged', 'failed', 'rolled-back'] as const
interface ToldResult {
  readonly kind: (typeof RESULTS)[number]
  readonly at: string | null
  readonly because: string | null
}

export interface ToldLayer {
  readonly active: ToldRelease | null
  readonly previous: ToldRelease | null
  readonly trial: ToldRelease | null
  /** What the last attempt came to. */
  readonly last: ToldResult | null
  /** Why the layer cannot be updated on that machine, and what to do instead. */
  readonly refusal: { readonly because: string; readonly instead: string | null } | null
}

export interface ToldDevice {
  readonly id: string
  readonly name: string
  readonly type: string | null
  readonly connection: string | null
}

export interface ToldHandler {
  readonly name: string
  readonly state: string
  readonly error: string | null
  readonly devices: readonly ToldDevice[]
}

export interface ToldBox {
  readonly layers: Readonly<Record<BoxLayerName, ToldLayer>>
  readonly handlers: readonly ToldHandler[]
  /** All that is plugged in. */
  readonly devices: readonly ToldDevice[]
  /** The repository that code comes from. */
  readonly upstream: {
    readonly url: string
    readonly branch: string | null
    readonly trouble: string | null
    readonly lookedAt: string | null
  } | null
  /** Of the image, and what is in each. */
  readonly slots: readonly { readonly name: string; readonly version: string | null }[]
  readonly runningSlot: string | null
  /** Its own page, as far as one can tell where it is. */
  readonly page: string | null
}

type BoxLike = Pick<Device, 'attributes' | 'inventory' | 'dialect'>

export function toldBy({ inventory }: Pick<Device, 'inventory'>): ToldBox {
  const box = objectIn(inventory[BOX_ATTRIBUTE])
  const told = objectIn(box.layers)
  const details = (layer: BoxLayerName) => objectIn(objectIn(told[layer]).details)
  const handlers = listIn(details('handlers').handlers).flatMap(handlerOf)
  const plugged = devicesIn(inventory.devices)
  const { upstream } = details('code')
  const { slots, running } = details('image')
  return {
    layers: {
      handlers: layerIn(told.handlers),
      code: layerIn(told.code),
      image: layerIn(told.image),
    },
    handlers,
    devices: plugged.length > 0 ? plugged : handlers.flatMap(({ devices }) => devices),
    upstream: upstreamIn(upstream),
    slots: listIn(slots).flatMap((each) => {
      const { name, release } = objectIn(each)
      const called = textIn(name)
      return called === null ? [] : [{ name: called, version: textIn(objectIn(release).version) }]
    }),
    runningSlot: textIn(running),
    page: pageOf(inventory),
  }
}

/** Where Odoo's boxes have theirs. */
const USUAL_PORT = 8069

function pageOf(inventory: JsonObject): string | null {
  const ip = textIn(inventory.ip)
  if (ip === null || !/^[0-9a-f.:]+$/i.test(ip)) return null
  const own = inventory[BOX_ATTRIBUTE]
  const port = isObject(own) ? own.homePort : USUAL_PORT
  if (typeof port !== 'number' || port < 1) return null
  return `http://${ip.includes(':') ? `[${ip}]` : ip}:${port}`
}

/** One thing that a person should look at, most telling first. */
export function troublesOf(device: BoxLike): readonly string[] {
  const { handlers, layers, upstream } = toldBy(device)
  return [
    ...handlers.flatMap(({ name, state, error }) =>
      isFailed(state) ? [`${name} does not load${error ? `: ${error}` : '.'}`] : [],
    ),
    ...BOX_LAYERS.flatMap((layer) => {
      const { last } = layers[layer]
      if (last?.kind !== 'failed' && last?.kind !== 'rolled-back') return []
      const how = last.kind === 'failed' ? 'could not be updated' : 'went back'
      return [`${LAYER_WORDS[layer]} ${how}${sentence(last.because)}`]
    }),
    ...(upstream?.trouble ? [`Upstream: ${upstream.trouble}`] : []),
  ]
}

/** How a box looks as a whole: what a person must look at comes first, and what its form keeps back is not just waiting. */
export function lookOfBox(device: BoxLike & Parameters<typeof lookOf>[0] & Shown): Look {
  if (troublesOf(device).length > 0) return 'NEEDS_ATTENTION'
  const look = lookOf(device)
  const { operation, components } = device
  const isHeld = operation !== null && Boolean(components[operation.type]?.held)
  return isHeld && (look === 'QUEUED' || look === 'INITIATED') ? 'HELD_BACK' : look
}

interface Shown {
  readonly operation: { readonly type: string } | null
  readonly components: Readonly<Record<string, { readonly held: object | null }>>
}

/** What the machine calls itself, where that is another name. */
export function hostNameOf({
  name,
  inventory,
}: Pick<Device, 'inventory'> & { readonly name: string }): string | null {
  const told = textIn(inventory.hostName)
  return told === name ? null : told
}

const sentence = (because: string | null) => (because ? `: ${because}` : '.')

export const isFailed = (state: string): boolean => state === 'failed'

/** The series that the code it runs is of; null when it does not tell. */
export function seriesOf({
  installed,
}: {
  readonly installed: Readonly<Record<string, { readonly version: string | null }>>
}): string | null {
  const version = installed.code?.version ?? ''
  return (
    /^((saas[~-])?\d{1,3}\.\d{1,3}|master)(?=$|[^\d.])/.exec(version)?.[1]?.replace('-', '~') ??
    null
  )
}

/** Why nothing is changed on it now; null if something may be. */
export function holdOf(
  device: BoxLike,
  now: Date,
): { reason: string; until: string | null } | null {
  const form = boxFormOf(device)
  return form?.hold && heldBack(form, { name: '', now }) ? form.hold : null
}

export const isDriversOff = (device: BoxLike): boolean =>
  boxFormOf(device)?.automaticDriversUpdate === false

/** What it says of itself besides its layers, in the order in which people ask for it. */
export function identityOf({ inventory }: Pick<Device, 'inventory'>): readonly BoxFact[] {
  const own = inventory[BOX_ATTRIBUTE]
  const box = objectIn(own)
  const platforms = isObject(own) ? OWN_PLATFORMS : STOCK_PLATFORMS
  const platform = textIn(inventory.platform) ?? ''
  const told: readonly (readonly [name: string, kind: BoxFact['kind'], value: Json | undefined])[] =
    [
      ['Identifier', 'code', inventory.identifier],
      ['Serial number', 'code', inventory.serial],
      ['Model', 'text', inventory.model],
      ['Kind', 'text', KINDS[textIn(box.kind) ?? '']],
      ['System', 'text', platforms[platform] ?? platform],
      ['Generation', 'text', inventory.generation],
      ['Version', 'code', inventory.version],
      ['Agent', 'code', inventory.agentVersion],
      ['Kernel', 'code', inventory.kernel],
      ['Host name', 'code', inventory.hostName],
      ['IP address', 'code', inventory.ip],
      ['MAC', 'code', inventory.mac],
      ['Network', 'text', box.network],
      ['System runs', 'seconds', inventory.systemUpSeconds],
      ['Program runs', 'seconds', inventory.programUpSeconds],
      ['Memory', 'bytes', inventory.memoryBytes],
      ['Free space', 'bytes', inventory.freeDiskBytes],
    ]
  return told.flatMap(([name, kind, value]) => {
    const text = typeof value === 'number' ? String(value) : textIn(value)
    return text === null ? [] : [{ name, kind, value: text }]
  })
}

export interface BoxFact {
  readonly name: string
  readonly kind: 'text' | 'code' | 'seconds' | 'bytes'
  readonly value: string
}

const OWN_PLATFORMS: Readonly<Record<string, string>> = { L: 'Linux', W: 'Windows' }
const STOCK_PLATFORMS: Readonly<Record<string, string>> = { L: 'Raspberry Pi', W: 'Windows' }
const KINDS: Readonly<Record<string, string>> = {
  virtual: 'virtual: a program on a machine',
  physical: 'physical: its system is updated as a whole',
}

/** Of a list of boxes: which of them. */
export interface BoxFilter {
  readonly kind?: string
  readonly set?: string
  readonly series?: string
}

export const BOX_KINDS = [
  { value: 'updraft', label: 'Updraft’s own' },
  { value: 'odoo', label: 'Odoo’s' },
] as const

const OWN = `has(inventory.${BOX_ATTRIBUTE})`
const FORM = `attributes.${BOX_ATTRIBUTE}`
const DRIVERS_OFF =
  'has(attributes.automaticDriversUpdate) && attributes.automaticDriversUpdate == false'

/** What is set for a box, as one can look for it. */
export const BOX_SETS = {
  'drivers-on': { label: 'drivers update by themselves', where: `!(${DRIVERS_OFF})` },
  'drivers-off': { label: 'drivers by the button only', where: DRIVERS_OFF },
  held: {
    label: 'held',
    where: `has(${FORM}.hold.reason) && (${FORM}.hold.until == null || timestamp(${FORM}.hold.until) > now())`,
  },
} as const
type BoxSet = keyof typeof BOX_SETS
const isSet = (key: string | undefined): key is BoxSet =>
  key !== undefined && Object.hasOwn(BOX_SETS, key)

/** The expression that holds for boxes, and for those only that are meant. */
export function boxesWhere({ kind, set, series }: BoxFilter): string {
  const isBox = `(dialect == "odoo-iot" || ${OWN} || has(${FORM}))`
  return [
    isBox,
    ...(kind === 'updraft' ? [OWN] : kind === 'odoo' ? [`!${OWN}`] : []),
    ...(isSet(set) ? [`(${BOX_SETS[set].where})`] : []),
    ...(series ? [`versionOf(installed, "code").startsWith(${JSON.stringify(series)})`] : []),
  ].join(' && ')
}

export const isOwn = (device: Pick<Device, 'inventory'>): boolean => isOwnBox(device)

function layerIn(layer: Json | undefined): ToldLayer {
  const { active, previous, trial, result, refusal } = objectIn(layer)
  const { because, instead } = objectIn(refusal)
  const why = textIn(because)
  return {
    active: releaseIn(active),
    previous: releaseIn(previous),
    trial: releaseIn(trial),
    last: resultOf(result),
    refusal: why === null ? null : { because: why, instead: textIn(instead) },
  }
}

function upstreamIn(value: Json | undefined): ToldBox['upstream'] {
  const { url, branch, trouble, lookedAt } = objectIn(value)
  const told = textIn(url)
  return told === null
    ? null
    : { url: told, branch: textIn(branch), trouble: textIn(trouble), lookedAt: timeIn(lookedAt) }
}

function releaseIn(value: Json | undefined): ToldRelease | null {
  const { title, version, installedAt } = objectIn(value)
  const told = textIn(version)
  return told === null
    ? null
    : { title: textIn(title), version: told, installedAt: timeIn(installedAt) }
}

function resultOf(value: Json | undefined): ToldResult | null {
  const { kind, at, because } = objectIn(value)
  const known = RESULTS.find((each) => each === kind)
  return known ? { kind: known, at: timeIn(at), because: textIn(because) } : null
}

function handlerOf(value: Json): ToldHandler[] {
  const { file, state, error, devices } = objectIn(value)
  const called = textIn(file)
  if (called === null) return []
  return [
    {
      name: called,
      state: textIn(state) ?? 'running',
      error: textIn(error),
      devices: devicesIn(devices),
    },
  ]
}

/** A list, or by their ids. */
const devicesIn = (value: Json | undefined): readonly ToldDevice[] =>
  Array.isArray(value)
    ? value.flatMap((each) => {
        const id = textIn(objectIn(each).id)
        return id === null ? [] : [deviceOf(id, objectIn(each))]
      })
    : Object.entries(objectIn(value)).map(([id, device]) => deviceOf(id, objectIn(device)))

const deviceOf = (id: string, { name, type, subtype, connection }: JsonObject): ToldDevice => ({
  id,
  name: textIn(name) ?? id,
  type: [textIn(type), textIn(subtype)].filter((each) => each !== null).join(', ') || null,
  connection: textIn(connection),
})

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
const objectIn = (value: Json | undefined): JsonObject => (isObject(value) ? value : {})
const listIn = (value: Json | undefined): readonly Json[] => (Array.isArray(value) ? value : [])
const textIn = (value: Json | undefined): string | null =>
  typeof value === 'string' && value !== '' ? value : null
/** The clock of a box may be wrong, and what it tells may be no time at all. */
const timeIn = (value: Json | undefined): string | null =>
  typeof value === 'string' && !Number.isNaN(Date.parse(value)) ? value : null
