import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { firmware } from './firmware.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { type Ran, run } from './program.ts'

let platform: TestPlatform
let bytes: Uint8Array<ArrayBuffer>

beforeAll(async () => {
  platform = await testPlatform()
  bytes = new Uint8Array(await readFile((await firmware()).ubootRpi[0] ?? ''))
  await platform.addProfile('pi')
  await platform.addRelease({ title: 'u-boot', version: '2.0.0', profile: 'pi', bytes })
})
afterAll(() => platform.stop())

/** A device with a folder of its own, whose install script puts the file beside it. */
async function device(name: string, script: string) {
  const token = await platform.addDevice(name, 'pi')
  const folder = join(platform.dataFolder, name)
  await mkdir(folder, { recursive: true })
  const scriptFile = join(folder, 'update')
  await writeFile(scriptFile, `#!/bin/sh\ncd ${folder}\n${script}\n`)
  await chmod(scriptFile, 0o755)
  const runOnce = (...more: string[]): Promise<Ran> =>
    run(
      'updraft-agent',
      [
        ...['--once', '--server', platform.url, '--state', join(folder, 'state')],
        ...['--installed', 'firmware=u-boot@1.0.0', '--install-script', scriptFile],
        ...['--first-check-in-seconds', '0', ...more],
      ],
      { UPDRAFT_DEVICE_TOKEN: token },
    )
  return { folder, runOnce }
}

const assign = async (name: string) => {
  const { items } = await platform.api('listReleases', { query: { title: 'u-boot' } })
  await platform.assign(items[0]?.id ?? '', { device: name })
}

describe.each(['updraft', 'thingsboard'])('our agent, speaking %s', (uplink) => {
  test('fetches, checks and installs real firmware, and is shown UPDATED with its history', async () => {
    const name = `pi-${uplink}`
    const { folder, runOnce } = await device(name, 'cp "$1" installed.bin')
    await assign(name)
    const { exitCode, stderr } = await runOnce('--uplink', uplink)
    expect(stderr, stderr).not.toContain('unforeseen')
    expect(exitCode).toBe(0)
    expect(Buffer.compare(await readFile(join(folder, 'installed.bin')), bytes)).toBe(0)
    expect(await platform.device(name)).toMatchObject({
      dialect: uplink,
      installed: { firmware: { title: 'u-boot', version: '2.0.0' } },
      operation: { state: 'UPDATED', release: { title: 'u-boot', version: '2.0.0' } },
    })
    const [states] = await platform.history(name)
    expect(states?.at(0)).toBe('QUEUED')
    expect(states).toEqual(
      expect.arrayContaining(['INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING']),
    )
    expect(states?.at(-1)).toBe('UPDATED')
  })

  test('says why an install failed', async () => {
    const name = `bad-${uplink}`
    const { runOnce } = await device(name, 'echo "flash is worn out" >&2; exit 3')
    await assign(name)
    const { exitCode } = await runOnce('--uplink', uplink)
    expect(exitCode).toBe(1)
    const { operation, components } = await platform.device(name)
    expect(operation).toMatchObject({ state: 'FAILED' })
    expect(operation?.error).toContain('flash is worn out')
    expect(components.firmware).toMatchObject({ verdict: 'nothing' })
    expect(components.firmware?.because).toContain('the next attempt is due')
  })

  test('whose old version comes back after a restart says so', async () => {
    const name = `back-${uplink}`
    const { runOnce } = await device(name, 'echo exit')
    await assign(name)
    expect((await runOnce('--uplink', uplink, '--version-command', 'echo 1.0.0')).exitCode).toBe(0)
    expect((await platform.device(name)).operation?.state).toBe('UPDATING')
    await runOnce('--uplink', uplink, '--version-command', 'echo 1.0.0')
    const { operation } = await platform.device(name)
    expect(operation?.state).toBe('FAILED')
    expect(operation?.error).toContain('1.0.0')
  })

  test('whose new version comes up after a restart is UPDATED', async () => {
    const name = `up-${uplink}`
    const { runOnce } = await device(name, 'echo exit')
    await assign(name)
    await runOnce('--uplink', uplink, '--version-command', 'echo 1.0.0')
    await runOnce('--uplink', uplink, '--version-command', 'echo 2.0.0')
    expect((await platform.device(name)).operation?.state).toBe('UPDATED')
  })
})
