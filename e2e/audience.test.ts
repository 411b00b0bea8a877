/** Whom something is for: the list's filter, groups and channels, over the operators' API. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ask, expectProblem } from './operator.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run as program } from './program.ts'

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

describe('groups and channels', () => {
  const ids: Record<string, string> = {}
  const preview = (expression: string) => ask(platform, 'previewGroup', { body: { expression } })

  test('an expression is tried out before it is kept', async () => {
    const { json } = await preview('attributes.site == "Oslo"')
    expect(json.count).toBe(6)
    expect(json.sample[0]).toMatchObject({ name: 's-00', profile: 'Sensor' })
    expect((await preview('true')).json).toMatchObject({ count: 12, sample: { length: 10 } })
    const mistaken = await preview('"beta" in label')
    expectProblem(mistaken, 422, 'expression.invalid')
    expect(mistaken.json).toMatchObject({ column: 11, length: 5 })
    const { items } = await good('listEvents', { query: { limit: 100 } })
    expect(items.map(({ kind }: { kind: string }) => kind)).not.toContain('action.refused')
  })

  test('a group holds the devices its expression holds for, whenever it is asked', async () => {
    const draft = { handle: 'oslo', name: 'Oslo', expression: 'attributes.site == "Oslo"' }
    const group = await good('createGroup', { body: draft })
    expect(group).toMatchObject({ ...draft, channel: null })
    ids.oslo = group.id
    const params = { id: group.id }
    expect(await good('showGroup', { params })).toMatchObject({ deviceCount: 6 })
    expect(names(await good('listDevicesOfGroup', { params, query: { limit: 2 } }))).toEqual([
      's-00',
      's-01',
    ])
    const changed = await good('changeGroup', {
      params,
      body: { expression: `${draft.expression} && "beta" in labels` },
    })
    expect(changed.name).toBe('Oslo')
    expect(await good('showGroup', { params })).toMatchObject({ deviceCount: 3 })
    expect((await good('listGroups', { query: { handle: 'oslo' } })).items).toEqual([changed])
  })

  test('a group is refused for its handle, its expression, and for being there', async () => {
    const body = { handle: 'oslo', name: 'Other', expression: 'true' }
    expectProblem(await ask(platform, 'createGroup', { body }), 409, 'group.duplicate')
    expectProblem(
      await ask(platform, 'createGroup', { body: { ...body, handle: '2b' } }),
      400,
      'request.malformed',
    )
    const mistaken = { ...body, handle: 'b', expression: 'name' }
    expectProblem(await ask(platform, 'createGroup', { body: mistaken }), 422, 'expression.invalid')
    const params = { id: ids.oslo ?? '' }
    expectProblem(
      await ask(platform, 'changeGroup', { params, body: { expression: 'nam' } }),
      422,
      'expression.invalid',
    )
  })

  test('a channel holds what any of its groups holds, each device once', async () => {
    const odd = {
      handle: 'odd',
      name: 'Odd',
      expression: 'matches(name, "[13579]$") || name == "s-00"',
    }
    ids.odd = (await good('createGroup', { body: odd })).id
    const groupIds = [ids.oslo, ids.odd]
    const channel = await good('createChannel', {
      body: { handle: 'early', name: 'Early', groupIds },
    })
    ids.early = channel.id
    expect(channel.groups.map(({ handle }: { handle: string }) => handle)).toEqual(['odd', 'oslo'])
    const params = { id: channel.id }
    // Six odd ones, and s-00, s-02, s-04, the first of them in both.
    expect(await good('showChannel', { params })).toMatchObject({ deviceCount: 9 })
    expect(names(await good('listDevicesOfChannel', { params }))).toHaveLength(9)
    expect(await good('showGroup', { params: { id: ids.odd ?? '' } })).toMatchObject({
      channel: { handle: 'early' },
    })
  })

  test('a group is in one channel at most', async () => {
    const body = { handle: 'late', name: 'Late', groupIds: [ids.oslo] }
    const answer = await ask(platform, 'createChannel', { body })
    expectProblem(answer, 409, 'group.in-channel')
    expect(answer.json.detail).toContain('"Oslo" is in channel "Early"')
    expect((await good('listChannels')).items).toHaveLength(1)
  })

  test('a list of groups replaces the one there was; without one it stays', async () => {
    const params = { id: ids.early ?? '' }
    expect((await good('changeChannel', { params, body: { name: 'Soon' } })).groups).toHaveLength(2)
    const left = await good('changeChannel', { params, body: { groupIds: [ids.odd] } })
    expect(left).toMatchObject({ name: 'Soon', groups: [{ handle: 'odd' }] })
    const late = await good('createChannel', {
      body: { handle: 'late', name: 'Late', groupIds: [ids.oslo] },
    })
    await good('removeChannel', { params: { id: late.id } })
    expect(await good('showGroup', { params: { id: ids.oslo ?? '' } })).toMatchObject({
      channel: null,
    })
  })

  test('what was done is in the audit log', async () => {
    await good('removeGroup', { params: { id: ids.oslo ?? '' } })
    const { items } = await good('listEvents', { query: { limit: 100 } })
    const kinds = new Set(items.map(({ kind }: { kind: string }) => kind))
    for (const noun of ['group', 'channel'])
      for (const done of ['created', 'changed', 'removed'])
        expect(kinds).toContain(`${noun}.${done}`)
  })

  test('the command line has the same verbs', async () => {
    const run = async (...words: string[]) => {
      const env = { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
      const { exitCode, stdout, stderr } = await program('updraft', [...words, '--json'], env)
      expect(exitCode, stderr).toBe(0)
      return JSON.parse(stdout)
    }
    await run('group', 'add', 'bonn', '--expression', 'attributes.site == "Bonn"')
    expect(await run('group', 'show', 'bonn')).toMatchObject({
      deviceCount: 6,
      devices: { length: 6 },
    })
    await run('group', 'update', 'bonn', '--name', 'Bonn', '--rename', 'bonn-2')
    expect(await run('channel', 'add', 'west', '--group', 'bonn-2')).toMatchObject({
      groups: [{ name: 'Bonn' }],
    })
    await run('channel', 'update', 'west', '--empty')
    expect(await run('channel', 'show', 'west')).toMatchObject({ groups: [], deviceCount: 0 })
    expect((await run('group', 'list')).items).toHaveLength(2)
    expect(await run('group', 'preview', 'seen')).toMatchObject({ count: 0 })
    expect((await run('device', 'list', '--filter', 'name == "s-03"')).items).toHaveLength(1)
    await run('channel', 'remove', 'west')
    await run('group', 'remove', 'bonn-2')
  })
})
