import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Page, PageQuery } from '../app/ports.ts'
import {
  addTenant,
  minutesAfter,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenCredential,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  const profiles = [await tenant.addProfile('P1'), await tenant.addProfile('P2')]
  await tenant.run(({ devices }) =>
    devices.insert(
      Array.from({ length: 23 }, (_, index) => ({
        id: newId(),
        profileId: profiles[index % 2] ?? '',
        name: `d${String((index * 7) % 23).padStart(2, '0')}`,
        labels: [],
        attributes: {},
        credentials: [tokenCredential(`token ${index}`)],
        // Several at the same moment, so that the id has to decide.
        createdAt: minutesAfter(NOON, Math.floor(index / 5)),
      })),
    ),
  )
  await store.rows(
    `update device_presence set last_seen_at = $1::timestamptz - make_interval(secs => (random() * 3)::int)
      where device_id in (select id from devices order by name limit 12)`,
    [NOON],
  )
  for (let index = 0; index < 12; index += 1) {
    await tenant.addRelease(profiles[0] ?? '', `r${index % 4}@1.${index}`, {
      type: index % 2 ? 'firmware' : 'software',
      tag: index % 3 ? `tag ${index % 3}` : null,
      sizeBytes: index % 5 ? index : null,
      ...(index % 2 ? { checksum: 'ab'.repeat(16), checksumAlgorithm: 'MD5' as const } : {}),
    })
  }
})
afterAll(() => store.close())

type List = (query: PageQuery) => Promise<Page<{ id: string }>>
const devices: List = async (query) => {
  const page = await tenant.run((stores) => stores.devices.page(query))
  return { ...page, items: page.items.map(({ snapshot }) => snapshot.device) }
}
const releases: List = (query) => tenant.run(({ catalogue }) => catalogue.page(query))
const profiles: List = (query) => tenant.run((stores) => stores.profiles.page(query))

async function all(list: List, query: Omit<PageQuery, 'cursor'>): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await list({ ...query, cursor })
    expect(page.items.length).toBeLessThanOrEqual(query.limit)
    ids.push(...page.items.map(({ id }) => id))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return ids
}

describe.each<[string, List, readonly string[]]>([
  ['devices', devices, ['name', 'createdAt', 'profile', 'lastSeenAt']],
  [
    'releases',
    releases,
    ['createdAt', 'title', 'version', 'type', 'tag', 'fileName', 'sizeBytes', 'checksum', 'url'],
  ],
  ['profiles', profiles, ['name', 'createdAt']],
])('%s', (_what, list, fields) => {
  test.each(fields)('sorted by %s come whole in small pages, both ways', async (field) => {
    const upwards = await all(list, { limit: 500, sort: field })
    expect(new Set(upwards).size).toBe(upwards.length)
    expect(await all(list, { limit: 4, sort: field })).toEqual(upwards)
    expect(await all(list, { limit: 4, sort: `-${field}` })).toEqual([...upwards].reverse())
  })
})

test('devices that were never seen come before those that were', async () => {
  const page = await tenant.run((stores) => stores.devices.page({ limit: 23, sort: 'lastSeenAt' }))
  const seen = page.items.map(({ snapshot }) => snapshot.device.lastSeenAt?.getTime() ?? 0)
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(seen.filter((time) => time === 0)).toHaveLength(11)
})

test('a page goes on where the last one ended, whatever was added or removed meanwhile', async () => {
  const other = await addTenant(store, 'busy')
  const profile = await other.addProfile('P')
  await other.addDevices(profile, ['b', 'd', 'f', 'h'])
  const page = async (cursor?: string) => {
    const { items, nextCursor } = await other.run((stores) =>
      stores.devices.page({ limit: 2, cursor }),
    )
    return { names: items.map(({ snapshot }) => snapshot.device.name), nextCursor }
  }
  const first = await page()
  expect(first.names).toEqual(['b', 'd'])
  await other.addDevices(profile, ['a', 'c', 'e', 'g'])
  await other.run(async ({ devices }) => {
    const { items } = await devices.page({ limit: 1, name: 'd' })
    await devices.remove(items[0]?.snapshot.device.id ?? '')
  })
  const second = await page(first.nextCursor ?? undefined)
  expect(second.names).toEqual(['e', 'f'])
  expect((await page(second.nextCursor ?? undefined)).names).toEqual(['g', 'h'])
})

describe('refused as malformed', () => {
  const cursorOf = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')

  test.each(['colour', 'constructor', '__proto__', 'toString', '-', ''])(
    'is the sort field %j',
    async (sort) => {
      await expect(devices({ limit: 1, sort })).rejects.toMatchObject({
        code: 'request.malformed',
        message: `This list cannot be sorted by "${sort.replace('-', '')}"; it can by name, createdAt, profile, lastSeenAt.`,
      })
    },
  )

  test.each([
    ['no base64', '%'],
    ['no JSON', Buffer.from('{').toString('base64url')],
    ['no list', Buffer.from('null').toString('base64url')],
    ['of another sort order', cursorOf('-createdAt', 'a', newId())],
    ['with too little in it', cursorOf('createdAt', 'a')],
    ['with something else in it', cursorOf('createdAt', 1, newId())],
    ['with a time that is none', cursorOf('createdAt', 'yesterday-ish', newId())],
    ['with an id that is none', cursorOf('createdAt', NOON.toISOString(), 'x')],
    ['with NUL', cursorOf('createdAt', '\0', newId())],
  ])('is a cursor %s', async (_what, cursor) => {
    await expect(devices({ limit: 1, sort: 'createdAt', cursor })).rejects.toMatchObject({
      code: 'request.malformed',
      message: 'The cursor does not belong to this list and sort order.',
    })
  })
})

describe('a search', () => {
  beforeAll(async () => {
    const profile = await tenant.addProfile('of names')
    await tenant.addDevices(profile, ['100%', '1000', 'a_b', 'aXb', 'back\\slash', 'ÄPFEL'])
  })

  test.each([
    ['100%', ['100%']],
    ['%', ['100%']],
    ['_', ['a_b']],
    ['a_b', ['a_b']],
    ['\\', ['back\\slash']],
    ['AXB', ['aXb']],
    ['äpfel', ['ÄPFEL']],
    ["'; drop table devices; --", []],
  ])('for %j finds that text and nothing else', async (search, expected) => {
    const page = await tenant.run(({ devices }) =>
      devices.page({ limit: 50, search, profile: 'of names' }),
    )
    expect(page.items.map(({ snapshot }) => snapshot.device.name)).toEqual(expected)
  })

  test('for a kind of event takes % and _ as they are', async () => {
    await tenant.run(({ events }) =>
      events.append([
        {
          kind: 'profile.created',
          at: NOON,
          actor: { kind: 'server', name: 'updraft' },
          subject: { kind: 'profile', id: newId(), name: 'P' },
          deviceId: null,
          data: {},
        },
      ]),
    )
    const count = (kind: string) =>
      tenant.run(async ({ events }) => (await events.page({ limit: 10, kind })).items.length)
    expect(await count('profile')).toBe(1)
    expect(await count('profile.created')).toBe(1)
    expect(await count('profil_')).toBe(0)
    expect(await count('%')).toBe(0)
  })
})
