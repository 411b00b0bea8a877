import * as disk from 'node:fs/promises'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BoxPlatform, DomainError, HANDLER_LIMITS } from '@updraft/core'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import { archiveOf, archiveWith } from './archive.test-helper.ts'
import { openArchive } from './archive.ts'

const GOOD = {
  'drivers/printer.py': 'both',
  'drivers/scale_L.py': 'linux',
  'drivers/scale_W.py': 'windows',
  'drivers/deep/helper.py': 'helps',
  'interfaces/usb': 'a program',
  'lib/tool_W.py': 'lib',
}

async function unpacked(archive: Buffer, platform: BoxPlatform = 'L') {
  const folder = await temporaryFolder()
  const opened = await openArchive(archive, platform)
  try {
    await opened.unpack(disk, folder)
  } finally {
    opened.close()
  }
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
  return { folder, paths: paths.map((path) => path.slice(folder.length + 1)).sort() }
}

test('what is meant for this system is unpacked, and a program can be run', async () => {
  const { folder, paths } = await unpacked(archiveOf(GOOD))
  expect(paths).toEqual([
    'drivers/deep/helper.py',
    'drivers/printer.py',
    'drivers/scale_L.py',
    'interfaces/usb',
    'lib/tool_W.py',
  ])
  expect(await readFile(join(folder, 'drivers/scale_L.py'), 'utf8')).toBe('linux')
  expect((await stat(join(folder, 'interfaces/usb'))).mode & 0o111).not.toBe(0)
  expect((await stat(join(folder, 'drivers/printer.py'))).mode & 0o111).toBe(0)
  expect((await unpacked(archiveOf(GOOD), 'W')).paths).toContain('drivers/scale_W.py')
})

describe('is refused with the reason', () => {
  const a = { path: 'drivers/a.py', content: 'a' }
  const large = Buffer.alloc(1_000_000)

  test.each<[string, Buffer, string]>([
    [
      'an error page that came with 200',
      Buffer.from('<!DOCTYPE html><html>502</html>'),
      'web page',
    ],
    ['an empty file', Buffer.alloc(0), 'cannot be read'],
    ['something else', Buffer.from('nothing of the kind'), 'cannot be read'],
    ['a truncated archive', archiveOf(GOOD).subarray(0, -30), 'cannot be read'],
    ['an archive without its start', archiveOf(GOOD).subarray(40), 'cannot be read'],
    [
      'a path that leaves',
      archiveWith([a, { path: 'drivers/../../x', content: '' }]),
      'invalid relative path',
    ],
    ['a path from the root', archiveWith([a, { path: '/etc/x', content: '' }]), 'absolute path'],
    [
      'a path of Windows',
      archiveWith([a, { path: 'drivers\\x', content: '' }]),
      'invalid characters',
    ],
    ['a drive of Windows', archiveWith([a, { path: 'C:/x', content: '' }]), 'absolute path'],
    ['a path with nothing in it', archiveWith([a, { path: 'lib//x', content: '' }]), 'stay within'],
    ['a symbolic link', archiveWith([a, { path: 'lib/x', content: '/', mode: 0o120777 }]), 'link'],
    ['a device', archiveWith([a, { path: 'lib/x', content: '', mode: 0o020666 }]), 'no plain file'],
    ['an encrypted file', archiveWith([{ ...a, isEncrypted: true }]), 'encrypted'],
    ['another folder', archiveWith([a, { path: 'etc/x', content: '' }]), 'outside of'],
    ['a mark of ours', archiveWith([a, { path: '.complete', content: '' }]), 'outside of'],
    ['the same file twice', archiveWith([a, { ...a, content: 'b' }]), 'twice'],
    ['the same but for capitals', archiveWith([a, { ...a, path: 'drivers/A.py' }]), 'twice'],
    [
      'a file that is a folder as well',
      archiveWith([a, { ...a, path: 'lib/x' }, { ...a, path: 'lib/X/y' }]),
      'both a file and a folder',
    ],
    ['a wrong checksum', archiveWith([{ ...a, saysCrc: 1 }]), 'its checksum is another'],
    ['one that grows', archiveWith([{ ...a, content: large, saysBytes: 10 }]), 'cannot be read'],
    ['one that shrinks', archiveWith([{ ...a, saysBytes: 1_000 }]), 'cannot be read'],
    [
      'one that says it is too large',
      archiveWith([{ ...a, saysBytes: HANDLER_LIMITS.unpackedBytes + 1 }]),
      'more than',
    ],
    [
      'too many files',
      archiveWith(
        Array.from({ length: HANDLER_LIMITS.entries + 1 }, (_, n) => ({ ...a, path: `lib/${n}` })),
      ),
      'more than 10000 files',
    ],
    ['libraries only', archiveWith([{ ...a, path: 'lib/a.py' }]), 'no file in drivers/'],
    ['nothing for this system', archiveWith([{ ...a, path: 'drivers/a_W.py' }]), 'for Linux'],
    ['helpers only', archiveWith([{ ...a, path: 'drivers/deep/a.py' }]), 'no handler'],
  ])('%s', async (_, archive, because) => {
    const refusal = await unpacked(archive).then(
      () => null,
      (error) => error,
    )
    expect(refusal).toBeInstanceOf(DomainError)
    expect(refusal.code).toBe('handlers.invalid')
    expect(refusal.message).toContain(because)
  })

  test('a bomb whose size is told right, before any of it is written', async () => {
    const huge = Buffer.alloc(HANDLER_LIMITS.unpackedBytes / 4)
    const archive = archiveWith(
      ['a', 'b', 'c', 'd', 'e'].map((name) => ({ path: `drivers/${name}.py`, content: huge })),
    )
    expect(archive.length).toBeLessThan(1_000_000)
    await expect(openArchive(archive, 'L')).rejects.toThrow(/more than 134217728/)
  })
})
