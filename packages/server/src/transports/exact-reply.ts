/**
 * Answers for clients that look for headers and bodies as text: headers spelled as they are written here, the length
 * always told, and the connection closed after the answer, for which some wait.
 */
import type { FastifyReply } from 'fastify'

export function replyExactly(
  reply: FastifyReply,
  {
    status = 200,
    contentType,
    etag,
    body,
  }: { status?: number; contentType: string; etag?: string; body: string | Uint8Array },
): void {
  reply.hijack()
  if (reply.raw.destroyed) return
  reply.raw.writeHead(status, [
    'Content-Type',
    contentType,
    'Content-Length',
    String(Buffer.byteLength(body)),
    'Connection',
    'close',
    ...(etag === undefined ? [] : ['ETag', `"${etag}"`]),
  ])
  reply.raw.end(reply.request.method === 'HEAD' ? undefined : body)
}
