import { expect, test } from 'vitest'
import { remembered } from './remembered.ts'

test('what was made of a text is made once, also when it is nothing', () => {
  const made: string[] = []
  const lengthOf = remembered((text) => {
    made.push(text)
    return text === '' ? undefined : text.length
  })
  expect(['one', 'three', 'one', '', ''].map(lengthOf)).toEqual([3, 5, 3, undefined, undefined])
  expect(made).toEqual(['one', 'three', ''])
})

test('a text nothing can be made of is refused each time', () => {
  const read = remembered((text) => JSON.parse(text) as unknown)
  expect(() => read('{')).toThrow(SyntaxError)
  expect(() => read('{')).toThrow(SyntaxError)
})

test('no more is kept than it may', () => {
  let made = 0
  const count = remembered(() => ++made, 2)
  for (const text of ['a', 'b', 'c', 'a']) count(text)
  expect(made).toBe(4)
  expect(count('a')).toBe(4)
})
