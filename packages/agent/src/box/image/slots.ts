/**
 * Slots that are partitions. A slot may be several of them, such as one to boot from and one with the system: an image
 * for it is their bytes one after the other, each as long as its partition.
 */
import { basename } from 'node:path'
import { type Disk, readIfThere, sizeIfThere } from '../../disk.ts'
import type { SlotPlace } from './boot-adapter.ts'
import { carryInto } from './carry-over.ts'
import type { Run } from './run.ts'
import { openSlotBytes } from './slot-bytes.ts'

export interface Slot {
  readonly name: string
  /** In the order of the image. The last one holds the system that runs. */
  readonly devices: readonly string[]
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/

/** `a=/dev/mmcblk0p2+/dev/mmcblk0p5,b=/dev/mmcblk0p3+/dev/mmcblk0p6`; throws in words. */
export function parseSlots(text: string): Slot[] {
  const slots = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [name = '', devices = ''] = part.split('=', 2)
      const paths = devices.split('+')
      if (!NAME.test(name) || paths.some((path) => !path.startsWith('/'))) {
        throw new Error(`"${part}" is no slot (NAME=/dev/PARTITION)`)
      }
      return { name, devices: paths }
    })
  const names = new Set(slots.map(({ name }) => name))
  if (slots.length !== 2 || names.size !== 2) throw new Error('two slots are needed, of two names')
  return slots
}

/** What the machine tells of itself besides its files. */
export interface Machine {
  readonly disk: Disk
  readonly run: Run
  /** Of links such as /dev/disk/by-partuuid/…, the device behind. */
  readonly realPath: (path: string) => Promise<string>
  /** The number of the device that a path lies on. */
  readonly deviceOf: (path: string) => Promise<number>
}

/**
 * The slot that the kernel was started with: `updraft.slot=NAME` or `rauc.slot=NAME` on its command line, else the slot
 * whose device is its `root=`. Null where neither tells.
 */
export async function slotOfCommandLine(
  slots: readonly Slot[],
  { disk, realPath }: Machine,
): Promise<string | null> {
  const words = ((await readIfThere(disk, '/proc/cmdline')) ?? '').trim().split(/\s+/)
  const wordOf = (key: string) =>
    words.findLast((word) => word.startsWith(`${key}=`))?.slice(key.length + 1)
  const named = wordOf('updraft.slot') ?? wordOf('rauc.slot')
  if (slots.some(({ name }) => name === named)) return named ?? null
  const root = pathOfRoot(wordOf('root') ?? '')
  if (root === null) return null
  const device = await realPath(root).catch(() => root)
  for (const { name, devices } of slots) {
    const own = await Promise.all(devices.map((path) => realPath(path).catch(() => path)))
    if (own.includes(device)) return name
  }
  return null
}

/** The spellings of the kernel's `root=`, as paths (kernel.org, admin-guide/kernel-parameters). */
function pathOfRoot(value: string): string | null {
  const [, tag, name] = /^(PARTUUID|UUID|LABEL|PARTLABEL)=(.+)$/.exec(value) ?? []
  if (tag) return `/dev/disk/by-${tag.toLowerCase()}/${name}`
  return value.startsWith('/dev/') ? value : null
}

/** Partitions as a place for systems. */
export function partitions(
  slots: readonly Slot[],
  machine: Machine,
  mountFolder: string,
): SlotPlace {
  const devicesOf = (slot: string) => slots.find(({ name }) => name === slot)?.devices ?? []
  const sized = (slot: string) =>
    Promise.all(devicesOf(slot).map(async (path) => ({ path, bytes: await sizeOf(path, machine) })))
  return {
    kind: 'slots',
    capacity: async (slot) => (await sized(slot)).reduce((sum, { bytes }) => sum + bytes, 0),
    open: async (slot) => {
      const parts = await sized(slot)
      return openSlotBytes(machine.disk, parts, async () => {
        // Otherwise what is read back may be memory and not the medium. Plain files have no such call.
        for (const { path } of parts) await machine.run('blockdev', ['--flushbufs', path])
      })
    },
    carryOver: async (slot, paths) => {
      const device = devicesOf(slot).at(-1)
      if (device) await carryInto({ device, paths, folder: mountFolder, machine })
    },
  }
}

/** A block device's size stands in /sys, in units of 512 bytes whatever its own blocks are; a file's is its length. */
async function sizeOf(path: string, { disk, realPath }: Machine): Promise<number> {
  const device = basename(await realPath(path).catch(() => path))
  const sectors = Number(await readIfThere(disk, `/sys/class/block/${device}/size`))
  const bytes = sectors > 0 ? sectors * 512 : await sizeIfThere(disk, path)
  if (!bytes) throw new Error(`${path} is not there, or tells no size`)
  return bytes
}
