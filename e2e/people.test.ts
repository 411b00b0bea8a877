/** People come, act for their tenant or their customer, claim devices, and go. */
import type { RouteName } from '@updraft/api/routes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Asked, addOperator, ask, expectProblem, send } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const SECRET = 'the key on the sticker'

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('lamp')
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

const askAs =
  (token: string) =>
  (name: RouteName, asked: Asked = {}) =>
    ask(platform, name, { ...asked, token })
const asAdministrator = (name: RouteName, asked: Asked = {}) => ask(platform, name, asked)

/** A person whose password is chosen for them. */
async function addPerson(name: string, role: string) {
  const password = `the password of ${name}`
  const { json } = await asAdministrator('createOperator', { body: { name, role, password } })
  const signIn = async (typed = password) => {
    const answer = await ask(platform, 'signIn', { body: { name, password: typed }, token: null })
    const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
    const headers = { cookie, 'x-csrf-token': answer.json.csrfToken ?? '' }
    return (route: RouteName, asked: Asked = {}) =>
      ask(platform, route, { ...asked, token: null, headers })
  }
  return { id: json.id as string, name, password, signIn }
}

describe('a customer', () => {
  const say = (token: string, words: object) =>
    send(`${platform.url}/api/v1/${token}/claim`, 'POST', { body: words, token: null })
  const claimAs = (token: string, name: string, secretKey?: string) =>
    askAs(token)('claimDevice', { body: { name, secretKey } })

  test('claims a device that says it may be claimed, and gives it back', async () => {
    const device = await platform.addDevice('lamp-1', 'lamp')
    const ours = await addOperator(platform, { name: 'ann', role: 'customer-user' })
    const others = await addOperator(platform, { name: 'ben', role: 'customer-user' })
    expectProblem(await claimAs(ours, 'lamp-1', SECRET), 403, 'claim.refused')
    expect((await say(device, { secretKey: SECRET })).status).toBe(200)
    expectProblem(await claimAs(ours, 'lamp-1', 'a guess'), 403, 'claim.refused')
    expectProblem(await claimAs(ours, 'lamp-1'), 403, 'claim.refused')
    expectProblem(await claimAs(ours, 'no such lamp', SECRET), 403, 'claim.refused')

    const claimed = await claimAs(ours, 'lamp-1', SECRET)
    expect(claimed.json).toMatchObject({ name: 'lamp-1', customer: 'customer of ann' })
    expect((await claimAs(ours, 'lamp-1', SECRET)).json).toEqual(claimed.json)
    expectProblem(await claimAs(others, 'lamp-1', SECRET), 409, 'claim.taken')
    expect((await askAs(ours)('overview')).json.devices).toBe(1)
    expect((await askAs(others)('overview')).json.devices).toBe(0)

    const params = { id: claimed.json.id }
    expectProblem(await askAs(others)('giveBackDevice', { params }), 404, 'device.unknown')
    expect((await askAs(ours)('giveBackDevice', { params })).status).toBe(204)
    expectProblem(await askAs(ours)('showDevice', { params }), 404, 'device.unknown')
    expectProblem(await claimAs(others, 'lamp-1', SECRET), 403, 'claim.refused')
    const { items } = (await asAdministrator('listEvents', { query: { deviceId: params.id } })).json
    const kinds = items.map(({ kind }: { kind: string }) => kind)
    expect(kinds.filter((kind: string) => /claim|given/.test(kind))).toEqual([
      'device.given-back',
      'device.claimed',
      'device.claimable',
    ])
  })

  test('comes too late when the time is over, and in time when the device says so again', async () => {
    const device = await platform.addDevice('lamp-2', 'lamp')
    const ours = await addOperator(platform, { name: 'cat', role: 'customer-user' })
    await say(device, { secretKey: SECRET, durationMs: 60_000 })
    platform.advanceClock({ minutes: 2 })
    expectProblem(await claimAs(ours, 'lamp-2', SECRET), 403, 'claim.expired')
    await say(device, { secretKey: SECRET })
    platform.advanceClock({ minutes: 23 * 60 })
    expect((await claimAs(ours, 'lamp-2', SECRET)).json).toMatchObject({ name: 'lamp-2' })
  })

  test('does not guess for long', async () => {
    const ours = await addOperator(platform, { name: 'dan', role: 'customer-user' })
    for (let guess = 0; guess < 5; guess += 1) {
      expectProblem(await claimAs(ours, 'lamp-1', String(guess)), 403, 'claim.refused')
    }
    expectProblem(await claimAs(ours, 'lamp-1', SECRET), 429, 'access.too-many-attempts')
  })

  test('assigns what is made for its devices, and nothing else', async () => {
    const ours = askAs(await addOperator(platform, { name: 'eve', role: 'customer-user' }))
    const token = await platform.addDevice('lamp-3', 'lamp')
    await say(token, {})
    const { id } = (await ours('claimDevice', { body: { name: 'lamp-3' } })).json
    const bytes = new Uint8Array([1])
    const lamp = await platform.addRelease({ title: 'l', version: '1', profile: 'lamp', bytes })
    const pump = await platform.addRelease({ title: 'p', version: '1', profile: 'pump', bytes })
    const assign = (releaseId: string) =>
      ours('assignToDevice', { params: { id, type: 'firmware' }, body: { releaseId } })
    const titles = async () =>
      (await ours('listReleases')).json.items.map(({ title }: { title: string }) => title)
    expect(await titles()).toEqual(['l'])
    expectProblem(await assign(pump), 404, 'release.unknown')
    expect((await assign(lamp)).json).toMatchObject({ scope: 'device', assignedBy: 'eve' })
    await platform.until('lamp-3', (device) => device.operation?.state === 'QUEUED')

    // Once it has a pump as well it sees what there is for pumps, and still cannot mix them up.
    await say(await platform.addDevice('pump-1', 'pump'), {})
    await ours('claimDevice', { body: { name: 'pump-1' } })
    expect(await titles()).toEqual(['p', 'l'])
    const fitting = await ours('listReleases', { query: { deviceId: id } })
    expect(fitting.json.items.map(({ title }: { title: string }) => title)).toEqual(['l'])
    expectProblem(await assign(pump), 422, 'release.other-profile')
  })
})

test('an assignment to a profile tells beforehand how many devices it touches', async () => {
  const profile = await platform.addProfile('gate')
  for (const name of ['gate-1', 'gate-2', 'gate-3']) await platform.addDevice(name, 'gate')
  const bytes = new Uint8Array([2])
  const release = await platform.addRelease({ title: 'g', version: '1', profile: 'gate', bytes })
  const affected = async (type: string) =>
    (await asAdministrator('countAffected', { params: { id: profile, type } })).json
  expect(await affected('firmware')).toEqual({ devices: 3 })
  await platform.assign(release, { device: 'gate-1' })
  expect(await affected('firmware')).toEqual({ devices: 2 })
  expect(await affected('software')).toEqual({ devices: 3 })
})

describe('a person', () => {
  test('who is removed is out at once', async () => {
    const { id, signIn } = await addPerson('fay', 'operator')
    const session = await signIn()
    const { json } = await session('createToken', { body: { name: 'of fay' } })
    expect((await askAs(json.token)('overview')).status).toBe(200)
    expect((await asAdministrator('removeOperator', { params: { id } })).status).toBe(204)
    expectProblem(await session('overview'), 401, 'access.unauthenticated')
    expectProblem(await askAs(json.token)('overview'), 401, 'access.unauthenticated')
  })

  test('who may less than before is out at once; who may more stays', async () => {
    const { id, signIn } = await addPerson('gus', 'viewer')
    const session = await signIn()
    const { json } = await session('createToken', { body: { name: 'of gus' } })
    const setRole = (role: string) =>
      asAdministrator('changeOperator', { params: { id }, body: { role } })
    const addProfile = (name: string) => session('createProfile', { body: { name } })
    expectProblem(await addProfile('by gus'), 403, 'access.denied')
    expect((await setRole('operator')).json).toMatchObject({ name: 'gus', role: 'operator' })
    expect((await addProfile('by gus')).status).toBe(201)
    // A token goes on doing what it was made for.
    const body = { name: 'by the token of gus' }
    expectProblem(await askAs(json.token)('createProfile', { body }), 403, 'access.denied')
    expect((await setRole('viewer')).status).toBe(200)
    expectProblem(await session('overview'), 401, 'access.unauthenticated')
    expectProblem(await askAs(json.token)('overview'), 401, 'access.unauthenticated')
  })

  test('changes their own password, which ends their other sessions', async () => {
    const { name, password, signIn } = await addPerson('hal', 'viewer')
    const [here, elsewhere] = [await signIn(), await signIn()]
    const change = (old: string, newPassword: string) =>
      here('changePassword', { body: { password: old, newPassword } })
    expectProblem(await change('a guess', 'another password'), 401, 'access.bad-sign-in')
    expectProblem(await change(password, 'short'), 422, 'operator.invalid')
    expect((await change(password, 'another password')).status).toBe(204)
    expect((await here('overview')).status).toBe(200)
    expectProblem(await elsewhere('overview'), 401, 'access.unauthenticated')
    const again = (typed: string) =>
      ask(platform, 'signIn', { body: { name, password: typed }, token: null })
    expectProblem(await again(password), 401, 'access.bad-sign-in')
    expect((await again('another password')).status).toBe(200)
  })

  test('has tokens that may do less than they may themselves, and never more', async () => {
    const { signIn } = await addPerson('ida', 'operator')
    const session = await signIn()
    const make = (as: Awaited<ReturnType<typeof signIn>>, role?: string) =>
      as('createToken', { body: { name: 'a token', role } })
    const lesser = (await make(session, 'viewer')).json
    expect(lesser.role).toBe('viewer')
    const body = { name: 'by a lesser token' }
    expectProblem(await askAs(lesser.token)('createProfile', { body }), 403, 'access.denied')
    expect((await askAs(lesser.token)('showSession')).json.operator.role).toBe('viewer')
    expectProblem(await make(session, 'tenant-administrator'), 403, 'access.denied')
    expectProblem(await make(askAs(lesser.token), 'operator'), 403, 'access.denied')
    expect((await make(askAs(lesser.token))).json.role).toBe('viewer')
    // Their own tokens are theirs to see and to revoke, and nobody else's are.
    const { items } = (await session('listTokens')).json
    expect(new Set(items.map(({ operator }: { operator: string }) => operator))).toEqual(
      new Set(['ida']),
    )
    const all = (await asAdministrator('listTokens', { query: { limit: 500 } })).json.items
    const other = all.find(({ operator }: { operator: string }) => operator !== 'ida')
    const revoke = (id: string) => session('revokeToken', { params: { id } })
    expectProblem(await revoke(other.id), 404, 'token.unknown')
    expect((await revoke(lesser.id)).status).toBe(204)
  })
})

describe('an administrator of a tenant', () => {
  test('gives nobody a role above their own, and takes none from one above', async () => {
    const { signIn } = await addPerson('jim', 'tenant-administrator')
    const jim = await signIn()
    const create = (role: string, customerId?: string) =>
      jim('createOperator', { body: { name: `made ${role}`, role, customerId } })
    expectProblem(await create('system-administrator'), 403, 'access.denied')
    expectProblem(await create('customer-user'), 422, 'operator.invalid')
    const customer = (await jim('createCustomer', { body: { name: 'of jim' } })).json.id
    expectProblem(await create('viewer', customer), 422, 'operator.invalid')
    expect((await create('customer-user', customer)).json).toMatchObject({ customer: 'of jim' })
    expect((await create('tenant-administrator')).status).toBe(201)
    const [admin] = (await jim('listOperators', { query: { name: 'admin' } })).json.items
    const params = { id: admin.id }
    expectProblem(await jim('removeOperator', { params }), 403, 'access.denied')
    expectProblem(await jim('resetPassword', { params, body: {} }), 403, 'access.denied')
    const body = { role: 'viewer' }
    expectProblem(await jim('changeOperator', { params, body }), 403, 'access.denied')
  })

  test('neither removes nor demotes themselves', async () => {
    const { id, signIn } = await addPerson('kim', 'tenant-administrator')
    const kim = await signIn()
    const params = { id }
    expectProblem(await kim('removeOperator', { params }), 409, 'operator.self')
    const body = { role: 'viewer' }
    expectProblem(await kim('changeOperator', { params, body }), 409, 'operator.self')
    expectProblem(await kim('resetPassword', { params, body: {} }), 409, 'operator.self')
  })

  test('stays when two of them remove each other at once', async () => {
    const password = 'the password of lou'
    const { json: tenant } = await asAdministrator('createTenant', {
      body: { name: 'two heads', administrator: { name: 'lou', password } },
    })
    const signIn = async (name: string, typed: string) => {
      const body = { name, password: typed }
      const answer = await ask(platform, 'signIn', { body, token: null })
      const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
      const headers = { cookie, 'x-csrf-token': answer.json.csrfToken }
      const as = (route: RouteName, asked: Asked = {}) =>
        ask(platform, route, { ...asked, token: null, headers })
      return { as, id: answer.json.operator.id as string }
    }
    const lou = await signIn('lou', password)
    await lou.as('createOperator', {
      body: { name: 'moe', role: 'tenant-administrator', password: 'the password of moe' },
    })
    const moe = await signIn('moe', 'the password of moe')
    await Promise.all([
      lou.as('removeOperator', { params: { id: moe.id } }),
      moe.as('removeOperator', { params: { id: lou.id } }),
    ])
    const left = await Promise.all([lou, moe].map(({ as }) => as('listOperators')))
    const still = left.filter(({ status }) => status === 200)
    expect(still.map(({ json }) => json.items.length)).toEqual([1])
    // Of another tenant's people the system's administrator knows nothing, not even that they are there.
    expect(tenant.administrator).toEqual({ name: 'lou', password: null })
    expectProblem(
      await asAdministrator('showOperator', { params: { id: lou.id } }),
      404,
      'operator.unknown',
    )
  })
})
