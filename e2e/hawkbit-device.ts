/** A device that speaks hawkBit's language, by hand: its requests as its clients make them. */
import type { PollAnswer } from '@updraft/wire/hawkbit'

export interface HawkbitSays {
  readonly status: number
  readonly headers: Headers
  readonly json: unknown
  readonly text: string
}

export interface HawkbitDevice {
  readonly base: string
  /** What it shows with every request. */
  readonly shows: Record<string, string>
  ask(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string> },
  ): Promise<HawkbitSays>
  poll(): Promise<PollAnswer>
  /** What a poll links to under that name, without what only marks a change; undefined for nothing. */
  linked(name: keyof NonNullable<PollAnswer['_links']>): Promise<string | undefined>
  feedback(
    actionId: string,
    execution: string,
    finished: string,
    more?: { details?: readonly string[]; at?: 'deploymentBase' | 'cancelAction' },
  ): Promise<HawkbitSays>
}

export function hawkbitDevice({
  url,
  controllerId,
  authorization,
  tenant = 'default',
  userAgent = 'test',
}: {
  url: string
  controllerId: string
  authorization?: string
  tenant?: string
  userAgent?: string
}): HawkbitDevice {
  const base = `${url}/${tenant}/controller/v1/${encodeURIComponent(controllerId)}`
  const ask: HawkbitDevice['ask'] = async (method, path, { body, headers = {} } = {}) => {
    const target = path.startsWith('http') ? path : `${base}${path}`
    const isBytes = body instanceof Uint8Array || typeof body === 'string'
    const response = await fetch(target, {
      method,
      redirect: 'manual',
      headers: {
        'user-agent': userAgent,
        accept: 'application/json',
        ...(authorization && { authorization }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: isBytes ? (body as string) : JSON.stringify(body) }),
    })
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json') ?? false
    const json = isJson && text !== '' ? JSON.parse(text) : undefined
    return { status: response.status, headers: response.headers, json, text }
  }
  const poll = async () => {
    const { status, json, text } = await ask('GET', '')
    if (status !== 200) throw new Error(`The poll was answered with ${status}: ${text}`)
    return json as PollAnswer
  }
  return {
    base,
    shows: authorization === undefined ? {} : { authorization },
    ask,
    poll,
    linked: async (name) => (await poll())._links?.[name]?.href,
    feedback: (actionId, execution, finished, { details = [], at = 'deploymentBase' } = {}) =>
      ask('POST', `/${at}/${actionId}/feedback`, {
        body: { id: actionId, status: { execution, result: { finished }, details } },
      }),
  }
}

/** The number of an action, out of a link to it. */
export const actionIn = (href: string | undefined): string =>
  /\/(?:deploymentBase|cancelAction|confirmationBase|installedBase)\/(\d+)/.exec(href ?? '')?.[1] ??
  `no action in ${href}`
