import { describe, expect, test } from 'vitest'
import {
  type Baseline,
  baselineOf,
  joined,
  retiredIn,
  verdictOn,
  withoutRetired,
} from './baseline.ts'
import type { HandlerStatus } from './handler-set.ts'

const device = (id: string) => ({ id, name: id, type: 'scale', connection: null })

const handler = (
  file: string,
  state: HandlerStatus['state'],
  { devices = [], restarts = 0 }: { devices?: string[]; restarts?: number } = {},
): HandlerStatus => ({
  file,
  kind: 'driver',
  sha256: '',
  state,
  error: state === 'failed' ? 'no port' : null,
  restarts,
  isSteady: state !== 'failed' && restarts === 0,
  devices: devices.map(device),
})

const EXPECTED: Baseline = {
  devices: [{ ...device('one'), handler: 'drivers/a' }],
  failed: ['drivers/odd'],
}

describe('a new set', () => {
  test.each<[string, HandlerStatus[], Baseline | null, object]>([
    [
      'is well with all that was there',
      [handler('drivers/a', 'running', { devices: ['one'] })],
      EXPECTED,
      { kind: 'well' },
    ],
    [
      'is well when another handler has the device now',
      [handler('drivers/b', 'running', { devices: ['one', 'two'] })],
      EXPECTED,
      { kind: 'well' },
    ],
    [
      'is waited for while a device is missing',
      [handler('drivers/a', 'running')],
      EXPECTED,
      { kind: 'waiting', because: 'missing since: scale one, which drivers/a had' },
    ],
    [
      'is waited for while a handler loads',
      [handler('drivers/a', 'running', { devices: ['one'] }), handler('drivers/b', 'starting')],
      EXPECTED,
      { kind: 'waiting', because: 'not loaded yet: drivers/b' },
    ],
    [
      'has failed with one of its handlers',
      [handler('drivers/a', 'running', { devices: ['one'] }), handler('drivers/b', 'failed')],
      EXPECTED,
      { kind: 'failed', because: 'drivers/b: no port' },
    ],
    [
      'has failed also while that one is started again',
      [handler('drivers/a', 'starting', { restarts: 1 })],
      EXPECTED,
      { kind: 'failed', because: 'drivers/a: it failed' },
    ],
    [
      'need not have better handlers than the one before',
      [
        handler('drivers/a', 'ended'),
        handler('drivers/b', 'running', { devices: ['one'] }),
        handler('drivers/odd', 'failed'),
      ],
      EXPECTED,
      { kind: 'well' },
    ],
    [
      'may have broken handlers when it is the first',
      [handler('drivers/a', 'running'), handler('drivers/b', 'failed')],
      null,
      { kind: 'well' },
    ],
    [
      'may not consist of them',
      [handler('drivers/a', 'failed'), handler('drivers/b', 'failed')],
      null,
      {
        kind: 'failed',
        because: 'none of its handlers works: drivers/a: no port; drivers/b: no port',
      },
    ],
  ])('%s', (_, handlers, expected, verdict) => {
    expect(verdictOn(handlers, expected)).toEqual(verdict)
  })
})

test.each([
  ['the handler', 'drivers/a\n', []],
  ['the device', '  one\r\n', []],
  ['others', '# drivers/a\n\ndrivers/b\n', EXPECTED.devices],
])('what is not expected any more is listed by %s', (_, text, devices) => {
  expect(withoutRetired(EXPECTED, retiredIn(text))).toEqual({ ...EXPECTED, devices })
  expect(withoutRetired(null, retiredIn(text))).toBeNull()
})

test('who has just been started again may fail in the next set as it did in this one', () => {
  const now = [handler('drivers/odd', 'running', { restarts: 1 })]
  expect(baselineOf(now).failed).toEqual(['drivers/odd'])
})

test('soon after a start, what was there before still counts', () => {
  const now = [handler('drivers/a', 'starting'), handler('drivers/odd', 'starting')]
  expect(baselineOf(now)).toEqual({ devices: [], failed: [] })
  expect(joined(EXPECTED, now)).toEqual(EXPECTED)
  const later = [
    handler('drivers/b', 'running', { devices: ['one'] }),
    handler('drivers/odd', 'running'),
  ]
  expect(joined(EXPECTED, later)).toEqual({
    devices: [{ ...device('one'), handler: 'drivers/b' }],
    failed: [],
  })
})
