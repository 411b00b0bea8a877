/**
 * The power goes at every step of loading handlers: each write, rename, sync, new or removed name, each handler that starts
 * or ends, each word to the server. Then again while the box gets up. And the disk is full at every step.
 */
import { describe, expect, test } from 'vitest'
import type { RunEnd } from '../../agent.ts'
import { createAgent } from '../../create-agent.ts'
import { makeFolder, writeDurably } from '../../disk.ts'
import { sha256 } from '../../fake-server.test-helper.ts'
import type { InstalledByType } from '../../installed.ts'
import { type DiskStep, diskFull, MemoryDisk, TAKES_ROOM } from '../../memory-disk.ts'
import { HurriedClock } from '../../test-bench.test-helper.ts'
import type { Offer, OutgoingReport, Uplink } from '../../uplink.ts'
import { type Random, randomFrom } from '../../waits.ts'
import { BAD, type Files, NEW, OLD, PretendHandlers, packed } from './box.test-helper.ts'

const FOLDER = '/state'
const CONFIGURATION = '{"server":"https://updates.example.com"}'
const never = new AbortController().signal

/** What becomes of what was not synced: `dropped` by chance, or all `kept`, as when only the program ends. */
type Unsynced = 'dropped' | 'kept'

interface Story {
  readonly before: Files | null
  readonly after: Files
  /** How the server hears that it ended. */
  readonly end: 'UPDATED' | 'FAILED'
}

const STORIES: Readonly<Record<string, Story>> = {
  'a set takes the place of another': { before: OLD, after: NEW, end: 'UPDATED' },
  'the first set comes': { before: null, after: NEW, end: 'UPDATED' },
  'a set does not hold': { before: OLD, after: BAD, end: 'FAILED' },
}

describe.each(Object.entries(STORIES))(
  'when the power goes at any step while %s',
  (name, story) => {
    test.each<Unsynced>(['dropped', 'kept'])(
      'and what was not synced is %s, nothing is ever mixed',
      {
        timeout: 300_000,
      },
      async (unsynced) => {
        let cuts = 0
        for (let cutAt = 1; await survives(story, unsynced, [cutAt]); cutAt++) cuts += 1
        console.log(`${name}, unsynced ${unsynced}: ${cuts} power cuts tried`)
        expect(cuts).toBeGreaterThan(90)
      },
    )
  },
)

test('when the power goes at any step, and again while the box gets up, nothing is ever mixed', {
  timeout: 300_000,
}, async () => {
  const story = STORIES['a set takes the place of another'] as Story
  let cuts = 0
  for (let cutAt = 1; ; cutAt++) {
    // Every other step of getting up, the odd and the even ones in turn.
    let again = 1 + (cutAt % 2)
    const first = again
    for (; again <= 14 && (await survives(story, 'dropped', [cutAt, again])); again += 2) cuts += 1
    if (again === first) break
  }
  console.log(`again while it gets up: ${cuts} pairs of power cuts tried`)
  expect(cuts).toBeGreaterThan(600)
})

test('when the power goes again and again, there is an end, and nothing is ever mixed', async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const box = await Box.before(OLD, NEW, seed)
    for (let life = 1; life <= 10; life++) await box.live(3 + Math.floor(box.random() * 90))
    // It may have been cut off in three trials, which is one too many.
    await box.comeHome(['UPDATED', 'FAILED'], `seed ${seed}`)
  }
})

test('when the power goes at any step on the way back, nothing is ever mixed', async () => {
  let cuts = 0
  for (let cutAt = 1; ; cutAt++) {
    const box = await Box.before(OLD, NEW, cutAt)
    await box.live(Number.POSITIVE_INFINITY)
    if (!(await box.rollBack(cutAt))) break
    cuts += 1
    const pretend = await box.start(Number.POSITIVE_INFINITY)
    expect(['old', 'new'], `step ${cutAt}`).toContain(pretend.what)
    expect(pretend.layer.installed()?.version).toBe(pretend.what === 'old' ? '1' : '2')
    expect(pretend.layer.status().trial).toBeNull()
    await pretend.layer.stop()
  }
  console.log(`on the way back: ${cuts} power cuts tried`)
  expect(cuts).toBeGreaterThan(15)
})

/** Whether the power went at all: the steps may lie beyond the end. */
async function survives(
  { before, after, end }: Story,
  unsynced: Unsynced,
  cutsAt: readonly number[],
): Promise<boolean> {
  const seed = cutsAt.reduce((sum, cutAt) => sum * 1000 + cutAt, 7)
  const box = await Box.before(before, after, seed, unsynced)
  for (const cutAt of cutsAt) {
    if ((await box.live(cutAt)) !== 'the power went') return false
  }
  await box.comeHome([end], `cut at ${cutsAt.join(' and ')}, unsynced ${unsynced}`)
  return true
}

describe('when the disk becomes full at any step', () => {
  test.each(['stays full', 'has room again'] as const)(
    'and %s, the old set runs on or the new one runs',
    async (how) => {
      let fillings = 0
      for (let fullAt = 1; ; fullAt++) {
        const medium = new MemoryDisk((what) => {
          if (!isRoom(what)) return
          room += 1
          if (room === fullAt || (how === 'stays full' && room > fullAt)) throw diskFull()
        })
        let room = Number.NEGATIVE_INFINITY
        const pretend = new PretendHandlers({ medium, step: () => {} })
        await makeFolder(medium.disk, FOLDER)
        await pretend.layer.wakeUp(never)
        expect(await load(medium, pretend, OLD, '1')).toEqual({ kind: 'done' })
        const job = await jobFor(medium, NEW, '2')
        room = 0
        const result = await pretend.layer.installer.install(job)
        const wasFull = room >= fullAt
        room = Number.NEGATIVE_INFINITY
        expect(pretend.what, `step ${fullAt}`).toBe(result.kind === 'done' ? 'new' : 'old')
        expect(pretend.layer.installed()?.version).toBe(result.kind === 'done' ? '2' : '1')
        if (result.kind === 'failed') expect(result.error).toContain('out of space')
        await pretend.layer.stop()
        // After a start there is one set as well, and with room again the other one comes.
        const later = new PretendHandlers({ medium, step: () => {} })
        await later.layer.wakeUp(never)
        expect(['old', 'new'], `step ${fullAt}`).toContain(later.what)
        expect(later.layer.status().trial).toBeNull()
        expect(await later.layer.installer.install(job)).toEqual({ kind: 'done' })
        expect(later.what).toBe('new')
        await later.layer.stop()
        if (!wasFull) break
        fillings += 1
      }
      console.log(`the disk ${how}: full at ${fillings} steps`)
      expect(fillings).toBeGreaterThan(15)
    },
  )
})

test('old and new handlers never run beside each other', async () => {
  const medium = new MemoryDisk(() => {})
  await makeFolder(medium.disk, FOLDER)
  const pretend = new PretendHandlers({ medium, step: () => {} })
  await pretend.layer.wakeUp(never)
  await load(medium, pretend, OLD, '1')
  await load(medium, pretend, NEW, '2')
  await load(medium, pretend, BAD, '3')
  expect(pretend.what).toBe('new')
  expect(pretend.most).toBe(3)
  await pretend.layer.stop()
})

const isRoom = (what: DiskStep): boolean => (TAKES_ROOM as readonly string[]).includes(what)

async function jobFor(medium: MemoryDisk, files: Files, version: string) {
  const file = `${FOLDER}/${version}.zip`
  const bytes = packed(files)
  const handle = await medium.disk.open(file, 'w')
  await handle.write(bytes, 0, bytes.length, 0)
  const release = {
    operation: version,
    type: 'handlers',
    title: 'Drivers',
    version,
    sizeBytes: null,
  }
  return { file, release, previous: null, remember: async () => {} }
}

const load = async (medium: MemoryDisk, pretend: PretendHandlers, files: Files, version: string) =>
  await pretend.layer.installer.install(await jobFor(medium, files, version))

/** A box and its server in one, with the real agent between them. */
class Box {
  readonly random: Random
  readonly #unsynced: Unsynced
  readonly #bytes: Buffer
  readonly #clock = new HurriedClock()
  readonly #medium = new MemoryDisk(() => this.#step())
  #stepsLeft = Number.POSITIVE_INFINITY
  #stop = () => {}
  #ended: string[] = []
  readonly #hadBefore: boolean

  private constructor(before: Files | null, after: Files, seed: number, unsynced: Unsynced) {
    this.random = randomFrom(seed)
    this.#bytes = packed(after)
    this.#unsynced = unsynced
    this.#hadBefore = before !== null
  }

  /** As it is before the update: configured, with that set. */
  static async before(
    before: Files | null,
    after: Files,
    seed: number,
    unsynced: Unsynced = 'dropped',
  ): Promise<Box> {
    const box = new Box(before, after, seed, unsynced)
    await makeFolder(box.#medium.disk, FOLDER)
    await writeDurably(box.#medium.disk, `${FOLDER}/config.json`, CONFIGURATION)
    const pretend = await box.start(Number.POSITIVE_INFINITY)
    if (before) await load(box.#medium, pretend, before, '1')
    await pretend.layer.stop()
    box.#medium.writeOut()
    return box
  }

  /** The layer gets up; what runs then is of one set, whatever was before. */
  async start(steps: number): Promise<PretendHandlers> {
    this.#stepsLeft = steps
    const pretend = new PretendHandlers({ medium: this.#medium, step: () => this.#step() })
    await pretend.layer.wakeUp(never)
    return pretend
  }

  async live(steps: number): Promise<RunEnd | 'the power went'> {
    this.#stepsLeft = steps
    const pretend = new PretendHandlers({ medium: this.#medium, step: () => this.#step() })
    const end = await this.#run(pretend).catch((error) => {
      if (this.#hasPower) throw error
    })
    if (this.#hasPower && end) {
      this.#stepsLeft = Number.POSITIVE_INFINITY
      expect(['old', 'new', 'nothing']).toContain(pretend.what)
      await pretend.layer.stop()
      return end
    }
    await pretend.layer.stop().catch(() => {})
    this.#cutPower()
    return 'the power went'
  }

  /** Whether the power went. */
  async rollBack(cutAt: number): Promise<boolean> {
    const pretend = await this.start(Number.POSITIVE_INFINITY)
    expect(pretend.what).toBe('new')
    this.#stepsLeft = cutAt
    await pretend.layer.rollBack(never).catch(() => {})
    if (this.#hasPower) expect(pretend.what).toBe('old')
    const went = !this.#hasPower
    await pretend.layer.stop().catch(() => {})
    if (went) this.#cutPower()
    return went
  }

  async comeHome(ends: readonly string[], when: string): Promise<void> {
    const pretend = await this.start(Number.POSITIVE_INFINITY)
    expect(this.#hadBefore ? ['old', 'new'] : ['nothing', 'new'], when).toContain(pretend.what)
    await pretend.layer.stop()
    for (let lives = 1; lives <= 8; lives++) {
      const end = await this.live(Number.POSITIVE_INFINITY)
      if (end === 'the power went' || end.kind !== 'idle') continue
      expect(this.#ended, when).toHaveLength(1)
      expect(ends, when).toContain(this.#ended[0])
      const last = await this.start(Number.POSITIVE_INFINITY)
      const { trial } = last.layer.status()
      const isNew = this.#ended[0] === 'UPDATED'
      expect(last.what, when).toBe(isNew ? 'new' : this.#hadBefore ? 'old' : 'nothing')
      expect(trial, when).toBeNull()
      expect(last.layer.installed()?.version, when).toBe(
        isNew ? '2' : this.#hadBefore ? '1' : undefined,
      )
      await last.layer.stop()
      await this.#isTidy(when)
      return
    }
    throw new Error(`no end after ${when}`)
  }

  async #isTidy(when: string): Promise<void> {
    expect(this.#medium.text(`${FOLDER}/config.json`), when).toBe(CONFIGURATION)
    expect(this.#medium.text(`${FOLDER}/lock`), when).toBeNull()
    expect(await this.#medium.disk.readdir(`${FOLDER}/downloads`), when).toEqual([])
    const releases = await this.#medium.disk.readdir(`${FOLDER}/handlers/releases`)
    expect(
      releases.filter((name) => name.endsWith('.part')),
      when,
    ).toEqual([])
    expect(releases.length, when).toBeLessThanOrEqual(2)
  }

  async #run(pretend: PretendHandlers): Promise<RunEnd> {
    const { layer } = pretend
    await layer.wakeUp(never)
    const installed = layer.installed()
    const agent = await createAgent({
      uplink: this.#uplink,
      stateFolder: FOLDER,
      disk: this.#medium.disk,
      clock: this.#clock,
      random: this.random,
      installed: installed ? { handlers: installed } : {},
      askInstalled: async (): Promise<InstalledByType> => {
        const now = layer.installed()
        return now ? { handlers: now } : {}
      },
      installers: { handlers: layer.installer },
      reserveBytes: 0,
      syncEveryBytes: 1_000,
      bootId: 'one',
    })
    this.#stop = () => agent.stop()
    return await agent.run({ once: true })
  }

  get #hasPower(): boolean {
    return this.#stepsLeft > 0
  }

  /** Once the power is gone, nothing changes anything any more. */
  #step(): void {
    this.#stepsLeft -= 1
    if (this.#hasPower) return
    this.#stop()
    throw new Error('the power went')
  }

  #cutPower(): void {
    this.#stepsLeft = Number.POSITIVE_INFINITY
    if (this.#unsynced === 'kept') this.#medium.writeOut()
    else this.#medium.cutPower(this.random)
  }

  readonly #uplink: Uplink = {
    name: 'in memory',
    checkIn: async () => {
      this.#step()
      const offer: Offer = {
        operation: 'op-1',
        type: 'handlers',
        title: 'Drivers',
        version: '2',
        sizeBytes: this.#bytes.length,
        checksum: { algorithm: 'SHA256', value: sha256(this.#bytes) },
        address: null,
        isStanding: false,
      }
      const offers = this.#ended.length > 0 ? [] : [offer]
      return { offers, nextCheckInSeconds: 60, wasHeld: false }
    },
    report: async (_, { state }: OutgoingReport) => {
      this.#step()
      const isEnd = state === 'UPDATED' || state === 'FAILED'
      if (this.#ended.length > 0) return isEnd && this.#ended[0] === state ? 'taken' : 'over'
      if (isEnd) this.#ended.push(state)
      this.#step()
      return 'taken'
    },
    fetch: async (_, { byte }) => ({
      from: byte,
      totalBytes: this.#bytes.length,
      etag: '"one"',
      pieces: pieces(this.#bytes.subarray(byte)),
    }),
  }
}

async function* pieces(bytes: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += 500) yield bytes.subarray(at, at + 500)
}
