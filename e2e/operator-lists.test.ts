import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, send } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

let platform: TestPlatform
const NAMES = Array.from({ length: 60 }, (_, index) => `device-${String(index).padStart(2, '0')}`)

beforeAll(async () => {
  platform = await testPlatform()
  await platform.addProfile('even')
  await platform.addProfile('odd')
  const { json } = await ask(platform, 'importDevices', {
    body: {
      devices: NAMES.map((name, index) => ({
        name,
        profile: index % 2 ? 'odd' : 'even',
        labels: [...(index % 3 ? [] : ['third']), ...(index < 10 ? ['first ten'] : [])],
      })),
    },
  })
  const release = await platform.addRelease({
    title: 'app',
    version: '1',
    profile: 'even',
    bytes: new Uint8Array([1]),
  })
  for (const index of [0, 2, 4]) await platform.assign(release, { device: NAMES[index] ?? '' })
  // One of the three is told, and another one was seen.
  await platform.until('device-04', ({ operation }) => operation !== null)
  for (const index of [0, 7]) {
    await send(`${platform.url}/device/v1/check-in`, 'POST', {
      token: json.devices[index].token,
      body: {},
    })
  }
})
afterAll(() => platform.stop())

interface Listed {
  name: string
  profile: string
  createdAt: string
  lastSeenAt: string | null
}

async function list(query: Record<string, unknown>): Promise<Listed[]> {
  const items: Listed[] = []
  let cursor: string | undefined
  do {
    const answer = await ask(platform, 'listDevices', { query: { limit: 7, ...query, cursor } })
    expect(answer.status, answer.text).toBe(200)
    expect(answer.json.items.length).toBeLessThanOrEqual(7)
    items.push(...answer.json.items)
    cursor = answer.json.nextCursor ?? undefined
  } while (cursor)
  return items
}
const names = async (query: Record<string, unknown>) => (await list(query)).map(({ name }) => name)

test('sixty devices come whole, seven at a time, in the order asked for', async () => {
  expect(await names({})).toEqual(NAMES)
  expect(await names({ sort: '-name' })).toEqual(NAMES.toReversed())
  expect((await names({ sort: 'createdAt' })).toSorted()).toEqual(NAMES)
  const byProfile = await list({ sort: '-profile' })
  expect(byProfile.map(({ profile }) => profile)).toEqual([
    ...Array(30).fill('odd'),
    ...Array(30).fill('even'),
  ])
  const bySight = await list({ sort: '-lastSeenAt' })
  expect(bySight.slice(0, 2).map(({ name }) => name)).toEqual(['device-07', 'device-00'])
  expect(bySight[2]?.lastSeenAt).toBeNull()
})

describe.each<[Record<string, unknown>, (name: string, index: number) => boolean]>([
  [{ profile: 'odd' }, (_, index) => index % 2 === 1],
  [{ profile: 'nothing' }, () => false],
  [{ label: 'third' }, (_, index) => index % 3 === 0],
  [{ label: 'first ten', profile: 'even' }, (_, index) => index < 10 && index % 2 === 0],
  [{ label: 'third', search: 'VICE-1' }, (name, index) => index % 3 === 0 && name.includes('-1')],
  [{ search: '-5' }, (name) => name.includes('-5')],
  [{ search: '%' }, () => false],
  [{ search: '_' }, () => false],
  [{ name: 'device-33' }, (name) => name === 'device-33'],
  [{ name: 'device-3' }, () => false],
  [{ state: 'QUEUED' }, (_, index) => index === 2 || index === 4],
  [{ state: 'INITIATED' }, (_, index) => index === 0],
  [{ state: 'FAILED' }, () => false],
])('asked for %j', (query, isWanted) => {
  test('so many are counted', async () => {
    const { json } = await ask(platform, 'countDevices', { query })
    expect(json).toEqual({ count: NAMES.filter(isWanted).length })
  })

  test('the list holds those and no others, both ways', async () => {
    const wanted = NAMES.filter(isWanted)
    expect(await names(query)).toEqual(wanted)
    expect(await names({ ...query, sort: '-name' })).toEqual(wanted.toReversed())
  })
})

test('a list goes on where it was, though devices come and go meanwhile', async () => {
  const first = (await ask(platform, 'listDevices', { query: { limit: 5 } })).json
  await platform.addDevice('aaa', 'odd')
  const { id } = await platform.device('device-04')
  const next = (
    await ask(platform, 'listDevices', { query: { limit: 2, cursor: first.nextCursor } })
  ).json
  expect(next.items.map((item: Listed) => item.name)).toEqual(['device-05', 'device-06'])
  await ask(platform, 'removeDevice', { params: { id } })
  const again = (
    await ask(platform, 'listDevices', { query: { limit: 2, cursor: first.nextCursor } })
  ).json
  expect(again).toEqual(next)
})

test('releases are found by title, version, profile and type', async () => {
  for (const [title, version, type] of [
    ['alpha', '1.0', 'firmware'],
    ['alpha', '2.0', 'software'],
    ['beta 100%', '1.0', 'software'],
  ] as const) {
    await platform.addRelease({ title, version, type, profile: 'odd', bytes: new Uint8Array([2]) })
  }
  const found = async (query: Record<string, unknown>) =>
    (await ask(platform, 'listReleases', { query: { sort: 'title', ...query } })).json.items.map(
      (item: { title: string; version: string }) => `${item.title}@${item.version}`,
    )
  expect(await found({ title: 'alpha', sort: '-version' })).toEqual(['alpha@2.0', 'alpha@1.0'])
  expect(await found({ type: 'software' })).toEqual(['alpha@2.0', 'beta 100%@1.0'])
  expect(await found({ search: '0%' })).toEqual(['beta 100%@1.0'])
  expect(await found({ profile: 'even' })).toEqual(['app@1'])
  expect(await found({ version: '1.0', search: 'A' })).toEqual(['alpha@1.0', 'beta 100%@1.0'])
})
