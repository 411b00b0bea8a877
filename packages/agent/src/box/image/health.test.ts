import { expect, test } from 'vitest'
import { MemoryDisk } from '../../memory-disk.ts'
import { HurriedClock } from '../../test-bench.test-helper.ts'
import {
  devicesBack,
  diskWritable,
  type HealthCheck,
  healthBefore,
  healthWindow,
  programAgrees,
  serviceUp,
  stillReached,
} from './health.ts'
import { recorded } from './recorded.test-helper.ts'
import { openWatchdog } from './watchdog.ts'

const RELEASE = { title: 'box', version: '1.1.0' }
const TIMING = { windowMs: 60_000, steadyMs: 10_000, everyMs: 5_000, checkMs: 30_000 }

/** What a check says each time it is asked, the last one ever after. */
const saying = (...answers: (string | null)[]): HealthCheck => ({
  name: 'it',
  check: async () => (answers.length > 1 ? (answers.shift() ?? null) : (answers[0] ?? null)),
})

/** In a hurry, but for the patience with checks that answer. */
class PatientClock extends HurriedClock {
  override wait(ms: number, signal?: AbortSignal): Promise<void> {
    return ms === TIMING.checkMs ? new Promise(() => {}) : super.wait(ms, signal)
  }
}

function window(
  checks: HealthCheck[],
  { signal = new AbortController().signal, clock = new PatientClock() as HurriedClock } = {},
) {
  const fed: number[] = []
  const watchdog = {
    feed: async () => {
      fed.push(clock.nowMs() / 1000)
    },
    release: async () => {},
  }
  const about = { checks, before: {}, release: RELEASE, clock, timing: TIMING, watchdog, signal }
  return { outcome: healthWindow(about), fed, clock }
}

test('well for long enough without a break', async () => {
  const { outcome, fed, clock } = window([saying('comes up', 'comes up', null)])
  expect(await outcome).toBeNull()
  expect(clock.nowMs()).toBe(20_000)
  expect(fed).toEqual([0, 5, 10, 15])
})

test('never well: the last words, when the time is over; it is fed to the end, as it may still come', async () => {
  const { outcome, fed } = window([saying('no page')])
  expect(await outcome).toBe('it: no page')
  expect(fed.at(-1)).toBe(55)
})

test('well and no longer: it is not fed from then on', async () => {
  const { outcome, fed } = window([saying(null, 'it fell over')])
  expect(await outcome).toBe('it: it fell over')
  expect(fed).toEqual([0])
})

test('a check that never answers, and one that throws', async () => {
  const hanging = { name: 'hanging', check: () => new Promise<null>(() => {}) }
  const throwing = { name: 'throwing', check: () => Promise.reject(new Error('no such thing')) }
  expect(await window([hanging, throwing], { clock: new HurriedClock() }).outcome).toBe(
    'hanging: no answer within 30 s; throwing: no such thing',
  )
})

test('it ends when it is told to', async () => {
  const stop = new AbortController()
  const check = async () => {
    stop.abort()
    return null
  }
  const { outcome } = window([{ name: 'stops', check }], { signal: stop.signal })
  await expect(outcome).rejects.toThrow('aborted')
})

test('what was so before is what it is held against', async () => {
  const { signal } = new AbortController()
  let devices = ['printer', 'scale']
  let isReached = false
  const checks = [
    devicesBack(async () => devices),
    stillReached('the server', async () => isReached),
  ]
  const before = await healthBefore(checks)
  expect(before).toEqual({ 'the devices': ['printer', 'scale'], 'the server': false })
  const look = () =>
    Promise.all(
      checks.map(({ name, check }) =>
        check({ release: RELEASE, before: before[name] ?? null, signal }),
      ),
    )
  // Who had no line before is not sent back for having none.
  expect(await look()).toEqual([null, null])
  devices = ['scale', 'camera']
  expect(await look()).toEqual(['missing since the update: printer', null])
  isReached = true
  const online = await healthBefore(checks)
  isReached = false
  expect(
    await checks[1]?.check({ release: RELEASE, before: online['the server'] ?? null, signal }),
  ).toBe('it is not reached, and was before')
})

test('services, programs and the disk', async () => {
  const about = { release: RELEASE, before: null, signal: new AbortController().signal }
  const { run } = recorded(
    ['systemctl is-active box', 'active\n'],
    ['systemctl is-active box', { code: 3, stdout: 'failed\n' }],
    ['/etc/box/check', ''],
    ['/etc/box/check', { code: 1, stderr: 'no paper\n' }],
  )
  expect(await serviceUp(run, 'box').check(about)).toBeNull()
  expect(await serviceUp(run, 'box').check(about)).toBe('it is not active: failed')
  expect(await programAgrees(run, '/etc/box/check').check(about)).toBeNull()
  expect(await programAgrees(run, '/etc/box/check').check(about)).toBe('it ended with 1: no paper')
  const memory = new MemoryDisk(() => {})
  expect(await diskWritable(memory.disk, '/probe').check(about)).toBeNull()
  expect(memory.text('/probe')).toBe('box@1.1.0\n')
})

test('the watchdog: any byte keeps it still, V ends it; where there is none it goes without', async () => {
  const memory = new MemoryDisk(() => {})
  const watchdog = await openWatchdog(memory.disk, '/watchdog')
  await watchdog?.feed()
  expect(memory.text('/watchdog')).toBe('.')
  await watchdog?.release()
  expect(memory.text('/watchdog')).toBe('V')
  expect(await openWatchdog(memory.disk, '/dev/no/watchdog')).toBeNull()
})
