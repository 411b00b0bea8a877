/** What may be done at the page, and by whom. Each is a POST, with the session's cookie and its token, or with the PIN. */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type Box, Refused } from '../box.ts'
import { type ConfigFile, nameIn, serverInToken, serverUrlIn, WrongConfig } from '../config.ts'
import { Busy, type Job, type Started } from '../jobs.ts'
import type { BoxLayerName } from '../layer.ts'
import { hashPin, isPinOf, type PinGuard } from '../pin.ts'
import { isPin, PIN_WORDS } from '../settings.ts'
import type { Session, Sessions } from './sessions.ts'

/** Turned away, with the status of HTTP. */
export class Denied extends Error {
  override readonly name = 'Denied'
  readonly status: number
  readonly retryAfterSeconds: number | null

  constructor(status: number, message: string, retryAfterSeconds: number | null = null) {
    super(message)
    this.status = status
    this.retryAfterSeconds = retryAfterSeconds
  }
}

export interface Answer {
  /** For people. */
  readonly said?: string
  readonly job?: Job
  readonly cookie?: string
  /** Where a browser without scripts goes on. */
  readonly to?: string
  readonly download?: string
}

export interface ActionsNeeds {
  readonly box: Box
  readonly config: ConfigFile
  readonly sessions: Sessions
  readonly guard: PinGuard
}

type Fields = Readonly<Record<string, unknown>>

const PIN_HEADER = 'x-box-pin'
const MOST_SAID = 50

export class Actions {
  readonly #needs: ActionsNeeds
  /** Sentences for the next page of a browser without scripts. */
  readonly #said = new Map<string, string>()
  readonly #all: Readonly<Record<string, (fields: Fields) => Answer | Promise<Answer>>> = {
    'load-handlers': () => told(this.#needs.box.loadHandlers('page')),
    'update-code': () => told(this.#needs.box.updateCode('page')),
    'upgrade-image': () => told(this.#needs.box.upgradeImage('page')),
    'roll-back': ({ layer }) => told(this.#needs.box.rollBack(layerIn(layer), 'page')),
    restart: ({ what }) =>
      told(this.#needs.box.restart(what === 'machine' ? 'restart' : 'exit', 'page')),
    'check-now': () => {
      this.#needs.box.checkNow()
      return { said: 'The server is asked.' }
    },
    server: (fields) => this.#setServer(fields),
    'server/clear': async () => {
      await this.#needs.box.setServer(null)
      return { said: 'The server is cleared.' }
    },
    name: async ({ name, network }) => {
      const { config } = this.#needs
      await config.change({
        name: nameIn(typeof name === 'string' ? name : null),
        ...(typeof network === 'string' ? { network: network.slice(0, 2_000) } : {}),
      })
      this.#needs.box.emit('change')
      return { said: 'Saved.' }
    },
    pin: async ({ pin }) => {
      if (typeof pin !== 'string' || !isPin(pin)) throw new Denied(422, `A PIN has ${PIN_WORDS}.`)
      await this.#needs.config.change({ pin: await hashPin(pin) })
      return { said: 'The PIN is changed.', cookie: this.#needs.sessions.begin() }
    },
    config: (fields) => this.#import(fields),
  }

  constructor(needs: ActionsNeeds) {
    this.#needs = needs
  }

  sessionOf({ headers }: IncomingMessage): Session | null {
    return this.#needs.sessions.of(headers.cookie)
  }

  said(id: string | null): string | null {
    return this.#said.get(id ?? '') ?? null
  }

  remember(said: string): string {
    const id = randomUUID()
    this.#said.set(id, said)
    const [oldest] = this.#said.keys()
    if (this.#said.size > MOST_SAID && oldest) this.#said.delete(oldest)
    return id
  }

  exported(withSecrets: boolean): string {
    return this.#needs.config.export({ withSecrets })
  }

  /** Throws Denied. */
  async checkPinHeader(request: IncomingMessage): Promise<void> {
    const pin = request.headers[PIN_HEADER]
    if (typeof pin !== 'string') throw new Denied(401, 'The PIN is needed for that.')
    await this.#checkPin(pin, request)
  }

  /** Throws Denied. */
  async take(path: string, fields: Fields, request: IncomingMessage): Promise<Answer> {
    const { sessions } = this.#needs
    const name = path.replace(/^\/api\//, '')
    if (name === 'sign-in') {
      await this.#checkPin(textIn(fields.pin), request)
      return { cookie: sessions.begin(), to: '/' }
    }
    if (name === 'sign-out') return { cookie: sessions.end(), to: '/' }
    if (name === 'config/secrets') {
      await this.#authorise(fields, request)
      await this.#checkPin(textIn(fields.pin ?? request.headers[PIN_HEADER]), request)
      return { download: this.exported(true) }
    }
    const act = Object.hasOwn(this.#all, name) ? this.#all[name] : undefined
    if (!act) throw new Denied(404, 'There is no such thing to do on this box.')
    await this.#authorise(fields, request)
    try {
      return await act(fields)
    } catch (error) {
      if (error instanceof Busy || error instanceof Refused) throw new Denied(409, error.message)
      if (error instanceof WrongConfig) throw new Denied(422, error.message)
      throw error
    }
  }

  /** The PIN itself, or a session together with what only the page itself can have read. */
  async #authorise(fields: Fields, request: IncomingMessage): Promise<void> {
    if (request.headers[PIN_HEADER] !== undefined) return await this.checkPinHeader(request)
    const session = this.sessionOf(request)
    if (!session) throw new Denied(401, 'The PIN is needed for that.')
    const csrf = textIn(request.headers['x-csrf-token'] ?? fields.csrf)
    if (!this.#needs.sessions.isCsrfOf(session, csrf)) {
      throw new Denied(403, 'The page is too old for that. Load it anew.')
    }
  }

  async #checkPin(pin: string, { socket }: IncomingMessage): Promise<void> {
    const { guard, config } = this.#needs
    const address = socket.remoteAddress ?? ''
    const seconds = Math.ceil(guard.lockedMs(address) / 1000)
    if (seconds > 0) {
      const words = `Too many wrong PINs. Try again in ${seconds} seconds.`
      throw new Denied(429, words, seconds)
    }
    guard.begin(address)
    const hash = config.current.pin
    if (!hash || !(await isPinOf(pin, hash))) throw new Denied(401, 'The PIN is wrong.')
    guard.succeed(address)
  }

  async #setServer({ token, url }: Fields): Promise<Answer> {
    const pasted = textIn(token).trim()
    if (pasted === '') throw new Denied(422, 'The token is missing.')
    const inToken = serverInToken(pasted)
    if (!inToken && textIn(url) === '') {
      throw new Denied(422, 'The token has no address in it: say where the server is as well.')
    }
    const server = inToken ?? { url: serverUrlIn(url), token: pasted, key: null }
    await this.#needs.box.setServer(server)
    return { said: `The box belongs to ${server.url} now.` }
  }

  async #import({ config, ...rest }: Fields): Promise<Answer> {
    const text = typeof config === 'string' ? config : JSON.stringify(without(rest, 'csrf'))
    const { config: file, box } = this.#needs
    if (box.server?.isFixed === false || !box.server) {
      await file.import(text)
      box.serverChanged()
    } else await file.import(text)
    return { said: 'The configuration is imported.' }
  }
}

const told = ({ job, isJoined }: Started): Answer => ({
  job,
  said: isJoined ? 'That is being done already.' : 'It has begun.',
})

const textIn = (value: unknown): string => (typeof value === 'string' ? value : '')

function layerIn(value: unknown): BoxLayerName {
  if (value === 'handlers' || value === 'code' || value === 'image') return value
  throw new Denied(422, 'The layer is handlers, code or image.')
}

function without(fields: Fields, name: string): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => key !== name))
}
