import { expect, test } from 'vitest'
import { type DeviceThere, differences, type Truth } from './account.ts'

const app = (version: string) => ({ title: 'app', version })
const truth = (more: Partial<Truth> = {}): Truth => ({
  name: 'a',
  nameThere: 'a',
  runs: { firmware: app('2.0.0') },
  lastEnd: { type: 'firmware', release: app('2.0.0'), state: 'UPDATED', error: null },
  isUnderWay: false,
  isKnown: true,
  ...more,
})
const there = (runs: string, state: string, about = '2.0.0') =>
  new Map<string, DeviceThere>([
    [
      'a',
      {
        name: 'a',
        installed: { firmware: app(runs) },
        components: { firmware: { operation: { state, release: app(about) } } },
      },
    ],
  ])

test('an account that is true has no difference', () => {
  expect(differences([truth()], there('2.0.0', 'UPDATED'))).toEqual([])
})

test('a version that does not run is a difference', () => {
  expect(differences([truth()], there('1.0.0', 'UPDATED'))).toEqual([
    { name: 'a', what: 'firmware runs', here: 'app@2.0.0', there: 'app@1.0.0' },
  ])
})

test('an update that ended otherwise is a difference', () => {
  expect(differences([truth()], there('2.0.0', 'FAILED'))).toEqual([
    { name: 'a', what: 'app@2.0.0 ended', here: 'UPDATED', there: 'FAILED' },
  ])
})

test('a device the server does not know is a difference', () => {
  expect(differences([truth()], new Map())).toEqual([
    { name: 'a', what: 'device', here: 'is here', there: 'unknown' },
  ])
})

test.each([
  ['the same release is asked for anew', truth(), there('2.0.0', 'QUEUED')],
  ['another release is asked for', truth(), there('2.0.0', 'FAILED', '3.0.0')],
  ['the device is in the middle of it', truth({ isUnderWay: true }), there('1.0.0', 'UPDATING')],
  ['the device never came', truth({ isKnown: false, lastEnd: null }), there('0', 'QUEUED')],
])('nothing is wrong when %s', (_, device, account) => {
  expect(differences([device], account)).toEqual([])
})
