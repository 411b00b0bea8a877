import { expect, test } from 'vitest'
import { WrongWords } from './errors.ts'
import { readWave } from './wave.ts'

test.each([
  ['1', { size: { count: 1 } }],
  ['10%', { size: { percentage: 10 } }],
  ['2.5%', { size: { percentage: 2.5 } }],
  ['10%:95', { size: { percentage: 10 }, successPercentage: 95 }],
  ['5:95:3600', { size: { count: 5 }, successPercentage: 95, soakSeconds: 3600 }],
  ['5:::approve', { size: { count: 5 }, needsApproval: true }],
  ['5::60', { size: { count: 5 }, soakSeconds: 60 }],
])('the wave %s', (text, wave) => {
  expect(readWave(text)).toEqual(wave)
})

test.each(['', '%', 'ten', '-1', '1:2:3:4', '1:x', '1%%', '1:2:3:approve:5'])(
  '"%s" is no wave',
  (text) => {
    expect(() => readWave(text)).toThrow(WrongWords)
  },
)
