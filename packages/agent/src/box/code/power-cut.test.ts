/** The power goes, or the disk is full, at every step of an update of the code there is. */
import { expect, test } from 'vitest'
import { type DiskStep, diskFull, MemoryDisk, TAKES_ROOM } from '../../memory-disk.ts'
import { HurriedClock } from '../../test-bench.test-helper.ts'
import { type Random, randomFrom } from '../../waits.ts'
import { type CodeLayer, codeLayer } from './code-layer.ts'
import { FakeService, FakeUpstream, type Files } from './fake-upstream.test-helper.ts'

const NEVER = new AbortController().signal
const FOLDER = '/state/code'
const CONFIGURATION = '/state/config.json'

const OLD: Files = {
  'main.js': 'old',
  'web/index.html': '<p>old</p>',
  'web/only-old.js': 'old',
  'updraft-box.json': '{"service":["node","main.js"]}',
}
const NEW: Files = {
  'main.js': 'new',
  'web/index.html': '<p>new</p>',
  'web/deep/only-new.js': 'new',
  'bin/run': '#!/bin/sh new',
  'web/home': '-> index.html',
  'updraft-box.json': '{"service":["node","main.js"],"needs":{}}',
}

type What = 'update' | 'roll back'

/** `power`: what was not synced is forgotten; `kill`: the machine runs on, and forgets nothing. */
test.each([
  ['update', 'power', 10],
  ['update', 'kill', 1],
  ['roll back', 'power', 10],
  ['roll back', 'kill', 1],
] as const)(
  'cut at any step of %s by %s, the code is all old or all new, and the next life brings it to its end',
  { timeout: 300_000 },
  async (what, by, seeds) => {
    let cuts = 0
    for (let seed = 1; seed <= seeds; seed++) {
      for (let cutAt = 1; await survives(what, by, cutAt, seed); cutAt++) cuts += 1
    }
    console.log(`${what}, ${by}: ${cuts} cut points tried`)
    expect(cuts).toBeGreaterThan(seeds * (what === 'update' ? 40 : 12))
  },
)

test('cut again and again, the code comes home all the same', { timeout: 300_000 }, async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const box = await boxWith(OLD, randomFrom(seed))
    const random = randomFrom(seed)
    for (let life = 1; life <= 10; life++) {
      await box.live('update', 1 + Math.floor(random() * 90))
      box.cut(random() < 0.5 ? 'power' : 'kill')
    }
    await box.comesHome(NEW, `seed ${seed}`)
  }
})

test.each([['once'], ['until somebody makes room']] as const)(
  'with a disk that is full at any step (%s), the old runs on, says why, and the new comes when there is room',
  { timeout: 300_000 },
  async (how) => {
    let cuts = 0
    for (let fullAt = 1; ; fullAt++) {
      const when = `full at ${fullAt}`
      const box = await boxWith(OLD, randomFrom(1))
      if (!(await box.liveOnFullDisk(fullAt, how))) break
      cuts += 1
      await box.comesHome(NEW, when)
    }
    console.log(`full ${how}: ${cuts} steps tried`)
    expect(cuts).toBeGreaterThan(20)
  },
)

async function survives(
  what: What,
  by: 'power' | 'kill',
  cutAt: number,
  seed: number,
): Promise<boolean> {
  const when = `${what}, ${by}, step ${cutAt}, seed ${seed}`
  const box = await boxWith(OLD, randomFrom(seed * 1000 + cutAt))
  if (what === 'roll back') {
    await box.live('update')
    box.writeOut()
  }
  if (!(await box.live(what, cutAt))) return false
  box.cut(by)
  const after = await box.wakesUp(when)
  expect([OLD, NEW], when).toContain(after)
  await box.comesHome(what === 'update' ? NEW : after, when)
  return true
}

async function boxWith(files: Files, random: Random): Promise<Box> {
  const box = new Box(random)
  await box.begin(files)
  return box
}

/** A disk, an upstream that has something new, and one life of the layer after the other. */
class Box {
  readonly #random: Random
  readonly #upstream = new FakeUpstream()
  readonly #clock = new HurriedClock()
  readonly #disk: MemoryDisk
  #service = new FakeService(() => 0)
  #stepsLeft = Number.POSITIVE_INFINITY
  #isFull = false
  #full: 'once' | 'until somebody makes room' | null = null
  #roomTaken = 0

  constructor(random: Random) {
    this.#random = random
    this.#disk = new MemoryDisk((what) => this.#step(what))
  }

  async begin(files: Files): Promise<void> {
    await this.#disk.disk.mkdir('/state', { recursive: true })
    const file = await this.#disk.disk.open(CONFIGURATION, 'w')
    await file.writeFile('the configuration')
    this.#upstream.commit('17.0', files)
    await this.live('update')
    this.#disk.writeOut()
    this.#upstream.commit('17.0', NEW)
  }

  /** Whether it was cut off before its end. */
  async live(what: What, steps = Number.POSITIVE_INFINITY): Promise<boolean> {
    this.#stepsLeft = steps
    const layer = this.#layer()
    await layer.wakeUp(NEVER).catch((error) => this.#unlessCut(error))
    if (!this.#isCut) {
      const asked = { series: '17.0', isAsked: true, signal: NEVER }
      await (what === 'update' ? layer.update(asked) : layer.rollBack(NEVER)).catch((error) =>
        this.#unlessCut(error),
      )
    }
    return this.#isCut
  }

  /** Whether the disk was full at all. Then the old ran on, or the new did. */
  async liveOnFullDisk(
    fullAt: number,
    how: 'once' | 'until somebody makes room',
  ): Promise<boolean> {
    const layer = this.#layer()
    await layer.wakeUp(NEVER)
    this.#full = how
    this.#roomTaken = -fullAt
    const asked = { series: '17.0', isAsked: true, signal: NEVER }
    const result = await layer.update(asked)
    const wasFull = this.#isFull
    this.#full = null
    this.#isFull = false
    const when = `full at ${fullAt}: ${result.because}`
    expect(this.#service.running?.version, when).toBe(layer.installed()?.version)
    expect([OLD, NEW], when).toContain(await this.#runs(layer))
    if (result.kind !== 'updated') expect(result.because, when).toMatch(/space|ENOSPC/)
    return wasFull
  }

  cut(by: 'power' | 'kill'): void {
    this.#stepsLeft = Number.POSITIVE_INFINITY
    if (by === 'power') this.#disk.cutPower(this.#random)
    else this.#disk.writeOut()
  }

  writeOut(): void {
    this.#disk.writeOut()
  }

  /** What runs after a start, whole. */
  async wakesUp(when: string): Promise<Files | null> {
    const layer = this.#layer()
    await layer.wakeUp(NEVER)
    const { active, trial, previous } = layer.status()
    expect(trial, when).toBeNull()
    expect(this.#service.running?.id, when).toBe(active?.id)
    const names = await this.#disk.disk.readdir(`${FOLDER}/releases`)
    expect(
      names.filter((name) => name.endsWith('.part')),
      when,
    ).toEqual([])
    if (previous) expect(names, when).toContain(previous.id)
    return await this.#runs(layer)
  }

  /** At last that runs, nothing else is left lying about, and the configuration is what it was. */
  async comesHome(files: Files | null, when: string): Promise<void> {
    if (files === NEW) await this.live('update')
    expect(await this.wakesUp(when), when).toBe(files)
    expect(this.#disk.text(CONFIGURATION), when).toBe('the configuration')
    expect((await this.#disk.disk.readdir(`${FOLDER}/releases`)).length, when).toBeLessThanOrEqual(
      2,
    )
  }

  /** What lies in the folder of the release that runs, if it is what was committed, all of it. */
  async #runs(layer: CodeLayer): Promise<Files | null> {
    const at = this.#service.running?.folder
    if (at === undefined || !layer.installed()) return null
    const found = await filesIn(this.#disk, at)
    return [OLD, NEW].find((files) => isSame(files, found)) ?? found
  }

  get #isCut(): boolean {
    return this.#stepsLeft <= 0
  }

  #unlessCut(error: unknown): void {
    if (!this.#isCut) throw error
  }

  #layer(): CodeLayer {
    this.#service = new FakeService(() => this.#clock.nowMs())
    return codeLayer({
      disk: this.#disk.disk,
      folder: FOLDER,
      upstream: this.#upstream,
      service: this.#service,
      runs: () => null,
      environment: {},
      platform: 'linux',
      clock: this.#clock,
      wallMs: () => Date.parse('2026-11-21T12:00:00Z') + this.#clock.nowMs(),
      random: () => 0.5,
      reserveBytes: 0,
    })
  }

  #step(what: DiskStep): void {
    this.#stepsLeft -= 1
    if (this.#stepsLeft <= 0) throw new Error(`the power went before ${what}`)
    if (!this.#full || !(TAKES_ROOM as readonly string[]).includes(what)) return
    this.#roomTaken += 1
    if (this.#roomTaken === 0 || (this.#roomTaken > 0 && this.#full !== 'once')) {
      this.#isFull = true
      throw diskFull()
    }
  }
}

async function filesIn(disk: MemoryDisk, top: string): Promise<Files> {
  const found: Record<string, string> = {}
  const walk = async (folder: string): Promise<void> => {
    for (const entry of await disk.disk.readdir(`${top}${folder}`, { withFileTypes: true })) {
      const path = `${folder}/${entry.name}`
      if (entry.isDirectory()) await walk(path)
      else if (entry.isSymbolicLink()) {
        found[path.slice(1)] = `-> ${await disk.disk.readlink(`${top}${path}`)}`
      } else if (!OURS.includes(entry.name)) found[path.slice(1)] = disk.text(`${top}${path}`) ?? ''
    }
  }
  await walk('')
  return found
}

const OURS = ['.complete', '.updraft-code.json']

const isSame = (a: Files, b: Files): boolean =>
  JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort())
