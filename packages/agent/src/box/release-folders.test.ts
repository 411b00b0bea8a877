import * as disk from 'node:fs/promises'
import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../test-bench.test-helper.ts'
import type { LayerRelease } from './layer.ts'
import { ReleaseFolders, type ReleaseFoldersOptions, releaseId } from './release-folders.ts'

const HOUR_MS = 3_600_000

async function startedFolders(options: Partial<ReleaseFoldersOptions> = {}) {
  const folder = options.folder ?? (await temporaryFolder())
  const folders = new ReleaseFolders({ disk, reserveBytes: 0, ...options, folder })
  const woken = await folders.wakeUp()
  return { folder, folders, woken }
}

const about = (version: string, bytes = 100) => ({
  id: releaseId({ title: 'Drivers', version, content: version }),
  title: 'Drivers',
  version,
  bytes,
})

const built = (folders: ReleaseFolders, version: string): Promise<LayerRelease> =>
  folders.build(about(version), async (folder) => {
    await mkdir(join(folder, 'drivers/deep'), { recursive: true })
    await writeFile(join(folder, 'drivers/deep/a.py'), `version ${version}`)
    await writeFile(join(folder, 'drivers/b.py'), 'the same always')
  })

async function active(folders: ReleaseFolders, version: string): Promise<LayerRelease> {
  const release = await built(folders, version)
  await folders.begin(release)
  await folders.confirm()
  return release
}

const names = async (folder: string) => (await readdir(join(folder, 'releases'))).sort()
const versions = ({ pointer: { active, previous, trial } }: ReleaseFolders) =>
  [active, previous, trial].map((release) => release?.version ?? null)

describe('the folders of releases', () => {
  test('keep what is active, what was before, and no more', async () => {
    const { folder, folders, woken } = await startedFolders()
    expect(woken).toEqual({ trial: null, lost: null })
    for (const version of ['1', '2', '3']) await active(folders, version)
    expect(versions(folders)).toEqual(['3', '2', null])
    expect(await names(folder)).toEqual([about('2').id, about('3').id].sort())
    const later = await startedFolders({ folder })
    expect(versions(later.folders)).toEqual(['3', '2', null])
    expect(
      later.folders.pointer.history.map(({ kind, release }) => [kind, release?.version]),
    ).toEqual([
      ['updated', '3'],
      ['updated', '2'],
      ['updated', '1'],
    ])
  })

  test('list each file with its hash', async () => {
    const { folders } = await startedFolders()
    const listing = await folders.listing(await built(folders, '1'))
    expect(listing.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['drivers/b.py', 15],
      ['drivers/deep/a.py', 9],
    ])
    expect(listing[0]?.sha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test('have what was active as before when a trial goes back, and keep the other for who wants to look', async () => {
    const { folder, folders } = await startedFolders()
    await active(folders, '1')
    await folders.begin(await built(folders, '2'))
    expect(versions(folders)).toEqual(['1', null, '2'])
    await folders.goBack('it has no devices')
    expect(versions(folders)).toEqual(['1', null, null])
    expect(await names(folder)).toHaveLength(2)
    expect(folders.pointer.history[0]).toMatchObject({
      kind: 'rolled-back',
      release: { title: 'Drivers', version: '2' },
      because: 'it has no devices',
    })
  })

  test('swap active and previous by a trial of the previous one', async () => {
    const { folders } = await startedFolders()
    await active(folders, '1')
    await active(folders, '2')
    const { previous } = folders.pointer
    await folders.begin(previous as LayerRelease)
    await folders.confirm('rolled-back')
    expect(versions(folders)).toEqual(['1', '2', null])
  })

  test('say after a start which trial was cut off', async () => {
    const { folder, folders } = await startedFolders()
    await active(folders, '1')
    await folders.begin(await built(folders, '2'))
    const later = await startedFolders({ folder })
    expect(later.woken.trial?.version).toBe('2')
  })

  test('do not build twice what is there as a whole', async () => {
    const { folders } = await startedFolders()
    const release = await built(folders, '1')
    const again = await folders.build(about('1'), () => Promise.reject(new Error('not again')))
    expect(again.id).toBe(release.id)
  })

  test('leave nothing of a release that could not be built', async () => {
    const { folder, folders } = await startedFolders()
    await expect(
      folders.build(about('1'), async (at) => {
        await writeFile(join(at, 'half'), 'x')
        throw new Error('the archive ends early')
      }),
    ).rejects.toThrow('the archive ends early')
    expect(await names(folder)).toEqual([])
  })

  test('remove at the start what was never finished, and nothing else', async () => {
    const { folder, folders } = await startedFolders()
    await active(folders, '1')
    await built(folders, '2')
    await mkdir(join(folder, 'releases/drivers-3-abc.part/drivers'), { recursive: true })
    await mkdir(join(folder, 'releases/drivers-4-abc/drivers'), { recursive: true })
    await writeFile(join(folder, 'releases/stray'), 'x')
    await startedFolders({ folder })
    expect(await names(folder)).toEqual([about('1').id, about('2').id].sort())
  })

  test('refuse with numbers what does not fit', async () => {
    const { folders } = await startedFolders({ reserveBytes: 1_048_576 })
    const { bavail, bsize } = await statfs('/tmp')
    const bytes = bavail * bsize * 2
    await expect(folders.build(about('1', bytes), async () => {})).rejects.toThrow(
      /^out of space: needs \d+\.\d MiB, has \d+\.\d MiB$/,
    )
  })

  test('say that the disk is full when it becomes so meanwhile', async () => {
    const { folder, folders } = await startedFolders()
    await expect(
      folders.build(about('1'), async () => {
        throw Object.assign(new Error('no space left'), { code: 'ENOSPC' })
      }),
    ).rejects.toThrow(/^out of space/)
    expect(await names(folder)).toEqual([])
  })
})

describe('a release that is no longer what it was', () => {
  test.each([
    ['is missing', (file: string) => rm(file)],
    ['is not what it was', (file: string) => writeFile(file, 'version 9')],
    ['is not what it was', (file: string) => writeFile(file, '')],
  ])('is not active any more: a file %s', async (what, damage) => {
    const { folder, folders } = await startedFolders()
    await active(folders, '1')
    const second = await active(folders, '2')
    await damage(join(folders.path(second), 'drivers/deep/a.py'))
    const later = await startedFolders({ folder })
    expect(later.woken.lost).toMatchObject({ because: `drivers/deep/a.py ${what}` })
    expect(versions(later.folders)).toEqual(['1', null, null])
    expect(later.folders.pointer.history[0]).toMatchObject({
      kind: 'rolled-back',
      because: `drivers/deep/a.py ${what}`,
    })
    // The same release can come once more, and is built anew.
    await active(later.folders, '2')
    expect(versions(later.folders)).toEqual(['2', '1', null])
  })

  test('leaves nothing active when the one before is damaged as well', async () => {
    const { folder, folders } = await startedFolders()
    const first = await active(folders, '1')
    const second = await active(folders, '2')
    for (const release of [first, second]) await rm(join(folders.path(release), '.complete'))
    const later = await startedFolders({ folder })
    expect(later.woken.lost?.because).toBe('it is not there as a whole')
    expect(versions(later.folders)).toEqual([null, null, null])
  })

  test('cannot be begun', async () => {
    const { folders } = await startedFolders()
    const release = await built(folders, '1')
    await rm(join(folders.path(release), 'drivers/b.py'))
    await expect(folders.begin(release)).rejects.toThrow('Drivers 1: drivers/b.py is missing')
    expect(versions(folders)).toEqual([null, null, null])
  })

  test('may have more in its folder than it came with', async () => {
    const { folders } = await startedFolders()
    const release = await built(folders, '1')
    await writeFile(join(folders.path(release), 'drivers/left.behind'), 'x')
    expect(await folders.trouble(release)).toBeNull()
  })
})

describe('a release that does not hold', () => {
  test('is refused after three starts, over restarts, until somebody asks for it', async () => {
    const { folder, folders } = await startedFolders()
    const release = await built(folders, '2')
    for (let start = 1; start <= 3; start++) {
      expect(folders.refusal(release)?.waitMs).not.toBeNull()
      await folders.begin(release)
      await folders.goBack('scale.py: no port')
    }
    const later = await startedFolders({ folder })
    expect(later.folders.refusal(release)).toEqual({
      because: 'Drivers 2 was started 3 times and did not hold. The last time: scale.py: no port',
      waitMs: null,
    })
    expect(later.folders.refusal(await built(later.folders, '3'))).toBeNull()
    await later.folders.forgive(release)
    expect(later.folders.refusal(release)).toBeNull()
  })

  test('rests longer after each failure, as long as nobody asks', async () => {
    let nowMs = Date.parse('2026-11-21T12:00Z')
    const { folders } = await startedFolders({
      wallMs: () => nowMs,
      maxStarts: 5,
      backOff: { baseMs: HOUR_MS, capMs: 3 * HOUR_MS },
    })
    const release = await built(folders, '2')
    const waits: (number | null | undefined)[] = []
    for (let start = 1; start <= 3; start++) {
      await folders.begin(release)
      await folders.goBack('no')
      const refusal = folders.refusal(release)
      waits.push(refusal?.waitMs)
      nowMs += refusal?.waitMs ?? 0
      expect(folders.refusal(release)).toBeNull()
    }
    expect(waits).toEqual([HOUR_MS, 2 * HOUR_MS, 3 * HOUR_MS])
    // A clock that is back in 1970 makes it no longer.
    nowMs = 0
    expect(folders.refusal(release)?.waitMs).toBe(3 * HOUR_MS)
  })

  test('does not rest for having been cut off, but that counts', async () => {
    const { folders } = await startedFolders()
    const release = await built(folders, '2')
    for (let start = 1; start <= 3; start++) {
      expect(folders.refusal(release)).toBeNull()
      await folders.begin(release)
      await folders.goBack('the trial was cut off', { isCutOff: true })
    }
    expect(folders.refusal(release)?.because).toBe(
      'Drivers 2 was started 3 times and did not hold.',
    )
  })

  test('is forgotten once it holds', async () => {
    const { folders } = await startedFolders()
    const release = await built(folders, '2')
    await folders.begin(release)
    await folders.goBack('no')
    await folders.begin(release)
    await folders.confirm()
    expect(folders.pointer.attempts).toEqual([])
  })
})

test('the history keeps the latest fifty, and no book for a reason', async () => {
  const { folder, folders } = await startedFolders()
  for (let n = 1; n <= 55; n++) {
    await folders.record({ kind: 'failed', release: null, because: `${'x'.repeat(5_000)} ${n}` })
  }
  const { history } = (await startedFolders({ folder })).folders.pointer
  expect(history).toHaveLength(50)
  expect(history[0]?.because).toMatch(/^…x+ 55$/)
  expect(history[0]?.because?.length).toBe(1_000)
})

test.each([
  ['Drivers', '1.0', /^drivers-1\.0-[0-9a-f]{12}$/],
  ['con', '../../etc', /^con-etc-[0-9a-f]{12}$/],
  ['Häuser & Söhne.x', 'V 2.', /^h-user-s-hne-x-v-2-[0-9a-f]{12}$/],
  ['', '', /^[0-9a-f]{12}$/],
  ['x'.repeat(300), 'y'.repeat(300), /^x{40}-y{40}-[0-9a-f]{12}$/],
])('the folder of %s %s is named so that every file system takes it', (title, version, name) => {
  expect(releaseId({ title, version, content: 'a' })).toMatch(name)
  expect(releaseId({ title, version, content: 'a' })).not.toBe(
    releaseId({ title, version, content: 'b' }),
  )
})
