import * as disk from 'node:fs/promises'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../test-bench.test-helper.ts'
import { ReleaseFolders, releaseId } from './release-folders.ts'
import { onTrial, type Running, settleTrial } from './trial.ts'

const never = new AbortController().signal

async function foldersWith(...active: string[]) {
  const folder = await temporaryFolder()
  const folders = new ReleaseFolders({ disk, folder, reserveBytes: 0 })
  await folders.wakeUp()
  for (const version of active) {
    await folders.begin(await built(folders, version))
    await folders.confirm()
  }
  return folders
}

const built = (folders: ReleaseFolders, version: string) =>
  folders.build(
    { id: releaseId({ title: 'app', version, content: '' }), title: 'app', version, bytes: 10 },
    (folder) => writeFile(join(folder, 'main.js'), version),
  )

/** Writes down what runs; what is wrong with a release is told by version. */
function runner(wrong: Readonly<Record<string, string>> = {}, broken: readonly string[] = []) {
  const told: (string | null)[] = []
  const running: Running = {
    switchTo: async (release) => {
      told.push(release?.version ?? null)
      if (release && broken.includes(release.version)) throw new Error('no such port')
    },
    check: async ({ version }) => wrong[version] ?? null,
  }
  return { told, running }
}

test('a release that is well is confirmed', async () => {
  const folders = await foldersWith('1')
  const { told, running } = runner()
  const phases: string[] = []
  const result = await onTrial({
    folders,
    running,
    release: await built(folders, '2'),
    signal: never,
    onPhase: (phase) => phases.push(phase),
  })
  expect(result).toEqual({ kind: 'updated', because: null })
  expect(folders.pointer.active?.version).toBe('2')
  expect(told).toEqual(['2'])
  expect(phases).toEqual(['switching', 'trial'])
})

test.each([
  ['is not well', runner({ 2: 'the scale is gone' }), 'the scale is gone'],
  ['cannot be started', runner({}, ['2']), 'no such port'],
  [
    'is not well, when the old one does not start any more either',
    runner({ 2: 'the scale is gone' }, ['1']),
    'the scale is gone; and what ran before does not start again: no such port',
  ],
])('a release that %s makes room for the one before', async (_, { told, running }, because) => {
  const folders = await foldersWith('1')
  const release = await built(folders, '2')
  const result = await onTrial({ folders, running, release, signal: never })
  expect(result).toEqual({ kind: 'rolled-back', because })
  expect(folders.pointer).toMatchObject({ active: { version: '1' }, trial: null })
  expect(told).toEqual(['2', '1'])
})

test('a trial that the end of the program cuts off is decided at the next start: it has not passed', async () => {
  const folders = await foldersWith('1')
  const stop = new AbortController()
  const { told, running } = runner()
  const check = async () => {
    stop.abort(new Error('the end'))
    return null
  }
  const ends: Running = { ...running, check }
  const release = await built(folders, '2')
  await expect(onTrial({ folders, running: ends, release, signal: stop.signal })).rejects.toThrow(
    'the end',
  )
  expect(folders.pointer).toMatchObject({ active: { version: '1' }, trial: { version: '2' } })
  await settleTrial({ folders, running })
  expect(folders.pointer).toMatchObject({ active: { version: '1' }, trial: null })
  expect(folders.pointer.history[0]?.because).toBe('the trial was cut off')
  expect(told).toEqual(['2', '1'])
})

test('without one before, nothing runs after a trial that is not passed', async () => {
  const folders = await foldersWith()
  const { told, running } = runner({ 1: 'no' })
  await onTrial({ folders, running, release: await built(folders, '1'), signal: never })
  expect(told).toEqual(['1', null])
  expect(folders.pointer.active).toBeNull()
})

test('a release that is not whole is not started', async () => {
  const folders = await foldersWith('1')
  const release = await built(folders, '2')
  await writeFile(join(folders.path(release), 'main.js'), 'other')
  const { told, running } = runner()
  await expect(onTrial({ folders, running, release, signal: never })).rejects.toThrow(
    'main.js is not what it was',
  )
  expect(told).toEqual([])
})
