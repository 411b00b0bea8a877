/**
 * RAUC does it: it checks the signature of a bundle, marks the other slot bad, writes it, and makes it the first in the
 * boot loader's order, with a counter of attempts that `mark-good` stops.
 * (rauc.readthedocs.io: "Using RAUC", "Integration: boot loader", and rauc(1); the JSON as version 1.8 prints it)
 */
import { UpdateFailed } from '../../trouble.ts'
import { type BootAdapter, type BootState, otherSlot } from './boot-adapter.ts'
import { lastWords, type Run, succeed } from './run.ts'

export interface RaucStatus {
  /** The boot name of what runs. */
  readonly booted: string
  /** RAUC's name of the slot that is the first in the order. */
  readonly boot_primary?: string | null
  readonly slots: readonly Readonly<Record<string, { readonly bootname?: string | null }>>[]
}

/** Slots that can be started, by boot name, with RAUC's own name for each. */
function bootable({ slots }: RaucStatus): Map<string, string> {
  const all = slots.flatMap((slot) => Object.entries(slot))
  return new Map(all.flatMap(([name, { bootname }]) => (bootname ? [[bootname, name]] : [])))
}

export async function raucStatus(run: Run): Promise<RaucStatus> {
  const text = await succeed(run, 'rauc', ['status', '--output-format=json'])
  const status = JSON.parse(text) as Partial<RaucStatus>
  if (typeof status.booted !== 'string' || !Array.isArray(status.slots)) {
    throw new Error('rauc status tells neither what was booted nor what slots there are')
  }
  return status as RaucStatus
}

/** Asks RAUC first what slots there are. */
export async function rauc(run: Run, keeps: BootAdapter['keeps']): Promise<BootAdapter> {
  const slots = [...bootable(await raucStatus(run)).keys()]

  async function active(): Promise<BootState> {
    const status = await raucStatus(run)
    const primary = [...bootable(status)].find(([, name]) => name === status.boot_primary)?.[0]
    const standing = primary ?? status.booted
    return {
      running: status.booted,
      standing,
      // It counts attempts, and tells nobody how many are left: whoever began the trial has to remember.
      isTrial: null,
      armed: standing === status.booted ? null : standing,
    }
  }

  const mark = async (what: 'good' | 'bad' | 'active', slot: string): Promise<void> => {
    await succeed(run, 'rauc', ['status', `mark-${what}`, slot])
  }
  const nameOf = async (slot: string): Promise<string> => {
    const name = bootable(await raucStatus(run)).get(slot)
    if (name === undefined) throw new Error(`RAUC knows no slot ${slot}`)
    return name
  }

  return {
    name: 'rauc',
    slots,
    fallsBack: slots.length > 1,
    describe: () => `RAUC, with the slots ${slots.join(' and ')}`,
    active,
    // It has done so itself, unless it was told not to activate what it installed.
    async setTrial(slot) {
      if ((await active()).standing !== slot) await mark('active', await nameOf(slot))
    },
    async confirm() {
      const { standing, running } = await active()
      if (standing !== running) await mark('active', 'booted')
      await mark('good', 'booted')
    },
    async revert() {
      const other = otherSlot({ slots }, (await active()).running)
      await mark('active', await nameOf(other))
      await mark('bad', 'booted')
    },
    markGood: () => mark('good', 'booted'),
    markBad: async (slot) => mark('bad', await nameOf(slot)),
    keeps,
    place: {
      kind: 'delegate',
      async install(file, { onPercent, signal }) {
        const onLine = (line: string) => {
          const [, percent] = /^\s*(\d{1,3})%/.exec(line) ?? []
          if (percent) onPercent(Number(percent))
        }
        const { code, stdout, stderr } = await run('rauc', ['install', file], { onLine, signal })
        signal.throwIfAborted()
        if (code !== 0) throw new UpdateFailed(`RAUC refused it${why(stdout, stderr)}`, 'install')
      },
    },
  }
}

/** What it calls LastError says most; the last line only that it failed. */
function why(stdout: string, stderr: string): string {
  const [, said] = /LastError:\s*(.+)/.exec(`${stdout}\n${stderr}`) ?? []
  return said ? `: ${said.slice(0, 300)}` : lastWords(stderr || stdout)
}
