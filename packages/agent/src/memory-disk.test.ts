import { describe, expect, test } from 'vitest'
import { syncFolder } from './disk.ts'
import { diskFull, MemoryDisk } from './memory-disk.ts'

/** What is forgotten is drawn: everything, or nothing of it. */
const ALL = () => 0.9
const SOME = () => 0.1

async function write(medium: MemoryDisk, path: string, text: string, isSynced = true) {
  const file = await medium.disk.open(path, 'w')
  await file.write(Buffer.from(text), 0, text.length, 0)
  if (isSynced) await file.sync()
}

/** A folder with one file, both on the medium. */
async function withFolder() {
  const medium = new MemoryDisk(() => {})
  await medium.disk.mkdir('/a')
  await write(medium, '/a/file', 'old')
  for (const folder of ['/', '/a']) await syncFolder(medium.disk, folder)
  return medium
}

describe('when the power goes, a disk in memory', () => {
  test('keeps what was synced', async () => {
    const medium = await withFolder()
    medium.cutPower(ALL)
    expect(medium.text('/a/file')).toBe('old')
  })

  test('loses a folder with all that was synced in it, when its own name was not', async () => {
    const medium = await withFolder()
    await medium.disk.mkdir('/b/c', { recursive: true })
    await write(medium, '/b/c/file', 'new')
    for (const folder of ['/b', '/b/c']) await syncFolder(medium.disk, folder)
    medium.cutPower(ALL)
    expect(await medium.disk.readdir('/')).toEqual(['a'])
  })

  test('may undo the move of a folder, and never has it in two places', async () => {
    for (const [random, place] of [
      [ALL, 'a'],
      [SOME, 'b'],
    ] as const) {
      const medium = await withFolder()
      await medium.disk.rename('/a', '/b')
      expect(medium.text('/b/file')).toBe('old')
      // Drawn by name: the new one comes to the medium, the old one goes from it.
      let draws = 0
      medium.cutPower(() => (draws++ === 0 && place === 'a' ? 0.1 : random()))
      expect(await medium.disk.readdir('/')).toHaveLength(1)
    }
  })

  test('has moved a folder for good once the folders around it are synced', async () => {
    const medium = await withFolder()
    await medium.disk.rename('/a', '/b')
    await syncFolder(medium.disk, '/')
    medium.cutPower(ALL)
    expect(medium.text('/b/file')).toBe('old')
    expect(await medium.disk.readdir('/')).toEqual(['b'])
  })

  test('gives back what was removed, as long as that was not synced', async () => {
    const medium = await withFolder()
    await medium.disk.rm('/a', { recursive: true })
    medium.cutPower(ALL)
    expect(medium.text('/a/file')).toBe('old')
  })

  test('never spoils bytes that were synced and not touched since', async () => {
    for (const fate of [0.1, 0.5, 0.7, 0.9]) {
      const medium = await withFolder()
      const file = await medium.disk.open('/a/file', 'r+')
      await file.write(Buffer.from('new'), 0, 3, 3)
      medium.cutPower(() => fate)
      expect(medium.text('/a/file')?.slice(0, 3)).toBe('old')
    }
  })

  test('keeps everything when only the program ended', async () => {
    const medium = await withFolder()
    await medium.disk.mkdir('/b')
    await write(medium, '/b/file', 'new', false)
    medium.writeOut()
    medium.cutPower(ALL)
    expect(medium.text('/b/file')).toBe('new')
  })
})

test('a disk in memory is full when a test says so', async () => {
  let writes = 0
  const medium = new MemoryDisk((what) => {
    if (what === 'write' && ++writes === 2) throw diskFull()
  })
  await write(medium, '/one', 'x')
  await expect(write(medium, '/two', 'x')).rejects.toMatchObject({ code: 'ENOSPC' })
  expect(medium.text('/two')).toBe('')
})

test.each([
  ['ENOENT', (medium: MemoryDisk) => medium.disk.open('/no/file', 'w')],
  ['ENOENT', (medium: MemoryDisk) => medium.disk.readdir('/no')],
  ['ENOENT', (medium: MemoryDisk) => medium.disk.mkdir('/no/folder')],
  ['ENOENT', (medium: MemoryDisk) => medium.disk.rename('/no', '/b')],
  ['EEXIST', (medium: MemoryDisk) => medium.disk.mkdir('/a')],
  ['EEXIST', (medium: MemoryDisk) => medium.disk.open('/a/file', 'wx')],
  ['EISDIR', (medium: MemoryDisk) => medium.disk.readFile('/a')],
  ['ENOTDIR', (medium: MemoryDisk) => medium.disk.readdir('/a/file')],
])('a disk in memory says %s where a real one does', async (code, act) => {
  await expect(act(await withFolder())).rejects.toMatchObject({ code })
})
