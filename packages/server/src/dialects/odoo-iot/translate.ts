/** A box's words ⇄ ours: what it announces of itself, and the entity tag by which it says which handlers it has. */
import {
  type BoxPlatform,
  type Device,
  type Facts,
  HANDLERS,
  type Installed,
  type JsonObject,
  type LogLevel,
  type Release,
} from '@updraft/core'
import { GENERATIONS, type Generation, type Setup } from '@updraft/wire/odoo-iot'

/** Beyond that a box has no devices that anybody would look for. */
const MAX_DEVICES = 500

/** The box's account of itself, kept as the inventory of the device. */
export function inventoryOf(said: Setup): JsonObject {
  const { identifier, mac, name, ip, versionText, version, generation } = said
  const facts = {
    identifier,
    mac,
    hostName: name,
    ip,
    version: versionText,
    generation,
    platform: version?.platform,
    commit: version?.commit,
    devices: devicesOf(said),
  }
  return Object.fromEntries(
    Object.entries(facts).flatMap(([key, value]) => (value == null ? [] : [[key, value]])),
  )
}

/** The scales, printers and so on that are connected to it. */
const devicesOf = ({ devices = {} }: Setup): JsonObject =>
  Object.fromEntries(
    Object.entries(devices)
      .slice(0, MAX_DEVICES)
      .map(([id, { name, type, manufacturer, connection, subtype }]) => {
        const known = { name, type, manufacturer, connection, subtype }
        const told = Object.entries(known).flatMap(([key, value]) => (value ? [[key, value]] : []))
        return [id, Object.fromEntries(told)]
      }),
  )

/** What it says it runs; `begun`: the handlers it has begun with. */
export function factsOf(said: Setup, begun: Installed | null): Facts {
  const { version } = said
  const installed: Record<string, Installed> = {}
  if (version) {
    installed.image = { title: null, version: version.image }
    const { code, commit } = version
    if (code !== undefined) {
      installed.code = { title: null, version: commit === undefined ? code : `${code}#${commit}` }
    }
  }
  if (begun) installed[HANDLERS] = begun
  return { installed, inventory: inventoryOf(said) }
}

/** The system a box said it runs on. */
export const platformOf = ({ inventory }: Pick<Device, 'inventory'>): BoxPlatform =>
  inventory.platform === 'W' ? 'W' : 'L'

/** Python's numbers. */
export function levelOf(level: number): LogLevel {
  if (level >= 40) return 'error'
  if (level >= 30) return 'warn'
  return level >= 20 ? 'info' : 'debug'
}

/** Whether a box that tells this of itself can be told to restart. */
export const canRestart = ({ generation }: JsonObject): boolean =>
  typeof generation === 'string' &&
  generation in GENERATIONS &&
  GENERATIONS[generation as Generation].restarts

/** Says the release, so that what a box names tells which it has, and just these bytes of it. */
export const etagOf = (
  { id }: Pick<Release, 'id'>,
  platform: BoxPlatform,
  digest: string,
): string => `${id}.${platform}.${digest.slice(0, 32)}`

/** The id of the release in an entity tag of ours; null for one that somebody else gave out. */
export const releaseIn = (etag: string): string | null =>
  /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.[LW]\.[0-9a-f]{32}$/.exec(etag)?.[1] ?? null
