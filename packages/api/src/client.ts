/** A client for the operators' API, typed by the table of routes. */
import type { z } from 'zod'
import { API_PREFIX, ROUTES, type Route, type RouteName } from './routes.ts'
import type { Problem } from './shapes.ts'

/** What fetch takes as a raw body. */
export type Bytes = NonNullable<RequestInit['body']>

type In<S> = S extends z.ZodType ? z.input<S> : never
type Field<N extends RouteName, K extends keyof Route> = (typeof ROUTES)[N] extends {
  [P in K]: infer S
}
  ? S
  : never

/** What a call of that route takes: path parameters, query and body, as far as the route has them. */
export type Input<N extends RouteName> = ([Field<N, 'params'>] extends [never]
  ? unknown
  : { params: In<Field<N, 'params'>> }) &
  ([Field<N, 'query'>] extends [never] ? unknown : { query?: Partial<In<Field<N, 'query'>>> }) &
  ([Field<N, 'body'>] extends [never]
    ? unknown
    : Field<N, 'body'> extends 'bytes'
      ? { body: Bytes }
      : undefined extends In<Field<N, 'body'>>
        ? { body?: In<Field<N, 'body'>> }
        : { body: In<Field<N, 'body'>> })

export type Output<N extends RouteName> = (typeof ROUTES)[N]['response'] extends infer S
  ? S extends z.ZodType
    ? z.output<S>
    : S extends 'bytes' | 'events'
      ? Response
      : undefined
  : never

export interface CallOptions {
  readonly signal?: AbortSignal
  readonly headers?: Readonly<Record<string, string>>
  /** Is told the headers of an answer that is a success, such as its ETag. */
  readonly onHeaders?: (headers: Headers) => void
}

/** An answer that is no success: the server's problem document, or what is known when there is none. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly problem: Problem | null

  constructor(status: number, problem: Problem | null, fallback: string) {
    super(problem?.detail ?? problem?.title ?? fallback)
    this.name = 'ApiError'
    this.status = status
    this.code = problem?.code ?? 'internal'
    this.problem = problem
  }
}

export type Client = <N extends RouteName>(
  name: N,
  input: Input<N>,
  options?: CallOptions,
) => Promise<Output<N>>

/** `url` is the server's root. Calls throw ApiError when refused, and what fetch throws when nobody answers. */
export function createClient({
  url,
  token,
  fetch = globalThis.fetch,
}: {
  url: string
  token?: string
  fetch?: typeof globalThis.fetch
}): Client {
  return async (name, input, options = {}) => {
    const route: Route = ROUTES[name]
    const { params, query, body } = input as {
      params?: Record<string, string>
      query?: Record<string, unknown>
      body?: unknown
    }
    const isBytes = route.body === 'bytes'
    const headers: Record<string, string> = { accept: 'application/json', ...options.headers }
    if (token) headers.authorization = `Bearer ${token}`
    if (body !== undefined)
      headers['content-type'] ??= isBytes ? 'application/octet-stream' : 'application/json'
    const response = await fetch(new URL(urlOf(route, params, query), url), {
      method: route.method,
      headers,
      body: body === undefined ? undefined : isBytes ? (body as Bytes) : JSON.stringify(body),
      signal: options.signal,
      // Streams are sent while they are read; fetch asks for this word then.
      ...(isBytes ? { duplex: 'half' } : {}),
    } as RequestInit)
    if (!response.ok) throw await errorOf(response)
    options.onHeaders?.(response.headers)
    if (route.response === 'bytes' || route.response === 'events')
      return response as unknown as Output<typeof name>
    const answer = route.response === 'nothing' ? undefined : await response.json()
    return answer as Output<typeof name>
  }
}

/** Path and query of a call, parameters encoded. */
export function urlOf(
  route: Route,
  params: Record<string, string> = {},
  query: Record<string, unknown> = {},
): string {
  const path = route.path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(params[name] ?? ''),
  )
  const search = new URLSearchParams()
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.append(key, String(value))
  }
  return `${API_PREFIX}${path}${search.size > 0 ? `?${search}` : ''}`
}

async function errorOf(response: Response): Promise<ApiError> {
  const text = await response.text()
  let problem: Problem | null = null
  try {
    const answer: unknown = JSON.parse(text)
    if (isProblem(answer)) problem = answer
  } catch {
    // Not JSON: a proxy's page, or nothing at all.
  }
  return new ApiError(response.status, problem, `The server answered ${response.status}.`)
}

/** By what it cannot be without; who only calls has no need of all the shapes. */
const isProblem = (answer: unknown): answer is Problem =>
  typeof answer === 'object' &&
  answer !== null &&
  'title' in answer &&
  typeof answer.title === 'string' &&
  'code' in answer &&
  typeof answer.code === 'string'
