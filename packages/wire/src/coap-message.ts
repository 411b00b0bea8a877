/**
 * CoAP messages as bytes (RFC 7252, section 3). Strict where a loose reader would take a cut-off option for a
 * shorter one, and without a copy or a text where none is needed: every block of a download passes here.
 */

export const TYPES = { confirmable: 0, nonConfirmable: 1, acknowledgement: 2, reset: 3 } as const

/** Codes on the wire: class in the upper three bits, detail in the lower five. */
export const EMPTY = 0
export const METHODS = ['GET', 'POST', 'PUT', 'DELETE'] as const
export type CoapMethod = (typeof METHODS)[number]
export const CODES = {
  '2.01': 0x41,
  '2.02': 0x42,
  '2.04': 0x44,
  '2.05': 0x45,
  '2.31': 0x5f,
  '4.00': 0x80,
  '4.01': 0x81,
  '4.02': 0x82,
  '4.03': 0x83,
  '4.04': 0x84,
  '4.05': 0x85,
  '4.06': 0x86,
  '4.08': 0x88,
  '4.13': 0x8d,
  '4.29': 0x9d,
  '5.00': 0xa0,
  '5.03': 0xa3,
  '5.05': 0xa5,
} as const
export type CoapCode = keyof typeof CODES

export const OPTIONS = {
  uriHost: 3,
  etag: 4,
  observe: 6,
  uriPort: 7,
  uriPath: 11,
  contentFormat: 12,
  maxAge: 14,
  uriQuery: 15,
  accept: 17,
  block2: 23,
  block1: 27,
  size2: 28,
  proxyUri: 35,
  proxyScheme: 39,
  size1: 60,
} as const

export interface CoapOption {
  readonly number: number
  readonly value: Buffer
}

export interface CoapMessage {
  readonly type: number
  readonly code: number
  readonly id: number
  readonly token: Buffer
  /** In ascending order of their numbers. */
  readonly options: readonly CoapOption[]
  readonly payload: Buffer
  /**
   * Path and query as they stood on the wire, a character for each byte: messages of equal text have equal ones. Empty
   * without a path.
   */
  readonly address: string
}

/** A message whose header can be read but whose rest cannot. */
export interface Malformed {
  readonly isMalformed: true
  readonly type: number
  readonly id: number
}

export const NO_BYTES = Buffer.alloc(0)

const HEADER_BYTES = 4
const MAX_TOKEN_BYTES = 8
const PAYLOAD_MARKER = 0xff

/** An option whose value is cut out only if somebody looks at it: a block is asked for by options nobody reads. */
class ReceivedOption implements CoapOption {
  readonly number: number
  readonly #datagram: Buffer
  readonly #start: number
  readonly #end: number

  constructor(number: number, datagram: Buffer, start: number, end: number) {
    this.number = number
    this.#datagram = datagram
    this.#start = start
    this.#end = end
  }

  get value(): Buffer {
    return this.#datagram.subarray(this.#start, this.#end)
  }
}

/** Null when it is no CoAP of this version at all: such datagrams are dropped without a word (section 3). */
export function readMessage(bytes: Buffer): CoapMessage | Malformed | null {
  const first = bytes[0] ?? 0
  if (bytes.length < HEADER_BYTES || first >> 6 !== 1) return null
  const type = (first >> 4) & 3
  const code = bytes[1] ?? 0
  const id = ((bytes[2] ?? 0) << 8) | (bytes[3] ?? 0)
  const malformed: Malformed = { isMalformed: true, type, id }
  const tokenBytes = first & 15
  if (tokenBytes > MAX_TOKEN_BYTES) return malformed
  let at = HEADER_BYTES + tokenBytes
  if (at > bytes.length || (code === EMPTY && bytes.length > HEADER_BYTES)) return malformed
  const token = tokenBytes === 0 ? NO_BYTES : bytes.subarray(HEADER_BYTES, at)
  const options: CoapOption[] = []
  let number = 0
  let pathStart = 0
  let addressEnd = 0
  while (at < bytes.length) {
    const head = bytes[at] ?? 0
    if (head === PAYLOAD_MARKER) break
    const optionStart = at
    at += 1
    const long = (nibble: number): number => {
      if (nibble < 13) return nibble
      if (nibble === 13) return 13 + (bytes[at++] ?? Number.NaN)
      if (nibble === 14)
        return 269 + (bytes[at++] ?? Number.NaN) * 256 + (bytes[at++] ?? Number.NaN)
      return Number.NaN
    }
    number += long(head >> 4)
    const end = long(head & 15) + at
    // Also when a number above has run over the end.
    if (!(end <= bytes.length && number <= 65_535)) return malformed
    options.push(new ReceivedOption(number, bytes, at, end))
    at = end
    if (pathStart === 0 && number === OPTIONS.uriPath) pathStart = optionStart
    if (pathStart > 0 && number <= OPTIONS.uriQuery) addressEnd = end
  }
  if (at === bytes.length - 1) return malformed
  return {
    type,
    code,
    id,
    token,
    options,
    payload: at < bytes.length ? bytes.subarray(at + 1) : NO_BYTES,
    address:
      pathStart === 0
        ? ''
        : // Of the first option without its distance to what stood before.
          `${(bytes[pathStart] ?? 0) & 15} ${bytes.toString('latin1', pathStart + 1, addressEnd)}`,
  }
}

/** An option to be written; a number is spelled in as few bytes as it needs. */
export type NewOption = readonly [number: number, value: Uint8Array | number]

export interface NewMessage {
  readonly type: number
  readonly code: number
  readonly id: number
  readonly token?: Buffer
  /** In ascending order of their numbers. */
  readonly options?: readonly NewOption[]
  readonly payload?: Buffer
}

const NO_OPTIONS: readonly NewOption[] = []

export function writeMessage(message: NewMessage): Buffer {
  const { type, code, id, token = NO_BYTES, options = NO_OPTIONS, payload = NO_BYTES } = message
  let length = HEADER_BYTES + token.length + (payload.length > 0 ? 1 + payload.length : 0)
  let before = 0
  for (const [number, value] of options) {
    const valueBytes = lengthOf(value)
    length += 1 + furtherBytes(number - before) + furtherBytes(valueBytes) + valueBytes
    before = number
  }
  const bytes = Buffer.allocUnsafe(length)
  bytes[0] = (1 << 6) | (type << 4) | token.length
  bytes[1] = code
  bytes[2] = id >> 8
  bytes[3] = id
  bytes.set(token, HEADER_BYTES)
  let at = HEADER_BYTES + token.length
  const writeFurther = (value: number): void => {
    if (value >= 269) {
      bytes[at++] = (value - 269) >> 8
      bytes[at++] = value - 269
    } else if (value >= 13) bytes[at++] = value - 13
  }
  before = 0
  for (const [number, value] of options) {
    const valueBytes = lengthOf(value)
    bytes[at++] = (nibbleOf(number - before) << 4) | nibbleOf(valueBytes)
    writeFurther(number - before)
    writeFurther(valueBytes)
    if (typeof value === 'number') {
      for (let shift = (valueBytes - 1) * 8; shift >= 0; shift -= 8) bytes[at++] = value >>> shift
    } else {
      bytes.set(value, at)
      at += valueBytes
    }
    before = number
  }
  if (payload.length > 0) {
    bytes[at] = PAYLOAD_MARKER
    bytes.set(payload, at + 1)
  }
  return bytes
}

/** The number an option's bytes spell (section 3.2); undefined when there are more of them than it may have. */
export function uintOf(value: Uint8Array, maxBytes: number): number | undefined {
  if (value.length > maxBytes) return undefined
  let number = 0
  for (const byte of value) number = number * 256 + byte
  return number
}

/** Which part of a body a message holds, or asks for: Block1 and Block2 (RFC 7959, section 2.2). */
export interface Block {
  readonly num: number
  readonly isMore: boolean
  /** Exponent of the size: 0 is 16 bytes, 6 is 1024. */
  readonly szx: number
}

export const MAX_SZX = 6
export const MAX_BLOCK_BYTES = 1024
export const blockBytes = ({ szx }: Pick<Block, 'szx'>): number => 16 << szx

/** Undefined when it is none: more than three bytes, or the size that is reserved. */
export function readBlock(value: Uint8Array): Block | undefined {
  const number = uintOf(value, 3)
  if (number === undefined || (number & 7) > MAX_SZX) return undefined
  return { num: number >>> 4, isMore: (number & 8) !== 0, szx: number & 7 }
}

export const blockValue = ({ num, isMore, szx }: Block): number =>
  (num << 4) | (isMore ? 8 : 0) | szx

/** How often and how patiently a confirmable message is sent (RFC 7252, section 4.8). */
export const TRANSMISSION = { ackTimeoutMs: 2000, ackRandomFactor: 1.5, maxRetransmits: 4 } as const

const lengthOf = (value: Uint8Array | number): number => {
  if (typeof value !== 'number') return value.length
  if (value === 0) return 0
  return value < 0x100 ? 1 : value < 0x10000 ? 2 : value < 0x1000000 ? 3 : 4
}
const furtherBytes = (value: number): number => (value < 13 ? 0 : value < 269 ? 1 : 2)
const nibbleOf = (value: number): number => (value < 13 ? value : value < 269 ? 13 : 14)
