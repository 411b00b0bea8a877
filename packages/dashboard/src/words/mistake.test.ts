import { expect, test } from 'vitest'
import { mistakeIn } from './mistake.ts'

test('an expression that can be read has no mistake', () => {
  expect(mistakeIn('"beta" in labels && seen')).toBeNull()
})

test('a mistake is where it is', () => {
  const text = '"beta" in lables'
  const mistake = mistakeIn(text)
  expect(mistake).toMatchObject({ line: 0 })
  expect(text.slice(mistake?.from, mistake?.to)).toBe('lables')
  expect(mistake?.message).toContain('lables')
})

test('of several lines it is in its own', () => {
  const text = 'seen &&\n  nmae == "a"'
  const mistake = mistakeIn(text)
  expect(mistake?.line).toBe(1)
  expect(text.split('\n')[1]?.slice(mistake?.from, mistake?.to)).toBe('nmae')
})

test('what is missing at the end is shown there', () => {
  expect(mistakeIn('name ==')).toMatchObject({ line: 0, from: 7, to: 7 })
})
