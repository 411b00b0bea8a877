import { expect, test } from 'vitest'
import { batchesOf, type DeviceLine, readDevices } from './device-csv.ts'

async function* pieces(text: string) {
  yield text
}

async function all<T>(things: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const thing of things) found.push(thing)
  return found
}

const read = (text: string) => all(readDevices(pieces(text)))

test('a line that is no device says why, and those around it are devices', async () => {
  const found = await read(
    'name,type\none,Sensor\n,Sensor\none,Sensor\ntwo,Sensor,roof\nthree,Meter',
  )
  expect(found).toEqual([
    { line: 2, draft: { name: 'one', profile: 'Sensor' } },
    { line: 3, name: '', mistake: 'the name is missing' },
    { line: 4, name: 'one', mistake: '"one" stands in line 2 already' },
    { line: 5, name: 'two', mistake: 'it has 3 fields, the first line has 2' },
    { line: 6, draft: { name: 'three', profile: 'Meter' } },
  ])
})

test.each([
  ['', 1, 'there is no device in it'],
  ['name,profile', 1, 'there is no device in it'],
  ['name,profile,size\nx,Sensor,3', 1, '"size" is no column'],
  ['name,profile\nx,Sensor\n"y,Sensor', 3, 'never closed'],
])('%j cannot be read at all', async (text, line, message) => {
  await expect(read(text)).rejects.toMatchObject({
    line,
    message: expect.stringContaining(message),
  })
})

test('a thousand go at once, and the rest after them', async () => {
  const lines: DeviceLine[] = Array.from({ length: 1200 }, (_, at) => ({
    line: at + 2,
    draft: { name: `d${at}`, profile: 'Sensor' },
  }))
  const batches = await all(batchesOf(lines))
  expect(batches.map(({ length }) => length)).toEqual([1000, 200])
})
