import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { JsonObject } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hasCommand, pythonWith } from '../tools/services.mjs'
import { COAP_CLIENT, coap, coapClient } from './coap-client.ts'
import { firmware, random } from './firmware.ts'
import { addWithOwn } from './own-release.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { python } from './python.ts'

const aiocoap = await pythonWith('aiocoap')

let platform: TestPlatform
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
})
afterAll(() => platform.stop())

async function assigned(name: string, bytes: Buffer, type = 'firmware') {
  const release = { version: '2.0', type, bytes: new Uint8Array(bytes) }
  const token = await addWithOwn(platform, name, release)
  await platform.until(name, ({ operation }) => operation?.state === 'QUEUED')
  return token
}

const post = (path: string, body: unknown) =>
  coap('-m', 'post', '-t', 'application/json', '-e', encodeURI(JSON.stringify(body)), at(path))
const at = (path: string) => `${platform.coap}/${path}`

describe.skipIf(!hasCommand(COAP_CLIENT))("libcoap's client", () => {
  test('updates a device with real firmware, chunk by chunk', async () => {
    const { seabios } = await firmware()
    const bytes = await readFile(seabios)
    const token = await assigned('chunks', bytes.subarray(0, 10_000))
    const telemetry = `api/v1/${token}/telemetry`
    const running = { current_fw_title: 'for chunks', current_fw_version: '1.0' }
    expect(await post(telemetry, running)).toMatchObject({ refusal: undefined })
    const { body } = await coap(
      at(`api/v1/${token}/attributes?sharedKeys=fw_title,fw_version,fw_size`),
    )
    const { shared } = JSON.parse(body.toString()) as { shared: JsonObject }
    expect(shared).toEqual({ fw_title: 'for chunks', fw_version: '2.0', fw_size: 10_000 })
    await post(telemetry, { fw_state: 'DOWNLOADING' })
    const pieces: Buffer[] = []
    for (let chunk = 0; pieces.at(-1)?.length !== 0; chunk++) {
      const query = `title=for%20chunks&version=2.0&size=1000&chunk=${chunk}`
      pieces.push((await coap(at(`fw/${token}?${query}`))).body)
    }
    expect(Buffer.concat(pieces).equals(bytes.subarray(0, 10_000))).toBe(true)
    for (const state of ['DOWNLOADED', 'VERIFIED', 'UPDATING']) {
      await post(telemetry, { fw_state: state })
    }
    await post(telemetry, { ...running, fw_state: 'UPDATED', current_fw_version: '2.0' })
    expect(await platform.device('chunks')).toMatchObject({
      dialect: 'thingsboard',
      installed: { firmware: { title: 'for chunks', version: '2.0' } },
      operation: { state: 'UPDATED', progress: 100 },
    })
    expect(await platform.history('chunks')).toEqual([
      ['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'],
    ])
  })

  test('fetches a whole boot loader in blocks, by either path and in any size', async () => {
    const { ubootRpi } = await firmware()
    const bytes = await readFile(ubootRpi[0] ?? '')
    const token = await assigned('blocks', bytes)
    for (const [path, ...args] of [
      [`fw/${token}`],
      [`api/v1/${token}/firmware`, '-b', '256'],
      [`fw/${token}`, '-N'],
      // Some datagrams of its own are lost on the way, and sent again.
      [`fw/${token}`, '-B', '60', '-l', '3,20,21'],
    ]) {
      const { body } = await coap(...args, at(path ?? ''))
      expect([path, args, body.equals(bytes)]).toEqual([path, args, true])
    }
  })

  test('sends telemetry larger than a datagram, and fetches software and large chunks', async () => {
    const bytes = Buffer.alloc(5000, 'software ')
    const token = await assigned('large', bytes, 'software')
    const inventory = { note: 'x'.repeat(3000) }
    expect(await post(`api/v1/${token}/attributes`, inventory)).toMatchObject({
      refusal: undefined,
    })
    expect((await platform.device('large')).inventory).toEqual(inventory)
    const attributes = await coap(at(`api/v1/${token}/attributes?clientKeys=note`))
    expect(JSON.parse(attributes.body.toString())).toEqual({ client: inventory })
    const { body } = await coap(at(`sw/${token}?size=3000&chunk=1`))
    expect(body.equals(bytes.subarray(3000))).toBe(true)
  })

  test('is told when a release is assigned', async () => {
    const token = await platform.addDevice('observer', 'pump')
    const observer = coapClient('-s', '60', at(`api/v1/${token}/attributes`))
    await observer.printed('{}')
    const releaseId = await platform.addRelease({
      title: 'news',
      version: '3.0',
      profile: 'pump',
      bytes: new Uint8Array([1, 2, 3]),
    })
    await platform.assign(releaseId, { device: 'observer' })
    const printed = await observer.printed('fw_version')
    expect(JSON.parse(printed.slice(printed.indexOf('{}') + 2))).toMatchObject({
      fw_title: 'news',
      fw_version: '3.0',
      fw_size: 3,
    })
    await platform.until('observer', ({ operation }) => operation?.state === 'INITIATED')
    await observer.stop()
  })

  test('finds a device and a release of odd names, percent-encoded', async () => {
    const [token, title, version] = ['a/b c?&%2F ä', 'x/y & z? #1', '1+2=3']
    await platform.api('createDevice', { body: { name: 'odd', profile: 'pump', token } })
    const bytes = random(3000)
    const release = { title, version, profile: 'pump', bytes }
    await platform.assign(await platform.addRelease(release), { device: 'odd' })
    const encoded = encodeURIComponent
    const query = `title=${encoded(title)}&version=${encoded(version)}`
    for (const path of [`fw/${encoded(token)}`, `api/v1/${encoded(token)}/firmware`]) {
      const { body } = await coap(at(`${path}?${query}`))
      expect([path, body.equals(bytes)]).toEqual([path, true])
      const chunk = await coap(at(`${path}?${query}&size=1000&chunk=2`))
      expect([path, chunk.body.equals(bytes.subarray(2000))]).toEqual([path, true])
    }
  })

  test('enrols a device', async () => {
    const profile = await platform.api('listProfiles', { query: { name: 'pump' } })
    const id = profile.items[0]?.id ?? ''
    const { key, secret } = await platform.api('enableProvisioning', { params: { id } })
    const request = { provisionDeviceKey: key, provisionDeviceSecret: secret, deviceName: 'made' }
    const made = await post('api/v1/provision', request)
    const { credentialsValue, ...answer } = JSON.parse(made.body.toString())
    expect(answer).toEqual({ status: 'SUCCESS', credentialsType: 'ACCESS_TOKEN' })
    expect((await coap(at(`api/v1/${credentialsValue}/attributes`))).body.toString()).toBe('{}')
    expect(await post('api/v1/provision', request)).toMatchObject({ refusal: '4.00' })
  })

  test('is refused in ThingsBoard’s codes', async () => {
    const token = await platform.addDevice('refused', 'pump')
    const refusals = async (...runs: Promise<{ refusal: string | undefined }>[]) =>
      (await Promise.all(runs)).map(({ refusal }) => refusal)
    expect(
      await refusals(
        coap(at('api/v1/nobody/attributes')),
        coap(at('fw/nobody')),
        coap(at(`fw/${token}`)),
        coap(at(`fw/${token}/more`)),
        coap('-m', 'post', at(`fw/${token}`)),
        coap(at(`api/v1/${token}/telemetry`)),
        coap(at(`api/v1/${token}/nothing`)),
        coap('-m', 'post', '-e', '{', at(`api/v1/${token}/telemetry`)),
        coap('-O', '9,x', at(`api/v1/${token}/attributes`)),
      ),
    ).toEqual(['4.01', '4.01', '4.04', '4.01', '4.05', '4.00', '4.00', '4.00', '4.02'])
  })
})

test.skipIf(!aiocoap)('aiocoap, used as by ThingsBoard’s sample, is told and updated', async () => {
  const { ubootRpi } = await firmware()
  const bytes = (await readFile(ubootRpi[1] ?? '')).subarray(0, 100_000)
  const token = await platform.addDevice('aiocoap', 'pump')
  const file = join(platform.dataFolder, 'aiocoap.bin')
  const args = [platform.coap, token, '1000', file]
  const device = python(aiocoap ?? '', { name: 'coap_device', args, cwd: platform.dataFolder })
  expect(await device.next()).toEqual({})
  const release = { title: 'sample', version: '4.0', profile: 'pump' }
  const releaseId = await platform.addRelease({ ...release, bytes: new Uint8Array(bytes) })
  await platform.assign(releaseId, { device: 'aiocoap' })
  expect(await device.next()).toMatchObject({ fw_title: 'sample', fw_size: 100_000 })
  expect(await device.next()).toEqual({ same: true, chunks: 100 })
  await device.ended
  expect((await readFile(file)).equals(bytes)).toBe(true)
  expect(await platform.device('aiocoap')).toMatchObject({
    installed: { firmware: { title: 'sample', version: '4.0' } },
    operation: { state: 'UPDATED' },
  })
})

describe.skipIf(!aiocoap)('the sample for CoAP in ThingsBoard’s documents', () => {
  test.each([
    ['in chunks', 1023, 20_000],
    ['in chunks that go into the file without a rest', 1000, 20_000],
    ['in one chunk larger than the file', 1023, 100],
    ['as a whole', 0, 20_000],
  ])('is updated %s, at its second throw of the dice', async (how, chunkSize, sizeBytes) => {
    const name = `sample ${how.replaceAll(' ', '-')}`
    const token = await platform.addDevice(name, 'pump')
    const file = join(platform.dataFolder, name)
    const args = [platform.coap, token, `${chunkSize}`, file]
    const device = python(aiocoap ?? '', { name: 'coap_sample', args, cwd: platform.dataFolder })
    expect(await device.next()).toEqual({})
    const bytes = random(sizeBytes)
    const release = { title: 'sample', version: how, profile: 'pump', bytes }
    await platform.assign(await platform.addRelease(release), { device: name })
    await device.ended
    expect((await readFile(file)).equals(bytes)).toBe(true)
    const [second, first] = await platform.history(name)
    expect([first?.at(-1), second?.at(-1)]).toEqual(['FAILED', 'UPDATED'])
  })
})
