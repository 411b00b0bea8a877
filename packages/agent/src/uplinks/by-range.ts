/** Bytes from an address, from a given place on, as RFC 9110 §14 has it. Any uplink may fetch this way. */

import { exchange, piecesOf, refusal, type Trust } from '../http.ts'
import { Away } from '../trouble.ts'
import type { Fetched } from '../uplink.ts'

export interface RangeLimits extends Trust {
  readonly stallMs: number
  readonly signal: AbortSignal
  readonly authorization?: string
}

/**
 * Asks for the rest of the file. If-Range keeps two versions of a file from being mixed: when it has changed,
 * the server sends it whole. Where the address does not hold its own authorisation, `authorization` is sent to its host.
 */
export async function fetchByRange(
  url: string,
  { byte, etag }: { byte: number; etag: string | null },
  { stallMs, signal, authorization, ...trust }: RangeLimits,
): Promise<Fetched> {
  const headers: Record<string, string> = { 'accept-encoding': 'identity' }
  if (authorization !== undefined) headers.authorization = authorization
  if (byte > 0) headers.range = `bytes=${byte}-`
  // A weak tag proves nothing about bytes (§13.1.5); the checksum judges in the end either way.
  if (byte > 0 && etag && !etag.startsWith('W/')) headers['if-range'] = etag
  const answer = await exchange({ url, headers, timeoutMs: stallMs, signal, ...trust })
  const told = answer.headers.etag ?? null
  if (answer.headers['content-encoding'] && answer.headers['content-encoding'] !== 'identity') {
    answer.body.destroy()
    throw new Away('The file comes in another encoding than asked for.', { kind: 'refused' })
  }
  const pieces = piecesOf(answer.body, stallMs)
  if (answer.status === 200) {
    return { from: 0, totalBytes: lengthOf(answer.headers['content-length']), etag: told, pieces }
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(answer.headers['content-range'] ?? '')
  if (answer.status === 206 && range && Number(range[1]) === byte) {
    return { from: byte, totalBytes: lengthOf(range[2]), etag: told ?? etag, pieces }
  }
  answer.body.destroy()
  if (answer.status === 206 || answer.status === 416) {
    // What we have is no part of what the server has: from the start, without a range.
    if (byte > 0) {
      const limits = { stallMs, signal, authorization, ...trust }
      return await fetchByRange(url, { byte: 0, etag: null }, limits)
    }
  }
  throw notFetched(answer)
}

/** A refused address is no word about the device's token: the next check-in brings a fresh one. */
function notFetched(answer: Parameters<typeof refusal>[0]): Away {
  const { message, kind, status, retryAfterMs } = refusal(answer)
  return new Away(`The file cannot be fetched. ${message}`, {
    kind: kind === 'unauthorised' ? 'refused' : kind,
    status: status ?? undefined,
    retryAfterMs,
  })
}

const lengthOf = (text: string | undefined): number | null =>
  text !== undefined && /^\d+$/.test(text) ? Number(text) : null
