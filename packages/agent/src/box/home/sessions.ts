/** Who has shown the PIN: a cookie that only this box can make, and that outlives a restart of it. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { join } from 'node:path'
import { type Disk, readIfThere, writeDurably } from '../../disk.ts'
import type { PinHash } from '../pin.ts'

const COOKIE = 'updraft_box'
const HOURS = 12

export interface Session {
  /** What a form has to carry besides the cookie. */
  readonly csrf: string
}

export class Sessions {
  readonly #key: Buffer
  readonly #pin: () => PinHash | null
  readonly #now: () => Date

  private constructor(key: Buffer, pin: () => PinHash | null, now: () => Date) {
    this.#key = key
    this.#pin = pin
    this.#now = now
  }

  static async open(about: {
    readonly disk: Disk
    readonly folder: string
    /** With another PIN all sessions are over. */
    readonly pin: () => PinHash | null
    readonly now: () => Date
  }): Promise<Sessions> {
    const path = join(about.folder, 'session-key')
    const kept = (await readIfThere(about.disk, path))?.trim() ?? ''
    const key = /^[0-9a-f]{64}$/.test(kept) ? kept : randomBytes(32).toString('hex')
    if (key !== kept) await writeDurably(about.disk, path, `${key}\n`)
    return new Sessions(Buffer.from(key, 'hex'), about.pin, about.now)
  }

  /** The value of Set-Cookie. */
  begin(): string {
    const until = this.#now().getTime() + HOURS * 3_600_000
    const text = `${until}.${randomBytes(12).toString('base64url')}`
    return `${COOKIE}=${text}.${this.#sign('session', text)}; ${ATTRIBUTES}; Max-Age=${HOURS * 3600}`
  }

  end(): string {
    return `${COOKIE}=; ${ATTRIBUTES}; Max-Age=0`
  }

  /** The session that the Cookie header shows, or null. */
  of(cookies: string | undefined): Session | null {
    const value = new RegExp(`(?:^|;\\s*)${COOKIE}=([^;]*)`).exec(cookies ?? '')?.[1] ?? ''
    const [until = '', nonce = '', signature = ''] = value.split('.')
    const text = `${until}.${nonce}`
    if (!isSame(signature, this.#sign('session', text))) return null
    if (!(Number(until) > this.#now().getTime())) return null
    return { csrf: this.#sign('csrf', text) }
  }

  isCsrfOf(session: Session, given: string): boolean {
    return isSame(given, session.csrf)
  }

  #sign(what: string, text: string): string {
    const pin = this.#pin()
    return createHmac('sha256', this.#key)
      .update(`${what}\n${pin?.salt}${pin?.hash}\n${text}`)
      .digest('base64url')
  }
}

/** Never sent along from another site, and not readable by scripts. */
const ATTRIBUTES = 'Path=/; HttpOnly; SameSite=Strict'

function isSame(a: string, b: string): boolean {
  const [one, other] = [Buffer.from(a), Buffer.from(b)]
  return one.length === other.length && timingSafeEqual(one, other)
}
