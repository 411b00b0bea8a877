/** Sets of handlers on a real disk, in real processes of Node and Python. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { InstallJob, InstallResult } from '../../installer.ts'
import { temporaryFolder } from '../../test-bench.test-helper.ts'
import type { LayerStatus } from '../layer.ts'
import { archiveOf } from './archive.test-helper.ts'
import {
  type HandlersDetails,
  type HandlersLayer,
  type HandlersLayerOptions,
  handlersLayer,
} from './handlers-layer.ts'
import { isThere } from './is-there.test-helper.ts'
import { processHosts } from './process-host.ts'

const never = new AbortController().signal

const SCALE = `
import { unit } from 'units'
export const pollSeconds = 0.1
export const devices = async () => [{ id: 'scale-1', name: 'Scale', type: 'scale', connection: 'usb', unit }]
`
const PRINTER = `
import sizes
def devices():
    print("looks for printers")
    return [{"id": "printer-1", "name": "Printer " + sizes.A4, "type": "printer"}]
`
const LAMP = '#!/bin/sh\necho \'{"says":"loaded"}\'\nexec sleep 1000\n'
const GOOD = {
  'drivers/printer.py': PRINTER,
  'drivers/lamp': LAMP,
  'interfaces/scale.mjs': SCALE,
  'lib/units.mjs': "export const unit = 'kg'",
  'lib/sizes.py': 'A4 = "A4"',
}

class Box {
  readonly layer: HandlersLayer
  readonly folder: string
  #files = 0

  private constructor(folder: string, layer: HandlersLayer) {
    this.folder = folder
    this.layer = layer
  }

  static async start(options: Partial<HandlersLayerOptions> = {}): Promise<Box> {
    const folder = options.folder ?? (await temporaryFolder())
    const layer = handlersLayer({
      startHost: processHosts({ environment: process.env, graceMs: 1_000 }),
      steadySeconds: 0.2,
      baselineSeconds: 20,
      reserveBytes: 0,
      ...options,
      folder: join(folder, 'handlers'),
    })
    await layer.wakeUp(never)
    onTestFinished(() => layer.stop())
    return new Box(folder, layer)
  }

  async load(version: string, archive: Record<string, string> | Buffer): Promise<InstallResult> {
    return await this.layer.installer.install(await this.job(version, archive))
  }

  async job(version: string, archive: Record<string, string> | Buffer): Promise<InstallJob> {
    this.#files += 1
    const file = join(this.folder, `${this.#files}.zip`)
    await writeFile(file, Buffer.isBuffer(archive) ? archive : archiveOf(archive))
    const release = {
      operation: version,
      type: 'handlers',
      title: 'Drivers',
      version,
      sizeBytes: 1,
    }
    return { file, release, previous: null, remember: async () => {} }
  }

  get status(): LayerStatus {
    return this.layer.status()
  }

  get states(): Record<string, string> {
    const { handlers } = this.status.details as HandlersDetails
    return Object.fromEntries(handlers.map(({ file, state }) => [file, state]))
  }

  handler(path: string) {
    return (this.status.details as HandlersDetails).handlers.find(({ file }) => file === path)
  }

  get devices(): string[] {
    const { handlers } = this.status.details as HandlersDetails
    return handlers.flatMap(({ devices }) => devices.map(({ id }) => id)).sort()
  }

  get active(): string | undefined {
    return this.status.active?.version
  }
}

describe('a set of handlers', () => {
  test('is loaded, each file in a process of its own, and tells its devices', async () => {
    const box = await Box.start()
    expect(box.layer.installed()).toBeNull()
    expect(await box.load('1', GOOD)).toEqual({ kind: 'done' })
    expect(box.layer.installed()).toEqual({ title: 'Drivers', version: '1' })
    expect(box.states).toEqual({
      'drivers/lamp': 'running',
      'drivers/printer.py': 'running',
      'interfaces/scale.mjs': 'running',
    })
    await expect.poll(() => box.devices).toEqual(['printer-1', 'scale-1'])
    expect(box.handler('drivers/printer.py')).toMatchObject({
      kind: 'driver',
      version: '1',
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
      error: null,
      devices: [{ id: 'printer-1', name: 'Printer A4', type: 'printer', connection: null }],
    })
  })

  test('of which one is broken is loaded without it when it is the first, and says why', async () => {
    const box = await Box.start()
    const broken = {
      ...GOOD,
      'drivers/broken.py': 'import nothing_of_the_kind\n',
      'drivers/wrong.mjs': 'export const other = 1',
      'drivers/typo.mjs': 'export const devices = () => [',
      'drivers/fell.mjs': 'export const devices = () => {\n  throw new Error("off the table")\n}',
      'drivers/dead': '#!/bin/sh\necho no port >&2\nexit 3\n',
    }
    expect(await box.load('1', broken)).toEqual({ kind: 'done' })
    expect(box.states).toMatchObject({
      'drivers/printer.py': 'running',
      'interfaces/scale.mjs': 'running',
      'drivers/broken.py': 'failed',
    })
    const errors = ['broken.py', 'wrong.mjs', 'typo.mjs', 'fell.mjs', 'dead'].map(
      (name) => box.handler(`drivers/${name}`)?.error,
    )
    expect(errors).toEqual([
      expect.stringMatching(
        /^ModuleNotFoundError: No module named 'nothing_of_the_kind' \(.*broken\.py, line 1\)$/,
      ),
      expect.stringContaining('exports neither devices() nor start()'),
      expect.stringMatching(/^SyntaxError: /),
      'Error: off the table (drivers/fell.mjs:2)',
      'ended with exit code 3: no port',
    ])
    // Nobody expects of the next set what did not work before.
    expect(await box.load('2', { ...broken, 'lib/more.py': '' })).toEqual({ kind: 'done' })
  })

  test('that brings nothing new is left as it is, and that is a result', async () => {
    const box = await Box.start()
    await box.load('1', GOOD)
    expect(await box.load('1', GOOD)).toEqual({ kind: 'done' })
    expect(await box.layer.nothingNew()).toEqual({ kind: 'unchanged', because: null })
    expect(box.status.history.map(({ kind }) => kind)).toEqual([
      'unchanged',
      'unchanged',
      'updated',
    ])
  })

  test('runs again after a start, without anybody asking', async () => {
    const box = await Box.start()
    await box.load('1', GOOD)
    await box.layer.stop()
    const later = await Box.start({ folder: box.folder })
    await expect.poll(() => later.devices).toEqual(['printer-1', 'scale-1'])
  })
})

describe('the set before comes back', () => {
  test('when a handler of the new one does not load, with its name and why', async () => {
    const box = await Box.start()
    await box.load('1', GOOD)
    const result = await box.load('2', {
      ...GOOD,
      'drivers/printer.py': 'raise OSError("no port")',
    })
    expect(result).toEqual({
      kind: 'failed',
      error: expect.stringMatching(/^drivers\/printer\.py: OSError: no port \(.*, line 1\)$/),
    })
    expect(box.active).toBe('1')
    expect(box.status.history[0]).toMatchObject({ kind: 'rolled-back', release: { version: '2' } })
    await expect.poll(() => box.devices).toEqual(['printer-1', 'scale-1'])
  })

  test('when a device is missing with the new one', async () => {
    const box = await Box.start({ baselineSeconds: 3 })
    await box.load('1', GOOD)
    await expect.poll(() => box.devices).toEqual(['printer-1', 'scale-1'])
    const { 'interfaces/scale.mjs': _, ...others } = GOOD
    expect(await box.load('2', others)).toEqual({
      kind: 'failed',
      error: 'missing since: scale Scale (scale-1), which interfaces/scale.mjs had (waited 3 s)',
    })
    expect(box.active).toBe('1')
  })

  test('but not when the new one says that they are to go', async () => {
    const box = await Box.start({ baselineSeconds: 3 })
    await box.load('1', GOOD)
    const { 'interfaces/scale.mjs': _, ...others } = GOOD
    const retired = { 'drivers/retired.txt': '# sold\ninterfaces/scale.mjs\n' }
    expect(await box.load('2', { ...others, ...retired })).toEqual({ kind: 'done' })
    expect(box.active).toBe('2')
  })

  test('when a handler of the new one never finishes loading', async () => {
    const box = await Box.start({ loadTimeoutSeconds: 3 })
    await box.load('1', { 'drivers/lamp': LAMP })
    const stuck = { 'drivers/lamp': '#!/bin/sh\nexec sleep 1000\n' }
    expect(await box.load('2', stuck)).toEqual({
      kind: 'failed',
      error: 'drivers/lamp: it has not loaded within 3 s',
    })
  })

  test('after a start, when a file of the new one was lost: the server hears what is there', async () => {
    const box = await Box.start()
    await box.load('1', GOOD)
    await box.load('2', { ...GOOD, 'lib/more.py': 'x' })
    const folder = join(box.folder, 'handlers/releases', box.status.active?.id ?? '')
    await box.layer.stop()
    await rm(join(folder, 'lib/more.py'))
    const later = await Box.start({ folder: box.folder })
    expect(later.layer.installed()).toEqual({ title: 'Drivers', version: '1' })
    expect(later.status.history[0]?.because).toBe('lib/more.py is missing')
    // It comes once more, whole.
    expect(await later.load('2', { ...GOOD, 'lib/more.py': 'x' })).toEqual({ kind: 'done' })
    expect(await readFile(join(folder, 'lib/more.py'), 'utf8')).toBe('x')
  })

  test('when somebody wants it, also without the devices of the newer one', async () => {
    const box = await Box.start()
    expect(await box.layer.rollBack(never)).toEqual({
      kind: 'failed',
      because: 'there is no previous set of handlers to go back to',
    })
    await box.load('1', { 'drivers/lamp': LAMP })
    await box.load('2', GOOD)
    await expect.poll(() => box.devices).toEqual(['printer-1', 'scale-1'])
    expect(await box.layer.rollBack(never)).toEqual({ kind: 'rolled-back', because: null })
    expect(box.active).toBe('1')
    expect(box.status.previous?.version).toBe('2')
    expect(box.states).toEqual({ 'drivers/lamp': 'running' })
    expect(box.status.history[0]).toMatchObject({
      kind: 'rolled-back',
      release: { version: '1' },
      because: 'somebody asked for it',
    })
  })
})

describe('an archive that is none', () => {
  test.each([
    ['an error page', Buffer.from('<html>Bad gateway</html>'), 'web page'],
    ['truncated', archiveOf(GOOD).subarray(0, -40), 'cannot be read'],
    ['for another system', archiveOf({ 'drivers/a_W.py': 'x' }), 'There is no handler for Linux'],
  ])('changes nothing, and is told: %s', async (_, archive, because) => {
    const box = await Box.start()
    await box.load('1', { 'drivers/lamp': LAMP })
    const result = await box.load('2', archive)
    expect(result).toEqual({ kind: 'failed', error: expect.stringContaining(because) })
    expect(box.active).toBe('1')
    expect(box.states).toEqual({ 'drivers/lamp': 'running' })
    expect(box.status.history[0]).toMatchObject({ kind: 'failed', release: { version: '2' } })
  })
})

test('a handler that crashes is started again, and its neighbours do not notice', async () => {
  const box = await Box.start()
  const flag = join(box.folder, 'flag')
  await writeFile(flag, '')
  const crashes = `
    import { existsSync } from 'node:fs'
    export const pollSeconds = 0.1
    export const devices = () => {
      if (!existsSync(${JSON.stringify(flag)})) process.kill(process.pid, 'SIGSEGV')
      return [{ id: 'c' }]
    }`
  await box.load('1', { ...GOOD, 'drivers/crashes.mjs': crashes })
  await expect.poll(() => box.devices).toEqual(['c', 'printer-1', 'scale-1'])
  await rm(flag)
  await expect.poll(() => box.handler('drivers/crashes.mjs')?.error).toContain('SIGSEGV')
  expect(box.devices).toEqual(['printer-1', 'scale-1'])
  await writeFile(flag, '')
  await expect.poll(() => box.devices).toEqual(['c', 'printer-1', 'scale-1'])
  expect(box.handler('drivers/crashes.mjs')?.restarts).toBeGreaterThan(0)
  expect(box.handler('drivers/printer.py')?.restarts).toBe(0)
})

test('a handler can tell its devices whenever it wants, and end', async () => {
  const box = await Box.start()
  await box.load('1', {
    'drivers/a.mjs': "export const start = async (box) => { box.report([{ id: 'a' }]) }",
    'drivers/b.py':
      'import time\ndef start(box):\n    box.report([{"id": "b"}])\n    time.sleep(1000)',
    'drivers/c.cjs':
      "module.exports = { start: (box) => setInterval(() => box.report([{ id: 'c' }]), 50) }",
    'drivers/d.ts': "export const devices = (): { id: string }[] => [{ id: 'd' }]",
  })
  await expect.poll(() => box.devices).toEqual(['b', 'c', 'd'])
  expect(box.states['drivers/a.mjs']).toBe('ended')
})

test('the old hosts are gone before the new ones begin', async () => {
  const box = await Box.start()
  const port = join(box.folder, 'port')
  const owner = `
    import { mkdirSync, rmdirSync } from 'node:fs'
    mkdirSync(${JSON.stringify(port)})
    export const start = () => setInterval(() => {}, 1000)
    export const stop = () => rmdirSync(${JSON.stringify(port)})`
  expect(await box.load('1', { 'drivers/owner.mjs': owner })).toEqual({ kind: 'done' })
  expect(await box.load('2', { 'drivers/owner.mjs': `${owner}\n` })).toEqual({ kind: 'done' })
  expect(box.states).toEqual({ 'drivers/owner.mjs': 'running' })
})

test('what a handler started goes with it', async () => {
  const box = await Box.start()
  const note = join(box.folder, 'pid')
  const parent = `#!/bin/sh\nsleep 1000 &\necho $! > ${note}\necho '{"says":"loaded"}'\nwait\n`
  await box.load('1', { 'drivers/parent': parent })
  const pid = Number(await readFile(note, 'utf8'))
  expect(isThere(pid)).toBe(true)
  await box.layer.stop()
  await expect.poll(() => isThere(pid)).toBe(false)
})

test('two installs at once: the same one is joined, another one has to wait', async () => {
  const box = await Box.start()
  const job = await box.job('1', GOOD)
  const other = await box.job('2', { 'drivers/lamp': LAMP })
  const results = await Promise.all([
    box.layer.installer.install(job),
    box.layer.installer.install(job),
    box.layer.installer.install(other),
    box.layer.rollBack(never),
  ])
  expect(results).toEqual([
    { kind: 'done' },
    { kind: 'done' },
    { kind: 'failed', error: 'busy with Drivers 1' },
    { kind: 'failed', because: 'there is no previous set of handlers to go back to' },
  ])
  expect(box.status.history).toHaveLength(1)
})

test('a set that never holds is begun three times, and then only when somebody asks for it', async () => {
  const box = await Box.start()
  await box.load('1', { 'drivers/lamp': LAMP })
  const note = join(box.folder, 'starts')
  const bad = { 'drivers/lamp': `#!/bin/sh\necho x >> ${note}\nexit 1\n` }
  for (let attempt = 1; attempt <= 5; attempt++) await box.load('2', bad)
  const starts = async () => (await readFile(note, 'utf8')).trim().split('\n').length
  expect(await starts()).toBe(3)
  expect(await box.load('2', bad)).toEqual({
    kind: 'failed',
    error:
      'Drivers 2 was started 3 times and did not hold. The last time: drivers/lamp: ended with exit code 1',
  })
  await box.layer.tryAgain()
  await box.load('2', bad)
  expect(await starts()).toBe(4)
  expect(box.active).toBe('1')
})
