import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { DomainError } from '@updraft/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { fromBuffer } from 'yauzl'
import { ZipFile } from 'yazl'
import type { HandlerArchives } from '../app/ports.ts'
import { handlerArchives } from './handler-archives.ts'

const stored = new Map<string, Buffer>()
let opened = 0
let released = 0
let archives: HandlerArchives

beforeEach(() => {
  stored.clear()
  opened = 0
  released = 0
  archives = handlerArchives({
    artifacts: {
      open: async (sha256) => {
        const bytes = stored.get(sha256)
        if (!bytes) throw new DomainError('artifact.unknown', 'No such file is stored.')
        opened += 1
        return {
          sha256,
          sizeBytes: bytes.length,
          read: async (start, end) => bytes.subarray(start, end),
          async *stream() {},
          release: () => {
            released += 1
          },
        }
      },
    },
  })
})

interface Made {
  readonly mtime?: Date
  readonly mode?: number
  readonly compress?: boolean
}

async function zipOf(files: Readonly<Record<string, string>>, how: Made = {}): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [path, text] of Object.entries(files)) zip.addBuffer(Buffer.from(text), path, how)
  zip.end()
  const pieces: Buffer[] = []
  for await (const piece of Readable.from(zip.outputStream)) pieces.push(piece)
  return Buffer.concat(pieces)
}

const keep = (bytes: Buffer): string => {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  stored.set(sha256, bytes)
  return sha256
}

const pathsIn = (archive: Buffer): Promise<string[]> =>
  new Promise((resolve, reject) => {
    const paths: string[] = []
    fromBuffer(archive, {}, (error, zip) => {
      if (error) return reject(error)
      zip.on('entry', ({ fileName }) => paths.push(fileName))
      zip.on('end', () => resolve(paths))
    })
  })

const GOOD = {
  'interfaces/usb.py': 'usb',
  'drivers/scale_W.py': 'windows',
  'drivers/scale_L.py': 'linux',
  'drivers/printer.py': 'both',
  'lib/tool.so': 'lib',
}

test('boxes of each system are given what is theirs, in one order', async () => {
  const sha256 = keep(await zipOf(GOOD))
  expect(await pathsIn((await archives.of(sha256, 'L')).bytes)).toEqual([
    'drivers/printer.py',
    'drivers/scale_L.py',
    'interfaces/usb.py',
    'lib/tool.so',
  ])
  expect(await pathsIn((await archives.of(sha256, 'W')).bytes)).toEqual([
    'drivers/printer.py',
    'drivers/scale_W.py',
    'interfaces/usb.py',
    'lib/tool.so',
  ])
})

test('the same files are the same bytes, however and whenever they were packed', async () => {
  const reversed = Object.fromEntries(Object.entries(GOOD).toReversed())
  const late = { mtime: new Date(2030, 1, 1), mode: 0o100755, compress: false }
  const one = await archives.of(keep(await zipOf(GOOD)), 'L')
  const other = await archives.of(keep(await zipOf(reversed, late)), 'L')
  expect(other.bytes.equals(one.bytes)).toBe(true)
  expect(other.digest).toBe(one.digest)
  const changed = await archives.of(keep(await zipOf({ ...GOOD, 'lib/tool.so': 'x' })), 'L')
  expect(changed.digest).not.toBe(one.digest)
})

test('what is packed is kept, and whoever asks meanwhile waits for the same', async () => {
  const sha256 = keep(await zipOf(GOOD))
  const [one, other] = await Promise.all([archives.of(sha256, 'L'), archives.of(sha256, 'L')])
  expect(other).toBe(one)
  stored.clear()
  expect(await archives.of(sha256, 'L')).toBe(one)
  expect([opened, released]).toEqual([1, 1])
})

test('what could not be read is tried again', async () => {
  const bytes = await zipOf(GOOD)
  const sha256 = keep(bytes)
  stored.clear()
  await expect(archives.of(sha256, 'L')).rejects.toThrow('No such file')
  keep(bytes)
  expect((await archives.of(sha256, 'L')).bytes.length).toBeGreaterThan(0)
})

describe('is refused with the reason, and given back', () => {
  const altered = async (change: (bytes: Buffer) => Buffer) => change(await zipOf(GOOD))
  /** Both in the file's own header and in the list at the end; of the same length. */
  const renamed = (from: string, to: string) =>
    altered((bytes) => Buffer.from(bytes.toString('latin1').replaceAll(from, to), 'latin1'))

  const bomb = async (saidBytes: number) => {
    const bytes = await zipOf({ 'drivers/a.py': '\0'.repeat(1_000_000) })
    const size = Buffer.alloc(4)
    size.writeUInt32LE(1_000_000)
    for (let at = bytes.indexOf(size); at >= 0; at = bytes.indexOf(size, at + 1)) {
      bytes.writeUInt32LE(saidBytes, at)
    }
    return bytes
  }

  test.each<[string, () => Promise<Buffer>, string]>([
    ['an error page', async () => Buffer.from('<html>Bad gateway</html>'), 'cannot be read'],
    ['one that is cut off', () => altered((bytes) => bytes.subarray(0, -40)), 'cannot be read'],
    ['nothing at all', async () => Buffer.from(' '), 'cannot be read'],
    ['a way out', () => renamed('drivers/printer.py', 'drivers/../../p.py'), 'relative path'],
    ['a backslash', () => renamed('drivers/printer.py', 'drivers\\printer.py'), 'cannot be read'],
    [
      'a path from the root',
      () => renamed('drivers/printer.py', '/rivers/printer.py'),
      'absolute path',
    ],
    ['another folder', () => renamed('lib/', 'bin/'), 'outside of drivers/'],
    [
      'a symbolic link',
      () => zipOf({ 'drivers/x': '/etc/passwd' }, { mode: 0o120777 }),
      'symbolic link',
    ],
    [
      'a byte that fell over',
      async () => {
        const bytes = await zipOf({ 'drivers/a.py': 'intact' }, { compress: false })
        bytes[bytes.indexOf('intact')] = 0x49
        return bytes
      },
      'checksum',
    ],
    ['a bomb that says how large it is', () => bomb(200_000_000), 'more than'],
    ['a bomb that says it is small', () => bomb(10), 'cannot be read'],
  ])('%s', async (_what, make, why) => {
    const sha256 = keep(await make())
    const refusal = await archives.check(sha256).catch((error: DomainError) => error)
    expect(refusal).toMatchObject({ code: 'handlers.invalid' })
    expect(refusal).toHaveProperty('message', expect.stringContaining(why))
    expect(released).toBe(opened)
  })
})
