/**
 * HTTP/1.1 as bytes on a socket, to speak exactly as other programs do: header by header in their order and
 * spelling, and with their way of reading an answer. For everything else there is http.ts.
 */
import { connect, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { type Authorities, believed } from './http.ts'
import { Away, messageOf } from './trouble.ts'

export interface RawRequest {
  readonly url: URL
  readonly method: 'GET' | 'POST'
  /** As they are to stand on the wire. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string
  readonly reading: Reading
  /** The longest without a byte. */
  readonly stallMs: number
  readonly signal?: AbortSignal
  readonly authorities?: Authorities
}

export interface RawAnswer {
  readonly status: number
  /** The value of the header, as the reader would find it. */
  header(name: string): string | undefined
  /** Throws Away when it breaks off before its end. */
  readonly pieces: AsyncGenerator<Buffer>
  /** Hangs up on whoever has no use for the rest. */
  close(): void
}

/** How a client reads answers. */
export interface Reading {
  /** The names of headers must be spelled as it spells them. */
  readonly isCaseSensitive: boolean
  /** It reads until the server closes, and refuses an answer that does not say how long it is. */
  readonly untilClosed: boolean
  /** The head in one piece of so many bytes, or it is no answer. */
  readonly maxHeadBytes: number
}

/** As most do: any spelling, Content-Length or chunks, and no waiting for the end of the connection. */
export const USUAL_READING: Reading = {
  isCaseSensitive: false,
  untilClosed: false,
  maxHeadBytes: 65_536,
}

const END_OF_HEAD = '\r\n\r\n'
const MAX_TEXT_BYTES = 1_048_576

/** The answer's head, with the body still to be read. Follows no redirects. Throws Away when there is no answer. */
export async function rawExchange(request: RawRequest): Promise<RawAnswer> {
  const { url, reading } = request
  const socket = open(request)
  socket.write(headOf(request) + (request.body ?? ''))
  const bytes = piecesOf(socket, request)
  try {
    let start = Buffer.alloc(0)
    let end = -1
    while (end === -1) {
      if (start.length > reading.maxHeadBytes) throw refused(`${url.host} sends too long a head.`)
      const next = await bytes.next()
      if (next.done) throw new Away(`${url.host} closed without an answer.`, { kind: 'network' })
      start = Buffer.concat([start, next.value])
      end = start.indexOf(END_OF_HEAD)
    }
    if (end > reading.maxHeadBytes) throw refused(`${url.host} sends too long a head.`)
    const { status, header } = readHead(start.subarray(0, end).toString('latin1'), reading)
    const rest = start.subarray(end + END_OF_HEAD.length)
    return {
      status,
      header,
      pieces: bodyOf({ status, header, rest, more: bytes, request, socket }),
      close: () => socket.destroy(),
    }
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** The whole exchange for a body that is a page of text. */
export async function rawText(
  request: RawRequest,
): Promise<{ status: number; text: string; header: RawAnswer['header'] }> {
  const { status, header, pieces } = await rawExchange(request)
  const parts: Buffer[] = []
  let length = 0
  for await (const piece of pieces) {
    length += piece.length
    if (length > MAX_TEXT_BYTES) throw refused('The answer is longer than a page.')
    parts.push(piece)
  }
  return { status, header, text: Buffer.concat(parts).toString('utf8') }
}

function headOf({ url, method, headers }: RawRequest): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${url.pathname}${url.search} HTTP/1.1`, ...lines, '', ''].join('\r\n')
}

function open({ url, authorities }: RawRequest): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, '')
  if (url.protocol === 'http:') return connect(Number(url.port || 80), host)
  if (url.protocol !== 'https:') {
    throw refused(`This agent does not speak ${url.protocol.replace(':', '')}.`)
  }
  return connectTls({
    port: Number(url.port || 443),
    host,
    servername: /^[\d.:]+$|:/.test(host) ? undefined : host,
    ca: believed(authorities),
  })
}

/** What comes over the socket; Away when it breaks, or nothing comes for too long. */
async function* piecesOf(
  socket: Socket,
  { url, stallMs, signal }: RawRequest,
): AsyncGenerator<Buffer> {
  const abort = () => socket.destroy(new Error('it was stopped'))
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  const stall = () => socket.destroy(new Error(`no byte for ${stallMs / 1000} seconds`))
  const pieces = socket[Symbol.asyncIterator]()
  try {
    for (;;) {
      // Only while one is awaited: a reader who takes his time is no stall.
      const timer = setTimeout(stall, stallMs)
      const next = await pieces.next().finally(() => clearTimeout(timer))
      if (next.done) return
      yield next.value as Buffer
    }
  } catch (error) {
    const message = `${url.host} cannot be reached: ${messageOf(error)}.`
    throw new Away(message, { kind: 'network', cause: error })
  } finally {
    signal?.removeEventListener('abort', abort)
    socket.destroy()
  }
}

function readHead(
  head: string,
  { isCaseSensitive }: Reading,
): { status: number; header: RawAnswer['header'] } {
  const [first = '', ...lines] = head.split('\r\n')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(first)?.[1])
  if (!status) throw refused('The answer is no HTTP/1.1.')
  const fold = (name: string) => (isCaseSensitive ? name : name.toLowerCase())
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(':')
      return [fold(line.slice(0, colon)), line.slice(colon + 1).trim()]
    }),
  )
  return { status, header: (name) => headers.get(fold(name)) }
}

async function* bodyOf({
  status,
  header,
  rest,
  more,
  request: { reading },
  socket,
}: Pick<RawAnswer, 'status' | 'header'> & {
  readonly rest: Buffer
  readonly more: AsyncGenerator<Buffer>
  readonly request: RawRequest
  readonly socket: Socket
}): AsyncGenerator<Buffer> {
  try {
    const told = header('Content-Length')
    if (reading.untilClosed && told === undefined) throw refused('missing Content-Length')
    if (status === 204 || status === 304) return
    const all = joined(rest, more)
    if (!reading.untilClosed && /chunked/i.test(header('Transfer-Encoding') ?? '')) {
      yield* chunks(all)
    } else if (told === undefined) {
      yield* all
    } else {
      yield* exactly(Number(told), all, reading.untilClosed)
    }
  } finally {
    socket.destroy()
  }
}

async function* joined(
  first: Buffer,
  rest: AsyncGenerator<Buffer>,
): AsyncGenerator<Buffer, undefined> {
  if (first.length > 0) yield first
  yield* rest
}

/** So many bytes. Who waits for the end of the connection waits for it even when all is here. */
async function* exactly(
  length: number,
  bytes: AsyncGenerator<Buffer, undefined>,
  untilClosed: boolean,
): AsyncGenerator<Buffer> {
  let left = length
  while (left > 0 || untilClosed) {
    const { done, value } = await bytes.next()
    if (done) break
    const piece = value.subarray(0, left)
    left -= piece.length
    if (piece.length > 0) yield piece
  }
  if (left > 0) throw new Away('The transfer broke off.', { kind: 'network' })
}

/** A body in chunks (RFC 9112 §7.1); what follows the last one is of no interest. */
async function* chunks(bytes: AsyncGenerator<Buffer, undefined>): AsyncGenerator<Buffer> {
  let here: Buffer = Buffer.alloc(0)
  const grow = async (): Promise<void> => {
    const { done, value } = await bytes.next()
    if (done) throw new Away('The transfer broke off.', { kind: 'network' })
    here = Buffer.concat([here, value])
  }
  for (;;) {
    while (!here.includes('\r\n')) await grow()
    const end = here.indexOf('\r\n')
    let left = Number.parseInt(here.subarray(0, end).toString('latin1'), 16)
    if (!Number.isInteger(left)) throw refused('The answer has no length where one belongs.')
    here = here.subarray(end + 2)
    if (left === 0) return
    while (left > 0) {
      if (here.length === 0) await grow()
      const piece = here.subarray(0, left)
      here = here.subarray(piece.length)
      left -= piece.length
      yield piece
    }
    while (here.length < 2) await grow()
    here = here.subarray(2)
  }
}

const refused = (message: string): Away => new Away(message, { kind: 'refused' })
