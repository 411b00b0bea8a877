import { expect, test } from 'vitest'
import { uBootEnvironment } from './boot-environment.ts'
import { type Exchange, NO_PLACE, recorded } from './recorded.test-helper.ts'
import { swUpdate } from './swupdate.ts'
import { uBoot } from './u-boot.ts'

function board(...exchanges: Exchange[]) {
  const { run, expectOver } = recorded(...exchanges)
  const environment = uBootEnvironment(run)
  const loader = uBoot({
    environment,
    slots: ['a', 'b'],
    runningSlot: async () => null,
    keeps: async () => true,
    place: NO_PLACE,
  })
  const adapter = swUpdate({
    run,
    program: 'swupdate',
    arguments: ['-k', '/etc/swupdate.pem', '-H', 'board:1.0'],
    select: 'stable,{slot}',
    loader,
    environment,
  })
  if (adapter.place.kind !== 'delegate') throw new Error(adapter.place.kind)
  return { adapter, install: adapter.place.install, expectOver }
}

const HOW = { slot: 'b', onPercent: () => {}, signal: new AbortController().signal }
const ASKED = 'swupdate -k /etc/swupdate.pem -H board:1.0 -e stable,b -i /x'

test('it is asked for the copy of the slot', async () => {
  const { install, expectOver } = board([
    ASKED,
    '[INFO ] : SWUPDATE successful ! SWUPDATE successful !\n',
  ])
  await install('/x', HOW)
  expectOver()
})

/** What SWUpdate 2022.12 says. */
test.each([
  [
    'a signature it does not know',
    '[INFO ] : SWUPDATE running :  [main] : Running on board Revision 1.0\n[ERROR] : SWUPDATE failed [0] ERROR : Authentication of all signatures failed\n[ERROR] : SWUPDATE failed [0] ERROR : Compatible SW not found\n[FATAL_FAILURE] : SWUPDATE failed [1] Image invalid or corrupted. Not installing ...\n',
    'SWUpdate refused it: Authentication of all signatures failed',
  ],
  ['no error of its own', '', 'SWUpdate refused it'],
])('%s fails in its words', async (_, stdout, words) => {
  const { install } = board([ASKED, { code: 1, stdout }])
  await expect(install('/x', HOW)).rejects.toMatchObject({ message: words })
})

const DONE =
  '[INFO ] : SWUPDATE successful ! SWUPDATE successful !\n[INFO ] : SWUPDATE running :  [endupdate] : SWUpdate was successful !\n'

test('it succeeded when it says so, although a helper of its own made it end with 1', async () => {
  const { install, expectOver } = board([ASKED, { code: 1, stdout: DONE }])
  await install('/x', HOW)
  expectOver()
})

test('a success beside a failure is none', async () => {
  const failure = '[ERROR] : SWUPDATE failed [0] ERROR : postinstall : it broke\n'
  const { install } = board([ASKED, { code: 1, stdout: `${DONE}${failure}` }])
  await expect(install('/x', HOW)).rejects.toThrow('SWUpdate refused it')
})

test('what became of it is told to SWUpdate, after the boot loader', async () => {
  const onTrial = 'slot=b\nupgrade_available=1\nustate=1\n'
  const { adapter, expectOver } = board(
    ['fw_printenv', onTrial],
    ['fw_setenv -s - < slot=b\nupgrade_available=0\nbootcount=0\n', ''],
    ['fw_printenv', onTrial],
    ['fw_setenv -s - < ustate=0\n', ''],
    ['fw_printenv', onTrial],
    ['fw_setenv -s - < slot=a\nupgrade_available=0\nbootcount=0\n', ''],
    ['fw_printenv', onTrial],
    ['fw_setenv -s - < ustate=3\n', ''],
  )
  await adapter.confirm()
  await adapter.revert()
  expectOver()
})

test('a state it does not keep, or that is settled, is left alone', async () => {
  for (const environment of ['slot=b\n', 'slot=b\nustate=0\n', 'slot=b\nustate=3\n']) {
    const { adapter, expectOver } = board(
      ['fw_printenv', environment],
      ['fw_setenv -s - < slot=b\nupgrade_available=0\nbootcount=0\n', ''],
      ['fw_printenv', environment],
    )
    await adapter.confirm()
    expectOver()
  }
})
