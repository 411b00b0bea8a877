import { payloadBytes } from '@updraft/wire/astarte-values'
import { NAMES } from '@updraft/wire/edgehog'
import {
  EMPTY_CACHE,
  FACTS,
  INTROSPECTION,
  NO_PROPERTIES,
  PROPERTIES,
} from '@updraft/wire/testing/edgehog-frames'
import { Binary, Int32, serialize } from 'bson'
import { afterEach, describe, expect, test } from 'vitest'
import {
  CONSUMER_PROPERTIES,
  closeHouses,
  DEVICE,
  type House,
  house,
  type Line,
  OTA_REQUESTS,
} from './house.test-helper.ts'

afterEach(closeHouses)

/** Nothing is set by the server: what all SDKs read as an empty list. */
const NOTHING_SET = '00000000789c030000000001'
const told = (line: Line) =>
  line.sent.map(({ suffix, qos, payload }) => [suffix, qos, payload.toString('hex')])

/** What the recorded device has told in the end. */
const ALL_TOLD = {
  partNumber: 'PN-1',
  serialNumber: 'SN-1',
  baseImage: { name: 'demo' },
  hardwareInfo: { mem: { totalBytes: 1024 } },
  storageUsage: { disk0: { totalBytes: 5_000_000_000, freeBytes: 12 } },
}

describe('the first contact', () => {
  test('of the Python SDK: it listens, knows nothing, tells all, and lists it', async () => {
    const at = await house()
    const line = await at.connect()
    await line.listen(CONSUMER_PROPERTIES, OTA_REQUESTS, `/${NAMES.telemetry}/#`)
    await line.say('', INTROSPECTION)
    await line.frame(EMPTY_CACHE)
    for (const frame of FACTS) {
      if (!frame.suffix.includes('OTARequest')) await line.frame(frame)
    }
    await line.frame(PROPERTIES)
    expect(told(line)).toEqual([[CONSUMER_PROPERTIES, 2, NOTHING_SET]])
    expect(at.device(DEVICE)).toMatchObject({
      installed: { firmware: { title: null, version: '1.0.0' } },
      inventory: ALL_TOLD,
    })
    expect(at.pairing(DEVICE)).toMatchObject({
      isConnected: true,
      introspection: { [NAMES.otaRequest]: { major: 1, minor: 0 } },
    })
    expect(at.notes()).toEqual([])
    expect(at.bugs).toEqual([])
  })

  test('of the Rust SDK: it lists what is set before it tells it anew', async () => {
    const at = await house()
    at.changeDevice(DEVICE, { inventory: { ...ALL_TOLD, osInfo: { osName: 'old' } } })
    const line = await at.connect()
    await line.listen(CONSUMER_PROPERTIES, OTA_REQUESTS)
    await line.say('', INTROSPECTION)
    await line.frame(EMPTY_CACHE)
    await line.frame(NO_PROPERTIES)
    expect(at.device(DEVICE).inventory).toEqual({
      // It has not that interface any more: what it said once is no business of its list.
      osInfo: { osName: 'old' },
      storageUsage: ALL_TOLD.storageUsage,
    })
    for (const frame of FACTS) await line.frame(frame)
    expect(at.device(DEVICE).inventory).toEqual({ ...ALL_TOLD, osInfo: { osName: 'old' } })
    expect(told(line)).toEqual([[CONSUMER_PROPERTIES, 2, NOTHING_SET]])
  })

  test('may say that it knows nothing before it listens: it is told when it does', async () => {
    const at = await house()
    const line = await at.connect()
    await line.say('', INTROSPECTION)
    await line.frame(EMPTY_CACHE)
    expect(line.sent).toEqual([])
    await line.listen(CONSUMER_PROPERTIES)
    await expect.poll(() => told(line)).toEqual([[CONSUMER_PROPERTIES, 2, NOTHING_SET]])
  })
})

describe('what it tells of itself', () => {
  const learnt = async (at: House, interfaceName: string, path: string, bytes: Uint8Array) => {
    const line = await at.connect()
    await line.say('', `${INTROSPECTION};${NAMES.networkInterfaces}:0:1;${NAMES.systemStatus}:0:1`)
    await line.say(`/${interfaceName}${path}`, bytes)
    return line
  }

  test('stands below the short name of its interface, and goes when it is unset', async () => {
    const at = await house()
    const line = await learnt(
      at,
      NAMES.networkInterfaces,
      '/eth0/macAddress',
      payloadBytes('string', '02:00:00:00:00:01'),
    )
    expect(at.device(DEVICE).inventory).toEqual({
      networkInterfaces: { eth0: { macAddress: '02:00:00:00:00:01' } },
    })
    await line.say(`/${NAMES.networkInterfaces}/eth0/macAddress`, '')
    expect(at.device(DEVICE).inventory).toEqual({})
  })

  test('may be a number that is not exact: it is kept as text', async () => {
    const at = await house()
    const bytes = payloadBytes('longinteger', '9007199254740993')
    await learnt(at, NAMES.hardwareInfo, '/mem/totalBytes', bytes)
    expect(at.device(DEVICE).inventory).toEqual({
      hardwareInfo: { mem: { totalBytes: '9007199254740993' } },
    })
  })

  test('may be an object with a name of its own', async () => {
    const at = await house()
    const status = { bootId: 'b', taskCount: new Int32(3), uptimeMillis: new Int32(7) }
    await learnt(at, NAMES.systemStatus, '/systemStatus', serialize({ v: status }))
    expect(at.device(DEVICE).inventory).toEqual({
      systemStatus: { bootId: 'b', taskCount: 3, uptimeMillis: 7 },
    })
  })

  test('may be called as objects of ours are: it is a name like others', async () => {
    const at = await house()
    const bytes = serialize({ v: { totalBytes: new Int32(1) } })
    await learnt(at, NAMES.storageUsage, '/__proto__', bytes)
    expect(JSON.stringify(at.device(DEVICE).inventory)).toBe(
      '{"storageUsage":{"__proto__":{"totalBytes":1}}}',
    )
  })

  test('does not grow without end', async () => {
    const at = await house()
    const bytes = serialize({ v: { totalBytes: new Int32(1) } })
    const line = await learnt(at, NAMES.storageUsage, '/disk0', bytes)
    for (let disk = 1; disk < 300; disk += 1)
      await line.say(`/${NAMES.storageUsage}/disk${disk}`, bytes)
    expect(Object.keys(at.device(DEVICE).inventory.storageUsage ?? {})).toHaveLength(256)
    expect(at.notes()).toEqual(['message.refused: More than 256 facts of one kind.'])
  })

  test('may lead to the profile of its system model, as long as that is open', async () => {
    const at = await house()
    at.pair(DEVICE, { awaitsModel: true })
    const line = await at.contact()
    await line.property(NAMES.systemInfo, '/serialNumber', 'SN-1')
    expect(at.followed).toEqual([])
    await line.property(NAMES.systemInfo, '/partNumber', 'PN-1')
    await line.property(NAMES.systemInfo, '/partNumber', 'PN-2')
    expect(at.followed).toEqual([DEVICE])
  })
})

describe('capabilities', () => {
  test('are kept', async () => {
    const at = await house()
    const line = await at.contact()
    await line.say('/capabilities', serialize({ purge_properties_compression_format: 'plaintext' }))
    expect(at.pairing(DEVICE).capabilities).toEqual({
      purge_properties_compression_format: 'plaintext',
    })
    await line.say('/control/producer/properties', '')
    expect(line.closed).toBeNull()
  })
})

describe('bad input', () => {
  const DISCARDED: [string, string, Uint8Array, string][] = [
    ['a control topic nobody knows', '/control/reboot', Buffer.from('1'), 'control topic'],
    [
      'a property of the server',
      `/${NAMES.telemetry}/request/x/enable`,
      payloadBytes('boolean', true),
      "server's to write",
    ],
    [
      'a request of the server',
      `/${NAMES.otaRequest}/request`,
      payloadBytes('string', 'x'),
      "server's to write",
    ],
    [
      'a path there is not',
      `/${NAMES.baseImage}/colour`,
      payloadBytes('string', 'x'),
      'has no /colour',
    ],
    ['another type', `/${NAMES.baseImage}/version`, payloadBytes('integer', 1), 'another type'],
    [
      'an object with another type in it',
      `/${NAMES.storageUsage}/disk0`,
      serialize({ v: { totalBytes: 'x' } }),
      'another type',
    ],
    [
      'an interface it has not declared',
      `/${NAMES.osInfo}/osName`,
      payloadBytes('string', 'x'),
      'not in the introspection',
    ],
    [
      'an event of nothing',
      `/${NAMES.otaEvent}/event`,
      serialize({ v: { status: 'Success' } }),
      'which update',
    ],
    ['an event that is unset', `/${NAMES.otaEvent}/event`, new Uint8Array(), 'which update'],
    [
      'a list that is none',
      '/control/producer/properties',
      Buffer.from('00000005ff', 'hex'),
      'list of properties',
    ],
    ['capabilities that are none', '/capabilities', Buffer.from('{}'), 'capabilities'],
    ['a name that is none of its interfaces', '/a b/c', new Uint8Array(), 'below'],
  ]
  test.each(DISCARDED)('is discarded and noted: %s', async (_, suffix, bytes, what) => {
    const at = await house()
    const line = await at.contact()
    const before = at.device(DEVICE)
    await line.say(suffix, bytes)
    expect(at.notes()).toEqual([expect.stringMatching(new RegExp(`^message.refused: .*${what}`))])
    expect(at.device(DEVICE).inventory).toEqual(before.inventory)
    expect(line.closed).toBeNull()
    expect(at.bugs).toEqual([])
  })

  test.each([
    ['/com.example.Weather/temperature', Buffer.from('no BSON at all')],
    ['/com.example.Weather/temperature', new Uint8Array()],
    ['/control/keyAgreement/x', Buffer.from('cbor')],
  ])('is none: %s, of which we know nothing', async (suffix, bytes) => {
    const at = await house()
    const line = await at.contact()
    await line.say(suffix, bytes)
    expect(at.notes()).toEqual([])
    expect(line.closed).toBeNull()
  })

  test('before any introspection is discarded', async () => {
    const at = await house()
    const line = await at.connect()
    await line.property(NAMES.baseImage, '/version', '1.0.0')
    expect(at.device(DEVICE).installed).toEqual({})
    expect(at.notes()).toEqual([`message.refused: ${NAMES.baseImage} is not in the introspection.`])
  })

  test('of another version of an interface is discarded', async () => {
    const at = await house()
    const line = await at.connect()
    await line.say('', `${NAMES.baseImage}:7:0`)
    await line.property(NAMES.baseImage, '/version', '1.0.0')
    expect(at.notes()).toEqual([`message.refused: ${NAMES.baseImage} 7 is not known here.`])
  })

  test.each([
    ['an introspection', '', 'a.B:x:1'],
    ['an introspection that is no text', '', Buffer.from('ff', 'hex')],
    ['a document', `/${NAMES.baseImage}/version`, Buffer.from('1100000002', 'hex')],
  ])('that cannot be read ends the session, but not all the time: %s', async (_, suffix, bytes) => {
    const at = await house()
    const line = await at.contact()
    await line.say(suffix, bytes)
    expect([line.closed, line.isForgotten]).toEqual(['malformed-packet', true])
    line.leave()
    const next = await at.contact()
    await next.say(suffix, bytes)
    expect(next.closed).toBeNull()
    expect(at.pairing(DEVICE).introspection).toHaveProperty([NAMES.otaRequest])
  })

  test('says nothing of what is a value without bytes', async () => {
    const at = await house()
    const line = await at.contact()
    await line.property(NAMES.baseImage, '/version', '1.0.0')
    await line.say(`/${NAMES.baseImage}/version`, serialize({ v: new Binary(Buffer.alloc(0)) }))
    expect(at.device(DEVICE).installed.firmware?.version).toBe('1.0.0')
  })
})

describe('filters', () => {
  test('of others are refused, its own are granted', async () => {
    const at = await house()
    const line = await at.connect()
    expect(await line.listen('/#', '', CONSUMER_PROPERTIES)).toEqual([2, 2, 2])
    const { welcome } = line
    const visitor = welcome?.kind === 'accepted' ? welcome.visitor : null
    const others = ['#', 'test/+/#', 'v1/devices/me/attributes'].map(
      (filter) => ({ filter, qos: 1 }) as const,
    )
    expect(await visitor?.subscribed(others)).toEqual([null, null, null])
    expect(line.closed).toBeNull()
  })
})

describe('a device that is not to come in any more', () => {
  test.each<[string, (at: House) => void]>([
    ['is removed', (at) => at.remove(DEVICE)],
    ['has lost its certificate', (at) => at.removeCredentials(DEVICE, 'x509')],
    ['is kept outside', (at) => at.pair(DEVICE, { status: 'inhibited' })],
  ])('is sent away when it %s', async (_, change) => {
    const at = await house()
    const line = await at.contact()
    change(at)
    await expect.poll(() => line.closed).toBe('not-authorized')
    expect(at.bugs).toEqual([])
  })

  test('is not acknowledged what could not be kept', async () => {
    const at = await house()
    const line = await at.contact()
    at.goAway()
    await expect(line.property(NAMES.baseImage, '/version', '2.0.0')).rejects.toThrow()
    expect(line.closed).toBe('implementation-error')
  })
})
