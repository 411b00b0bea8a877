/** Answers as they go out: whole where they fit a datagram, else a block of them. */

import {
  type Block,
  blockBytes,
  blockValue,
  CODES,
  MAX_BLOCK_BYTES,
  type NewOption,
  NO_BYTES,
  OPTIONS,
} from '@updraft/wire/coap-message'
import { type CoapBytes, FIRST_BLOCK, Reading } from './coap-blocks.ts'
import type { CoapResponse } from './coap-request.ts'

/** What an answer is but for its header. */
export interface Rendered {
  readonly code: number
  readonly options: readonly NewOption[]
  readonly payload?: Buffer
}

/** That block of the body, or a refusal when the body ends before it. Its size is told with the first one. */
export async function renderBlock(
  reading: Reading,
  block: Block,
): Promise<Rendered & { isMore: boolean }> {
  const { code, contentFormat, etag, sizeBytes } = reading
  const { num, szx } = block
  const start = num * blockBytes(block)
  if (num > 0 && start >= sizeBytes) return { code: CODES['4.00'], options: [], isMore: false }
  const end = Math.min(start + blockBytes(block), sizeBytes)
  const isMore = end < sizeBytes
  const options: NewOption[] = [[OPTIONS.etag, etag]]
  if (contentFormat !== undefined) options.push([OPTIONS.contentFormat, contentFormat])
  options.push([OPTIONS.block2, blockValue({ num, isMore, szx })])
  if (num === 0) options.push([OPTIONS.size2, sizeBytes])
  return { code: CODES[code], options, payload: await reading.read(start, end), isMore }
}

/** `hold` is handed what there is more of than goes out now; all else is given back. */
export async function renderResponse(
  { code, body = NO_BYTES, contentFormat, etag, maxAgeSeconds }: CoapResponse,
  {
    block,
    newEtag,
    now,
    hold,
  }: {
    block: Block | undefined
    newEtag: () => Buffer
    now: number
    hold: (reading: Reading) => void
  },
): Promise<Rendered> {
  const bytes = Buffer.isBuffer(body) ? bytesOf(body) : body
  const isWhole = !block && bytes.sizeBytes <= MAX_BLOCK_BYTES
  const about = { code, contentFormat, etag: etag ?? newEtag(), openedAt: now }
  const reading = new Reading(about, bytes)
  let isHeld = false
  try {
    if (isWhole) {
      const options = inOrder(
        etag && [OPTIONS.etag, etag],
        contentFormat === undefined ? undefined : [OPTIONS.contentFormat, contentFormat],
        maxAgeSeconds === undefined ? undefined : [OPTIONS.maxAge, maxAgeSeconds],
      )
      return { code: CODES[code], options, payload: await reading.read(0, bytes.sizeBytes) }
    }
    const { isMore, ...rendered } = await renderBlock(reading, block ?? FIRST_BLOCK)
    isHeld = isMore
    if (isHeld) hold(reading)
    return rendered
  } finally {
    if (!isHeld) reading.done()
  }
}

/** Options in the order they stand in a message; undefined ones are left out. */
export const inOrder = (...options: (NewOption | undefined)[]): NewOption[] =>
  options.filter((option) => option !== undefined).sort(([a], [b]) => a - b)

const bytesOf = (buffer: Buffer): CoapBytes => ({
  sizeBytes: buffer.length,
  read: async (start, end) => buffer.subarray(start, end),
  release: () => {},
})
