import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Stores } from '../app/ports.ts'
import { accounts } from './accounts.ts'
import { historySweep } from './history-sweep.ts'
import { idempotentRequests } from './idempotent-requests.ts'
import { installationSecret } from './installation-secrets.ts'
import {
  addTenant,
  hashOf,
  minutesAfter,
  NOON,
  newId,
  type TestStore,
  testStore,
} from './store.test-helper.ts'

let store: TestStore

beforeAll(async () => {
  store = await testStore()
})
afterAll(() => store.close())

const first = () => ({
  tenantId: newId(),
  operatorId: newId(),
  passwordHash: 'hash',
  now: NOON,
})

describe('accounts', () => {
  test('of two servers that start first at once, one makes the administrator', async () => {
    const records = accounts(store.database)
    expect(await records.hasFirst()).toBe(false)
    const others = accounts(store.another().database)
    const made = await Promise.all([records.ensureFirst(first()), others.ensureFirst(first())])
    expect(made.toSorted()).toEqual([false, true])
    expect(await records.hasFirst()).toBe(true)
    expect(await records.firstAdministrator()).toMatchObject({
      name: 'admin',
      role: 'system-administrator',
    })
    expect(await store.rows('select name from tenants')).toEqual([{ name: 'default' }])
  })

  test('the first administrator stays the first, whoever comes later', async () => {
    const { id } = await accounts(store.database).firstAdministrator()
    await addTenant(store, 'later')
    expect((await accounts(store.database).firstAdministrator()).id).toBe(id)
  })

  test('an operator is found by name, exactly', async () => {
    const records = accounts(store.database)
    expect(await records.operatorByName('admin')).toMatchObject({ passwordHash: 'hash' })
    expect(await records.operatorByName('Admin')).toBeNull()
    await expect(records.operatorByName('a\0')).rejects.toMatchObject({ code: 'request.malformed' })
  })

  test('a session stands for its operator until it ends or is over, and old ones are swept', async () => {
    const records = accounts(store.database)
    const { id, tenantId } = await records.firstAdministrator()
    const began = new Date()
    const soon = new Date(began.getTime() + 60_000)
    const session = (name: string, expiresAt: Date) => ({
      secretHash: hashOf(name),
      tenantId,
      operatorId: id,
      passwordHash: 'hash',
      csrfToken: `csrf of ${name}`,
      expiresAt,
      now: began,
    })
    const at = (now: Date) => ({ now, usedSince: new Date(began.getTime() - 1) })
    await records.insertSession(session('old', NOON))
    await records.insertSession(session('new', soon))
    await historySweep(store.database).removeExpired(new Date())
    expect(await store.rows('select csrf_token from sessions')).toEqual([
      { csrf_token: 'csrf of new' },
    ])
    expect(await records.session(hashOf('new'), at(began))).toMatchObject({
      operator: { id },
      csrfToken: 'csrf of new',
      expiresAt: soon,
    })
    expect(await records.session(hashOf('new'), at(soon))).toBeNull()
    expect(await records.session(hashOf('another'), at(NOON))).toBeNull()
    // Nobody has used it since it was made.
    expect(await records.session(hashOf('new'), { now: began, usedSince: began })).toBeNull()
    await store.run({ tenantId, customerId: null }, async ({ operators }) => {
      await operators.endSession(id, hashOf('another'))
    })
    expect(await records.session(hashOf('new'), at(NOON))).not.toBeNull()
    await store.run({ tenantId, customerId: null }, ({ operators }) =>
      operators.endSession(id, hashOf('new')),
    )
    expect(await records.session(hashOf('new'), at(NOON))).toBeNull()
  })

  test('a token stands for its operator until it is revoked; its use is noted now and then', async () => {
    const records = accounts(store.database)
    const operator = await records.firstAdministrator()
    const id = newId()
    const { tenantId } = operator
    const run = <T>(work: (stores: Stores) => Promise<T>) =>
      store.run({ tenantId, customerId: null }, work)
    await run(({ tokens }) =>
      tokens.insert({
        id,
        operatorId: operator.id,
        name: 'CI',
        role: operator.role,
        secretHash: hashOf('CI'),
        createdAt: NOON,
      }),
    )
    const used = async (at: Date) => {
      await records.operatorByToken(hashOf('CI'), at)
      const { items } = await run(({ tokens }) => tokens.page({ limit: 1 }))
      return items[0]?.lastUsedAt
    }
    expect(await records.operatorByToken(hashOf('CI'), NOON)).toEqual({
      operator,
      token: { id, name: 'CI' },
    })
    expect(await used(new Date(NOON.getTime() + 30_000))).toEqual(NOON)
    expect(await used(minutesAfter(NOON, 2))).toEqual(minutesAfter(NOON, 2))
    const revoke = (at: Date) => run(({ tokens }) => tokens.revoke(id, at))
    expect((await revoke(minutesAfter(NOON, 3))).revokedAt).toEqual(minutesAfter(NOON, 3))
    expect((await revoke(minutesAfter(NOON, 9))).revokedAt).toEqual(minutesAfter(NOON, 3))
    expect(await records.operatorByToken(hashOf('CI'), NOON)).toBeNull()
  })

  test('a provisioning key leads to its profile as long as it is set', async () => {
    const records = accounts(store.database)
    const tenant = await addTenant(store, 'enrolling')
    const profileId = await tenant.addProfile('P')
    expect(await records.provisioningProfile('key')).toBeNull()
    await tenant.run(({ profiles }) =>
      profiles.setProvisioning(profileId, {
        key: 'key',
        secretHash: hashOf('secret'),
        strategy: 'check-pre-provisioned',
      }),
    )
    expect(await records.provisioningProfile('key')).toEqual({
      tenantId: tenant.id,
      profileId,
      secretHash: hashOf('secret'),
      strategy: 'check-pre-provisioned',
    })
    await tenant.run(({ profiles }) => profiles.setProvisioning(profileId, null))
    expect(await records.provisioningProfile('key')).toBeNull()
  })

  test('an installation keeps the secret that was made first', async () => {
    const servers = [store.database, store.another().database]
    const made = await Promise.all(
      servers.map((database, index) =>
        installationSecret(database, 'key', () => Buffer.from([index])),
      ),
    )
    expect(made[0]).toEqual(made[1])
    expect(await installationSecret(store.database, 'key', () => Buffer.from('new'))).toEqual(
      made[0],
    )
  })
})

describe('a request with an Idempotency-Key', () => {
  const one = hashOf('POST /a')
  const other = hashOf('POST /b')
  const tenantOf = async (name: string) => (await addTenant(store, name)).id

  test('is done once; a repetition gets its answer, another request none', async () => {
    const requests = idempotentRequests(store.database)
    const tenantId = await tenantOf('repeating')
    const begin = (fingerprint = one, at = NOON) => requests.begin(tenantId, 'k', fingerprint, at)
    expect(await begin()).toEqual({ kind: 'begun' })
    expect(await begin()).toEqual({ kind: 'at-work' })
    expect(await begin(other)).toEqual({ kind: 'other' })
    await requests.answer(tenantId, 'k', { body: { id: 1 } })
    expect(await begin()).toEqual({ kind: 'answered', answer: { body: { id: 1 } } })
    expect(await begin(other)).toEqual({ kind: 'other' })
    const elsewhere = await tenantOf('repeating elsewhere')
    expect(await requests.begin(elsewhere, 'k', one, NOON)).toEqual({ kind: 'begun' })
  })

  test('of many at once begins once', async () => {
    const tenantId = await tenantOf('crowded')
    const servers = [store.database, store.another().database].map(idempotentRequests)
    const begun = await Promise.all(
      Array.from({ length: 20 }, (_, index) => servers[index % 2]?.begin(tenantId, 'k', one, NOON)),
    )
    expect(begun.filter((each) => each?.kind === 'begun')).toHaveLength(1)
  })

  test('that was cut off, or forgotten, may be done again', async () => {
    const requests = idempotentRequests(store.database)
    const tenantId = await tenantOf('cut off')
    const begin = (at: Date) => requests.begin(tenantId, 'k', one, at)
    await begin(NOON)
    expect(await begin(new Date(NOON.getTime() + 59_000))).toEqual({ kind: 'at-work' })
    expect(await begin(minutesAfter(NOON, 2))).toEqual({ kind: 'begun' })
    await requests.forget(tenantId, 'k')
    expect(await begin(minutesAfter(NOON, 2))).toEqual({ kind: 'begun' })
  })

  test('is remembered for a day, and then leaves no trace', async () => {
    const requests = idempotentRequests(store.database)
    const tenantId = await tenantOf('forgetful')
    await requests.begin(tenantId, 'k', one, NOON)
    await requests.answer(tenantId, 'k', { body: null })
    const dayAfter = minutesAfter(NOON, 24 * 60)
    expect((await requests.begin(tenantId, 'k', one, dayAfter)).kind).toBe('answered')
    const later = minutesAfter(dayAfter, 1)
    expect((await requests.begin(tenantId, 'k', other, later)).kind).toBe('begun')
    await requests.begin(tenantId, 'another', one, minutesAfter(later, 1))
    await historySweep(store.database).removeExpired(minutesAfter(later, 24 * 60 + 1))
    expect(
      await store.rows('select key from idempotent_requests where tenant_id = $1', [tenantId]),
    ).toEqual([{ key: 'another' }])
  })
})
