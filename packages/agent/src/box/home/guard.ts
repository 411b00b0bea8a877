/** Whom the page answers: browsers that call it by a name of its own, and changes that come from itself. */
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostname } from 'node:os'

/** Why a request is turned away, as a status and a sentence; null when it is not. */
export type Refusal = { readonly status: 401 | 403; readonly because: string } | null

/**
 * A name that an attacker's DNS leads to this box is none of its own: an address, localhost, the machine's name, with
 * `.local` and the like behind it, and those of the settings are.
 */
export function refuseHost(request: IncomingMessage, names: readonly string[]): Refusal {
  const host = hostOf(request.headers.host)
  if (host !== null && isOwn(host, names)) return null
  const because =
    'This name is not known to lead to this box. Use its address, or start it with --home-names.'
  return { status: 403, because }
}

/** A change that another site has the browser send. Programs send no Origin. */
export function refuseForeign({ headers }: IncomingMessage): Refusal {
  const { origin, host, 'sec-fetch-site': site } = headers
  const isForeign =
    (origin !== undefined && originHost(origin) !== host?.toLowerCase()) ||
    (site !== undefined && site !== 'same-origin' && site !== 'none')
  return isForeign ? { status: 403, because: 'The request comes from another site.' } : null
}

function hostOf(header: string | undefined): string | null {
  const url = URL.parse(`http://${header ?? ''}/`)
  return url && url.pathname === '/' && !url.username ? url.hostname.replace(/^\[|\]$/g, '') : null
}

const originHost = (origin: string): string | null => URL.parse(origin)?.host.toLowerCase() ?? null

function isOwn(host: string, names: readonly string[]): boolean {
  if (isIP(host) !== 0 || host === 'localhost') return true
  const own = hostname().toLowerCase()
  const short = own.split('.')[0] ?? own
  const known = [own, short, ...LOCAL.map((suffix) => `${short}.${suffix}`)]
  return [...known, ...names.map((name) => name.toLowerCase())].includes(host.toLowerCase())
}

/** What routers put behind the names of the machines of their network. */
const LOCAL = ['local', 'lan', 'home', 'home.arpa', 'internal', 'localdomain']
