// A release is assigned to a profile of 100,000 devices: how soon all are told of it, and how well the pace is kept.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { createClient } from '../packages/api/src/client.ts'
import { startLocalPostgres } from '../packages/server/src/store/local-postgres.ts'
import { call } from './notify/callers.ts'
import { type Lines, openLines } from './notify/lines.ts'
import { type Pace, paceOf } from './notify/pace.ts'
import type { Endpoints, ServerSettings } from './notify/server.ts'
import { startSource, stop } from './parts/children.ts'
import { fill } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'
import { memoryOf, watchMemory } from './parts/memory.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    devices: { type: 'string', default: '100000' },
    /** Of them on an open line. */
    sessions: { type: 'string', default: '5000' },
    'pack-size': { type: 'string', default: '600' },
    'interval-ms': { type: 'string', default: '6000' },
  },
})
const devices = Number(options.devices)
const sessions = Number(options.sessions)
const pace = { packSize: Number(options['pack-size']), intervalMs: Number(options['interval-ms']) }

/** Each counts all operations. */
const LOOK_MS = 500
const SETTLE_MS = 2000
const AT_MOST_PERCENT_OFF = 5
/** What ThingsBoard documents as its default, for each server. */
const THINGSBOARD_PER_MINUTE = 100

interface Fleet {
  readonly http: string
  readonly lines: Lines
  readonly database: pg.Client
  /** Of the server. */
  readonly processId: number
  assign(): Promise<void>
}

/** A server of its own on a database of its own, with the lines open and nothing to do. */
async function withFleet<T>(
  devices: number,
  { packSize, intervalMs }: { packSize: number; intervalMs: number },
  measure: (fleet: Fleet) => Promise<T>,
): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
  const log = { info: () => {}, warn: () => {} }
  const postgres = await startLocalPostgres({ dataFolder: data, log })
  try {
    const { connectionString: databaseUrl } = postgres
    await fill(databaseUrl, devices)
    const adminToken = 'an-administrator-of-a-benchmark'
    const settings = { data, databaseUrl, adminToken }
    const { child, answer } = await startSource<Endpoints>(
      new URL('./notify/server.ts', import.meta.url),
      { ...settings, pacePackSize: packSize, paceIntervalMs: intervalMs } satisfies ServerSettings,
    )
    const lines = await openLines(new URL(answer.mqtt), sessions)
    const database = new pg.Client({ connectionString: databaseUrl })
    await database.connect()
    await setTimeout(SETTLE_MS)
    const api = createClient({ url: answer.http, token: adminToken })
    const [profile] = (await api('listProfiles', { query: { name: 'sensor' } })).items
    const { items } = await api('listReleases', { query: { title: 'app' } })
    const releaseId = items.find(({ version }) => version === '2.0.0')?.id ?? ''
    const params = { id: profile?.id ?? '', type: 'firmware' }
    const assign = async () => {
      await api('assignToProfile', { params, body: { releaseId } })
    }
    try {
      return await measure({
        http: answer.http,
        lines,
        database,
        processId: child.pid ?? 0,
        assign,
      })
    } finally {
      lines.close()
      await database.end()
      await stop(child)
    }
  } finally {
    await postgres.stop()
    rmSync(data, { recursive: true, force: true })
  }
}

interface AtOnce {
  /** Seconds since the assignment, until the last of those on a line was told. */
  readonly toldSeconds: number
  /** … until the last of all was queued. */
  readonly queuedSeconds: number
  /** How long those that were away took to come back and ask. */
  readonly askedSeconds: number
  readonly beforeMiB: number
  readonly peakMiB: number
}

const secondsSince = (ms: number): number => (performance.now() - ms) / 1000

const atOnce = (devices: number): Promise<AtOnce> =>
  withFleet(devices, { packSize: 1, intervalMs: 0 }, async (fleet) => {
    const { http, lines, database, processId, assign } = fleet
    const beforeMiB = memoryOf(processId).nowMiB
    const peakOfMemory = watchMemory(processId)
    try {
      const beganMs = performance.now()
      await assign()
      const told = lines.allTold.then(() => secondsSince(beganMs))
      while ((await countOf(database, "state in ('QUEUED', 'INITIATED')")) < devices) {
        await setTimeout(LOOK_MS)
      }
      const queuedSeconds = secondsSince(beganMs)
      const toldSeconds = await told
      const askedMs = performance.now()
      await call(http, sessions, devices)
      const askedSeconds = secondsSince(askedMs)
      const initiated = await countOf(database, "state = 'INITIATED'")
      if (initiated !== devices) throw new Error(`${initiated} of ${devices} are INITIATED.`)
      return { toldSeconds, queuedSeconds, askedSeconds, beforeMiB, peakMiB: peakOfMemory() }
    } finally {
      peakOfMemory()
    }
  })

const inPacks = (): Promise<Pace> =>
  withFleet(devices, pace, async ({ lines, assign }) => {
    await assign()
    await lines.allTold
    return paceOf(lines.toldAtMs, pace)
  })

async function countOf(database: pg.Client, where: string): Promise<number> {
  const { rows } = await database.query(
    `select count(*)::int as count from operations where ${where}`,
  )
  return rows[0].count
}

if (process.platform !== 'linux') {
  console.error('This benchmark reads the memory of a process from /proc, which Linux has.')
  process.exit(2)
}
const rounds: AtOnce[] = []
for (let round = 0; round < Number(options.rounds); round++) rounds.push(await atOnce(devices))
// The same lines, so that what differs is the fleet behind them.
const smaller = await atOnce(Math.max(sessions, Math.round(devices / 10)))
const paced = await inPacks()
const away = devices - sessions
const of = (figure: (round: AtOnce) => number) => spreadOf(rounds.map(figure))
const results = {
  devices,
  sessions,
  toldPerSecond: of(({ toldSeconds }) => sessions / toldSeconds),
  toldSeconds: of(({ toldSeconds }) => toldSeconds),
  queuedPerSecond: of(({ queuedSeconds }) => devices / queuedSeconds),
  queuedSeconds: of(({ queuedSeconds }) => queuedSeconds),
  askedPerSecond: of(({ askedSeconds }) => away / askedSeconds),
  beforeMiB: of(({ beforeMiB }) => beforeMiB),
  peakMiB: of(({ peakMiB }) => peakMiB),
  smallerFleetPeakMiB: smaller.peakMiB,
  pace,
  paced,
  atMostPercentOff: AT_MOST_PERCENT_OFF,
  thingsBoardPerMinute: THINGSBOARD_PER_MINUTE,
}
if (options.json) {
  console.log(JSON.stringify({ benchmark: 'notify', machine: machine(), results }))
} else {
  const hours = devices / THINGSBOARD_PER_MINUTE / 60
  console.log(printMachine(machine()))
  console.log(
    `${devices} devices of one profile, ${sessions} of them on a line; least / median / greatest of the rounds\n`,
  )
  console.log('  pacing off')
  console.log(
    `    all queued     ${printSpread(results.queuedSeconds, 1)} s, ${printSpread(results.queuedPerSecond)} devices per second`,
  )
  console.log(
    `    on a line told ${printSpread(results.toldSeconds, 1)} s, ${printSpread(results.toldPerSecond)} devices per second`,
  )
  console.log(
    `    the rest asks  ${printSpread(results.askedPerSecond)} devices per second, then all are INITIATED`,
  )
  console.log(
    `    memory         ${printSpread(results.beforeMiB)} MiB before, ${printSpread(results.peakMiB)} MiB at most; ${smaller.peakMiB.toFixed(0)} MiB with a tenth of the fleet`,
  )
  console.log(
    `    ThingsBoard    ${(THINGSBOARD_PER_MINUTE / 60).toFixed(1)} devices per second by default, ${hours.toFixed(1)} h for all`,
  )
  console.log(`  ${pace.packSize} devices in ${pace.intervalMs} ms`)
  console.log(
    `    ${paced.packs} packs, one in ${paced.meanIntervalMs.toFixed(0)} ms: ${paced.percentOff.toFixed(2)} % off (at most ${AT_MOST_PERCENT_OFF} %); no interval had more than ${paced.mostInAnInterval}`,
  )
}
