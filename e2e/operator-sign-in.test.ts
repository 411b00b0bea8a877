import type { ScryptOptions } from 'node:crypto'
import type { Event } from '@updraft/api/shapes'
import { newTicketKey, secrets } from '@updraft/server/credentials/secrets'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type Answered,
  addOperator,
  ask,
  expectProblem,
  query,
  quickHash,
  send,
} from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const PASSWORD = 'the password of a test'

/** Their passwords are hashed with little work, so that a test may sign in often. */
const QUICK = ['ada', 'bob', 'eve', 'fay', 'gus']

/** The work of every password that was hashed. */
const derived = vi.hoisted((): Record<string, number | undefined>[] => [])
vi.mock(import('node:crypto'), async (original) => {
  const crypto = await original()
  const scrypt: typeof crypto.scrypt = (...words: unknown[]) => {
    const { N, r, p } = words[3] as ScryptOptions
    derived.push({ N, r, p })
    return Reflect.apply(crypto.scrypt, undefined, words)
  }
  return { ...crypto, scrypt }
})

let platform: TestPlatform
let behindProxy: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
  behindProxy = await testPlatform({
    databaseUrl: platform.connectionString,
    trustProxy: true,
  })
  const passwordHash = await secrets({ ticketKey: newTicketKey() }).hashPassword(PASSWORD)
  await addOperator(platform, { name: 'slow', role: 'system-administrator', passwordHash })
  for (const name of QUICK) {
    await addOperator(platform, {
      name,
      role: 'system-administrator',
      passwordHash: quickHash(PASSWORD),
    })
  }
})
afterAll(async () => {
  await behindProxy.stop()
  await platform.stop()
})
/** What failed before is forgotten. */
beforeEach(() => {
  platform.advanceClock({ minutes: 2 })
  behindProxy.advanceClock({ minutes: 2 })
})

const signIn = (
  name: string,
  password: string,
  { at = platform, headers = {} }: { at?: TestPlatform; headers?: Record<string, string> } = {},
) => ask(at, 'signIn', { body: { name, password }, token: null, headers })

const cookieOf = ({ headers }: Answered): string =>
  (headers.get('set-cookie') ?? '').split(';')[0] ?? ''

describe('a session', () => {
  test('is begun by name and password, and is a cookie no script can read', async () => {
    const answer = await signIn('ada', PASSWORD)
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({ operator: { name: 'ada', role: 'system-administrator' } })
    const cookie = answer.headers.get('set-cookie') ?? ''
    expect(cookie).toMatch(
      /^updraft_session=[\w-]{43}; Path=\/; Expires=.* GMT; HttpOnly; SameSite=Strict$/,
    )
    const session = { token: null, headers: { cookie: cookieOf(answer) } }
    const shown = await ask(platform, 'showSession', session)
    expect(shown.json).toEqual(answer.json)
  })

  test('reads with its cookie, and changes only with its CSRF token besides', async () => {
    const answer = await signIn('ada', PASSWORD)
    const other = await signIn('bob', PASSWORD)
    const cookie = cookieOf(answer)
    const create = (headers: Record<string, string>) =>
      ask(platform, 'createProfile', {
        token: null,
        body: { name: 'by session' },
        headers: { cookie, ...headers },
      })
    expect((await ask(platform, 'listProfiles', { token: null, headers: { cookie } })).status).toBe(
      200,
    )
    expectProblem(await create({}), 403, 'access.csrf')
    expectProblem(await create({ 'x-csrf-token': '' }), 403, 'access.csrf')
    expectProblem(await create({ 'x-csrf-token': other.json.csrfToken }), 403, 'access.csrf')
    expect(
      (await ask(platform, 'listProfiles', { query: { name: 'by session' } })).json.items,
    ).toEqual([])
    expect((await create({ 'x-csrf-token': answer.json.csrfToken })).status).toBe(201)
  })

  test('ends when it is signed out, and takes its cookie away', async () => {
    const answer = await signIn('ada', PASSWORD)
    const session = {
      token: null,
      headers: { cookie: cookieOf(answer), 'x-csrf-token': answer.json.csrfToken },
    }
    expectProblem(
      await ask(platform, 'signOut', { token: null, headers: { cookie: cookieOf(answer) } }),
      403,
      'access.csrf',
    )
    const out = await ask(platform, 'signOut', session)
    expect(out.status).toBe(204)
    expect(out.headers.get('set-cookie')).toMatch(/^updraft_session=;.* 1970 /)
    expectProblem(await ask(platform, 'showSession', session), 401, 'access.unauthenticated')
  })

  test('is over after two weeks, however much it is used', async () => {
    const answer = await signIn('ada', PASSWORD)
    const session = { token: null, headers: { cookie: cookieOf(answer) } }
    for (let halfDay = 1; halfDay < 28; halfDay += 1) {
      platform.advanceClock({ minutes: 719 })
      expect((await ask(platform, 'showSession', session)).status).toBe(200)
    }
    platform.advanceClock({ minutes: 719 + 28 })
    expectProblem(await ask(platform, 'showSession', session), 401, 'access.unauthenticated')
  })

  test('is over when nobody has used it for twelve hours', async () => {
    const answer = await signIn('ada', PASSWORD)
    const session = { token: null, headers: { cookie: cookieOf(answer) } }
    platform.advanceClock({ minutes: 721 })
    expectProblem(await ask(platform, 'showSession', session), 401, 'access.unauthenticated')
  })

  test('ends with all others when one signs out everywhere', async () => {
    const [one, two] = [await signIn('ada', PASSWORD), await signIn('ada', PASSWORD)]
    const sessions = [one, two].map((answer) => ({
      token: null,
      headers: { cookie: cookieOf(answer), 'x-csrf-token': answer.json.csrfToken },
    }))
    expect((await ask(platform, 'signOutEverywhere', sessions[0])).status).toBe(204)
    for (const session of sessions) {
      expectProblem(await ask(platform, 'showSession', session), 401, 'access.unauthenticated')
    }
  })

  test.each([
    ['signs out', 'signOut'],
    ['signs out everywhere', 'signOutEverywhere'],
  ] as const)('hears no more of what happens in another tab once one %s', async (_, way) => {
    const answer = await signIn('ada', PASSWORD)
    const cookie = cookieOf(answer)
    const other = await signIn('ada', PASSWORD)
    const lines = await Promise.all(
      [cookie, cookieOf(other)].map((each) =>
        fetch(`${platform.url}/api/events`, { headers: { cookie: each } }),
      ),
    )
    expect(lines.map(({ status }) => status)).toEqual([200, 200])
    const headers = { cookie, 'x-csrf-token': answer.json.csrfToken }
    expect((await ask(platform, way, { token: null, headers })).status).toBe(204)
    // Each comes to its end; whose session still is comes back.
    for (const line of lines) expect(await line.text()).toContain('event: opened')
    const again = await Promise.all(
      [cookie, cookieOf(other)].map((each) =>
        ask(platform, 'liveEvents', { token: null, headers: { cookie: each } }),
      ),
    )
    const isEverywhere = way === 'signOutEverywhere'
    expect(again.map(({ status }) => status)).toEqual([401, isEverywhere ? 401 : 200])
  })

  test('is not believed beside a token that is wrong', async () => {
    const cookie = cookieOf(await signIn('ada', PASSWORD))
    const answer = await ask(platform, 'showSession', { token: 'wrong', headers: { cookie } })
    expectProblem(answer, 401, 'access.unauthenticated')
  })

  test('is kept as a hash only, and both sign-in and refusal stand in the audit log', async () => {
    const answer = await signIn('ada', PASSWORD)
    await signIn('ada', 'wrong')
    const secret = cookieOf(answer).split('=')[1] ?? ''
    const [row] = await query<{ found: boolean }>(
      platform.connectionString,
      'select bool_or(to_jsonb(s)::text like $1) as found from sessions s',
      [`%${secret}%`],
    )
    expect(row).toEqual({ found: false })
    const { json } = await ask(platform, 'listEvents', { query: { kind: 'operator', limit: 2 } })
    expect(json.items).toMatchObject([
      {
        kind: 'operator.refused',
        result: 'refused',
        actor: { name: 'ada', from: '127.0.0.1' },
        reason: { code: 'access.bad-sign-in' },
      },
      { kind: 'operator.signed-in', result: 'done', actor: { name: 'ada', via: 'session' } },
    ])
  })
})

describe('a sign-in that is wrong', () => {
  test('sounds the same and is as much work, whether there is such an operator or not', async () => {
    const trying = async (name: string) => {
      derived.length = 0
      const answer = await signIn(name, 'wrong')
      return { answer, work: [...derived] }
    }
    // The first one ever makes what strangers are compared with.
    await trying('stranger')
    const [known, unknown] = [await trying('slow'), await trying('nobody')]
    expectProblem(known.answer, 401, 'access.bad-sign-in')
    expect(unknown.answer.json).toEqual(known.answer.json)
    expect(known.work).toEqual([{ N: 131_072, r: 8, p: 1 }])
    expect(unknown.work).toEqual(known.work)
  })

  test('five times for one name makes it wait, and nobody else, for a minute', async () => {
    for (let failure = 0; failure < 5; failure += 1) {
      const from = { 'x-forwarded-for': `10.0.0.${failure}` }
      expect((await signIn('eve', 'wrong', { at: behindProxy, headers: from })).status).toBe(401)
    }
    const from = (address: string) => ({ at: behindProxy, headers: { 'x-forwarded-for': address } })
    const refused = await signIn('eve', PASSWORD, from('10.0.0.99'))
    expectProblem(refused, 429, 'access.too-many-attempts')
    const wait = Number(refused.headers.get('retry-after'))
    expect(wait).toBeGreaterThan(50)
    expect(wait).toBeLessThanOrEqual(60)
    expect((await signIn('bob', PASSWORD, from('10.0.0.99'))).status).toBe(200)
    behindProxy.advanceClock({ minutes: 1 })
    expect((await signIn('eve', PASSWORD, from('10.0.0.99'))).status).toBe(200)
  })

  test('five times from one address makes it wait, whatever the name', async () => {
    for (const name of QUICK) await signIn(name, 'wrong')
    const refused = await signIn('slow', PASSWORD)
    expectProblem(refused, 429, 'access.too-many-attempts')
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    platform.advanceClock({ minutes: 1 })
    expect((await signIn('ada', PASSWORD)).status).toBe(200)
  })

  test('in a burst gets no more tries than one after the other', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => signIn('ada', `guess ${index}`)),
    )
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(5)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(7)
  })
})

describe('what a proxy in front says', () => {
  const forwarded = {
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'updates.example',
  }
  const audited = async () => {
    const { json } = await ask(platform, 'listEvents', { query: { kind: 'operator', limit: 500 } })
    // Written last; the two platforms have clocks of their own.
    const [last] = (json.items as Event[]).toSorted((a, b) => Number(b.id) - Number(a.id))
    return last?.actor.from
  }

  test('is not believed unless there is one', async () => {
    const answer = await signIn('ada', PASSWORD, { headers: forwarded })
    expect(answer.headers.get('set-cookie')).not.toContain('Secure')
    expect(await audited()).toBe('127.0.0.1')
  })

  test('is believed when there is one', async () => {
    const answer = await signIn('ada', PASSWORD, { at: behindProxy, headers: forwarded })
    expect(answer.headers.get('set-cookie')).toContain('Secure')
    expect(await audited()).toBe('203.0.113.7')
  })

  test('tells devices the address they are to fetch from', async () => {
    const { url } = behindProxy
    await platform.addProfile('proxied')
    const token = await platform.addDevice('p1', 'proxied')
    const release = await behindProxy.addRelease({
      title: 'app',
      version: '1',
      profile: 'proxied',
      bytes: new Uint8Array([1]),
    })
    await platform.assign(release, { device: 'p1' })
    const checkIn = async (at: string, headers: Record<string, string>) => {
      const answer = await send(`${at}/device/v1/check-in`, 'POST', { token, body: {}, headers })
      return answer.json.offers[0].artifact as string
    }
    expect(await checkIn(url, forwarded)).toMatch(/^https:\/\/updates\.example\//)
    expect(await checkIn(url, {})).toMatch(new RegExp(`^${url}/`))
    expect(await checkIn(platform.url, forwarded)).toMatch(new RegExp(`^${platform.url}/`))
  })
})
