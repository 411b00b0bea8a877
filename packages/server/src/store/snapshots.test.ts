import {
  type Arrival,
  type Assignment,
  type Changes,
  type Component,
  cancelByOperator,
  DomainError,
  hear,
  type Installed,
  type Operation,
  type Release,
  retryByOperator,
  type Snapshot,
  STANDARD_HANDLING,
  STATES,
  visit,
} from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { releaseCache } from './snapshots.ts'
import {
  addTenant,
  minutesAfter,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
})
afterAll(() => store.close())

const read = (deviceId: string): Promise<Snapshot> =>
  tenant.run(async ({ devices }) => (await devices.get(deviceId)).snapshot)

/** Numbers that are the same at every run. */
function dice(seed: number) {
  let state = seed
  const roll = (sides: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
  const pick = <T>(of: readonly T[]): T => of[roll(of.length)] as T
  return { roll, pick }
}

/** What a snapshot must be, told from all that core ever answered. */
class Ledger {
  readonly operations = new Map<string, Operation>()
  readonly installed: Record<string, Installed> = {}
  readonly assignments = new Map<'device' | 'profile', { release: Release; at: Date }>()

  arrival: Arrival | null = null

  note({
    operations,
    installed,
    arrivals,
  }: Pick<Changes, 'operations' | 'installed' | 'arrivals'>) {
    this.arrival = arrivals.firmware ?? this.arrival
    for (const operation of operations) this.operations.set(operation.id, operation)
    Object.assign(this.installed, installed)
  }

  component(): Component | undefined {
    const all = [...this.operations.values()]
    const underWay = all.find(({ endedAt }) => !endedAt) ?? null
    const newest = all
      .toSorted((a, b) => a.openedAt.getTime() - b.openedAt.getTime() || (a.id < b.id ? -1 : 1))
      .at(-1)
    const component: Component = {
      deviceAssignment: this.#assignment('device'),
      profileAssignment: this.#assignment('profile'),
      underWay,
      underWayRelease: underWay && (this.releases.get(underWay.releaseId) ?? null),
      latestEnded: underWay ? null : (newest ?? null),
      targets: [],
      arrival: this.arrival,
      policies: [],
    }
    const isEmpty = all.length === 0 && this.assignments.size === 0 && !this.installed.firmware
    return isEmpty ? undefined : component
  }

  readonly releases = new Map<string, Release>()

  #assignment(of: 'device' | 'profile'): Assignment | null {
    const assigned = this.assignments.get(of)
    if (!assigned) return null
    const { release, at } = assigned
    const ended = [...this.operations.values()]
      .filter(({ releaseId, endedAt }) => releaseId === release.id && endedAt && endedAt > at)
      .toSorted((a, b) => Number(a.endedAt) - Number(b.endedAt))
    const failed = ended.filter(({ state }) => state !== 'CANCELED' && state !== 'STAGED')
    return {
      release,
      assignedAt: at,
      handling: STANDARD_HANDLING,
      attempts: {
        failures: failed.length,
        lastFailedAt: failed.at(-1)?.endedAt ?? null,
        isCancelled: ended.at(-1)?.because.code === 'operator.cancel',
        isStaged: ended.at(-1)?.state === 'STAGED',
      },
    }
  }
}

describe('after every round a snapshot holds what core answered', () => {
  test.each([1, 2, 3, 4, 5, 6])('along path %i', async (seed) => {
    const { roll, pick } = dice(seed)
    const ledger = new Ledger()
    const profile = await tenant.addProfile(`of path ${seed}`)
    const [deviceId = ''] = await tenant.addDevices(profile, [`on path ${seed}`])
    const releases: Release[] = []
    for (const version of ['1', '2', '3']) {
      const release = await tenant.addRelease(profile, `path ${seed}@${version}`)
      releases.push(release)
      ledger.releases.set(release.id, release)
    }
    const target = { tenantId: tenant.id, deviceId }
    // Recent, as successes count for thirty days of the database's own time.
    store.clock.at = new Date(Date.now() - 3_600_000)
    const steps = {
      'is assigned': async () => {
        const of = pick(['device', 'profile'] as const)
        const release = pick(releases)
        const at = store.clock.now()
        const to = of === 'device' ? { deviceId } : { profileId: profile }
        await tenant.assign(to, release, at)
        ledger.assignments.set(of, { release, at })
      },
      'is assigned nothing': async () => {
        ledger.assignments.delete('device')
        await tenant.run(({ assignments }) => assignments.withdraw({ deviceId }, 'firmware'))
      },
      'checks in': async () => {
        const known: Record<string, Installed> = roll(2)
          ? { firmware: { title: `path ${seed}`, version: pick(['1', '2', '3', '4']) } }
          : {}
        const { changes } = await store.work.settle(target, (snapshot) =>
          visit(snapshot, {
            ...momentAt(store.clock.now()),
            facts: { installed: known },
            tells: roll(3) > 0,
          }),
        )
        ledger.note(changes)
      },
      reports: async () => {
        const state = pick(STATES)
        const isNamed = roll(2) === 1
        const operationId = pick([...ledger.operations.keys(), newId()])
        const answer = await store.work
          .settle({ ...target, operationId: isNamed ? operationId : undefined }, (snapshot) =>
            hear(snapshot, {
              ...momentAt(store.clock.now()),
              address: isNamed ? { operationId } : { type: 'firmware' },
              report: { state, progressPercent: roll(101), error: pick(['no space', undefined]) },
              facts: { installed: {} },
            }),
          )
          .catch(refusal)
        if (answer) ledger.note(answer.changes)
      },
      'is interfered with': async () => {
        const operationId = pick([...ledger.operations.keys(), newId()])
        const actor = { kind: 'operator', id: tenant.operatorId, name: 'admin' } as const
        const release = pick(releases)
        const cancels = roll(2) === 1
        const answer = await store.work
          .settle({ ...target, operationId }, (snapshot) => {
            const moment = { ...momentAt(store.clock.now()), actor }
            return cancels
              ? { changes: cancelByOperator(snapshot, { ...moment, operationId }) }
              : retryByOperator(snapshot, { ...moment, release })
          })
          .catch(refusal)
        if (answer) ledger.note(answer.changes)
      },
    }
    const words = Object.keys(steps) as (keyof typeof steps)[]
    for (let round = 0; round < 60; round += 1) {
      const word = round === 0 ? 'is assigned' : pick([...words, 'checks in', 'reports'] as const)
      await steps[word]()
      const { components, device } = await read(deviceId)
      const told = `round ${round}, when it ${word}`
      expect(components.firmware, told).toEqual(ledger.component())
      expect(device.installed.firmware, told).toEqual(ledger.installed.firmware)
      store.clock.at = minutesAfter(store.clock.at, 1)
    }
    expect(ledger.operations.size).toBeGreaterThan(2)
  })
})

/** A refusal changes nothing; anything else is a bug. */
const refusal = (error: unknown): null => {
  if (error instanceof DomainError) return null
  throw error
}

describe('attempts', () => {
  const failAt = async (deviceId: string, at: Date) => {
    store.clock.at = at
    const target = { tenantId: tenant.id, deviceId }
    const moment = { ...momentAt(at) }
    await store.work.settle(target, (snapshot) =>
      visit(snapshot, { ...moment, facts: { installed: {} }, tells: true }),
    )
    await store.work.settle(target, (snapshot) =>
      hear(snapshot, {
        ...moment,
        address: { type: 'firmware' },
        report: { state: 'FAILED', error: 'no' },
        facts: { installed: {} },
      }),
    )
  }
  const attempts = async (deviceId: string) =>
    (await read(deviceId)).components.firmware?.profileAssignment?.attempts

  test('are counted since the assignment only', async () => {
    const profile = await tenant.addProfile('of attempts')
    const [deviceId = ''] = await tenant.addDevices(profile, ['trying'])
    const release = await tenant.addRelease(profile, 'attempts@1')
    await tenant.assign({ profileId: profile }, release, NOON)
    await failAt(deviceId, minutesAfter(NOON, 10))
    await failAt(deviceId, minutesAfter(NOON, 60))
    expect(await attempts(deviceId)).toEqual({
      failures: 2,
      lastFailedAt: minutesAfter(NOON, 60),
      isCancelled: false,
      isStaged: false,
    })
    await tenant.assign({ profileId: profile }, release, minutesAfter(NOON, 61))
    expect(await attempts(deviceId)).toEqual({
      failures: 0,
      lastFailedAt: null,
      isCancelled: false,
      isStaged: false,
    })
    await failAt(deviceId, minutesAfter(NOON, 90))
    expect((await attempts(deviceId))?.failures).toBe(1)
  })

  test("at another release, or another device's, are not counted", async () => {
    const profile = await tenant.addProfile('of other attempts')
    const [one = '', two = ''] = await tenant.addDevices(profile, ['one', 'two'])
    const first = await tenant.addRelease(profile, 'other attempts@1')
    const second = await tenant.addRelease(profile, 'other attempts@2')
    await tenant.assign({ profileId: profile }, first, NOON)
    await failAt(one, minutesAfter(NOON, 10))
    expect((await attempts(two))?.failures).toBe(0)
    await tenant.assign({ profileId: profile }, second, NOON)
    expect((await attempts(one))?.failures).toBe(0)
  })
})

test('an operation whose release was removed keeps its name and has no release', async () => {
  const profile = await tenant.addProfile('of the removed')
  const [deviceId = ''] = await tenant.addDevices(profile, ['left'])
  const release = await tenant.addRelease(profile, 'gone@1')
  await tenant.assign({ deviceId }, release)
  await store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) =>
    visit(snapshot, { ...momentAt(NOON), facts: { installed: {} }, tells: true }),
  )
  await expect(
    tenant.run(async ({ assignments, catalogue }) => {
      await assignments.withdraw({ deviceId }, 'firmware')
      await catalogue.remove(release.id)
    }),
  ).rejects.toMatchObject({ code: 'release.in-use' })
  await store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) =>
    hear(snapshot, {
      ...momentAt(NOON),
      address: { type: 'firmware' },
      report: { state: 'FAILED' },
      facts: { installed: {} },
    }),
  )
  await tenant.run(async ({ assignments, catalogue }) => {
    await assignments.withdraw({ deviceId }, 'firmware')
    await catalogue.remove(release.id)
  })
  const { firmware } = (await read(deviceId)).components
  expect(firmware?.latestEnded).toMatchObject({ title: 'gone', version: '1', state: 'FAILED' })
  expect(firmware).toMatchObject({ underWay: null, underWayRelease: null, deviceAssignment: null })
})

describe('the releases that are kept', () => {
  test('are read once, and are all there though there is room for few', async () => {
    const profile = await tenant.addProfile('of a cache')
    const ids: string[] = []
    for (let version = 0; version < 6; version += 1) {
      ids.push((await tenant.addRelease(profile, `cached@${version}`)).id)
    }
    let reads = 0
    const { pool } = store.database
    const counted = {
      query: (...args: Parameters<typeof pool.query>) => {
        reads += 1
        return pool.query(...args)
      },
    } as unknown as Parameters<typeof releaseCache>[0]
    const roomy = releaseCache(counted)
    await roomy(ids)
    expect([...(await roomy(ids)).keys()].toSorted()).toEqual(ids.toSorted())
    expect(reads).toBe(1)
    const narrow = releaseCache(counted, 2)
    const found = await Promise.all([narrow(ids.slice(0, 3)), narrow(ids.slice(3)), narrow(ids)])
    expect(found.map((each) => each.size)).toEqual([3, 3, 6])
    expect((await narrow([...ids, newId()])).size).toBe(6)
  })
})
