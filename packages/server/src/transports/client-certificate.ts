/** What clients show of themselves within TLS. */
import type { Socket } from 'node:net'
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls'

/** More are not needed in earnest, and each costs a signature to check. */
const MAX_CERTIFICATES = 8

const known = new WeakMap<Socket, readonly Buffer[]>()

/**
 * The certificates in DER that a client showed, its own first, whoever signed them; that it has the key is proven. None
 * over a plain connection. Of a session that was taken up again only its own is known.
 */
export function shownCertificates(socket: Socket): readonly Buffer[] {
  if (!(socket instanceof TLSSocket)) return []
  const before = known.get(socket)
  if (before) return before
  const shown: Buffer[] = []
  let each: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true)
  while (each?.raw && shown.length < MAX_CERTIFICATES) {
    if (shown.some((raw) => raw.equals(each?.raw as Buffer))) break
    shown.push(each.raw)
    each = each.issuerCertificate
  }
  known.set(socket, shown)
  return shown
}
