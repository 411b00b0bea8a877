/**
 * The form of a box: what operators have set for it, and what that keeps back. It stands in the attributes of the device,
 * so that groups and policies can ask for it; *Automatic drivers update* as it always has, all else under `box`.
 */
import { opensAt, type Window, windowsOf } from './campaign/window.ts'
import type { Device, Json, JsonObject } from './device.ts'
import { DomainError } from './errors.ts'
import { type Reason, reason } from './reason.ts'
import { type ComponentType, nameOf, type Release } from './release.ts'

export const BOX_LAYERS = ['handlers', 'code', 'image'] as const
export type BoxLayerName = (typeof BOX_LAYERS)[number]
/** `button`: only when somebody presses it on the page of the box. */
export const LAYER_UPDATES = ['automatic', 'button'] as const
/** Where code comes from: the upstream repository, or releases of this server. */
export const CODE_SOURCES = ['upstream', 'server'] as const

/** What an operator wants done once on a box. */
export const WISH_KINDS = ['restart', 'load-handlers'] as const
export type WishKind = (typeof WISH_KINDS)[number]
/** Of lines that devices log, the least first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

export interface LayerForm {
  readonly channel: string
  readonly updates: (typeof LAYER_UPDATES)[number]
}

export interface BoxForm {
  /** Whether it takes new handlers at each start, or only when somebody presses the button. */
  readonly automaticDriversUpdate: boolean
  /** Nothing is changed on the box until then; without a time, until an operator says so. */
  readonly hold: { readonly reason: string; readonly until: string | null } | null
  /** As maintenance windows are written; empty: always. */
  readonly windows: string
  readonly layers: Readonly<Record<BoxLayerName, LayerForm>>
  readonly codeFrom: (typeof CODE_SOURCES)[number]
}

export const DEFAULT_CHANNEL = 'stable'

export const DEFAULT_BOX_FORM: BoxForm = {
  automaticDriversUpdate: true,
  hold: null,
  windows: '',
  layers: {
    handlers: { channel: DEFAULT_CHANNEL, updates: 'automatic' },
    code: { channel: DEFAULT_CHANNEL, updates: 'automatic' },
    image: { channel: DEFAULT_CHANNEL, updates: 'button' },
  },
  codeFrom: 'upstream',
}

/** The attributes it stands in. */
export const AUTOMATIC_DRIVERS = 'automaticDriversUpdate'
export const BOX_ATTRIBUTE = 'box'
/** The dialect of boxes that are not ours. */
export const STOCK_BOX_DIALECT = 'odoo-iot'

type BoxLike = Pick<Device, 'attributes' | 'inventory' | 'dialect'>

/** One of ours says so of itself. */
export const isOwnBox = ({ inventory }: Pick<Device, 'inventory'>): boolean =>
  isObject(inventory[BOX_ATTRIBUTE])

/** One for which something was set stays one, whatever it says. */
export const isBox = (device: BoxLike): boolean =>
  device.dialect === STOCK_BOX_DIALECT ||
  isOwnBox(device) ||
  isObject(device.attributes[BOX_ATTRIBUTE])

/** The form of a device, null for one that is no box. What an attribute holds that cannot be read is as if nobody had set it. */
export function boxFormOf(device: BoxLike): BoxForm | null {
  if (!isBox(device)) return null
  const { attributes } = device
  const set = attributes[BOX_ATTRIBUTE]
  const { hold, windows, layers, codeFrom } = isObject(set) ? set : {}
  const inLayers = isObject(layers) ? layers : {}
  return {
    automaticDriversUpdate: attributes[AUTOMATIC_DRIVERS] !== false,
    hold: isObject(hold)
      ? { reason: textOr(hold.reason, 'An operator holds it.'), until: timeOrNull(hold.until) }
      : null,
    windows: readableWindows(windows) ? textOr(windows, '') : '',
    layers: {
      handlers: layerOf('handlers', inLayers.handlers),
      code: layerOf('code', inLayers.code),
      image: layerOf('image', inLayers.image),
    },
    codeFrom: codeFrom === 'server' ? 'server' : 'upstream',
  }
}

/** All that keeps releases back on a box: what operators have set, and what people at the box have done. */
export interface Restraints extends BoxForm {
  /** By layer, what somebody at the box went back from by hand: it is still meant, and comes again when it is asked for. */
  readonly wentBackFrom: Readonly<Record<ComponentType, string>>
}

/** Null for a device that is no box. */
export function restraintsOf(device: BoxLike): Restraints | null {
  const form = boxFormOf(device)
  return form && { ...form, wentBackFrom: wentBackFrom(device) }
}

/** As boxes of ours tell it: `box.layers.handlers.wentBackFrom`, a title and a version. */
function wentBackFrom({ inventory }: BoxLike): Restraints['wentBackFrom'] {
  const told = inventory[BOX_ATTRIBUTE]
  const layers = isObject(told) && isObject(told.layers) ? told.layers : {}
  const left = BOX_LAYERS.flatMap((layer): [string, string][] => {
    const said = layers[layer]
    const release = isObject(said) ? said.wentBackFrom : null
    if (!isObject(release)) return []
    const { title, version } = release
    const isRelease = typeof title === 'string' && typeof version === 'string'
    return isRelease ? [[layer, nameOf({ title, version })]] : []
  })
  return Object.fromEntries(left)
}

/** The attributes of a device with that form. */
export const withBoxForm = (
  attributes: JsonObject,
  { automaticDriversUpdate, hold, windows, layers, codeFrom }: BoxForm,
): JsonObject => ({
  ...attributes,
  [AUTOMATIC_DRIVERS]: automaticDriversUpdate,
  [BOX_ATTRIBUTE]: {
    hold: hold && { ...hold },
    windows,
    layers: {
      handlers: { ...layers.handlers },
      code: { ...layers.code },
      image: { ...layers.image },
    },
    codeFrom,
  },
})

const MAX_REASON_LENGTH = 255
const MAX_WINDOWS_LENGTH = 2048
const CHANNEL = /^[a-z][a-z0-9._-]{0,63}$/

/** Refuses with box.invalid, in words. */
export function checkedBoxForm(form: BoxForm): BoxForm {
  const windows = form.windows.trim()
  if (windows.length > MAX_WINDOWS_LENGTH) {
    throw invalid(`The windows are longer than ${MAX_WINDOWS_LENGTH} characters.`)
  }
  try {
    windowsOf(windows)
  } catch (error) {
    if (error instanceof DomainError) throw invalid(error.message)
    throw error
  }
  for (const layer of BOX_LAYERS) {
    const { channel } = form.layers[layer]
    if (CHANNEL.test(channel)) continue
    throw invalid(
      `The channel "${channel.slice(0, 80)}" of ${layer} is not a lower-case name such as ${DEFAULT_CHANNEL} or beta.`,
    )
  }
  return { ...form, windows, hold: form.hold && checkedHold(form.hold) }
}

function checkedHold({ reason: why, until }: NonNullable<BoxForm['hold']>) {
  const text = why.trim()
  if (text === '') throw invalid('A hold needs a reason, which people at the box read.')
  if (text.length > MAX_REASON_LENGTH || /[\p{Cc}\p{Cs}]/u.test(text)) {
    throw invalid(
      `The reason of a hold is one line of at most ${MAX_REASON_LENGTH} characters, without control characters.`,
    )
  }
  const time = until === null ? null : timeOrNull(until)
  if (until !== null && time === null) {
    throw invalid(`"${until.slice(0, 80)}" is no time such as 2026-12-24T18:00:00Z.`)
  }
  return { reason: text, until: time }
}

/** A release that is meant for a box and may not come now. */
export interface KeptBack {
  readonly because: Reason
  /** Whether somebody who presses the button lets it come. */
  readonly comesIfAsked: boolean
  /** When time alone lets it come. */
  readonly lookAgainAt: Date | null
}

/** What keeps a release back that nobody asked for by hand; null: it may come. `name` is what people call it. */
export function keptBack(
  restraints: Restraints,
  {
    release,
    name = nameOf(release),
    isAsked,
    now,
  }: {
    readonly release: Pick<Release, 'title' | 'version' | 'type'>
    readonly name?: string
    /** Somebody pressed the button for it. */
    readonly isAsked: boolean
    readonly now: Date
  },
): KeptBack | null {
  const { type } = release
  const held = heldBack(restraints, { name, now })
  if (held) return held
  if (isAsked) return null
  if (restraints.wentBackFrom[type] === nameOf(release)) {
    const message = `${name} waits. Somebody at the box went back from it; it comes again when somebody there asks for it.`
    return { because: reason('box.went-back', message), ...BY_BUTTON }
  }
  if (isByButton(restraints, type)) {
    const why = byButtonWhy(restraints, type)
    return { because: reason(why.code, `${name} waits. ${why.message}`), ...BY_BUTTON }
  }
  const opening = opensAt(windowsNow(restraints), now)
  if (!opening || opening <= now) return null
  const message = `${name} waits. The window of the box opens at ${opening.toISOString()}.`
  return { because: reason('box.window', message), comesIfAsked: true, lookAgainAt: opening }
}

/** A hold alone: it keeps back the button, and what an operator brings by hand, too. */
export function heldBack(
  { hold }: Pick<BoxForm, 'hold'>,
  { name, now }: { readonly name: string; readonly now: Date },
): KeptBack | null {
  if (!hold) return null
  const until = hold.until === null ? null : new Date(hold.until)
  if (until && until <= now) return null
  const length = until ? ` until ${until.toISOString()}` : ''
  const message = `${name} waits. The box is held${length}: ${hold.reason}`
  return { because: reason('box.hold', message), comesIfAsked: false, lookAgainAt: until }
}

/** Whether that layer changes only when somebody asks for it. */
export const isByButton = (form: BoxForm, type: ComponentType): boolean =>
  (type === 'handlers' && !form.automaticDriversUpdate) ||
  (isLayer(type) && form.layers[type].updates === 'button')

const BY_BUTTON = { comesIfAsked: true, lookAgainAt: null } as const

const byButtonWhy = ({ automaticDriversUpdate }: BoxForm, type: ComponentType) =>
  type === 'handlers' && !automaticDriversUpdate
    ? ({
        code: 'box.drivers-off',
        message: 'Automatic drivers update is off; it comes by the button Load handlers.',
      } as const)
    : ({ code: 'box.button', message: 'It comes by the button on the page of the box.' } as const)

const isLayer = (type: ComponentType): type is BoxLayerName =>
  (BOX_LAYERS as readonly string[]).includes(type)

function windowsNow({ windows }: BoxForm): readonly Window[] {
  return windows === '' ? [] : windowsOf(windows)
}

function readableWindows(windows: Json | undefined): boolean {
  if (typeof windows !== 'string' || windows.length > MAX_WINDOWS_LENGTH) return false
  try {
    windowsOf(windows)
    return true
  } catch {
    return false
  }
}

function layerOf(layer: BoxLayerName, set: Json | undefined): LayerForm {
  const usual = DEFAULT_BOX_FORM.layers[layer]
  if (!isObject(set)) return usual
  const updates = LAYER_UPDATES.find((each) => each === set.updates) ?? usual.updates
  return { channel: textOr(set.channel, usual.channel), updates }
}

const textOr = (value: Json | undefined, otherwise: string): string =>
  typeof value === 'string' && value !== '' ? value : otherwise

function timeOrNull(value: Json | undefined): string | null {
  if (typeof value !== 'string') return null
  const time = new Date(value)
  return Number.isNaN(time.getTime()) ? null : time.toISOString()
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const invalid = (message: string) => new DomainError('box.invalid', message)
