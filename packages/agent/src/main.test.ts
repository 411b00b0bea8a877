/** The program as people start it: flags, environment, exit codes, signals. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { someBytes, TOKEN } from './fake-server.test-helper.ts'
import { startServer, temporaryFolder } from './test-bench.test-helper.ts'
import { BYTES, FakeIoto } from './uplinks/fake-ioto.test-helper.ts'

const EDGEHOG = ['--server', 'http://x', '--uplink', 'edgehog']
const PROGRAM = fileURLToPath(new URL('../bin/updraft-agent.js', import.meta.url))

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

function run(flags: string[], env: Record<string, string> = {}): Promise<Ran> {
  const options = { env: { PATH: process.env.PATH ?? '', ...env } }
  return new Promise((resolve) => {
    execFile(process.execPath, [PROGRAM, ...flags], options, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr }),
    )
  })
}

test('--help prints every setting, --version the version', async () => {
  const { code, stdout } = await run(['--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('--stall-seconds seconds   (UPDRAFT_STALL_SECONDS, default 60)')
  expect((await run(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
})

test.each([
  [['--sever', 'x'], /Unknown option '--sever'/],
  [[], /--server takes a URL of http, https; it is needed/],
  [['--server', 'ftp://x'], /takes a URL of http, https, not "ftp:\/\/x"\.\n/],
  [['--server', 'mqtt://x'], /not "mqtt:\/\/x"; others need --uplink thingsboard/],
  [
    ['--server', 'coaps://x', '--uplink', 'thingsboard'],
    /takes a URL of http, https, mqtt, mqtts, coap, not "coaps:\/\/x"/,
  ],
  [['--server', 'http://x'], /A device token is needed/],
  [
    ['--server', 'http://x', '--token', 't', '--uplink', 'mqtt'],
    /takes updraft or thingsboard or ioto or edgehog or hawkbit, not "mqtt"/,
  ],
  [
    ['--server', 'http://x', '--token', 't', '--interval-seconds', 'soon'],
    /takes a number of at least 1/,
  ],
  [['--server', 'http://x', '--token', 't', '--installed', 'app'], /--installed cannot be read/],
  [
    ['--server', 'http://x', '--token', 't', '--apply-window', '* 25 * * *'],
    /--apply-window cannot be read: the hour "25" goes from 0 to 23/,
  ],
  [['--server', 'http://x', '--uplink', 'ioto'], /--device-id is needed, or id in device.json5/],
  [[...EDGEHOG, '--device-id', 'auto', '--token', 't'], /--realm takes .*, not ""/],
  [[...EDGEHOG, '--realm', 'test', '--device-id', 'DEV1', '--token', 't'], /22 characters/],
  [['--server', 'http://x', '--uplink', 'hawkbit', '--token', 't'], /takes the controller id/],
  [[...EDGEHOG, '--realm', 'test', '--device-id', 'auto'], /A token to register with is needed/],
  [[...EDGEHOG, '--realm', 'test', '--device-id', 'auto', '--token', 't'], /no checksums/],
  [
    [
      ...[...EDGEHOG, '--realm', 'test', '--device-id', 'auto', '--token', 't'],
      ...['--allow-unchecked', '--ca-file', '/nowhere/ca.pem', '--state', '/tmp'],
    ],
    /--ca-file cannot be read/,
  ],
  [['--config', '/no/such/folder'], /holds neither device.json5 nor ioto.json5/],
])('%j is refused with exit code 2', async (flags, message) => {
  const { code, stderr } = await run(flags)
  expect(code).toBe(2)
  expect(stderr).toMatch(message)
})

test('one cycle with script, version command, facts and token file ends with 0 and UPDATED', async () => {
  const { server, folder, flags } = await device(
    'cp "$1" image; echo "$UPDRAFT_VERSION" > version; echo exit',
  )
  const { bytes } = server.offer({ bytes: someBytes(100_000) })
  const first = await run(flags)
  expect([first.code, server.state()]).toEqual([0, 'UPDATING'])
  const second = await run(flags)
  expect([second.code, server.state()]).toEqual([0, 'UPDATED'])
  expect(await readFile(join(folder, 'image'))).toEqual(bytes)
  expect(server.checkIns[0]?.facts).toMatchObject({
    room: 'roof',
    agentVersion: expect.any(String),
  })
  expect(JSON.parse(second.stderr.trim().split('\n').at(-1) ?? '')).toMatchObject({ level: 'info' })
})

test('a failed update ends with 1, and the server hears what the script said', async () => {
  const { server, flags } = await device('echo no such slot >&2; exit 7')
  server.offer()
  expect((await run(flags)).code).toBe(1)
  expect(server.error()).toBe('the install ended with exit code 7\nno such slot')
})

test('SIGTERM in the middle of a download stops cleanly, and the next start goes on from there', async () => {
  const { server, flags } = await device('echo "$UPDRAFT_VERSION" > version')
  server.offer({ bytes: someBytes(300_000) })
  server.faults.stallAfter = [150_000]
  const child = spawn(process.execPath, [PROGRAM, ...flags])
  await once(server, 'artifact')
  await new Promise<void>((resolve) => {
    server.on('report', ({ progress }) => progress && progress > 20 && resolve())
  })
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
  expect((await run(flags)).code).toBe(0)
  expect(server.ranges[1]).toMatch(/^bytes=[1-9]/)
  expect(server.state()).toBe('UPDATED')
})

test('a folder such as Ioto devices have is enough: it registers, is updated and keeps what it was told', async () => {
  const fake = await FakeIoto.start()
  fake.mean('1.1.0')
  const folder = await temporaryFolder()
  const script = join(folder, 'update')
  const config = join(folder, 'config')
  await mkdir(config)
  await writeFile(script, `#!/bin/sh\ncp "$1" ${folder}/image\n`, { mode: 0o755 })
  await writeFile(join(config, 'device.json5'), `{ id: 'DEV1', product: 'PROD1', room: 'roof' }`)
  await writeFile(
    join(config, 'ioto.json5'),
    `{ api: { builder: '${fake.url}/api' }, scripts: { update: '${script}' }, update: { enable: true } }`,
  )
  const flags = ['--config', config, '--state', join(folder, 'state'), '--once', '--reserve-bytes']
  const { code, stderr } = await run([...flags, '0'])
  expect(code, stderr).toBe(0)
  expect(await readFile(join(folder, 'image'))).toEqual(BYTES)
  expect(JSON.parse(await readFile(join(config, 'provision.json5'), 'utf8'))).toMatchObject({
    id: 'DEV1',
    api: `${fake.url}/cloud`,
  })
  expect(fake.to('/update').map(({ body }) => JSON.parse(body))).toMatchObject([
    { id: 'DEV1', product: 'PROD1', room: 'roof', version: '1.0.0', platform: 'linux' },
    { version: '1.1.0' },
  ])
  expect(fake.to('/updateReport')).toHaveLength(1)
  // Known now, it does not register again; and what is played says nothing of this agent.
  const again = [...flags, '0', '--ioto-client', 'agent', '--device-id', 'auto']
  expect((await run(again)).code).toBe(0)
  expect(fake.to('/register')).toHaveLength(1)
  const played = JSON.parse(fake.to('/update').at(-1)?.body ?? '')
  expect(played).toEqual({
    id: expect.stringMatching(/^[0-9A-Z]{16}$/),
    product: 'PROD1',
    room: 'roof',
    version: '1.1.0',
    iotoVersion: '3.0.0',
  })
})

/** A device with a script, and the flags to start its agent once. */
async function device(script: string) {
  const server = await startServer()
  const folder = await temporaryFolder()
  const path = (name: string) => join(folder, name)
  await writeFile(path('update'), `#!/bin/sh\ncd ${folder}\n${script}\n`, { mode: 0o755 })
  await writeFile(path('version'), '1.0.0\n')
  await writeFile(path('token'), `${TOKEN}\n`)
  await writeFile(path('facts.json'), '{"room":"roof"}')
  const flags = Object.entries({
    server: server.url,
    'token-file': path('token'),
    state: path('state'),
    installed: 'firmware=app@1.0.0',
    'version-command': `cat ${path('version')}`,
    'install-script': path('update'),
    facts: path('facts.json'),
  }).flatMap(([flag, value]) => [`--${flag}`, value])
  return { server, folder, flags: [...flags, '--once', '--reserve-bytes', '0'] }
}
