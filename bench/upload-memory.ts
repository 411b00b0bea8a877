// How far the memory of a server rises while it takes in a file of 3 GB over HTTP.

import { createHash, randomFillSync } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { startSource, stop } from './parts/children.ts'
import { machine, printMachine } from './parts/machine.ts'
import { memoryOf, watchMemory } from './parts/memory.ts'
import type { ServerSettings } from './upload-memory/server.ts'

const FILE_BYTES = 3_000_000_000
const PIECE_BYTES = 1_000_000
const AT_MOST_MIB = 64

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false } } })

async function upload(url: string): Promise<{ seconds: number; sha256: string; answer: string }> {
  const hash = createHash('sha256')
  const piece = randomFillSync(Buffer.alloc(PIECE_BYTES))
  function* pieces() {
    for (let sent = 0; sent < FILE_BYTES; sent += PIECE_BYTES) {
      piece.writeDoubleLE(sent)
      hash.update(piece)
      yield Buffer.from(piece)
    }
  }
  const beganMs = performance.now()
  const post = request(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': FILE_BYTES },
  })
  const answered = new Promise<string>((resolve, reject) => {
    post.on('error', reject)
    post.on('response', async (response) => {
      resolve(Buffer.concat(await response.toArray()).toString())
    })
  })
  await pipeline(Readable.from(pieces()), post)
  const answer = await answered
  return { seconds: (performance.now() - beganMs) / 1000, sha256: hash.digest('hex'), answer }
}

if (process.platform !== 'linux') {
  console.error('This benchmark reads the memory of a process from /proc, which Linux has.')
  process.exit(2)
}
const temp = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
const { child, answer: server } = await startSource<{ url: string }>(
  new URL('./upload-memory/server.ts', import.meta.url),
  { folder: temp } satisfies ServerSettings,
)
try {
  const processId = child.pid ?? 0
  const before = memoryOf(processId).nowMiB
  const peakOfMemory = watchMemory(processId)
  const { seconds, sha256, answer } = await upload(server.url)
  if (!answer.includes(sha256)) throw new Error(`The server stored something else: ${answer}`)
  const peak = Math.max(peakOfMemory(), memoryOf(processId).highestMiB)
  const result = {
    benchmark: 'upload-memory',
    machine: machine(),
    fileBytes: FILE_BYTES,
    beforeMiB: Math.round(before),
    peakMiB: Math.round(peak),
    riseMiB: Math.round(peak - before),
    atMostMiB: AT_MOST_MIB,
    megabytesPerSecond: Math.round(FILE_BYTES / 1e6 / seconds),
  }
  if (options.json) console.log(JSON.stringify(result))
  else {
    const { beforeMiB, peakMiB, riseMiB, megabytesPerSecond } = result
    console.log(printMachine(result.machine))
    console.log(`memory ${beforeMiB} MiB before, ${peakMiB} MiB at most`)
    console.log(`rise   ${riseMiB} MiB   (at most ${AT_MOST_MIB})`)
    console.log(`speed  ${megabytesPerSecond} MB/s, hashed and on the disk`)
  }
} finally {
  await stop(child)
  rmSync(temp, { recursive: true, force: true })
}
