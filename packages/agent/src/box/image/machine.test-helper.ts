/** A machine of two slots with a real agent on it, and its server, all in memory. It can be cut off at every step. */
import type { Agent } from '../../agent.ts'
import { createAgent } from '../../create-agent.ts'
import { sha256, someBytes } from '../../fake-server.test-helper.ts'
import type { InstalledByType } from '../../installed.ts'
import { MemoryDisk } from '../../memory-disk.ts'
import { HurriedClock } from '../../test-bench.test-helper.ts'
import type { Offer, OutgoingReport, Uplink } from '../../uplink.ts'
import { type Random, randomFrom } from '../../waits.ts'
import type { BootAdapter, SlotBytes } from './boot-adapter.ts'
import { fileSimulator, type Simulator, simulatedVersion } from './file-simulator.ts'
import { type ImageLayer, type ImageLayerOptions, imageLayer } from './image-layer.ts'

export const DATA = '/data'
export const SLOTS = '/slots'
export const SLOT_BYTES = 64_000
export const CONFIGURATION = '{"server":"https://updraft.example"}\n'
const CONFIG = `${DATA}/config.json`
const DAY_MS = 86_400_000

export interface Image {
  readonly version: string
  readonly bytes: Buffer
  /** What is sent; the same bytes, packed perhaps. */
  readonly file: Buffer
  readonly comesUp: boolean
  readonly isWell: boolean
}

export function image(version: string, about: Partial<Image> = {}): Image {
  const bytes =
    about.bytes ??
    Buffer.concat([Buffer.from(`box@${version}\n`), someBytes(40_000, version.length)])
  return { version, bytes, file: bytes, comesUp: true, isWell: true, ...about }
}

export const OLD = image('1.0.0')

/** How a machine is cut off. */
export type Cut =
  /** Power and all that was not synced is gone. */
  | 'power'
  /** The power is gone, but the disk had written everything. */
  | 'power, all written'
  /** Only the agent is; the machine runs on. */
  | 'killed'
export const CUTS: readonly Cut[] = ['power', 'power, all written', 'killed']

export class CutOff extends Error {}

export interface MachineOptions {
  readonly random?: Random
  readonly layer?: Partial<ImageLayerOptions>
  /** Wraps the boot loader's door. */
  readonly boot?: (simulator: Simulator) => BootAdapter
  /** Operations that the server opens, one after the other failed. */
  readonly operations?: number
}

export class Machine {
  readonly memory: MemoryDisk
  readonly random: Random
  readonly clock = new HurriedClock()
  readonly ended: { state: string; error: string | null }[] = []
  readonly images = new Map<string, Image>([[OLD.version, OLD]])
  readonly #options: MachineOptions
  stepsLeft = Number.POSITIVE_INFINITY
  steps = 0
  /** How often the system of an image was started. */
  readonly starts = new Map<string, number>()
  boots = 1
  restarts = false
  wallMs = Date.parse('2026-11-21T12:00Z')
  layer!: ImageLayer
  #simulator!: Simulator
  #agent: Agent | null = null
  #over = new AbortController()
  #meant: Image | null = null
  #operation = 0
  /** Called at each step; what it throws is what happens there. */
  onStep: (what: string, path: string) => void = () => {}

  constructor(options: MachineOptions = {}) {
    this.#options = options
    this.random = options.random ?? randomFrom(1)
    this.memory = new MemoryDisk((what, path) => this.step(what, path))
  }

  /** As it leaves the factory: the old image in one slot, and its configuration. */
  static async made(options: MachineOptions = {}): Promise<Machine> {
    const machine = new Machine(options)
    const { disk } = machine.memory
    await disk.mkdir(DATA, { recursive: true })
    const config = await disk.open(CONFIG, 'w')
    await config.writeFile(CONFIGURATION)
    await machine.#takeUp()
    const slot = await machine.#simulator.place.open('a')
    await slot.write(OLD.bytes, 0)
    await slot.close()
    machine.memory.writeOut()
    machine.steps = 0
    return machine
  }

  get simulator(): Simulator {
    return this.#simulator
  }

  /** The server means that image for it from now on. */
  assign(meant: Image): void {
    this.images.set(meant.version, meant)
    this.#meant = meant
    this.#operation += 1
  }

  step(what: string, path = ''): void {
    this.steps += 1
    this.stepsLeft -= 1
    if (this.stepsLeft <= 0) {
      this.#agent?.stop()
      throw new CutOff(`cut off before ${what}`)
    }
    this.onStep(what, path)
  }

  /** One life of the agent, until it has nothing to do, or the machine restarts. */
  async live(): Promise<'idle' | 'restart' | 'cut off'> {
    this.restarts = false
    this.#over = new AbortController()
    try {
      await this.#takeUp()
      await this.layer.wakeUp(this.#over.signal)
      if (this.stepsLeft <= 0) return 'cut off'
      if (this.restarts) return 'restart'
      this.#agent = await this.#newAgent()
      await this.#agent.run({ once: true })
    } catch (error) {
      if (!(error instanceof CutOff) && this.stepsLeft > 0) throw error
    }
    if (this.stepsLeft <= 0) return 'cut off'
    return this.restarts ? 'restart' : 'idle'
  }

  /** What happened to the machine, and the start after it. */
  async comeBack(cut: Cut): Promise<void> {
    this.stepsLeft = Number.POSITIVE_INFINITY
    if (cut === 'power') this.memory.cutPower(this.random)
    else this.memory.writeOut()
    if (cut !== 'killed') await this.boot()
  }

  async boot(): Promise<string> {
    // What the boot loader does by itself is not a step of ours.
    const { stepsLeft, onStep } = this
    this.stepsLeft = Number.POSITIVE_INFINITY
    this.onStep = () => {}
    this.boots += 1
    await this.#takeUp()
    const slot = await this.#simulator.boot(async (name) => {
      const found = this.inSlot(name)
      if (!found) return false
      this.starts.set(found.version, (this.starts.get(found.version) ?? 0) + 1)
      return found.comesUp
    })
    this.stepsLeft = stepsLeft
    this.onStep = onStep
    return slot
  }

  /** The image that lies there whole, as the machine would start it. */
  inSlot(slot: string): Image | null {
    const there = this.memory.bytes(this.#simulator.pathOf(slot))
    const found = [...this.images.values()].find(({ bytes }) =>
      there.subarray(0, bytes.length).equals(bytes),
    )
    return found ?? null
  }

  async running(): Promise<Image | null> {
    return this.inSlot((await this.#simulator.active()).running)
  }

  /** Lives on, with every restart, until all is settled; the server opens a new operation a day after one failed. */
  async settle(cut: Cut = 'power'): Promise<void> {
    for (let life = 1; life <= 60; life++) {
      const end = await this.live()
      if (end === 'cut off') await this.comeBack(cut)
      else if (end === 'restart') await this.boot()
      else if (!this.openNext()) return
    }
    throw new Error('it never settles')
  }

  /** Whether the server tries once more. */
  openNext(): boolean {
    const last = this.ended.at(-1)
    if (last?.state !== 'FAILED' || this.ended.length >= (this.#options.operations ?? 1))
      return false
    if (this.ended.length === this.#operation) this.#operation += 1
    this.wallMs += DAY_MS
    return true
  }

  configuration(): string | null {
    return this.memory.text(CONFIG)
  }

  async #takeUp(): Promise<void> {
    const { disk } = this.memory
    const simulator = await fileSimulator({ disk, folder: SLOTS, slotBytes: SLOT_BYTES })
    this.#simulator = simulator
    const boot = this.#options.boot?.(simulator) ?? this.#stepping(simulator)
    this.layer = imageLayer({
      boot,
      disk,
      dataFolder: DATA,
      bootId: `boot-${this.boots}`,
      clock: this.clock,
      wallMs: () => this.wallMs,
      syncEveryBytes: 15_000,
      runningVersion: () => simulatedVersion(disk, simulator),
      restart: async () => {
        this.step('restart')
        this.restarts = true
        this.#over.abort()
        this.#agent?.stop()
      },
      checks: [
        {
          name: 'well',
          check: async () => {
            this.step('health check')
            return (await this.running())?.isWell ? null : 'it is ill'
          },
        },
      ],
      ...this.#options.layer,
    })
  }

  /** Between two calls of the boot loader the power may go as well. */
  #stepping(simulator: Simulator): Simulator {
    const around =
      <A extends unknown[]>(name: string, call: (...args: A) => Promise<void>) =>
      async (...args: A) => {
        this.step(`${name} of the boot loader`)
        await call(...args)
        this.step(`the answer to ${name} of the boot loader`)
      }
    return {
      ...simulator,
      setTrial: around('setTrial', simulator.setTrial),
      confirm: around('confirm', simulator.confirm),
      revert: around('revert', simulator.revert),
      markBad: around('markBad', simulator.markBad),
    }
  }

  #newAgent(): Promise<Agent> {
    const { layer } = this
    return createAgent({
      uplink: this.#uplink,
      stateFolder: DATA,
      disk: this.memory.disk,
      clock: this.clock,
      random: this.random,
      bootId: `boot-${this.boots}`,
      firstCheckInSeconds: 0,
      reserveBytes: 0,
      syncEveryBytes: 20_000,
      installers: { image: layer.installer },
      askInstalled: async () => {
        const installed = layer.installed()
        return installed ? { image: installed } : ({} as InstalledByType)
      },
      restart: () => layer.restart(),
    })
  }

  readonly #uplink: Uplink = {
    name: 'in memory',
    checkIn: async () => {
      const isOpen = this.#meant !== null && this.ended.length < this.#operation
      return { offers: isOpen ? [this.#offer()] : [], nextCheckInSeconds: 60, wasHeld: false }
    },
    report: async ({ operation }, { state, error }: OutgoingReport) => {
      if (operation !== `op-${this.#operation}` || this.ended.length >= this.#operation)
        return 'over'
      if (state === 'UPDATED' || state === 'FAILED')
        this.ended.push({ state, error: error ?? null })
      return 'taken'
    },
    fetch: async (_, { byte }) => {
      const file = this.#meant?.file ?? Buffer.alloc(0)
      return {
        from: byte,
        totalBytes: file.length,
        etag: '"one"',
        pieces: pieces(file.subarray(byte)),
      }
    },
  }

  #offer(): Offer {
    const { version, file } = this.#meant as Image
    return {
      operation: `op-${this.#operation}`,
      type: 'image',
      title: 'box',
      version,
      sizeBytes: file.length,
      checksum: { algorithm: 'SHA256', value: sha256(file) },
      address: null,
      isStanding: false,
    }
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 25_000) yield bytes.subarray(at, at + 25_000)
}

/** A slot whose bytes are not what was written to it. */
export const spoilt = (bytes: SlotBytes, at: number): SlotBytes => ({
  ...bytes,
  async read(into, position) {
    const read = await bytes.read(into, position)
    if (at >= position && at < position + read) into[at - position] = (into[at - position] ?? 0) ^ 1
    return read
  },
})
