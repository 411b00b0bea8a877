/** The bytes of a request's body, for uploads that are too large to be held. */
import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'

/**
 * The body piece by piece. A piece is good only until the next one is pulled: its memory is freed then, for left to
 * the garbage collector an upload would pile up tens of MiB. Whoever stops before the end can still answer: the
 * connection stays open. Throws what broke the request off, if something did.
 */
export async function* bodyOf(request: IncomingMessage): AsyncIterable<Uint8Array> {
  const isFromWire = request.socket instanceof Socket
  for await (const piece of request.iterator({ destroyOnReturn: false })) {
    const bytes: Buffer = piece
    yield bytes
    // Node's parser copies each piece into memory of its own. From elsewhere, as in a test, it may be somebody's.
    if (isFromWire && bytes.byteLength === bytes.buffer.byteLength)
      (bytes.buffer as ArrayBuffer).transfer(0)
  }
}
