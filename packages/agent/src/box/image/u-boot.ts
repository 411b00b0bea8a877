/**
 * U-Boot with a boot count: `upgrade_available` says that what the slot variable names is on trial, `bootcount` counts
 * its starts, and past `bootlimit` U-Boot runs `altbootcmd`, which is to name the other slot again and end the trial.
 * (docs.u-boot.org, "Boot count limit": bootcount, bootlimit, altbootcmd, upgrade_available)
 */
import { type BootAdapter, type BootState, otherSlot, type SlotPlace } from './boot-adapter.ts'
import type { BootEnvironment } from './boot-environment.ts'

export interface UBootNames {
  readonly slot: string
  readonly upgradeAvailable: string
  readonly bootCount: string
  readonly bootLimit: string
}

export const UBOOT_NAMES: UBootNames = {
  slot: 'slot',
  upgradeAvailable: 'upgrade_available',
  bootCount: 'bootcount',
  bootLimit: 'bootlimit',
}

export interface UBootOptions {
  readonly environment: BootEnvironment
  readonly slots: readonly string[]
  readonly names?: UBootNames
  /** What the kernel was started with, which says more than the variable. */
  readonly runningSlot: () => Promise<string | null>
  readonly keeps: BootAdapter['keeps']
  readonly place: SlotPlace
}

export function uBoot(options: UBootOptions): BootAdapter {
  const { environment, slots, names = UBOOT_NAMES } = options

  async function active(): Promise<BootState> {
    const found = await environment.read([names.slot, names.upgradeAvailable])
    const named = found[names.slot]
    if (named === undefined || !slots.includes(named)) {
      throw new Error(`${names.slot} of ${environment.name} names no slot (${named ?? 'not set'})`)
    }
    const isOnTrial = found[names.upgradeAvailable] === '1'
    const running = (await options.runningSlot()) ?? named
    return {
      running,
      standing: isOnTrial ? otherSlot({ slots }, named) : named,
      isTrial: isOnTrial && running === named,
      armed: isOnTrial && running !== named ? named : null,
    }
  }

  const stand = (slot: string) =>
    environment.write({
      [names.slot]: slot,
      [names.upgradeAvailable]: '0',
      [names.bootCount]: '0',
    })

  return {
    name: 'u-boot',
    slots,
    fallsBack: true,
    describe: () => `U-Boot with ${names.upgradeAvailable} and ${names.bootCount}`,
    active,
    setTrial: (slot, tries) =>
      environment.write({
        [names.slot]: slot,
        [names.upgradeAvailable]: '1',
        [names.bootCount]: '0',
        [names.bootLimit]: String(tries),
      }),
    confirm: async () => stand((await active()).running),
    revert: async () => stand(otherSlot({ slots }, (await active()).running)),
    async markBad(slot) {
      const { running, standing, armed } = await active()
      if (running === slot) throw new Error(`slot ${slot} is what runs here`)
      // Only the variable leads to a slot: as long as it names the other one, nobody starts this one.
      if (standing === slot || armed === slot) await stand(running)
    },
    keeps: options.keeps,
    place: options.place,
  }
}
