import type { ByteSource } from './byte-reply.ts'

/** Bytes that can be read by position, whoever keeps them. */
export type Bytes = Pick<ByteSource, 'sizeBytes' | 'read' | 'stream' | 'release'>

/** Those bytes as something to answer with. `name` stands for just these bytes: it becomes the ETag. */
export const byteSource = (
  bytes: Bytes,
  {
    name,
    contentType = 'application/octet-stream',
    fileName,
  }: { name: string; contentType?: string; fileName?: string },
): ByteSource => ({
  sizeBytes: bytes.sizeBytes,
  etag: `"${name}"`,
  contentType,
  fileName,
  read: (start, end) => bytes.read(start, end),
  stream: (start, end) => bytes.stream(start, end),
  release: () => bytes.release(),
})
