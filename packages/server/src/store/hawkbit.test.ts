/** Devices of hawkBit's language in the store: their actions, bundled and bundled anew, and what is kept of their words. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HawkbitAction, HawkbitAtWork } from '../app/ports.ts'
import { hawkbitAtWork } from './hawkbit.ts'
import {
  addTenant,
  minutesAfter,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let actions: HawkbitAtWork

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  actions = hawkbitAtWork(store.database)
})
afterAll(() => store.close())

let [deviceId, otherId] = ['', '']
let releaseId = ''
let count = 0
beforeEach(async () => {
  count += 1
  const profileId = await tenant.addProfile(`p${count}`)
  ;[deviceId = '', otherId = ''] = await tenant.addDevices(profileId, [`a${count}`, `b${count}`])
  releaseId = (await tenant.addRelease(profileId, `F@${count}`)).id
})

const operation = (type: string) => ({ id: newId(), releaseId, type })
const open = async (
  types: readonly string[],
  { client = 'ddi' as const, of = deviceId } = {},
): Promise<HawkbitAction> => {
  const made = await actions.open(
    { tenantId: tenant.id, deviceId: of },
    { client, needsConfirmation: true, operations: types.map(operation), at: NOON },
  )
  if (!made) throw new Error('No action was made.')
  return made
}
const at = minutesAfter(NOON, 5)
const anew = (which: readonly HawkbitAction[], most: number) =>
  actions.bundleAnew(
    which.map(({ id }) => id),
    { client: 'swupdate', needsConfirmation: false, most, at },
  )
/** What the device's actions are of, by their places in what was made. */
const bundles = async (which: readonly HawkbitAction[], of = deviceId) => {
  const found = await Promise.all(which.map(({ id }) => actions.action(of, id)))
  return found.map((action) => action?.chunks.map(({ type }) => type).join(' '))
}

describe('an action', () => {
  test('is made once for an operation, however many servers make it at once', async () => {
    const operations = [operation('firmware')]
    const made = await Promise.all(
      Array.from({ length: 10 }, () =>
        actions.open(
          { tenantId: tenant.id, deviceId },
          { client: 'rauc', needsConfirmation: false, operations, at: NOON },
        ),
      ),
    )
    expect(made.filter((one) => one !== null)).toHaveLength(1)
  })

  test('is none of another device', async () => {
    const { id, chunks } = await open(['firmware'])
    expect(await actions.action(otherId, id)).toBeNull()
    expect(await actions.chunk(otherId, chunks[0]?.id ?? 0)).toBeNull()
    expect((await actions.chunk(deviceId, chunks[0]?.id ?? 0))?.action.id).toBe(id)
  })
})

describe('bundled anew', () => {
  test('single ones become one, of which the first keeps its number, and the others are over', async () => {
    const made = [await open(['firmware']), await open(['software']), await open(['models'])]
    await anew(made, 64)
    expect(await bundles(made)).toEqual(['firmware software models', '', ''])
    const [first, second] = await Promise.all(made.map(({ id }) => actions.action(deviceId, id)))
    expect(first).toMatchObject({ client: 'swupdate', needsConfirmation: false, closedAt: null })
    expect(second).toMatchObject({ closedAt: at, outcome: 'withdrawn' })
    const { actions: left } = await actions.of(deviceId)
    expect(left.map(({ id }) => id)).toEqual([made[0]?.id])
  })

  test('a part keeps its number, as its file is fetched by that', async () => {
    const made = [await open(['firmware']), await open(['software'])]
    const before = made.flatMap(({ chunks }) => chunks.map(({ id }) => id))
    await anew(made, 64)
    const [first] = await Promise.all(made.map(({ id }) => actions.action(deviceId, id)))
    expect(first?.chunks.map(({ id }) => id)).toEqual(before)
  })

  test('of so many at a time, the oldest come first', async () => {
    const made = [await open(['a']), await open(['b']), await open(['c'])]
    await anew(made, 2)
    expect(await bundles(made)).toEqual(['a b', 'c', ''])
  })

  test('one of several keeps as many as the client takes; for the rest there is none yet', async () => {
    const made = [await open(['a', 'b', 'c']), await open(['d'])]
    await anew(made, 1)
    expect(await bundles(made)).toEqual(['a', 'b'])
    // What is left is told as if it never had been.
    const gone = made[0]?.chunks[2]?.operationId ?? ''
    const again = await actions.open(
      { tenantId: tenant.id, deviceId },
      {
        client: 'swupdate',
        needsConfirmation: false,
        operations: [{ id: gone, releaseId, type: 'c' }],
        at,
      },
    )
    expect(again?.chunks.map(({ type }) => type)).toEqual(['c'])
  })

  test('what was read meanwhile stays as it is, and so does what is closed', async () => {
    const [was, closed, free] = [await open(['a']), await open(['b']), await open(['c'])]
    await actions.change(was.id, { fetchedAt: NOON })
    await actions.change(closed.id, { closedAt: NOON, outcome: 'withdrawn' })
    await anew([was, closed, free], 64)
    expect(await bundles([was, closed, free])).toEqual(['a', 'b', 'c'])
    expect(await actions.action(deviceId, was.id)).toMatchObject({ client: 'ddi' })
    expect(await actions.action(deviceId, free.id)).toMatchObject({ client: 'swupdate' })
  })

  test("a second time, or by two servers at once, it is the same; another device's stays", async () => {
    const made = [await open(['a']), await open(['b'])]
    const theirs = await open(['a'], { of: otherId })
    await Promise.all([anew(made, 64), anew(made, 64), anew(made, 64)])
    await anew(made, 64)
    expect(await bundles(made)).toEqual(['a b', ''])
    expect(await bundles([theirs], otherId)).toEqual(['a'])
    expect(await actions.action(otherId, theirs.id)).toMatchObject({ client: 'ddi' })
  })

  test('of nothing, nothing comes', async () => {
    await anew([], 64)
    expect((await actions.of(deviceId)).actions).toEqual([])
  })
})

describe('what a device says of an action', () => {
  const say = async (on: HawkbitAtWork, id: number, text: string) => {
    const count = await on.countFeedback(id)
    await on.note(id, { at, status: 'proceeding none', messages: [text] })
    return count
  }
  const kept = async (id: number) =>
    (await store.rows('select from hawkbit_messages where action_id = $1', [id])).length

  test('is kept for its last hundred words and few more, whichever servers hear them', async () => {
    const servers = [actions, hawkbitAtWork(store.another().database), actions]
    const [much, little] = [await open(['a']), await open(['b'])]
    for (let count = 0; count < 330; count += 1) {
      await say(servers[count % servers.length] ?? actions, much.id, `word ${count}`)
      // Whoever says little among those that say much keeps all of it.
      if (count % 11 === 0) await say(actions, little.id, `word ${count}`)
    }
    expect(await kept(much.id)).toBeGreaterThanOrEqual(100)
    expect(await kept(much.id)).toBeLessThanOrEqual(120)
    expect(await kept(little.id)).toBe(30)
    const told = await actions.statuses(much.id, 100)
    expect(told.map(({ messages }) => messages[0])).toEqual(
      Array.from({ length: 100 }, (_, index) => `word ${329 - index}`),
    )
  })

  test('at once is counted one by one', async () => {
    const { id } = await open(['a'])
    const counts = await Promise.all(Array.from({ length: 50 }, (_, n) => say(actions, id, `${n}`)))
    expect(counts.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  })

  test('goes with the device, and is heard no more then', async () => {
    const { id } = await open(['a'])
    await say(actions, id, 'before')
    await store.rows('delete from devices where id = $1', [deviceId])
    expect(await say(actions, id, 'after')).toBe(0)
    expect(await kept(id)).toBe(0)
  })
})
