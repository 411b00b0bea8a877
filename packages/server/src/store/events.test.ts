import type { DomainEvent } from '@updraft/core'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { DeliveredEvent } from '../app/ports.ts'
import { eventFeed } from './events.ts'
import { notifications } from './notifications.ts'
import {
  addTenant,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from './store.test-helper.ts'
import { unitOfWork } from './unit-of-work.ts'

let store: TestStore
let tenant: Tenant

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
})
afterAll(() => store.close())

const happening = (name: string, changes: Partial<DomainEvent> = {}): DomainEvent => ({
  kind: 'profile.changed',
  at: NOON,
  actor: { kind: 'operator', id: tenant.operatorId, name: 'admin' },
  subject: { kind: 'profile', id: newId(), name },
  deviceId: null,
  data: { a: [1, { b: 'ü' }] },
  ...changes,
})

describe('events of a unit of work', () => {
  test('are delivered after the commit, and read back as they happened', async () => {
    const feed = eventFeed(() => {})
    const heard: DeliveredEvent[] = []
    let isCommitted: Promise<boolean> | undefined
    feed.subscribe((delivered) => {
      heard.push(...delivered)
      isCommitted = tenant.run(async ({ events }) => {
        const { items } = await events.page({ limit: 1 })
        return items[0]?.subject.name === 'committed'
      })
    })
    const event = happening('committed', { deviceId: newId() })
    await unitOfWork(store.database, feed.announce)(tenant.within, async ({ events }) => {
      await events.append([event])
      expect(heard).toEqual([])
    })
    expect(heard).toEqual([
      {
        tenantId: tenant.id,
        kind: 'profile.changed',
        deviceId: event.deviceId,
        subjectId: event.subject.id,
        event,
      },
    ])
    expect(await isCommitted).toBe(true)
    const { items } = await tenant.run(({ events }) => events.page({ limit: 1 }))
    expect(items[0]).toEqual({ ...event, id: expect.stringMatching(/^\d+$/) })
  })

  test('are not delivered when it is rolled back', async () => {
    store.announced.length = 0
    await expect(
      tenant.run(async ({ events }) => {
        await events.append([happening('undone')])
        throw new Error('changed its mind')
      }),
    ).rejects.toThrow('changed its mind')
    expect(store.announced).toEqual([])
    const { items } = await tenant.run(({ events }) => events.page({ limit: 50 }))
    expect(items.map(({ subject }) => subject.name)).not.toContain('undone')
  })

  test('reach every listener, though another one fails', async () => {
    const errors: unknown[] = []
    const feed = eventFeed((error) => errors.push(error))
    const heard: string[] = []
    feed.subscribe(() => {
      throw new Error('deaf')
    })
    const unsubscribe = feed.subscribe((delivered) => {
      for (const { event } of delivered) heard.push(event?.subject.name ?? '')
    })
    feed.announce(tenant.id, [happening('one')])
    unsubscribe()
    feed.announce(tenant.id, [happening('two')])
    expect(heard).toEqual(['one'])
    expect(errors).toHaveLength(2)
  })
})

describe('word to other servers', () => {
  const running: Awaited<ReturnType<typeof notifications>>[] = []
  afterEach(async () => {
    await Promise.all(running.splice(0).map((each) => each.close()))
  })

  /** A server on the same database: what it hears, and what is wrong. */
  async function server(name: string) {
    const errors: unknown[] = []
    const heard: DeliveredEvent[] = []
    const feed = eventFeed((error) => errors.push(error))
    feed.subscribe((delivered) => heard.push(...delivered))
    const line = await notifications({
      connectionString: store.connectionString,
      self: name,
      feed,
      onError: (error) => errors.push(error),
    })
    running.push(line)
    return { announce: line.announce, close: line.close, heard, errors }
  }
  const aboutOf = (heard: readonly DeliveredEvent[]) => heard.map(({ subjectId }) => subjectId)
  const cutLines = () =>
    store.rows(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'updraft events'`,
    )

  test('tells what happened and to whom, and nothing twice to who announced it', async () => {
    const [one, two] = [await server('one'), await server('two')]
    const event = happening('told', { deviceId: newId() })
    one.announce(tenant.id, [event])
    await expect.poll(() => two.heard.length).toBe(1)
    expect(two.heard).toEqual([
      {
        tenantId: tenant.id,
        kind: 'profile.changed',
        deviceId: event.deviceId,
        subjectId: event.subject.id,
        event: null,
      },
    ])
    two.announce(tenant.id, [happening('back')])
    await expect.poll(() => one.heard.length).toBe(2)
    expect(one.heard[0]?.event).toEqual(event)
  })

  test('of thousands of events at once comes whole, in few statements', async () => {
    const [one, two] = [await server('one'), await server('two')]
    const asked = vi.spyOn(pg.Client.prototype, 'query')
    const all = Array.from({ length: 2000 }, (_, index) =>
      happening(`many ${index}`, { deviceId: newId() }),
    )
    for (const event of all) one.announce(tenant.id, [event])
    await expect.poll(() => two.heard.length, { timeout: 10_000 }).toBe(2000)
    expect(new Set(aboutOf(two.heard))).toEqual(new Set(all.map(({ subject }) => subject.id)))
    const statements = asked.mock.calls.filter(([query]) => Object(query).name === 'notify')
    asked.mockRestore()
    expect(statements.length).toBeGreaterThan(0)
    expect(statements.length).toBeLessThan(all.length / 100)
  })

  test('goes on after the line was cut', async () => {
    const [one, two] = [await server('one'), await server('two')]
    await cutLines()
    await expect.poll(() => [one.errors.length, two.errors.length]).toEqual([1, 1])
    const isHeard = async () => {
      one.announce(tenant.id, [happening('after the cut')])
      return two.heard.length > 0
    }
    await expect.poll(isHeard, { timeout: 15_000, interval: 200 }).toBe(true)
    expect([one.errors.length, two.errors.length]).toEqual([1, 1])
  })

  test('that nobody understands is reported, and does no harm', async () => {
    const one = await server('one')
    await store.rows(`select pg_notify('updraft_events', 'hello')`)
    await expect.poll(() => one.errors.length).toBe(1)
    const two = await server('two')
    two.announce(tenant.id, [happening('still heard')])
    await expect.poll(() => one.heard.length).toBe(1)
  })

  test('leaves no connection behind when a server stops, even as the line is being taken up again', async () => {
    const lines = () =>
      store.rows(
        `select pid from pg_stat_activity
          where datname = current_database() and application_name = 'updraft events'`,
      )
    const one = await server('one')
    const two = await server('two')
    await one.close()
    await cutLines()
    await expect.poll(() => two.errors.length).toBe(1)
    await two.close()
    await expect.poll(lines).toEqual([])
  })
})
