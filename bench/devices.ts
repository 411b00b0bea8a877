// The device table of the dashboard over a fleet of 100,000: how long each way to sort, search and filter it takes.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { createClient } from '../packages/api/src/client.ts'
import { startLocalPostgres } from '../packages/server/src/store/local-postgres.ts'
import { VARIETY, viewsOf } from './devices/views.ts'
import type { Endpoints, ServerSettings } from './notify/server.ts'
import { startSource, stop } from './parts/children.ts'
import { fill } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '15' },
    devices: { type: 'string', default: '100000' },
  },
})
const devices = Number(options.devices)
const rounds = Number(options.rounds)
const AT_MOST_MS = 100

const data = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
const log = { info: () => {}, warn: () => {} }
const postgres = await startLocalPostgres({ dataFolder: data, log })
try {
  const { connectionString: databaseUrl } = postgres
  await fill(databaseUrl, devices)
  const database = new pg.Client({ connectionString: databaseUrl })
  await database.connect()
  for (const statement of VARIETY) await database.query(statement)
  await database.end()
  const adminToken = 'an-administrator-of-a-benchmark'
  const { child, answer } = await startSource<Endpoints>(
    new URL('./notify/server.ts', import.meta.url),
    {
      data,
      databaseUrl,
      adminToken,
      pacePackSize: 1,
      paceIntervalMs: 0,
    } satisfies ServerSettings,
  )
  const api = createClient({ url: answer.http, token: adminToken })
  const results = []
  for (const { name, ask } of await viewsOf(api)) {
    await ask()
    const took: number[] = []
    for (let round = 0; round < rounds; round++) {
      const began = performance.now()
      await ask()
      took.push(performance.now() - began)
    }
    results.push({ name, ms: spreadOf(took) })
  }
  await stop(child)
  if (options.json) {
    console.log(JSON.stringify({ benchmark: 'devices', machine: machine(), devices, results }))
  } else {
    console.log(printMachine(machine()))
    console.log(`${devices} devices, pages of 50; least / median / greatest of ${rounds}, in ms`)
    console.log(`the median is to be below ${AT_MOST_MS}\n`)
    for (const { name, ms } of results) {
      const mark = ms.median < AT_MOST_MS ? ' ' : '!'
      console.log(`${mark} ${name.padEnd(42)} ${printSpread(ms, 1)}`)
    }
  }
} finally {
  await postgres.stop()
  rmSync(data, { recursive: true, force: true })
}
