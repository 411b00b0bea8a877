/** What part numbers stand for: system models and hardware types, over the operators' API and the command line. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Asked, ask, expectProblem } from './operator.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run as program } from './program.ts'

let platform: TestPlatform
const ids: Record<string, string> = {}

const good = async (name: Parameters<typeof ask>[1], asked?: Asked) => {
  const answer = await ask(platform, name, asked)
  expect(answer.status, answer.text).toBeLessThan(300)
  return answer.json
}
const addDevice = (name: string, more: Record<string, unknown>) =>
  good('createDevice', { body: { name, ...more } })
const ofPart = (partNumber: string) => ({ attributes: { partNumber } })

beforeAll(async () => {
  platform = await testPlatform()
  for (const name of ['Gateway', 'Sensor']) {
    ids[name] = (await good('createProfile', { body: { name } })).id
  }
})
afterAll(() => platform.stop())

test('an unknown part number is kept, and says no model until there is one with it', async () => {
  const device = await addDevice('g-1', { profile: 'Sensor', ...ofPart('G-200') })
  expect(device).toMatchObject({ systemModel: null, hardwareType: null })
  const board = await good('createHardwareType', {
    body: { handle: 'board-a', name: 'Board A', partNumbers: ['B-1'] },
  })
  const model = await good('createSystemModel', {
    body: {
      handle: 'gateway-2',
      name: 'Gateway 2',
      partNumbers: ['G-200 ', 'G-201'],
      hardwareTypeId: board.id,
      profileId: ids.Gateway,
    },
  })
  ids.model = model.id
  ids.board = board.id
  expect(model.partNumbers).toEqual(['G-200', 'G-201'])
  expect(await good('showDevice', { params: { id: device.id } })).toMatchObject({
    // It stays what it was: only who comes without a profile is given one.
    profile: 'Sensor',
    systemModel: { handle: 'gateway-2', name: 'Gateway 2' },
    hardwareType: { handle: 'board-a', name: 'Board A' },
  })
  const found = await good('listDevices', { query: { filter: 'systemModel == "gateway-2"' } })
  expect(found.items).toMatchObject([{ name: 'g-1' }])
})

test('a device that is added without a profile gets that of its model', async () => {
  expect(await addDevice('g-2', ofPart('G-201'))).toMatchObject({ profile: 'Gateway' })
  const said = await addDevice('g-3', { profileId: ids.Sensor, ...ofPart('G-201') })
  expect(said).toMatchObject({ profile: 'Sensor', systemModel: { handle: 'gateway-2' } })
  const devices = [
    { name: 'i-1', ...ofPart('G-200') },
    { name: 'i-2', ...ofPart('G-999') },
  ]
  const refused = await ask(platform, 'importDevices', { body: { devices } })
  expectProblem(refused, 400, 'request.malformed')
  expect(refused.json).toMatchObject({ index: 1, detail: expect.stringContaining('"i-2"') })
  await good('importDevices', { body: { devices: devices.slice(0, 1) } })
  const shown = await good('showSystemModel', { params: { id: ids.model ?? '' } })
  expect(shown).toMatchObject({ deviceCount: 4, profile: { name: 'Gateway' } })
  const board = await good('showHardwareType', { params: { id: ids.board ?? '' } })
  expect(board).toMatchObject({ deviceCount: 4 })
})

test('a hardware type has its devices also by part numbers of its own', async () => {
  const device = await addDevice('b-1', { profile: 'Sensor', ...ofPart('B-1') })
  expect(device).toMatchObject({ systemModel: null, hardwareType: { handle: 'board-a' } })
})

test('handle, name and part number are of one only, and it is said whose', async () => {
  const body = { handle: 'other', name: 'Other', partNumbers: ['G-300'] }
  const refusal = async (change: object, code: string) => {
    const answer = await ask(platform, 'createSystemModel', { body: { ...body, ...change } })
    expectProblem(answer, 409, code)
    return answer.json.detail
  }
  expect(await refusal({ handle: 'gateway-2' }, 'system-model.duplicate')).toContain('Gateway 2')
  expect(await refusal({ name: 'Gateway 2' }, 'system-model.duplicate')).toContain('Gateway 2')
  const taken = await refusal({ partNumbers: ['G-300', 'G-201'] }, 'part-number.taken')
  expect(taken).toBe('Part number "G-201" is system model "Gateway 2"\'s already.')
  // A hardware type may have the part number of a system model.
  await good('createHardwareType', { body: { ...body, partNumbers: ['G-200'] } })

  const { id } = await good('createSystemModel', { body })
  const params = { id }
  const grabbing = { params, body: { partNumbers: ['G-200'] } }
  expectProblem(await ask(platform, 'changeSystemModel', grabbing), 409, 'part-number.taken')
  // Given away by the one, it is free for the other; its own it may name again.
  const left = { params: { id: ids.model ?? '' }, body: { partNumbers: ['G-201'] } }
  await good('changeSystemModel', left)
  const body2 = { partNumbers: ['G-200', 'G-300'], handle: 'other', name: 'Other' }
  expect(await good('changeSystemModel', { params, body: body2 })).toMatchObject(body2)
  const none = { params, body: { partNumbers: [] } }
  expectProblem(await ask(platform, 'changeSystemModel', none), 400, 'request.malformed')
})

test('what models refer to is not removed; a model is, and its devices stay', async () => {
  const ofBoard = { params: { id: ids.board ?? '' } }
  expectProblem(await ask(platform, 'removeHardwareType', ofBoard), 409, 'hardware-type.in-use')
  await good('createProfile', { body: { name: 'Spare' } })
  const { items } = await good('listProfiles', { query: { name: 'Spare' } })
  const ofProfile = { params: { id: items[0].id } }
  const ofModel = { params: { id: ids.model ?? '' } }
  await good('changeSystemModel', { ...ofModel, body: { profileId: items[0].id } })
  expectProblem(await ask(platform, 'removeProfile', ofProfile), 409, 'profile.in-use')
  await good('changeSystemModel', { ...ofModel, body: { profileId: null } })
  await good('removeProfile', ofProfile)
  await good('removeSystemModel', ofModel)
  const found = await good('listDevices', { query: { name: 'g-2' } })
  expect(found.items).toMatchObject([{ profile: 'Gateway', systemModel: null }])
  await good('removeHardwareType', ofBoard)
})

test('the command line has the same verbs', async () => {
  const env = { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN }
  const run = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await program('updraft', [...words, '--json'], env)
    expect(exitCode, stderr).toBe(0)
    return JSON.parse(stdout)
  }
  await run('hardware', 'add', 'board-x', '--part-number', 'X-1', '--part-number', 'X-2')
  const words = ['--part-number', 'M-1', '--hardware', 'board-x', '--profile', 'Gateway']
  expect(await run('model', 'add', 'm-1', ...words)).toMatchObject({ name: 'm-1' })
  expect(await run('device', 'add', 'd-1', '--part-number', 'M-1')).toMatchObject({
    profile: 'Gateway',
    systemModel: { handle: 'm-1' },
  })
  const shown = await program('updraft', ['device', 'show', 'd-1'], env)
  expect(shown.stdout).toMatch(/Model +m-1\n/)
  expect(await run('model', 'show', 'm-1')).toMatchObject({ deviceCount: 1 })
  await run('model', 'update', 'm-1', '--name', 'M 1', '--without-profile')
  const { items } = await run('model', 'list', '--search', 'M 1')
  expect(items).toMatchObject([{ profile: null, hardwareType: { handle: 'board-x' } }])
  await run('hardware', 'update', 'board-x', '--rename', 'board-y', '--part-number', 'X-2')
  expect(await run('hardware', 'show', 'board-y')).toMatchObject({ partNumbers: ['X-2'] })
  await run('model', 'remove', 'm-1')
  await run('hardware', 'remove', 'board-y')
  expect((await run('hardware', 'list')).items).toHaveLength(1)
})
