/** Who lives in the demo, and what new versions they get. */
import { seeded } from './chance.ts'

export const DEMO_FOLDER = './data/demo'

/** Devices of one profile, which all run versions of one package. */
export interface Kind {
  readonly profile: string
  readonly description: string
  readonly devices: number
  readonly type: string
  readonly title: string
  readonly fileBytes: number
  readonly dialects: Readonly<Record<string, number>>
  /** Other fields of a scenario's group (docs/simulator.md). */
  readonly habits: object
}

const WORN_OUT = 'write error at block 0x3f00: the flash is worn out'
const TOO_LOW = 'the battery is too low to install'
const NO_START = 'the new version does not start: it cannot open /dev/ttyS1'

export const FLEET: readonly Kind[] = [
  {
    profile: 'energy meter',
    description: 'In cellars; slow lines, and many of them.',
    devices: 24,
    type: 'firmware',
    title: 'meter-os',
    fileBytes: 240_000,
    dialects: { 'thingsboard-mqtt': 3, 'thingsboard-http': 1 },
    habits: {
      checkInSeconds: 30,
      downloadBytesPerSecond: 12_000,
      installSeconds: 8,
      failures: [{ share: 0.05, reason: WORN_OUT }],
      offline: { everySeconds: 300, forSeconds: 40 },
    },
  },
  {
    profile: 'door sensor',
    description: 'Runs on a battery and speaks CoAP.',
    devices: 14,
    type: 'firmware',
    title: 'door-sense',
    fileBytes: 48_000,
    dialects: { 'thingsboard-coap': 1 },
    habits: {
      checkInSeconds: 40,
      downloadBytesPerSecond: 3_000,
      installSeconds: 4,
      failures: [{ share: 0.12, reason: TOO_LOW }],
    },
  },
  {
    profile: 'charging station',
    description: 'Fast lines, large files.',
    devices: 12,
    type: 'firmware',
    title: 'charge-control',
    fileBytes: 2_400_000,
    dialects: { updraft: 1 },
    habits: {
      checkInSeconds: 20,
      downloadBytesPerSecond: 120_000,
      installSeconds: 12,
      rollbacks: { share: 0.1, restartSeconds: 10 },
      powerCuts: { share: 0.2, offSeconds: 8 },
    },
  },
  {
    profile: 'field gateway',
    description: 'An application beside its firmware is what is updated here.',
    devices: 10,
    type: 'software',
    title: 'gateway-app',
    fileBytes: 900_000,
    dialects: { updraft: 1, 'thingsboard-mqtt': 1 },
    habits: {
      checkInSeconds: 15,
      waitSeconds: 20,
      downloadBytesPerSecond: 60_000,
      installSeconds: 6,
      failures: [{ share: 0.08, reason: NO_START }],
      powerCuts: { share: 0.1, offSeconds: 6 },
      offline: { everySeconds: 240, forSeconds: 30 },
    },
  },
]

/** The kind as a group of a scenario. */
export const groupOf = (
  { profile, devices, dialects, type, title, habits }: Kind,
  provisioning: { readonly key: string; readonly secret: string },
): object => ({
  name: profile.replaceAll(' ', '-'),
  profile,
  devices,
  dialects,
  installed: { [type]: `${title}@1.0.0` },
  provisioning,
  startWithinSeconds: 15,
  ...habits,
})

/** One minor step above the highest there is; 1.0.0 is what devices leave the factory with. */
export function nextVersion(versions: readonly string[]): string {
  const minors = versions.flatMap((version) => /^1\.(\d+)\.0$/.exec(version)?.[1] ?? [])
  return `1.${Math.max(0, ...minors.map(Number)) + 1}.0`
}

/** Three files take turns: a demo that runs for a week fills no disk. */
export function someFile({ title, fileBytes }: Kind, version: string): Uint8Array<ArrayBuffer> {
  const turn = Number(version.split('.')[1]) % 3
  const random = seeded(title.length * 1000 + turn)
  return Uint8Array.from({ length: fileBytes }, () => Math.floor(random() * 256))
}
