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
  // Whole, with what they take besides the range: memory that is used again costs nobody a collection.
  read: (...range) => bytes.read(...range),
  stream: (...range) => bytes.stream(...range),
  release: () => bytes.release(),
})
