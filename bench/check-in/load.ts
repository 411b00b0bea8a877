// The load of the check-in benchmark, in a process of its own: plain sockets with keep-alive, each of them one
// device after another, and how long each answer took.

import { connect } from 'node:net'
import { settingsOf } from '../parts/children.ts'
import { tokenOf } from '../parts/fleet.ts'

export interface LoadSettings {
  readonly url: string
  readonly connections: number
  readonly devices: number
  /** Where to begin, so that a round goes on where the last one stopped. */
  readonly firstDevice: number
  readonly warmUpSeconds: number
  readonly seconds: number
}

export interface Load {
  /** The device whose turn is next. */
  readonly nextDevice: number
  readonly answers: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const { url, connections, devices, firstDevice, warmUpSeconds, seconds } =
  settingsOf<LoadSettings>()
const { hostname, port, pathname } = new URL(url)
const body = JSON.stringify({ installed: { firmware: { title: 'app', version: '1.0.0' } } })
const durationsMs: number[] = []
let isCounting = false
let answers = 0
let next = firstDevice

function visit(): void {
  let askedAt = 0
  let text = ''
  const socket = connect({ host: hostname, port: Number(port), noDelay: true })
  socket.setEncoding('latin1')
  socket.on('connect', ask)
  socket.on('error', fail)
  socket.on('close', () => fail(new Error('The server closed a connection.')))
  socket.on('data', (piece: string) => {
    text += piece
    const headEnd = text.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const length = /content-length: (\d+)/i.exec(text)?.[1]
    if (!text.startsWith('HTTP/1.1 200 ') || length === undefined) {
      fail(new Error(`Not the answer that was expected:\n${text}`))
    }
    if (text.length < headEnd + 4 + Number(length)) return
    answers += 1
    if (isCounting) durationsMs.push(performance.now() - askedAt)
    text = ''
    ask()
  })

  function ask(): void {
    // Each device in turn: none is asked about twice before all were.
    const token = tokenOf(next)
    next = (next + 1) % devices
    askedAt = performance.now()
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${token}\r\n` +
        `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  }
}

function fail(error: Error): never {
  console.error(error)
  process.exit(1)
}

for (let started = 0; started < connections; started++) visit()
setTimeout(() => {
  const before = { answers, atMs: performance.now() }
  isCounting = true
  setTimeout(() => {
    const took = (performance.now() - before.atMs) / 1000
    durationsMs.sort((a, b) => a - b)
    const at = (share: number) => durationsMs[Math.floor(durationsMs.length * share)] ?? Number.NaN
    const load: Load = {
      nextDevice: next,
      answers: answers - before.answers,
      seconds: took,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
      maxMs: durationsMs.at(-1) ?? Number.NaN,
    }
    process.stdout.write(`${JSON.stringify(load)}\n`, () => process.exit())
  }, seconds * 1000)
}, warmUpSeconds * 1000)
