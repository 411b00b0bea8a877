// A campaign over a million devices that answer at once: how fast it goes, and how many a bad build meets before it stops.

import { loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { type Desk, openDesk } from './campaign/desk.ts'
import { tokenOf, withFleet } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'
import { memoryOf, watchMemory } from './parts/memory.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    targets: { type: 'string', default: '1000000' },
    /** Of the second part. */
    bad: { type: 'string', default: '100000' },
    /** So many devices speak side by side. */
    'at-once': { type: 'string', default: '1000' },
  },
})
const targets = Number(options.targets)
const bad = Number(options.bad)
const atOnce = Number(options['at-once'])

const AT_LEAST_PER_SECOND = 5000
/** Of the devices of the bad build. */
const FAILING_PERCENT = 30
/** What others have: failures are held against a whole group, of so many devices. */
const GROUP = { devices: 20_000, failurePercentage: 10 }

const secondsSince = (ms: number): number => (performance.now() - ms) / 1000

/** All devices, so many at a time, in order; stops when there is nothing more to be had. */
async function eachDevice(
  devices: number,
  speak: (device: number) => Promise<boolean>,
): Promise<void> {
  let next = 0
  let isOver = false
  const walk = async () => {
    while (next < devices && !isOver) {
      const device = next++
      if (!(await speak(device))) isOver = true
    }
  }
  await Promise.all(Array.from({ length: atOnce }, walk))
}

/** A database of its own, full of devices, and a device desk in this process. */
const withDesk = <T>(devices: number, measure: (desk: Desk) => Promise<T>): Promise<T> =>
  withFleet(devices, async (connectionString) => {
    const desk = await openDesk(connectionString)
    return measure(desk).finally(() => desk.close())
  })

const atFullSpeed = () =>
  withDesk(targets, async (desk) => {
    const startMiB = memoryOf(process.pid).nowMiB
    const peakOfMemory = watchMemory(process.pid)
    try {
      const createdMs = performance.now()
      const id = await desk.begin('2.0.0', { waves: [], maxInProgress: Math.max(atOnce, 100) })
      const createSeconds = secondsSince(createdMs)
      const createdMiB = memoryOf(process.pid).nowMiB
      const beganMs = performance.now()
      let [done, toldMs] = [0, performance.now()]
      await eachDevice(targets, async (device) => {
        if (!(await desk.update(tokenOf(device), { state: 'UPDATED' }))) {
          throw new Error(`Device ${device} was not asked.`)
        }
        done += 1
        if (!options.json && performance.now() - toldMs > 15_000) {
          toldMs = performance.now()
          const perSecond = done / secondsSince(beganMs)
          const { nowMiB } = memoryOf(process.pid)
          console.error(
            `  ${done} done, ${perSecond.toFixed(0)} per second, ${nowMiB.toFixed(0)} MiB`,
          )
        }
        return true
      })
      const seconds = secondsSince(beganMs)
      const endMiB = memoryOf(process.pid).nowMiB
      const { status, outcome, tally } = await desk.show(id)
      if (tally.successful !== targets || outcome !== 'success') {
        throw new Error(`It is ${status}: ${JSON.stringify(tally)}`)
      }
      const transitions = await desk.countTransitions()
      return {
        targets,
        createSeconds,
        updateSeconds: seconds,
        transitions,
        transitionsPerSecond: transitions / seconds,
        devicesPerSecond: targets / seconds,
        startMiB,
        createdMiB,
        peakMiB: peakOfMemory(),
        endMiB,
      }
    } finally {
      peakOfMemory()
    }
  })

const badBuild = () =>
  withDesk(bad, async (desk) => {
    // The first goes well: what the canary catches would be no story.
    const isBad = (device: number) => device > 0 && (device * 7919) % 100 < FAILING_PERCENT
    const id = await desk.begin('2.0.0', {})
    await desk.update(tokenOf(0), { state: 'UPDATED' })
    await eachDevice(bad, async (device) => {
      const state = isBad(device) ? 'FAILED' : 'UPDATED'
      await desk.update(tokenOf(device), { state })
      return true
    })
    const { status, outcome, because } = await desk.show(id)
    if (outcome !== 'failure') throw new Error(`It did not stop, it is ${status}.`)
    const neededByGroup = (GROUP.devices * GROUP.failurePercentage) / 100 + 1
    return {
      devices: bad,
      failingPercent: FAILING_PERCENT,
      because: because.message,
      ...(await desk.exposure(id)),
      byGroupRule: Math.ceil(neededByGroup / (FAILING_PERCENT / 100)),
      group: GROUP,
    }
  })

if (process.platform !== 'linux') {
  console.error('This benchmark reads the memory of a process from /proc, which Linux has.')
  process.exit(2)
}
const loadBefore = loadavg()[0] ?? 0
const speed = await atFullSpeed()
const exposure = await badBuild()
const load = { before: loadBefore, after: loadavg()[0] ?? 0 }
if (options.json) {
  const results = { speed, exposure, load }
  console.log(JSON.stringify({ benchmark: 'campaign', machine: machine(), results }))
} else {
  const mark = speed.transitionsPerSecond >= AT_LEAST_PER_SECOND ? ' ' : '!'
  console.log(printMachine(machine()))
  console.log(`load ${load.before.toFixed(1)} before, ${load.after.toFixed(1)} after\n`)
  console.log(`  ${targets} devices, ${atOnce} of them at once`)
  console.log(`    created in     ${speed.createSeconds.toFixed(1)} s`)
  console.log(
    `    all updated in ${speed.updateSeconds.toFixed(1)} s, ${speed.devicesPerSecond.toFixed(0)} devices per second`,
  )
  console.log(
    `${mark}   transitions    ${speed.transitions}, ${speed.transitionsPerSecond.toFixed(0)} per second (at least ${AT_LEAST_PER_SECOND})`,
  )
  console.log(
    `    memory         ${speed.startMiB.toFixed(0)} MiB before, ${speed.createdMiB.toFixed(0)} created, ${speed.peakMiB.toFixed(0)} at most, ${speed.endMiB.toFixed(0)} at the end`,
  )
  console.log(`\n  a build that fails on ${FAILING_PERCENT} % of ${bad} devices`)
  console.log(`    ${exposure.because}`)
  console.log(`    asked after that ${exposure.askedAfter}, told after that ${exposure.toldAfter}`)
  console.log(
    `    exposed ${exposure.exposed}: those at it and those before them; by "${GROUP.failurePercentage} % of a group of ${GROUP.devices}" ${exposure.byGroupRule} and those in flight`,
  )
}
