import { expect, test } from 'vitest'
import { uBootEnvironment } from './boot-environment.ts'
import { type Exchange, NO_PLACE, recorded } from './recorded.test-helper.ts'
import { UBOOT_NAMES, uBoot } from './u-boot.ts'

/** As fw_printenv of libubootenv 0.3.2 prints it. */
const printed = (variables: Record<string, string>): Exchange => [
  'fw_printenv',
  `arch=arm\nbootcmd=run distro_bootcmd\n${Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('')}`,
]
const written = (text: string): Exchange => [`fw_setenv -s - < ${text}`, '']

function board(running: string | null, ...exchanges: Exchange[]) {
  const { run, expectOver } = recorded(...exchanges)
  const adapter = uBoot({
    environment: uBootEnvironment(run),
    slots: ['a', 'b'],
    runningSlot: async () => running,
    keeps: async () => true,
    place: NO_PLACE,
  })
  return { adapter, expectOver }
}

const FRESH = { slot: 'a' }
const ARMED = { slot: 'b', upgrade_available: '1', bootcount: '0' }
const BACK = { slot: 'a', upgrade_available: '0', bootcount: '2' }

test.each([
  ['as it was flashed', 'a', FRESH, { running: 'a', standing: 'a', isTrial: false, armed: null }],
  ['asked for a trial', 'a', ARMED, { running: 'a', standing: 'a', isTrial: false, armed: 'b' }],
  ['on trial', 'b', ARMED, { running: 'b', standing: 'a', isTrial: true, armed: null }],
  [
    'on trial, where only the variable tells',
    null,
    ARMED,
    { running: 'b', standing: 'a', isTrial: true, armed: null },
  ],
  ['back by altbootcmd', 'a', BACK, { running: 'a', standing: 'a', isTrial: false, armed: null }],
] as const)('%s', async (_, running, variables, state) => {
  const { adapter, expectOver } = board(running, printed(variables))
  expect(await adapter.active()).toEqual(state)
  expectOver()
})

test('a trial is one write: slot, flag, count and limit together', async () => {
  const { adapter, expectOver } = board(
    'a',
    written('slot=b\nupgrade_available=1\nbootcount=0\nbootlimit=1\n'),
  )
  await adapter.setTrial('b', 1)
  expectOver()
})

test('to confirm, to revert, and to mark bad are one write each', async () => {
  const onTrial = printed(ARMED)
  const { adapter, expectOver } = board(
    'b',
    onTrial,
    written('slot=b\nupgrade_available=0\nbootcount=0\n'),
    onTrial,
    written('slot=a\nupgrade_available=0\nbootcount=0\n'),
  )
  await adapter.confirm()
  await adapter.revert()
  expectOver()
  const before = board('a', printed(ARMED), written('slot=a\nupgrade_available=0\nbootcount=0\n'))
  await before.adapter.markBad('b')
  before.expectOver()
})

test('other names for the variables', async () => {
  const { run, expectOver } = recorded(
    ['fw_printenv', 'mender_boot_part=2\nupgrade_available=0\n'],
    ['fw_setenv -s - < mender_boot_part=3\nupgrade_available=1\nbootcount=0\nbootlimit=1\n', ''],
  )
  const adapter = uBoot({
    environment: uBootEnvironment(run),
    slots: ['2', '3'],
    names: { ...UBOOT_NAMES, slot: 'mender_boot_part' },
    runningSlot: async () => null,
    keeps: async () => true,
    place: NO_PLACE,
  })
  expect((await adapter.active()).running).toBe('2')
  await adapter.setTrial('3', 1)
  expectOver()
})

test('what the tools say when they fail is what is told', async () => {
  const failing = { code: 255, stderr: 'Cannot initialize environment\n' }
  const { adapter } = board('a', ['fw_printenv', failing])
  await expect(adapter.active()).rejects.toThrow(
    'fw_printenv ended with 255: Cannot initialize environment',
  )
  const without = board(null, printed({}))
  await expect(without.adapter.active()).rejects.toThrow('names no slot (not set)')
})
