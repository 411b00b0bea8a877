import { expect, test } from 'vitest'
import { runProgram } from './testing/program.ts'
import { start } from './testing/start.ts'
import { makeRelease } from './testing/things.ts'

test('a customer is added, listed, shown, renamed and removed', async () => {
  const { updraft, json, world } = await start()
  expect((await updraft('customer', 'add', 'Acme')).stdout).toBe('Added customer Acme.\n')
  expect((await json('customer', 'list')).items).toMatchObject([{ name: 'Acme', userCount: 0 }])
  expect((await updraft('customer', 'show', 'Acme')).stdout).toContain('0 devices')
  expect((await updraft('customer', 'rename', 'Acme', 'Acme Ltd')).stdout).toBe(
    'Customer Acme is called Acme Ltd now.\n',
  )
  expect((await updraft('customer', 'remove', 'Acme')).code).toBe(1)
  expect((await updraft('customer', 'remove', 'Acme Ltd')).code).toBe(0)
  expect(world.customers).toEqual([])
})

test('a device is given to a customer and back, at once or later', async () => {
  const { updraft, json, world } = await start()
  await updraft('customer', 'add', 'Acme')
  await updraft('device', 'add', 'sensor-2', '--profile', 'Sensor', '--customer', 'Acme')
  expect((await updraft('device', 'customer', 'sensor-1', 'Acme')).stdout).toBe(
    'Device sensor-1 belongs to customer Acme now.\n',
  )
  expect((await updraft('device', 'show', 'sensor-1')).stdout).toMatch(/^Customer +Acme$/m)
  expect((await updraft('device', 'customer', 'sensor-1')).stdout).toBe(
    'Device sensor-1 belongs to the tenant itself now.\n',
  )
  expect((await json('device', 'list', '--customer', 'Acme')).items).toMatchObject([
    { name: 'sensor-2', customerId: world.customers[0]?.id },
  ])
})

test('a device is claimed with its secret, and given back', async () => {
  const { updraft, server, device } = await start()
  server.answers.claimDevice = () => ({ ...device, customer: 'Acme' })
  server.answers.giveBackDevice = () => undefined
  expect((await updraft('device', 'claim', 'sensor-1')).code).toBe(2)
  expect((await updraft('device', 'claim', 'sensor-1', '--secret', 'key')).stdout).toBe(
    'Device sensor-1 belongs to Acme now.\n',
  )
  expect(server.calls.at(-1)?.body).toEqual({ name: 'sensor-1', secretKey: 'key' })
  expect((await updraft('device', 'give-back', 'sensor-1')).code).toBe(0)
  expect(server.calls.at(-1)?.params).toEqual({ id: device.id })
})

test('a user is added with a password that is made up or chosen', async () => {
  const { updraft } = await start()
  await updraft('customer', 'add', 'Acme')
  expect((await updraft('user', 'add', 'ada', '--role', 'operator')).stdout).toBe(
    'Added user ada, operator.\nPassword  made-up\nIt is not shown again.\n',
  )
  const words = ['user', 'add', 'bob', '--role', 'customer-user', '--customer', 'Acme']
  expect((await updraft(...words, '--password', 'a password of his')).stdout).toBe(
    'Added user bob, customer-user of Acme.\n',
  )
  expect((await updraft('user', 'add', 'eve')).code).toBe(2)
  const wrong = await updraft('user', 'add', 'eve', '--role', 'queen')
  expect(wrong).toMatchObject({ code: 2, stderr: expect.stringContaining('tenant-administrator') })
})

test('a user is listed, shown, given another role or password, and removed', async () => {
  const { updraft, json, world } = await start()
  await updraft('user', 'add', 'ada', '--role', 'operator')
  expect((await json('user', 'list', '--role', 'operator')).items).toMatchObject([{ name: 'ada' }])
  expect((await json('user', 'list', '--role', 'viewer')).items).toEqual([])
  expect((await updraft('user', 'role', 'ada', 'viewer')).stdout).toBe('User ada is viewer now.\n')
  expect((await updraft('user', 'role', 'ada', 'queen')).code).toBe(2)
  expect((await updraft('user', 'show', 'ada')).stdout).toMatch(/^Role +viewer$/m)
  expect((await json('user', 'password', 'ada')).password).toBe('made-up')
  expect((await updraft('user', 'remove', 'ada')).stdout).toBe('Removed user ada.\n')
  expect(world.operators).toEqual([])
})

test('a tenant is added with its administrator, listed, renamed and removed', async () => {
  const { updraft, json, world } = await start()
  expect((await updraft('tenant', 'add', 'Acme', '--administrator', 'ada')).stdout).toBe(
    'Added tenant Acme with administrator ada.\nPassword  made-up\nIt is not shown again.\n',
  )
  expect((await json('tenant', 'list')).items).toMatchObject([{ name: 'Acme' }])
  expect((await updraft('tenant', 'rename', 'Acme', 'Acme Ltd')).code).toBe(0)
  expect((await updraft('tenant', 'remove', 'Acme Ltd')).code).toBe(0)
  expect(world.tenants).toEqual([])
})

test('a token is made to do less than its maker may', async () => {
  const { updraft, server } = await start()
  await updraft('token', 'create', 'display', '--role', 'viewer')
  expect(server.calls.at(-1)?.body).toEqual({ name: 'display', role: 'viewer' })
})

test('somebody at a terminal is asked before so many devices are touched, and nobody else is', async () => {
  const { server, world } = await start()
  const { version } = makeRelease({ title: 'app', version: '1.4.0' })
  const [profile] = world.profiles
  if (profile) profile.deviceCount = 3
  server.answers.countAffected = () => ({ devices: 2 })
  const terminal = { columns: 80 }
  const assign = (more: string[], setting: Partial<Parameters<typeof runProgram>[1]>) =>
    runProgram(['assign', `app@${version}`, '--profile', 'Sensor', ...more], { server, ...setting })
  const isAssigned = () => server.calls.at(-1)?.name === 'assignToProfile'

  for (const typed of ['n\n', '\n', '']) {
    const answer = await assign([], { terminal, typed })
    expect(answer.code).toBe(1)
    expect(answer.stderr).toContain('Assign app@1.4.0 to profile Sensor (2 of 3 devices)? [y/N]')
    expect(answer.stderr).toContain('Nothing was assigned.')
    expect(isAssigned()).toBe(false)
  }
  const yes = await assign([], { terminal, typed: 'y\n' })
  expect(yes.stdout).toBe('Assigned firmware app@1.4.0 to profile Sensor (2 of 3 devices).\n')
  expect(isAssigned()).toBe(true)
  server.answers.countAffected = () => ({ devices: 0 })
  expect((await assign([], { terminal })).stderr).toBe('')
  server.answers.countAffected = () => ({ devices: 2 })
  for (const [more, setting] of [
    [['--yes'], { terminal }],
    [['--json'], { terminal }],
    [[], {}],
  ] as const) {
    const answer = await assign([...more], setting)
    expect([answer.code, answer.stderr]).toEqual([0, ''])
    expect(isAssigned()).toBe(true)
  }
})
