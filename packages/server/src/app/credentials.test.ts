import type { CredentialDraft, OperatorActor } from '@updraft/core'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { CERTIFICATE, CERTIFICATE_FACTS } from '../credentials/certificate.test-helper.ts'
import { deviceTokens } from '../credentials/device-tokens.ts'
import { proofs } from '../credentials/proofs.ts'
import { secrets, uuids } from '../credentials/secrets.ts'
import { credentialSweep } from '../store/credential-sweep.ts'
import {
  addTenant,
  minutesAfter,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
} from '../store/store.test-helper.ts'
import { credentialSweeper } from './credential-sweeper.ts'
import { credentials } from './credentials.ts'
import { newCredentialOf } from './new-credential.ts'

let store: TestStore
let tenant: Tenant
let profileId: string
let actor: OperatorActor
let deviceId: string
let deviceToken: string
let useCase: ReturnType<typeof credentials>

const prover = proofs({ passwordKey: Buffer.alloc(32) })
const keeper = secrets({ ticketKey: Buffer.alloc(32) })

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  profileId = await tenant.addProfile('P')
  actor = {
    kind: 'operator',
    id: tenant.operatorId,
    tenantId: tenant.id,
    customerId: null,
    name: 'admin',
    role: 'operator',
    tokenId: null,
    from: '127.0.0.1',
    via: 'session',
  }
  const { clock } = store
  const newCredential = newCredentialOf({ clock, ids: uuids, proofs: prover, secrets: keeper })
  const tokens = deviceTokens({ key: Buffer.alloc(32) })
  useCase = credentials({ clock, newCredential, secrets: keeper, tokens, unitOfWork: store.run })
})
beforeEach(async () => {
  store.clock.at = NOON
  const name = newId()
  ;[deviceId = ''] = await tenant.addDevices(profileId, [name])
  deviceToken = tenant.tokenOf(name)
})
afterAll(() => store.close())

const isKnown = async (token: string): Promise<boolean> => {
  const claim = prover.claim({ kind: 'token', token })
  return (await store.work.arrive([claim], 'updraft', store.clock.now())) !== null
}
const add = (credential: CredentialDraft, keepOthersForSeconds?: number) =>
  useCase.add(actor, deviceId, { credential, keepOthersForSeconds })
const kinds = async () => (await useCase.list(actor, deviceId)).map(({ kind }) => kind)
const happened = () =>
  store.announced
    .filter(({ event }) => event.deviceId === deviceId)
    .map(({ event }) => [event.kind, event.actor.kind, event.data])

test('a device is given one of each kind; what is shown holds no secret', async () => {
  await add({ kind: 'mqtt-basic', clientId: `c ${deviceId}`, userName: 'u', password: 'hush' })
  await add({ kind: 'x509', certificate: CERTIFICATE })
  const all = await useCase.list(actor, deviceId)
  expect(all).toMatchObject([
    { kind: 'token', clientId: null, hasPassword: false, certificate: null },
    { kind: 'mqtt-basic', clientId: `c ${deviceId}`, userName: 'u', hasPassword: true },
    { kind: 'x509', certificate: CERTIFICATE_FACTS, firstUsedAt: null, expiresAt: null },
  ])
  expect(JSON.stringify([all, happened()])).not.toMatch(/hush|hash/i)
  expect(happened()).toEqual(
    all
      .slice(1)
      .map(({ id, kind }) => ['device.credential-added', 'operator', { credential: id, kind }]),
  )
})

test('a token changes hands: both are good until the old one is taken back', async () => {
  const { token, credential } = await add({ kind: 'token' })
  expect([await isKnown(deviceToken), await isKnown(token ?? '')]).toEqual([true, true])
  const [old] = await useCase.list(actor, deviceId)
  expect(old?.firstUsedAt).toEqual(NOON)
  await useCase.remove(actor, deviceId, old?.id ?? '')
  expect([await isKnown(deviceToken), await isKnown(token ?? '')]).toEqual([false, true])
  expect(await useCase.list(actor, deviceId)).toMatchObject([{ id: credential.id }])
  expect(happened().at(-1)).toEqual([
    'device.credential-removed',
    'operator',
    { credential: old?.id, kind: 'token' },
  ])
})

test('the old one may end by itself; then it is swept, and its name is free', async () => {
  await add({ kind: 'token', token: `new ${deviceId}` }, 600)
  const [old] = await useCase.list(actor, deviceId)
  expect(old?.expiresAt).toEqual(minutesAfter(NOON, 10))
  const sweeper = credentialSweeper({
    clock: store.clock,
    sweep: credentialSweep(store.database),
    unitOfWork: store.run,
    onError: (error) => {
      throw error
    },
  })
  store.clock.at = minutesAfter(NOON, 9)
  await sweeper.sweep()
  expect(await isKnown(deviceToken)).toBe(true)
  store.clock.at = minutesAfter(NOON, 10)
  expect(await isKnown(deviceToken)).toBe(false)
  expect(await kinds()).toEqual(['token'])
  await Promise.all([sweeper.sweep(), sweeper.sweep()])
  expect(happened().slice(1)).toEqual([
    ['device.credential-removed', 'server', { credential: old?.id, kind: 'token', isOver: true }],
  ])
  await add({ kind: 'token', token: deviceToken })
  expect(await isKnown(deviceToken)).toBe(true)
})

test('an end that was set is not put off', async () => {
  const [only] = await useCase.list(actor, deviceId)
  const remove = (keepForSeconds: number) =>
    useCase.remove(actor, deviceId, only?.id ?? '', { keepForSeconds })
  await remove(60)
  await remove(600)
  expect(await useCase.list(actor, deviceId)).toMatchObject([{ expiresAt: minutesAfter(NOON, 1) }])
})

test('there are two of a kind at most, unless the others end at once', async () => {
  await add({ kind: 'token' })
  await expect(add({ kind: 'token' })).rejects.toMatchObject({ code: 'credential.too-many' })
  await expect(add({ kind: 'token' }, 60)).rejects.toMatchObject({ code: 'credential.too-many' })
  await add({ kind: 'mqtt-basic', clientId: deviceId })
  await add({ kind: 'token' }, 0)
  expect(await kinds()).toEqual(['mqtt-basic', 'token'])
})

test('a new token takes the place of all; the other kinds stay', async () => {
  await add({ kind: 'token' })
  await add({ kind: 'mqtt-basic', clientId: deviceId })
  const { token } = await useCase.replaceToken(actor, deviceId, {})
  expect([await isKnown(deviceToken), await isKnown(token)]).toEqual([false, true])
  expect(await kinds()).toEqual(['mqtt-basic', 'token'])
  await useCase.replaceToken(actor, deviceId, { keepOldForSeconds: 60 })
  expect(await isKnown(token)).toBe(true)
})

test('of two tokens given to a device at once, the later one holds alone', async () => {
  const replaced = await Promise.all(
    [1, 2, 3, 4].map(() => useCase.replaceToken(actor, deviceId, {})),
  )
  const known = await Promise.all(replaced.map(({ token }) => isKnown(token)))
  expect(known.filter(Boolean)).toHaveLength(1)
})

test.each<[string, string, (name: string) => CredentialDraft]>([
  ['token', 'token', (token) => ({ kind: 'token', token })],
  ['user name', 'token', (userName) => ({ kind: 'mqtt-basic', userName })],
])('a %s is refused where it is the %s of another device', async (_what, _whose, draft) => {
  const taken = deviceToken
  const other = await addTenant(store, `other ${newId()}`)
  const [stranger = ''] = await other.addDevices(await other.addProfile('P'), ['D'])
  const there = { ...actor, tenantId: other.id }
  const adding = useCase.add(there, stranger, { credential: draft(taken) })
  await expect(adding).rejects.toMatchObject({ code: 'credential.taken' })
})

test('what is not there is refused', async () => {
  const codes = await Promise.all(
    [
      useCase.list(actor, newId()),
      useCase.add(actor, newId(), { credential: { kind: 'token' } }),
      useCase.replaceToken(actor, newId(), {}),
      useCase.remove(actor, newId(), newId()),
      useCase.remove(actor, deviceId, newId()),
    ].map((asked) =>
      asked.then(
        () => 'done',
        (error) => error.code,
      ),
    ),
  )
  expect(codes).toEqual([...Array(4).fill('device.unknown'), 'credential.unknown'])
})
