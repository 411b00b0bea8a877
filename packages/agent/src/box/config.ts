/**
 * What somebody has set on this box: which server it belongs to, its name, its PIN, where its code comes from. In a file of
 * its own in the data folder, which no update of any layer touches. It can be taken out and put into another box.
 */
import { join } from 'node:path'
import { type Disk, readIfThere, writeDurably } from '../disk.ts'
import type { PinHash } from './pin.ts'

export interface ConfiguredServer {
  readonly url: string
  /** The box's own; null as long as it has to register first. */
  readonly token: string | null
  /** The key of the profile by which it registers. */
  readonly key: string | null
}

export interface BoxConfig {
  readonly name: string | null
  readonly server: ConfiguredServer | null
  readonly pin: PinHash | null
  readonly code: {
    readonly upstream: string | null
    readonly branch: string | null
    readonly paths: readonly string[]
  }
  /** For people: which socket, which address was agreed on. */
  readonly network: string
}

export const EMPTY_CONFIG: BoxConfig = {
  name: null,
  server: null,
  pin: null,
  code: { upstream: null, branch: null, paths: [] },
  network: '',
}

/** A configuration that is not taken; nothing was changed. */
export class WrongConfig extends Error {
  override readonly name = 'WrongConfig'
}

const FORMAT = 'updraft-box-config-1'

export class ConfigFile {
  readonly #disk: Disk
  readonly #path: string
  #config: BoxConfig = EMPTY_CONFIG

  constructor({ disk, folder }: { disk: Disk; folder: string }) {
    this.#disk = disk
    this.#path = join(folder, 'config.json')
  }

  get current(): BoxConfig {
    return this.#config
  }

  /** Answers why the file cannot be read, if so: it is kept beside, and the box has no configuration. */
  async load(): Promise<string | null> {
    const text = await readIfThere(this.#disk, this.#path)
    if (text === null) return null
    try {
      this.#config = parseConfig(text, EMPTY_CONFIG)
      return null
    } catch (error) {
      if (!(error instanceof WrongConfig)) throw error
      await this.#disk.rename(this.#path, `${this.#path}.unreadable`)
      return error.message
    }
  }

  /** When this resolves, the change is on the medium. */
  async change(change: Partial<BoxConfig>): Promise<void> {
    const config = { ...this.#config, ...change }
    await writeDurably(this.#disk, this.#path, textOf(config))
    this.#config = config
  }

  /** Puts another box's configuration in place of this one's. Throws WrongConfig before anything is changed. */
  async import(text: string): Promise<void> {
    await this.change(parseConfig(text, this.#config))
  }

  /** Secrets are the token of the server, the key of its profile, and the PIN as a hash. */
  export({ withSecrets }: { withSecrets: boolean }): string {
    const { pin, server, ...rest } = this.#config
    const shown = server && { url: server.url }
    return textOf(withSecrets ? this.#config : { ...rest, server: shown })
  }
}

const textOf = (config: object): string =>
  `${JSON.stringify({ format: FORMAT, ...config }, null, 2)}\n`

/** Reads the whole of it or throws WrongConfig. Secrets that it leaves out stay as they are in `now`. */
export function parseConfig(text: string, now: BoxConfig): BoxConfig {
  const all = objectIn(text)
  if (all.format !== FORMAT) {
    throw new WrongConfig(`It is no configuration of a box: "format" is not "${FORMAT}".`)
  }
  const known = ['format', 'name', 'server', 'pin', 'code', 'network']
  const stranger = Object.keys(all).find((key) => !known.includes(key))
  if (stranger) throw new WrongConfig(`Nothing is known of "${stranger}".`)
  return {
    name: nameIn(all.name ?? null),
    server: serverIn(all.server ?? null, now.server),
    pin: all.pin === undefined || all.pin === null ? now.pin : pinIn(all.pin),
    code: codeIn(all.code ?? {}),
    network: textIn(all.network ?? '', 'network', 2_000),
  }
}

function objectIn(text: string): Record<string, unknown> {
  let found: unknown
  try {
    found = JSON.parse(text)
  } catch {
    throw new WrongConfig('It is no JSON.')
  }
  if (isObject(found)) return found
  throw new WrongConfig('It is no JSON object.')
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function textIn(value: unknown, what: string, most: number): string {
  if (typeof value !== 'string') throw new WrongConfig(`"${what}" is no text.`)
  if (value.length > most) throw new WrongConfig(`"${what}" has more than ${most} signs.`)
  return value
}

/** What a box may be called; null for by nothing but its serial number. */
export function nameIn(value: unknown): string | null {
  if (value === null) return null
  const name = textIn(value, 'name', 255).trim()
  if (/\p{Cc}/u.test(name)) throw new WrongConfig('"name" holds a control character.')
  return name === '' ? null : name
}

function serverIn(value: unknown, now: ConfiguredServer | null): ConfiguredServer | null {
  if (value === null) return null
  if (!isObject(value)) throw new WrongConfig('"server" is no object.')
  const url = serverUrlIn(value.url)
  const secret = (name: 'token' | 'key') =>
    value[name] === undefined || value[name] === null
      ? null
      : textIn(value[name], `server.${name}`, 1_000)
  const [token, key] = [secret('token'), secret('key')]
  if (token !== null || key !== null) return { url, token, key }
  if (now?.url === url) return now
  throw new WrongConfig(
    '"server" has neither a token nor a key, and this box knows none for that server.',
  )
}

/** Scheme, host and path, without a slash at the end. */
export function serverUrlIn(value: unknown): string {
  const text = textIn(value, 'server.url', 2_000).trim()
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username || url.password) {
    throw new WrongConfig(`"${text}" is not a URL that begins with http:// or https://.`)
  }
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '')
}

function pinIn(value: unknown): PinHash {
  const { salt, hash } = isObject(value) ? value : {}
  const isHex = (text: unknown, bytes: number) =>
    typeof text === 'string' && new RegExp(`^[0-9a-f]{${bytes * 2}}$`).test(text)
  if (isHex(salt, 16) && isHex(hash, 32)) return { salt, hash } as PinHash
  throw new WrongConfig('"pin" is no hash of a PIN.')
}

function codeIn(value: unknown): BoxConfig['code'] {
  if (!isObject(value)) throw new WrongConfig('"code" is no object.')
  const optional = (name: string) =>
    value[name] === undefined || value[name] === null || value[name] === ''
      ? null
      : textIn(value[name], `code.${name}`, 2_000)
  const paths = value.paths ?? []
  if (!Array.isArray(paths)) throw new WrongConfig('"code.paths" is no list.')
  return {
    upstream: optional('upstream'),
    branch: optional('branch'),
    paths: paths.map((path) => textIn(path, 'code.paths', 500)),
  }
}

/**
 * What is pasted on the page: the box token of the server, as a URL or with pipes, which carries the key of the profile.
 * Null when it is neither. Throws WrongConfig for a URL that leads nowhere.
 */
export function serverInToken(text: string): ConfiguredServer | null {
  const pasted = text.trim()
  const parts = pasted.split('|')
  const [address = '', piped = ''] = parts
  if (parts.length >= 2 && piped !== '') {
    return { url: serverUrlIn(address), token: null, key: piped }
  }
  const url = URL.parse(pasted)
  const key = url?.searchParams.get('token')
  if (!url || !key) return null
  url.search = ''
  url.hash = ''
  return { url: serverUrlIn(url.href), token: null, key }
}
