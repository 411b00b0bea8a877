/** A `.tar.gz` for tests, byte by byte, so that it can lie. */
import { gzipSync } from 'node:zlib'

export interface Tarred {
  readonly path: string
  readonly text?: string
  readonly mode?: number
  /** `2`: a link, `1`: another name of a file, `3`: a device, … */
  readonly type?: string
  readonly target?: string
  /** What it says of itself, where that is not so. */
  readonly saysBytes?: number
}

export const tarred = (files: readonly Tarred[]): Buffer => gzipSync(tarOf(files))

export function tarOf(files: readonly Tarred[]): Buffer {
  const blocks = files.flatMap(
    ({ path, text = '', mode = 0o644, type = '0', target = '', saysBytes }) => {
      const header = Buffer.alloc(512)
      header.write(path, 0, 100)
      header.write(`${mode.toString(8).padStart(7, '0')}\0`, 100)
      header.write(`${(saysBytes ?? Buffer.byteLength(text)).toString(8).padStart(11, '0')}\0`, 124)
      header.write('        ', 148)
      header.write(type, 156)
      header.write(target, 157, 100)
      header.write('ustar\0', 257)
      header.write(
        `${header
          .reduce((sum, byte) => sum + byte, 0)
          .toString(8)
          .padStart(6, '0')}\0 `,
        148,
      )
      const bytes = Buffer.from(text)
      return [header, bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]
    },
  )
  return Buffer.concat([...blocks, Buffer.alloc(1024)])
}
