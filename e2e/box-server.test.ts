/** What our own boxes are told by the server, with curl: they register, check in, and send what they log. */
import type { BoxForm } from '@updraft/api/shapes'
import type { CheckInResponse, RegisterResponse } from '@updraft/wire/updraft'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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

describe('a box that checks in', () => {
  const NAME = 'KASSA-7'
  let token: string
  let id: string

  beforeAll(async () => {
    await enable(true)
    const said = { key: 'kassa-key', id: NAME, facts: { box: { kind: 'slots' } } }
    token = (await post('register', said)).json<RegisterResponse>().token
    id = (await platform.device(NAME)).id
    await platform.api('setBoxServer', {
      params: { id: profileId },
      body: { url: 'https://boxes.example', series: '17.0' },
    })
  })

  const authorised = () => ['--header', `Authorization: Bearer ${token}`]
  const said = async (more: object = {}, ...args: string[]) => {
    const body = { facts: { box: { kind: 'slots' } }, ...more }
    const answer = await post('check-in', body, ...authorised(), ...args)
    expect(answer.status).toBe(200)
    return answer.json<CheckInResponse>()
  }
  const set = async (form: Partial<BoxForm>) => {
    const box = await platform.api('setBoxForm', { params: { id }, body: form })
    return box.form
  }

  test('is told what operators set, which is shown with what it keeps back', async () => {
    const hold = { reason: 'a fair', until: '2036-12-24T18:00:00.000Z' }
    const form = await set({ hold, windows: 'Mon-Fri 22:00-04:00 Europe/Berlin' })
    const releaseId = await platform.addRelease({
      title: 'image',
      version: '25.01',
      profile: 'Kassa',
      type: 'image',
      bytes: new Uint8Array(10),
    })
    await platform.assign(releaseId, { profile: 'Kassa' }, 'image')
    const { box, held, offers, wishes } = await said({ asked: ['image'] })
    expect(box).toEqual({ series: '17.0', ...form })
    const because = `image@25.01 waits. The box is held until ${hold.until}: a fair`
    expect([offers, held, wishes]).toEqual([
      [],
      [{ type: 'image', title: 'image', version: '25.01', size: 10, because, comesIfAsked: false }],
      [],
    ])
    expect(await platform.api('showBox', { params: { id } })).toMatchObject({
      kind: 'updraft',
      series: '17.0',
      canRestart: true,
      held: [{ type: 'image', release: { version: '25.01' }, because, comesIfAsked: false }],
    })
    const { components } = await platform.device(NAME)
    expect(components.image).toMatchObject({
      verdict: 'nothing',
      because,
      reason: { code: 'box.hold' },
      lookAgainAt: hold.until,
      held: { comesIfAsked: false },
      target: { version: '25.01' },
      operation: null,
    })

    await set({})
    expect((await said()).held).toMatchObject([{ comesIfAsked: true }])
    expect((await said({ asked: ['image'] })).offers).toMatchObject([{ version: '25.01' }])
  })

  test('hears at once, on the line it holds, that it is to restart; and no more once it has', async () => {
    await platform.api('cancelOperation', {
      params: { id: (await platform.device(NAME)).operation?.id ?? '' },
    })
    const line = said({}, '--header', 'Prefer: wait=60')
    await platform.waiting(1)
    await platform.api('restartBox', { params: { id } })
    const { wishes = [] } = await line
    expect(wishes).toMatchObject([{ kind: 'restart' }])
    expect((await platform.api('showBox', { params: { id } })).wishes).toMatchObject([
      { kind: 'restart', toldAt: expect.any(String) },
    ])
    await platform.api('loadHandlers', { params: { id } })
    expect((await said()).wishes?.map(({ kind }) => kind)).toEqual(['restart', 'load-handlers'])
    await platform.restart()
    const done = (await said()).wishes?.map(({ id: wish }) => wish)
    expect((await said({ done })).wishes).toEqual([])
    const { items } = await platform.api('listEvents', { query: { deviceId: id, limit: 9 } })
    expect(items.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining([
        'device.wish-done',
        'device.restart-asked',
        'device.load-handlers-asked',
      ]),
    )
  })

  test('sends what it logs as often as it likes; operators read each line once', async () => {
    const line = (sequence: number, level: string, message: string) => ({
      sequence,
      at: '2026-03-01T11:00:00Z',
      level,
      message,
    })
    const lines = [
      line(0, 'info', 'handlers loaded'),
      line(1, 'warn', 'a scale is gone'),
      line(2, 'error', '50% of it failed'),
    ]
    for (const some of [lines.slice(0, 2), lines, lines]) {
      expect((await post('log', { lines: some }, ...authorised())).status).toBe(200)
    }
    expect((await post('log', { lines: [] }, ...authorised())).json()).toEqual({ taken: 2 })
    const shown = async (query: object) => {
      const page = await platform.api('listLogLines', { params: { id }, query })
      return { messages: page.items.map(({ message }) => message), next: page.nextCursor }
    }
    const all = ['50% of it failed', 'a scale is gone', 'handlers loaded']
    expect(await shown({})).toEqual({ messages: all, next: null })
    expect((await shown({ level: 'warn' })).messages).toEqual(all.slice(0, 2))
    expect((await shown({ search: '50%' })).messages).toEqual(all.slice(0, 1))
    const { messages, next } = await shown({ limit: 2 })
    expect(messages).toEqual(all.slice(0, 2))
    expect((await shown({ limit: 2, cursor: next })).messages).toEqual(all.slice(2))
  })
})
