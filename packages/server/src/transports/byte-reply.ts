/**
 * Answers an HTTP request with stored bytes: the whole, or the range that was asked for (RFC 9110, sections 13
 * and 14). The bytes go to the socket without Fastify's and Node's stream machinery between, one piece at a time:
 * the next one is asked for when the socket has taken the last, so a slow client holds one piece and no more, and
 * the source learns its pace.
 */
import type { ServerResponse } from 'node:http'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isKnown } from './etag.ts'
import { endOfTurn } from './turn.ts'

/** What is sent. The reply gives it back with `release()`, once, however the sending ends. */
export interface ByteSource {
  readonly sizeBytes: number
  /** As it stands on the wire, quotes included: `"…"`. */
  readonly etag: string
  readonly contentType: string
  /** When given, the client is told to save the bytes under that name. */
  readonly fileName?: string
  /** Bytes from `start` up to, not including, `end`; the source may put them into `into`, which is large enough. */
  read(start: number, end: number, into?: Buffer): Promise<Buffer>
  /** The same range in pieces; with `isBorrowed` the source may use the memory of a piece again for the next. */
  stream(start: number, end: number, isBorrowed?: boolean): AsyncIterable<Buffer>
  release(): void
}

export interface ByteReplyOptions {
  /** The body of a 416 answer, in the words of whoever is asked; empty when not given. */
  readonly unsatisfiable?: { readonly contentType: string; readonly body: string }
  /** A client that takes nothing for so long is cut off. */
  readonly stallSeconds?: number
  /** The connection is closed after the answer: for clients that wait for just that. */
  readonly closes?: boolean
}

/** Ranges up to here are read and sent in one go. */
const SENT_AT_ONCE_BYTES = 64 * 1024
const STALL_SECONDS = 120

type HeaderList = (string | number | string[])[]

/**
 * Answers 200, 206, 304 or 416, to GET and HEAD. Several ranges in one request are answered with the whole, as
 * RFC 9110, section 14.2, lets a server do; so is an If-Range with a date, as no dates are given out. A HEAD
 * request's Range means nothing (the same section). Rejects when the first bytes cannot be read: then nothing has
 * been answered yet. A failure later on cuts the connection, for the length is already promised.
 */
export async function replyWithSource(
  request: FastifyRequest,
  reply: FastifyReply,
  source: ByteSource,
  options: ByteReplyOptions = {},
): Promise<void> {
  try {
    const { sizeBytes, etag } = source
    const headers: HeaderList = ['ETag', etag, 'Accept-Ranges', 'bytes']
    if (options.closes) headers.push('Connection', 'close')
    if (isKnown(request.headers['if-none-match'], etag)) {
      return answer(request, reply, 304, headers)
    }
    const range = rangeOf(request, source)
    if (range === 'unsatisfiable') {
      const { contentType, body } = options.unsatisfiable ?? { contentType: '', body: '' }
      headers.push('Content-Range', `bytes */${sizeBytes}`)
      if (contentType) headers.push('Content-Type', contentType)
      headers.push('Content-Length', Buffer.byteLength(body))
      return answer(request, reply, 416, headers, body)
    }
    const { start, end } = range ?? { start: 0, end: sizeBytes }
    if (range) headers.push('Content-Range', `bytes ${start}-${end - 1}/${sizeBytes}`)
    await send(request, reply, source, { status: range ? 206 : 200, headers, start, end, options })
  } finally {
    source.release()
  }
}

/**
 * Answers 200 with the bytes from `start` up to, not including, `end`, whatever ranges the request names: for
 * dialects with slices of their own making. Fails as `replyWithSource` does.
 */
export async function replyBytes(
  request: FastifyRequest,
  reply: FastifyReply,
  source: ByteSource,
  slice: { readonly start: number; readonly end: number },
  options: ByteReplyOptions = {},
): Promise<void> {
  try {
    await send(request, reply, source, { status: 200, headers: [], ...slice, options })
  } finally {
    source.release()
  }
}

interface Sending {
  readonly status: number
  readonly headers: HeaderList
  readonly start: number
  readonly end: number
  readonly options: ByteReplyOptions
}

async function send(
  request: FastifyRequest,
  reply: FastifyReply,
  source: ByteSource,
  { status, headers, start, end, options }: Sending,
): Promise<void> {
  const length = end - start
  headers.push('Content-Type', source.contentType, 'Content-Length', length)
  if (source.fileName) headers.push('Content-Disposition', contentDisposition(source.fileName))
  if (length === 0 || request.method === 'HEAD') return answer(request, reply, status, headers)
  if (length <= SENT_AT_ONCE_BYTES) {
    return sendAtOnce(reply, status, headers, source, start, end)
  }
  const pieces = source.stream(start, end, true)[Symbol.asyncIterator]()
  try {
    const first = await pieces.next()
    if (reply.raw.destroyed) return
    writeHead(reply, status, headers)
    const stallMs = (options.stallSeconds ?? STALL_SECONDS) * 1000
    reply.raw.setTimeout(stallMs, () => reply.raw.destroy())
    await pump(reply.raw, pieces, first, length).catch((error) => {
      request.log.error({ err: error }, 'the bytes of a download could not be read to their end')
      reply.raw.destroy()
    })
  } finally {
    await pieces.return?.()
  }
}

/** Memory for small answers, used again: as garbage it would cost more than all the rest of an answer. */
const spareMemory = [
  { bytes: 16 * 1024, free: [] as Buffer[] },
  { bytes: SENT_AT_ONCE_BYTES, free: [] as Buffer[] },
]
const MAX_SPARE = 64

async function sendAtOnce(
  reply: FastifyReply,
  status: number,
  headers: HeaderList,
  source: ByteSource,
  start: number,
  end: number,
): Promise<void> {
  const spare = spareMemory.find(({ bytes }) => end - start <= bytes)
  const memory = spare?.free.pop() ?? Buffer.allocUnsafeSlow(spare?.bytes ?? end - start)
  const bytes = await source.read(start, end, memory)
  await endOfTurn()
  if (reply.raw.destroyed) return
  writeHead(reply, status, headers)
  // Called when the socket has taken all. If that never happens, the memory is left to the garbage collector.
  reply.raw.end(bytes, () => {
    if (spare && spare.free.length < MAX_SPARE) spare.free.push(memory)
  })
}

/** Writes piece by piece until all is sent or the client is gone. */
async function pump(
  raw: ServerResponse,
  pieces: AsyncIterator<Buffer>,
  first: IteratorResult<Buffer>,
  length: number,
): Promise<void> {
  let wake = () => {}
  raw.once('close', () => wake())
  let left = length
  for (let next = first; !raw.destroyed; next = await pieces.next()) {
    if (next.done) throw new Error(`The source ended ${left} bytes too early.`)
    const piece = next.value
    left -= piece.length
    // The piece is the source's again when the next one is pulled, so the socket must have taken it by then.
    await new Promise<void>((resolve) => {
      wake = resolve
      if (left <= 0) raw.end(piece, resolve)
      else raw.write(piece, () => resolve())
    })
    if (left <= 0 || raw.destroyed) return
  }
}

function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  headers: HeaderList,
  body?: Buffer | string,
): void {
  if (reply.raw.destroyed) return
  writeHead(reply, status, headers)
  reply.raw.end(request.method === 'HEAD' ? undefined : body)
}

/** The head of the answer, with what hooks have set before; from here on the reply is ours, not Fastify's. */
function writeHead(reply: FastifyReply, status: number, headers: HeaderList): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) headers.push(name, value)
  }
  reply.raw.writeHead(status, headers as string[])
  reply.hijack()
}

/** The one range asked for; undefined when the whole is to be sent. */
function rangeOf(
  request: FastifyRequest,
  { sizeBytes, etag }: ByteSource,
): { start: number; end: number } | 'unsatisfiable' | undefined {
  const { range, 'if-range': ifRange } = request.headers
  if (range === undefined || request.method !== 'GET') return undefined
  // If-Range compares strongly (section 13.1.5): a weak tag, another tag or a date means the whole.
  if (ifRange !== undefined && ifRange !== etag) return undefined
  const [, from = '', to = ''] = /^bytes=\s*(\d*)-(\d*)\s*$/i.exec(range) ?? []
  if (from === '' && to === '') return undefined
  if (from === '') {
    const length = Math.min(Number(to), sizeBytes)
    return length > 0 ? { start: sizeBytes - length, end: sizeBytes } : 'unsatisfiable'
  }
  const start = Number(from)
  if (to !== '' && Number(to) < start) return undefined
  if (start >= sizeBytes) return 'unsatisfiable'
  return { start, end: to === '' ? sizeBytes : Math.min(Number(to) + 1, sizeBytes) }
}

/**
 * To be saved under that name, RFC 6266: in plain ASCII for all, and in full (RFC 8187) where that differs.
 */
export function contentDisposition(fileName: string): string {
  const name = fileName.toWellFormed().replace(/[\p{Cc}/\\]/gu, '_')
  const plain = name.replace(/[^\x20-\x7e]|["%]/gu, '_')
  if (plain === name) return `attachment; filename="${plain}"`
  const full = encodeURIComponent(name).replace(
    /['()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${plain}"; filename*=UTF-8''${full}`
}
