import type { Device, Json, JsonObject } from '@updraft/core'
import { compile, holds } from '@updraft/core/expression'
import { describe, expect, test } from 'vitest'
import {
  type BoxFilter,
  boxesWhere,
  holdOf,
  identityOf,
  seriesOf,
  toldBy,
  troublesOf,
} from './boxes.ts'

const NOW = new Date('2026-11-21T20:00:00Z')

const STOCK = {
  identifier: '02:00:00:00:18:00',
  mac: '02:00:00:00:18:00',
  hostName: 'kassa',
  ip: '192.0.2.7',
  version: 'L24.10-18.0#1a2b3c4',
  generation: 'G18',
  platform: 'L',
  devices: { 'usb:04b8': { name: 'TM-T20', type: 'printer', connection: 'usb' }, bare: {} },
} as const

const OWN = {
  identifier: 'b0c4',
  hostName: 'till',
  platform: 'L',
  ip: '2001:db8::9',
  freeDiskBytes: 1_500_000,
  box: {
    kind: 'virtual',
    homePort: 8069,
    layers: {
      handlers: {
        active: { id: 'a', title: 'handlers', version: '2', installedAt: '2026-11-20T10:00:00Z' },
        previous: { id: 'b', title: 'handlers', version: '1', installedAt: 'at noon' },
        trial: null,
        result: { kind: 'updated', at: '2026-11-20T10:00:00Z', because: null },
        refusal: null,
        details: {
          handlers: [
            {
              file: 'drivers/scale.py',
              state: 'running',
              error: null,
              devices: [{ id: 'usb-1', name: 'Scale', type: 'scale', connection: null }],
            },
            {
              file: 'drivers/drawer.py',
              state: 'failed',
              error: 'no module named serial',
              devices: [],
            },
          ],
        },
      },
      code: {
        active: { title: 'code', version: '17.0#1a2b3c4' },
        result: {
          kind: 'rolled-back',
          at: '2026-11-21T10:00:00Z',
          because: 'The service does not answer.',
        },
        details: { upstream: { url: 'https://code.example/box.git', branch: '17.0' } },
      },
      image: {
        refusal: { because: 'This box is virtual.', instead: 'Update its machine.' },
        details: { running: 'a', slots: [{ name: 'a', release: { version: '24.10' } }, 'b'] },
      },
    },
  },
} as const

const device = (inventory: JsonObject, more: Partial<Device> = {}): Device => ({
  id: 'd',
  name: 'kassa',
  profileId: 'p',
  profileName: 'Kassa',
  cloudId: null,
  cloudName: null,
  labels: [],
  attributes: {},
  inventory,
  installed: {},
  dialect: 'updraft',
  lastSeenAt: null,
  createdAt: NOW,
  ...more,
})
const stock = (more: Partial<Device> = {}) => device(STOCK, { dialect: 'odoo-iot', ...more })
const own = (more: Partial<Device> = {}) => device(OWN, more)

describe('what a box tells', () => {
  test('of its layers and handlers', () => {
    const { layers, handlers, devices, upstream, slots, runningSlot } = toldBy(own())
    expect(layers.handlers.active?.version).toBe('2')
    expect(layers.handlers.previous).toEqual({ title: 'handlers', version: '1', installedAt: null })
    expect(layers.handlers.last?.kind).toBe('updated')
    expect(layers.image.refusal?.instead).toBe('Update its machine.')
    expect(handlers.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'drivers/scale.py running',
      'drivers/drawer.py failed',
    ])
    expect(devices.map(({ name }) => name)).toEqual(['Scale'])
    expect(upstream?.branch).toBe('17.0')
    expect([runningSlot, slots]).toEqual(['a', [{ name: 'a', version: '24.10' }]])
  })

  test('is nothing where it is of another form', () => {
    const strange: Json[] = [
      null,
      7,
      'box',
      [],
      { layers: 'none' },
      { layers: { handlers: [7], code: { result: { kind: 'exploded' } } } },
      {
        layers: { handlers: { details: { handlers: [7, {}] } }, image: { details: { slots: {} } } },
      },
    ]
    for (const box of strange) {
      const told = toldBy(device({ box }))
      expect([told.layers.handlers.active, told.layers.code.last]).toEqual([null, null])
      expect([told.handlers, told.devices, told.slots]).toEqual([[], [], []])
      expect(troublesOf(device({ box }))).toEqual([])
    }
  })

  test('of what is plugged into one of Odoo’s', () => {
    expect(toldBy(stock()).devices).toEqual([
      { id: 'usb:04b8', name: 'TM-T20', type: 'printer', connection: 'usb' },
      { id: 'bare', name: 'bare', type: null, connection: null },
    ])
  })

  test('of itself', () => {
    expect(identityOf(own()).map(({ name, value }) => `${name}: ${value}`)).toEqual([
      'Identifier: b0c4',
      'Kind: virtual: a program on a machine',
      'System: Linux',
      'Host name: till',
      'IP address: 2001:db8::9',
      'Free space: 1500000',
    ])
    expect(identityOf(stock()).map(({ name, value }) => `${name}: ${value}`)).toContain(
      'System: Raspberry Pi',
    )
  })

  test.each([
    ['http://[2001:db8::9]:8069', OWN],
    ['http://192.0.2.7:8069', STOCK],
    [null, { ...STOCK, ip: 'evil.example/' }],
    [null, { ...OWN, box: { homePort: null } }],
  ])('its page is at %s', (page, inventory) => {
    expect(toldBy(device(inventory)).page).toBe(page)
  })
})

test('what a person should look at: handlers that do not load, and layers whose last attempt did not last', () => {
  expect(troublesOf(own())).toEqual([
    'drivers/drawer.py does not load: no module named serial',
    'Code went back: The service does not answer.',
  ])
  expect(troublesOf(stock())).toEqual([])
})

test.each([
  ['17.0#1a2b3c4', '17.0'],
  ['saas-17.4', 'saas~17.4'],
  ['saas~19.1#1a2b3c4', 'saas~19.1'],
  ['master#1a2b3c4', 'master'],
  ['17.0.1', null],
  ['1a2b3c4', null],
])('code %s is of series %s', (version, series) => {
  expect(seriesOf({ installed: { code: { version } } })).toBe(series)
})

describe('a list of boxes holds', () => {
  const form = (hold: JsonObject | null) => ({ box: { hold } })
  const boxes: Record<string, Device> = {
    stock: stock({ installed: { code: { title: null, version: '18.0#1a2b3c4' } } }),
    own: own({ installed: { code: { title: null, version: '17.0#1a2b3c4' } } }),
    off: stock({ attributes: { automaticDriversUpdate: false } }),
    held: own({ attributes: form({ reason: 'Inventory', until: null }) }),
    'held until tomorrow': stock({
      attributes: form({ reason: 'Inventory', until: '2026-11-22T20:00:00Z' }),
    }),
    'held until noon': stock({
      attributes: form({ reason: 'Inventory', until: '2026-11-21T12:00:00Z' }),
    }),
    'no box': device({ hardware: 'rev C' }),
  }
  const found = (filter: BoxFilter) =>
    Object.entries(boxes).flatMap(([name, box]) => {
      const facts = { device: box, customer: null, systemModel: null, hardwareType: null }
      return holds(compile(boxesWhere(filter)), facts, NOW).holds ? [name] : []
    })

  test.each<[BoxFilter, readonly string[]]>([
    [{}, ['stock', 'own', 'off', 'held', 'held until tomorrow', 'held until noon']],
    [{ kind: 'updraft' }, ['own', 'held']],
    [{ kind: 'odoo' }, ['stock', 'off', 'held until tomorrow', 'held until noon']],
    [{ set: 'drivers-off' }, ['off']],
    [{ set: 'drivers-on', kind: 'updraft' }, ['own', 'held']],
    [{ set: 'held' }, ['held', 'held until tomorrow']],
    [{ series: '17.0' }, ['own']],
    [{ series: '"' }, []],
    [{ set: 'toString', kind: 'nobody’s' }, Object.keys(boxes).slice(0, -1)],
  ])('%j', (filter, names) => {
    expect(found(filter)).toEqual(names)
    const held = Object.keys(boxes).filter((name) => holdOf(boxes[name] ?? stock(), NOW))
    expect(held).toEqual(['held', 'held until tomorrow'])
  })
})
