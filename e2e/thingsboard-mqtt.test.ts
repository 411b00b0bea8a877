import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasCommand, pythonWith } from '../tools/services.mjs'
import { type TestPlatform, testPlatform } from './platform.ts'
import { python } from './python.ts'

const call = promisify(execFile)
const client = await pythonWith('tb-mqtt-client')

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

const random = (sizeBytes: number) => new Uint8Array(randomBytes(sizeBytes))

/** A device of its own, assigned a release of its own. */
async function assigned(name: string, bytes: Uint8Array<ArrayBuffer>, type = 'firmware') {
  const token = await platform.addDevice(name, 'pump')
  return { token, releaseId: await assignTo(name, '1.10', bytes, type) }
}

async function assignTo(
  name: string,
  version: string,
  bytes: Uint8Array<ArrayBuffer>,
  type = 'firmware',
): Promise<string> {
  const release = { title: `for ${name}`, version, profile: 'pump', type, bytes }
  const releaseId = await platform.addRelease(release)
  await platform.assign(releaseId, { device: name }, type)
  return releaseId
}

async function history(name: string) {
  const { id } = await platform.device(name)
  const { items } = await platform.api('listDeviceOperations', { params: { id } })
  return items.map(({ steps }) => steps.map(({ state }) => state))
}

async function run(command: string, ...args: readonly string[]) {
  const cwd = join(platform.dataFolder, randomBytes(4).toString('hex'))
  await mkdir(cwd)
  const { host, port } = platform.mqtt
  const all = [command, host, String(port), ...args]
  return { cwd, ...python(client ?? '', { name: 'thingsboard_mqtt', args: all, cwd }) }
}

describe.skipIf(!client)("ThingsBoard's own client", () => {
  test.concurrent.each([
    ['in chunks', 4096, 10_000],
    ['as a whole', 0, 10_000],
    ['as a whole of more than a piece', 0, 3_000_000],
    ['in one chunk larger than the file', 20_000, 10_000],
    ['in chunks that go into the file without a rest', 4096, 8192],
  ])('fetches firmware %s and ends UPDATED', async (how, chunkSize, sizeBytes) => {
    const name = `device ${how}`
    const bytes = random(sizeBytes)
    const { token } = await assigned(name, bytes)
    const device = await run('update', token, String(chunkSize), `for ${name}`, '1.10')
    await device.ended
    const written = await readFile(join(device.cwd, `for ${name}`))
    expect(Buffer.compare(written, bytes)).toBe(0)
    expect(await platform.device(name)).toMatchObject({
      dialect: 'thingsboard',
      installed: { firmware: { title: `for ${name}`, version: '1.10' } },
      operation: { state: 'UPDATED', progress: 100, error: null },
    })
    expect(await history(name)).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test.concurrent('is told while it only listens, and updates', async () => {
    const name = 'a listener'
    const bytes = random(10_000)
    const token = await platform.addDevice(name, 'pump')
    const device = await run('listen', token, '4096', `for ${name}`, '1.10')
    expect(await device.next()).toBe('connected')
    await assignTo(name, '1.10', bytes)
    await device.ended
    expect(Buffer.compare(await readFile(join(device.cwd, `for ${name}`)), bytes)).toBe(0)
    expect((await history(name)).map((states) => states.at(-1))).toEqual(['UPDATED'])
  })

  test.concurrent('that was away when it was assigned is told when it listens again', async () => {
    const name = 'a sleeper'
    const { token } = await assigned(name, random(10_000))
    await platform.until(name, ({ operation }) => operation?.state === 'QUEUED')
    const device = await run('listen', token, '0', `for ${name}`, '1.10')
    await device.ended
    expect((await history(name)).map((states) => states.at(-1))).toEqual(['UPDATED'])
  })

  test.concurrent('enrols a device', async () => {
    await platform.addProfile('enrolled')
    const { items } = await platform.api('listProfiles', { query: { name: 'enrolled' } })
    const id = items[0]?.id ?? ''
    const { key, secret } = await platform.api('enableProvisioning', { params: { id } })
    const first = await run('provision', 'newcomer', key, secret)
    const answer = await first.next()
    expect(answer).toMatchObject({ status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN' })
    expect(await platform.device('newcomer')).toMatchObject({ profile: 'enrolled' })
    const second = await run('provision', 'another', key, 'no secret')
    expect(await second.next()).toBeNull()
  })
})

describe.skipIf(!hasCommand('mosquitto_rr'))('mosquitto', () => {
  const at = (token: string) => {
    const { host, port } = platform.mqtt
    return ['-h', host, '-p', String(port), '-u', token]
  }
  const ask = async (
    token: string,
    topic: string,
    answer: string,
    payload: string,
    ...more: string[]
  ) => {
    const args = [...at(token), ...more, '-N', '-W', '20', '-t', topic, '-e', answer, '-m', payload]
    const { stdout } = await call('mosquitto_rr', args, { encoding: 'buffer', maxBuffer: 2 ** 26 })
    return stdout
  }

  test.concurrent('asks for attributes in all three versions, and gets chunks of each family by their ids', async () => {
    const name = 'asks'
    const [firmware, software] = [random(10_000), random(5_000)]
    const { token } = await assigned(name, firmware)
    await assignTo(name, '7', software, 'software')
    for (const version of ['mqttv31', 'mqttv311', 'mqttv5']) {
      const topic = 'v1/devices/me/attributes'
      const keys = '{"sharedKeys":"fw_title,fw_version,sw_version,"}'
      const answer = await ask(
        token,
        `${topic}/request/1`,
        `${topic}/response/1`,
        keys,
        '-V',
        version,
      )
      expect(JSON.parse(answer.toString())).toEqual({
        shared: { fw_title: 'for asks', fw_version: '1.10', sw_version: '7' },
      })
    }
    const chunk = (family: string, index: number, size: string) =>
      ask(
        token,
        `v2/${family}/request/1/chunk/${index}`,
        `v2/${family}/response/1/chunk/${index}`,
        size,
      )
    expect(await chunk('fw', 2, '4096')).toEqual(Buffer.from(firmware.subarray(8192)))
    expect(await chunk('sw', 0, '"4096"')).toEqual(Buffer.from(software.subarray(0, 4096)))
    expect(await chunk('sw', 0, '0')).toEqual(Buffer.from(software))
    expect(await chunk('fw', 3, '4096')).toHaveLength(0)
  })
})
