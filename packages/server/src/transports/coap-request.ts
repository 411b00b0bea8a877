/** A CoAP request as those see it who answer it, and what they answer with. */

import {
  type Block,
  type CoapCode,
  type CoapMessage,
  type CoapMethod,
  METHODS,
  OPTIONS,
  readBlock,
  uintOf,
} from '@updraft/wire/coap-message'
import type { CoapBytes } from './coap-blocks.ts'
import type { Observation } from './coap-observe.ts'

export interface CoapRequest {
  readonly method: CoapMethod
  readonly path: readonly string[]
  /** Parameters in their order, as they came: CoAP has no percent-encoding on the wire (RFC 7252, section 6.4). */
  readonly query: readonly (readonly [name: string, value: string])[]
  readonly payload: Buffer
  readonly contentFormat: number | undefined
  readonly accept: number | undefined
  /** The client wants to be told of changes; an answer with an `observation` grants it. */
  readonly observes: boolean
  /** Address and port of the client. */
  readonly from: string
}

export interface CoapResponse {
  readonly code: CoapCode
  readonly body?: Buffer | CoapBytes
  readonly contentFormat?: number
  /** At most eight bytes; equal for equal bodies. */
  readonly etag?: Buffer
  readonly maxAgeSeconds?: number
  readonly observation?: Observation
}

/** One audience of the listener. */
export interface CoapScope {
  readonly name: string
  /** First segments of the paths that are its own. */
  readonly roots: readonly string[]
  answer(request: CoapRequest): Promise<CoapResponse>
  /** Nobody will ask any more: what it holds between two requests is to be given back. */
  close?(): void
}

/** A request's options, read. */
export interface Asked {
  readonly method: CoapMethod
  readonly path: readonly string[]
  readonly query: CoapRequest['query']
  readonly contentFormat?: number
  readonly accept?: number
  /** 0 registers, 1 deregisters (RFC 7641, section 2). */
  readonly observe?: number
  readonly block1?: Block
  readonly block2?: Block
  readonly size1?: number
}

const OBSERVE_BYTES = 3
const FORMAT_BYTES = 2
const SIZE_BYTES = 4
const MAX_SEGMENTS = 32

/**
 * The code of the refusal when it cannot be taken: a method or a critical option we do not know, one that is
 * longer than it may be or given twice (RFC 7252, sections 5.4.1, 5.4.3 and 5.4.5), or a request for a proxy.
 */
export function readRequest({ code, options }: CoapMessage): Asked | CoapCode {
  const method = METHODS[code - 1]
  const path: string[] = []
  const query: (readonly [string, string])[] = []
  const asked: { -readonly [K in keyof Asked]?: Asked[K] } = {}
  for (const { number, value } of options) {
    switch (number) {
      case OPTIONS.uriPath:
        path.push(value.toString())
        if (path.length > MAX_SEGMENTS || value.length > 255) return '4.02'
        break
      case OPTIONS.uriQuery:
        query.push(parameterOf(value.toString()))
        if (query.length > MAX_SEGMENTS || value.length > 255) return '4.02'
        break
      case OPTIONS.accept:
        if (asked.accept !== undefined) return '4.02'
        asked.accept = uintOf(value, FORMAT_BYTES)
        if (asked.accept === undefined) return '4.02'
        break
      case OPTIONS.block1:
        if (asked.block1) return '4.02'
        asked.block1 = readBlock(value)
        if (!asked.block1) return '4.00'
        break
      case OPTIONS.block2:
        if (asked.block2) return '4.02'
        asked.block2 = readBlock(value)
        if (!asked.block2) return '4.00'
        break
      // What follows is elective: whoever gets it wrong is treated as if it were not there.
      case OPTIONS.contentFormat:
        asked.contentFormat ??= uintOf(value, FORMAT_BYTES)
        break
      case OPTIONS.observe:
        asked.observe ??= uintOf(value, OBSERVE_BYTES)
        break
      case OPTIONS.size1:
        asked.size1 ??= uintOf(value, SIZE_BYTES)
        break
      case OPTIONS.proxyUri:
      case OPTIONS.proxyScheme:
        return '5.05'
      // There is one host here, whatever it is called.
      case OPTIONS.uriHost:
      case OPTIONS.uriPort:
        break
      default:
        if (isCritical(number)) return '4.02'
    }
  }
  if (!method) return '4.05'
  return { ...asked, method, path, query }
}

/** The block asked for, if that is all a request asks for: the rest of a body whose beginning went before. */
export function laterBlockOf({ code, options }: CoapMessage): Block | undefined {
  if (METHODS[code - 1] !== 'GET') return undefined
  let block: Block | undefined
  for (const option of options) {
    const { number } = option
    if (number === OPTIONS.block2) {
      if (block) return undefined
      block = readBlock(option.value)
      if (!block || block.num === 0) return undefined
    } else if (!isAddress(number) && (isCritical(number) || number === OPTIONS.observe)) {
      return undefined
    }
  }
  return block
}

const isAddress = (number: number): boolean =>
  number === OPTIONS.uriPath ||
  number === OPTIONS.uriQuery ||
  number === OPTIONS.uriHost ||
  number === OPTIONS.uriPort ||
  number === OPTIONS.accept

/** RFC 7252, section 5.4.6. */
const isCritical = (number: number): boolean => (number & 1) === 1

function parameterOf(text: string): readonly [string, string] {
  const cut = text.indexOf('=')
  return cut < 0 ? [text, ''] : [text.slice(0, cut), text.slice(cut + 1)]
}
