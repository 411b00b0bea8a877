/**
 * A device described as Ioto's devices are: a folder with device.json5 (who it is), ioto.json5 (how it goes about it),
 * local.json5 (what is different here) and provision.json5 (what its registration said). Read into our own settings,
 * which flags and the environment still outdo.
 */
import { readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Json, JsonObject } from '@updraft/core'
import { readBody } from '@updraft/wire/ioto'
import { parseCronWindow, parseSeconds } from './cron-window.ts'
import { codeOf, messageOf } from './trouble.ts'

export interface DeviceFolder {
  /** All of device.json5: what the device says of itself. */
  readonly properties: JsonObject
  /** What provision.json5 says, once it has registered. */
  readonly place: { readonly api: string; readonly token: string } | null
  /** Files of certificates to believe. */
  readonly authorityFile: string | null
  /** By flag, what the files say of our settings. */
  readonly settings: Readonly<Record<string, string>>
}

/** A file that cannot be used; the message says which and why. */
export class WrongFolder extends Error {
  override readonly name = 'WrongFolder'
}

export const PROVISION_FILE = 'provision.json5'

/** Throws WrongFolder. */
export function readDeviceFolder(folder: string): DeviceFolder {
  const [device, ioto, local, provision] = [
    'device.json5',
    'ioto.json5',
    'local.json5',
    PROVISION_FILE,
  ].map((name) => readFile(join(folder, name)))
  if (!device && !ioto)
    throw new WrongFolder(`${folder} holds neither device.json5 nor ioto.json5.`)
  const config = configOf(ioto ?? {}, local ?? {})
  const properties = merged(device ?? {}, objectIn(local ?? {}, 'device'))
  const [api, token] = [textIn(provision ?? {}, 'api'), textIn(provision ?? {}, 'token')]
  const who = {
    // Without one of its own it is known by the one it registered with.
    'device-id': textIn(properties, 'id') ?? textIn(provision ?? {}, 'id'),
    product: textIn(properties, 'product'),
    server: textIn(objectIn(config, 'api'), 'builder') ?? api,
  }
  return {
    properties,
    place: api && token ? { api, token } : null,
    authorityFile: pathOf(textIn(objectIn(config, 'tls'), 'authority'), folder, config),
    settings: told({ ...who, ...settingsOf(config, folder) }),
  }
}

/** ioto.json5, with the part for its profile over it, and local.json5 over all; that may also name the profile. */
function configOf(ioto: JsonObject, local: JsonObject): JsonObject {
  const profile = textIn(local, 'profile') ?? textIn(ioto, 'profile') ?? 'dev'
  const byProfile = objectIn(objectIn(ioto, 'conditional'), 'profile')
  return merged(merged(ioto, objectIn(byProfile, profile)), local)
}

function settingsOf(config: JsonObject, folder: string): Record<string, string | null> {
  const update = objectIn(config, 'update')
  const timeouts = { ...objectIn(config, 'timeouts'), ...objectIn(update, 'timeouts') }
  const isOff = update.enable === false || objectIn(config, 'services').update === false
  const version = textIn(config, 'version')
  return {
    uplink: 'ioto',
    installed: `firmware=${version ?? '1.0.0'}`,
    'install-script': pathOf(textIn(objectIn(config, 'scripts'), 'update'), folder, config),
    'check-window': isOff ? 'never' : windowIn(update, 'schedule'),
    'apply-window': windowIn(update, 'apply'),
    'interval-seconds': secondsIn(update, 'period') ?? '86400',
    'fixed-interval': 'yes',
    'jitter-seconds': secondsIn(update, 'jitter'),
    'throttle-ms': textIn(update, 'throttle'),
    'answer-seconds': secondsIn(timeouts, 'api'),
  }
}

const told = (found: Readonly<Record<string, string | null>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(found).flatMap(([flag, text]) => (text === null ? [] : [[flag, text]])),
  )

function readFile(path: string): JsonObject | null {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw new WrongFolder(`${path} cannot be read: ${messageOf(error)}.`)
  }
  const found = readBody(text)
  if (!found) throw new WrongFolder(`${path} is no object in JSON5.`)
  return found
}

/** `@config/x` and its like: folders of that name, which `directories` may put elsewhere. */
function pathOf(path: string | null, folder: string, config: JsonObject): string | null {
  if (path === null) return null
  const [, name, rest] = /^@([a-z]+)\/(.*)$/.exec(path) ?? []
  // As for Ioto's agent, other paths are those of the folder it was started in.
  if (name === undefined || rest === undefined) return path
  const elsewhere = textIn(objectIn(config, 'directories'), name)
  if (elsewhere !== null && !elsewhere.startsWith('@')) return resolve(elsewhere, rest)
  return name === 'config' ? resolve(folder, rest) : resolve(dirname(resolve(folder)), name, rest)
}

function windowIn(object: JsonObject, key: string): string | null {
  const text = textIn(object, key)
  return text === null ? null : checked(key, text, () => parseCronWindow(text) && text)
}

function secondsIn(object: JsonObject, key: string): string | null {
  const text = textIn(object, key)
  return text === null ? null : checked(key, text, () => String(parseSeconds(text)))
}

function checked(key: string, text: string, read: () => string): string {
  try {
    return read()
  } catch (error) {
    throw new WrongFolder(`ioto.json5: ${key}: "${text}" cannot be used: ${messageOf(error)}.`)
  }
}

const objectIn = (object: JsonObject, key: string): JsonObject => {
  const found = Object.hasOwn(object, key) ? object[key] : undefined
  return isObject(found) ? found : {}
}

const textIn = (object: JsonObject, key: string): string | null => {
  const found = Object.hasOwn(object, key) ? object[key] : undefined
  return (typeof found === 'string' && found !== '') || typeof found === 'number'
    ? String(found)
    : null
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Objects within objects are merged; all else is replaced. */
function merged(under: JsonObject, over: JsonObject): JsonObject {
  const all = Object.entries(over).map(([key, value]) => {
    return [key, isObject(value) ? merged(objectIn(under, key), value) : value]
  })
  return { ...under, ...Object.fromEntries(all) }
}
