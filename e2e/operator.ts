/** An operator that knows only fetch: says what it sends, sees what comes back as it is. */
import { createHash, randomBytes, randomUUID, scryptSync } from 'node:crypto'
import { urlOf } from '@updraft/api/client'
import { ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import { Problem } from '@updraft/api/shapes'
import type { Role } from '@updraft/core'
import pg from 'pg'
import { expect } from 'vitest'
import { ADMIN_TOKEN, type TestPlatform } from './platform.ts'

export interface Asked {
  readonly params?: Record<string, string>
  readonly query?: Record<string, unknown>
  /** JSON, but for bytes and texts, which are sent as they are. */
  readonly body?: unknown
  readonly headers?: Record<string, string>
  /** Null sends none. */
  readonly token?: string | null
}

export interface Answered {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever came; the test looks at it.
  readonly json: any
}

export async function send(
  url: string,
  method: string,
  { body, headers = {}, token = ADMIN_TOKEN }: Omit<Asked, 'params' | 'query'> = {},
): Promise<Answered> {
  const isRaw = body instanceof Uint8Array || typeof body === 'string'
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined || isRaw ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    body:
      body === undefined
        ? undefined
        : isRaw
          ? (body as Uint8Array<ArrayBuffer> | string)
          : JSON.stringify(body),
  })
  const type = response.headers.get('content-type') ?? ''
  const isStream = type.startsWith('text/event-stream')
  const text = isStream ? await firstMessage(response) : await response.text()
  const isJson = /json/.test(type)
  return {
    status: response.status,
    headers: response.headers,
    text,
    // HEAD announces what it does not send.
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  }
}

/** Of a stream that would never end by itself; it is hung up on then. */
async function firstMessage({ body }: Response): Promise<string> {
  let text = ''
  for await (const piece of body ?? []) {
    text += Buffer.from(piece).toString()
    if (text.endsWith('\n\n')) break
  }
  return text
}

/** Asks the route of that name. */
export const ask = (
  { url }: Pick<TestPlatform, 'url'>,
  name: RouteName,
  { params, query, ...rest }: Asked = {},
): Promise<Answered> => {
  const route: Route = ROUTES[name]
  return send(new URL(urlOf(route, params, query), url).href, route.method, rest)
}

/** That it is a problem document of that status and code. */
export function expectProblem(answer: Answered, status: number, code: string): Problem {
  expect(answer.json, answer.text).toMatchObject({ status, code })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toContain('application/problem+json')
  const problem = Problem.parse(answer.json)
  expect(problem.detail).toMatch(/\.$/)
  return problem
}

/** Another operator of the first tenant, or a user of a customer of its own; answers an API token. */
export async function addOperator(
  { connectionString }: Pick<TestPlatform, 'connectionString'>,
  { name, role, passwordHash = 'none' }: { name: string; role: Role; passwordHash?: string },
): Promise<string> {
  const token = `token-of-${name}-${randomUUID()}`
  await query(
    connectionString,
    `with customer as (
       insert into customers (id, tenant_id, name, created_at)
       select gen_random_uuid(), tenant_id, 'customer of ' || $1, now()
         from (select tenant_id from operators limit 1) first where $2 = 'customer-user'
       returning id)
     , made as (
       insert into operators (id, tenant_id, name, role, customer_id, password_hash, created_at)
       select gen_random_uuid(), tenant_id, $1, $2, (select id from customer), $3, now() from operators limit 1
       returning id, tenant_id)
     insert into api_tokens (id, tenant_id, operator_id, name, secret_hash, created_at)
     select gen_random_uuid(), tenant_id, id, 'of a test', $4, now() from made`,
    [name, role, passwordHash, createHash('sha256').update(token).digest()],
  )
  return token
}

/** A hash of the password with little work in it, so that a test may sign in often. */
export function quickHash(password: string): string {
  const salt = randomBytes(16)
  const key = scryptSync(password, salt, 32, { N: 16, r: 1, p: 1 })
  return ['scrypt', 16, 1, 1, salt.toString('base64'), key.toString('base64')].join('$')
}

/** Asks the platform's database itself. */
export async function query<T>(
  connectionString: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<T[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query(text, [...values])).rows
  } finally {
    await client.end()
  }
}
