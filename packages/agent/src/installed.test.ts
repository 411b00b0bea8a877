import * as disk from 'node:fs/promises'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type AskInstalled, InstalledVersions, parseInstalled } from './installed.ts'
import { silentLog } from './log.ts'
import { HurriedClock, OLD, temporaryFolder } from './test-bench.test-helper.ts'

const NEW = { firmware: { title: 'app', version: '1.1.0' } }

const versions = (folder: string, given = OLD, ask: AskInstalled | null = null) =>
  new InstalledVersions({ disk, folder, given, ask, clock: new HurriedClock(), log: silentLog })

test.each([
  ['1.2.3\n', 'firmware', { firmware: { title: null, version: '1.2.3' } }],
  ['my@app@1.2.3', 'firmware', { firmware: { title: 'my@app', version: '1.2.3' } }],
  [
    'firmware=app@1\nsoftware=maps@2\n',
    undefined,
    { firmware: { title: 'app', version: '1' }, software: { title: 'maps', version: '2' } },
  ],
  [
    '{"firmware":{"title":"app","version":"1"}}',
    undefined,
    { firmware: { title: 'app', version: '1' } },
  ],
])('%j is read', (text, onlyType, expected) => {
  expect(parseInstalled(text, onlyType)).toEqual(expected)
})

test.each([
  ['', 'firmware', 'it says nothing'],
  ['1.2.3', undefined, '"1.2.3" names no component type (TYPE=TITLE@VERSION)'],
  ['firmware=app@', undefined, '"firmware=app@" names no version (TYPE=TITLE@VERSION)'],
])('%j is refused', (text, onlyType, message) => {
  expect(() => parseInstalled(text, onlyType)).toThrow(message)
})

test('settings that stay the same are outdone by an update; settings that change are believed', async () => {
  const folder = await temporaryFolder()
  const first = versions(folder)
  const given = await first.wakeUp({})
  expect(given).toEqual(OLD)
  await first.becomes('firmware', NEW.firmware)

  const second = versions(folder)
  expect(await second.wakeUp(given)).toBe(given)
  expect(second.current).toEqual(NEW)

  const third = versions(folder, { firmware: { title: 'app', version: '2.0.0' } })
  await third.wakeUp(given)
  expect(third.of('firmware')?.version).toBe('2.0.0')
})

test('the program that is asked wins, and the title it leaves out is the one known', async () => {
  const folder = await temporaryFolder()
  const asked = versions(folder, OLD, async () => ({ firmware: { title: null, version: '1.1.0' } }))
  await asked.wakeUp({})
  expect(asked.current).toEqual(NEW)
  expect(asked.runs({ type: 'firmware', title: 'renamed', version: '1.1.0' })).toBe(true)
  expect(asked.runs({ type: 'firmware', title: 'app', version: '1.0.0' })).toBe(false)
})

test('a program that does not answer is asked five times, then the file counts and the trouble is known', async () => {
  let asked = 0
  const dumb = versions(await temporaryFolder(), OLD, async () => {
    asked += 1
    throw new Error('no bus')
  })
  await dumb.wakeUp({})
  expect([asked, dumb.trouble, dumb.current]).toEqual([5, 'no bus', OLD])
})

test('an unreadable installed.json does not hide what the settings say', async () => {
  const folder = await temporaryFolder()
  await writeFile(join(folder, 'installed.json'), '{"firmware":')
  const mended = versions(folder)
  await mended.wakeUp({})
  expect(mended.current).toEqual(OLD)
  expect(JSON.parse(await readFile(join(folder, 'installed.json'), 'utf8'))).toEqual(OLD)
})
