/** The power goes at every step there is, and the disk forgets what was not synced. */
import { expect, test } from 'vitest'
import type { RunEnd } from './agent.ts'
import { createAgent } from './create-agent.ts'
import { sha256, someBytes } from './fake-server.test-helper.ts'
import { MemoryDisk } from './memory-disk.ts'
import { HurriedClock } from './test-bench.test-helper.ts'
import type { Offer, OutgoingReport, Uplink } from './uplink.ts'
import { type Random, randomFrom } from './waits.ts'

const BYTES = someBytes(50_000)
const NEW = '1.1.0'
const FOLDER = '/state'
const NOON_MS = Date.parse('2026-11-21T12:00Z')

test.each([
  ['done', '1.1.0', 6],
  ['exit', '1.1.0', 6],
  // As Edgehog's servers have it: what runs afterwards is something else than before, or it is not.
  ['done', null, 2],
  ['exit', null, 2],
] as const)(
  'when the power goes at any step and the script says %s, the update to version %s comes home',
  { timeout: 300_000 },
  async (word, told, seeds) => {
    let cuts = 0
    for (let seed = 1; seed <= seeds; seed++) {
      for (let cutAt = 1; await survives({ word, told, seed, cutAt }); cutAt++) cuts += 1
    }
    console.log(`${word}, ${told}: ${cuts} power cuts tried`)
    expect(cuts).toBeGreaterThan(seeds * 80)
  },
)

test('when the power goes at any step while it waits for its window, the update comes home', {
  timeout: 300_000,
}, async () => {
  let cuts = 0
  const inWindow = { word: 'done', applyWindow: 'midnight' } as const
  for (let cutAt = 1; await survives({ ...inWindow, seed: 1, cutAt }); cutAt++) cuts += 1
  // More than without a window: it says in between that all is well.
  expect(cuts).toBeGreaterThan(100)
})

test('when the power goes again and again, the update comes home all the same', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const device = new Device('exit', randomFrom(seed))
    for (let life = 1; life <= 12; life++) await device.live(3 + Math.floor(device.random() * 60))
    await device.comeHome(`seed ${seed}`)
  }
})

/** Whether the power went at all: the step may lie beyond the end. */
async function survives({
  word,
  told = NEW,
  seed,
  cutAt,
  applyWindow,
}: {
  word: 'done' | 'exit'
  told?: string | null
  seed: number
  cutAt: number
  applyWindow?: string
}): Promise<boolean> {
  const device = new Device(word, randomFrom(seed * 1000 + cutAt), { told, applyWindow })
  if ((await device.live(cutAt)) !== 'the power went') return false
  await device.comeHome(`seed ${seed}, step ${cutAt}`)
  return true
}

/** A device and its server in one: what is installed lies outside the state folder, as a new image would. */
class Device {
  readonly random: Random
  readonly #word: 'done' | 'exit'
  readonly #applyWindow: string | undefined
  /** The version, as far as the server tells it. */
  readonly #told: string | null
  readonly #clock = new HurriedClock()
  readonly #disk: MemoryDisk
  readonly #offer: Offer = {
    operation: 'op-1',
    type: 'firmware',
    title: 'app',
    version: NEW,
    sizeBytes: BYTES.length,
    checksum: { algorithm: 'SHA256', value: sha256(BYTES) },
    address: null,
    isStanding: false,
  }
  #stepsLeft = Number.POSITIVE_INFINITY
  #runs = '1.0.0'
  #image: Buffer = Buffer.alloc(0)
  #ended: string[] = []

  constructor(
    word: 'done' | 'exit',
    random: Random,
    { told = NEW, applyWindow }: { told?: string | null; applyWindow?: string } = {},
  ) {
    this.#applyWindow = applyWindow
    this.#told = told
    this.#word = word
    this.random = random
    this.#disk = new MemoryDisk((what) => this.#step(what))
  }

  async live(steps: number): Promise<RunEnd | 'the power went'> {
    this.#stepsLeft = steps
    const agent = await createAgent({
      uplink: this.#uplink,
      stateFolder: FOLDER,
      disk: this.#disk.disk,
      clock: this.#clock,
      applyWindow: this.#applyWindow,
      wallMs: () => NOON_MS + this.#clock.nowMs(),
      random: this.random,
      installed: { firmware: { title: 'app', version: '1.0.0' } },
      askInstalled: async () => ({ firmware: { title: 'app', version: this.#runs } }),
      reserveBytes: 0,
      syncEveryBytes: 16_384,
      bootId: 'one',
    })
    this.#stop = () => agent.stop()
    agent.on('device:update', ({ file, respond }) => {
      this.#step('install')
      this.#image = this.#disk.bytes(file)
      this.#runs = NEW
      this.#step('installed')
      respond(this.#word)
    })
    const end = await agent.run({ once: !this.#applyWindow }).catch((error) => {
      if (this.#stepsLeft > 0) throw error
    })
    if (this.#stepsLeft > 0 && end) return end
    this.#disk.cutPower(this.random)
    return 'the power went'
  }

  async comeHome(when: string): Promise<void> {
    for (let lives = 1; lives <= 8; lives++) {
      const end = await this.live(Number.POSITIVE_INFINITY)
      if (end === 'the power went' || !['idle', 'stopped'].includes(end.kind)) continue
      expect(this.#ended, when).toEqual(['UPDATED'])
      expect(this.#image.equals(BYTES), when).toBe(true)
      return
    }
    throw new Error(`no end after ${when}`)
  }

  #stop = () => {}

  /** Once the power is gone, nothing changes anything any more. */
  #step(what: string): void {
    this.#stepsLeft -= 1
    if (this.#stepsLeft > 0) return
    this.#stop()
    throw new Error(`the power went before ${what}`)
  }

  readonly #uplink: Uplink = {
    name: 'in memory',
    checkIn: async () => {
      this.#step('check-in')
      const offers = this.#ended.length > 0 ? [] : [{ ...this.#offer, version: this.#told }]
      // Only a run that goes on waits for a window; it has an end here.
      if (offers.length === 0 && this.#applyWindow) this.#stop()
      return { offers, nextCheckInSeconds: 60, wasHeld: false }
    },
    report: async (_, { state }: OutgoingReport) => {
      this.#step('report')
      const isEnd = state === 'UPDATED' || state === 'FAILED'
      if (this.#ended.length > 0) return isEnd && this.#ended[0] === state ? 'taken' : 'over'
      if (isEnd) this.#ended.push(state)
      this.#step('reported')
      return 'taken'
    },
    fetch: async (_, { byte }) => ({
      from: byte,
      totalBytes: BYTES.length,
      etag: '"one"',
      pieces: pieces(BYTES.subarray(byte)),
    }),
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 9_000) yield bytes.subarray(at, at + 9_000)
}
