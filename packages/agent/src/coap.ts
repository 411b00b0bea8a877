/**
 * CoAP requests: bodies larger than a datagram go and come in blocks (RFC 7959), one resource can be observed (RFC
 * 7641), and each kind of trouble is told apart. Paths hold tokens, so messages name the host only.
 */
import { isIP } from 'node:net'
import {
  type Block,
  blockBytes,
  blockValue,
  CODES,
  type CoapMessage,
  type CoapMethod,
  MAX_BLOCK_BYTES,
  MAX_SZX,
  METHODS,
  type NewOption,
  OPTIONS,
  readBlock,
  uintOf,
} from '@updraft/wire/coap-message'
import { CoapExchanges, type CoapOptions } from './coap-exchanges.ts'
import { Away, type AwayKind } from './trouble.ts'

export interface CoapRequest {
  readonly method: CoapMethod
  readonly path: readonly string[]
  /** As they stand on the wire: nothing is escaped there. One that is too long to be sent is left out. */
  readonly query?: readonly string[]
  readonly payload?: Buffer
  readonly contentFormat?: number
  /** Whoever listens is told of later changes, until another resource is observed. */
  readonly observes?: boolean
}

const MAX_BODY_BYTES = 65_536
/** Of an option that holds text (RFC 7252, section 5.10). */
const MAX_TEXT_BYTES = 255
const REGISTER = 0
const DEREGISTER = 1

export class CoapClient {
  readonly #exchanges: CoapExchanges
  readonly #host: string
  readonly #onChange: () => void
  /** What is observed: its path, and the token that its changes come with. */
  #observed: { readonly path: readonly string[]; readonly token: Buffer } | null = null

  constructor({ onChange, ...options }: CoapOptions & { readonly onChange: () => void }) {
    this.#exchanges = new CoapExchanges(options, (message) => this.#hearNotice(message))
    this.#host = options.server.hostname
    this.#onChange = onChange
  }

  /** The whole body of the answer. Throws Away for any answer but success. */
  async ask(request: CoapRequest, signal: AbortSignal): Promise<Buffer> {
    const first = await this.#send(request, signal)
    if (request.observes) this.#observed = observationIn(first, request)
    return await this.#gather(request, first, signal)
  }

  async hangUp(): Promise<void> {
    const observed = this.#observed
    this.#observed = null
    if (observed) {
      const options = this.#options({ method: 'GET', path: observed.path }, [
        [OPTIONS.observe, DEREGISTER],
      ])
      await this.#exchanges.tell({ code: codeOf('GET'), options }, observed.token).catch(() => {})
    }
    await this.#exchanges.hangUp()
  }

  #hearNotice({ token, code }: CoapMessage): boolean {
    if (!this.#observed?.token.equals(token)) return false
    // Anything but the resource itself is the last that is told; that somebody else observes now is no change.
    if (code !== CODES['2.05']) this.#observed = null
    if (code !== CODES['2.02']) this.#onChange()
    return true
  }

  /** Resolves to the first answer, or the only one. */
  async #send(request: CoapRequest, signal: AbortSignal): Promise<CoapMessage> {
    const { payload, observes } = request
    const register: NewOption[] = observes ? [[OPTIONS.observe, REGISTER]] : []
    if (!payload || payload.length <= MAX_BLOCK_BYTES) {
      return await this.#exchange(request, register, payload, signal)
    }
    for (let num = 0; ; num++) {
      const start = num * MAX_BLOCK_BYTES
      const piece = payload.subarray(start, start + MAX_BLOCK_BYTES)
      const isMore = start + piece.length < payload.length
      const block1 = blockValue({ num, isMore, szx: MAX_SZX })
      const more = [...register, [OPTIONS.block1, block1] as const]
      const answer = await this.#exchange(request, more, piece, signal)
      if (!isMore) return answer
      if (answer.code !== CODES['2.31']) {
        throw new Away('The server takes no body in blocks.', { kind: 'refused' })
      }
    }
  }

  /** The body of which this is the first part, if there is more of it. */
  async #gather(request: CoapRequest, first: CoapMessage, signal: AbortSignal): Promise<Buffer> {
    const pieces = [first.payload]
    let length = first.payload.length
    for (let block = block2In(first); block?.isMore; ) {
      const { szx } = block
      const num = length / blockBytes(block)
      const more: NewOption[] = [[OPTIONS.block2, blockValue({ num, isMore: false, szx })]]
      const next = await this.#exchange(request, more, undefined, signal)
      block = block2In(next)
      length += next.payload.length
      const isNext = block?.num === num && isSameBody(first, next)
      if (!isNext || length > MAX_BODY_BYTES) {
        throw new Away('The parts of the answer do not fit together.', { kind: 'busy' })
      }
      pieces.push(next.payload)
    }
    return Buffer.concat(pieces)
  }

  async #exchange(
    request: CoapRequest,
    more: readonly NewOption[],
    payload: Buffer | undefined,
    signal: AbortSignal,
  ): Promise<CoapMessage> {
    const question = {
      code: codeOf(request.method),
      options: this.#options(request, more),
      payload,
    }
    const answer = await this.#exchanges.ask(question, signal)
    if (answer.code >> 5 !== 2) throw refusal(answer)
    return answer
  }

  #options(
    { path, query = [], contentFormat }: CoapRequest,
    more: readonly NewOption[],
  ): NewOption[] {
    const host = this.#host.replace(/^\[|\]$/g, '')
    const options: NewOption[] = [...more]
    if (!isIP(host)) options.push([OPTIONS.uriHost, Buffer.from(host)])
    for (const segment of path) options.push([OPTIONS.uriPath, Buffer.from(segment)])
    if (contentFormat !== undefined) options.push([OPTIONS.contentFormat, contentFormat])
    for (const parameter of query.map((text) => Buffer.from(text))) {
      if (parameter.length <= MAX_TEXT_BYTES) options.push([OPTIONS.uriQuery, parameter])
    }
    // In the order of their numbers; those of one number stay in theirs.
    return options.sort(([a], [b]) => a - b)
  }
}

const codeOf = (method: CoapMethod): number => METHODS.indexOf(method) + 1

const option = ({ options }: CoapMessage, number: number): Buffer | undefined =>
  options.find((each) => each.number === number)?.value

/** An answer without the option is one to a plain request: the server observes nothing for us. */
function observationIn(answer: CoapMessage, { path }: CoapRequest) {
  return option(answer, OPTIONS.observe) ? { path, token: answer.token } : null
}

function block2In(message: CoapMessage): Block | undefined {
  const value = option(message, OPTIONS.block2)
  return value && readBlock(value)
}

/** By the tags the server gave, if it gave any. */
function isSameBody(first: CoapMessage, next: CoapMessage): boolean {
  const [a, b] = [option(first, OPTIONS.etag), option(next, OPTIONS.etag)]
  return a === undefined ? b === undefined : b !== undefined && a.equals(b)
}

/** A server that is busy says for how long by the age its answer may reach (RFC 7252, section 5.9.3.4). */
function refusal(answer: CoapMessage): Away {
  const { code, payload } = answer
  const name = `${code >> 5}.${String(code & 31).padStart(2, '0')}`
  const maxAge = option(answer, OPTIONS.maxAge)
  const seconds = kindOf(name) === 'busy' && maxAge ? uintOf(maxAge, 4) : undefined
  const detail = payload.toString('utf8').slice(0, 300)
  return new Away(`The server answers ${name}${detail ? `: ${detail}` : ''}.`, {
    kind: kindOf(name),
    retryAfterMs: seconds === undefined ? null : seconds * 1000,
  })
}

function kindOf(code: string): AwayKind {
  if (code === '4.01' || code === '4.03') return 'unauthorised'
  return code.startsWith('5.') || code === '4.08' || code === '4.29' ? 'busy' : 'refused'
}
