/**
 * The home page of the box, on its own little server: it is there before the layers are, and whatever happens to them.
 * Reading is free on the network of the box; changes and logs need the PIN.
 */
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Actions, type Answer, Denied } from './actions.ts'
import { refuseForeign, refuseHost } from './guard.ts'
import type { Live } from './live.ts'
import { odooAnswer } from './odoo.ts'
import type { Session } from './sessions.ts'
import type { BoxStatus } from './status.ts'
import { homePage, logsPage, signInPage } from './view.ts'

const MAX_BODY_BYTES = 262_144
/** Lines of the log that are shown, or told at once. */
const MOST_LINES = 1_000

const STATIC: Readonly<Record<string, string>> = {
  'home.css': 'text/css; charset=utf-8',
  'home.js': 'text/javascript; charset=utf-8',
  'box.svg': 'image/svg+xml',
}

/** Nothing from elsewhere, in neither direction. */
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
}

export interface HomeNeeds {
  readonly actions: Actions
  readonly live: Live
  readonly names: readonly string[]
  readonly status: () => Promise<BoxStatus>
  readonly log: (
    since: number,
    most: number,
  ) => readonly { at: string; level: string; message: string }[]
}

export class Home {
  readonly #needs: HomeNeeds
  readonly #server: Server

  constructor(needs: HomeNeeds) {
    this.#needs = needs
    this.#server = createServer((request, response) => {
      this.#answer(request, response).catch((error) => fail(request, response, error))
    })
    // Who sends a line a minute would hold a socket for ever.
    this.#server.requestTimeout = 30_000
  }

  /** Listens; answers the port. Rejects when it is taken. */
  async open(host: string, port: number): Promise<number> {
    this.#server.listen(port, host)
    await once(this.#server, 'listening')
    return (this.#server.address() as AddressInfo).port
  }

  async close(): Promise<void> {
    this.#needs.live.close()
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const patience = setTimeout(() => this.#server.closeAllConnections(), 1_000)
    await closed
    clearTimeout(patience)
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    const refused = refuseHost(request, this.#needs.names)
    if (refused) throw new Denied(refused.status, refused.because)
    const url = new URL(request.url ?? '/', 'http://box')
    if (request.method === 'GET' || request.method === 'HEAD') {
      return await this.#get(request, response, url)
    }
    if (request.method !== 'POST') throw new Denied(405, 'Only GET and POST are understood.')
    const foreign = refuseForeign(request)
    if (foreign) throw new Denied(foreign.status, foreign.because)
    await this.#post(request, response, url.pathname)
  }

  async #get(request: IncomingMessage, response: ServerResponse, url: URL): Promise<void> {
    const { actions, status, live, log } = this.#needs
    const session = actions.sessionOf(request)
    const viewer = { csrf: session?.csrf ?? null }
    switch (url.pathname) {
      case '/':
        return page(
          response,
          homePage(await status(), viewer, actions.said(url.searchParams.get('m'))),
        )
      case '/sign-in':
        if (session) return redirect(response, '/')
        return page(response, signInPage(await status(), actions.said(url.searchParams.get('m'))))
      case '/logs':
        if (!session) return redirect(response, '/sign-in')
        return page(response, logsPage(await status(), viewer, log(0, MOST_LINES)))
      case '/handlers':
      case '/list_handlers':
        return redirect(response, '/#handlers')
      case '/api/status':
        return json(response, 200, await status())
      case '/api/ping': {
        const { start, phase, layers, job } = await status()
        const releases = Object.fromEntries(
          Object.entries(layers).map(([name, { active }]) => [
            name,
            active && { id: active.id, version: active.version },
          ]),
        )
        return json(response, 200, { start, phase, releases, job: job?.kind ?? null })
      }
      case '/api/events':
        return await live.begin(response, url.searchParams.has('parts') ? viewer : null)
      case '/api/log': {
        await this.#mustBe(request, session)
        const since = Number(url.searchParams.get('since') ?? 0) || 0
        return json(response, 200, { lines: log(since, MOST_LINES) })
      }
      case '/api/config': {
        await this.#mustBe(request, session)
        response.setHeader('content-disposition', 'attachment; filename="box-config.json"')
        return json(response, 200, JSON.parse(actions.exported(false)))
      }
      default:
        break
    }
    const file = /^\/static\/([a-z.]+)$/.exec(url.pathname)?.[1]
    if (file && Object.hasOwn(STATIC, file)) return await sendStatic(response, file)
    const theirs = odooAnswer(url.pathname, await status())
    if (!theirs) throw new Denied(404, 'There is no such page on this box.')
    response.writeHead(200, { 'content-type': `${theirs.type}; charset=utf-8` }).end(theirs.body)
  }

  /** By the session, or by the PIN in a header: programs have no cookie. */
  async #mustBe(request: IncomingMessage, session: Session | null): Promise<void> {
    if (!session) await this.#needs.actions.checkPinHeader(request)
  }

  async #post(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const body = await bodyOf(request)
    const isForm = /^application\/x-www-form-urlencoded/i.test(
      request.headers['content-type'] ?? '',
    )
    const fields = isForm ? Object.fromEntries(new URLSearchParams(body)) : objectIn(body)
    const wantsJson = !isForm || /json/.test(request.headers.accept ?? '')
    const answer = await this.#needs.actions.take(path, fields, request).catch((error) => {
      if (wantsJson || !(error instanceof Denied)) throw error
      return {
        said: error.message,
        to: error.status === 401 || error.status === 429 ? '/sign-in' : '/',
      } as Answer
    })
    if (answer.cookie) response.setHeader('set-cookie', answer.cookie)
    if (answer.download) {
      response.setHeader('content-disposition', 'attachment; filename="box-config.json"')
      return json(response, 200, JSON.parse(answer.download))
    }
    if (wantsJson) {
      const { said = null, job = null } = answer
      return json(response, 200, { said, job })
    }
    redirect(
      response,
      `${answer.to ?? '/'}${answer.said ? `?m=${this.#needs.actions.remember(answer.said)}` : ''}`,
    )
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request) {
    bytes += (part as Buffer).length
    if (bytes > MAX_BODY_BYTES) throw new Denied(413, 'That is more than a box takes.')
    parts.push(part as Buffer)
  }
  return Buffer.concat(parts).toString('utf8')
}

function objectIn(body: string): Record<string, unknown> {
  if (body.trim() === '') return {}
  try {
    const found: unknown = JSON.parse(body)
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) {
      return found as Record<string, unknown>
    }
  } catch {
    // Told below.
  }
  throw new Denied(400, 'The body is no JSON object.')
}

async function sendStatic(response: ServerResponse, file: string): Promise<void> {
  const bytes = await readFile(new URL(`./static/${file}`, import.meta.url))
  response.writeHead(200, { 'content-type': STATIC[file], 'cache-control': 'no-cache' }).end(bytes)
}

function page(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(text)
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function redirect(response: ServerResponse, location: string): void {
  response.writeHead(303, { location }).end()
}

function fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.headersSent) return void response.destroy()
  const { status, message, retryAfterSeconds } =
    error instanceof Denied ? error : new Denied(500, 'The box could not answer that.')
  if (retryAfterSeconds) response.setHeader('retry-after', String(retryAfterSeconds))
  // What is left of a body that was too large is not waited for.
  if (status === 413) response.once('finish', () => request.destroy())
  json(response, status, { error: message })
}
