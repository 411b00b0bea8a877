import { createHash } from 'node:crypto'
import { CHECKSUM_ALGORITHMS, type ChecksumAlgorithm } from '@updraft/core'
import { describe, expect, test } from 'vitest'
import { seeded } from '../../../../tools/chance.ts'
import { startChecksum } from './checksums.ts'

/** docs/dialects/thingsboard.md, "Checksums": these were verified against ThingsBoard's own client. */
const VECTORS: Record<string, [bytes: Buffer, Partial<Record<ChecksumAlgorithm, string>>]> = {
  'the text 123456789': [
    Buffer.from('123456789'),
    {
      CRC32: '2639f4cb',
      MURMUR3_32: '82f3feb4',
      MURMUR3_128: 'a4cc66db5e64843c05a11e3ac7faf899',
      MD5: '25f9e794323b453885f5181f1b624d0b',
    },
  ],
  'the text hello': [
    Buffer.from('hello'),
    {
      CRC32: '86a61036',
      MURMUR3_32: '47fa8b24',
      MURMUR3_128: '029bbd41b3a7d8cb191dae486a901e5b',
      MD5: '5d41402abc4b2a76b9719d911017c592',
    },
  ],
  'ten zero bytes': [
    Buffer.alloc(10),
    {
      CRC32: '76688ae3',
      MURMUR3_32: '1b7e2120',
      MURMUR3_128: '16ce578c4f683d5b46119394ef3ba61b',
      MD5: 'a63c90cc3684ad8b0a2176a6a8fe9005',
    },
  ],
  'all 256 bytes': [
    Buffer.from(Uint8Array.from({ length: 256 }, (_, index) => index)),
    {
      CRC32: '738c0529',
      MURMUR3_32: '560e0ae4',
      MURMUR3_128: 'b9126fdc13c3991c1ecc34ab7f07d670',
      MD5: 'e2c865db4162bed963bfaa9ef6ac18f0',
    },
  ],
}

describe.each(Object.entries(VECTORS))('%s', (_name, [bytes, expected]) => {
  test.each(Object.entries(expected))('has the published %s', (algorithm, hex) => {
    expect(inPieces(algorithm as ChecksumAlgorithm, [bytes])).toBe(hex)
  })

  test.each([
    ['SHA256', 'sha256'],
    ['SHA384', 'sha384'],
    ['SHA512', 'sha512'],
  ] as const)('has the ordinary %s', (algorithm, name) => {
    expect(inPieces(algorithm, [bytes])).toBe(createHash(name).update(bytes).digest('hex'))
  })
})

describe.each(CHECKSUM_ALGORITHMS)('%s', (algorithm) => {
  const random = seeded(20261121)
  const bytes = Buffer.from(Uint8Array.from({ length: 1021 }, () => random() * 256))

  test.each([1, 2, 3, 4, 7, 15, 16, 17, 64, 1000])('is the same in pieces of %i bytes', (size) => {
    const pieces = []
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size))
    expect(inPieces(algorithm, pieces)).toBe(inPieces(algorithm, [bytes]))
  })

  test('is the same however the bytes are cut, for every length up to 70', () => {
    for (let length = 0; length <= 70; length++) {
      const whole = bytes.subarray(0, length)
      const pieces = []
      for (let at = 0; at < length; ) {
        const size = Math.floor(random() * 20)
        pieces.push(whole.subarray(at, at + size))
        at += size
      }
      expect(inPieces(algorithm, pieces)).toBe(inPieces(algorithm, [whole]))
    }
  })

  test('does not mind bytes that start at an odd address', () => {
    const shifted = Buffer.alloc(bytes.length + 3)
    bytes.copy(shifted, 3)
    expect(inPieces(algorithm, [shifted.subarray(3)])).toBe(inPieces(algorithm, [bytes]))
  })
})

test('The 128-bit MurmurHash3 agrees with the plain BigInt spelling of its definition', () => {
  const random = seeded(7)
  for (let length = 0; length < 200; length++) {
    const bytes = Buffer.from(
      Uint8Array.from({ length }, () => (random() < 0.3 ? 0xff : random() * 256)),
    )
    expect(inPieces('MURMUR3_128', [bytes])).toBe(plainMurmur128(bytes))
  }
})

function inPieces(algorithm: ChecksumAlgorithm, pieces: Uint8Array[]): string {
  const checksum = startChecksum(algorithm)
  for (const piece of pieces) checksum.update(piece)
  return checksum.hex()
}

function plainMurmur128(bytes: Buffer): string {
  const c1 = 0x87c37b91114253d5n
  const c2 = 0x4cf5ad432745937fn
  const cut = (word: bigint) => BigInt.asUintN(64, word)
  const rotate = (word: bigint, bits: bigint) => cut((word << bits) | (word >> (64n - bits)))
  const finish = (word: bigint) => {
    let mixed = cut((word ^ (word >> 33n)) * 0xff51afd7ed558ccdn)
    mixed = cut((mixed ^ (mixed >> 33n)) * 0xc4ceb9fe1a85ec53n)
    return mixed ^ (mixed >> 33n)
  }
  const padded = Buffer.concat([bytes, Buffer.alloc(16)])
  const wholeBlocks = Math.floor(bytes.length / 16)
  let one = 0n
  let two = 0n
  for (let block = 0; block < wholeBlocks; block++) {
    one ^= cut(rotate(cut(padded.readBigUInt64LE(block * 16) * c1), 31n) * c2)
    one = cut((rotate(one, 27n) + two) * 5n + 0x52dce729n)
    two ^= cut(rotate(cut(padded.readBigUInt64LE(block * 16 + 8) * c2), 33n) * c1)
    two = cut((rotate(two, 31n) + one) * 5n + 0x38495ab5n)
  }
  one ^= cut(rotate(cut(padded.readBigUInt64LE(wholeBlocks * 16) * c1), 31n) * c2)
  two ^= cut(rotate(cut(padded.readBigUInt64LE(wholeBlocks * 16 + 8) * c2), 33n) * c1)
  one ^= BigInt(bytes.length)
  two ^= BigInt(bytes.length)
  one = cut(one + two)
  two = cut(two + one)
  one = finish(one)
  two = finish(two)
  one = cut(one + two)
  two = cut(two + one)
  const result = Buffer.alloc(16)
  result.writeBigUInt64LE(one, 0)
  result.writeBigUInt64LE(two, 8)
  return result.toString('hex')
}
