import { expect, test } from 'vitest'
import { factsIn } from './facts.ts'

test('what stands together is shown together, and what is nested deeper by its path', () => {
  const { plain, groups } = factsIn({
    serialNumber: 'GW-17',
    osInfo: { osName: 'esp-idf' },
    networkInterfaces: { eth0: { macAddress: '00:11', up: true }, lo: {} },
    tags: ['a', 'b'],
  })
  expect(plain.map(({ name, words }) => [name, words])).toEqual([
    ['serialNumber', 'GW-17'],
    ['tags', '["a","b"]'],
  ])
  expect(groups.map(({ name }) => name)).toEqual(['osInfo', 'networkInterfaces'])
  expect(groups[1]?.facts.map(({ name, words }) => [name, words])).toEqual([
    ['eth0.macAddress', '00:11'],
    ['eth0.up', 'true'],
    ['lo', '{}'],
  ])
})

test('sizes and times are said in units people read, and exactly beside; other numbers as they are', () => {
  const { plain } = factsIn({
    freeBytes: 1_500_000,
    totalBytes: '18446744073709551615',
    uptimeMillis: 200_000,
    taskCount: 12,
    partNumber: '4711',
  })
  expect(plain.map(({ words, exact }) => [words, exact])).toEqual([
    ['1.50 MB', '1500000'],
    ['18446744 TB', '18446744073709551615'],
    ['3 min 20 s', '200000'],
    ['12', null],
    ['4711', null],
  ])
})
