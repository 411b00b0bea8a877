/** A device of Edgehog's, played byte for byte by parts of other houses, from its registration to its last event. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AstarteDevice, newAstarteId, newRequest, type Realm } from './astarte-device.ts'
import * as frames from './edgehog-frames.ts'
import { random } from './firmware.ts'
import { assignOwn } from './own-release.ts'
import { type TestPlatform, testPlatform } from './platform.ts'
import { testRealm } from './realm.ts'

let platform: TestPlatform
let realm: Realm
beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('pump')
  realm = await testRealm(platform, 'pump')
})
afterAll(() => platform.stop())

/** Paired, connected and introduced; it runs demo 1.0.0. */
async function introduced(): Promise<AstarteDevice> {
  const device = await AstarteDevice.paired(realm)
  await device.connect()
  await device.introduce()
  await platform.until(device.id, ({ installed }) => installed.firmware?.version === '1.0.0')
  return device
}

const assign = (device: AstarteDevice, version = '2.0.0', bytes = random(5_000)) =>
  assignOwn(platform, device.id, { version, bytes })

const operationOf = async ({ id: name }: AstarteDevice) => {
  const { id } = await platform.device(name)
  const { items } = await platform.api('listDeviceOperations', { params: { id } })
  return items[0]
}

const inState = (device: AstarteDevice, state: string) =>
  platform.until(device.id, ({ operation }) => operation?.state === state)

describe('pairing', () => {
  test.concurrent('a device registers as often as it likes until it is certified', async () => {
    const device = new AstarteDevice(realm)
    const first = await device.register()
    expect(first.status).toBe(201)
    device.secret = (await device.register()).body.data.credentials_secret
    expect(device.secret).not.toBe(first.body.data.credentials_secret)
    expect(device.secret).toMatch(/^[A-Za-z0-9+/]{43}=$/)
    expect((await device.about()).body.data).toMatchObject({
      version: expect.any(String),
      status: 'pending',
      protocols: {
        astarte_mqtt_v1: { broker_url: expect.stringMatching(/^mqtts:\/\/[^:]+:\d+$/) },
      },
    })
    expect((await device.certify()).status).toBe(201)
    expect((await device.about()).body.data.status).toBe('confirmed')
    expect(await device.register()).toMatchObject({ status: 422 })
    expect(device.certificate.match(/BEGIN CERTIFICATE/g)).toHaveLength(1)
    expect(device.commonName).toBe(device.name)
    expect(await device.verify()).toMatchObject({ status: 200, body: { data: { valid: true } } })
    expect(await platform.device(device.id)).toMatchObject({ profile: 'pump' })
  })

  test.concurrent('the name of a certificate is ours, whatever is asked for', async () => {
    const device = await AstarteDevice.paired(realm)
    const other = newAstarteId()
    const { request } = await newRequest(`/CN=${realm.realm}\\/${other}`)
    const response = await fetch(
      `${realm.url}/v1/test/devices/${device.id}/protocols/astarte_mqtt_v1/credentials`,
      {
        method: 'POST',
        headers: { authorization: `Bearer ${device.secret}`, 'content-type': 'application/json' },
        body: JSON.stringify({ data: { csr: request } }),
      },
    )
    expect(response.status).toBe(201)
    device.certificate = (
      (await response.json()) as { data: { client_crt: string } }
    ).data.client_crt
    expect(device.commonName).toBe(device.name)
  })

  test.concurrent('who has no token, or another, registers nothing', async () => {
    const device = new AstarteDevice(realm)
    expect((await device.register('a.b.c')).status).toBe(401)
    device.secret = 'wrong'
    expect([401, 403, 404]).toContain((await device.about()).status)
  })
})

describe('a session', () => {
  test.concurrent('begins with what a device says of itself, and is answered with what is set for it', async () => {
    const device = await introduced()
    const told = await device.message('/control/consumer/properties')
    expect(told.qos).toBe(2)
    await device.frame(frames.STORAGE, 0)
    const shown = await platform.until(device.id, ({ inventory }) => 'storageUsage' in inventory)
    expect(shown).toMatchObject({
      dialect: 'edgehog',
      installed: { firmware: { version: '1.0.0' } },
      inventory: {
        serialNumber: 'SN-1',
        partNumber: 'PN-1',
        baseImage: { name: 'demo' },
        // Said with 32 bits, though the interface has 64.
        hardwareInfo: { mem: { totalBytes: 1024 } },
        storageUsage: { disk0: { totalBytes: 5_000_000_000, freeBytes: 12 } },
      },
    })
    await device.disconnect()
  })

  test.concurrent('what is not in the list of properties any more is forgotten', async () => {
    const device = await introduced()
    await device.frame(frames.EMPTY_LIST)
    const { inventory } = await platform.until(
      device.id,
      (now) => !('serialNumber' in now.inventory),
    )
    expect(inventory).not.toHaveProperty('hardwareInfo')
    await device.disconnect()
  })

  test.concurrent('others’ topics are not granted, and the line stays', async () => {
    const device = await introduced()
    expect(await device.subscribe([`test/${newAstarteId()}/#`])).toEqual([128])
    await device.property('BaseImage/version', '1.0.1')
    await platform.until(device.id, ({ installed }) => installed.firmware?.version === '1.0.1')
    await device.disconnect()
  })

  test.concurrent('a client whose session is there says nothing, and is asked all the same', async ({
    expect,
  }) => {
    const device = await introduced()
    await device.disconnect()
    expect(await device.connect({ clean: false })).toBe(false)
    await device.introduce()
    device.cut()
    const { id } = await platform.device(device.id)
    const isAway = async () => !(await platform.api('showPairing', { params: { id } })).isConnected
    await expect.poll(isAway).toBe(true)
    await assign(device)
    expect(await device.connect({ clean: false })).toBe(true)
    const { operation, uuid } = await device.request()
    expect(operation).toBe('Update')
    await device.event(uuid, 'Acknowledged')
    await inState(device, 'DOWNLOADING')
    await device.disconnect()
  })

  test.concurrent('a second line of a device ends the first', async () => {
    const device = await introduced()
    const first = device.client
    const closed = new Promise<void>((resolve) => first?.once('close', () => resolve()))
    await device.connect()
    await closed
    await device.introduce()
    await device.disconnect()
  })

  test.concurrent('a certificate that another took the place of is let in no more', async () => {
    const device = await AstarteDevice.paired(realm)
    const { key, certificate } = device
    await device.certify()
    expect(await device.verify(certificate)).toMatchObject({
      status: 200,
      body: { data: { valid: false } },
    })
    await expect(device.connect({ key, cert: certificate })).rejects.toThrow('It is not let in.')
    await device.connect()
    await device.disconnect()
  })

  test.concurrent('a device that is kept out, or gone, is not let in', async () => {
    const device = await introduced()
    const { id } = await platform.device(device.id)
    await platform.api('changePairing', { params: { id }, body: { isInhibited: true } })
    await expect(device.connect()).rejects.toThrow()
    await platform.api('changePairing', { params: { id }, body: { isInhibited: false } })
    await device.connect()
    await platform.api('removeDevice', { params: { id } })
    await expect(device.connect({ host: '127.0.0.1' })).rejects.toThrow()
  })
})

describe('an update', () => {
  test.concurrent('is asked for with id and address, fetched from there, and told of in eight events', async () => {
    const device = await introduced()
    const bytes = random(20_000)
    await assign(device, '2.0.0', bytes)
    const { operation, url, uuid } = await device.request()
    expect(operation).toBe('Update')
    expect(uuid).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
    const file = await fetch(url)
    expect(file.headers.get('content-length')).toBe('20000')
    expect(Buffer.from(await file.arrayBuffer()).equals(Buffer.from(bytes))).toBe(true)
    const part = await fetch(url, { headers: { range: 'bytes=10000-' } })
    expect(part.status).toBe(206)
    const events = frames.eventsFor(uuid)
    expect(events).toHaveLength(8)
    for (const event of events.slice(0, -1)) await device.frame(event)
    await inState(device, 'UPDATING')
    // It restarts: a new line, its properties, and then the last word.
    await device.disconnect()
    await device.connect()
    await device.introduce()
    await device.property('BaseImage/version', '2.0.0')
    for (const event of events.slice(-1)) await device.frame(event)
    await inState(device, 'UPDATED')
    expect(await platform.history(device.id)).toEqual([
      // Acknowledged and Downloading; Deploying, Deployed and Rebooting.
      [
        ...['QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADING'],
        ...['UPDATING', 'UPDATING', 'UPDATING', 'UPDATED'],
      ],
    ])
    expect(device.requests).toHaveLength(1)
    await device.disconnect()
  })

  test.concurrent('that fails keeps the device’s own code, also one that nobody knows', async () => {
    const device = await introduced()
    await assign(device)
    const { uuid } = await device.request()
    await device.event(uuid, 'Acknowledged')
    await device.event(uuid, 'Failure', { code: 'ErrorOfOurOwn', message: 'the flash is worn out' })
    await inState(device, 'FAILED')
    expect(await operationOf(device)).toMatchObject({
      code: 'ErrorOfOurOwn',
      error: expect.stringContaining('the flash is worn out'),
    })
    await device.disconnect()
  })

  test.concurrent('an error is a sign of life and no end', async () => {
    const device = await introduced()
    await assign(device)
    const { uuid } = await device.request()
    await device.event(uuid, 'Acknowledged')
    await device.event(uuid, 'Error', { code: 'NetworkError', message: 'trying again' })
    await device.event(uuid, 'Downloading', { progress: 10 })
    await device.event(uuid, 'Deploying')
    await inState(device, 'UPDATING')
    await device.disconnect()
  })

  test.concurrent('of another device or of none is nobody’s, and the line stays', async () => {
    const [device, other] = [await introduced(), await introduced()]
    await assign(device)
    const { uuid } = await device.request()
    await device.event(uuid, 'Acknowledged')
    await inState(device, 'DOWNLOADING')
    await other.event(uuid, 'Failure', { code: 'IOError' })
    await other.event('00000000-0000-4000-8000-000000000000', 'Failure')
    await other.property('BaseImage/version', '1.0.1')
    await platform.until(other.id, ({ installed }) => installed.firmware?.version === '1.0.1')
    expect((await operationOf(device))?.state).toBe('DOWNLOADING')
    await Promise.all([device.disconnect(), other.disconnect()])
  })
})

describe('by hand', () => {
  const byHand = async (device: AstarteDevice, body: object) => {
    const { id } = await platform.device(device.id)
    return await platform.api('updateByHand', {
      params: { id },
      body: { title: 'hand', version: '9.0.0', ...body },
    })
  }
  const cancel = async (id: string) => await platform.api('cancelOperation', { params: { id } })

  test.concurrent('a file, or an address, is brought to one device', async () => {
    const device = await introduced()
    const { sha256 } = await platform.api('uploadArtifact', { body: random(100) })
    const operation = await byHand(device, { sha256 })
    const asked = await device.request()
    expect(asked.uuid).toBe(operation.id)
    expect((await (await fetch(asked.url)).arrayBuffer()).byteLength).toBe(100)
    await device.event(asked.uuid, 'Failure', { code: 'InvalidBaseImage' })
    await inState(device, 'FAILED')
    const url = `${platform.url}/health?as=an+image`
    await byHand(device, { url, version: '9.0.1' })
    expect((await device.request()).url).toBe(url)
    await device.disconnect()
  })

  test.concurrent('what is cancelled in time the device ends itself', async () => {
    const device = await introduced()
    await assign(device)
    const update = await device.request()
    await device.event(update.uuid, 'Acknowledged')
    await inState(device, 'DOWNLOADING')
    await cancel(update.uuid)
    const asked = await device.request()
    expect(asked).toMatchObject({ operation: 'Cancel', uuid: update.uuid, url: update.url })
    await device.event(update.uuid, 'Failure', { code: 'Canceled' })
    await inState(device, 'CANCELED')
    await device.disconnect()
  })

  test.concurrent('what is cancelled too late goes on, is ignored for a reason, and the version is shown', async ({
    expect,
  }) => {
    const device = await introduced()
    await assign(device)
    const update = await device.request()
    await device.event(update.uuid, 'Deploying')
    await inState(device, 'UPDATING')
    await cancel(update.uuid)
    await device.request()
    await device.property('BaseImage/version', '2.0.0')
    await device.event(update.uuid, 'Success')
    await platform.until(device.id, ({ installed }) => installed.firmware?.version === '2.0.0')
    const isIgnored = async () =>
      (await operationOf(device))?.steps.some(
        ({ outcome, reason }) => outcome === 'ignored' && reason.code === 'report.after-end',
      )
    await expect.poll(isIgnored).toBe(true)
    expect((await operationOf(device))?.state).toBe('CANCELED')
    await device.disconnect()
  })
})

// Alone: it moves the time of all.
test('a silent device is asked once more, in the very same bytes', async () => {
  const device = await introduced()
  await assign(device)
  const first = await device.request()
  platform.advanceClock({ minutes: 120 })
  const again = await device.request()
  expect(again.bytes.equals(first.bytes)).toBe(true)
  await device.event(first.uuid, 'Acknowledged')
  // Some say so of the very update they are at.
  await device.event(first.uuid, 'Failure', { code: 'UpdateAlreadyInProgress' })
  await device.event(first.uuid, 'Deploying')
  await inState(device, 'UPDATING')
  await device.disconnect()
})
