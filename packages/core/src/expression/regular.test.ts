import { describe, expect, test } from 'vitest'
import { glob } from './glob.ts'
import { PatternMistake, regularExpression } from './regular.ts'

const TEXTS = [
  '',
  'a',
  'b',
  'ab',
  'aab',
  'abc',
  'aaa',
  'A',
  'a\nb',
  'x-1',
  'x-12',
  '😀',
  'é',
  ']',
  'a{2}',
  '.',
  'ba',
  '_',
  ' ',
]

describe('a pattern finds what JavaScript finds', () => {
  test.each([
    '',
    'a',
    '^a',
    'a$',
    '^$',
    '^a*$',
    'a+b',
    'a?b$',
    '(ab|c)+',
    '^(a|b)*$',
    '[ab]',
    '[^ab]',
    '[a-c]{2}',
    'a{2}',
    'a{2,}',
    'a{1,2}b',
    '^a{0}b',
    '.',
    '^.$',
    '\\d',
    '\\D',
    '\\w',
    '\\W+',
    '\\s',
    '\\S',
    '^[\\w-]+$',
    '[]',
    '(?:a|)b',
    'a*?b',
    '^(?:a*)*$',
    '(a|b|^)c',
    'a|b|c',
    '|a',
    '\\.',
    '\\]',
    '[\\]]',
    '[a-]',
    '[\\d-]',
    '\\n',
    '^😀$',
    '[😀é]',
    'x-\\d+$',
    'a{',
    'a{x}',
    'a\\{2\\}',
    '(^a)',
    '(a$)|b',
    '(a*)+$',
    '^((a)|(b))+$',
  ])('%s', (pattern) => {
    // An empty choice is none here: its bracket is its first member.
    if (pattern === '[]') {
      expect(() => regularExpression(pattern)).toThrow(PatternMistake)
      return
    }
    // Not every brace means something, in either.
    const peer = new RegExp(
      pattern.replace(/^a\{$|^a\{x\}$/, (text) => text.replace('{', '\\{').replace('}', '\\}')),
      'u',
    )
    const ours = regularExpression(pattern)
    expect(TEXTS.filter(ours)).toEqual(TEXTS.filter((text) => peer.test(text)))
  })

  test('letter case does not count after (?i)', () => {
    const finds = regularExpression('(?i)^aB[c-d]$')
    expect(['abc', 'ABC', 'aBD', 'abe'].filter(finds)).toEqual(['abc', 'ABC', 'aBD'])
  })
})

describe('no pattern takes long, whatever the text', () => {
  test.each([
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '(.*)*x',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    'a{0,40}a{0,40}a{0,40}b',
    '^(a?){50}a{50}$',
  ])('%s', (pattern) => {
    // A machine that goes back and tries again would not come to its end here.
    expect(regularExpression(pattern)(`${'a'.repeat(4000)}!`)).toBe(false)
  })

  test.each([
    '((a{100}){100}){100}',
    '((((){100}){100}){100}){100}',
    'a{101}',
    `${'('.repeat(60)}a${')'.repeat(60)}`,
    'ab'.repeat(300),
  ])('%# is refused for its size', (pattern) => {
    expect(() => regularExpression(pattern)).toThrow(PatternMistake)
  })

  test('however many ways were walked, the answer is the same', () => {
    const finds = regularExpression('[a-y]{3}z')
    const letters = 'abcdefghijklmnopqrstuvwxyz'
    for (let seed = 0; seed < 30_000; seed += 1) {
      const text = String.fromCodePoint(0x4e00 + seed)
      expect(finds(`${text}${letters[seed % 25]}bcz`)).toBe(true)
    }
    expect(finds('abz')).toBe(false)
  })
})

describe('what would need a memory, or means nothing, is refused where it stands', () => {
  test.each([
    ['a(?=b)', 1],
    ['(?<!a)b', 0],
    ['(?<name>a)', 0],
    ['(a)\\1', 3],
    ['a**', 2],
    ['*a', 0],
    ['a|*', 2],
    ['(a', 0],
    ['a)', 1],
    ['[a', 0],
    ['[b-a]', 1],
    ['\\', 0],
    ['\\b', 0],
    ['\\pL', 0],
    ['[[:alpha:]]', 1],
    ['a{3,2}', 1],
    ['^*', 0],
    ['a(?i)b', 1],
    ['[\\d-z]', 1],
  ])('%s at %i', (pattern, at) => {
    try {
      regularExpression(pattern)
    } catch (error) {
      expect(error).toBeInstanceOf(PatternMistake)
      expect((error as PatternMistake).at).toBe(at)
      return
    }
    expect.unreachable(`${pattern} was read`)
  })
})

test.each([
  ['', '', true],
  ['a', '', false],
  ['', '*', true],
  ['abc', 'a*', true],
  ['abc', '*c', true],
  ['abc', 'a?c', true],
  ['abc', 'a?', false],
  ['abc', 'A*', false],
  ['a*c', 'a*c', true],
  ['abcabc', '*b*bc', true],
  ['ab', 'a**b', true],
  ['😀', '?', true],
  ['a\nb', 'a?b', true],
  ['a.b', 'a.b', true],
  ['axb', 'a.b', false],
  ['a'.repeat(5000), `${'*a'.repeat(500)}*b`, false],
])('glob %#', (text, form, is) => {
  expect(glob(text, form)).toBe(is)
})
