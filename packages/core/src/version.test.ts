import { describe, expect, test } from 'vitest'
import { quickestMs } from './quickest.test-helper.ts'
import { compareVersions, parseVersion } from './version.ts'

describe('a version is SemVer 2.0', () => {
  test.each([
    ['0.0.0', [], []],
    ['1.2.3', [], []],
    ['10.20.30', [], []],
    ['1.0.0-alpha', ['alpha'], []],
    ['1.0.0-0.3.7', ['0', '3', '7'], []],
    ['1.0.0-x.7.z.92', ['x', '7', 'z', '92'], []],
    ['1.0.0-x-y-z.--', ['x-y-z', '--'], []],
    ['1.0.0-0a', ['0a'], []],
    ['1.0.0-00a', ['00a'], []],
    ['1.0.0+001', [], ['001']],
    ['1.0.0+21AF26D3----117B344092BD', [], ['21AF26D3----117B344092BD']],
    ['1.0.0-beta+exp.sha.5114f85', ['beta'], ['exp', 'sha', '5114f85']],
    ['1.0.0+build-1.2', [], ['build-1', '2']],
  ])('%s is one', (text, pre, build) => {
    expect(parseVersion(text)).toMatchObject({ pre, build })
  })

  test.each([
    '',
    ' ',
    '1',
    '1.0',
    '1.0.0.0',
    'v1.0.0',
    'V1.0.0',
    '01.0.0',
    '1.01.0',
    '1.0.01',
    '-1.0.0',
    '+1.0.0',
    '1.0.0-',
    '1.0.0+',
    '1.0.0-+b',
    '1.0.0-01',
    '1.0.0-a..b',
    '1.0.0-a.',
    '1.0.0-.a',
    '1.0.0-a_b',
    '1.0.0+a+b',
    '1.0.0+a..b',
    '1.0.0-ä',
    '1.0.0 ',
    ' 1.0.0',
    '1.0.0\n',
    '1. 0.0',
    '1.0.x',
    '1..0',
    '١.0.0',
    '1e1.0.0',
    'v0',
    '13',
    '2024-05 beta',
  ])('"%s" is none', (text) => {
    expect(parseVersion(text)).toBeUndefined()
  })

  test('numbers may be larger than any machine word', () => {
    expect(parseVersion('99999999999999999999.0.0')?.major).toBe(99999999999999999999n)
    expect(compareVersions('99999999999999999999.0.0', '99999999999999999998.0.0')).toBeGreaterThan(
      0,
    )
  })

  test('more than 255 characters are none', () => {
    expect(parseVersion(`1.0.0-${'a'.repeat(249)}`)).toBeDefined()
    expect(parseVersion(`1.0.0-${'a'.repeat(250)}`)).toBeUndefined()
  })

  test.each([
    ['digits', `1.0.0-${'1'.repeat(200)}!`],
    ['dots', `1.0.0-${'1.'.repeat(110)}!`],
    ['dashes', `1.0.0${'-'.repeat(200)}!`],
    ['build parts', `1.0.0+${'a-'.repeat(110)}!`],
  ])('a long run of %s that comes to nothing is no more work than a version', (_, text) => {
    expect(parseVersion(text)).toBeUndefined()
    const hundred = (each: string) => () => {
      for (let round = 0; round < 100; round += 1) parseVersion(each)
    }
    const wrongMs = quickestMs(hundred(text))
    const rightMs = quickestMs(hundred(`1.0.0-${'a'.repeat(text.length - 6)}`))
    // A few times as much at most; who tries every way to read it needs thousands.
    expect(wrongMs / rightMs).toBeLessThan(100)
  })
})

describe('the order of versions', () => {
  /** Lowest first; the pre-releases of 1.0.0 are the example of SemVer 2.0 §11.4. */
  const ASCENDING = [
    '0.9.9',
    '1.0.0--',
    '1.0.0-A',
    '1.0.0-alpha',
    '1.0.0-alpha.1',
    '1.0.0-alpha.beta',
    '1.0.0-beta',
    '1.0.0-beta.2',
    '1.0.0-beta.11',
    '1.0.0-rc.1',
    '1.0.0',
    '1.0.1-0',
    '1.0.1-0.0',
    '1.0.1-9',
    '1.0.1-10',
    '1.0.1-0a',
    '1.0.1-9a',
    '1.0.1',
    '1.2.0',
    '1.10.0',
    '2.0.0',
    '2.1.0',
    '2.1.1',
    '10.0.0',
  ]

  test.each(ASCENDING.map((version, index) => [version, ASCENDING.slice(index + 1)] as const))(
    '%s is equal to itself and below all that follow',
    (version, higher) => {
      expect(compareVersions(version, version)).toBe(0)
      for (const other of higher) {
        expect(compareVersions(version, other), `${version} < ${other}`).toBeLessThan(0)
        expect(compareVersions(other, version), `${other} > ${version}`).toBeGreaterThan(0)
      }
    },
  )

  test.each([
    ['1.0.0+b1', '1.0.0+b2'],
    ['1.0.0', '1.0.0+b1'],
    ['1.0.0-rc.1+a', '1.0.0-rc.1'],
  ])('%s and %s are of the same rank: build metadata does not count', (a, b) => {
    expect(compareVersions(a, b)).toBe(0)
  })

  test.each([
    ['v0', 'v0', 0],
    ['13', '13', 0],
    ['v0', 'v1', undefined],
    ['13', '14', undefined],
    ['1.0', '1.0.0', undefined],
    ['1.0.0', '2024-05 beta', undefined],
    ['', '', 0],
  ])('what is no version equals only itself: "%s" and "%s"', (a, b, order) => {
    expect(compareVersions(a, b)).toBe(order)
  })
})
