/**
 * Slots as files, and a boot loader that is a file too: for tests, for trying it out, and for machines without slots when
 * they are asked to play. `boot()` is what the boot loader would do at a start of the machine.
 */
import { dirname, join } from 'node:path'
import type { Installed } from '@updraft/core'
import { type Disk, makeFolder, readIfThere, sizeIfThere, writeDurably } from '../../disk.ts'
import type { BootAdapter, BootState, SlotPlace } from './boot-adapter.ts'
import { parseImageVersion } from './image-version.ts'
import { openSlotBytes } from './slot-bytes.ts'

interface Environment {
  readonly running: string
  readonly isTrial: boolean
  readonly standing: string
  readonly trial: { readonly slot: string; readonly tries: number } | null
  readonly bad: readonly string[]
}

export interface Simulator extends BootAdapter {
  readonly place: SlotPlace
  /** Where the bytes of a slot lie. */
  pathOf(slot: string): string
  /** Where what was carried over to a slot lies. */
  carriedTo(slot: string): string
  /**
   * Starts the machine anew: the slot that runs then. `starts` says whether the system in a slot comes up; one that does
   * not is left at the next start, as a watchdog would see to. Throws when none comes up.
   */
  boot(starts?: (slot: string) => boolean | Promise<boolean>): Promise<string>
}

const SLOTS = ['a', 'b'] as const
/** Starts of one machine until it is given up: more than it may ever take. */
const MAX_STARTS = 16

export interface SimulatorOptions {
  readonly disk: Disk
  readonly folder: string
  readonly slotBytes: number
}

/** Makes the folder, the slots and the environment where they are not there yet. */
export async function fileSimulator({
  disk,
  folder,
  slotBytes,
}: SimulatorOptions): Promise<Simulator> {
  const environment = join(folder, 'environment.json')
  const pathOf = (slot: string) => join(folder, `slot-${slot}.img`)
  const carriedTo = (slot: string) => join(folder, `slot-${slot}.carried`)

  await makeFolder(disk, folder, 0o700)
  for (const slot of SLOTS) {
    if ((await sizeIfThere(disk, pathOf(slot))) === null) await writeDurably(disk, pathOf(slot), '')
  }
  if ((await readIfThere(disk, environment)) === null) {
    await write({ running: 'a', isTrial: false, standing: 'a', trial: null, bad: ['b'] })
  }

  async function read(): Promise<Environment> {
    return JSON.parse(await disk.readFile(environment, 'utf8')) as Environment
  }
  function write(next: Environment): Promise<void> {
    return writeDurably(disk, environment, `${JSON.stringify(next)}\n`)
  }
  const without = (bad: readonly string[], slot: string) => bad.filter((each) => each !== slot)

  return {
    name: 'simulator',
    slots: SLOTS,
    fallsBack: true,
    describe: () => `slots that are files, in ${folder}`,

    async active(): Promise<BootState> {
      const { running, isTrial, standing, trial } = await read()
      return { running, isTrial, standing, armed: trial?.slot ?? null }
    },

    async setTrial(slot, tries) {
      const now = await read()
      await write({ ...now, trial: { slot, tries }, bad: without(now.bad, slot) })
    },

    async confirm() {
      const now = await read()
      const bad = without(now.bad, now.running)
      await write({ ...now, standing: now.running, isTrial: false, trial: null, bad })
    },

    async revert() {
      const now = await read()
      const standing = SLOTS.find((slot) => slot !== now.running) ?? now.standing
      await write({
        ...now,
        standing,
        trial: null,
        bad: [...without(now.bad, standing), now.running],
      })
    },

    async markBad(slot) {
      const now = await read()
      const trial = now.trial?.slot === slot ? null : now.trial
      await write({ ...now, trial, bad: [...without(now.bad, slot), slot] })
    },

    keeps: async () => true,

    place: {
      kind: 'slots',
      capacity: async () => slotBytes,
      open: (slot) => openSlotBytes(disk, [{ path: pathOf(slot), bytes: slotBytes }]),
      async carryOver(slot, paths) {
        for (const path of paths) await copy(disk, path, join(carriedTo(slot), path))
      },
    },

    pathOf,
    carriedTo,

    async boot(starts = () => true) {
      for (let start = 1; start <= MAX_STARTS; start++) {
        const now = await read()
        const other = SLOTS.find((slot) => slot !== now.standing) ?? now.standing
        const { trial } = now
        const isTrial = trial !== null && trial.tries > 0
        // A standing slot that has not come up so often is given up, where there is another to start.
        const isLost = !isTrial && start > MAX_STARTS / 2 && !now.bad.includes(other)
        const slot = isTrial ? trial.slot : isLost ? other : now.standing
        // The try is used up before the system starts: whatever happens to it, the next start is another one.
        const left = isTrial && trial.tries > 1 ? { slot, tries: trial.tries - 1 } : null
        await write({ ...now, running: slot, isTrial, trial: left })
        if (await starts(slot)) return slot
      }
      throw new Error('the machine does not start any more')
    },
  }
}

/** What the system in a slot calls itself: the first line of its bytes, `TITLE@VERSION`. */
export async function simulatedVersion(
  disk: Disk,
  { active, pathOf }: Pick<Simulator, 'active' | 'pathOf'>,
): Promise<Installed | null> {
  const { running } = await active()
  const file = await disk.open(pathOf(running), 'r')
  try {
    const head = Buffer.alloc(256)
    const { bytesRead } = await file.read(head, 0, head.length, 0)
    const text = head.subarray(0, bytesRead).toString('utf8')
    return /^[^\0\n]+@[^\0\n]+\n/.test(text) ? parseImageVersion(text) : null
  } finally {
    await file.close()
  }
}

async function copy(disk: Disk, from: string, to: string): Promise<void> {
  const names = await disk.readdir(from).catch(() => null)
  if (names) {
    await makeFolder(disk, to, 0o700)
    for (const name of names) await copy(disk, join(from, name), join(to, name))
  } else if ((await sizeIfThere(disk, from)) !== null) {
    await makeFolder(disk, dirname(to), 0o700)
    await writeDurably(disk, to, await disk.readFile(from))
  }
}
