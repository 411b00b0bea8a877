import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { visit } from '@updraft/core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { migrate, openDatabase } from './database.ts'
import {
  addTenant,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenClaim,
} from './store.test-helper.ts'
import { unitOfWork } from './unit-of-work.ts'

let store: TestStore
let tenant: Tenant
let deviceId: string

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  ;[deviceId = ''] = await tenant.addDevices(await tenant.addProfile('P'), ['D'])
})
afterAll(() => store.close())

const AWAY = { name: 'DomainError', code: 'store.away' }
const look = (work = store.work) =>
  work.settle({ tenantId: tenant.id, deviceId }, (snapshot) =>
    visit(snapshot, { ...momentAt(NOON), facts: { installed: {} }, tells: false }),
  )
const terminate = async () => {
  const { database } = store.another()
  await database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
  )
}

describe('connections that are cut', () => {
  test('in the middle of a unit of work cost that one, and the next is fine', async () => {
    const cut = tenant.run(async ({ profiles, devices }) => {
      await profiles.insert({ id: newId(), name: 'cut', description: null, createdAt: NOON })
      await terminate()
      await devices.get(deviceId)
    })
    await expect(cut).rejects.toMatchObject(AWAY)
    await expect(tenant.run(({ profiles }) => profiles.byName('cut'))).rejects.toMatchObject({
      code: 'profile.unknown',
    })
  })

  test('while a unit of work waits for something else do not bring the process down', async () => {
    const cut = tenant.run(async ({ devices }) => {
      await devices.get(deviceId)
      await terminate()
      // Nothing is asked of the connection when the word of its end comes.
      await store.rows('select pg_sleep(0.05)')
      return 'not kept'
    })
    await expect(cut).rejects.toMatchObject(AWAY)
    expect(await tenant.run(async ({ devices }) => (await devices.get(deviceId)).revision)).toBe(1)
  })

  test('in the middle of a settling cost that batch, and the next is fine', async () => {
    let cut: Promise<void> | undefined
    const settling = store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) => {
      cut ??= terminate()
      return visit(snapshot, {
        ...momentAt(NOON),
        facts: { installed: { firmware: { title: 't', version: newId() } } },
        tells: false,
      })
    })
    // Which comes first, the end or the commit, is a race; both are answers.
    await settling.catch((error) => expect(error).toMatchObject(AWAY))
    await cut
    // The pool may still hold a connection whose end it has not heard of.
    await vi.waitFor(async () => {
      expect((await look()).answers).toBeDefined()
      const claim = tokenClaim(tenant.tokenOf('D'))
      expect(await store.work.arrive([claim], 'updraft', NOON)).not.toBeNull()
    }, PATIENCE)
  })
})

const PATIENCE = { timeout: 20_000, interval: 20 }

describe('a database that is away', () => {
  let proxy: Server | undefined
  afterEach(() => {
    proxy?.close()
  })

  /** A way to the database that can be closed and opened again. */
  async function gate(port = 0) {
    const target = new URL(store.connectionString)
    const sockets = new Set<Socket>()
    const socketPath = target.searchParams.get('host')
    proxy = createServer((from) => {
      const to = socketPath
        ? connect(`${socketPath}/.s.PGSQL.${target.port || 5432}`)
        : connect(Number(target.port || 5432), target.hostname)
      for (const each of [from, to]) {
        sockets.add(each)
        each.on('error', () => {})
        each.on('close', () => {
          from.destroy()
          to.destroy()
        })
      }
      from.pipe(to)
      to.pipe(from)
    })
    proxy.listen(port, '127.0.0.1')
    await once(proxy, 'listening')
    const server = proxy
    const address = server.address()
    const through = new URL(store.connectionString)
    through.search = ''
    through.host = `127.0.0.1:${(address as { port: number }).port}`
    return {
      port: (address as { port: number }).port,
      connectionString: through.toString(),
      close: async () => {
        server.close()
        for (const socket of sockets) socket.destroy()
        await once(server, 'close')
      },
    }
  }

  test('is told as such, and used again as soon as it is back', async () => {
    const way = await gate()
    const errors: Error[] = []
    const database = openDatabase({
      connectionString: way.connectionString,
      onError: (error) => errors.push(error),
    })
    const run = unitOfWork(database, () => {})
    const count = () =>
      run(tenant.within, async ({ devices }) => (await devices.countByState()).devices)
    expect(await count()).toBe(1)
    await way.close()
    await expect(count()).rejects.toMatchObject(AWAY)
    await expect(count()).rejects.toMatchObject(AWAY)
    await expect(migrate(database)).rejects.toMatchObject(AWAY)
    const again = await gate(way.port)
    expect(await count()).toBe(1)
    await database.close()
    await again.close()
  })
})

test('more at once than there are connections wait for their turn', async () => {
  const { database } = store.another({ maxConnections: 2 })
  const run = unitOfWork(database, () => {})
  const counts = await Promise.all(
    Array.from({ length: 40 }, () =>
      run(tenant.within, async ({ devices }) => (await devices.countByState()).devices),
    ),
  )
  expect(new Set(counts)).toEqual(new Set([1]))
})

test('a unit of work that met another in a deadlock is done again, and its events are told once', async () => {
  const [a = '', b = ''] = await tenant.addDevices(await tenant.addProfile('of a ring'), ['a', 'b'])
  store.announced.length = 0
  let met = 0
  let bothAreIn: () => void = () => {}
  const bothIn = new Promise<void>((resolve) => {
    bothAreIn = resolve
  })
  let tries = 0
  const change = (first: string, second: string) =>
    tenant.run(async ({ devices, events }) => {
      tries += 1
      await devices.change(first, { labels: ['x'] })
      await events.append([
        {
          kind: 'device.changed',
          at: NOON,
          actor: { kind: 'server', name: 'updraft' },
          subject: { kind: 'device', id: first, name: first },
          deviceId: first,
          data: {},
        },
      ])
      met += 1
      if (met === 2) bothAreIn()
      await bothIn
      await devices.change(second, { labels: ['x'] })
    })
  await Promise.all([change(a, b), change(b, a)])
  // The one that was given up may be quick enough to meet the other a second time.
  expect(tries).toBeGreaterThan(2)
  expect(store.announced).toHaveLength(2)
})
