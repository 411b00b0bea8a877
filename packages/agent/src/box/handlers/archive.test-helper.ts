/** Archives for tests, byte by byte, so that they can lie. */
import { crc32, deflateRawSync } from 'node:zlib'

export interface Packed {
  readonly path: string
  readonly content: string | Buffer
  /** The mode of Unix: 0o120777 for a symbolic link. */
  readonly mode?: number
  readonly isEncrypted?: boolean
  /** What it says of itself, where that is not so. */
  readonly saysCrc?: number
  readonly saysBytes?: number
}

export const archiveOf = (files: Readonly<Record<string, string>>): Buffer =>
  archiveWith(Object.entries(files).map(([path, content]) => ({ path, content })))

export function archiveWith(files: readonly Packed[]): Buffer {
  const local: Buffer[] = []
  const central: Buffer[] = []
  let offset = 0
  for (const { path, content, mode = 0o100644, isEncrypted, saysCrc, saysBytes } of files) {
    const name = Buffer.from(path)
    const plain = Buffer.from(content as string)
    const data = deflateRawSync(plain)
    const about = Buffer.alloc(26)
    about.writeUInt16LE(20, 0)
    about.writeUInt16LE((isEncrypted ? 1 : 0) | 0x800, 2)
    about.writeUInt16LE(8, 4)
    about.writeUInt16LE(33, 8)
    about.writeUInt32LE(saysCrc ?? crc32(plain), 10)
    about.writeUInt32LE(data.length, 14)
    about.writeUInt32LE(saysBytes ?? plain.length, 18)
    about.writeUInt16LE(name.length, 22)
    local.push(Buffer.from('PK\x03\x04'), about, name, data)
    const more = Buffer.alloc(14)
    more.writeUInt32LE((mode << 16) >>> 0, 6)
    more.writeUInt32LE(offset, 10)
    central.push(Buffer.from('PK\x01\x02'), Buffer.from([20, 3]), about, more, name)
    offset += 30 + name.length + data.length
  }
  const list = Buffer.concat(central)
  const end = Buffer.alloc(18)
  end.writeUInt16LE(files.length, 4)
  end.writeUInt16LE(files.length, 6)
  end.writeUInt32LE(list.length, 8)
  end.writeUInt32LE(offset, 12)
  return Buffer.concat([...local, list, Buffer.from('PK\x05\x06'), end])
}
