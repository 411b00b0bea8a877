/** Whether a file is what was announced. The bytes are read back from the disk: those are what gets installed. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type Murmur3, murmur3x64, murmur3x86 } from '@updraft/core'
import type { Disk } from './disk.ts'
import { UpdateFailed, WrongBytes } from './trouble.ts'
import type { Offer } from './uplink.ts'

interface Sum {
  update(piece: Buffer): void
  /** Lower-case hex. */
  digest(): string
}

const READ_BYTES = 262_144

/** Spelled as ThingsBoard spells them (docs/dialects/thingsboard.md, "Checksums"); SHA1 is what older servers of hawkBit have. */
const SUMS: Readonly<Record<string, () => Sum>> = {
  MD5: () => byHash('md5'),
  SHA256: () => byHash('sha256'),
  SHA384: () => byHash('sha384'),
  SHA512: () => byHash('sha512'),
  SHA1: () => byHash('sha1'),
  CRC32: () => {
    let value = 0
    return {
      update: (piece) => {
        value = crc32(piece, value)
      },
      digest: () => littleEndianHex(value),
    }
  },
  MURMUR3_32: () => byMurmur(murmur3x86()),
  MURMUR3_128: () => byMurmur(murmur3x64()),
}

/** Refuses an offer whose bytes could not be checked, before they are fetched. */
export function refuseUncheckable({ checksum }: Offer, isUncheckedAllowed: boolean): void {
  if (checksum && !sumFor(checksum.algorithm)) {
    throw new UpdateFailed(
      `cannot check ${checksum.algorithm}: this agent knows ${Object.keys(SUMS).join(', ')}`,
    )
  }
  if (!checksum && !isUncheckedAllowed) {
    throw new UpdateFailed(
      'the offer carries no checksum, and this agent installs nothing unchecked',
    )
  }
}

/** Throws WrongBytes when the file has another length or checksum than the offer says. */
export async function verify(
  disk: Disk,
  path: string,
  offer: Offer,
  signal: AbortSignal,
): Promise<void> {
  const sum = offer.checksum ? sumFor(offer.checksum.algorithm) : undefined
  const file = await disk.open(path, 'r')
  let length = 0
  try {
    const buffer = Buffer.allocUnsafe(READ_BYTES)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES, length)
      signal.throwIfAborted()
      if (bytesRead === 0) break
      sum?.update(buffer.subarray(0, bytesRead))
      length += bytesRead
    }
  } finally {
    await file.close()
  }
  if (offer.sizeBytes !== null && length !== offer.sizeBytes) {
    throw new WrongBytes(`wrong length: ${length} bytes came, ${offer.sizeBytes} were announced`)
  }
  const found = sum?.digest()
  const { value, isExact } = offer.checksum ?? {}
  const announced = isExact ? value : value?.toLowerCase()
  if (found !== announced) {
    throw new WrongBytes(
      `wrong ${offer.checksum?.algorithm}: the file has ${found}, announced was ${announced}`,
    )
  }
}

const sumFor = (algorithm: string): Sum | undefined =>
  SUMS[algorithm.toUpperCase().replace(/^SHA-/, 'SHA')]?.()

function byHash(name: string): Sum {
  const hash = createHash(name)
  return { update: (piece) => void hash.update(piece), digest: () => hash.digest('hex') }
}

const byMurmur = (hash: Murmur3): Sum => ({
  update: (piece) => hash.update(piece),
  digest: () => hash.digest().toString('hex'),
})

function littleEndianHex(value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value >>> 0)
  return bytes.toString('hex')
}
