import { CHECKSUM_ALGORITHMS } from '@updraft/core'
import { expect, test } from 'vitest'
import { cautionOfChecksum, cautionOfTitle } from './cautions.ts'

test.each([
  ['sensor-fw', null],
  ['a'.repeat(30), null],
  ['a/b', /^With \/ in it/],
  ['a & b?', /^With &, \? and a space in it/],
  ['a'.repeat(31), /keep 30 characters only. This has 31/],
  ['a'.repeat(61), /keep 30 to 60 characters. This has 61/],
])('the title %s', (title, said) => {
  const caution = cautionOfTitle(title)
  if (said === null) expect(caution).toBeNull()
  else expect(caution).toMatch(said)
})

test('of checksums, the short ones are warned of', () => {
  expect(CHECKSUM_ALGORITHMS.filter((each) => cautionOfChecksum(each) !== null)).toEqual([
    'CRC32',
    'MURMUR3_32',
    'MURMUR3_128',
  ])
})
