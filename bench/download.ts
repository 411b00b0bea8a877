// Downloads of a 200 MB file and of 16 KiB ranges from our artifact store, against nginx on the same machine.

import { randomFillSync } from 'node:crypto'
import { mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Load, LoadSettings } from './download/load.ts'
import { findNginx, startNginx } from './download/nginx.ts'
import type { ServerSettings } from './download/server.ts'
import { startSource, stop } from './parts/children.ts'
import { machine, printMachine } from './parts/machine.ts'
import { untilQuiet } from './parts/quiet.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const FILE_BYTES = 200 * 1024 * 1024
const WARM_UP_SECONDS = 0.5

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '3' },
    /** Measures the server that serves the file's bytes at this address instead of one of our own. */
    url: { type: 'string' },
    file: { type: 'string' },
  },
})

const LOADS = {
  'whole files': {
    settings: { connections: 8 },
    unit: 'MB/s',
    rateOf: (load: Load) => load.bytes / load.seconds / 1e6,
    goal: 0.95,
    atLeast: 0.8,
  },
  '16 KiB ranges': {
    settings: { connections: 50, rangeBytes: 16 * 1024 },
    unit: 'requests/s',
    rateOf: (load: Load) => load.answers / load.seconds,
    goal: 0.5,
    atLeast: 0.3,
  },
} as const

/** Loads one server, whoever it is. */
async function measure(url: string, file: string, name: keyof typeof LOADS): Promise<number> {
  const { settings, rateOf } = LOADS[name]
  await untilQuiet()
  const { answer } = await startSource<Load>(new URL('./download/load.ts', import.meta.url), {
    ...settings,
    url,
    file,
    warmUpSeconds: WARM_UP_SECONDS,
    seconds: Number(options.seconds),
  } satisfies LoadSettings)
  return rateOf(answer)
}

function writeRandomFile(path: string): void {
  const descriptor = openSync(path, 'w', 0o644)
  const piece = Buffer.alloc(1024 * 1024)
  for (let written = 0; written < FILE_BYTES; written += piece.length) {
    writeSync(descriptor, randomFillSync(piece))
  }
}

async function compare(nginx: string, temp: string) {
  const file = options.file ?? join(temp, 'file')
  if (!options.file) writeRandomFile(file)
  const theirs = await startNginx(nginx, join(file, '..'), join(temp, 'nginx'))
  const ours = options.url
    ? undefined
    : await startSource<{ url: string }>(new URL('./download/server.ts', import.meta.url), {
        folder: join(temp, 'store'),
        file,
      } satisfies ServerSettings)
  const urls = {
    nginx: `${theirs.url}/${file.slice(join(file, '..').length + 1)}`,
    updraft: options.url ?? ours?.answer.url ?? '',
  }
  try {
    const results = []
    for (const name of Object.keys(LOADS) as (keyof typeof LOADS)[]) {
      const rounds = []
      for (let round = 0; round < Number(options.rounds); round++) {
        const nginx = await measure(urls.nginx, file, name)
        const updraft = await measure(urls.updraft, file, name)
        rounds.push({ nginx, updraft, ratio: updraft / nginx })
      }
      results.push({
        load: name,
        unit: LOADS[name].unit,
        connections: LOADS[name].settings.connections,
        nginx: spreadOf(rounds.map(({ nginx }) => nginx)),
        updraft: spreadOf(rounds.map(({ updraft }) => updraft)),
        ratio: spreadOf(rounds.map(({ ratio }) => ratio)),
        atLeast: LOADS[name].atLeast,
        goal: LOADS[name].goal,
        rounds,
      })
    }
    return results
  } finally {
    if (ours) await stop(ours.child)
    await stop(theirs.child)
  }
}

const nginx = findNginx()
if (!nginx) {
  console.error('This benchmark compares with nginx. Please install it (Debian: nginx-light).')
  process.exit(2)
}
const temp = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
try {
  const results = await compare(nginx, temp)
  if (options.json) {
    console.log(JSON.stringify({ benchmark: 'download', machine: machine(), results }))
  } else {
    console.log(printMachine(machine()))
    console.log('least / median / greatest of the rounds')
    for (const { load, unit, connections, nginx, updraft, ratio, atLeast, goal } of results) {
      console.log(`\n${load}, ${connections} connections, ${unit}`)
      console.log(`  nginx    ${printSpread(nginx)}`)
      console.log(`  updraft  ${printSpread(updraft)}`)
      console.log(`  ratio    ${printSpread(ratio, 2)}   (at least ${atLeast}, goal ${goal})`)
    }
  }
} finally {
  rmSync(temp, { recursive: true, force: true })
}
