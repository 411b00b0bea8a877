import { expect, test } from 'vitest'
import { WrongWords } from './errors.ts'
import { listAll, splitRelease } from './lookup.ts'

test.each([
  ['app@1.0.0', 'app', '1.0.0'],
  ['@acme/app@1.0.0', '@acme/app', '1.0.0'],
  ['me@home@2', 'me@home', '2'],
  ['with space@1.0 rc', 'with space', '1.0 rc'],
])('%s is a title and a version', (text, title, version) => {
  expect(splitRelease(text)).toEqual({ title, version })
})

test.each(['app', '@1.0.0', 'app@', '@', ''])('%j is no title@version', (text) => {
  expect(() => splitRelease(text)).toThrow(WrongWords)
})

const fetchPage = async ({ limit, cursor = '0' }: { limit: number; cursor?: string }) => {
  const from = Number(cursor)
  const items = Array.from({ length: Math.min(limit, 1200 - from) }, (_, at) => from + at)
  return { items, nextCursor: from + limit < 1200 ? String(from + limit) : null }
}

test('a list goes through all pages', async () => {
  const { items, nextCursor } = await listAll({}, fetchPage)
  expect(items.length).toBe(1200)
  expect(nextCursor).toBeNull()
})

test('a limit ends the list with a cursor to go on from', async () => {
  const { items, nextCursor } = await listAll({ limit: 700 }, fetchPage)
  expect(items.at(-1)).toBe(699)
  const rest = await listAll({ cursor: nextCursor ?? '' }, fetchPage)
  expect(rest.items[0]).toBe(700)
  expect(rest.items.length).toBe(500)
})
