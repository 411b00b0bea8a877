/**
 * GRUB, with menu entries named after the slots: `saved_entry` is what stands, and `next_entry` what the next start takes
 * once, as `grub-reboot` sets it. The start-up script that `grub-mkconfig` writes with GRUB_DEFAULT=saved empties
 * next_entry before it starts that entry, so there is one try and never more.
 * (gnu.org/software/grub/manual: "Simple configuration handling", "Invoking grub-reboot", "The GRUB environment block")
 */
import { type BootAdapter, type BootState, otherSlot, type SlotPlace } from './boot-adapter.ts'
import type { BootEnvironment } from './boot-environment.ts'

export interface GrubOptions {
  readonly environment: BootEnvironment
  /** Names of menu entries, which are those of the slots. */
  readonly slots: readonly string[]
  readonly runningSlot: () => Promise<string | null>
  readonly keeps: BootAdapter['keeps']
  readonly place: SlotPlace
}

const STANDING = 'saved_entry'
const NEXT = 'next_entry'

export function grub(options: GrubOptions): BootAdapter {
  const { environment, slots } = options

  async function active(): Promise<BootState> {
    const found = await environment.read([STANDING, NEXT])
    const standing = found[STANDING] ?? ''
    if (!slots.includes(standing)) {
      throw new Error(`${STANDING} of ${environment.name} names no slot (${standing || 'not set'})`)
    }
    const running = await options.runningSlot()
    if (running === null) throw new Error('the command line of the kernel names no slot')
    return { running, standing, isTrial: running !== standing, armed: found[NEXT] || null }
  }

  const stand = (slot: string) => environment.write({ [STANDING]: slot, [NEXT]: '' })

  return {
    name: 'grub',
    slots,
    fallsBack: true,
    describe: () => `GRUB with ${STANDING} and ${NEXT} in ${environment.name}`,
    active,
    setTrial: (slot) => environment.write({ [NEXT]: slot }),
    confirm: async () => stand((await active()).running),
    revert: async () => stand(otherSlot({ slots }, (await active()).running)),
    async markBad(slot) {
      const { standing, armed } = await active()
      if (standing === slot) throw new Error(`slot ${slot} is what starts here`)
      if (armed === slot) await environment.write({ [NEXT]: '' })
    },
    keeps: options.keeps,
    place: options.place,
  }
}
