import { OURS, POLICY, SECRET_HEADER } from '@updraft/wire/astarte-cluster'
import { INTERFACES } from '@updraft/wire/edgehog'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { clusterTokens } from '../../credentials/cluster-tokens.ts'
import { type ClusterClient, clusterClient } from './cluster-client.ts'
import { isAsWanted, reconcile, withdraw } from './cluster-reconcile.ts'
import { detail, EDGEHOG, type FakeAstarte, fakeAstarte } from './testing/fake-astarte.ts'

const OURS_AT = {
  webhookUrl: 'https://updates.example/astarte/v1/acme/triggers',
  webhookSecret: 'a secret',
}
const BASE = [
  'updraft-connection',
  'updraft-disconnection',
  'updraft-ota-event',
  'updraft-system-info',
  'updraft-base-image',
]

let fake: FakeAstarte
let client: ClusterClient
beforeEach(async () => {
  fake = await fakeAstarte()
  client = clusterClient({
    access: { baseUrl: fake.url, realm: fake.realm, privateKey: fake.privateKey },
    sign: clusterTokens.sign,
    clock: { now: () => new Date() },
  })
})
afterEach(() => fake.close())

const writes = () => fake.exchanges.filter(({ method }) => method !== 'GET')

describe('a realm of a cluster', () => {
  test('is given interfaces, policy and triggers', async () => {
    const { version, done } = await reconcile(client, OURS_AT)
    expect(version).toBe('1.3.0')
    expect([...fake.interfaces.values()]).toEqual(INTERFACES)
    expect([...fake.policies.values()]).toEqual([POLICY])
    expect([...fake.triggers.keys()]).toEqual([
      ...BASE,
      'updraft-registration',
      'updraft-deletion-finished',
    ])
    expect(fake.triggers.get('updraft-ota-event')).toEqual({
      name: 'updraft-ota-event',
      action: {
        http_url: OURS_AT.webhookUrl,
        http_method: 'post',
        http_static_headers: { [SECRET_HEADER]: 'a secret' },
        ignore_ssl_errors: false,
      },
      policy: 'updraft-retry-on-server-error',
      simple_triggers: [
        {
          type: 'data_trigger',
          on: 'incoming_data',
          interface_name: `${EDGEHOG}OTAEvent`,
          interface_major: 0,
          match_path: '/*',
          value_match_operator: '*',
        },
      ],
    })
    expect(done).toHaveLength(INTERFACES.length + 1 + 7)
  })

  test('that is as it should be is left alone', async () => {
    await reconcile(client, OURS_AT)
    const before = writes().length
    expect((await reconcile(client, OURS_AT)).done).toEqual([])
    expect(writes()).toHaveLength(before)
  })

  test('of an older Astarte is given what it knows', async () => {
    fake.version = '1.2.1'
    await reconcile(client, OURS_AT)
    expect([...fake.triggers.keys()]).toEqual(BASE)
    expect(fake.policies.size).toBe(1)
  })

  test('of an Astarte before policies has triggers without one', async () => {
    fake.version = '1.0.6'
    fake.intercept = ({ path }) =>
      path.includes('/policies') ? detail(404, 'Not Found') : undefined
    await reconcile(client, OURS_AT)
    expect([...fake.triggers.keys()]).toEqual(BASE)
    expect([...fake.triggers.values()].map(({ policy }) => policy)).toEqual(
      BASE.map(() => undefined),
    )
  })

  test('where devices of before 2023 are left tells of their answers too', async () => {
    fake.interfaces.set(`${EDGEHOG}OTAResponse/0`, {
      interface_name: `${EDGEHOG}OTAResponse`,
      version_major: 0,
      version_minor: 1,
    })
    await reconcile(client, OURS_AT)
    expect(fake.triggers.has('updraft-ota-response')).toBe(true)
  })

  test('keeps a newer interface, and has an older one upgraded', async () => {
    const [, event, image] = INTERFACES
    const named = (definition = event) => `${definition?.interface_name}/0`
    fake.interfaces.set(named(event), { ...event, version_minor: 7 })
    fake.interfaces.set(named(image), { ...image, version_minor: 0 })
    const { done } = await reconcile(client, OURS_AT)
    expect(fake.interfaces.get(named(event))).toMatchObject({ version_minor: 7 })
    expect(fake.interfaces.get(named(image))).toEqual(image)
    expect(done).toContain(`upgraded ${image?.interface_name} 0.0 to 0.1`)
  })

  test('has a trigger that differs made anew, and what is no longer wanted removed', async () => {
    await reconcile(client, OURS_AT)
    const old = fake.triggers.get('updraft-connection')
    if (!old) throw new Error('There is no such trigger.')
    fake.triggers.set('updraft-of-before', { ...old, name: 'updraft-of-before' })
    fake.triggers.set('edgehog-connection', { ...old, name: 'edgehog-connection' })
    const elsewhere = { ...OURS_AT, webhookUrl: 'https://new.example/astarte/v1/acme/triggers' }
    const { done } = await reconcile(client, elsewhere)
    expect(done).toContain('made anew trigger updraft-connection')
    expect(done).toContain('removed trigger updraft-of-before')
    expect([...fake.triggers.values()].map(({ action }) => action.http_url)).toEqual([
      OURS_AT.webhookUrl,
      ...Array.from({ length: 7 }, () => elsewhere.webhookUrl),
    ])
    // What others made is theirs.
    expect(fake.triggers.has('edgehog-connection')).toBe(true)
  })

  test('has a policy that differs made anew, with the triggers that use it', async () => {
    await reconcile(client, OURS_AT)
    fake.policies.set(OURS.policy, { ...POLICY, retry_times: 1 })
    await reconcile(client, OURS_AT)
    expect(fake.policies.get(OURS.policy)).toEqual(POLICY)
    expect(fake.triggers.size).toBe(7)
  })

  test('is brought on from wherever it broke off', async () => {
    let calls = 0
    for (let limit = 1; ; limit += 4) {
      calls = 0
      fake.intercept = () => {
        calls += 1
        return calls > limit ? detail(503, 'Try later') : undefined
      }
      const isDone = await reconcile(client, OURS_AT).then(
        () => true,
        () => false,
      )
      if (isDone) break
    }
    fake.intercept = null
    expect((await reconcile(client, OURS_AT)).done).toEqual([])
    expect(fake.interfaces.size).toBe(INTERFACES.length)
    expect(fake.triggers.size).toBe(7)
  })

  test('is rid of all that calls us when the cluster is given up', async () => {
    await reconcile(client, OURS_AT)
    await withdraw(client)
    expect(fake.triggers.size).toBe(0)
    expect(fake.policies.size).toBe(0)
    expect(fake.interfaces.size).toBe(INTERFACES.length)
  })
})

describe('what is found is as wanted', () => {
  test.each([
    ['when it says more', { a: 1, b: 2 }, { a: 1 }, true],
    ['when it leaves out what is false', {}, { a: false }, true],
    ['when it leaves out a header there is none of', {}, { a: {} }, true],
    ['not when something differs', { a: { b: 2 } }, { a: { b: 1 } }, false],
    ['not when something is missing', {}, { a: 'x' }, false],
    ['not when a list is longer', { a: [1, 2] }, { a: [1] }, false],
    ['not when it is nothing', null, { a: 1 }, false],
  ])('%s', (_, found, wanted, is) => expect(isAsWanted(found, wanted)).toBe(is))
})
