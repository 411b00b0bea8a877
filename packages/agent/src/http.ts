/**
 * HTTP as a device in the field needs it: a limit on every wait, redirects without leaking credentials, and
 * each kind of trouble told apart. Addresses may hold tokens, so messages name the host only.
 */
import { type IncomingHttpHeaders, type IncomingMessage, request as overHttp } from 'node:http'
import { request as overHttps } from 'node:https'
import { getCACertificates } from 'node:tls'
import { Away, messageOf } from './trouble.ts'

export interface Exchange extends Trust {
  readonly url: string
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Until the answer begins. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal
}

/** Certificates in PEM, believed besides those the system believes. */
export type Authorities = readonly string[]

/** Whom we believe over TLS. */
export interface Trust {
  readonly authorities?: Authorities
  /** Whoever answers is believed. */
  readonly isUnverified?: boolean
}

/** For TLS, which would otherwise believe the named ones only. */
export const believed = (authorities: Authorities | undefined): string[] | undefined =>
  authorities && [...getCACertificates(), ...authorities]

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: IncomingMessage
}

const MAX_REDIRECTS = 5
const MAX_TEXT_BYTES = 4_194_304
/** A server may ask for a day of patience, not for a year. */
const MAX_RETRY_AFTER_MS = 86_400_000

/**
 * The answer's head, with the body still to be read. Follows redirects; Authorization goes to the first host
 * only, and never from https to http. Throws Away when there is no answer.
 */
export async function exchange(wanted: Exchange): Promise<Answer> {
  let url = new URL(wanted.url)
  let headers = { ...wanted.headers }
  for (let redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
    const answer = await once({ ...wanted, headers }, url)
    const target = redirectTarget(answer, url, wanted.method ?? 'GET')
    if (!target) return answer
    answer.body.destroy()
    if (url.protocol === 'https:' && target.protocol === 'http:') {
      throw new Away(`${url.host} redirects from https to http.`, { kind: 'refused' })
    }
    if (target.origin !== url.origin) headers = withoutCredentials(headers)
    url = target
  }
  throw new Away(`${url.host} redirects more than ${MAX_REDIRECTS} times.`, { kind: 'refused' })
}

/** The whole exchange for a body that is a page of text; throws Away when it breaks off. */
export async function exchangeText(
  wanted: Exchange,
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const { status, headers, body } = await exchange(wanted)
  const parts: Buffer[] = []
  let length = 0
  for await (const part of piecesOf(body, wanted.timeoutMs)) {
    length += part.length
    if (length > MAX_TEXT_BYTES) {
      body.destroy()
      throw new Away('The answer is longer than 4 MiB.', { kind: 'refused' })
    }
    parts.push(part)
  }
  return { status, headers, text: Buffer.concat(parts).toString('utf8') }
}

/** So much may wait for a slow reader before the connection is held back. */
const MAX_WAITING_BYTES = 262_144

/**
 * The body piece by piece. Throws Away when no byte comes for that long while one is awaited (a reader who
 * takes his time is no stall), or when the body breaks off before its announced end; what had come by then is
 * handed out first, where the stream's own iterator would throw it away.
 */
export function piecesOf(body: IncomingMessage, stallMs: number): AsyncGenerator<Buffer> {
  const waiting: Buffer[] = []
  let waitingBytes = 0
  let end: { readonly error?: unknown } | null = null
  let wake = () => {}
  const finish = (error?: unknown) => {
    end ??= { error }
    wake()
  }
  body.on('data', (piece: Buffer) => {
    waiting.push(piece)
    waitingBytes += piece.length
    if (waitingBytes > MAX_WAITING_BYTES) body.pause()
    wake()
  })
  body.once('end', () => finish())
  body.on('error', finish)
  body.once('close', () => finish(body.complete ? undefined : new Error('the connection closed')))
  // From here on everything is heard, also before the first piece is asked for.
  return pieces()

  async function* pieces(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const piece = waiting.shift()
        if (piece) {
          waitingBytes -= piece.length
          if (body.isPaused() && waitingBytes === 0) body.resume()
          yield piece
        } else if (end) {
          const { error } = end as { error?: unknown }
          if (error === undefined) return
          const message = `The transfer broke off: ${messageOf(error)}.`
          throw new Away(message, { kind: 'network', cause: error })
        } else {
          const timer = setTimeout(
            () => finish(new Error(`no byte for ${stallMs / 1000} seconds`)),
            stallMs,
          )
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          clearTimeout(timer)
        }
      }
    } finally {
      if (!body.complete) body.destroy()
    }
  }
}

/** The Away that fits an answer other than success. `detail` is the server's own sentence, if it gave one. */
export function refusal(
  { status, headers }: { status: number; headers: IncomingHttpHeaders },
  detail = '',
): Away {
  const kind =
    status === 401 || status === 403
      ? 'unauthorised'
      : status >= 500 || status === 408 || status === 425 || status === 429
        ? 'busy'
        : 'refused'
  return new Away(`The server answers ${status}${detail ? `: ${detail}` : ''}.`, {
    kind,
    status,
    retryAfterMs: retryAfterMs(headers),
  })
}

/** Retry-After in milliseconds. A date is read against the server's own Date: ours may be wrong. */
export function retryAfterMs(headers: IncomingHttpHeaders): number | null {
  const text = headers['retry-after']?.trim()
  if (!text) return null
  const ms = /^\d+$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - Date.parse(headers.date ?? '')
  return Number.isFinite(ms) ? Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms)) : null
}

function once(wanted: Exchange, url: URL): Promise<Answer> {
  const send = url.protocol === 'https:' ? overHttps : url.protocol === 'http:' ? overHttp : null
  if (!send) {
    const message = `This agent does not speak ${url.protocol.replace(':', '')}.`
    throw new Away(message, { kind: 'refused' })
  }
  return new Promise((resolve, reject) => {
    const request = send(url, {
      method: wanted.method ?? 'GET',
      headers: {
        ...wanted.headers,
        ...(wanted.body === undefined ? {} : { 'content-length': Buffer.byteLength(wanted.body) }),
      },
      signal: wanted.signal,
      ca: believed(wanted.authorities),
      rejectUnauthorized: !wanted.isUnverified,
    })
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer for ${wanted.timeoutMs / 1000} seconds`)),
      wanted.timeoutMs,
    )
    request.once('response', (body) => {
      clearTimeout(timer)
      resolve({ status: body.statusCode ?? 0, headers: body.headers, body })
    })
    // Stays after the answer began: a late error of the socket must not bring the program down.
    request.on('error', (error) => {
      clearTimeout(timer)
      const message = `${url.host} cannot be reached: ${messageOf(error)}.`
      reject(new Away(message, { kind: 'network', cause: error }))
    })
    request.end(wanted.body)
  })
}

/** Where the answer sends us, or null. Only 307 and 308 may send a POST elsewhere, as it is. */
function redirectTarget(answer: Answer, from: URL, method: string): URL | null {
  const moves = method === 'GET' ? [301, 302, 303, 307, 308] : [307, 308]
  const { location } = answer.headers
  if (!moves.includes(answer.status) || !location) return null
  return URL.canParse(location, from.href) ? new URL(location, from) : null
}

const withoutCredentials = (headers: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !['authorization', 'cookie'].includes(name.toLowerCase()),
    ),
  )
