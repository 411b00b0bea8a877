import { expect, test } from 'vitest'
import {
  bytesText,
  facts,
  type Look,
  lookOf,
  nameOf,
  painted,
  stateCell,
  table,
  timeText,
} from './print.ts'

const now = new Date('2026-03-01T12:00:00.000Z')
const plain: Look = { colours: 0, columns: null, now }
const columns = [
  { title: 'Name', cell: ({ name }: { name: string }) => name },
  { title: 'Size', cell: ({ size }: { size: number }) => String(size), isNumber: true },
  { title: 'Why', cell: ({ why }: { why: string }) => why },
]
const rows = [
  { name: 'sensor', size: 5, why: 'a reason longer than the terminal is wide' },
  { name: '屋根', size: 1234, why: '' },
]

test('columns stand under each other, also beside wide letters', () => {
  expect(table(columns, rows, plain)).toBe(
    [
      'Name    Size  Why',
      'sensor     5  a reason longer than the terminal is wide',
      '屋根    1234  –',
    ].join('\n'),
  )
})

test('a terminal cuts the last column at its edge', () => {
  const text = table(columns, rows, { ...plain, columns: 30 })
  expect(text.split('\n')[1]).toBe('sensor     5  a reason longer…')
})

test('facts without a value are left out', () => {
  const text = facts(
    [
      ['Name', 'x'],
      ['Tag', null],
      ['Profile', 'P'],
    ],
    plain,
  )
  expect(text).toBe('Name     x\nProfile  P')
})

test('a state is icon and word, and coloured only on a terminal that has colours', () => {
  const cell = stateCell('FAILED')
  expect(painted(cell, plain)).toBe('✗ failed')
  expect(painted(cell, { ...plain, colours: 256 })).toBe('\x1b[38;5;160m✗ failed\x1b[0m')
  const terminal = { isTTY: true, columns: 90, getColorDepth: () => 8 }
  expect(lookOf(terminal, {}, now)).toMatchObject({ colours: 256, columns: 90 })
  expect(lookOf(terminal, { NO_COLOR: '1' }, now)).toMatchObject({ colours: 0, columns: 90 })
  expect(lookOf({ ...terminal, isTTY: false }, {}, now)).toMatchObject({
    colours: 0,
    columns: null,
  })
})

test.each([
  ['2026-03-01T11:59:58.000Z', 'just now'],
  ['2026-03-01T11:59:20.000Z', '40 s ago'],
  ['2026-03-01T11:56:30.000Z', '3 min ago'],
  ['2026-03-01T09:00:00.000Z', '3 h ago'],
  ['2026-02-28T11:00:00.000Z', '1 day ago'],
  ['2025-11-01T12:00:00.000Z', '4 months ago'],
  ['2026-03-01T14:30:00.000Z', 'in 2 h'],
])('%s is %s', (time, text) => {
  expect(timeText(time, plain)).toBe(text)
})

test.each([
  [0, '0 bytes'],
  [1, '1 byte'],
  [999, '999 bytes'],
  [1500, '1.5 kB'],
  [999_600, '1.0 MB'],
  [300_000_000, '300 MB'],
])('%i is %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text)
})

test.each([
  ['app', '1.0.0', 'app@1.0.0'],
  [null, '1.0.0', '1.0.0'],
  ['app', null, 'app@?'],
])('what runs as %s in %s is %s', (title, version, text) => {
  expect(nameOf({ title, version })).toBe(text)
})
