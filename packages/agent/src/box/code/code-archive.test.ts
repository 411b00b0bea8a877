/** Code that comes as a file from the configured server. */
import { execFileSync } from 'node:child_process'
import * as disk from 'node:fs/promises'
import { readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { HurriedClock, temporaryFolder } from '../../test-bench.test-helper.ts'
import { archiveWith } from '../handlers/archive.test-helper.ts'
import { codeLayer } from './code-layer.ts'
import { FakeService } from './fake-upstream.test-helper.ts'
import { Repository } from './git-server.test-helper.ts'
import { tarOf, tarred } from './tar.test-helper.ts'

const LONG = `${'deep/'.repeat(30)}file.js`
const FILES = {
  'main.js': 'one',
  'web/index.html': '<p>one</p>',
  'web/home': { link: 'index.html' },
  'bin/run': { executable: '#!/bin/sh' },
  [LONG]: 'far down',
} as const

test.each([
  ['tar.gz', []],
  ['tar.gz', ['--prefix=core-17.0/']],
  ['zip', []],
  ['zip', ['--prefix=core-17.0/']],
] as const)('what git makes of a commit is installed: %s %j', async (format, more) => {
  const repository = await Repository.make()
  const commit = await repository.commit(FILES)
  const archive = execFileSync('git', [
    ...['-C', repository.bare, 'archive', `--format=${format}`, ...more, '17.0'],
  ])
  const { install, service, layer } = await box()
  expect(await install(archive)).toEqual({ kind: 'done' })
  const at = service.running?.folder ?? ''
  expect(await readFile(join(at, LONG), 'utf8')).toBe('far down')
  expect(await readFile(join(at, 'web/index.html'), 'utf8')).toBe('<p>one</p>')
  expect(await readlink(join(at, 'web/home'))).toBe('index.html')
  expect((await stat(join(at, 'bin/run'))).mode & 0o111).toBe(0o111)
  expect(layer.installed()).toEqual({ title: 'core', version: '17.0.1' })
  const noted = format === 'zip' ? null : commit
  expect(layer.status().details).toMatchObject({ note: { from: 'server', commit: noted } })
})

test('the same once more changes nothing', async () => {
  const { install, service } = await box()
  await install(tarred([{ path: 'main.js', text: 'one' }]))
  expect(await install(tarred([{ path: 'main.js', text: 'one' }]))).toEqual({ kind: 'done' })
  expect(service.starts).toHaveLength(1)
})

test('one that does not hold is taken back, and the server hears why', async () => {
  const { install, service, layer } = await box()
  await install(tarred([{ path: 'main.js', text: 'one' }]), '17.0.1')
  service.endsWith = '17.0.2'
  expect(await install(tarred([{ path: 'main.js', text: 'two' }]), '17.0.2')).toEqual({
    kind: 'failed',
    error: 'it ended by itself: exit code 1',
  })
  expect([service.running?.version, layer.installed()?.version]).toEqual(['17.0.1', '17.0.1'])
})

const plain = { path: 'main.js', text: 'one' }
test.each([
  ['a path that leads out', tarred([plain, { path: '../x' }]), 'does not stay'],
  ['a path from the top', tarred([plain, { path: '/etc/x' }]), 'does not stay'],
  ['a link that leads out', tarred([plain, { path: 'x', type: '2', target: '/etc' }]), 'leads out'],
  [
    'a file beyond a link',
    tarred([plain, { path: 'x', type: '2', target: '.' }, { path: 'x/y' }]),
    'is a file and a folder',
  ],
  ['another name of a file', tarred([plain, { path: 'x', type: '1' }]), 'neither a file nor'],
  ['a device', tarred([plain, { path: 'x', type: '3' }]), 'neither a file nor'],
  ['the same file twice', tarred([plain, plain]), 'listed twice'],
  ['half an archive', tarred([plain]).subarray(0, 40), 'cannot be read'],
  ['a file longer than the archive', tarred([{ ...plain, saysBytes: 9_999_999 }]), 'ends early'],
  ['a heading that was changed', gzipSync(tarOf([plain]).fill(7, 0, 3)), 'another checksum'],
  ['a page of HTML', Buffer.from('<!doctype html><p>Log in'), 'it is a web page'],
  ['nothing', Buffer.alloc(0), 'neither a .tar.gz nor a .zip'],
  ['a zip that leads out', zip([{ path: '../x', content: 'x' }]), 'cannot be read'],
  [
    'a zip with a link that leads out',
    zip([{ path: 'x', content: '../..', mode: 0o120777 }]),
    'out',
  ],
  ['a zip with a device', zip([{ path: 'x', content: '', mode: 0o060644 }]), 'neither a file nor'],
  ['a zip that holds something else', zip([{ path: 'x', content: 'x', saysCrc: 1 }]), 'checksum'],
  ['a zip that swells', zip([{ path: 'x', content: 'x'.repeat(9999), saysBytes: 1 }]), 'cannot be'],
])('%s is refused in words, and what ran runs on', async (_, archive, because) => {
  const { install, service, layer } = await box()
  await install(tarred([plain]), '17.0.0')
  const { kind, error } = (await install(archive)) as { kind: string; error?: string }
  expect([kind, error]).toEqual(['failed', expect.stringContaining(because)])
  expect(service.starts).toEqual(['17.0.0'])
  expect(layer.installed()?.version).toBe('17.0.0')
})

test('spoilt anywhere, an archive installs nothing', async () => {
  const whole = tarred([plain, { path: 'web/long', text: 'x'.repeat(3_000) }, { path: 'a/b' }])
  const { install, layer } = await box()
  for (let at = 10; at < whole.length - 8; at += 3) {
    const spoilt = Buffer.from(whole)
    spoilt[at] = (spoilt[at] ?? 0) ^ 0xff
    expect((await install(spoilt)).kind, `at ${at}`).toBe('failed')
  }
  expect(layer.installed()).toBeNull()
})

function zip(files: Parameters<typeof archiveWith>[0]): Buffer {
  return archiveWith([{ path: 'main.js', content: 'one' }, ...files])
}

async function box() {
  const folder = await temporaryFolder()
  const clock = new HurriedClock()
  const service = new FakeService(() => clock.nowMs())
  const layer = codeLayer({
    disk,
    folder: join(folder, 'code'),
    upstream: null,
    service,
    runs: () => null,
    environment: {},
    platform: 'linux',
    clock,
    random: () => 0,
    reserveBytes: 0,
  })
  await layer.wakeUp(new AbortController().signal)
  const file = join(folder, 'artifact')
  const install = async (archive: Buffer, version = '17.0.1') => {
    await writeFile(file, archive)
    const sizeBytes = archive.length
    return await layer.installer.install({
      file,
      release: { operation: 'op', type: 'code', title: 'core', version, sizeBytes },
      previous: null,
      remember: async () => {},
    })
  }
  return { layer, service, install }
}
