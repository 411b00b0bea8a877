import { createHash } from 'node:crypto'
import { Away, type Offer, type OutgoingReport, type Uplink } from '@updraft/agent'
import { HurriedClock } from '@updraft/agent/test-bench.test-helper'
import { expect, onTestFinished, test } from 'vitest'
import { PretendDevice } from './device.ts'
import { parseScenario } from './scenario.ts'

const BYTES = Buffer.alloc(100_000, 'firmware')
const OFFER: Offer = {
  operation: 'op-1',
  type: 'firmware',
  title: 'app',
  version: '2.0.0',
  sizeBytes: BYTES.length,
  checksum: { algorithm: 'SHA256', value: createHash('sha256').update(BYTES).digest('hex') },
  address: null,
  isStanding: false,
}
const OLD = { title: 'app', version: '1.0.0' }
const NEW = { title: 'app', version: '2.0.0' }

/** A server that offers one release until it hears how that ended. */
class OneOffer {
  readonly fetchedFrom: number[] = []
  readonly ends: OutgoingReport[] = []
  checkIns = 0
  hangUps = 0
  isTokenKnown = true
  onChange = () => {}

  readonly uplink: Uplink = {
    name: 'one offer',
    checkIn: async () => {
      this.checkIns += 1
      this.onChange()
      if (!this.isTokenKnown) throw new Away('No.', { kind: 'unauthorised' })
      const offers = this.ends.length === 0 ? [OFFER] : []
      return { offers, nextCheckInSeconds: null, wasHeld: false }
    },
    report: async (_, report) => {
      if (report.state === 'UPDATED' || report.state === 'FAILED') this.ends.push(report)
      return 'taken'
    },
    fetch: async (_, { byte }) => {
      this.fetchedFrom.push(byte)
      return { from: byte, totalBytes: BYTES.length, etag: null, pieces: pieces(byte) }
    },
    hangUp: async () => {
      this.hangUps += 1
    },
  }

  /** Resolves at a check-in at which it is so. */
  until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      this.onChange = () => isSo() && resolve()
    })
  }
}

async function* pieces(from: number): AsyncGenerator<Buffer> {
  for (let at = from; at < BYTES.length; at += 10_000) yield BYTES.subarray(at, at + 10_000)
}

function live(habits: object, seed = 1): { device: PretendDevice; server: OneOffer } {
  const server = new OneOffer()
  const group = { name: 'a', profile: 'p', devices: 1, installed: { firmware: 'app@1.0.0' } }
  const [only] = parseScenario(JSON.stringify({ groups: [{ ...group, ...habits }] })).groups
  if (!only) throw new Error('no group')
  const clock = new HurriedClock()
  const { uplink } = server
  const device = new PretendDevice({
    name: 'a-0001',
    group: only,
    dialect: 'updraft',
    seed,
    uplink: () => uplink,
    clock,
  })
  const lived = device.live()
  onTestFinished(async () => {
    device.stop()
    await lived
  })
  return { device, server }
}

test('an update that works is what runs then', async () => {
  const { device, server } = live({})
  await server.until(() => device.counts.updated > 0)
  expect(device).toMatchObject({
    runs: { firmware: NEW },
    isUnderWay: false,
    isKnown: true,
    lastEnd: { type: 'firmware', release: NEW, state: 'UPDATED', error: null },
  })
  expect(server.ends).toMatchObject([{ state: 'UPDATED', installed: NEW }])
})

test('an update that fails says why, and the old version runs', async () => {
  const { device, server } = live({ failures: [{ share: 1, reason: 'the flash is worn out' }] })
  await server.until(() => device.counts.failed > 0)
  expect(device).toMatchObject({ runs: { firmware: OLD }, counts: { updated: 0, rolledBack: 0 } })
  expect(server.ends).toMatchObject([{ state: 'FAILED', error: 'the flash is worn out' }])
})

test('a device that rolls back comes up with the old version, and the agent notices', async () => {
  const { device, server } = live({ rollbacks: { share: 1 } })
  await server.until(() => device.counts.failed > 0)
  expect(device).toMatchObject({ runs: { firmware: OLD }, counts: { rolledBack: 1 } })
  expect(server.ends).toMatchObject([
    { state: 'FAILED', error: expect.stringContaining('came back with app@1.0.0') },
  ])
})

test('a device that loses power in mid-download goes on when it is back', async () => {
  const { device, server } = live({ powerCuts: { share: 1, during: ['download'] } })
  await server.until(() => device.counts.updated > 0)
  expect(device).toMatchObject({ runs: { firmware: NEW }, counts: { powerCuts: 1, failed: 0 } })
  expect(server.fetchedFrom.length).toBeGreaterThan(1)
})

const IN_ONE_GO = ['install', 'report'] as const

/** Some seeds cut before the new version is in place or the server has heard, the others after. */
const CUTS = IN_ONE_GO.flatMap((during) => [1, 2, 3, 4].map((seed) => [during, seed] as const))

test.each(CUTS)(
  'a cut during %s changes nothing of how it ends (seed %i)',
  async (during, seed) => {
    const { device, server } = live({ powerCuts: { share: 1, during: [during] } }, seed)
    await server.until(() => device.counts.updated > 0)
    expect(device).toMatchObject({ runs: { firmware: NEW }, counts: { powerCuts: 1, failed: 0 } })
    expect(new Set(server.ends.map(({ state }) => state))).toEqual(new Set(['UPDATED']))
  },
)

test.each(IN_ONE_GO)('what fails does so after a cut during %s as well', async (during) => {
  const failures = [{ share: 1, reason: 'the flash is worn out' }]
  const { device, server } = live({ powerCuts: { share: 1, during: [during] }, failures })
  await server.until(() => device.counts.failed > 0)
  expect(device).toMatchObject({ runs: { firmware: OLD }, counts: { powerCuts: 1, updated: 0 } })
})

test.each(IN_ONE_GO)('what rolls back does so once, a cut during %s or not', async (during) => {
  const { device, server } = live({
    powerCuts: { share: 1, during: [during] },
    rollbacks: { share: 1 },
  })
  await server.until(() => device.counts.failed > 0)
  expect(device.runs).toEqual({ firmware: OLD })
  expect(device.counts).toMatchObject({ powerCuts: 1, rolledBack: 1 })
})

test('a device goes offline now and then, and comes back', async () => {
  const { device, server } = live({ offline: { everySeconds: 100, forSeconds: 100 } })
  await server.until(() => device.counts.offline > 1)
  expect(server.hangUps).toBeGreaterThan(0)
  await server.until(() => device.counts.updated > 0)
  expect(device.runs).toEqual({ firmware: NEW })
})

test('a token nobody knows is counted', async () => {
  const { device, server } = live({})
  server.isTokenKnown = false
  await server.until(() => server.checkIns > 2)
  expect(device.counts.refused).toBeGreaterThan(1)
  expect(device.isKnown).toBe(false)
})
