import { describe, expect, test } from 'vitest'
import { allowsAgent, astarteIdOf, checkedRealm, isRealm } from './realm.ts'

describe('an id of Astarte', () => {
  const bytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
  const canonical = bytes.toString('base64url')

  test.each([
    ['as it is printed', canonical],
    ['padded', `${canonical}==`],
    ['longer than 128 bits', Buffer.alloc(64, bytes).toString('base64url')],
    ['with bits set that do not count', canonical.replace(/w$/, '_')],
  ])('%s', (_what, text) => {
    expect(astarteIdOf(text)).toBe(canonical)
  })

  test.each([
    ['too short', canonical.slice(1)],
    ['empty', ''],
    ['of standard base64', canonical.replace('-', '+').replace('u_', 'u/')],
    ['much too long', 'A'.repeat(256)],
    ['with a blank before it', ` ${canonical}`],
    ['with a line behind it', `${canonical}\n`],
  ])('%s, it is none', (_what, text) => {
    expect(astarteIdOf(text)).toBeNull()
  })

  test('is its first 128 bits, whatever they are', () => {
    for (let seed = 0; seed < 256; seed += 1) {
      const long = Buffer.from(Array.from({ length: 24 }, (_, at) => (seed * 31 + at * 17) % 256))
      const first = long.subarray(0, 16).toString('base64url')
      expect(astarteIdOf(long.toString('base64url'))).toBe(first)
      expect(astarteIdOf(first)).toBe(first)
    }
  })
})

test('the name of a realm is small letters and digits', () => {
  for (const name of ['a', 'test1', 'a'.repeat(48)]) expect(isRealm(name)).toBe(true)
  for (const name of ['', '1a', 'A', 'a-b', 'a'.repeat(49), 'a\n', 'ä']) {
    expect(isRealm(name)).toBe(false)
    expect(() => checkedRealm(name)).toThrow(expect.objectContaining({ code: 'realm.invalid' }))
  }
})

describe('what a token allows', () => {
  const registers = { method: 'POST', path: 'agent/devices' }
  test.each<[string, readonly string[], boolean]>([
    ['everything', ['.*::.*'], true],
    ['just that', ['POST::agent/devices'], true],
    ['one of several', ['GET::.*', 'POST::agent/devices'], true],
    ['with an option between', ['POST:x:agent/devices'], true],
    ['another verb', ['DELETE::agent/devices'], false],
    ['another path', ['POST::devices'], false],
    ['only the begin of the path', ['POST::agent'], false],
    ['only its end', ['POST::/devices'], false],
    ['a part of the verb', ['POS::.*'], false],
    ['of two ways one that is only a part', ['GET|POST::agent|devices'], false],
    ['of two ways the whole of one', ['GET|POST::agent/devices|devices'], true],
    ['nothing', [], false],
    ['no rule', ['agent/devices'], false],
    ['a rule that cannot be read', ['POST::agent/devices('], false],
    ['a rule that looks back', ['POST::(a)\\1|agent/devices'], false],
    ['a rule that closes its bracket', ['POST::x)|(?:.*'], false],
    ['too long a rule', [`POST::${'a?'.repeat(500)}agent/devices`], false],
    ['too many rules', [...Array(100).fill('GET::.*'), '.*::.*'], false],
  ])('%s', (_what, rules, expected) => {
    expect(allowsAgent(rules, registers)).toBe(expected)
  })

  test('is found in a blink, whatever the pattern', () => {
    const path = `agent/devices/${'a'.repeat(200)}!`
    expect(
      allowsAgent(['DELETE::agent/devices/(a+)+', 'DELETE::(.*)*b'], { method: 'DELETE', path }),
    ).toBe(false)
  })
})
