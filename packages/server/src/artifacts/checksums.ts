/**
 * The seven checksums a release may be published with, computed while the bytes go by. Spelling and byte order
 * are those of docs/dialects/thingsboard.md, "Checksums": lower-case hex, zero-padded to the full length; the
 * 32-bit ones are written little-endian.
 */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type ChecksumAlgorithm, type Murmur3, murmur3x64, murmur3x86 } from '@updraft/core'

/** One checksum in the making: bytes in, in pieces of any size; `hex()` once, at the end. */
export interface RunningChecksum {
  update(bytes: Uint8Array): void
  hex(): string
}

const MAKERS: Record<ChecksumAlgorithm, () => RunningChecksum> = {
  MD5: () => digest('md5'),
  SHA256: () => digest('sha256'),
  SHA384: () => digest('sha384'),
  SHA512: () => digest('sha512'),
  CRC32: crc,
  MURMUR3_32: () => murmur(murmur3x86()),
  MURMUR3_128: () => murmur(murmur3x64()),
}

export const startChecksum = (algorithm: ChecksumAlgorithm): RunningChecksum => MAKERS[algorithm]()

function digest(name: string): RunningChecksum {
  const hash = createHash(name)
  return { update: (bytes) => void hash.update(bytes), hex: () => hash.digest('hex') }
}

function crc(): RunningChecksum {
  let value = 0
  return {
    update(bytes) {
      value = crc32(bytes, value)
    },
    hex() {
      const bytes = Buffer.alloc(4)
      bytes.writeUInt32LE(value)
      return bytes.toString('hex')
    },
  }
}

const murmur = (hash: Murmur3): RunningChecksum => ({
  update: (bytes) => hash.update(bytes),
  hex: () => hash.digest().toString('hex'),
})
