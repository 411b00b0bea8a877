/**
 * The firmware of a Raspberry Pi: `autoboot.txt` on the first partition names the partition that is started, and below
 * `[tryboot]` the one that `reboot "0 tryboot"` starts once. The flag is cleared before that system starts, so whatever
 * becomes of it, the next start is the old one.
 * (raspberrypi.com/documentation: "autoboot.txt", "Fail-safe OS updates", "Device trees: bootloader properties")
 */
import { join } from 'node:path'
import { type Disk, readIfThere, writeDurably } from '../../disk.ts'
import type { BootAdapter, BootState, SlotPlace } from './boot-adapter.ts'
import { type Run, succeed } from './run.ts'

/** The firmware reads no more of the file; and a write of one sector is whole or not at all. */
const MAX_BYTES = 512

export interface TrybootOptions {
  /** Where the partition with autoboot.txt is mounted. */
  readonly folder: string
  /** What a slot is called, by the number of the partition that it starts from. */
  readonly slots: Readonly<Record<string, number>>
  readonly place: SlotPlace
  readonly keeps: BootAdapter['keeps']
  readonly disk: Disk
  readonly run: Run
  /** What the firmware tells the kernel. */
  readonly properties?: string
}

interface Autoboot {
  readonly standing: number
  readonly trial: number | null
}

export function rpiTryboot(options: TrybootOptions): BootAdapter {
  const { folder, slots, disk, run, properties = '/proc/device-tree/chosen/bootloader' } = options
  const path = join(folder, 'autoboot.txt')
  const names = Object.keys(slots)
  const nameOf = (partition: number): string => {
    const name = names.find((slot) => slots[slot] === partition)
    if (name === undefined) throw new Error(`partition ${partition} is the start of no slot`)
    return name
  }
  const partitionOf = (slot: string): number => {
    const partition = slots[slot]
    if (partition === undefined) throw new Error(`there is no slot ${slot}`)
    return partition
  }

  async function read(): Promise<Autoboot> {
    const text = await readIfThere(disk, path)
    if (text === null) throw new Error(`${path} is not there`)
    return parseAutoboot(text)
  }

  /** Written anew beside it and renamed: FAT knows no better. Then looked at, for it is what the machine starts by. */
  async function write(wanted: Autoboot): Promise<void> {
    const text = autobootText(wanted)
    if (Buffer.byteLength(text) > MAX_BYTES) throw new Error(`${path} would be too long`)
    await writeDurably(disk, path, text)
    if ((await disk.readFile(path, 'utf8')) !== text) throw new Error(`${path} reads otherwise`)
  }

  /** 32 bits, the most significant first. */
  async function property(name: string): Promise<number | null> {
    const bytes = await disk.readFile(join(properties, name)).catch(() => null)
    return bytes && bytes.length >= 4 ? bytes.readUInt32BE(0) : null
  }

  async function active(): Promise<BootState> {
    const { standing } = await read()
    const partition = await property('partition')
    const isTrial = (await property('tryboot')) === 1
    // A firmware that does not tell the partition is one that knows no slots either.
    if (partition === null) throw new Error('the firmware does not tell what it started from')
    const running = nameOf(partition)
    // Arming is part of the restart itself; until then there is nothing that a power cut would leave armed.
    return {
      running,
      standing: nameOf(standing),
      isTrial: isTrial && partition !== standing,
      armed: null,
    }
  }

  return {
    name: 'rpi-tryboot',
    slots: names,
    fallsBack: true,
    describe: () => `tryboot of a Raspberry Pi, by ${path}`,
    active,
    async setTrial(slot) {
      const { standing } = await read()
      await write({ standing, trial: partitionOf(slot) })
    },
    async confirm() {
      const { running } = await active()
      const before = names.find((slot) => slot !== running)
      const wanted = { standing: partitionOf(running), trial: before ? partitionOf(before) : null }
      const now = await read()
      if (now.standing !== wanted.standing || now.trial !== wanted.trial) await write(wanted)
    },
    async revert() {
      const { running, standing } = await active()
      if (running !== standing) return
      const other = names.find((slot) => slot !== running)
      if (other) await write({ standing: partitionOf(other), trial: partitionOf(running) })
    },
    async markBad(slot) {
      const now = await read()
      if (now.standing === partitionOf(slot)) throw new Error(`slot ${slot} is what starts here`)
    },
    restart: async () => {
      await succeed(run, 'reboot', ['0 tryboot'])
    },
    keeps: options.keeps,
    place: options.place,
  }
}

export function parseAutoboot(text: string): Autoboot {
  let section = 'all'
  let standing: number | null = null
  let trial: number | null = null
  for (const line of text.split(/\r?\n/)) {
    const [, filter] = /^\s*\[(.+?)\]/.exec(line) ?? []
    if (filter) section = filter.toLowerCase()
    const [, number] = /^\s*boot_partition\s*=\s*(\d+)/.exec(line) ?? []
    if (!number) continue
    if (section === 'all') standing = Number(number)
    if (section === 'tryboot') trial = Number(number)
  }
  if (standing === null) throw new Error('autoboot.txt names no boot_partition')
  return { standing, trial }
}

const autobootText = ({ standing, trial }: Autoboot): string =>
  `[all]\ntryboot_a_b=1\nboot_partition=${standing}\n${
    trial === null ? '' : `[tryboot]\nboot_partition=${trial}\n`
  }`
