/** What an answer is known by (RFC 9110, section 8.8.3), and whether who asks has it already. */
import { createHash } from 'node:crypto'

/** Strong: it differs when a byte does. Quotes included. */
export const etagOfBody = (body: string | Uint8Array): string =>
  `"${createHash('sha256').update(body).digest('base64url')}"`

/** Whether the client has it: If-None-Match compares weakly (section 13.1.2). */
export function isKnown(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false
  if (header.trim() === '*') return true
  const known = header.match(/(?:W\/)?"[^"]*"/g) ?? []
  return known.some((tag) => tag.replace(/^W\//, '') === etag)
}
