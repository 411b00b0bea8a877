/** The machine is cut off at every step there is of an image update: some system starts, and the update ends. */
import { expect, test } from 'vitest'
import { randomFrom } from '../../waits.ts'
import { CONFIGURATION, CUTS, type Cut, type Image, image, Machine } from './machine.test-helper.ts'

const GOOD = image('1.1.0')
const DEAD = image('1.1.0', { comesUp: false })
const ILL = image('1.1.0', { isWell: false })

const STORIES: readonly [string, Image, readonly string[]][] = [
  ['is good', GOOD, ['UPDATED', 'FAILED']],
  ['never comes up', DEAD, ['FAILED']],
  ['comes up and is ill', ILL, ['FAILED']],
]

test.each(STORIES)(
  'a release that %s, cut off at any step: a system starts, and the server hears how it ended',
  { timeout: 300_000 },
  async (what, meant, states) => {
    const counts = []
    for (const cut of CUTS) {
      const seeds = cut === 'power' ? 3 : 1
      let cuts = 0
      const ends: Record<string, number> = {}
      for (let seed = 1; seed <= seeds; seed++) {
        for (let at = 1; ; at++) {
          const machine = await cutOnce(meant, { cut, at, seed })
          if (!machine) break
          cuts += 1
          const { state } = machine.ended[0] as { state: string }
          expect(states).toContain(state)
          ends[state] = (ends[state] ?? 0) + 1
        }
      }
      counts.push(`${cut}: ${cuts} (${JSON.stringify(ends)})`)
      expect(cuts).toBeGreaterThan(seeds * 60)
    }
    console.log(`${what}: ${counts.join('; ')}`)
  },
)

test('cut off again and again, at any step, it comes home when the server offers it again', {
  timeout: 300_000,
}, async () => {
  let cuts = 0
  const states: Record<string, number> = {}
  for (let seed = 1; seed <= 60; seed++) {
    const machine = await Machine.made({ random: randomFrom(seed), operations: 8 })
    machine.assign(GOOD)
    for (let life = 1; life <= 12; life++) {
      machine.stepsLeft = 3 + Math.floor(machine.random() * 60)
      const end = await machine.live()
      if (end === 'cut off') {
        cuts += 1
        await machine.comeBack(CUTS[Math.floor(machine.random() * CUTS.length)] as Cut)
      } else if (end === 'restart') await machine.boot()
      else machine.openNext()
    }
    machine.stepsLeft = Number.POSITIVE_INFINITY
    await machine.layer.forgive()
    await machine.settle()
    await expectWhole(machine, `seed ${seed}`)
    const state = machine.ended.at(-1)?.state ?? 'none'
    states[state] = (states[state] ?? 0) + 1
  }
  console.log(`again and again: ${cuts} cuts, ${JSON.stringify(states)}`)
  expect(cuts).toBeGreaterThan(200)
})

test('going back on a wish, cut off at any step: one of the two systems stands', {
  timeout: 300_000,
}, async () => {
  let cuts = 0
  for (const cut of CUTS) {
    for (let at = 1; ; at++) {
      const machine = await Machine.made({ random: randomFrom(at) })
      machine.assign(GOOD)
      await machine.settle()
      machine.stepsLeft = at
      const { signal } = new AbortController()
      const asked = await machine.layer.rollBack(signal).catch(() => null)
      if (machine.stepsLeft > 0 && asked) {
        await machine.boot()
        await machine.live()
      }
      if (machine.stepsLeft > 0) break
      cuts += 1
      await machine.comeBack(cut)
      if (cut === 'killed') await machine.boot()
      await machine.settle()
      const { running, standing, isTrial, armed } = await machine.simulator.active()
      expect([at, standing, isTrial, armed]).toEqual([at, running, false, null])
      expect(['1.0.0', '1.1.0']).toContain((await machine.running())?.version)
      expect(machine.layer.installed()?.version).toBe((await machine.running())?.version)
      expect(machine.configuration()).toBe(CONFIGURATION)
    }
  }
  console.log(`going back: ${cuts} cuts`)
  expect(cuts).toBeGreaterThan(60)
})

/** Null once the story is over before that step. */
async function cutOnce(
  meant: Image,
  { cut, at, seed }: { cut: Cut; at: number; seed: number },
): Promise<Machine | null> {
  const machine = await Machine.made({ random: randomFrom(seed * 1000 + at) })
  machine.assign(meant)
  machine.stepsLeft = at
  let wasCut = false
  for (let life = 1; life <= 20 && !(machine.ended.length > 0 && wasCut); life++) {
    const end = await machine.live()
    if (end === 'cut off') {
      wasCut = true
      await machine.comeBack(cut)
    } else if (end === 'restart') await machine.boot()
    else break
  }
  if (!wasCut) return null
  await machine.settle()
  await expectWhole(machine, `step ${at}, seed ${seed}, ${cut}`)
  return machine
}

async function expectWhole(machine: Machine, when: string): Promise<void> {
  const { state } = machine.ended.at(-1) ?? {}
  const { running, standing, isTrial, armed } = await machine.simulator.active()
  const runs = await machine.running()
  expect({ when, runs: runs?.version, isTrial, armed, config: machine.configuration() }).toEqual({
    when,
    runs: state === 'UPDATED' ? '1.1.0' : '1.0.0',
    isTrial: false,
    armed: null,
    config: CONFIGURATION,
  })
  expect(standing).toBe(running)
  expect(machine.layer.installed()).toEqual({ title: 'box', version: runs?.version })
}
