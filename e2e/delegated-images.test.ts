/**
 * SWUpdate and RAUC, as Debian has them, install images for the box: they check them by their own rules and write the
 * slots. The boot loader is played, as nothing here can be restarted.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import * as promises from 'node:fs/promises'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BootAdapter } from '../packages/agent/src/box/image/boot-adapter.ts'
import { fileSimulator } from '../packages/agent/src/box/image/file-simulator.ts'
import { type ImageLayer, imageLayer } from '../packages/agent/src/box/image/image-layer.ts'
import { rauc } from '../packages/agent/src/box/image/rauc.ts'
import { type Run, runProgram } from '../packages/agent/src/box/image/run.ts'
import { swUpdate } from '../packages/agent/src/box/image/swupdate.ts'
import { commandOf } from '../tools/services.mjs'
import { makeSwu, makeSwuSigner, swupdateArguments, swupdateEnvironment } from './swupdate.ts'

const hasSwupdate = (await commandOf('swupdate')) !== undefined
const raucTools = ['rauc', 'mksquashfs', 'dbus-daemon', 'grub-editenv']
const hasRauc =
  process.getuid?.() === 0 &&
  (await Promise.all(raucTools.map(commandOf))).every((path) => path !== undefined)

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'updraft-images-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

let boots = 0
/** The box after a start of its machine, when it has decided what it came up with. */
async function boxOn(boot: BootAdapter, isWell = true): Promise<ImageLayer> {
  boots += 1
  const goesDown = new AbortController()
  const box = imageLayer({
    boot,
    disk: promises,
    dataFolder: join(folder, 'data'),
    bootId: `boot-${boots}`,
    restart: async () => goesDown.abort(),
    timing: { windowMs: 50, steadyMs: 20, everyMs: 10 },
    checks: [{ name: 'well', check: async () => (isWell ? null : 'it is ill') }],
    runningVersion: async () => null,
  })
  await box.wakeUp(goesDown.signal)
  return box
}

const job = (file: string, version = '2.0.0') => ({
  file,
  release: { operation: 'op', type: 'image', title: 'box', version, sizeBytes: null },
  previous: null,
  remember: async () => {},
})

describe.skipIf(!hasSwupdate)('SWUpdate', () => {
  async function board() {
    const run = join(folder, 'run')
    await mkdir(run)
    const simulator = await fileSimulator({
      disk: promises,
      folder: join(folder, 'slots'),
      slotBytes: 1_000_000,
    })
    for (const slot of ['a', 'b']) await writeFile(simulator.pathOf(slot), Buffer.alloc(1_000_000))
    const signer = await makeSwuSigner(join(folder, 'keys'))
    const inItsPlace: Run = (command, args, options) =>
      runProgram('env', [`RUNTIME_DIRECTORY=${run}`, `TMPDIR=${run}`, command, ...args], options)
    const adapter = swUpdate({
      run: inItsPlace,
      program: 'swupdate',
      arguments: swupdateArguments(signer),
      select: 'stable,{slot}',
      loader: simulator,
      environment: null,
    })
    const file = join(folder, 'image.swu')
    return { simulator, signer, adapter, file }
  }
  type Board = Awaited<ReturnType<typeof board>>

  const swu = ({ simulator, signer }: Board, bytes: Buffer, hardware?: string[]) =>
    makeSwu(join(folder, 'made'), signer, {
      version: '2.0.0',
      hardware,
      copies: Object.fromEntries(
        simulator.slots.map((slot) => [
          slot,
          { images: [{ name: 'root.img', bytes, device: simulator.pathOf(slot) }] },
        ]),
      ),
    })

  test('writes the slot that does not run; it is tried, looked at and kept', async () => {
    const here = await board()
    const bytes = randomBytes(300_001)
    await writeFile(here.file, await swu(here, bytes))
    const before = await boxOn(here.adapter)
    expect(await before.installer.install(job(here.file))).toEqual({ kind: 'restart' })
    const written = await readFile(here.simulator.pathOf('b'))
    expect(written.subarray(0, bytes.length).equals(bytes)).toBe(true)
    expect(await here.simulator.boot()).toBe('b')
    const after = await boxOn(here.adapter)
    expect(after.installed()).toEqual({ title: 'box', version: '2.0.0' })
    expect(await here.adapter.active()).toMatchObject({ standing: 'b', isTrial: false })
  })

  test('what comes up and is ill is left again', async () => {
    const here = await board()
    await writeFile(here.file, await swu(here, randomBytes(1000)))
    const before = await boxOn(here.adapter)
    await before.installer.install(job(here.file))
    await here.simulator.boot()
    await boxOn(here.adapter, false)
    expect(await here.simulator.boot()).toBe('a')
    const after = await boxOn(here.adapter)
    expect(after.status().history).toMatchObject([
      { kind: 'rolled-back', because: 'the health check failed: well: it is ill' },
    ])
  })

  test.each([
    ['signed by somebody else', 'signature', 'Authentication of all signatures failed'],
    ['made for other hardware', 'hardware', 'SW not compatible with hardware'],
    ['cut short', 'short', 'HASH mismatch'],
  ])(
    'a file that is %s is refused in its words, and nothing is started',
    async (_, what, words) => {
      const here = await board()
      const signer = await makeSwuSigner(join(folder, 'others'))
      const by = what === 'signature' ? { ...here, signer } : here
      const whole = await swu(by, randomBytes(50_000), what === 'hardware' ? ['9.9'] : undefined)
      await writeFile(here.file, what === 'short' ? whole.subarray(0, 30_000) : whole)
      const box = await boxOn(here.adapter)
      const result = await box.installer.install(job(here.file))
      expect(result).toMatchObject({
        kind: 'failed',
        error: expect.stringContaining(`SWUpdate refused it: ${words}`),
      })
      expect(await here.simulator.boot()).toBe('a')
    },
  )

  test('its environment is its own', () => {
    expect(swupdateEnvironment('/x')).toMatchObject({ TMPDIR: '/x', RUNTIME_DIRECTORY: '/x' })
  })
})

describe.skipIf(!hasRauc)('RAUC', () => {
  const started: ChildProcess[] = []
  afterEach(async () => {
    for (const child of started.splice(0).reverse()) await ended(child)
  })

  async function ended(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return
    const over = new Promise((resolve) => child.once('exit', resolve))
    child.kill()
    await over
  }

  async function system() {
    const bus = join(folder, 'bus')
    const environment = join(folder, 'grubenv')
    const conf = join(folder, 'system.conf')
    const signer = await makeSwuSigner(join(folder, 'keys'), 'rauc')
    await mkdir(join(folder, 'mnt'))
    await writeFile(
      join(folder, 'bus.conf'),
      `<busconfig><type>system</type><listen>unix:path=${bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*"/><allow receive_sender="*"/><allow own="*"/><allow user="*"/></policy></busconfig>`,
    )
    for (const slot of ['A', 'B']) await writeFile(join(folder, slot), Buffer.alloc(400_000))
    await writeFile(
      conf,
      `[system]
compatible=box
bootloader=grub
grubenv=${environment}
statusfile=${join(folder, 'rauc.status')}
mountprefix=${join(folder, 'mnt')}
[keyring]
path=${signer.certificate}
${['A', 'B'].map((name, at) => `[slot.rootfs.${at}]\ndevice=${join(folder, name)}\ntype=raw\nbootname=${name}\n`).join('')}`,
    )
    const grub = (...args: string[]) => runProgram('grub-editenv', [environment, ...args])
    await grub('create')
    await grub('set', 'ORDER=A B', 'A_OK=1', 'A_TRY=0', 'B_OK=0', 'B_TRY=0')
    const address = `DBUS_SYSTEM_BUS_ADDRESS=unix:path=${bus}`
    const run: Run = (command, args, options) =>
      runProgram('env', [address, command, ...args], options)
    started.push(
      spawn('dbus-daemon', [`--config-file=${join(folder, 'bus.conf')}`, '--nofork'], {
        stdio: 'ignore',
      }),
    )
    await expect.poll(() => promises.stat(bus).catch(() => null)).not.toBeNull()
    let service: ChildProcess | null = null

    /** What the script of its documentation does: the first in the order that is good and was not tried. */
    async function boot(): Promise<string> {
      const { stdout } = await grub('list')
      const found = Object.fromEntries(
        stdout
          .trim()
          .split('\n')
          .map((line) => line.split('=')),
      )
      const slot = String(found.ORDER)
        .split(' ')
        .find((name) => found[`${name}_OK`] === '1' && found[`${name}_TRY`] === '0')
      if (!slot) throw new Error(`nothing starts: ${stdout}`)
      await grub('set', `${slot}_TRY=1`)
      if (service) await ended(service)
      const args = ['-c', conf, `--override-boot-slot=${slot}`, 'service']
      service = spawn('rauc', args, {
        stdio: 'ignore',
        env: { ...process.env, DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${bus}` },
      })
      started.push(service)
      await expect.poll(async () => (await run('rauc', ['status'])).code).toBe(0)
      return slot
    }

    async function bundle(version: string, compatible = 'box'): Promise<string> {
      const content = join(folder, `bundle-${version}`)
      await mkdir(content)
      await writeFile(join(content, 'rootfs.img'), randomBytes(300_000))
      await writeFile(
        join(content, 'manifest.raucm'),
        `[update]\ncompatible=${compatible}\nversion=${version}\n[image.rootfs]\nfilename=rootfs.img\n`,
      )
      const file = join(folder, `${version}.raucb`)
      const keys = [
        `--cert=${signer.certificate}`,
        `--key=${signer.key}`,
        `--keyring=${signer.certificate}`,
      ]
      const made = await runProgram('rauc', [...keys, 'bundle', content, file])
      expect(made).toMatchObject({ code: 0 })
      return file
    }
    return { run, boot, bundle, list: async () => (await grub('list')).stdout }
  }

  test('writes the other slot; it is looked at and marked good, or marked bad and left', async ({
    skip,
  }) => {
    const { run, boot, bundle, list } = await system()
    expect(await boot()).toBe('A')
    const first = await boxOn(await rauc(run, async () => true))
    const file = await bundle('2.0.0')
    const result = await first.installer.install(job(file))
    if (result.kind === 'failed' && /loop|mount/i.test(result.error)) skip(result.error)
    expect(result).toEqual({ kind: 'restart' })
    const written = await readFile(join(folder, 'B'))
    const sent = await readFile(join(folder, 'bundle-2.0.0', 'rootfs.img'))
    expect(written.subarray(0, sent.length).equals(sent)).toBe(true)

    expect(await boot()).toBe('B')
    const second = await boxOn(await rauc(run, async () => true))
    expect(second.installed()).toEqual({ title: 'box', version: '2.0.0' })
    expect(await list()).toContain('B_OK=1')
    expect(await boot()).toBe('B')

    const third = await boxOn(await rauc(run, async () => true))
    expect(await third.installer.install(job(await bundle('3.0.0'), '3.0.0'))).toEqual({
      kind: 'restart',
    })
    expect(await boot()).toBe('A')
    await boxOn(await rauc(run, async () => true), false)
    expect(await boot()).toBe('B')
    const last = await boxOn(await rauc(run, async () => true))
    expect(last.installed()).toEqual({ title: 'box', version: '2.0.0' })
    expect(last.status().history[0]).toMatchObject({
      kind: 'rolled-back',
      because: 'the health check failed: well: it is ill',
    })
  })

  test('a bundle for something else is refused in its words', async () => {
    const { run, boot, bundle } = await system()
    await boot()
    const box = await boxOn(await rauc(run, async () => true))
    const result = await box.installer.install(job(await bundle('2.0.0', 'till')))
    expect(result).toMatchObject({
      kind: 'failed',
      error: expect.stringMatching(/^RAUC refused it: .*(ompatible|mount)/),
    })
    expect(await boot()).toBe('A')
  })
})
