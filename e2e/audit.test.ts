import type { Event } from '@updraft/api/shapes'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addOperator, ask, expectProblem, send } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
let viewer: string
let deviceId: string
let releaseId: string

beforeAll(async () => {
  platform = await testPlatform({ trustProxy: true })
  viewer = await addOperator(platform, { name: 'vera', role: 'viewer' })
  await platform.addProfile('pump')
  await platform.addDevice('pump-7', 'pump')
  deviceId = (await platform.device('pump-7')).id
  const bytes = new Uint8Array([1, 2, 3])
  releaseId = await platform.addRelease({ title: 'app', version: '1', profile: 'pump', bytes })
})
afterAll(() => platform.stop())

/** All that match, page after page. */
async function audited(query: Record<string, unknown> = {}): Promise<Event[]> {
  const found: Event[] = []
  let cursor: string | undefined
  do {
    const { status, text, json } = await ask(platform, 'listEvents', {
      query: { limit: 3, ...query, cursor },
    })
    expect(status, text).toBe(200)
    found.push(...json.items)
    cursor = json.nextCursor ?? undefined
  } while (cursor !== undefined)
  return found
}

describe('what an operator is refused', () => {
  test('is found by who it was, with what, on what, from where and why', async () => {
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    const params = { id: deviceId }
    const answer = await ask(platform, 'removeDevice', { params, headers, token: viewer })
    const problem = expectProblem(answer, 403, 'access.denied')
    expect(await audited({ actor: 'vera' })).toEqual([
      {
        id: expect.any(String),
        at: expect.any(String),
        kind: 'action.refused',
        result: 'refused',
        reason: { code: 'access.denied', message: problem.detail },
        actor: {
          kind: 'operator',
          id: expect.any(String),
          name: 'vera',
          from: '203.0.113.7',
          via: 'token of a test',
        },
        subject: { kind: 'device', id: deviceId, name: 'pump-7' },
        deviceId,
        data: { action: 'removeDevice' },
      },
    ])
  })

  test('is apart from what was done', async () => {
    expectProblem(
      await ask(platform, 'createProfile', { body: { name: 'pump' } }),
      409,
      'profile.duplicate',
    )
    const refused = await audited({ result: 'refused' })
    expect(refused.map(({ actor, data }) => `${actor.name} ${data.action}`)).toEqual([
      'admin createProfile',
      'vera removeDevice',
    ])
    const done = await audited({ result: 'done' })
    expect(done.length).toBeGreaterThan(4)
    expect(done.every(({ result }) => result === 'done')).toBe(true)
  })

  test('is not what nobody known asked for, nor a name that is nobody’s at the sign-in', async () => {
    const before = (await audited()).length
    await ask(platform, 'removeDevice', { params: { id: deviceId }, token: 'nobody' })
    await ask(platform, 'signIn', { body: { name: 'my password', password: 'x' }, token: null })
    expect(await audited()).toHaveLength(before)
  })
})

test('who fetched the file of a release is found by the release; asking about it is no fetch', async () => {
  const params = { id: releaseId }
  const url = `${platform.url}/api/releases/${releaseId}/artifact`
  expect((await send(url, 'HEAD', { token: viewer })).status).toBe(200)
  expect((await ask(platform, 'downloadRelease', { params, token: viewer })).status).toBe(200)
  await ask(platform, 'downloadRelease', { params, headers: { range: 'bytes=1-' } })
  const fetched = await audited({ kind: 'release.downloaded', subjectId: releaseId })
  expect(fetched.map(({ actor, subject, data }) => [actor.name, subject.name, data])).toEqual([
    ['admin', 'app@1', { range: 'bytes=1-' }],
    ['vera', 'app@1', {}],
  ])
})

describe('the audit log', () => {
  test('is read either way, in pages', async () => {
    const newestFirst = await audited()
    expect(await audited({ sort: 'at' })).toEqual(newestFirst.toReversed())
    expectProblem(
      await ask(platform, 'listEvents', { query: { sort: 'kind' } }),
      400,
      'request.malformed',
    )
  })

  test('is found by time', async () => {
    const all = await audited({ sort: 'at' })
    const middle = all[Math.floor(all.length / 2)]?.at ?? ''
    const [before, since] = [await audited({ until: middle }), await audited({ since: middle })]
    expect(before.every(({ at }) => at < middle)).toBe(true)
    expect(since.every(({ at }) => at >= middle)).toBe(true)
    expect(before.length + since.length).toBe(all.length)
    expect(await audited({ since: middle, until: middle })).toEqual([])
    // The same moment as a clock elsewhere shows it.
    const elsewhere = new Date(Date.parse(middle) + 7_200_000).toISOString().replace('Z', '+02:00')
    expect(await audited({ since: elsewhere })).toEqual(since)
    expectProblem(
      await ask(platform, 'listEvents', { query: { since: 'yesterday' } }),
      400,
      'request.malformed',
    )
  })

  test('is found by kind, by subject, by device and by text in names', async () => {
    const all = await audited()
    const same = async (query: Record<string, unknown>, isWanted: (event: Event) => boolean) => {
      const wanted = all.filter(isWanted)
      expect(wanted.length, JSON.stringify(query)).toBeGreaterThan(0)
      expect(await audited(query)).toEqual(wanted)
    }
    await same({ kind: 'device' }, ({ kind }) => kind.startsWith('device.'))
    await same({ kind: 'device.created' }, ({ kind }) => kind === 'device.created')
    await same({ subjectKind: 'release' }, ({ subject }) => subject.kind === 'release')
    await same({ subjectId: deviceId }, ({ subject }) => subject.id === deviceId)
    await same({ deviceId }, (event) => event.deviceId === deviceId)
    await same(
      { search: 'PUMP-' },
      ({ subject, actor }) => subject.name.includes('pump-') || actor.name.includes('pump-'),
    )
    await same(
      { search: 'ver', result: 'done' },
      (event) => event.actor.name === 'vera' && event.result === 'done',
    )
    expect(await audited({ kind: 'dev' })).toEqual([])
    expect(await audited({ search: '%' })).toEqual([])
    expect(await audited({ actor: 'ver' })).toEqual([])
  })
})
