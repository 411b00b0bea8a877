/** What our own boxes are told by the server, with curl: they register, and check in. */
import type { RegisterResponse } from '@updraft/wire/updraft'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let profileId: string

beforeAll(async () => {
  platform = await testPlatform()
  profileId = await platform.addProfile('Kassa')
})
afterAll(() => platform.stop())

const post = (path: string, body: unknown, ...more: string[]) =>
  curl('--data', JSON.stringify(body), ...more, `${platform.url}/device/v1/${path}`)

const enable = (claimsAtOnce: boolean) =>
  platform.api('enableProvisioning', {
    params: { id: profileId },
    body: { key: 'kassa-key', secret: 'kassa-secret', claimsAtOnce },
  })

test('a box registers with the key of its profile, as often as it likes, and is known then', async () => {
  await enable(true)
  const said = { key: 'kassa-key', id: 'KASSA-1', facts: { box: { kind: 'virtual' } } }
  const registered = await post('register', said)
  expect(registered.status).toBe(201)
  const { token } = registered.json<RegisterResponse>()
  const again = await post('register', said)
  expect([again.status, again.json<RegisterResponse>().token]).toEqual([201, token])
  expect((await platform.device('KASSA-1')).inventory).toEqual({ box: { kind: 'virtual' } })
  const answer = await post('check-in', {}, '--header', `Authorization: Bearer ${token}`)
  expect(answer.status).toBe(200)
})

test('one that is to be claimed waits, and is given its token then', async () => {
  await enable(false)
  const said = { key: 'kassa-key', id: 'KASSA-2' }
  const waiting = await post('register', said)
  expect([waiting.status, waiting.json()]).toEqual([202, { retryAfterSeconds: 60 }])
  const { items } = await platform.api('listWaitingDevices', { query: {} })
  await platform.api('claimWaitingDevices', { body: { ids: items.map(({ id }) => id) } })
  expect((await post('register', said)).status).toBe(201)
})

test.each([
  [403, 'provisioning.refused', { key: 'nobody’s', id: 'KASSA-3' }],
  [400, 'request.malformed', { key: 'kassa-key' }],
  [400, 'request.malformed', { key: 'kassa-key', id: 'KASSA-3', facts: { text: '\0' } }],
])('%i %s: who says %j', async (status, code, said) => {
  const answer = await post('register', said)
  expect([answer.status, answer.json<{ code: string }>().code]).toEqual([status, code])
})
