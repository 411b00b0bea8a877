/** A client of GraphQL that knows only HTTP. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { ADMIN_TOKEN, type TestPlatform } from './platform.ts'

export interface Told {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: whatever came; the test looks at it.
  readonly data: any
  readonly errors: readonly {
    readonly message: string
    readonly extensions: { readonly code: string }
  }[]
}

export interface How {
  readonly variables?: Readonly<Record<string, unknown>>
  readonly token?: string
}

/** Asks, and answers what is said to it. */
export async function askGraphql(
  { url }: Pick<TestPlatform, 'url'>,
  query: string,
  { variables, token = ADMIN_TOKEN }: How = {},
): Promise<Told> {
  const response = await fetch(`${url}/api/graphql`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  })
  const { data, errors = [] } = (await response.json()) as Told
  return { status: response.status, data, errors }
}

/** Subscribes; each step of the generator is what is told next. It hangs up when it is left. */
export async function* subscribeGraphql(
  { url }: Pick<TestPlatform, 'url'>,
  query: string,
  { variables, token = ADMIN_TOKEN }: How = {},
): AsyncGenerator<Told> {
  // A line of its own: fetch opens another in place of one that was hung up, and leaves it open.
  const asking = request(`${url}/api/graphql`, {
    method: 'POST',
    agent: false,
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  })
  asking.end(JSON.stringify({ query, variables }))
  try {
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    let text = ''
    for await (const piece of response) {
      text += String(piece)
      const messages = text.split('\n\n')
      text = messages.pop() ?? ''
      for (const message of messages) {
        const data = /^event: next\ndata: (.*)$/s.exec(message)?.[1]
        if (data) yield { status: response.statusCode ?? 0, errors: [], ...JSON.parse(data) }
      }
    }
  } finally {
    asking.destroy()
  }
}
