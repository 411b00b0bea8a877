import { expect, test } from 'vitest'
import { checkedMarks, checkNotTaken } from './model.ts'

test('part numbers are trimmed, in order, each once', () => {
  const marks = checkedMarks('system model', { partNumbers: [' P-2', 'P-1 ', 'P-2'] })
  expect(marks).toEqual({ partNumbers: ['P-1', 'P-2'] })
})

test.each([
  ['no part number', { partNumbers: [] }],
  ['an empty part number', { partNumbers: ['P-1', ' '] }],
  ['a part number too long', { partNumbers: ['P'.repeat(256)] }],
  ['a part number of two lines', { partNumbers: ['P\n1'] }],
  ['too many part numbers', { partNumbers: Array.from({ length: 501 }, (_, n) => `P-${n}`) }],
  ['a handle that begins with a digit', { handle: '2nd' }],
  ['a handle with a capital', { handle: 'Gateway' }],
  ['a name of blanks', { name: '  ' }],
])('%s is refused', (_what, marks) => {
  expect(() => checkedMarks('hardware type', marks)).toThrow(
    expect.objectContaining({ code: 'request.malformed' }),
  )
})

test.each([
  [{ handle: 'gateway-2' }, 'system-model.duplicate', 'Handle "gateway-2" is'],
  [{ name: 'Gateway 2' }, 'system-model.duplicate', 'There is a system model "Gateway 2"'],
  [{ partNumbers: ['P-1', 'P-8'] }, 'part-number.taken', 'Part number "P-8" is'],
])('%j is refused as %s, saying whose it is', (wanted, code, begins) => {
  const other = { handle: 'gateway-2', name: 'Gateway 2', partNumbers: ['P-8', 'P-9'] }
  expect(() => checkNotTaken('system model', wanted, [other])).toThrow(
    expect.objectContaining({
      code,
      message: expect.stringContaining(begins),
      details: expect.objectContaining({ of: 'Gateway 2' }),
    }),
  )
})

test('what nobody has is free', () => {
  const other = { handle: 'a', name: 'A', partNumbers: ['P-8'] }
  checkNotTaken('hardware type', { handle: 'b', name: 'B', partNumbers: ['P-9'] }, [other])
  checkNotTaken('hardware type', {}, [other])
})
