import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { parseCronWindow } from './cron-window.ts'
import { someBytes } from './fake-server.test-helper.ts'
import { Schedule } from './schedule.ts'
import { HurriedClock, quickAgent, startServer } from './test-bench.test-helper.ts'
import { type Random, randomFrom, Throttle } from './waits.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const at = (text: string): number => Date.parse(`${text.replace(' ', 'T')}Z`)
const shown = (ms: number): string => new Date(ms).toISOString().slice(0, 16).replace('T', ' ')

function scheduleAt(
  start: string,
  more: { window?: string; jitterHours?: number; random?: Random } = {},
) {
  const wall = { nowMs: at(start) }
  const schedule = new Schedule({
    checkWindow: more.window === undefined ? null : parseCronWindow(more.window),
    applyWindow: null,
    jitterMs: (more.jitterHours ?? 0) * HOUR_MS,
    wallMs: () => wall.nowMs,
    random: more.random ?? (() => 0),
  })
  /** The next so many questions, each a day after the other at the earliest. */
  const days = (count: number): number[] =>
    Array.from({ length: count }, () => {
      wall.nowMs += schedule.nextCheckMs(DAY_MS)
      return wall.nowMs
    })
  return { schedule, wall, days }
}

test('a device asks once a day, however late in its window chance puts it', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = randomFrom(seed)
    const { days } = scheduleAt('2026-11-21 00:00', { window: 'midnight', jitterHours: 1, random })
    const asked = days(30)
    expect(asked.map((ms) => new Date(ms).getUTCHours()).every((hour) => hour === 0)).toBe(true)
    expect(asked.map((ms) => shown(ms).slice(0, 10))).toEqual(
      Array.from({ length: 30 }, (_, day) =>
        shown(at('2026-11-22 00:00') + day * DAY_MS).slice(0, 10),
      ),
    )
  }
})

test('a fleet is spread over the window, day after day', () => {
  const minutes = Array.from({ length: 600 }, (_, seed) => {
    const random = randomFrom(seed * 7919)
    random()
    const { days } = scheduleAt('2026-11-21 00:00', { window: 'midnight', jitterHours: 5, random })
    return new Date(days(3).at(-1) ?? 0).getUTCMinutes()
  })
  const sixths = [0, 1, 2, 3, 4, 5].map(
    (sixth) => minutes.filter((minute) => Math.floor(minute / 10) === sixth).length,
  )
  for (const count of sixths) expect(count).toBeGreaterThan(50)
})

test('without a window jitter comes on top of the period, and does not add up', () => {
  const { days } = scheduleAt('2026-11-21 12:00', { jitterHours: 1, random: () => 0.5 })
  expect(days(3).map(shown)).toEqual(['2026-11-22 12:30', '2026-11-23 12:30', '2026-11-24 12:30'])
})

test('without either it is about the period', () => {
  const { schedule } = scheduleAt('2026-11-21 12:00', { random: () => 0 })
  expect(schedule.nextCheckMs(DAY_MS)).toBe(0.9 * DAY_MS)
})

test('a clock that is put right by years waits a period at most', () => {
  const { schedule, wall } = scheduleAt('1970-01-01 00:00', { jitterHours: 1 })
  schedule.nextCheckMs(DAY_MS)
  wall.nowMs = at('2026-11-21 12:00')
  expect(schedule.nextCheckMs(DAY_MS)).toBe(DAY_MS)
  wall.nowMs = at('1970-01-01 00:00')
  expect(schedule.nextCheckMs(DAY_MS)).toBe(DAY_MS)
})

test('a window that never opens is never waited out', () => {
  const { schedule } = scheduleAt('2026-11-21 12:00', { window: 'never' })
  expect(schedule.nextCheckMs(DAY_MS)).toBe(Number.POSITIVE_INFINITY)
  expect(schedule.untilCheckMs()).toBeGreaterThan(0)
})

/** A clock in a hurry, and one on the wall that goes with it. */
function clocksFrom(start: string) {
  const clock = new HurriedClock()
  return { clock, wallMs: () => at(start) + clock.nowMs() }
}

test('an agent asks within its window only, and installs within the other', async () => {
  const server = await startServer()
  server.offer()
  const { clock, wallMs } = clocksFrom('2026-11-21 12:00')
  const heard: string[] = []
  const say = (what: string) => heard.push(`${shown(wallMs()).slice(11)} ${what}`)
  server.on('check-in', () => say('check-in'))
  server.on('report', ({ state }) => say(state))
  const { agent, installed } = await quickAgent(server, {
    clock,
    wallMs,
    checkWindow: '* 14 * * *',
    applyWindow: 'midnight',
    intervalSeconds: 86_400,
    isIntervalFixed: true,
  })
  const running = agent.run()
  await new Promise<void>((resolve) => agent.on('ended', () => resolve()))
  agent.stop()
  await running
  expect(installed).toHaveLength(1)
  expect([heard[0], heard.at(-1)]).toEqual(['14:00 check-in', '00:00 UPDATED'])
  expect(heard).toContain('14:00 DOWNLOADED')
  expect(heard).toContain('00:00 UPDATING')
  // In between the server hears that all is well.
  const well = heard.filter((line) => line.endsWith('VERIFIED'))
  expect(well.length).toBeGreaterThan(15)
  expect(well.length).toBeLessThan(25)
})

test('what the server takes back while the window is closed is not installed', async () => {
  const server = await startServer()
  server.offer()
  const { clock, wallMs } = clocksFrom('2026-11-21 12:00')
  const { agent, installed } = await quickAgent(server, { clock, wallMs, applyWindow: 'midnight' })
  server.on('report', ({ state }) => {
    if (state === 'VERIFIED') server.cancel('op-1')
  })
  const running = agent.run()
  const end = await new Promise((resolve) => agent.on('ended', resolve))
  agent.stop()
  await running
  expect(end).toMatchObject({ state: 'OVER' })
  expect(installed).toEqual([])
})

test('with once, a closed window ends the run, and the next one goes on from there', async () => {
  const server = await startServer()
  const { bytes } = server.offer()
  const { clock, wallMs } = clocksFrom('2026-11-21 12:00')
  const first = await quickAgent(server, { clock, wallMs, applyWindow: 'midnight' })
  expect(await first.agent.run({ once: true })).toEqual({ kind: 'idle', updated: 0 })
  expect(first.installed).toEqual([])
  const { stateFolder } = first
  const early = await quickAgent(server, { clock, wallMs, checkWindow: 'midnight', stateFolder })
  const night = await quickAgent(server, {
    clock: new HurriedClock(),
    wallMs: () => at('2026-11-22 00:10'),
    applyWindow: 'midnight',
    stateFolder,
  })
  expect(server.ranges).toHaveLength(1)
  expect(await night.agent.run({ once: true })).toEqual({ kind: 'idle', updated: 1 })
  expect(night.installed).toEqual([bytes])
  expect(server.ranges).toHaveLength(1)
  const before = server.checkIns.length
  expect(await early.agent.run({ once: true })).toEqual({ kind: 'idle', updated: 0 })
  expect(server.checkIns).toHaveLength(before)
  expect(await readFile(`${stateFolder}/installed.json`, 'utf8')).toContain('1.1.0')
})

test('a download rests after each read', async () => {
  const clock = new HurriedClock()
  const throttle = new Throttle(0, clock, 20)
  await throttle.pass(65_536)
  await throttle.pass(4_096)
  expect(clock.waits).toEqual([320, 20])
  const server = await startServer()
  server.offer({ bytes: someBytes(40_960) })
  const { agent, clock: other } = await quickAgent(server, { throttleMs: 60_000 })
  await agent.run({ once: true })
  // Five seconds are the most.
  expect(other.nowMs()).toBeGreaterThanOrEqual(50_000)
  expect(other.nowMs()).toBeLessThan(60_000)
})
