/** A campaign from the command line, with devices that do as they are told. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Campaign, Forecast, Page, Target } from '@updraft/api/shapes'
import type { CheckInResponse } from '@updraft/wire/updraft'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { curl } from './curl.ts'
import { ADMIN_TOKEN, type TestPlatform, testPlatform } from './platform.ts'
import { run } from './program.ts'

let platform: TestPlatform

beforeAll(async () => {
  platform = await testPlatform()
})
afterAll(() => platform.stop())

const ran = (...args: string[]) =>
  run('updraft', args, { UPDRAFT_URL: platform.url, UPDRAFT_TOKEN: ADMIN_TOKEN })

async function updraft(...args: string[]): Promise<string> {
  const { stdout, ...rest } = await ran(...args)
  expect(rest, args.join(' ')).toMatchObject({ exitCode: 0 })
  return stdout
}
const asked = async <T>(...args: string[]) => JSON.parse(await updraft(...args, '--json')) as T

/** The device says what it runs; answers what it is offered. */
async function checkIn(name: string, version: string): Promise<string[]> {
  const { json } = await curl(
    ...['--header', `Authorization: Bearer token-of-${name}`],
    ...['--data', JSON.stringify({ installed: { firmware: { title: 'app', version } } })],
    `${platform.url}/device/v1/check-in`,
  )
  return json<CheckInResponse>().offers.map((offer) => `${offer.title}@${offer.version}`)
}

test('a campaign is tried out, created, followed, held, ended and taken back', async () => {
  await updraft('profile', 'add', 'sensor')
  for (const name of ['a1', 'a2', 'a3', 'b1']) {
    await updraft('device', 'add', name, '--profile', 'sensor', '--token', `token-of-${name}`)
  }
  const file = join(platform.dataFolder, 'app.bin')
  await writeFile(file, 'the app')
  for (const version of ['1.0.0', '2.0.0']) {
    await updraft(
      ...['package', 'add', file, '--title', 'app', '--version', version, '--profile', 'sensor'],
    )
  }
  for (const [name, version] of [
    ['a1', '1.0.0'],
    ['a2', '1.0.0'],
    ['a3', '3.0.0'],
  ] as const) {
    expect(await checkIn(name, version)).toEqual([])
  }
  await updraft('group', 'add', 'all-a', '--expression', 'name.startsWith("a")')
  await updraft('channel', 'add', 'stable', '--group', 'all-a')

  const add = ['campaign', 'add', 'spring', 'app@2.0.0', '--channel', 'stable', '--wave', '1']
  const { items } = await asked<Page<Forecast>>(...add, '--dry-run')
  expect(items.map(({ device, would }) => [device.name, would])).toEqual([
    ['a1', 'asked'],
    ['a2', 'asked'],
    ['a3', 'failed'],
  ])
  expect(await asked<Page<Campaign>>('campaign', 'list')).toMatchObject({ items: [] })

  const campaign = await asked<Campaign>(...add, '--max-failures', '100', '--stop-at', '100')
  expect(campaign).toMatchObject({ total: 3, status: 'in-progress', tally: { idle: 3 } })
  expect(await checkIn('a1', '1.0.0')).toEqual(['app@2.0.0'])
  // The wave of one is full.
  expect(await checkIn('a2', '1.0.0')).toEqual([])
  expect(await checkIn('b1', '1.0.0')).toEqual([])
  await checkIn('a1', '2.0.0')
  await updraft('campaign', 'pause', 'spring')
  expect(await updraft('campaign', 'watch', 'spring')).toContain('paused')
  expect(await checkIn('a2', '1.0.0')).toEqual([])
  await updraft('campaign', 'resume', 'spring')
  expect(await checkIn('a2', '1.0.0')).toEqual(['app@2.0.0'])
  await checkIn('a2', '2.0.0')
  expect(await checkIn('a3', '3.0.0')).toEqual([])

  expect(await asked<Campaign>('campaign', 'watch', 'spring')).toMatchObject({
    status: 'finished',
    outcome: 'success',
    tally: { successful: 2, failed: 1 },
  })
  const targets = await asked<Page<Target>>('campaign', 'targets', 'spring', '--status', 'failed')
  expect(targets.items).toMatchObject([
    { device: { name: 'a3' }, reason: { code: 'target.downgrade' }, operation: null },
  ])

  await updraft('campaign', 'roll-back', 'spring', '--as', 'back')
  expect(await checkIn('a1', '2.0.0')).toEqual(['app@1.0.0'])
  await checkIn('a1', '1.0.0')
  await updraft('campaign', 'cancel', 'back')
  expect(await checkIn('a2', '2.0.0')).toEqual([])
  await updraft('campaign', 'remove', 'spring')
  const left = await asked<Page<Campaign>>('campaign', 'list')
  expect(left.items.map(({ name, outcome }) => [name, outcome])).toEqual([['back', 'cancelled']])
})

test.each([
  [['--where', 'labels =='], 'column 10'],
  [['--where', 'true', '--wave', '5'], 'The waves take 5 devices together'],
  [['--where', 'true', '--wave', '60%', '--wave', '50%'], 'The waves take 110 %'],
  [['--where', 'true', '--timeout', '29'], 'requestTimeoutSeconds is a whole number from 30'],
  [['--where', 'true', '--windows', 'now and then'], 'cannot be read'],
])('%j is refused, and says why', async (words, why) => {
  const { exitCode, stderr } = await ran('campaign', 'add', 'wrong', 'app@2.0.0', ...words)
  expect(stderr).toContain(why)
  expect(exitCode).toBe(1)
})
