/** Which boot loader a machine has, as far as it can be told; or why an image cannot be installed on it. */
import * as promises from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Installed } from '@updraft/core'
import { type Disk, readIfThere } from '../../disk.ts'
import { messageOf } from '../../trouble.ts'
import type { LayerStatus } from '../layer.ts'
import type { BootAdapter, BootAdapterName } from './boot-adapter.ts'
import { grubEnvironment, uBootEnvironment } from './boot-environment.ts'
import { fileSimulator, simulatedVersion } from './file-simulator.ts'
import { grub } from './grub.ts'
import { IMAGE_VERSION_FILES, imageVersion } from './image-version.ts'
import { rauc } from './rauc.ts'
import { parseAutoboot, rpiTryboot } from './rpi-tryboot.ts'
import { runProgram } from './run.ts'
import { type Machine, partitions, type Slot, slotOfCommandLine } from './slots.ts'
import { swUpdate } from './swupdate.ts'
import { UBOOT_NAMES, type UBootNames, uBoot } from './u-boot.ts'

/** The machine that this program runs on. */
export const systemMachine = (disk: Disk): Machine => ({
  disk,
  run: runProgram,
  realPath: (path) => promises.realpath(path),
  deviceOf: async (path) => (await promises.stat(path)).dev,
})

export interface BootSettings {
  /** `auto` looks what there is; `none` where no image is to be installed. */
  readonly boot: 'auto' | 'none' | BootAdapterName
  /** The partitions; RAUC knows its own. */
  readonly slots: readonly Slot[]
  /** For the simulator's slots, and where a slot is mounted for what is carried over. */
  readonly folder: string
  readonly simulatedSlotBytes: number
  /** Where the partition with autoboot.txt is mounted. */
  readonly autobootFolder: string
  readonly grubEnvironment: string
  readonly uBootNames?: Partial<UBootNames>
  readonly swUpdate: {
    readonly program: 'swupdate' | 'swupdate-client'
    readonly arguments: readonly string[]
    readonly select: string | null
  }
  readonly versionFiles?: readonly string[]
}

export const BOOT_DEFAULTS = {
  boot: 'auto',
  slots: [],
  simulatedSlotBytes: 4 * 2 ** 30,
  autobootFolder: '/boot/firmware',
  grubEnvironment: '/boot/grub/grubenv',
  swUpdate: { program: 'swupdate', arguments: [], select: null },
  versionFiles: IMAGE_VERSION_FILES,
} as const satisfies Partial<BootSettings>

/** What the image layer is to be made of on this machine. */
export interface DetectedBoot {
  readonly boot: BootAdapter | NonNullable<LayerStatus['refusal']>
  readonly restart: () => Promise<void>
  readonly runningVersion: () => Promise<Installed | null>
}

const INSTEAD = 'write the image to its card or disk by another machine, and start it from there'

export async function detectBootAdapter(
  settings: BootSettings,
  machine: Machine,
  restart: () => Promise<void>,
): Promise<DetectedBoot> {
  const { boot: wanted, folder, simulatedSlotBytes: slotBytes } = settings
  const { disk } = machine
  const runningVersion = () => imageVersion(disk, settings.versionFiles)
  if (wanted === 'none') {
    const because = 'this box is set to have no image of its own to install'
    return { boot: { because, instead: INSTEAD }, restart, runningVersion }
  }
  if (wanted === 'simulator') {
    const simulator = await fileSimulator({ disk, folder: join(folder, 'slots'), slotBytes })
    return {
      boot: simulator,
      restart: async () => {
        await simulator.boot()
        await restart()
      },
      runningVersion: () => simulatedVersion(disk, simulator),
    }
  }
  const tried: string[] = []
  for (const name of wanted === 'auto' ? FOUND_BY_ITSELF : [wanted]) {
    try {
      const adapter = await ADAPTERS[name](settings, machine)
      await adapter.active()
      return { boot: adapter, restart, runningVersion }
    } catch (error) {
      tried.push(`${name}: ${messageOf(error)}`)
    }
  }
  const because =
    wanted === 'auto'
      ? 'this machine has no two slots to install an image in and start it on trial'
      : `its boot loader cannot be used (${tried.join('; ')})`
  return { boot: { because, instead: INSTEAD }, restart, runningVersion }
}

type Real = Exclude<BootAdapterName, 'simulator'>

/** SWUpdate has to be told how to check its files, so nobody finds it by itself. */
const FOUND_BY_ITSELF: readonly Real[] = ['rauc', 'rpi-tryboot', 'u-boot', 'grub']

const ADAPTERS: Readonly<
  Record<Real, (settings: BootSettings, machine: Machine) => Promise<BootAdapter>>
> = {
  rauc: (_, machine) => rauc(machine.run, keepsOn(machine)),
  'rpi-tryboot': onTryboot,
  'u-boot': async (settings, machine) =>
    uBoot({
      ...common(settings, machine),
      environment: uBootEnvironment(machine.run),
      slots: namesOf(settings),
      names: { ...UBOOT_NAMES, ...settings.uBootNames },
    }),
  grub: async (settings, machine) =>
    grub({
      ...common(settings, machine),
      environment: grubEnvironment({ ...machine, path: settings.grubEnvironment }),
      slots: namesOf(settings),
    }),
  swupdate: onSwUpdate,
}

async function onTryboot(settings: BootSettings, machine: Machine): Promise<BootAdapter> {
  const { autobootFolder } = settings
  const text = await readIfThere(machine.disk, join(autobootFolder, 'autoboot.txt'))
  if (text === null) throw new Error(`there is no autoboot.txt in ${autobootFolder}`)
  parseAutoboot(text)
  const numbers = settings.slots.map(({ name, devices }) => {
    const [, number] = /(\d+)$/.exec(devices[0] ?? '') ?? []
    return [name, Number(number)] as const
  })
  namesOf(settings)
  return rpiTryboot({
    ...common(settings, machine),
    ...machine,
    folder: autobootFolder,
    slots: Object.fromEntries(numbers),
  })
}

async function onSwUpdate(settings: BootSettings, machine: Machine): Promise<BootAdapter> {
  const { run } = machine
  const environments = [
    [await ADAPTERS['u-boot'](settings, machine), uBootEnvironment(run)],
    [
      await ADAPTERS.grub(settings, machine),
      grubEnvironment({ ...machine, path: settings.grubEnvironment }),
    ],
  ] as const
  for (const [loader, environment] of environments) {
    const isThere = await loader.active().then(
      () => true,
      () => false,
    )
    if (isThere) return swUpdate({ ...settings.swUpdate, run, loader, environment })
  }
  throw new Error('neither the environment of U-Boot nor that of GRUB tells what starts here')
}

function namesOf({ slots }: BootSettings): string[] {
  if (slots.length !== 2) throw new Error('its two slots have to be named: --boot-slots')
  return slots.map(({ name }) => name)
}

const common = ({ slots, folder }: BootSettings, machine: Machine) => ({
  runningSlot: () => slotOfCommandLine(slots, machine),
  keeps: keepsOn(machine),
  place: partitions(slots, machine, join(folder, 'mounted')),
})

/** What lies on another device than the running system is there whichever slot runs. */
const keepsOn =
  ({ deviceOf }: Machine) =>
  async (path: string): Promise<boolean> => {
    for (let place = path; ; place = dirname(place)) {
      const device = await deviceOf(place).catch(() => null)
      if (device !== null) return device !== (await deviceOf('/'))
      if (place === '/') return false
    }
  }
