/** Ioto's agent and its Updaters as our agent plays them, and our agent as one of them, against the platform. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

/** A profile that such devices may come to at once, and its token. */
async function productOf(profile: string): Promise<string> {
  const id = await platform.addProfile(profile)
  const body = { key: `key of ${profile}`, claimsAtOnce: true }
  await platform.api('enableProvisioning', { params: { id }, body })
  return body.key
}

async function assigned(profile: string, bytes: ReturnType<typeof random>): Promise<void> {
  const release = { title: profile, version: '2.0.0', profile, bytes }
  await platform.assign(await platform.addRelease(release), { profile })
}

async function cloudToken(name: string): Promise<string> {
  const { id } = await platform.api('createCloud', { body: { name } })
  return (await platform.api('createCloudToken', { params: { id } })).token
}

test('a fleet of agents and Updaters that fails, rolls back and loses power is accounted for', async () => {
  const product = await productOf('lamp')
  const group = {
    name: 'lamp',
    profile: 'lamp',
    devices: 20,
    dialects: { ioto: 1, 'ioto-updater': 1 },
    ioto: { product, cloudToken: await cloudToken('lamps'), certificates: true },
    installed: { firmware: 'lamp@1.0.0' },
    startWithinSeconds: 1,
    checkInSeconds: 1,
    installSeconds: 0,
    failures: [{ share: 0.2, reason: 'the flash is worn out' }],
    rollbacks: { share: 0.2, restartSeconds: 0 },
    powerCuts: { share: 0.5, offSeconds: 0 },
  }
  const file = join(platform.dataFolder, 'lamp.json')
  await writeFile(file, JSON.stringify({ seed: 4, groups: [group] }))
  await assigned('lamp', random(60_000))
  const flags = [file, '--server', platform.url, '--updates', '1', '--seconds', '50']
  const { exitCode, stdout, stderr } = await run('updraft-simulator', flags, {
    UPDRAFT_TOKEN: ADMIN_TOKEN,
  })
  expect([exitCode, stderr], stdout).toEqual([0, ''])
  const [, compared] = /(\d+) of 20 devices were held .* no difference/.exec(stdout) ?? []
  // Agents are known again with their next question only.
  expect(Number(compared), stdout).toBeGreaterThanOrEqual(10)
  const { items } = await platform.api('listDevices', { query: { profile: 'lamp', limit: 50 } })
  expect(items).toHaveLength(20)
  const states = items.map(({ operation }) => operation?.state)
  expect(states).toContain('UPDATED')
  expect(states).toContain('FAILED')
})

test.each(['updater-node', 'updater-shell'])('%s is updated, and reports', async (updater) => {
  const product = await productOf(updater)
  await assigned(updater, random(10_000))
  const group = {
    name: updater,
    profile: updater,
    devices: 1,
    dialects: { 'ioto-updater': 1 },
    ioto: { product, cloudToken: await cloudToken(updater), updater },
    installed: { firmware: `${updater}@1.0.0` },
    startWithinSeconds: 0,
    checkInSeconds: 1,
  }
  const file = join(platform.dataFolder, `${updater}.json`)
  await writeFile(file, JSON.stringify({ groups: [group] }))
  const flags = [file, '--server', platform.url, '--updates', '1', '--seconds', '50']
  const ran = await run('updraft-simulator', flags, { UPDRAFT_TOKEN: ADMIN_TOKEN })
  expect([ran.exitCode, ran.stderr], ran.stdout).toEqual([0, ''])
  const device = await platform.until(`${updater}-0001`, ({ operation }) => !!operation?.endedAt)
  expect(device.operation?.state).toBe('UPDATED')
})

test('our own agent needs nothing but the files of an Ioto device, and says why an install failed', async () => {
  const product = await productOf('valve')
  const bytes = random(200_000)
  await assigned('valve', bytes)
  const folder = join(platform.dataFolder, 'valve')
  const config = join(folder, 'config')
  await mkdir(config, { recursive: true })
  const script = join(folder, 'update')
  const install = (text: string) =>
    writeFile(script, `#!/bin/sh\ncp "$1" ${folder}/image\n${text}\n`, { mode: 0o755 })
  await writeFile(
    join(config, 'device.json5'),
    `{ id: 'VALVE1', product: '${product}', memory: 256, loc: { room: 'roof' }, }`,
  )
  await writeFile(
    join(config, 'ioto.json5'),
    `{ version: '1.0.0', api: { builder: '${platform.url}/api' },
       scripts: { update: '${script}' }, update: { enable: true, schedule: 'anytime' } }`,
  )
  const once = (id: string) => {
    const state = ['--state', join(folder, id), '--device-id', id]
    return run('updraft-agent', ['--config', config, ...state, '--once', '--reserve-bytes', '0'])
  }
  await install('')
  const first = await once('VALVE1')
  expect(first.exitCode, first.stderr).toBe(0)
  expect(await readFile(join(folder, 'image'))).toEqual(Buffer.from(bytes))
  expect(await platform.device('VALVE1')).toMatchObject({
    installed: { firmware: { version: '2.0.0' } },
    inventory: { memory: 256, loc: { room: 'roof' } },
    operation: { state: 'UPDATED' },
  })
  await install('echo no such slot >&2; exit 7')
  await writeFile(join(config, 'provision.json5'), '{}')
  expect((await once('VALVE2')).exitCode).toBe(1)
  expect((await platform.device('VALVE2')).operation).toMatchObject({
    state: 'FAILED',
    error: 'the install ended with exit code 7\nno such slot',
  })
})
