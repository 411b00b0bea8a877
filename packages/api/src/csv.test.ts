import { expect, test } from 'vitest'
import { csvLine, readCsv } from './csv.ts'

async function* piecesOf(text: string, size: number) {
  for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size)
}

const rowsOf = async (text: string, size = 1) => {
  const rows = []
  for await (const { line, fields } of readCsv(piecesOf(text, size))) rows.push([line, ...fields])
  return rows
}

const text =
  '\uFEFFname,labels\r\nsensor-1,"roof, beta"\r\n\r\n"the ""old"" one",\n"two\r\nlines",x\rlast,y'

test.each([1, 2, 3, 7, 1000])('rows are the same in pieces of %i letters', async (size) => {
  expect(await rowsOf(text, size)).toEqual([
    [1, 'name', 'labels'],
    [2, 'sensor-1', 'roof, beta'],
    [4, 'the "old" one', ''],
    [5, 'two\r\nlines', 'x'],
    [7, 'last', 'y'],
  ])
})

test.each([
  ['a,b\nc,"d', 2, /never closed/],
  ['a,b\n"c"d,e', 2, /closing quote/],
  ['a,b\n\nc"d,e', 3, /quote within/],
])('%j has a mistake in line %i', async (broken, line, message) => {
  await expect(rowsOf(broken)).rejects.toMatchObject({
    line,
    message: expect.stringMatching(message),
  })
})

test('a line written is read back as it was', async () => {
  const fields = ['plain', 'with, comma', 'a "quote"', 'two\nlines', '']
  expect(await rowsOf(csvLine(fields))).toEqual([[1, ...fields]])
})
