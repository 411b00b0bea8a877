import { expect, test } from 'vitest'
import { clean, cut, padEnd, widthOf } from './width.ts'

test.each([
  ['sensor', 6],
  ['Größe', 5],
  ['屋根センサー', 12],
  ['ｶﾅ', 2],
  ['한국', 4],
  ['e\u0301', 1],
  ['👩‍🔧', 2],
  ['✓ ⚙ ◷', 5],
  ['a\u200bb', 2],
])('%s takes %i columns', (text, width) => {
  expect(widthOf(text)).toBe(width)
})

test('what is too long is cut at a whole letter and ends in dots', () => {
  expect(cut('out of space', 8)).toBe('out of …')
  expect(cut('屋根センサー', 8)).toBe('屋根セ…')
  expect(cut('short', 8)).toBe('short')
  expect(padEnd('屋根', 6)).toBe('屋根  ')
})

test('what a device says cannot colour, move or turn what is shown', () => {
  expect(clean('a\x1b[31mb\x07\u202ec\r\nd')).toBe('a[31mbc d')
})
