/** What the layer does with what upstream has: brings it, tries it, keeps it or goes back, and says so. */
import * as disk from 'node:fs/promises'
import { readdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HurriedClock, temporaryFolder } from '../../test-bench.test-helper.ts'
import { Away } from '../../trouble.ts'
import { devicesBack } from '../image/health.ts'
import type { LayerProgress } from '../layer.ts'
import { type CodeDetails, type CodeLayerOptions, codeLayer } from './code-layer.ts'
import { FakeService, FakeUpstream } from './fake-upstream.test-helper.ts'

const NEVER = new AbortController().signal
const ONE = { 'main.js': 'one', 'web/index.html': '<p>one</p>' }
const TWO = { 'main.js': 'two', 'web/index.html': '<p>two</p>' }

test('the branch of the series is brought, tried and runs', async () => {
  const { layer, upstream, service, folder, phases } = await box()
  const commit = upstream.commit('saas-17.4', {
    ...ONE,
    'bin/run': '#!/bin/sh',
    'web/home': '-> index.html',
  })
  expect(await layer.update(of('saas~17.4'))).toEqual({ kind: 'updated', because: null })
  expect(layer.installed()).toEqual({ title: 'core', version: `saas-17.4#${commit.slice(0, 7)}` })
  const at = service.running?.folder ?? ''
  expect(at.startsWith(join(folder, 'releases'))).toBe(true)
  expect(await readFile(join(at, 'web/index.html'), 'utf8')).toBe('<p>one</p>')
  expect(await readlink(join(at, 'web/home'))).toBe('index.html')
  expect((await stat(join(at, 'bin/run'))).mode & 0o111).toBe(0o111)
  expect((await stat(join(at, 'main.js'))).mode & 0o111).toBe(0)
  expect(details(layer)).toMatchObject({
    note: { commit, branch: 'saas-17.4', series: 'saas~17.4', from: 'upstream' },
    upstream: { url: 'https://git.example.com/core.git', isAhead: false, trouble: null },
  })
  expect([...new Set(phases)]).toEqual(['checking', 'verifying', 'writing', 'switching', 'trial'])
})

test('what runs already is not fetched, and nothing is started again', async () => {
  const { layer, upstream, service } = await box()
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  for (const isAsked of [false, true]) {
    expect(await layer.update(of('17.0', isAsked))).toEqual({ kind: 'unchanged', because: null })
  }
  expect([upstream.fetches, service.starts]).toEqual([1, [layer.installed()?.version]])
})

test('with the series the code changes, and the one before is there to go back to', async () => {
  const { layer, upstream, folder } = await box()
  upstream.commit('17.0', ONE)
  upstream.commit('18.0', TWO)
  await layer.update(of('17.0'))
  await layer.update(of('18.0'))
  expect(layer.status()).toMatchObject({
    active: { version: expect.stringMatching(/^18\.0#/) },
    previous: { version: expect.stringMatching(/^17\.0#/) },
    history: [{ kind: 'updated' }, { kind: 'updated' }],
  })
  expect(await readdir(join(folder, 'releases'))).toHaveLength(2)
})

test('a branch that upstream lacks is told in words, and nothing changes', async () => {
  const { layer, upstream, service } = await box()
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  const { version } = layer.installed() ?? {}
  expect(await layer.update(of('19.0'))).toEqual({
    kind: 'failed',
    because: `https://git.example.com/core.git has no branch 19.0; core ${version} runs on`,
  })
  expect(layer.installed()?.version).toBe(version)
  expect(service.starts).toHaveLength(1)
})

test('while upstream cannot be had the old runs and is told, why is told once, and it is tried again', async () => {
  const { layer, upstream, clock } = await box()
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  const before = layer.installed()
  upstream.commit('18.0', TWO)
  upstream.trouble = new Away('git.example.com cannot be reached.', { kind: 'network' })
  for (let hour = 1; hour <= 5; hour++) {
    expect((await layer.update(of('18.0'))).because).toContain('cannot be reached')
    expect(layer.installed()).toEqual(before)
    await clock.wait(layer.untilRetryMs())
  }
  expect(layer.status().history.map(({ kind }) => kind)).toEqual(['failed', 'updated'])
  expect(details(layer).upstream?.trouble).toBe('git.example.com cannot be reached.')
  upstream.trouble = null
  expect((await layer.update(of('18.0'))).kind).toBe('updated')
  expect(layer.untilRetryMs()).toBe(0)
  expect(details(layer).upstream?.trouble).toBeNull()
})

test('it does not ask again at once of itself, but when the series changes or somebody presses the button', async () => {
  const { layer, upstream } = await box()
  upstream.commit('17.0', ONE)
  await layer.look({ series: '17.0', signal: NEVER })
  upstream.trouble = new Away('no line', { kind: 'network' })
  await layer.update(of('17.0'))
  const looks = upstream.looks
  expect((await layer.update(of('17.0'))).because).toMatch(
    /^no line It is tried again in \d+ min\.$/,
  )
  expect(upstream.looks).toBe(looks)
  await layer.update(of('17.0', true))
  await layer.update(of('18.0'))
  expect(upstream.looks).toBe(looks + 2)
})

test('a commit that never holds is tried as often as is laid down, then the old runs; a good one after it gets in', async () => {
  const { layer, upstream, service, clock } = await box()
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  const good = layer.installed()?.version
  const bad = upstream.commit('17.0', TWO).slice(0, 7)
  service.endsWith = bad
  for (let hour = 1; hour <= 20; hour++) {
    await layer.update(of('17.0'))
    await clock.wait(6 * 3_600_000)
  }
  expect(service.starts.filter((version) => version.includes(bad))).toHaveLength(3)
  expect([service.running?.version, layer.installed()?.version]).toEqual([good, good])
  expect((await layer.update(of('17.0'))).because).toContain('was started 3 times')
  expect((await layer.update(of('17.0', true))).kind).toBe('rolled-back')
  expect(service.starts.filter((version) => version.includes(bad))).toHaveLength(4)
  const better = upstream.commit('17.0', { ...TWO, fix: 'it' }).slice(0, 7)
  expect((await layer.update(of('17.0'))).kind).toBe('updated')
  expect(layer.installed()?.version).toBe(`17.0#${better}`)
})

test('code says what it needs, and is not installed where that does not run', async () => {
  const { layer, upstream, service } = await box()
  upstream.commit('17.0', { ...ONE, 'updraft-box.json': '{"needs":{"image":">= 24.10"}}' })
  expect((await layer.update(of('17.0'))).because).toMatch(
    /^core 17\.0#\w+ is not installed: it needs image >= 24\.10, and here runs 24\.04$/,
  )
  upstream.commit('17.0', { ...ONE, 'updraft-box.json': '{"needs":{"image":">= 24.04"}}' })
  expect((await layer.update(of('17.0', true))).kind).toBe('updated')
  expect(service.starts).toHaveLength(1)
})

test.each([
  [{ 'a/../../b': 'x' }, 'does not stay in its folder'],
  [{ '/etc/passwd': 'x' }, 'does not stay in its folder'],
  [{ '.git/config': 'x' }, 'does not stay in its folder'],
  [{ 'a\\..\\b': 'x' }, 'does not stay in its folder'],
  [{ a: 'x', 'a/b': 'y' }, 'is a file and a folder'],
  [{ a: '-> /etc/passwd' }, 'leads out'],
  [{ 'a/b': '-> ../../c' }, 'leads out'],
  [{ 'a/b': '-> c/../../../d' }, 'leads out'],
  [{ a: '-> b', 'a/c': 'x' }, 'is a file and a folder'],
  [{ '.complete': 'x' }, 'is a name of ours'],
  [{ '.updraft-code.json': '{}' }, 'is a name of ours'],
  [{ 'updraft-box.json': 'nonsense' }, 'cannot be read'],
  [{ 'updraft-box.json': '{"service":"node main.js"}' }, 'no list'],
])('a tree such as %j is refused in words', async (files, because) => {
  const { layer, upstream, folder, service } = await box()
  upstream.commit('17.0', files)
  const result = await layer.update(of('17.0'))
  expect([result.kind, result.because]).toEqual(['failed', expect.stringContaining(because)])
  expect(await readdir(join(folder, 'releases'))).toEqual([])
  expect(service.starts).toEqual([])
})

test('by hand it goes back to the one before, and what was left does not come of itself', async () => {
  const { layer, upstream, clock } = await box()
  expect((await layer.rollBack(NEVER)).because).toContain('no release of the code to go back to')
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  const one = layer.installed()?.version
  upstream.commit('17.0', TWO)
  await layer.update(of('17.0'))
  const two = layer.installed()?.version
  expect((await layer.rollBack(NEVER)).kind).toBe('rolled-back')
  expect(layer.installed()?.version).toBe(one)
  await clock.wait(86_400_000)
  expect((await layer.update(of('17.0'))).because).toContain('Somebody went back')
  expect(layer.installed()?.version).toBe(one)
  await layer.update(of('17.0', true))
  expect(layer.installed()?.version).toBe(two)
  await layer.rollBack(NEVER)
  upstream.commit('17.0', { three: '3' })
  expect((await layer.update(of('17.0'))).kind).toBe('updated')
})

test('a second update for the same joins; one for another series comes after', async () => {
  const { layer, upstream, service } = await box()
  const one = upstream.commit('17.0', ONE).slice(0, 7)
  const two = upstream.commit('18.0', TWO).slice(0, 7)
  const updates = await Promise.all([
    ...[layer.update(of('17.0')), layer.update(of('17.0')), layer.update(of('18.0'))],
  ])
  expect(updates.map(({ kind }) => kind)).toEqual(['updated', 'updated', 'updated'])
  expect(upstream.fetches).toBe(2)
  expect(service.starts).toEqual([`17.0#${one}`, `18.0#${two}`])
})

test('a branch that moves on while it is fetched brings what is there then', async () => {
  const { layer, upstream } = await box()
  upstream.commit('17.0', ONE)
  let moved = ''
  upstream.meanwhile = async () => {
    moved = upstream.commit('17.0', TWO)
  }
  await layer.update(of('17.0'))
  expect(details(layer).note?.commit).toBe(moved)
})

test('a pinned branch is followed whatever the series', async () => {
  const { layer, upstream } = await box({ branch: 'till-branch' })
  upstream.commit('till-branch', ONE)
  expect((await layer.update(of(null))).kind).toBe('updated')
})

test('without a series nothing is guessed', async () => {
  const { layer, upstream } = await box()
  upstream.commit('master', ONE)
  expect((await layer.update(of(null))).because).toContain('not said which series')
})

test('a box that takes none says why, and what to do instead', async () => {
  const refusal = { because: 'This is a virtual box.', instead: 'Install it anew.' }
  const { layer, upstream } = await box({ refusal })
  upstream.commit('17.0', ONE)
  expect((await layer.update(of('17.0', true))).because).toBe(
    'This is a virtual box. Install it anew.',
  )
  expect(layer.status().refusal).toEqual(refusal)
  expect(upstream.looks).toBe(0)
})

test('a check that held before the switch and does not hold after it brings the old back', async () => {
  let isThere = true
  let meanwhile: typeof FakeService.prototype.switchTo
  const { layer, upstream, service } = await box({
    checks: [devicesBack(async () => (isThere ? ['scale'] : []))],
  })
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  upstream.commit('17.0', TWO)
  upstream.meanwhile = async () => {
    meanwhile = service.switchTo.bind(service)
    service.switchTo = async (release) => {
      isThere = release?.version === layer.installed()?.version
      await meanwhile(release)
    }
  }
  expect(await layer.update(of('17.0'))).toEqual({
    kind: 'rolled-back',
    because: 'the devices: missing since the update: scale',
  })
  expect(service.running?.version).toBe(layer.installed()?.version)
})

test('a release that was damaged is built anew when somebody presses the button', async () => {
  const { layer, upstream, service } = await box()
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  await writeFile(join(service.running?.folder ?? '', 'main.js'), 'spoilt')
  expect((await layer.update(of('17.0', true))).kind).toBe('updated')
  expect(await readFile(join(service.running?.folder ?? '', 'main.js'), 'utf8')).toBe('one')
})

test('too little room is told with numbers, and the old runs on', async () => {
  const { layer, upstream, service } = await box({ reserveBytes: 1e15 })
  upstream.commit('17.0', ONE)
  expect((await layer.update(of('17.0'))).because).toMatch(/out of space: needs [\d.]+ MiB, has/)
  expect([upstream.fetches, service.starts]).toEqual([0, []])
})

test('after a start the active release runs again', async () => {
  const { layer, upstream, options } = await box()
  upstream.commit('17.0', ONE)
  await layer.update(of('17.0'))
  const service = new FakeService(() => 0)
  const next = codeLayer({ ...options, service })
  await next.wakeUp(NEVER)
  expect(service.starts).toEqual([layer.installed()?.version])
  expect(details(next).note?.branch).toBe('17.0')
})

const of = (series: string | null, isAsked = false) => ({ series, isAsked, signal: NEVER })

const details = (layer: { status(): { details: unknown } }): CodeDetails =>
  layer.status().details as CodeDetails

async function box(more: Partial<CodeLayerOptions> = {}) {
  const folder = join(await temporaryFolder(), 'code')
  const clock = new HurriedClock()
  const upstream = new FakeUpstream()
  const service = new FakeService(() => clock.nowMs())
  const phases: string[] = []
  const options: CodeLayerOptions = {
    disk,
    folder,
    upstream,
    service,
    runs: (type) => (type === 'image' ? { title: 'image', version: '24.04' } : null),
    environment: {},
    platform: 'linux',
    clock,
    wallMs: () => Date.parse('2026-11-21T12:00:00Z') + clock.nowMs(),
    random: () => 0.5,
    reserveBytes: 0,
    onProgress: ({ phase }: LayerProgress) => phases.push(phase),
    ...more,
  }
  const layer = codeLayer(options)
  await layer.wakeUp(NEVER)
  return { layer, upstream, service, folder, clock, phases, options }
}
