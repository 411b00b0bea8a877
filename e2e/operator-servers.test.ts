import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ask, expectProblem, query, send } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

/** Two servers on one database and one folder of files. */
let one: TestPlatform
let two: TestPlatform

beforeAll(async () => {
  one = await testPlatform()
  two = await testPlatform({
    databaseUrl: one.connectionString,
    artifacts: [{ name: 'default', kind: 'file', folder: join(one.dataFolder, 'artifacts') }],
  })
  await one.addProfile('P')
})
afterAll(async () => {
  await two.stop()
  await one.stop()
})

const bytes = new Uint8Array([1, 2, 3])
const checkIn = async (at: TestPlatform, token: string, waitSeconds = 0) => {
  const headers: Record<string, string> = waitSeconds ? { prefer: `wait=${waitSeconds}` } : {}
  const answer = await send(`${at.url}/device/v1/check-in`, 'POST', { token, body: {}, headers })
  expect(answer.status, answer.text).toBe(200)
  return answer.json.offers as { version: string; artifact: string }[]
}
/** Resolves once a device waits at that server. */
const untilWaiting = (at: TestPlatform) =>
  expect
    .poll(
      async () =>
        (await send(`${at.url}/metrics`, 'GET')).text.match(/^updraft_live_sessions (\d+)/m)?.[1],
      { timeout: 10_000 },
    )
    .toBe('1')

test('what one was told the other knows at once', async () => {
  const { id } = (await ask(one, 'createDevice', { body: { name: 'shared', profile: 'P' } })).json
  expect((await ask(two, 'showDevice', { params: { id } })).json.name).toBe('shared')
  const { token, id: tokenId } = (await ask(two, 'createToken', { body: { name: 'T' } })).json
  expect((await ask(one, 'overview', { token })).status).toBe(200)
  await ask(one, 'revokeToken', { params: { id: tokenId } })
  expectProblem(await ask(two, 'overview', { token }), 401, 'access.unauthenticated')
})

test('a device that waits at one is woken by an assignment made at the other', async () => {
  const token = await one.addDevice('waiting', 'P')
  const release = await two.addRelease({ title: 'app', version: '1', profile: 'P', bytes })
  // Longer than this test may take: it ends only when it is woken.
  const waiting = checkIn(one, token, 300)
  await untilWaiting(one)
  await two.assign(release, { device: 'waiting' })
  const [offer] = await waiting
  expect(offer?.version).toBe('1')
  // And fetches the bytes from the one the address names, whoever took them in.
  const fetched = await fetch(offer?.artifact ?? '')
  expect(new Uint8Array(await fetched.arrayBuffer())).toEqual(bytes)
  const elsewhere = await fetch((offer?.artifact ?? '').replace(one.url, two.url))
  expect(elsewhere.status).toBe(200)
})

test('a device whose token was replaced at the other is told to go', async () => {
  const token = await one.addDevice('replaced', 'P')
  const { id } = await one.device('replaced')
  const waiting = send(`${one.url}/device/v1/check-in`, 'POST', {
    token,
    body: {},
    headers: { prefer: 'wait=60' },
  })
  await untilWaiting(one)
  await ask(two, 'replaceDeviceToken', { params: { id }, body: {} })
  expectProblem(await waiting, 401, 'device.unknown')
})

test('an Idempotency-Key counts at both', async () => {
  const asked = { body: { name: 'once' }, headers: { 'idempotency-key': 'both' } }
  const first = await ask(one, 'createProfile', asked)
  const second = await ask(two, 'createProfile', asked)
  expect(second.json).toEqual(first.json)
})

test('a database that goes away is told, and used again when it is back', async () => {
  const { database } = connectionOf(one)
  await query(one.connectionString, 'select 1')
  const admin = connectionOf(one).of('template1')
  await query(admin, `alter database ${database} with allow_connections false`)
  await query(
    admin,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}'`,
  )
  const answer = await ask(one, 'overview')
  const ready = await send(`${one.url}/readyz`, 'GET')
  await query(admin, `alter database ${database} with allow_connections true`)
  expectProblem(answer, 503, 'store.away')
  expect(answer.headers.get('retry-after')).toBe('5')
  expect(ready.status).toBe(503)
  expect((await ask(one, 'overview')).status).toBe(200)
  expect((await ask(two, 'overview')).status).toBe(200)
})

function connectionOf({ connectionString }: TestPlatform) {
  const url = new URL(connectionString)
  const database = url.pathname.slice(1)
  const of = (name: string) => {
    url.pathname = `/${name}`
    return url.toString()
  }
  return { database, of }
}
