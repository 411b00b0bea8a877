import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { random } from './firmware.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'
import { testRealm } from './realm.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

/** A group of 20 as the fleet's scenario has it, with the profile's key; answers the file's name. */
async function scenario(
  name: string,
  more: object | ((key: string) => object),
  { fileName, claimsAtOnce }: { fileName?: string; claimsAtOnce?: boolean } = {},
): Promise<string> {
  const { items } = await platform.api('listProfiles', { query: { name } })
  const id = items[0]?.id ?? (await platform.addProfile(name))
  const { key, secret } = await platform.api('enableProvisioning', {
    params: { id },
    ...(claimsAtOnce !== undefined && { body: { claimsAtOnce } }),
  })
  const group = {
    name,
    profile: name,
    devices: 20,
    installed: { firmware: `${name}@1.0.0` },
    provisioning: { key, secret },
    startWithinSeconds: 1,
    checkInSeconds: 1,
    installSeconds: 0,
    ...(typeof more === 'function' ? more(key) : more),
  }
  const file = join(platform.dataFolder, `${name}.json`)
  await writeFile(file, JSON.stringify({ seed: 4, groups: [group] }))
  const release = { title: name, version: '2.0.0', profile: name, bytes: random(60_000), fileName }
  await platform.assign(await platform.addRelease(release), { profile: name })
  return file
}

async function inRealm(profile: string) {
  await platform.addProfile(profile)
  const { realm, agentToken } = await testRealm(platform, profile)
  return { realm, agentToken }
}

const simulate = (file: string, ...more: string[]) => {
  const mqtt = `mqtt://${platform.mqtt.host}:${platform.mqtt.port}`
  const at = ['--server', platform.url, '--mqtt', mqtt, '--coap', platform.coap]
  return run('updraft-simulator', [file, ...at, ...more], { UPDRAFT_TOKEN: ADMIN_TOKEN })
}

const last = (stdout: string, start: string): string[] =>
  stdout
    .split('\n')
    .filter((line) => line.startsWith(start))
    .at(-1)
    ?.trim()
    .split(/\s{2,}/) ?? []

test('a fleet in three dialects that fails, rolls back and loses power is accounted for to the last', async () => {
  const file = await scenario('mixed', {
    dialects: { updraft: 2, 'thingsboard-mqtt': 1, 'thingsboard-coap': 1 },
    failures: [{ share: 0.2, reason: 'the flash is worn out' }],
    rollbacks: { share: 0.2, restartSeconds: 0 },
    powerCuts: { share: 0.5, offSeconds: 0 },
  })
  const tokens = join(platform.dataFolder, 'tokens.csv')
  const { exitCode, stdout, stderr } = await simulate(file, '--updates', '1', '--tokens', tokens)
  expect([exitCode, stderr], stdout).toEqual([0, ''])
  expect(stdout).toContain(
    "20 of 20 devices were held against the server's account: no difference.",
  )
  expect((await readFile(tokens, 'utf8')).trim().split('\n')).toHaveLength(20)
  const { items } = await platform.api('listDevices', { query: { profile: 'mixed', limit: 50 } })
  const ended = (state: string) => items.filter(({ operation }) => operation?.state === state)
  const [, devices, updated, failed, rolledBack, powerCuts] = last(stdout, 'all')
  expect(devices).toBe('20')
  expect(updated).toBe(String(ended('UPDATED').length))
  expect(failed).toBe(String(ended('FAILED').length))
  for (const some of [updated, failed, rolledBack, powerCuts]) {
    expect(Number(some), stdout).toBeGreaterThan(0)
  }
  expect(Number(updated) + Number(failed)).toBe(20)
  const errors = ended('FAILED').map(({ operation }) => operation?.error ?? '')
  expect(errors).toContain('the flash is worn out')
  expect(errors.filter((error) => error.includes('came back with mixed@1.0.0'))).toHaveLength(
    Number(rolledBack),
  )
})

test('a fleet that speaks Edgehog registers itself, and is accounted for to the last', async () => {
  const file = await scenario('edgehog', {
    dialects: { edgehog: 1 },
    edgehog: await inRealm('edgehog'),
    failures: [{ share: 0.2, reason: 'the flash is worn out' }],
    rollbacks: { share: 0.2, restartSeconds: 0 },
    powerCuts: { share: 0.5, offSeconds: 0 },
  })
  const tokens = join(platform.dataFolder, 'tokens of edgehog')
  const { exitCode, stdout, stderr } = await simulate(file, '--updates', '1', '--tokens', tokens)
  expect([exitCode, stderr], stdout).toEqual([0, ''])
  expect(stdout).toContain(
    "20 of 20 devices were held against the server's account: no difference.",
  )
  const { items } = await platform.api('listDevices', { query: { profile: 'edgehog', limit: 50 } })
  const failures = items.flatMap(({ operation }) => operation?.code ?? [])
  expect(new Set(failures)).toEqual(new Set(['InternalError', 'SystemRollback']))
})

test('a fleet that speaks hawkBit registers itself at the gateway, and is accounted for to the last', async () => {
  const id = await platform.addProfile('hawkbit')
  await platform.api('changeHawkbitSettings', { params: { id }, body: { gatewayToken: true } })
  const file = await scenario(
    'hawkbit',
    (key) => ({
      dialects: { hawkbit: 1 },
      hawkbit: { gatewayToken: key },
      failures: [{ share: 0.2, reason: 'the flash is worn out' }],
      rollbacks: { share: 0.2, restartSeconds: 0 },
      powerCuts: { share: 0.5, offSeconds: 0 },
    }),
    { claimsAtOnce: true },
  )
  const { exitCode, stdout, stderr } = await simulate(file, '--updates', '1')
  expect([exitCode, stderr], stdout).toEqual([0, ''])
  expect(stdout).toContain(
    "20 of 20 devices were held against the server's account: no difference.",
  )
  const { items } = await platform.api('listDevices', { query: { profile: 'hawkbit', limit: 50 } })
  expect(items.every(({ dialect }) => dialect === 'hawkbit')).toBe(true)
  const errors = items.flatMap(({ operation }) => operation?.error ?? [])
  expect(errors.filter((error) => error.includes('the flash is worn out'))).not.toEqual([])
  expect(errors.filter((error) => error.includes('came back with hawkbit@1.0.0'))).not.toEqual([])
})

test("devices under the names of hawkBit's other clients are updated by tokens of their own", async () => {
  const file = await scenario(
    'names',
    { devices: 4, dialects: { 'hawkbit-rauc': 1, 'hawkbit-swupdate': 1 } },
    { fileName: 'names.swu' },
  )
  const tokens = join(platform.dataFolder, 'tokens of names')
  const { exitCode, stdout, stderr } = await simulate(file, '--updates', '1', '--tokens', tokens)
  expect([exitCode, stderr], stdout).toEqual([0, ''])
  expect(last(stdout, 'all')[2]).toBe('4')
  const { items } = await platform.api('listDevices', { query: { profile: 'names' } })
  const kinds = items.map(({ inventory }) => inventory.hawkbit)
  expect(kinds.map((kind) => (kind as { client: string }).client).sort()).toEqual([
    ...['rauc', 'rauc', 'swupdate', 'swupdate'],
  ])
})

test('what the devices run is kept for the next time', async () => {
  const file = await scenario('kept', { devices: 2, dialects: { 'thingsboard-http': 1 } })
  const kept = ['tokens', 'memory'].flatMap((name) => [
    `--${name}`,
    join(platform.dataFolder, `${name} of kept`),
  ])
  expect(last((await simulate(file, '--updates', '1', ...kept)).stdout, 'all')[2]).toBe('2')
  // Only for those that run 2.0.0 already: one that had forgotten would wait in vain.
  const next = { title: 'kept', version: '3.0.0', profile: 'kept', requirement: '>=2.0.0' }
  const bytes = random(1_000)
  await platform.assign(await platform.addRelease({ ...next, bytes }), { profile: 'kept' })
  const again = await simulate(file, '--updates', '1', '--seconds', '40', ...kept)
  expect([again.exitCode, again.stderr], again.stdout).toEqual([0, ''])
  expect(last(again.stdout, 'all')[2]).toBe('2')
})

test('a server that believes something else is told apart, and ends it with 1', async () => {
  const file = await scenario('mistaken', { devices: 1, dialects: { updraft: 1 } })
  const tokens = join(platform.dataFolder, 'tokens of mistaken')
  // What comes as mistaken-0001 is to the server another device.
  await writeFile(tokens, `mistaken-0001,${await platform.addDevice('another', 'mistaken')}\n`)
  const { exitCode, stdout } = await simulate(file, '--updates', '1', '--tokens', tokens)
  expect(exitCode, stdout).toBe(1)
  expect(stdout).toContain("1 of 1 devices were held against the server's account: 1 difference.")
  expect(last(stdout, 'mistaken-0001')).toEqual(['mistaken-0001', 'device', 'is here', 'unknown'])
})

test('a device that is left out, and a scenario that cannot be read, are said', async () => {
  const file = await scenario('shut', { devices: 1, dialects: { updraft: 1 } })
  await platform.addDevice('shut-0001', 'shut')
  const shut = await simulate(file)
  expect([shut.exitCode, shut.stderr]).toEqual([
    2,
    expect.stringContaining('shut-0001 is left out'),
  ])
  const wrong = await simulate(join(platform.dataFolder, 'none.json'))
  expect([wrong.exitCode, wrong.stderr]).toEqual([2, expect.stringContaining('cannot be read')])
})
