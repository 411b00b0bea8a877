import { DomainError, type OperatorActor, type Role } from '@updraft/core'
import pino from 'pino'
import { afterEach, expect, test } from 'vitest'
import type { Refused } from '../app/audit.ts'
import { type HttpListener, httpListener } from '../transports/http.ts'
import type { OperatorNeeds } from './call.ts'
import { rest } from './rest.ts'

const DEVICE_ID = '01a1fc6e-7b34-7301-ab37-46d01fd76cef'

let http: HttpListener | undefined
afterEach(() => http?.close())

/** An operator's door with nothing behind it but what a test gives; roles are named by their tokens. */
async function door({
  note = async () => {},
  removeDevice = async () => {},
}: {
  note?: (actor: OperatorActor, refused: Refused) => Promise<void>
  removeDevice?: () => Promise<void>
} = {}) {
  const noted: (Refused & { by: OperatorActor })[] = []
  const needs = {
    accounts: {
      byToken: async (token: string, from: string) => {
        if (token !== 'tenant-administrator' && token !== 'viewer') return null
        const role: Role = token
        const operator = {
          id: 'o',
          name: role,
          tenantId: 't',
          customer: null,
          role,
          createdAt: new Date(),
        }
        const via = 'token CI' as const
        return { operator, actor: { ...operator, kind: 'operator', tokenId: 'k', from, via } }
      },
    },
    audit: {
      refused: async (by: OperatorActor, refused: Refused) => {
        await note(by, refused)
        noted.push({ by, ...refused })
      },
      list: async () => {
        throw new DomainError('request.malformed', 'No such sort.')
      },
    },
    fleet: { removeDevice },
    version: '0.0.0',
  } as unknown as OperatorNeeds
  http = await httpListener({
    log: pino({ level: 'silent' }),
    trustedProxies: 0,
    newRequestId: () => 'request-1',
    onAnswered: () => {},
    scopes: [{ name: 'operator', register: rest(needs) }],
  })
  const { app } = http
  const ask = async (
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    { token = 'tenant-administrator', payload }: { token?: string; payload?: string } = {},
  ) => {
    const headers = { authorization: `Bearer ${token}` }
    const { statusCode, body } = await app.inject({ method, url: `/api${path}`, headers, payload })
    return { status: statusCode, code: body === '' ? null : JSON.parse(body).code }
  }
  return { noted, ask }
}

test('what a role may not is noted, reads as well, with who, from where, what and why', async () => {
  const { noted, ask } = await door()
  expect(await ask('DELETE', `/devices/${DEVICE_ID}`, { token: 'viewer' })).toEqual({
    status: 403,
    code: 'access.denied',
  })
  await ask('GET', '/operators', { token: 'viewer' })
  expect(noted).toEqual([
    {
      by: expect.objectContaining({ name: 'viewer', from: '127.0.0.1', via: 'token CI' }),
      action: 'removeDevice',
      subject: { kind: 'device', id: DEVICE_ID },
      reason: { code: 'access.denied', message: 'A viewer may not do this (device.write).' },
    },
    expect.objectContaining({ action: 'listOperators', subject: { kind: 'operator', id: '' } }),
  ])
})

test('a change that is refused is noted, whatever refused it; a look that finds nothing is not', async () => {
  const { noted, ask } = await door({
    removeDevice: async () => {
      throw new DomainError('device.unknown', 'There is no such device.')
    },
  })
  await ask('DELETE', `/devices/${DEVICE_ID}`)
  await ask('DELETE', '/devices/%00')
  await ask('POST', '/profiles', { payload: '{"name":' })
  await ask('POST', '/profiles', { payload: '{"name":""}' })
  expect(await ask('GET', '/audit?sort=kind')).toMatchObject({ status: 400 })
  expect(noted.map(({ action, subject, reason }) => [action, subject.id, reason.code])).toEqual([
    ['removeDevice', DEVICE_ID, 'device.unknown'],
    ['removeDevice', '', 'request.malformed'],
    ['createProfile', '', 'request.malformed'],
    ['createProfile', '', 'request.malformed'],
  ])
})

test('a mistake of ours is noted without its innards', async () => {
  const { noted, ask } = await door({
    removeDevice: async () => {
      throw new Error('select secret from everything')
    },
  })
  expect(await ask('DELETE', `/devices/${DEVICE_ID}`)).toEqual({ status: 500, code: 'internal' })
  expect(noted.map(({ reason }) => reason)).toEqual([{ code: 'internal', message: 'request-1' }])
})

test('strangers are not noted: whoever has no token could fill the log', async () => {
  const { noted, ask } = await door()
  expect(await ask('DELETE', `/devices/${DEVICE_ID}`, { token: 'none' })).toMatchObject({
    status: 401,
  })
  expect(noted).toEqual([])
})

test('the answer is the same when it cannot be noted', async () => {
  const { ask } = await door({
    note: async () => {
      throw new DomainError('store.away', 'The database does not answer at the moment.')
    },
  })
  expect(await ask('DELETE', `/devices/${DEVICE_ID}`, { token: 'viewer' })).toEqual({
    status: 403,
    code: 'access.denied',
  })
})

test('that the database is away is not noted in it', async () => {
  const { noted, ask } = await door({
    removeDevice: async () => {
      throw new DomainError('store.away', 'The database does not answer at the moment.')
    },
  })
  expect(await ask('DELETE', `/devices/${DEVICE_ID}`)).toEqual({ status: 503, code: 'store.away' })
  expect(noted).toEqual([])
})

test('what was sent is noted only as far as it can be kept', async () => {
  const { noted, ask } = await door({
    removeDevice: async () => {
      throw new DomainError('device.unknown', `There is no \0\ud800${'x'.repeat(5000)}.`)
    },
  })
  await ask('DELETE', `/devices/${DEVICE_ID}`)
  expect(noted[0]?.reason.message).toMatch(/^There is no \ufffdx+$/)
  expect(noted[0]?.reason.message).toHaveLength(1000)
})
