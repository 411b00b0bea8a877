import type { CredentialDraft, ProvisioningStrategy } from '@updraft/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CERTIFICATE } from '../credentials/certificate.test-helper.ts'
import { proofs } from '../credentials/proofs.ts'
import { secrets, uuids } from '../credentials/secrets.ts'
import { accounts } from '../store/accounts.ts'
import {
  addTenant,
  hashOf,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenClaim,
  tokenCredential,
} from '../store/store.test-helper.ts'
import { type Enrolment, type EnrolmentRequest, enrolment } from './enrolment.ts'
import { newCredentialOf } from './new-credential.ts'

let store: TestStore
let tenant: Tenant
let desk: Enrolment
/** By strategy, named after it; its key too. */
const profileIds: Partial<Record<ProvisioningStrategy, string>> = {}

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  for (const strategy of ['create-new', 'check-pre-provisioned'] as const) {
    const profileId = await tenant.addProfile(strategy)
    profileIds[strategy] = profileId
    await tenant.run(({ profiles }) =>
      profiles.setProvisioning(profileId, { key: strategy, secretHash: hashOf('s'), strategy }),
    )
  }
  const { clock } = store
  const keeper = secrets({ ticketKey: Buffer.alloc(32) })
  const prover = proofs({ passwordKey: Buffer.alloc(32) })
  desk = enrolment({
    accounts: accounts(store.database),
    clock,
    ids: uuids,
    newCredential: newCredentialOf({ clock, ids: uuids, proofs: prover, secrets: keeper }),
    secrets: keeper,
    unitOfWork: store.run,
    work: store.work,
  })
})
afterAll(() => store.close())

const enroll = (key: ProvisioningStrategy, request: Partial<EnrolmentRequest> = {}) =>
  desk.enroll({ key, secret: 's', credential: { kind: 'token' }, ...request })
const refused = (key: ProvisioningStrategy, request: Partial<EnrolmentRequest> = {}) =>
  enroll(key, request).then(
    () => 'done',
    (error) => error.code,
  )
/** Adds it as an operator does; its token is its name with the tenant's in front. */
const add = async (strategy: ProvisioningStrategy) => {
  const name = newId()
  const [id = ''] = await tenant.addDevices(profileIds[strategy] ?? '', [name])
  return { id, name }
}
const view = async (name: string) => {
  const { items } = await tenant.run(({ devices }) => devices.page({ name, limit: 1 }))
  return items[0]?.snapshot.device
}
const kindsOf = async (id: string) => {
  const all = await tenant.run(({ credentials }) => credentials.ofDevice(id, NOON))
  return all.map(({ kind }) => kind)
}
const isKnown = async (token: string) =>
  (await store.work.arrive([tokenClaim(token)], 'updraft', NOON)) !== null

test('a new device is added, with a name and a token made up where it brings none', async () => {
  const { deviceName, token } = await enroll('create-new')
  expect(deviceName).toMatch(/^device-/)
  expect(await view(deviceName)).toMatchObject({ profileName: 'create-new', attributes: {} })
  expect(await isKnown(token ?? '')).toBe(true)
  const name = newId()
  expect(await enroll('create-new', { name, credential: { kind: 'token', token: name } })).toEqual({
    deviceName: name,
    token: name,
  })
  const { event } = store.announced.at(-1) ?? {}
  expect(event).toMatchObject({ kind: 'device.enrolled', actor: { kind: 'device', name } })
})

test.each<CredentialDraft>([
  { kind: 'mqtt-basic', clientId: 'c', userName: 'u', password: 'p' },
  { kind: 'x509', certificate: CERTIFICATE },
])('a new device is known by what it brought: $kind', async (credential) => {
  const name = newId()
  expect(await enroll('create-new', { name, credential })).toMatchObject({ token: null })
  expect(await kindsOf((await view(name))?.id ?? '')).toEqual([credential.kind])
})

test('a gateway has the attribute for it, beside those it had', async () => {
  const name = newId()
  await enroll('create-new', { name, isGateway: true })
  expect((await view(name))?.attributes).toEqual({ gateway: true })
  const added = await add('check-pre-provisioned')
  await tenant.run(({ devices }) => devices.change(added.id, { attributes: { pin: 4 } }))
  await enroll('check-pre-provisioned', { name: added.name, isGateway: true })
  expect((await view(added.name))?.attributes).toEqual({ pin: 4, gateway: true })
})

test('a device that was added enrols once; the token nobody came with is good no more', async () => {
  const { id, name } = await add('check-pre-provisioned')
  const { token } = await enroll('check-pre-provisioned', { name: ` ${name} ` })
  expect(await isKnown(token ?? '')).toBe(true)
  expect(await isKnown(tenant.tokenOf(name))).toBe(false)
  expect(await kindsOf(id)).toEqual(['token'])
  expect(await refused('check-pre-provisioned', { name })).toBe('provisioning.repeated')
  expect(await isKnown(token ?? '')).toBe(true)
})

test('what it is known by and came with stays, and what is of another kind', async () => {
  const used = await add('check-pre-provisioned')
  expect(await isKnown(tenant.tokenOf(used.name))).toBe(true)
  await enroll('check-pre-provisioned', { name: used.name })
  expect(await isKnown(tenant.tokenOf(used.name))).toBe(true)
  const other = await add('check-pre-provisioned')
  const credential = { kind: 'mqtt-basic', clientId: other.name } as const
  await enroll('check-pre-provisioned', { name: other.name, credential })
  expect(await kindsOf(other.id)).toEqual(['token', 'mqtt-basic'])
})

test('of two that enrol as one device at once, one does', async () => {
  const { name } = await add('check-pre-provisioned')
  const outcomes = await Promise.all(
    [1, 2, 3].map(() => refused('check-pre-provisioned', { name })),
  )
  expect(outcomes.toSorted()).toEqual(['done', 'provisioning.repeated', 'provisioning.repeated'])
})

test('a refused enrolment leaves the device as it was', async () => {
  const [{ name }, taken] = [await add('check-pre-provisioned'), await add('create-new')]
  const credential = { kind: 'token', token: tenant.tokenOf(taken.name) } as const
  expect(await refused('check-pre-provisioned', { name, credential })).toBe('credential.taken')
  expect(await isKnown(tenant.tokenOf(name))).toBe(true)
  expect(await refused('check-pre-provisioned', { name })).toBe('done')
})

test('a device that came by itself may not do so again, whatever the strategy is by then', async () => {
  const name = newId()
  await enroll('create-new', { name })
  const { id } = (await view(name)) ?? { id: '' }
  await tenant.run(({ devices }) =>
    devices.change(id, { profileId: profileIds['check-pre-provisioned'] }),
  )
  expect(await refused('check-pre-provisioned', { name })).toBe('provisioning.repeated')
})

test.each<[string, ProvisioningStrategy, () => Promise<Partial<EnrolmentRequest>>]>([
  ['provisioning.refused', 'create-new', async () => ({ secret: 'S' })],
  ['provisioning.refused', 'create-new', async () => ({ key: 'no such key' })],
  ['provisioning.refused', 'create-new', async () => ({ key: '', secret: '' })],
  [
    'provisioning.refused',
    'check-pre-provisioned',
    async () => ({ secret: '', name: (await add('check-pre-provisioned')).name }),
  ],
  ['device.duplicate', 'create-new', async () => ({ name: (await add('create-new')).name })],
  [
    'device.duplicate',
    'create-new',
    async () => ({ name: (await add('check-pre-provisioned')).name }),
  ],
  ['device.unknown', 'check-pre-provisioned', async () => ({})],
  ['device.unknown', 'check-pre-provisioned', async () => ({ name: newId() })],
  [
    'device.unknown',
    'check-pre-provisioned',
    async () => ({ name: (await add('create-new')).name }),
  ],
  ['request.malformed', 'create-new', async () => ({ name: ' ' })],
  ['request.malformed', 'create-new', async () => ({ credential: { kind: 'mqtt-basic' } })],
  [
    'request.malformed',
    'create-new',
    async () => ({ credential: { kind: 'x509', certificate: '' } }),
  ],
  [
    'credential.taken',
    'create-new',
    async () => ({
      credential: { kind: 'token', token: tenant.tokenOf((await add('create-new')).name) },
    }),
  ],
  [
    'credential.too-many',
    'check-pre-provisioned',
    async () => {
      const { id, name } = await add('check-pre-provisioned')
      await isKnown(tenant.tokenOf(name))
      await tenant.run(({ credentials }) => credentials.insert(id, [tokenCredential(`2 ${name}`)]))
      await isKnown(`2 ${name}`)
      return { name }
    },
  ],
])('%s: %s %s', async (code, strategy, request) => {
  expect(await refused(strategy, await request())).toBe(code)
})
