// Ten thousand devices that move: each checks in, reports every step of its update, and says at the end what runs.

import { Agent, request } from 'node:http'
import { reportPath, PATHS as WIRE } from '../../packages/wire/src/updraft.ts'
import { settingsOf } from '../parts/children.ts'
import { tokenOf } from '../parts/fleet.ts'

export interface DevicesSettings {
  readonly url: string
  readonly devices: number
  readonly version: string
}

export interface Moved {
  readonly reports: number
  readonly seconds: number
}

/** So many are in the middle of it at any moment. */
const AT_ONCE = 24
const STEPS = [
  { state: 'DOWNLOADING', progress: 20 },
  { state: 'DOWNLOADING', progress: 40 },
  { state: 'DOWNLOADED' },
  { state: 'VERIFIED' },
  { state: 'UPDATING' },
  { state: 'UPDATED' },
]

const { url, devices, version } = settingsOf<DevicesSettings>()
const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })
let reports = 0
let next = 0

async function update(token: string): Promise<void> {
  const { offers } = (await post(WIRE.checkIn, token, {})) as { offers: Offer[] }
  const offer = offers.find((each) => each.version === version)
  if (!offer) throw new Error(`${token} was offered ${JSON.stringify(offers)}.`)
  for (const step of STEPS) {
    await post(reportPath(offer.operation), token, step)
    reports += 1
  }
}

interface Offer {
  readonly operation: string
  readonly version: string
}

const post = (path: string, token: string, body: object): Promise<unknown> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
    const call = request(new URL(path, url), { method: 'POST', agent, headers }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece) => {
        text += piece
      })
      answer.on('end', () => {
        if (answer.statusCode === 200) resolve(JSON.parse(text))
        else reject(new Error(`${path} was answered ${answer.statusCode}: ${text}`))
      })
    })
    call.on('error', reject)
    call.end(JSON.stringify(body))
  })

const one = async () => {
  while (next < devices) {
    const token = tokenOf(next)
    next += 1
    await update(token)
  }
}

const beganMs = performance.now()
await Promise.all(Array.from({ length: AT_ONCE }, one))
agent.destroy()
const moved: Moved = { reports, seconds: (performance.now() - beganMs) / 1000 }
console.log(JSON.stringify(moved))
