import { describe, expect, test } from 'vitest'
import { checkedNeeds, meetsNeed, unmetNeed } from './needs.ts'
import { refusal } from './refusal.test-helper.ts'

test.each([
  ['24.10', '>= 24.10', true],
  ['24.9', '>= 24.10', false],
  ['25.01', '>= 24.10 and < 25.2', true],
  ['24.04', '24.4', true],
  ['17.0#1a2b3c4', '~> 17.0', true],
  ['18.0', '~> 17.0', false],
  ['17.0-20250403', '>= 17.0', true],
  ['saas~18.4', '>= 18.3', true],
  ['1.2.3', '~> 1.2.0', true],
  ['1.3.0-rc.1', '>= 1.3.0', false],
  ['nightly', '>= 0.1', false],
])('%s is what %s needs: %s', (version, wanted, isMet) => {
  expect(meetsNeed(version, wanted)).toBe(isMet)
})

describe('a release', () => {
  const release = { title: 'H', version: '2', needs: { code: '~> 17.0', image: '>= 24.10' } }
  const runs = (code: string | null, image: string) => ({
    code: { title: null, version: code },
    image: { title: null, version: image },
  })

  test('that has all it needs lacks nothing', () => {
    expect(unmetNeed(release, runs('17.0#1a2b3c4', '25.01'))).toBeNull()
    expect(unmetNeed({ ...release, needs: {} }, {})).toBeNull()
  })

  test.each([
    [runs('18.0', '24.10'), 'nothing.needs', 'H@2 needs code ~> 17.0; the device has 18.0.'],
    [runs('17.0', '23.11'), 'nothing.needs', 'H@2 needs image >= 24.10; the device has 23.11.'],
    [
      runs(null, '24.10'),
      'nothing.needs-unknown',
      'H@2 needs code ~> 17.0; the device has not told which it has.',
    ],
    [{}, 'nothing.needs-unknown', 'H@2 needs code ~> 17.0; the device has not told which it has.'],
  ])('is told why not on %j', (installed, code, message) => {
    expect(unmetNeed(release, installed)).toEqual({ code, message })
  })
})

describe('what is said of needs', () => {
  test('is kept in order, trimmed', () => {
    expect(
      Object.entries(checkedNeeds('handlers', { image: ' >= 24.10 ', code: '~> 17.0' })),
    ).toEqual([
      ['code', '~> 17.0'],
      ['image', '>= 24.10'],
    ])
  })

  test.each([
    ['release.invalid', { handlers: '>= 1.0' }],
    ['release.invalid', { Image: '>= 1.0' }],
    ['release.invalid', { image: '>'.repeat(1025) }],
    [
      'release.invalid',
      Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`c${at}`, '1.0.0'])),
    ],
    ['version.invalid-requirement', { image: 'new enough' }],
    ['version.invalid-requirement', { image: '' }],
  ])('is refused with %s when it is %j', (code, needs) => {
    expect(refusal(() => checkedNeeds('handlers', needs))).toBe(code)
  })
})
