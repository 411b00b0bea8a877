import { NAMES } from '@updraft/wire/edgehog'
import { describe, expect, test } from 'vitest'
import { factsIn, readFacts, toldBy } from './cluster-facts.ts'

describe('what a cluster tells', () => {
  test.each<[string, string, string, unknown, unknown]>([
    ['a text', NAMES.systemInfo, '/partNumber', 'P-1', 'P-1'],
    ['an integer of 64 bits', NAMES.hardwareInfo, '/mem/totalBytes', '8589934592', 8589934592],
    [
      'one that no number holds',
      NAMES.hardwareInfo,
      '/mem/totalBytes',
      '9007199254740993',
      '9007199254740993',
    ],
    [
      'an object',
      NAMES.storageUsage,
      '/disk0',
      { totalBytes: '10', freeBytes: 5, more: true },
      { totalBytes: 10, freeBytes: 5 },
    ],
    [
      'a property that is set no more',
      NAMES.networkInterfaces,
      '/eth0/macAddress',
      null,
      undefined,
    ],
  ])('is read as %s', (_, name, path, value, read) => {
    expect(toldBy(name, path, value)).toEqual({ interface: name, path, value: read })
  })

  test.each<[string, string, string, unknown]>([
    ['of another interface', 'org.example.Lamp', '/on', true],
    ['of a path there is none of', NAMES.systemInfo, '/colour', 'red'],
    ['of another type', NAMES.systemInfo, '/partNumber', 7],
    ['that is no object', NAMES.storageUsage, '/disk0', 'full'],
  ])('is nothing %s', (_, name, path, value) => {
    expect(toldBy(name, path, value)).toBeUndefined()
  })

  test('adds up', () => {
    const told = [
      { interface: NAMES.baseImage, path: '/version', value: '2.0.0' },
      { interface: NAMES.systemInfo, path: '/partNumber', value: 'P-1' },
      { interface: NAMES.osInfo, path: '/osName', value: 'Linux' },
    ]
    expect(factsIn({ here: 'before' }, told)).toEqual({
      installed: { firmware: { title: null, version: '2.0.0' } },
      inventory: { here: 'before', partNumber: 'P-1', osInfo: { osName: 'Linux' } },
    })
    expect(factsIn({}, [])).toBeNull()
  })
})

describe('the properties of a device', () => {
  const PROPERTIES: Record<string, Record<string, unknown>> = {
    [NAMES.baseImage]: { version: '1.0.0' },
    [NAMES.systemInfo]: { serialNumber: 'S-1' },
    [NAMES.osInfo]: { osName: 'Linux' },
    [NAMES.networkInterfaces]: { eth0: { macAddress: '00:00:5e:00:53:01' } },
  }
  const introspection = Object.fromEntries(
    Object.keys(PROPERTIES).map((name) => [name, { major: 0, minor: 1 }]),
  )
  const read = async (inventory: object) => {
    const asked: string[] = []
    const client = {
      properties: async (_: string, name: string) => {
        asked.push(name)
        return PROPERTIES[name] ?? null
      },
    }
    const device = { inventory } as Parameters<typeof readFacts>[2]
    const facts = await readFacts(client, 'id', device, introspection)
    return { asked, facts }
  }

  test('are all read where nothing is known, of the interfaces it has', async () => {
    const { asked, facts } = await read({})
    expect(asked.toSorted()).toEqual(Object.keys(PROPERTIES).toSorted())
    expect(facts).toEqual({
      installed: { firmware: { title: null, version: '1.0.0' } },
      inventory: {
        serialNumber: 'S-1',
        osInfo: { osName: 'Linux' },
        networkInterfaces: { eth0: { macAddress: '00:00:5e:00:53:01' } },
      },
    })
  })

  test('are read again where something is decided by them', async () => {
    const { asked } = await read({ osInfo: { osName: 'Linux' }, networkInterfaces: { eth0: {} } })
    expect(asked).toEqual([NAMES.baseImage, NAMES.systemInfo])
  })
})
