// Midnight: Ioto's devices check within a minute, each once, over a connection of its own. How many got an error?

import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startLocalPostgres } from '../packages/server/src/store/local-postgres.ts'
import { startSource, stop } from './parts/children.ts'
import { fill } from './parts/fleet.ts'
import { machine, printMachine } from './parts/machine.ts'
import type { Spike, SpikeSettings } from './spike/load.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    checks: { type: 'string', default: '100000' },
    seconds: { type: 'string', default: '60' },
  },
})
const checks = Number(options.checks)
const seconds = Number(options.seconds)

/** The most a process has held, in MiB; where that cannot be asked, none. */
function memoryMiB(pid: number | undefined): number | null {
  try {
    const [, kiB] = /^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kiB === undefined ? null : Math.round(Number(kiB) / 1024)
  } catch {
    return null
  }
}

const temp = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
const log = { info: () => {}, warn: () => {} }
const postgres = await startLocalPostgres({ dataFolder: temp, log })
try {
  const { connectionString: databaseUrl } = postgres
  await fill(databaseUrl, checks)
  const server = await startSource<{ url: string }>(new URL('./spike/server.ts', import.meta.url), {
    data: temp,
    databaseUrl,
  })
  const before = memoryMiB(server.child.pid)
  const settings: SpikeSettings = { url: server.answer.url, checks, devices: checks, seconds }
  const load = new URL('./spike/load.ts', import.meta.url)
  const { answer: spike } = await startSource<Spike>(load, settings)
  const memory = { beforeMiB: before, mostMiB: memoryMiB(server.child.pid) }
  await stop(server.child)
  if (options.json) {
    const results = { checks, within: seconds, ...spike, memory }
    console.log(JSON.stringify({ benchmark: 'spike', machine: machine(), results }))
  } else {
    console.log(printMachine(machine()))
    console.log(
      `${checks} checks within ${seconds} s: ${spike.answered} answered, ${spike.errors} errors, the last after ${spike.seconds.toFixed(1)} s\n` +
        `  p50 ${spike.p50Ms.toFixed(1)} ms, p99 ${spike.p99Ms.toFixed(1)} ms, slowest ${spike.maxMs.toFixed(0)} ms, at most ${spike.mostAtOnce} at once\n` +
        `  memory of the server ${memory.beforeMiB} MiB before, ${memory.mostMiB} MiB at most`,
    )
  }
} finally {
  await postgres.stop()
  rmSync(temp, { recursive: true, force: true })
}
