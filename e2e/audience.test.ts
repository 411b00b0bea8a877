/** Whom something is for: the list's filter, groups, channels and system models, over the operators' API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, expectProblem } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform

const good = async (
  ...[name, asked]: Parameters<typeof ask> extends [unknown, ...infer R] ? R : never
) => {
  const answer = await ask(platform, name, asked)
  expect(answer.status, JSON.stringify(answer.json)).toBeLessThan(300)
  return answer.json
}
const names = (page: { items: { name: string }[] }) => page.items.map(({ name }) => name)

beforeAll(async () => {
  platform = await testPlatform()
  await good('createProfile', { body: { name: 'Sensor' } })
  const devices = Array.from({ length: 12 }, (_, index) => ({
    name: `s-${String(index).padStart(2, '0')}`,
    profile: 'Sensor',
    labels: index % 2 === 0 ? ['beta'] : [],
    attributes: { site: index < 6 ? 'Oslo' : 'Bonn', partNumber: index < 3 ? 'P-1' : 'P-9' },
  }))
  await good('importDevices', { body: { devices } })
})
afterAll(() => platform.stop())

describe('the filter of a list', () => {
  test('leaves the devices for which it holds; the list is sorted, searched and paged as ever', async () => {
    const filter = '"beta" in labels && attributes.site == "Oslo"'
    expect(names(await good('listDevices', { query: { filter } }))).toEqual([
      's-00',
      's-02',
      's-04',
    ])
    expect(await good('countDevices', { query: { filter, search: '4' } })).toEqual({ count: 1 })
    const first = await good('listDevices', { query: { filter, sort: '-name', limit: 2 } })
    expect(names(first)).toEqual(['s-04', 's-02'])
    const rest = await good('listDevices', {
      query: { filter, sort: '-name', limit: 2, cursor: first.nextCursor },
    })
    expect(names(rest)).toEqual(['s-00'])
    expect(rest.nextCursor).toBeNull()
  })

  test('may ask what only evaluation knows', async () => {
    const filter = 'matches(name, "^s-0[13579]$") && attributes.site == "Oslo"'
    const first = await good('listDevices', { query: { filter, limit: 2 } })
    expect(names(first)).toEqual(['s-01', 's-03'])
    const rest = await good('listDevices', {
      query: { filter, limit: 2, cursor: first.nextCursor },
    })
    expect([names(rest), rest.nextCursor]).toEqual([['s-05'], null])
    expect(await good('countDevices', { query: { filter } })).toEqual({ count: 3 })
  })

  test('is refused with the column of its mistake', async () => {
    const answer = await ask(platform, 'listDevices', { query: { filter: 'name == 5' } })
    expectProblem(answer, 422, 'expression.invalid')
    expect(answer.json).toMatchObject({ column: 1, length: 9 })
  })
})
