/** The raw body of a request, for who may stop reading it half-way. */
import type { FastifyRequest } from 'fastify'
import { bodyOf } from '../transports/byte-request.ts'

/** A client that goes on sending what nobody wants is cut off after this. */
const DISCARD_FOR_MS = 30_000

/**
 * Gives the body's bytes to `read`. What `read` leaves when it refuses is taken in and dropped: most clients look
 * for an answer only when all is sent, and a connection cut before would take the answer with it.
 */
export async function readBytes<T>(
  request: FastifyRequest,
  read: (bytes: AsyncIterable<Uint8Array>) => Promise<T>,
): Promise<T> {
  const body = request.raw
  try {
    return await read(bodyOf(body))
  } catch (error) {
    const giveUp = setTimeout(() => body.destroy(), DISCARD_FOR_MS).unref()
    body.once('close', () => clearTimeout(giveUp))
    body.once('error', () => {})
    body.resume()
    throw error
  }
}
