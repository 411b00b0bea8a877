/** Which server we speak to, and the client that speaks to it: silence becomes a refusal with a hint. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ApiError, type Client, createClient } from '@updraft/api/client'
import { Refusal, WrongWords } from './errors.ts'

type Environment = Readonly<Record<string, string | undefined>>

const STANDARD_URL = 'http://127.0.0.1:8080'

/**
 * The server's address: what was said, else UPDRAFT_URL, else that of a server running on the data folder here,
 * else the standard one. Refuses what is no http address with WrongWords.
 */
export function serverUrl(said: string | undefined, env: Environment): string {
  const url = said || env.UPDRAFT_URL || runningHere(env.UPDRAFT_DATA || 'data') || STANDARD_URL
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url
  throw new WrongWords(`The server's address "${url}" is no http or https URL.`)
}

/** A server writes its addresses into its data folder when it is ready, and takes them away at its end. */
function runningHere(dataFolder: string): string | undefined {
  try {
    const { http } = JSON.parse(readFileSync(join(dataFolder, 'endpoints.json'), 'utf8'))
    return typeof http === 'string' ? http : undefined
  } catch {
    return undefined
  }
}

/** A client whose every failure is an ApiError, a Refusal or the user's own abort. */
export function connect(url: string, token: string | undefined, signal: AbortSignal): Client {
  const client = createClient({ url, token, fetch: fetchOnce })
  return async (name, input, options) => {
    try {
      return await client(name, input, { signal, ...options })
    } catch (error) {
      if (error instanceof ApiError || signal.aborted) throw error
      throw silenceOf(url, error)
    }
  }
}

/**
 * Node's fetch keeps a copy of a streamed body in memory, all of it, in case it must be sent once more after a
 * redirect or a question for credentials. Neither can happen with these two words.
 */
const fetchOnce: typeof fetch = (to, init) =>
  fetch(to, init && 'duplex' in init ? { ...init, redirect: 'error', window: null } : init)

/** What it means that no answer came, or none that could be read. A refusal of our own on the way stays itself. */
export function silenceOf(url: string, error: unknown): Error {
  const chain = causesOf(error)
  const own = chain.find((cause) => cause instanceof Refusal)
  if (own) return own
  if (error instanceof SyntaxError) {
    return new Refusal({
      code: 'server.unreadable',
      message: `What answers at ${url} is no Updraft server.`,
      hint: 'Look at UPDRAFT_URL and --url.',
      cause: error,
    })
  }
  const code = chain.map((cause) => (cause as NodeJS.ErrnoException).code).find((known) => known)
  const why = SILENCE[code ?? ''] ?? chain.at(-1)?.message ?? 'no answer'
  if (code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE') {
    return new Refusal({
      code: 'server.broke-off',
      message: `The connection to ${url} broke off.`,
      hint: 'Is the server still running? Run the same command again.',
      cause: error,
    })
  }
  return new Refusal({
    code: 'server.unreachable',
    message: `No server answers at ${url}: ${why}.`,
    hint: 'Is it running? `updraft serve` starts one; UPDRAFT_URL or --url says where another is.',
    cause: error,
  })
}

const SILENCE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ENOTFOUND: 'there is no host of that name',
  EAI_AGAIN: 'the name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  UND_ERR_CONNECT_TIMEOUT: 'the connection timed out',
  UND_ERR_HEADERS_TIMEOUT: 'the answer took too long',
  EHOSTUNREACH: 'there is no way to that host',
  ENETUNREACH: 'there is no way to that network',
}

/** The error, its cause, the cause's cause …; a try at several addresses counts as its first one. */
function causesOf(error: unknown): Error[] {
  const chain: Error[] = []
  for (let next = error; next instanceof Error && chain.length < 10; ) {
    chain.push(next)
    next = next.cause ?? (next instanceof AggregateError ? next.errors[0] : undefined)
  }
  return chain
}
