/** What the machine says of itself: who it is, how it is connected, since when it runs. */
import { createHash, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { hostname, networkInterfaces, platform, uptime } from 'node:os'
import { join } from 'node:path'
import { type Disk, freeBytes, readIfThere, writeDurably } from '../disk.ts'

export interface NetworkInterface {
  readonly name: string
  readonly mac: string
  readonly addresses: readonly string[]
}

export interface Identity {
  /** By which the server knows the box; it stays the same for good. */
  readonly identifier: string
  readonly serial: string | null
  readonly model: string | null
}

/** Read once from the machine, and kept: a box whose network card is changed is the same box. */
export async function identityOf(
  disk: Disk,
  folder: string,
  given: string | null = null,
): Promise<Identity> {
  const path = join(folder, 'identity.json')
  const serial = await textIn([
    '/proc/device-tree/serial-number',
    '/sys/class/dmi/id/product_serial',
  ])
  const model = await textIn(['/proc/device-tree/model', '/sys/class/dmi/id/product_name'])
  const kept = identifierIn(await readIfThere(disk, path))
  const known = given ?? kept
  if (known) return { identifier: known, serial, model }
  const board = await textIn(['/proc/device-tree/serial-number'])
  const machine = await textIn(['/etc/machine-id'])
  // Several virtual boxes may share a machine.
  const identifier = board ?? digest(machine ? `${machine} ${folder}` : randomUUID())
  await writeDurably(disk, path, `${JSON.stringify({ identifier })}\n`)
  return { identifier, serial, model }
}

/** Those that lead out of the machine. */
export function interfacesNow(): NetworkInterface[] {
  return Object.entries(networkInterfaces()).flatMap(([name, all = []]) => {
    const outside = all.filter(({ internal }) => !internal)
    const mac = outside[0]?.mac
    if (mac === undefined) return []
    return [{ name, mac, addresses: outside.map(({ address }) => address) }]
  })
}

export interface Vitals {
  readonly hostName: string
  readonly platform: string
  readonly systemUpSeconds: number
  readonly programUpSeconds: number
  readonly freeBytes: number | null
}

export async function vitalsNow(disk: Disk, folder: string): Promise<Vitals> {
  return {
    hostName: hostname(),
    platform: platform(),
    systemUpSeconds: Math.floor(uptime()),
    programUpSeconds: Math.floor(process.uptime()),
    freeBytes: await freeBytes(disk, folder).catch(() => null),
  }
}

/** The letter that handlers end in which are for this system only. */
export const platformLetter = (): 'L' | 'W' => (platform() === 'win32' ? 'W' : 'L')

async function textIn(paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const text = await readFile(path, 'latin1').catch(() => '')
    const plain = text.replaceAll('\0', '').trim()
    if (/^[\x20-\x7e]{3,100}$/.test(plain) && !NOBODY.test(plain)) return plain
  }
  return null
}

/** What makers of boards write where a serial number should be. */
const NOBODY =
  /^(0+|none|default string|not specified|to be filled by o\.?e\.?m\.?|system serial number)$/i

const digest = (text: string): string =>
  createHash('sha256').update(`updraft box ${text}`).digest('hex').slice(0, 16)

function identifierIn(text: string | null): string | null {
  try {
    const { identifier } = JSON.parse(text ?? '{}') as { identifier?: unknown }
    return typeof identifier === 'string' && identifier !== '' ? identifier : null
  } catch {
    return null
  }
}
