import {
  cancelByOperator,
  hear,
  NO_CHANGES,
  NO_FACTS,
  type Operation,
  type Snapshot,
  visit,
} from '@updraft/core'
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Claim } from '../app/ports.ts'
import { ARRIVE } from './device-work.ts'
import { BY_IDS } from './snapshots.ts'
import {
  addTenant,
  hashOf,
  minutesAfter,
  momentAt,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenClaim,
  tokenCredential,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let profile: string

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  profile = await tenant.addProfile('P')
  await tenant.assign({ profileId: profile }, await tenant.addRelease(profile, 'R@1'))
})
afterAll(() => store.close())

const moment = () => ({ ...momentAt(store.clock.now()) })
const look = (snapshot: Snapshot) => visit(snapshot, { ...moment(), facts: NO_FACTS, tells: false })

const operationsOf = (deviceId: string) =>
  store.rows<{ id: string; state: string }>(
    'select id, state from operations where device_id = $1 order by opened_at, id',
    [deviceId],
  )

/** How many statements of ours the database carried out meanwhile, by name. */
async function countQueries<T>(work: () => Promise<T>): Promise<{ result: T; queries: number }> {
  const { hotPool: pool } = store.database
  const original = pool.query
  let queries = 0
  pool.query = ((...args: Parameters<typeof original>) => {
    queries += 1
    return Reflect.apply(original, pool, args)
  }) as typeof pool.query
  try {
    return { result: await work(), queries }
  } finally {
    pool.query = original
  }
}

describe('a device that arrives', () => {
  test('is known by its token, and nobody by another', async () => {
    const [id] = await tenant.addDevices(profile, ['known'])
    const claim = tokenClaim(tenant.tokenOf('known'))
    const arrived = await store.work.arrive([claim], 'updraft', NOON)
    expect(arrived?.snapshot.device).toMatchObject({ id, name: 'known', profileName: 'P' })
    expect(arrived?.snapshot.tenantId).toBe(tenant.id)
    expect(await store.work.arrive([tokenClaim('nobody')], 'updraft', NOON)).toBeNull()
    expect(await store.work.arrive([], 'updraft', NOON)).toBeNull()
  })

  test('was seen, for good, when it has its answer, and never earlier than before', async () => {
    const [id] = await tenant.addDevices(profile, ['seen'])
    const token = [tokenClaim(tenant.tokenOf('seen'))]
    const later = minutesAfter(NOON, 5)
    const first = await store.work.arrive(token, 'updraft', later)
    expect(first?.snapshot.device).toMatchObject({ lastSeenAt: later, dialect: 'updraft' })
    await store.work.arrive(token, 'thingsboard', NOON)
    const { database } = store.another()
    const { rows } = await database.pool.query(
      'select last_seen_at, dialect from device_presence where device_id = $1',
      [id],
    )
    expect(rows).toEqual([{ last_seen_at: later, dialect: 'thingsboard' }])
  })

  test('with 499 others at once costs a few statements, and each has its own answer', async () => {
    const names = Array.from({ length: 500 }, (_, index) => `crowd-${index}`)
    await tenant.addDevices(profile, names)
    const tokens = [...names, 'nobody'].map((name) => [tokenClaim(tenant.tokenOf(name))])
    // The releases are known to this process from here on.
    await store.work.arrive(tokens[0] ?? [], 'updraft', NOON)
    const { result, queries } = await countQueries(() =>
      Promise.all(tokens.map((token) => store.work.arrive(token, 'updraft', NOON))),
    )
    expect(result.map((arrived) => arrived?.snapshot.device.name ?? null)).toEqual([...names, null])
    expect(queries).toBeLessThanOrEqual(3)
  })

  describe('behind a gateway', () => {
    const behind = (gatewayId: string, name: string, dialect: string | null = 'thingsboard') =>
      store.work.arriveBehind(gatewayId, { name, dialect }, minutesAfter(NOON, 7))

    test('is known by its name within the tenant, and was seen', async () => {
      const [gateway = '', id] = await tenant.addDevices(profile, ['box', 'spoken for'])
      const arrived = await behind(gateway, 'spoken for')
      const seen = { lastSeenAt: minutesAfter(NOON, 7), dialect: 'thingsboard' }
      expect(arrived).toMatchObject({ tenantId: tenant.id, device: { id, ...seen } })
      const { snapshot } = await tenant.run(({ devices }) => devices.get(id ?? ''))
      expect(snapshot.device).toMatchObject(seen)
      const foreign = await addTenant(store, 'foreign')
      const [theirs = ''] = await foreign.addDevices(await foreign.addProfile('F'), ['their box'])
      expect(await behind(theirs, 'spoken for')).toBeNull()
      expect(await behind(gateway, 'their box')).toBeNull()
      expect(await behind(gateway, 'nobody')).toBeNull()
    })

    test('that is only looked at was not seen', async () => {
      const [gateway = ''] = await tenant.addDevices(profile, ['other box', 'looked at'])
      const looked = await behind(gateway, 'looked at', null)
      expect(looked?.device).toMatchObject({ lastSeenAt: null, dialect: null })
      await behind(gateway, 'looked at')
      expect((await behind(gateway, 'looked at', null))?.device).toMatchObject({
        lastSeenAt: minutesAfter(NOON, 7),
        dialect: 'thingsboard',
      })
    })

    test("of a customer is one of the customer's own", async () => {
      const names = ['their gateway', 'their sensor', 'a sensor of the works']
      const [gateway = '', sensor = ''] = await tenant.addDevices(profile, names)
      await tenant.addCustomer('with a gateway', [gateway, sensor])
      expect((await behind(gateway, 'their sensor'))?.device.id).toBe(sensor)
      expect(await behind(gateway, 'a sensor of the works')).toBeNull()
      const [own = ''] = await tenant.addDevices(profile, ['gateway of the works'])
      expect((await behind(own, 'their sensor'))?.device.id).toBe(sensor)
    })

    test('with 499 others at once costs a few statements', async () => {
      const names = Array.from({ length: 500 }, (_, index) => `child-${index}`)
      const [gateway = ''] = await tenant.addDevices(profile, ['a large box', ...names])
      const { result, queries } = await countQueries(() =>
        Promise.all(names.map((name) => behind(gateway, name))),
      )
      expect(result.map((snapshot) => snapshot?.device.name)).toEqual(names)
      expect(queries).toBeLessThanOrEqual(3)
    })
  })

  describe('with several claims', () => {
    const claim = (kind: Claim['kind'], name: string, password?: string): Claim => ({
      kind,
      lookupHash: hashOf(name),
      passwordHash: password === undefined ? null : hashOf(password),
    })
    const credential = (claimed: Claim, names: { clientId?: string; userName?: string } = {}) => ({
      ...tokenCredential('replaced below'),
      ...claimed,
      clientId: names.clientId ?? null,
      userName: names.userName ?? null,
    })
    const nameOf = async (...claims: Claim[]) =>
      (await store.work.arrive(claims, 'updraft', NOON))?.snapshot.device.name ?? null

    beforeAll(async () => {
      const [named = '', open = ''] = await tenant.addDevices(profile, ['named', 'open'])
      await tenant.run(async ({ credentials }) => {
        await credentials.insert(named, [
          credential(claim('mqtt-basic', 'named u', 'right'), { userName: 'u' }),
        ])
        await credentials.insert(open, [
          credential(claim('mqtt-basic', 'open c'), { clientId: 'c' }),
        ])
      })
    })

    test('is known by the first that anybody is known by', async () => {
      const [named, open] = [claim('mqtt-basic', 'named u', 'right'), claim('mqtt-basic', 'open c')]
      const nobody = claim('x509', 'nobody')
      expect(await nameOf(nobody, named, open)).toBe('named')
      expect(await nameOf(nobody, open, named)).toBe('open')
      const arrived = await store.work.arrive([nobody, open, named], 'updraft', NOON)
      expect(arrived?.claim).toBe(open)
    })

    test('is nobody with a wrong password, whatever follows, and was not seen', async () => {
      const wrong = claim('mqtt-basic', 'named u', 'wrong')
      expect(await nameOf(wrong, claim('mqtt-basic', 'open c'))).toBeNull()
      expect(await nameOf(claim('mqtt-basic', 'named u'))).toBeNull()
      const seen = minutesAfter(NOON, 60)
      await store.work.arrive([wrong], 'updraft', seen)
      const { items } = await tenant.run(({ devices }) => devices.page({ name: 'named', limit: 1 }))
      expect(items[0]?.snapshot.device.lastSeenAt).not.toEqual(seen)
    })

    test('needs no password where none is kept', async () => {
      expect(await nameOf(claim('mqtt-basic', 'open c', 'any'))).toBe('open')
    })

    test('is not known by one kind for another', async () => {
      expect(await nameOf(claim('token', 'open c'))).toBeNull()
      expect(await nameOf(claim('x509', 'open c'))).toBeNull()
    })

    test('is told apart from others that come at the same moment', async () => {
      const names = await Promise.all([
        nameOf(claim('mqtt-basic', 'named u', 'wrong')),
        nameOf(claim('token', 'nobody'), claim('mqtt-basic', 'open c')),
        nameOf(),
        nameOf(claim('mqtt-basic', 'named u', 'right')),
      ])
      expect(names).toEqual([null, 'open', null, 'named'])
    })
  })

  test('several times at once has an answer each time', async () => {
    await tenant.addDevices(profile, ['eager'])
    const token = [tokenClaim(tenant.tokenOf('eager'))]
    const arrived = await Promise.all(
      [1, 2, 3].map(() => store.work.arrive(token, 'updraft', NOON)),
    )
    expect(arrived.map((each) => each?.snapshot.device.name)).toEqual(['eager', 'eager', 'eager'])
  })
})

describe('a device that is settled', () => {
  test('has its changes stored with steps and events, which are announced after that', async () => {
    const [deviceId = ''] = await tenant.addDevices(profile, ['settled'])
    store.announced.length = 0
    const { answers } = await store.work.settle({ tenantId: tenant.id, deviceId }, look)
    const { operation } = answers.firmware ?? {}
    expect(await operationsOf(deviceId)).toEqual([{ id: operation?.id, state: 'QUEUED' }])
    const steps = await store.rows(
      'select state, outcome from operation_steps where operation_id = $1',
      [operation?.id],
    )
    expect(steps).toEqual([{ state: 'QUEUED', outcome: 'opened' }])
    const { items } = await tenant.run(({ events }) => events.page({ limit: 5, deviceId }))
    expect(items.map(({ kind }) => kind)).toEqual(['operation.opened'])
    expect(store.announced).toEqual([
      {
        tenantId: tenant.id,
        event: expect.objectContaining({ kind: 'operation.opened', deviceId }),
      },
    ])
  })

  test('is refused when it is not there, or not of that tenant', async () => {
    const [deviceId = ''] = await tenant.addDevices(profile, ['mine'])
    const other = await addTenant(store, 'other')
    for (const target of [
      { tenantId: tenant.id, deviceId: newId() },
      { tenantId: other.id, deviceId },
    ]) {
      await expect(store.work.settle(target, look)).rejects.toMatchObject({
        code: 'device.unknown',
      })
    }
    expect(await operationsOf(deviceId)).toEqual([])
  })

  test("is told of the operation that is named, if it is the device's own", async () => {
    const [a = '', b = ''] = await tenant.addDevices(profile, ['a', 'b'])
    const of = (deviceId: string) => ({ tenantId: tenant.id, deviceId })
    const { answers } = await store.work.settle(of(a), look)
    const operationId = answers.firmware?.operation?.id ?? ''
    const addressed: (Operation | null)[] = []
    for (const deviceId of [a, b]) {
      await store.work.settle({ ...of(deviceId), operationId }, (snapshot) => {
        addressed.push(snapshot.addressed)
        return { changes: NO_CHANGES }
      })
    }
    expect(addressed.map((operation) => operation?.id)).toEqual([operationId, undefined])
  })

  test('with others, of which one decides badly and one has what cannot be kept, costs only these', async () => {
    const names = Array.from({ length: 40 }, (_, index) => `batch-${index}`)
    const ids = await tenant.addDevices(profile, names)
    store.announced.length = 0
    const results = await Promise.allSettled(
      ids.map((deviceId, index) =>
        store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) => {
          if (index === 7) throw new Error('a bug')
          const looked = look(snapshot)
          if (index !== 23) return looked
          return {
            ...looked,
            changes: { ...looked.changes, installed: { firmware: { title: '\0', version: '1' } } },
          }
        }),
      ),
    )
    const failed = results.flatMap((result, index) =>
      result.status === 'rejected' ? [[index, result.reason.message]] : [],
    )
    expect(failed).toEqual([
      [7, 'a bug'],
      [23, 'The request holds a text or a number that cannot be kept.'],
    ])
    const opened = await store.rows<{ device_id: string }>(
      'select device_id from operations where device_id = any($1)',
      [ids],
    )
    expect(new Set(opened.map((row) => row.device_id))).toEqual(
      new Set(ids.filter((_, index) => index !== 7 && index !== 23)),
    )
    expect(store.announced).toHaveLength(38)
  })

  test('leaves nothing, and tells nobody, when its last statement fails', async () => {
    const [deviceId = ''] = await tenant.addDevices(profile, ['half'])
    store.announced.length = 0
    const settling = store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) => {
      const { changes } = look(snapshot)
      const events = changes.events.map((event) => ({ ...event, data: { a: '\0' } }))
      return { changes: { ...changes, events } }
    })
    await expect(settling).rejects.toMatchObject({ code: 'request.malformed' })
    expect(await operationsOf(deviceId)).toEqual([])
    expect(
      await store.rows('select * from device_components where device_id = $1', [deviceId]),
    ).toEqual([])
    expect(store.announced).toEqual([])
  })
})

describe('several servers', () => {
  test('that settle the same devices at once open one operation each', async () => {
    const ids = await tenant.addDevices(
      profile,
      Array.from({ length: 30 }, (_, index) => `shared-${index}`),
    )
    const servers = [store.work, store.another().work, store.another().work]
    await Promise.all(
      servers.flatMap((work, index) =>
        (index % 2 ? ids.toReversed() : ids).flatMap((deviceId) => [
          work.settle({ tenantId: tenant.id, deviceId }, look),
          work.settle({ tenantId: tenant.id, deviceId }, look),
        ]),
      ),
    )
    const counts = await store.rows(
      'select distinct count(*)::int as count from operations where device_id = any($1) group by device_id',
      [ids],
    )
    expect(counts).toEqual([{ count: 1 }])
  })

  test('that meet the same devices in other orders do not wait for each other in a ring', async () => {
    const names = Array.from({ length: 200 }, (_, index) => `ring-${index}`)
    await tenant.addDevices(profile, names)
    const tokens = names.map((name) => [tokenClaim(tenant.tokenOf(name))])
    const servers = [store.work, store.another().work]
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(
        servers.flatMap((work, index) =>
          (index ? tokens.toReversed() : tokens).map((token) =>
            work.arrive(token, 'updraft', minutesAfter(NOON, round)),
          ),
        ),
      )
    }
    expect(
      await store.rows(
        'select deadlocks::int from pg_stat_database where datname = current_database()',
      ),
    ).toEqual([{ deadlocks: 0 }])
  })

  test('see the reports of one device in the order they came', async () => {
    const [deviceId = ''] = await tenant.addDevices(profile, ['quick'])
    const target = { tenantId: tenant.id, deviceId }
    await store.work.settle(target, look)
    const states = ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'] as const
    await Promise.all(
      states.map((state) =>
        store.work.settle(target, (snapshot) =>
          hear(snapshot, {
            ...moment(),
            address: { type: 'firmware' },
            report: { state },
            facts: NO_FACTS,
          }),
        ),
      ),
    )
    const steps = await store.rows<{ state: string }>(
      `select s.state from operation_steps s join operations o on o.id = s.operation_id
        where o.device_id = $1 order by s.id`,
      [deviceId],
    )
    expect(steps.map(({ state }) => state)).toEqual(['QUEUED', ...states])
  })
})

describe('devices that are settled all at once', () => {
  /** Statements of transactions on devices, by what they begin with. */
  async function statementsOf<T>(work: () => Promise<T>): Promise<{ result: T; names: string[] }> {
    const names: string[] = []
    const { hotPool } = store.database
    const connect = hotPool.connect
    hotPool.connect = (async () => {
      const client = await (connect as () => Promise<pg.PoolClient>).call(hotPool)
      const query = client.query
      client.query = ((...args: Parameters<typeof query>) => {
        const [asked] = args as unknown as [string | { name: string }]
        names.push(typeof asked === 'string' ? asked : asked.name)
        return Reflect.apply(query, client, args)
      }) as unknown as typeof query
      const release = client.release
      client.release = (error) => {
        client.query = query
        client.release = release
        release.call(client, error)
      }
      return client
    }) as unknown as typeof connect
    try {
      return { result: await work(), names }
    } finally {
      hotPool.connect = connect
    }
  }
  const crowd = (of: Tenant, profileId: string, prefix: string, count: number) =>
    of.addDevices(
      profileId,
      Array.from({ length: count }, (_, index) => `${prefix} ${index}`),
    )

  test('each once, in transactions of hundreds with a statement a table', async () => {
    const deviceIds = await crowd(tenant, profile, 'of many', 1200)
    const { result, names } = await statementsOf(() =>
      store.work.settleAll({ tenantId: tenant.id, deviceIds: [...deviceIds, ...deviceIds] }, look),
    )
    expect(result).toEqual([])
    const opened = await store.rows<{ count: string }>(
      'select count(*) from operations where device_id = any($1)',
      [deviceIds],
    )
    expect(opened).toEqual([{ count: '1200' }])
    expect(names.filter((name) => name === 'commit')).toHaveLength(3)
    expect(names.filter((name) => name === 'write-operations')).toHaveLength(3)
    expect(names.length).toBeLessThanOrEqual(3 * 8)
  })

  test('without waiting for one that is in use before the others are done', async () => {
    const deviceIds = await crowd(tenant, profile, 'of one in use', 600)
    const inUse = deviceIds[0] ?? ''
    const client = await store.another().database.pool.connect()
    await client.query('begin')
    await client.query('select id from devices where id = $1 for no key update', [inUse])
    const settling = store.work.settleAll({ tenantId: tenant.id, deviceIds }, look)
    const count = async () =>
      (await store.rows('select id from operations where device_id = any($1)', [deviceIds])).length
    await expect.poll(count, { timeout: 15_000 }).toBe(599)
    await client.query('rollback')
    client.release()
    expect(await settling).toEqual([])
    expect(await operationsOf(inUse)).toMatchObject([{ state: 'QUEUED' }])
  })

  test('but for those that are gone, are of another tenant, or are decided about in vain', async () => {
    const other = await addTenant(store, 'neighbour')
    const [theirs = ''] = await other.addDevices(await other.addProfile('N'), ['theirs'])
    const [good = '', bad = '', unkeepable = ''] = await crowd(tenant, profile, 'of few', 3)
    const gone = newId()
    const deviceIds = [good, bad, unkeepable, theirs, gone]
    const unsettled = await store.work.settleAll({ tenantId: tenant.id, deviceIds }, (snapshot) => {
      if (snapshot.device.id === bad) throw new Error('a bug')
      const looked = look(snapshot)
      if (snapshot.device.id !== unkeepable) return looked
      return { changes: { ...looked.changes, inventory: { text: '\u0000' } } }
    })
    const errors = Object.fromEntries(unsettled.map(({ deviceId, error }) => [deviceId, error]))
    expect(errors).toEqual({
      [bad]: expect.objectContaining({ message: 'a bug' }),
      [unkeepable]: expect.objectContaining({ code: '22P05' }),
      [theirs]: expect.objectContaining({ code: 'device.unknown' }),
      [gone]: expect.objectContaining({ code: 'device.unknown' }),
    })
    expect(await operationsOf(good)).toMatchObject([{ state: 'QUEUED' }])
    for (const id of [bad, unkeepable, theirs]) expect(await operationsOf(id)).toEqual([])
  })

  test('together with one that calls meanwhile get one operation each', async () => {
    const deviceIds = await crowd(tenant, profile, 'of two minds', 50)
    await Promise.all([
      store.work.settleAll({ tenantId: tenant.id, deviceIds }, look),
      store.another().work.settleAll({ tenantId: tenant.id, deviceIds }, look),
      ...deviceIds.map((deviceId) => store.work.settle({ tenantId: tenant.id, deviceId }, look)),
    ])
    for (const id of deviceIds) expect(await operationsOf(id)).toHaveLength(1)
  })

  test('are read by their ids, also by a plan that was made when there were none', async () => {
    const empty = await testStore()
    try {
      await empty.rows('vacuum analyze')
      for (const { text } of [BY_IDS, ARRIVE]) {
        const { rows } = await empty.database.hotPool.query<{ 'QUERY PLAN': string }>(
          `explain (generic_plan) ${text}`,
        )
        const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
        expect(plan).not.toMatch(/Seq Scan/)
        expect(plan).toMatch(/ on operations o .*\n *Index Cond: .*\bdevice_id = d\.id/)
        const ofAttempts =
          'Index Cond: \\(\\(release_id = a.release_id\\) AND \\(device_id = d.id\\)\\)'
        expect(plan).toMatch(new RegExp(` on operations o_1 .*\n *${ofAttempts}`))
      }
    } finally {
      await empty.close()
    }
  })
})

test('a settling that lost against a deadlock is done again', async () => {
  const [deviceId = ''] = await tenant.addDevices(profile, ['deadlocked'])
  const { database } = store.another()
  const other = await database.pool.connect()
  // The database gives up the one who noticed first: us, not the other.
  await other.query(`set deadlock_timeout = '1min'`)
  await other.query('begin')
  await other.query('lock table operations in share mode')
  let tries = 0
  let blocked: Promise<unknown> | undefined
  const settling = store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) => {
    tries += 1
    blocked ??= other.query('select id from devices where id = $1 for update', [deviceId])
    return look(snapshot)
  })
  await expect.poll(() => blocked !== undefined).toBe(true)
  await blocked
  await other.query('rollback')
  other.release()
  expect((await settling).answers.firmware?.operation?.state).toBe('QUEUED')
  // Once more when it was quicker than the other to the device's lock.
  expect(tries).toBeGreaterThanOrEqual(2)
  expect(await operationsOf(deviceId)).toHaveLength(1)
})

test('an update is not queued for a release that was removed while it was chosen', async () => {
  const [deviceId = ''] = await tenant.addDevices(await tenant.addProfile('brief'), ['late'])
  const [{ profile_id: brief } = { profile_id: '' }] = await store.rows<{ profile_id: string }>(
    'select profile_id from devices where id = $1',
    [deviceId],
  )
  const release = await tenant.addRelease(brief, 'brief@1')
  await tenant.assign({ profileId: brief }, release)
  let removing: Promise<unknown> | undefined
  const { database } = store.another()
  const pool = database.pool
  const client = await pool.connect()
  await client.query('begin')
  await client.query('delete from assignments where release_id = $1', [release.id])
  await client.query('delete from releases where id = $1', [release.id])
  const settling = store.work.settle({ tenantId: tenant.id, deviceId }, (snapshot) => {
    // Chosen while it was still there; the removal ends while the operation is being written.
    removing ??= waitUntilBlocked().then(() => client.query('commit'))
    return look(snapshot)
  })
  const { answers } = await settling
  await removing
  client.release()
  expect(answers.firmware?.operation ?? null).toBeNull()
  expect(await operationsOf(deviceId)).toEqual([])

  async function waitUntilBlocked() {
    await expect
      .poll(() =>
        pool
          .query(
            `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`,
          )
          .then(({ rowCount }) => rowCount),
      )
      .toBeGreaterThan(0)
  }
})

test('a cancelled operation ends once, whoever cancels it', async () => {
  const [deviceId = ''] = await tenant.addDevices(profile, ['cancelled'])
  const target = { tenantId: tenant.id, deviceId }
  const { answers } = await store.work.settle(target, look)
  const operationId = answers.firmware?.operation?.id ?? ''
  const cancel = (work = store.work) =>
    work.settle({ ...target, operationId }, (snapshot) => ({
      changes: cancelByOperator(snapshot, {
        ...moment(),
        operationId,
        actor: { kind: 'operator', id: tenant.operatorId, name: 'admin' },
      }),
    }))
  const results = await Promise.allSettled([cancel(), cancel(store.another().work)])
  expect(results.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
  expect(results).toContainEqual(
    expect.objectContaining({
      reason: expect.objectContaining({ code: 'operation.already-ended' }),
    }),
  )
})
