// MQTT sessions beside aedes: memory of an idle one, a push to all of them, and chunks of 16 KiB: how many a second, and
// what each costs the server. The latter says more where load and server share few processors.

import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { generate } from 'mqtt-packet'
import { CHUNK, CHUNK_TOPIC, messageBytes, PUSH, PUSH_TOPIC } from './mqtt/words.ts'
import { startSource, stop } from './parts/children.ts'
import { machine, printMachine } from './parts/machine.ts'
import { memoryOf } from './parts/memory.ts'
import { spentMsOf } from './parts/processor.ts'
import { printSpread, spreadOf } from './parts/spread.ts'

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    sessions: { type: 'string', default: '5000' },
    downloads: { type: 'string', default: '50' },
  },
})
const sessions = Number(options.sessions)
const downloads = Number(options.downloads)
const seconds = Number(options.seconds)

interface Round {
  readonly idleKiB: number
  readonly pushMs: number
  readonly chunksPerSecond: number
  readonly microsPerChunk: number
}

let clients = 0

/** Connected and welcomed; from then on its bytes are counted only. */
function open(port: number): Promise<Socket> {
  clients += 1
  const clientId = `bench-${clients}`
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' })
    socket.once('error', reject)
    socket.once('data', () => resolve(socket))
    socket.write(
      generate({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        clientId,
        keepalive: 0,
      }),
    )
  })
}

const publish = (topic: string) =>
  generate({ cmd: 'publish', topic, payload: '', qos: 0, dup: false, retain: false })

const residentKiB = (pid: number): number => memoryOf(pid).nowMiB * 1024

async function round(source: URL): Promise<Round> {
  const { child, answer } = await startSource<{ port: number }>(source, {})
  const pid = child.pid ?? 0
  // The first hundred pay for what all share.
  const all: Socket[] = []
  for (let each = 0; each < 100; each++) all.push(await open(answer.port))
  await setTimeout(500)
  const before = residentKiB(pid)
  while (all.length < sessions) {
    const some = Array.from({ length: Math.min(100, sessions - all.length) }, () =>
      open(answer.port),
    )
    all.push(...(await Promise.all(some)))
  }
  await setTimeout(1500)
  const idleKiB = (residentKiB(pid) - before) / (sessions - 100)

  const expected = messageBytes(PUSH_TOPIC, PUSH)
  const startedMs = performance.now()
  const told = all.map(
    (socket) =>
      new Promise<void>((resolve) => {
        let got = 0
        const count = (bytes: Buffer) => {
          got += bytes.length
          if (got < expected) return
          socket.off('data', count)
          resolve()
        }
        socket.on('data', count)
      }),
  )
  all[0]?.write(publish('push'))
  await Promise.all(told)
  const pushMs = performance.now() - startedMs

  const chunkBytes = messageBytes(CHUNK_TOPIC, CHUNK)
  const request = publish('chunk')
  let chunks = 0
  let isOver = false
  for (const socket of all.slice(0, downloads)) {
    let got = 0
    socket.on('data', (bytes) => {
      got += bytes.length
      while (got >= chunkBytes) {
        got -= chunkBytes
        chunks += 1
        if (!isOver) socket.write(request)
      }
    })
    socket.write(request)
  }
  await setTimeout(1000)
  const [chunksBefore, chunksMs, spentBefore] = [chunks, performance.now(), spentMsOf(pid)]
  await setTimeout(seconds * 1000)
  const chunksPerSecond = ((chunks - chunksBefore) * 1000) / (performance.now() - chunksMs)
  const microsPerChunk = ((spentMsOf(pid) - spentBefore) * 1000) / (chunks - chunksBefore)
  isOver = true
  for (const socket of all) socket.destroy()
  await stop(child)
  return { idleKiB, pushMs, chunksPerSecond, microsPerChunk }
}

const rounds: { updraft: Round; aedes: Round }[] = []
for (let each = 0; each < Number(options.rounds); each++) {
  rounds.push({
    aedes: await round(new URL('./mqtt/aedes.ts', import.meta.url)),
    updraft: await round(new URL('./mqtt/ours.ts', import.meta.url)),
  })
}
const of = (who: 'updraft' | 'aedes') => ({
  idleKiB: spreadOf(rounds.map((each) => each[who].idleKiB)),
  pushMs: spreadOf(rounds.map((each) => each[who].pushMs)),
  chunksPerSecond: spreadOf(rounds.map((each) => each[who].chunksPerSecond)),
  microsPerChunk: spreadOf(rounds.map((each) => each[who].microsPerChunk)),
})
const results = { sessions, downloads, updraft: of('updraft'), aedes: of('aedes') }
if (options.json) {
  console.log(JSON.stringify({ benchmark: 'mqtt', machine: machine(), results }))
} else {
  console.log(printMachine(machine()))
  console.log(
    `${sessions} sessions, ${downloads} downloads; least / median / greatest of the rounds\n`,
  )
  for (const who of ['aedes', 'updraft'] as const) {
    const { idleKiB, pushMs, chunksPerSecond, microsPerChunk } = results[who]
    console.log(
      `  ${who.padEnd(8)} ${printSpread(idleKiB, 1)} KiB an idle session, push to all in ${printSpread(pushMs)} ms, ${printSpread(chunksPerSecond)} chunks of 16 KiB per second at ${printSpread(microsPerChunk, 1)} µs of the server each`,
    )
  }
}
