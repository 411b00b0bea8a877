// Authenticated check-ins per second with 100,000 devices known, each durably seen, against a bare Fastify route.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startLocalPostgres } from '../packages/server/src/store/local-postgres.ts'
import type { Load, LoadSettings } from './check-in/load.ts'
import type { ServerSettings } from './check-in/server.ts'
import { startSource, stop } from './parts/children.ts'
import { fill } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '4' },
    devices: { type: 'string', default: '100000' },
    connections: { type: 'string', default: '100' },
  },
})
const devices = Number(options.devices)
const connections = Number(options.connections)
const AT_LEAST_PER_SECOND = 5000
const GOAL_PER_SECOND = 10_000

const measure = async (url: string, firstDevice = 0): Promise<Load> => {
  const settings: LoadSettings = {
    url,
    connections,
    devices,
    firstDevice,
    warmUpSeconds: 1,
    seconds: Number(options.seconds),
  }
  const load = new URL('./check-in/load.ts', import.meta.url)
  return (await startSource<Load>(load, settings)).answer
}

const seenSince = async (connectionString: string, since: Date): Promise<number> => {
  const client = new pg.Client({ connectionString })
  await client.connect()
  const { rows } = await client.query(
    'select count(*)::int as count from device_presence where last_seen_at >= $1',
    [since],
  )
  await client.end()
  return rows[0].count
}

const temp = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
const log = { info: () => {}, warn: () => {} }
const postgres = await startLocalPostgres({ dataFolder: temp, log })
try {
  const { connectionString: databaseUrl } = postgres
  // Devices that run what their profile is assigned: the ordinary day of a fleet.
  await fill(databaseUrl, devices)
  const serverSettings: ServerSettings = { data: temp, databaseUrl }
  const ours = await startSource<{ url: string }>(
    new URL('./check-in/server.ts', import.meta.url),
    serverSettings,
  )
  const bare = await startSource<{ url: string }>(
    new URL('./check-in/bare.ts', import.meta.url),
    {},
  )
  const rounds: { bare: Load; updraft: Load }[] = []
  const since = new Date()
  for (let round = 0; round < Number(options.rounds); round++) {
    const firstDevice = rounds.at(-1)?.updraft.nextDevice
    rounds.push({
      bare: await measure(bare.answer.url),
      updraft: await measure(ours.answer.url, firstDevice),
    })
  }
  const seen = await seenSince(databaseUrl, since)
  const answered = rounds.reduce((sum, { updraft }) => sum + updraft.answers, 0)
  await stop(ours.child)
  await stop(bare.child)

  const rate = ({ answers, seconds }: Load) => answers / seconds
  const of = (who: 'bare' | 'updraft') => {
    const loads = rounds.map((round) => round[who])
    return {
      perSecond: spreadOf(loads.map(rate)),
      p50Ms: spreadOf(loads.map(({ p50Ms }) => p50Ms)),
      p99Ms: spreadOf(loads.map(({ p99Ms }) => p99Ms)),
    }
  }
  const results = {
    devices,
    connections,
    bare: of('bare'),
    updraft: of('updraft'),
    ratio: spreadOf(rounds.map((round) => rate(round.updraft) / rate(round.bare))),
    atLeastPerSecond: AT_LEAST_PER_SECOND,
    goalPerSecond: GOAL_PER_SECOND,
    devicesSeen: seen,
    devicesAsked: Math.min(devices, answered),
  }
  if (options.json) {
    console.log(JSON.stringify({ benchmark: 'check-in', machine: machine(), results }))
  } else {
    console.log(printMachine(machine()))
    console.log(
      `${devices} devices, ${connections} connections; least / median / greatest of the rounds\n`,
    )
    for (const who of ['bare', 'updraft'] as const) {
      const { perSecond, p50Ms, p99Ms } = results[who]
      console.log(
        `  ${who.padEnd(8)} ${printSpread(perSecond)} per second, p50 ${printSpread(p50Ms, 1)} ms, p99 ${printSpread(p99Ms, 1)} ms`,
      )
    }
    console.log(
      `  ratio    ${printSpread(results.ratio, 2)}   (at least ${AT_LEAST_PER_SECOND}, goal ${GOAL_PER_SECOND} per second)`,
    )
    console.log(
      `  ${seen} devices are noted as seen, at least ${results.devicesAsked} were answered`,
    )
  }
} finally {
  await postgres.stop()
  rmSync(temp, { recursive: true, force: true })
}
