/** An object of a bucket as an artifact is read: small ranges through shared blocks, large ones as they come. */
import { setTimeout as pause } from 'node:timers/promises'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import { DomainError } from '@updraft/core'
import type { ArtifactHandle } from '../app/ports.ts'
import type { Shelf } from './hot-blocks.ts'
import type { S3Place } from './s3-upload.ts'

/** One request fetches so much: many small reads of one device, and of all that fetch the same. */
export const BLOCK_BYTES = 512 * 1024
/** How often a stream that broke off is taken up without a byte in between. */
const MAX_TRIES = 4
const FIRST_PAUSE_MS = 250

export interface S3Object {
  readonly place: S3Place
  readonly key: string
  readonly sha256: string
  readonly sizeBytes: number
  readonly shelf: Shelf
  readonly refuse: (error: unknown) => unknown
}

export function s3Handle({
  place,
  key,
  sha256,
  sizeBytes,
  shelf,
  refuse,
}: S3Object): ArtifactHandle {
  const get = async (start: number, end: number): Promise<AsyncIterable<Buffer>> => {
    try {
      const { Body } = await place.client.send(
        new GetObjectCommand({
          Bucket: place.bucket,
          Key: key,
          Range: `bytes=${start}-${end - 1}`,
        }),
      )
      return Body as unknown as AsyncIterable<Buffer>
    } catch (error) {
      throw refuse(error)
    }
  }

  /** Goes on where it broke off; S3 may close a line that a slow device keeps waiting. */
  async function* stream(start: number, end: number): AsyncGenerator<Buffer> {
    let at = start
    for (let tries = 1; at < end; tries += 1) {
      try {
        for await (const piece of await get(at, end)) {
          at += piece.length
          tries = 1
          yield piece
        }
        if (at < end)
          throw new DomainError('artifact-store.away', 'S3 ended a file before its end.')
      } catch (error) {
        const refusal = refuse(error)
        const isPassing =
          refusal instanceof DomainError &&
          refusal.code === 'artifact-store.away' &&
          tries < MAX_TRIES
        if (!isPassing) throw refusal
        await pause(FIRST_PAUSE_MS * 2 ** tries)
      }
    }
  }

  const fill = async (memory: Buffer, start: number, end: number): Promise<Buffer> => {
    let at = 0
    for await (const piece of stream(start, end)) {
      piece.copy(memory, at)
      at += piece.length
    }
    return memory.subarray(0, at)
  }

  return {
    sha256,
    sizeBytes,
    read: async (start, end) => {
      const bytes = Buffer.allocUnsafeSlow(end - start)
      if (bytes.length > 2 * BLOCK_BYTES) return fill(bytes, start, end)
      for (let at = start; at < end; ) {
        const index = Math.floor(at / BLOCK_BYTES)
        const begin = index * BLOCK_BYTES
        const block = await shelf.borrow(index, (memory) =>
          fill(memory, begin, Math.min(begin + BLOCK_BYTES, sizeBytes)),
        )
        at += block.bytes.copy(bytes, at - start, at - begin, Math.min(end - begin, BLOCK_BYTES))
        block.giveBack()
      }
      return bytes
    },
    stream,
    release: () => {},
  }
}
