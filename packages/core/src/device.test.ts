import { describe, expect, test } from 'vitest'
import { checkedFacts, checkedLabels, checkedName, type Facts, type Json } from './device.ts'
import { refusal } from './refusal.test-helper.ts'
import type { Installed } from './release.ts'

describe('a name', () => {
  test.each([
    ['D1', 'D1'],
    ['  D 1\t', 'D 1'],
    ['Gerät 7 \u{1f680}', 'Gerät 7 \u{1f680}'],
    ['x'.repeat(256), 'x'.repeat(256)],
  ])('"%s" is kept as "%s"', (given, kept) => {
    expect(checkedName('device', given)).toBe(kept)
  })

  test.each(['', '   ', 'x'.repeat(257), 'a\nb', 'a\0b', 'a\u0085b', 'a\ud800'])(
    '"%s" is refused',
    (given) => {
      expect(refusal(() => checkedName('device', given))).toBe('request.malformed')
    },
  )

  test('labels are kept in order, each once', () => {
    expect(checkedLabels([' lab', 'north', 'lab', 'attic '])).toEqual(['attic', 'lab', 'north'])
    expect(refusal(() => checkedLabels(['lab', ' ']))).toBe('request.malformed')
  })
})

describe('facts', () => {
  const installing = (type: string, installed: Partial<Installed>): Facts => ({
    installed: { [type]: { title: 'F', version: '1.0.0', ...installed } },
  })
  const nested = (depth: number): Json => (depth === 0 ? 1 : [nested(depth - 1)])
  const components = (count: number): Facts => ({
    installed: Object.fromEntries(
      Array.from({ length: count }, (_, index) => [`c${index}`, { title: null, version: null }]),
    ),
  })

  test.each<[string, Facts]>([
    ['none', { installed: {} }],
    ['a title and a version', installing('firmware', {})],
    ['nulls', installing('firmware', { title: null, version: null })],
    ['texts of 255 characters', installing('firmware', { title: 'x'.repeat(255) })],
    ['64 component types', components(64)],
    ['an inventory', { installed: {}, inventory: { os: { name: 'Linux', cpus: [1, 2.5, null] } } }],
    ['inventory changes 64 deep', { installed: {}, inventoryChanges: { a: nested(63) } }],
    ['line breaks and emoji', { installed: {}, inventoryChanges: { 'a\n': '\t\u{1f680}' } }],
  ])('may hold %s', (_, facts) => {
    expect(checkedFacts(facts)).toBe(facts)
  })

  test.each<[string, Facts]>([
    ['a component type in capitals', installing('Firmware', {})],
    ['a type every object has already', installing('constructor', {})],
    ['a title of 256 characters', installing('firmware', { title: 'x'.repeat(256) })],
    ['a version of 256 characters', installing('firmware', { version: 'x'.repeat(256) })],
    ['a NUL in a title', installing('firmware', { title: 'a\0' })],
    ['half a surrogate pair in a version', installing('firmware', { version: 'a\ud800' })],
    ['65 component types', components(65)],
    ['a NUL in the inventory', { installed: {}, inventory: { os: ['a\0b'] } }],
    ['a NUL in a key', { installed: {}, inventoryChanges: { 'a\0': 1 } }],
    ['half a surrogate pair', { installed: {}, inventoryChanges: { a: { b: '\udfff' } } }],
    ['a number beyond all numbers', { installed: {}, inventory: { a: Number.POSITIVE_INFINITY } }],
    ['inventory changes 65 deep', { installed: {}, inventoryChanges: { a: nested(64) } }],
    [
      'inventory changes without a bottom',
      { installed: {}, inventoryChanges: JSON.parse(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`) },
    ],
  ])('are refused for %s', (_, facts) => {
    expect(refusal(() => checkedFacts(facts))).toBe('request.malformed')
  })
})
