// What both servers answer with, and both loads expect.

export const CHUNK = Buffer.alloc(16_384, 7)
export const CHUNK_TOPIC = 'v2/fw/response/1/chunk/0'
export const PUSH_TOPIC = 'v1/devices/me/attributes'
export const PUSH = Buffer.from(
  JSON.stringify({
    fw_title: 'app',
    fw_version: '2.0.0',
    fw_size: 1_000_000,
    fw_checksum_algorithm: 'SHA256',
    fw_checksum: 'ab'.repeat(32),
  }),
)

/** Length of a message of quality 0 before version 5. */
export const messageBytes = (topic: string, payload: Buffer): number => {
  const remaining = 2 + topic.length + payload.length
  return 1 + (remaining < 128 ? 1 : remaining < 16_384 ? 2 : 3) + remaining
}
