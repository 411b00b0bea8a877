// MB/s of files by CoAP's Block2 in blocks of 1024 bytes, beside libcoap's own server with the same bytes.

import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { hasLibcoap, startLibcoap } from './coap/libcoap.ts'
import type { Load, LoadSettings } from './coap/load.ts'
import type { ServerSettings } from './coap/server.ts'
import { startSource, stop } from './parts/children.ts'
import { machine, printMachine } from './parts/machine.ts'
import { untilQuiet } from './parts/quiet.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    quiet: { type: 'boolean', default: false },
  },
})
const MIB = 1024 * 1024
const CASES = [
  { mebibytes: 1, clients: 1, times: 16 },
  { mebibytes: 1, clients: 8, times: 4 },
  { mebibytes: 8, clients: 1, times: 2 },
  { mebibytes: 8, clients: 8, times: 1 },
]

const measure = async (settings: LoadSettings): Promise<Load> =>
  (await startSource<Load>(new URL('./coap/load.ts', import.meta.url), settings)).answer

const temp = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
try {
  if (!(await hasLibcoap())) throw new Error('There is no libcoap to compare with.')
  const sizes = [...new Set(CASES.map(({ mebibytes }) => mebibytes))]
  const files = sizes.map((mebibytes) => {
    const file = join(temp, `${mebibytes}.bin`)
    // The end of a file is seldom that of a block.
    writeFileSync(file, randomBytes(mebibytes * MIB - 100))
    return file
  })
  const settings: ServerSettings = { folder: join(temp, 'artifacts'), files }
  const ours = await startSource<{ port: number }>(
    new URL('./coap/server.ts', import.meta.url),
    settings,
  )
  const libcoap = await startLibcoap(files)

  const results = []
  for (const { mebibytes, clients, times } of CASES) {
    const index = sizes.indexOf(mebibytes)
    const load = { file: files[index] ?? '', clients, times }
    const rounds: { updraft: Load; libcoap: Load }[] = []
    for (let round = -1; round < Number(options.rounds); round++) {
      if (options.quiet) await untilQuiet()
      const theirs = await measure({ ...load, port: libcoap.port, path: [`${index}`] })
      if (options.quiet) await untilQuiet()
      const updraft = await measure({ ...load, port: ours.answer.port, path: ['fw', `${index}`] })
      // The first one warms up.
      if (round >= 0) rounds.push({ updraft, libcoap: theirs })
    }
    const rate = ({ bytes, seconds }: Load) => bytes / seconds / 1e6
    results.push({
      mebibytes,
      clients,
      updraftMBps: spreadOf(rounds.map(({ updraft }) => rate(updraft))),
      libcoapMBps: spreadOf(rounds.map(({ libcoap }) => rate(libcoap))),
      ratio: spreadOf(rounds.map(({ updraft, libcoap }) => rate(updraft) / rate(libcoap))),
      sentAgain: {
        updraft: rounds.reduce((sum, { updraft }) => sum + updraft.again, 0),
        libcoap: rounds.reduce((sum, { libcoap }) => sum + libcoap.again, 0),
      },
    })
  }
  await stop(ours.child)
  await stop(libcoap.child)

  if (options.json) {
    console.log(JSON.stringify({ benchmark: 'coap', machine: machine(), results }))
  } else {
    console.log(printMachine(machine()))
    console.log('MB/s of all clients together; least / median / greatest of the rounds\n')
    for (const { mebibytes, clients, updraftMBps, libcoapMBps, ratio, sentAgain } of results) {
      console.log(`  ${mebibytes} MiB, ${clients} ${clients === 1 ? 'client' : 'clients'}`)
      console.log(`    updraft  ${printSpread(updraftMBps, 1)}   (sent again ${sentAgain.updraft})`)
      console.log(`    libcoap  ${printSpread(libcoapMBps, 1)}   (sent again ${sentAgain.libcoap})`)
      console.log(`    ratio    ${printSpread(ratio, 2)}`)
    }
  }
} finally {
  rmSync(temp, { recursive: true, force: true })
}
