// Devices that wake at midnight, in a process of their own: so many checks within so many seconds, whether or not the
// ones before were answered, each over a connection of its own, as Ioto's agents make them.

import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { settingsOf } from '../parts/children.ts'
import { tokenOf } from '../parts/fleet.ts'

export interface SpikeSettings {
  readonly url: string
  readonly checks: number
  readonly devices: number
  readonly seconds: number
}

export interface Spike {
  readonly answered: number
  readonly errors: number
  /** From the first question to the last answer. */
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly mostAtOnce: number
}

const TICK_MS = 10

const { url, checks, devices, seconds } = settingsOf<SpikeSettings>()
const { hostname, port, pathname } = new URL(url)
const durationsMs: number[] = []
let [asked, errors, open, mostAtOnce] = [0, 0, 0, 0]

const check = (device: number): Promise<void> =>
  new Promise((resolve) => {
    const name = tokenOf(device)
    const body = `{"id":"${name}","product":"bench","memory":256,"version":"1.0.0","iotoVersion":"3.0.0"}`
    const askedAt = performance.now()
    let text = ''
    open += 1
    mostAtOnce = Math.max(mostAtOnce, open)
    const socket = connect({ host: hostname, port: Number(port) })
    socket.setEncoding('latin1')
    socket.on('error', () => {})
    socket.on('data', (piece: string) => {
      text += piece
    })
    socket.on('close', () => {
      open -= 1
      if (text.startsWith('HTTP/1.1 200 ') && text.endsWith('}')) {
        durationsMs.push(performance.now() - askedAt)
      } else errors += 1
      resolve()
    })
    socket.write(
      `POST ${pathname} HTTP/1.1\r\nAuthorization: bearer ${name}\r\nContent-Type: application/json\r\n` +
        `Host: ${hostname}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  })

const beganAt = performance.now()
const all: Promise<void>[] = []
while (asked < checks) {
  const due = Math.min(
    checks,
    Math.ceil(((performance.now() - beganAt) / (seconds * 1000)) * checks),
  )
  for (; asked < due; asked++) all.push(check(asked % devices))
  await sleep(TICK_MS)
}
await Promise.all(all)
durationsMs.sort((a, b) => a - b)
const at = (share: number) => durationsMs[Math.floor(durationsMs.length * share)] ?? Number.NaN
const spike: Spike = {
  answered: durationsMs.length,
  errors,
  seconds: (performance.now() - beganAt) / 1000,
  p50Ms: at(0.5),
  p99Ms: at(0.99),
  maxMs: durationsMs.at(-1) ?? Number.NaN,
  mostAtOnce,
}
process.stdout.write(`${JSON.stringify(spike)}\n`, () => process.exit())
