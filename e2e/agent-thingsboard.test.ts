import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Agent, createAgent, thingsBoardUplink, type Uplink } from '@updraft/agent'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { hasCommand } from '../tools/services.mjs'
import { makeCertificate } from './certificate.ts'
import { random } from './firmware.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { type Ran, run } from './program.ts'

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pi')
})
afterAll(() => platform.stop())

const addresses = {
  mqtt: () => `mqtt://${platform.mqtt.host}:${platform.mqtt.port}`,
  coap: () => platform.coap,
}

const release = (name: string, bytes: Uint8Array<ArrayBuffer>, on = platform) =>
  on.addRelease({ title: `for ${name}`, version: '2.0.0', profile: 'pi', bytes })

/** The program, run once as on a device that puts the file beside itself. */
async function runOnce(
  name: string,
  token: string,
  more: readonly string[],
  env = {},
): Promise<Ran & { image: string }> {
  const folder = join(platform.dataFolder, name)
  await mkdir(folder)
  const script = join(folder, 'update')
  await writeFile(script, `#!/bin/sh\ncp "$1" ${folder}/image\n`, { mode: 0o755 })
  const flags = {
    uplink: 'thingsboard',
    state: join(folder, 'state'),
    installed: `firmware=for ${name}@1.0.0`,
    'install-script': script,
    'first-check-in-seconds': '0',
  }
  const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value])
  const ran = await run('updraft-agent', ['--once', ...args, ...more], {
    UPDRAFT_DEVICE_TOKEN: token,
    ...env,
  })
  return { ...ran, image: join(folder, 'image') }
}

/** An agent that stays, in this process; `fetched` are the places in the file it fetched from. */
async function staying(name: string, server: string, options = {}) {
  const token = await platform.addDevice(name, 'pi')
  const fetched: number[] = []
  const line = thingsBoardUplink({ server, token: async () => token, chunkBytes: 1024 })
  const uplink: Uplink = {
    ...line,
    fetch: (offer, from, limits) => {
      fetched.push(from.byte)
      return line.fetch(offer, from, limits)
    },
  }
  const agent = await createAgent({
    uplink,
    stateFolder: join(platform.dataFolder, name),
    installed: { firmware: { title: `for ${name}`, version: '1.0.0' } },
    firstCheckInSeconds: 0,
    backOffBaseSeconds: 0.2,
    ...options,
  })
  const installed: Promise<Buffer> = new Promise((resolve) => {
    agent.on('device:update', async ({ file, respond }) => {
      resolve(await readFile(file))
      respond('done')
    })
  })
  const ended = agent.run()
  onTestFinished(async () => {
    agent.stop()
    await ended
  })
  return { agent, fetched, installed }
}

const idle = (agent: Agent): Promise<void> =>
  new Promise((resolve) => {
    agent.on('waiting', ({ because }) => because === 'next check-in' && resolve())
  })

describe.each([
  { over: 'mqtt', refusal: 'it does not know this token (MQTT 0x86)' },
  { over: 'coap', refusal: 'The server answers 4.01.' },
] as const)('our agent, speaking ThingsBoard over $over', ({ over, refusal }) => {
  test('fetches, checks and installs, and is shown UPDATED with its history', async () => {
    const name = `once-${over}`
    const token = await platform.addDevice(name, 'pi')
    const bytes = random(100_000)
    await platform.assign(await release(name, bytes), { device: name })
    const { exitCode, stderr, image } = await runOnce(name, token, ['--server', addresses[over]()])
    expect([exitCode, stderr]).toEqual([0, expect.not.stringContaining('unforeseen')])
    expect(Buffer.compare(await readFile(image), bytes)).toBe(0)
    expect(await platform.device(name)).toMatchObject({
      dialect: 'thingsboard',
      inventory: { arch: process.arch },
      installed: { firmware: { title: `for ${name}`, version: '2.0.0' } },
      operation: { state: 'UPDATED', progress: 100, error: null },
    })
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test('lies idle until it is told, and is told at once', async () => {
    const name = `told-${over}`
    const { agent, installed } = await staying(name, addresses[over](), { intervalSeconds: 86_400 })
    await idle(agent)
    const bytes = random(5000)
    await platform.assign(await release(name, bytes), { device: name })
    expect(Buffer.compare(await installed, bytes)).toBe(0)
    await platform.until(name, ({ operation }) => operation?.state === 'UPDATED')
  })

  test('goes on with a download in whose middle the server restarts', async () => {
    const name = `restart-${over}`
    const bytes = random(200_000)
    const { agent, installed, fetched } = await staying(name, addresses[over](), {
      maxBytesPerSecond: 100_000,
    })
    const isUnderWay = new Promise<void>((resolve) => {
      agent.on('progress', ({ progressPercent }) => progressPercent > 20 && resolve())
    })
    await idle(agent)
    await platform.assign(await release(name, bytes), { device: name })
    await isUnderWay
    await platform.restart()
    expect(Buffer.compare(await installed, bytes)).toBe(0)
    await platform.until(name, ({ operation }) => operation?.state === 'UPDATED')
    // From the start once; after it was cut off, from what is on the disk.
    expect(fetched.filter((byte) => byte === 0)).toEqual([0])
    expect(fetched.at(-1)).toBeGreaterThan(20_000)
    expect(await platform.history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test('with a token that is nobody’s, ends and says so', async () => {
    const server = ['--server', addresses[over]()]
    const { exitCode, stderr } = await runOnce(`nobody-${over}`, 'no-such-token', server)
    expect(exitCode).toBe(1)
    expect(stderr).toContain(refusal)
    expect(stderr).toContain('check its token')
    expect(stderr).not.toContain('no-such-token')
  })
})

test('our agent speaks MQTT 3.1.1 as well', async () => {
  const token = await platform.addDevice('older', 'pi')
  await platform.assign(await release('older', random(1000)), { device: 'older' })
  const args = ['--server', addresses.mqtt(), '--mqtt-version', '3.1.1', '--chunk-bytes', '100']
  expect((await runOnce('older', token, args)).exitCode).toBe(0)
  expect((await platform.device('older')).operation?.state).toBe('UPDATED')
})

test.skipIf(!hasCommand('openssl'))('our agent speaks MQTT within TLS', async () => {
  const files = await makeCertificate(join(platform.dataFolder, 'tls'), 'server')
  const secure = await testPlatform({ mqttTls: { port: 0, ...files, clientCa: undefined } })
  try {
    await secure.addProfile('pi')
    const token = await secure.addDevice('safe', 'pi')
    await secure.assign(await release('safe', random(1000), secure), { device: 'safe' })
    const { mqtts } = JSON.parse(await readFile(join(secure.dataFolder, 'endpoints.json'), 'utf8'))
    const args = ['--server', mqtts, '--max-back-off-seconds', '1']
    const distrusting = await runOnce('distrusting', token, args)
    expect([distrusting.exitCode, distrusting.stderr]).toEqual([
      1,
      expect.stringContaining('self-signed certificate'),
    ])
    const trust = { NODE_EXTRA_CA_CERTS: files.certificate }
    expect((await runOnce('safe', token, args, trust)).exitCode).toBe(0)
    expect((await secure.device('safe')).operation?.state).toBe('UPDATED')
  } finally {
    await secure.stop()
  }
})
