/**
 * The boot loader's door: which of two or more slots starts, which one is tried once, and what happens when the tried
 * one does not come up. What the boot loader says is the truth; whoever keeps notes of it corrects them by this.
 */

export interface BootState {
  /** The slot that runs now. */
  readonly running: string
  /** The slot that the machine starts by itself when nothing is on trial. */
  readonly standing: string
  /** Whether what runs is on trial; null where the boot loader does not tell. */
  readonly isTrial: boolean | null
  /** The slot that the next start tries; null when nothing is to be tried. */
  readonly armed: string | null
}

export const BOOT_ADAPTERS = [
  'simulator',
  'rpi-tryboot',
  'u-boot',
  'grub',
  'rauc',
  'swupdate',
] as const
export type BootAdapterName = (typeof BOOT_ADAPTERS)[number]

/** Each call can be taken twice, and a power cut in one of them leaves the state before or the state after. */
export interface BootAdapter {
  readonly name: BootAdapterName
  /** In the boot loader's own names. */
  readonly slots: readonly string[]
  /** Whether a system that does not come up is left again without anybody's help. */
  readonly fallsBack: boolean
  /** For people: one sentence. */
  describe(): string
  active(): Promise<BootState>
  /** The next start takes that slot, and so many starts of it may go wrong before the standing one comes back. */
  setTrial(slot: string, tries: number): Promise<void>
  /** What runs now is what stands from now on; nothing is on trial any more. */
  confirm(): Promise<void>
  /** What runs now is left at the next start, and not come back to. */
  revert(): Promise<void>
  /** That slot, which does not run, is not to be started: what lies in it is no whole system. */
  markBad(slot: string): Promise<void>
  /** Where each start has to be called good, or is counted as one that went wrong; not called during a trial. */
  readonly markGood?: () => Promise<void>
  /** Where a plain restart would not try the armed slot: the restart that does. */
  readonly restart?: () => Promise<void>
  /** Whether what lies there is the same whichever slot runs. */
  keeps(path: string): Promise<boolean>
  /** How a system gets into a slot. */
  readonly place: SlotPlace | Delegate
}

/** Slots that are written byte by byte. */
export interface SlotPlace {
  readonly kind: 'slots'
  capacity(slot: string): Promise<number>
  open(slot: string): Promise<SlotBytes>
  /** Copies files and folders of the running system to the same places in that slot. */
  carryOver(slot: string, paths: readonly string[]): Promise<void>
}

export interface SlotBytes {
  write(bytes: Buffer, position: number): Promise<void>
  /** Fills the buffer from there on, or as much of it as there is. */
  read(into: Buffer, position: number): Promise<number>
  /** What was written is on the medium, and is read from there from now on where the machine allows it. */
  sync(): Promise<void>
  close(): Promise<void>
}

/** Another program takes the whole file, chooses the slot, checks it by its own rules and writes it. */
export interface Delegate {
  readonly kind: 'delegate'
  /** Throws UpdateFailed in the program's own words. */
  install(
    file: string,
    how: { slot: string; onPercent: (percent: number) => void; signal: AbortSignal },
  ): Promise<void>
}

/** The slot that does not run. */
export function otherSlot({ slots }: Pick<BootAdapter, 'slots'>, running: string): string {
  const other = slots.find((slot) => slot !== running)
  if (other === undefined) throw new Error(`there is no slot besides ${running}`)
  return other
}
