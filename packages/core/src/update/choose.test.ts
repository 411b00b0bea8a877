import { describe, expect, test } from 'vitest'
import { DEFAULT_BOX_FORM, type Restraints } from '../box-form.ts'
import { NO_TARGETS } from '../campaign/campaign.ts'
import { reason } from '../reason.ts'
import { nameOf, type Release } from '../release.ts'
import { type Choice, choose, desiredRelease, MAX_ATTEMPTS, type Situation } from './choose.ts'
import {
  assigned,
  installed,
  minutesAfter,
  NOON,
  operation,
  release,
  situation,
  target,
} from './examples.test-helper.ts'
import { type Handling, SPEAKS_PLAINLY, STANDARD_HANDLING, sameHandling } from './handling.ts'

const F1 = release('F@1.0.0')
const F2 = release('F@2.0.0')
const F3 = release('F@3.0.0')
const handlers = release('H@1.0.0', { type: 'handlers' })
const needsTwo = release('F@3.0.0', { requirement: '~> 2.0' })
const elsewhere = release('F@2.0.0', { profileId: 'camera' })
const failed = (failures: number) => ({ failures, lastFailedAt: NOON })
const byHand = { origin: reason('operator.retry', 'Tried again by Ada.') }
const again = { origin: reason('device.began-again', 'The device began F@2.0.0 by itself.') }
const early = { openedAt: minutesAfter(NOON, -60) }
const late = { openedAt: minutesAfter(NOON, 60) }

const forced = { settings: { forceDowngrade: true } }
const hours = { settings: { windowAttribute: 'hours' } }
const handled = (handling: Partial<Handling>): Handling => ({ ...STANDARD_HANDLING, ...handling })
const onlyDownloaded = { isDownloadOnly: true }
const nightly = { windows: '22:00-04:00' }
const lastYear = { windows: 'cron 0 0 22 ? * * 2025 for 06:00:00' }
const paused = { status: 'paused', because: reason('campaign.paused', 'Paused by Ada.') } as const
const over = {
  status: 'finished',
  outcome: 'failure',
  because: reason('campaign.stopped', 'Too many failed.'),
} as const
const busy = {
  settings: { maxInProgress: 1 },
  campaign: { tally: { ...NO_TARGETS, idle: 9, 'in-progress': 1 } },
}
/** This device was asked, by the operation under way. */
const asking = (brings: Release, changes: Parameters<typeof target>[1] = {}) =>
  target(brings, { status: 'in-progress', wave: 0, operationId: 'op1', ...changes })
const came = (minutes: number) => ({ ...installed('F@2.0.0'), at: minutesAfter(NOON, minutes) })

const needsImage = release('F@3.0.0', { needs: { image: '>= 24.10' } })
const form = (changes: Partial<Restraints>) => ({
  form: { ...DEFAULT_BOX_FORM, wentBackFrom: {}, ...changes },
})
const held = form({ hold: { reason: 'a fair', until: '2026-12-24T18:00:00.000Z' } })
const atNight = form({ windows: '22:00-04:00' })
const wentBack = form({ wentBackFrom: { firmware: 'F@2.0.0' } })

/** Each situation with the minute it is looked at, after the assignment. The device runs F@1.0.0 unless said. */
const SITUATIONS: readonly [string, Partial<Situation>, number?][] = [
  ['nothing is assigned', {}],
  ['F3 needs an image of which nobody knows', { profileAssignment: assigned(needsImage) }],
  ['a campaign brings what needs an image nobody knows of', { targets: [target(needsImage)] }],
  ['a box is assigned F2, and held', { ...held, profileAssignment: assigned(F2) }],
  ['a box is assigned what it runs, and held', { ...held, profileAssignment: assigned(F1) }],
  ['a box is assigned F2 outside of its windows', { ...atNight, deviceAssignment: assigned(F2) }],
  [
    'a box is assigned F2 outside of its windows, and asks for it',
    { ...atNight, isAsked: true, deviceAssignment: assigned(F2) },
  ],
  [
    'somebody at a box went back from F2, which is assigned, and did not last',
    { ...wentBack, profileAssignment: assigned(F2, failed(1)) },
    5,
  ],
  [
    'somebody at a box went back from F2, and asks for it now',
    { ...wentBack, isAsked: true, profileAssignment: assigned(F2, failed(1)) },
    5,
  ],
  [
    'somebody at a box went back from F2, and F3 is assigned',
    { ...wentBack, profileAssignment: assigned(F3) },
  ],
  [
    'a campaign brings F2 to a box where somebody went back from it',
    { ...wentBack, targets: [target(F2)] },
  ],
  ['a campaign brings F2 to a box that is held', { ...held, targets: [target(F2)] }],
  [
    'a campaign brings F2 to a box that is held and away',
    { ...held, isHere: false, targets: [target(F2)] },
  ],
  [
    'F2 is queued for a box that is held',
    { ...held, underWay: operation(F2), profileAssignment: assigned(F2) },
  ],
  [
    'F2 is queued by hand for a box outside of its windows',
    { ...atNight, underWay: operation(F2, 'QUEUED', byHand), profileAssignment: assigned(F2) },
  ],
  [
    'F2 is queued by hand for a box that is held',
    { ...held, underWay: operation(F2, 'QUEUED', byHand), profileAssignment: assigned(F2) },
  ],
  [
    'F2 is downloading on a box that is held by now',
    {
      ...held,
      underWay: operation(F2, 'DOWNLOADING'),
      profileAssignment: assigned(F2),
    },
  ],
  [
    'F2 is queued for a box that is held, F3 is assigned',
    { ...held, underWay: operation(F2), profileAssignment: assigned(F3) },
  ],
  [
    'a campaign brings handlers to a box that told of none',
    { type: 'handlers', installed: undefined, targets: [target(handlers)] },
  ],
  ['nothing is assigned, and the device never spoke', { installed: undefined }],
  ['the profile is assigned F2', { profileAssignment: assigned(F2) }],
  [
    'the profile is assigned F2, only to be downloaded',
    { profileAssignment: assigned(F2, {}, onlyDownloaded) },
  ],
  [
    'F2 is assigned only to be downloaded, and was',
    { profileAssignment: assigned(F2, { isStaged: true }, onlyDownloaded) },
  ],
  [
    'F2 was downloaded, and is assigned to be installed',
    { profileAssignment: assigned(F2, { isStaged: true }) },
  ],
  [
    'F2 is queued only to be downloaded, for a device that can be told so',
    {
      speaks: { windows: true, downloadOnly: true },
      underWay: operation(F2, 'QUEUED', { handling: handled(onlyDownloaded) }),
      profileAssignment: assigned(F2, {}, onlyDownloaded),
    },
  ],
  [
    'F2 is queued only to be downloaded, for a device whose language has no word for that',
    {
      speaks: SPEAKS_PLAINLY,
      underWay: operation(F2, 'QUEUED', { handling: handled(onlyDownloaded) }),
      profileAssignment: assigned(F2, {}, onlyDownloaded),
    },
  ],
  [
    'F2 is queued, and a window of its own is closed',
    {
      speaks: SPEAKS_PLAINLY,
      underWay: operation(F2, 'QUEUED', { handling: handled(nightly) }),
      profileAssignment: assigned(F2, {}, nightly),
    },
  ],
  [
    'F2 is queued, and a window of its own is closed, which the device can be told',
    {
      speaks: { windows: true, downloadOnly: true },
      underWay: operation(F2, 'QUEUED', { handling: handled(nightly) }),
      profileAssignment: assigned(F2, {}, nightly),
    },
  ],
  [
    'F2 is queued, and a window of its own is over for good',
    {
      underWay: operation(F2, 'QUEUED', { handling: handled(lastYear) }),
      profileAssignment: assigned(F2, {}, lastYear),
    },
  ],
  [
    'F2 is told as what the device may, and was assigned anew as what it must',
    {
      underWay: operation(F2, 'INITIATED', { ...early, handling: handled({ urgency: 'soft' }) }),
      profileAssignment: assigned(F2, {}, { urgency: 'forced' }),
    },
  ],
  [
    'F2 is downloading as what the device may, and was assigned anew as what it must',
    {
      underWay: operation(F2, 'DOWNLOADING', { ...early, handling: handled({ urgency: 'soft' }) }),
      profileAssignment: assigned(F2, {}, { urgency: 'forced' }),
    },
  ],
  [
    'a campaign brings F2 only to be downloaded',
    { targets: [target(F2, { settings: { isDownloadOnly: true } })] },
  ],
  ['the device is assigned F2', { deviceAssignment: assigned(F2) }],
  [
    'the device is assigned F2 and its profile F3',
    { deviceAssignment: assigned(F2), profileAssignment: assigned(F3) },
  ],
  [
    'the device is pinned to what it runs while its profile is assigned F3',
    { deviceAssignment: assigned(F1), profileAssignment: assigned(F3) },
  ],
  [
    'an older release is assigned: a downgrade somebody asked for',
    { installed: installed('F@3.0.0'), profileAssignment: assigned(F2) },
  ],
  [
    'the same version of another title is installed',
    { installed: installed('G@2.0.0'), profileAssignment: assigned(F2) },
  ],
  [
    'the same version of another build is installed',
    { installed: installed('F@2.0.0+b1'), profileAssignment: assigned(F2) },
  ],
  ['what is assigned is installed', { profileAssignment: assigned(F1) }],
  ['the device never spoke', { installed: undefined, profileAssignment: assigned(F2) }],
  ['the release is made for another profile', { deviceAssignment: assigned(elsewhere) }],
  [
    'the pin is made for another profile, and the profile is assigned F3',
    { deviceAssignment: assigned(elsewhere), profileAssignment: assigned(F3) },
  ],
  ['the requirement is not met', { profileAssignment: assigned(needsTwo) }],
  [
    'the requirement is met',
    { installed: installed('F@2.4.0'), profileAssignment: assigned(needsTwo) },
  ],
  [
    'the requirement meets what is no version',
    { installed: installed('F@v0'), profileAssignment: assigned(needsTwo) },
  ],
  [
    'the requirement meets a device that told only its title',
    { installed: { title: 'F', version: null }, profileAssignment: assigned(needsTwo) },
  ],
  [
    'the requirement meets a device that never spoke',
    { installed: undefined, profileAssignment: assigned(needsTwo) },
  ],
  ['an operator cancelled it', { profileAssignment: assigned(F2, { isCancelled: true }) }],
  [
    'an operator cancelled it after it had failed',
    { profileAssignment: assigned(F2, { isCancelled: true, ...failed(1) }) },
  ],
  ['it failed once, 14 minutes ago', { profileAssignment: assigned(F2, failed(1)) }, 14],
  ['it failed once, 15 minutes ago', { profileAssignment: assigned(F2, failed(1)) }, 15],
  ['it failed twice, 59 minutes ago', { profileAssignment: assigned(F2, failed(2)) }, 59],
  ['it failed twice, an hour ago', { profileAssignment: assigned(F2, failed(2)) }, 60],
  ['it failed three times, 239 minutes ago', { profileAssignment: assigned(F2, failed(3)) }, 239],
  ['it failed three times, 4 hours ago', { profileAssignment: assigned(F2, failed(3)) }, 240],
  ['it failed four times, 719 minutes ago', { profileAssignment: assigned(F2, failed(4)) }, 719],
  ['it failed four times, 12 hours ago', { profileAssignment: assigned(F2, failed(4)) }, 720],
  [
    'it failed as often as it may, a year ago',
    { profileAssignment: assigned(F2, failed(MAX_ATTEMPTS)) },
    525_600,
  ],
  [
    'it failed as often as it may, and runs by now',
    { installed: installed('F@2.0.0'), profileAssignment: assigned(F2, failed(MAX_ATTEMPTS)) },
  ],
  ['F2 is queued and assigned', { underWay: operation(F2), profileAssignment: assigned(F2) }],
  [
    'F2 is queued and now assigned to the device itself',
    {
      underWay: operation(F2),
      deviceAssignment: assigned(F2),
      profileAssignment: assigned(F2),
    },
  ],
  ['F2 is queued, F3 is assigned', { underWay: operation(F2), profileAssignment: assigned(F3) }],
  [
    'F2 is told, F3 is assigned',
    { underWay: operation(F2, 'INITIATED'), profileAssignment: assigned(F3) },
  ],
  [
    'F2 is downloading, F3 is assigned',
    { underWay: operation(F2, 'DOWNLOADING'), profileAssignment: assigned(F3) },
  ],
  [
    'F2 is installing, F3 is assigned',
    { underWay: operation(F2, 'UPDATING'), profileAssignment: assigned(F3) },
  ],
  ['F2 is queued, the assignment is withdrawn', { underWay: operation(F2) }],
  ['F2 is told, the assignment is withdrawn', { underWay: operation(F2, 'INITIATED') }],
  ['F2 is downloading, the assignment is withdrawn', { underWay: operation(F2, 'DOWNLOADING') }],
  [
    'F2 is queued, what the device runs is assigned',
    { underWay: operation(F2), profileAssignment: assigned(F1) },
  ],
  [
    'F2 is told, a release whose requirement is not met is assigned',
    { underWay: operation(F2, 'INITIATED'), profileAssignment: assigned(needsTwo) },
  ],
  [
    'F2 is told, a release that is backing off is assigned',
    { underWay: operation(F2, 'INITIATED'), profileAssignment: assigned(F3, failed(1)) },
    5,
  ],
  [
    'F3 is queued and assigned, and its requirement is met no more',
    { underWay: operation(needsTwo), profileAssignment: assigned(needsTwo) },
  ],
  [
    'F3 is told and assigned, and its requirement is met no more',
    { underWay: operation(needsTwo, 'INITIATED'), profileAssignment: assigned(needsTwo) },
  ],
  [
    'F3 is downloading and assigned, and its requirement is met no more',
    { underWay: operation(needsTwo, 'DOWNLOADING'), profileAssignment: assigned(needsTwo) },
  ],
  [
    'F2 is queued and pinned, and the device has moved to another profile',
    { underWay: operation(elsewhere), deviceAssignment: assigned(elsewhere) },
  ],
  [
    'F2 is queued by an operator, F3 was assigned before',
    { underWay: operation(F2, 'QUEUED', { ...byHand, ...late }), profileAssignment: assigned(F3) },
  ],
  [
    'F2 is queued by an operator, F3 was assigned after',
    { underWay: operation(F2, 'QUEUED', { ...byHand, ...early }), profileAssignment: assigned(F3) },
  ],
  [
    'F2 is queued by an operator, nothing is assigned',
    { underWay: operation(F2, 'QUEUED', byHand) },
  ],
  [
    'F2 was begun again by the device and interrupted, F3 was assigned before',
    {
      underWay: operation(F2, 'INITIATED', { ...again, ...late }),
      profileAssignment: assigned(F3),
    },
  ],
  [
    'F2 was begun again by the device and interrupted, the assignment is withdrawn',
    { underWay: operation(F2, 'INITIATED', again) },
  ],
  ['a campaign brings F2', { targets: [target(F2)] }],
  ['a campaign brings F2, and the device is away', { targets: [target(F2)], isHere: false }],
  [
    'a campaign brings F2, and the profile is assigned F3',
    { targets: [target(F2)], profileAssignment: assigned(F3) },
  ],
  [
    'a campaign brings F2, and the device is assigned F3',
    { targets: [target(F2)], deviceAssignment: assigned(F3) },
  ],
  [
    'a campaign brings F2, and the device is assigned it as well',
    { targets: [target(F2)], deviceAssignment: assigned(F2) },
  ],
  ['a campaign brings what is installed', { targets: [target(F1)] }],
  [
    'a campaign brings what is installed, and the device is away',
    { targets: [target(F1)], isHere: false },
  ],
  ['a campaign brings what is older', { installed: installed('F@3.0.0'), targets: [target(F2)] }],
  [
    'a campaign brings what is older, and forces it',
    { installed: installed('F@3.0.0'), targets: [target(F2, forced)] },
  ],
  [
    'a campaign brings another build',
    { installed: installed('F@2.0.0+b1'), targets: [target(F2)] },
  ],
  [
    'a campaign brings a version to a device that told none',
    { installed: undefined, targets: [target(F2)] },
  ],
  [
    'a campaign brings a version to a device that told no title',
    { installed: { title: null, version: '2.0.0' }, targets: [target(F2)] },
  ],
  [
    'a campaign brings a version to a device whose own is none',
    { installed: installed('F@v0'), targets: [target(F2)] },
  ],
  ['a campaign brings another title', { installed: installed('G@9.0.0'), targets: [target(F2)] }],
  ['a campaign brings what must not start from there', { targets: [target(needsTwo)] }],
  [
    'a campaign brings what must not start from there, and forces it',
    { targets: [target(needsTwo, forced)] },
  ],
  [
    'a campaign brings what is made for another profile, and forces it',
    { targets: [target(elsewhere, forced)] },
  ],
  ['a campaign brings what failed four times', { targets: [target(F2, { failures: 4 })] }],
  ['a campaign brings what failed five times', { targets: [target(F2, { failures: 5 })] }],
  [
    'a campaign that is paused',
    { targets: [target(F2, { campaign: paused })], profileAssignment: assigned(F3) },
  ],
  [
    'a campaign that has not begun, and the profile is assigned F3',
    {
      targets: [
        target(F2, { campaign: { status: 'scheduled', scheduledAt: minutesAfter(NOON, 60) } }),
      ],
      profileAssignment: assigned(F3),
    },
  ],
  [
    'a campaign that is over, and the profile is assigned F3',
    { targets: [target(F2, { campaign: over })], profileAssignment: assigned(F3) },
  ],
  ['a campaign with as many at it as may be', { targets: [target(F2, busy)] }],
  [
    'a campaign whose window is closed',
    { targets: [target(F2, { settings: { windows: '13:00-14:00' } })] },
  ],
  [
    'a campaign, and a window of the device that is closed',
    { attributes: { hours: '13:00-14:00' }, targets: [target(F2, hours)] },
  ],
  [
    'a campaign, and a window of the device that is open',
    { attributes: { hours: '11:00-13:00' }, targets: [target(F2, hours)] },
  ],
  [
    'a campaign, and a window of the device that nobody can read',
    { attributes: { hours: 'at night' }, targets: [target(F2, hours)] },
  ],
  ['two campaigns', { targets: [target(F2), target(F3, { name: 'summer' })] }],
  [
    'two campaigns, the older of them paused',
    { targets: [target(F2, { campaign: paused }), target(F3, { name: 'summer' })] },
  ],
  [
    'two campaigns, the older brings what is installed',
    { targets: [target(F1), target(F3, { name: 'summer' })] },
  ],
  [
    'two campaigns, the older is refused',
    { targets: [target(needsTwo), target(F2, { name: 'summer' })] },
  ],
  [
    'two campaigns, the newer of which asks already',
    { underWay: operation(F3, 'INITIATED'), targets: [target(F2), asking(F3, { name: 'summer' })] },
  ],
  [
    'one that was given up while it was away comes',
    { targets: [target(F2, { status: 'failed', isLost: true, wave: 0 })] },
  ],
  ['one that failed comes', { targets: [target(F2, { status: 'failed', wave: 0 })] }],
  [
    'F2 is queued by its profile, a campaign brings F3',
    { underWay: operation(F2), profileAssignment: assigned(F2), targets: [target(F3)] },
  ],
  [
    'F2 is queued by its profile, a campaign for F3 waits',
    { underWay: operation(F2), profileAssignment: assigned(F2), targets: [target(F3, busy)] },
  ],
  [
    'F2 is queued by its profile, a campaign brings it too',
    { underWay: operation(F2), profileAssignment: assigned(F2), targets: [target(F2)] },
  ],
  [
    'F2 is told by a campaign, F3 is assigned to the profile',
    {
      underWay: operation(F2, 'INITIATED'),
      profileAssignment: assigned(F3),
      targets: [asking(F2)],
    },
  ],
  [
    'F2 is told by a campaign, F3 is assigned to the device',
    { underWay: operation(F2, 'INITIATED'), deviceAssignment: assigned(F3), targets: [asking(F2)] },
  ],
  [
    'F2 is downloading for a campaign, F3 is assigned to the device',
    {
      underWay: operation(F2, 'DOWNLOADING'),
      deviceAssignment: assigned(F3),
      targets: [asking(F2)],
    },
  ],
  [
    'F2 is told by a campaign, and the device has moved to another profile',
    { underWay: operation(elsewhere, 'INITIATED'), targets: [asking(elsewhere)] },
  ],
  [
    'F2 is told by a campaign, and the device is ahead by now',
    {
      installed: installed('F@3.0.0'),
      underWay: operation(F2, 'INITIATED'),
      targets: [asking(F2)],
    },
  ],
  [
    'F2 is told by a campaign that was paused',
    {
      underWay: operation(F2, 'INITIATED'),
      targets: [asking(F2, { campaign: { status: 'pausing' } })],
    },
  ],
  [
    'F2 is queued by a campaign that has stopped',
    { underWay: operation(F2), targets: [asking(F2, { campaign: over })] },
  ],
  [
    'F2 is told by a campaign that has stopped',
    { underWay: operation(F2, 'INITIATED'), targets: [asking(F2, { campaign: over })] },
  ],
  [
    'F2 was told and is queued again by a campaign that has stopped',
    {
      underWay: operation(F2, 'QUEUED', { restarts: 1 }),
      targets: [asking(F2, { campaign: over })],
    },
  ],
  [
    'F2 is told by a campaign that was cancelled',
    {
      underWay: operation(F2, 'INITIATED'),
      targets: [asking(F2, { campaign: { ...over, outcome: 'cancelled' } })],
    },
  ],
  [
    'F2 is downloading for a campaign that was cancelled',
    {
      underWay: operation(F2, 'DOWNLOADING'),
      targets: [asking(F2, { campaign: { ...over, outcome: 'cancelled' } })],
    },
  ],
  [
    'what came after the profile was assigned is there',
    { installed: installed('F@2.0.0'), profileAssignment: assigned(F3), arrival: came(1) },
  ],
  [
    'what came before the profile was assigned is there',
    { installed: installed('F@2.0.0'), profileAssignment: assigned(F3), arrival: came(-1) },
  ],
  [
    'what came after the profile was assigned is gone',
    { profileAssignment: assigned(F3), arrival: came(1) },
  ],
  [
    'what came after the device was assigned its own is there',
    { installed: installed('F@2.0.0'), deviceAssignment: assigned(F3), arrival: came(1) },
  ],
]

function render(choice: Choice): string[] {
  const lines: string[] = []
  for (const { target: of, verdict } of choice.settles ?? []) {
    const turn = verdict.hadItsTurn ? ' at its turn' : ''
    lines.push(
      `${of.campaign.name}: ${verdict.status}${turn} [${verdict.because.code}] ${verdict.because.message}`,
    )
  }
  if ('cancels' in choice && choice.cancels) {
    const { operation: taken, because } = choice.cancels
    lines.push(`takes back ${nameOf(taken)} [${because.code}] ${because.message}`)
  }
  const what = {
    offer: () => `offer ${choice.kind === 'offer' ? nameOf(choice.release) : ''}`,
    'under-way': () => 'go on',
    nothing: () => 'nothing',
  }[choice.kind]()
  lines.push(`${what} [${choice.because.code}] ${choice.because.message}`)
  const { handling = STANDARD_HANDLING } = choice.kind === 'offer' ? choice : {}
  if (!sameHandling(handling, STANDARD_HANDLING)) {
    lines.push(`to be brought: ${handlingWords(handling)}`)
  }
  if (choice.kind !== 'offer' && choice.lookAgainAt) {
    lines.push(`look again at ${choice.lookAgainAt.toISOString()}`)
  }
  const desired = desiredRelease(choice)
  lines.push(
    `desired: ${desired === null ? 'none' : desired === 'under-way' ? 'the one under way' : nameOf(desired)}`,
  )
  return lines
}

const handlingWords = ({ urgency, forcedFrom, isDownloadOnly, windows }: Handling) =>
  [
    urgency,
    forcedFrom && `forced from ${forcedFrom}`,
    isDownloadOnly && 'only downloaded',
    windows && `in ${windows}`,
  ]
    .filter(Boolean)
    .join(', ')

test('what is decided in which situation, to be read', async () => {
  const plans = SITUATIONS.map(([what, changes, minutes = 0]) => {
    const choice = choose(situation(changes), minutesAfter(NOON, minutes))
    return [what, ...render(choice).map((line) => `  → ${line}`)].join('\n')
  })
  await expect(`${plans.join('\n\n')}\n`).toMatchFileSnapshot('choose.plans.txt')
})

describe('who wins', () => {
  test.each<[string, string]>([
    ['nothing is assigned', 'nothing.assigned'],
    ['the profile is assigned F2', 'offer F@2.0.0: assigned.profile'],
    ['the device is assigned F2', 'offer F@2.0.0: assigned.device'],
    ['the device is assigned F2 and its profile F3', 'offer F@2.0.0: assigned.device'],
    [
      'the device is pinned to what it runs while its profile is assigned F3',
      'nothing.already-installed',
    ],
    [
      'an older release is assigned: a downgrade somebody asked for',
      'offer F@2.0.0: assigned.profile',
    ],
    ['the same version of another title is installed', 'offer F@2.0.0: assigned.profile'],
    ['the release is made for another profile', 'nothing.other-profile'],
    [
      'the pin is made for another profile, and the profile is assigned F3',
      'nothing.other-profile',
    ],
    ['the requirement is not met', 'nothing.requirement'],
    ['the requirement is met', 'offer F@3.0.0: assigned.profile'],
    ['the requirement meets what is no version', 'nothing.requirement'],
    ['the requirement meets a device that told only its title', 'nothing.version-unknown'],
    ['the requirement meets a device that never spoke', 'nothing.version-unknown'],
    ['an operator cancelled it', 'nothing.cancelled'],
    ['it failed once, 14 minutes ago', 'nothing.backing-off'],
    ['it failed once, 15 minutes ago', 'offer F@2.0.0: assigned.profile'],
    ['it failed as often as it may, a year ago', 'nothing.needs-attention'],
    ['it failed as often as it may, and runs by now', 'nothing.already-installed'],
    ['F2 is queued and assigned', 'under-way'],
    ['F2 is queued, F3 is assigned', 'superseded.release, offer F@3.0.0: assigned.profile'],
    ['F2 is told, F3 is assigned', 'superseded.release, offer F@3.0.0: assigned.profile'],
    ['F2 is downloading, F3 is assigned', 'under-way'],
    ['F2 is installing, F3 is assigned', 'under-way'],
    ['F2 is queued, the assignment is withdrawn', 'superseded.withdrawn, nothing.assigned'],
    ['F2 is told, the assignment is withdrawn', 'superseded.withdrawn, nothing.assigned'],
    ['F2 is downloading, the assignment is withdrawn', 'under-way'],
    [
      'F3 is queued and assigned, and its requirement is met no more',
      'nothing.requirement, nothing.requirement',
    ],
    [
      'F3 is told and assigned, and its requirement is met no more',
      'nothing.requirement, nothing.requirement',
    ],
    ['F3 is downloading and assigned, and its requirement is met no more', 'under-way'],
    [
      'F2 is queued and pinned, and the device has moved to another profile',
      'nothing.other-profile, nothing.other-profile',
    ],
    ['F2 is queued by an operator, F3 was assigned before', 'under-way'],
    [
      'F2 is queued by an operator, F3 was assigned after',
      'superseded.release, offer F@3.0.0: assigned.profile',
    ],
    ['F2 is queued by an operator, nothing is assigned', 'under-way'],
    [
      'F2 was begun again by the device and interrupted, F3 was assigned before',
      'superseded.release, offer F@3.0.0: assigned.profile',
    ],
    [
      'F2 was begun again by the device and interrupted, the assignment is withdrawn',
      'superseded.withdrawn, nothing.assigned',
    ],
    ['a campaign brings F2', 'offer F@2.0.0: campaign.asks'],
    ['a campaign brings F2, and the device is away', 'target.away'],
    ['a campaign brings F2, and the profile is assigned F3', 'offer F@2.0.0: campaign.asks'],
    ['a campaign brings F2, and the device is assigned F3', 'offer F@3.0.0: assigned.device'],
    ['a campaign brings what is installed', 'nothing.assigned'],
    ['a campaign brings what is older', 'nothing.assigned'],
    ['a campaign brings what is older, and forces it', 'offer F@2.0.0: campaign.asks'],
    ['a campaign brings another title', 'offer F@2.0.0: campaign.asks'],
    [
      'a campaign brings what must not start from there, and forces it',
      'offer F@3.0.0: campaign.asks',
    ],
    ['a campaign brings what failed four times', 'offer F@2.0.0: campaign.asks'],
    ['a campaign brings what failed five times', 'nothing.assigned'],
    ['a campaign that is paused', 'campaign.paused'],
    [
      'a campaign that has not begun, and the profile is assigned F3',
      'offer F@3.0.0: assigned.profile',
    ],
    ['a campaign that is over, and the profile is assigned F3', 'offer F@3.0.0: assigned.profile'],
    ['a campaign with as many at it as may be', 'campaign.slots'],
    ['a campaign whose window is closed', 'campaign.window'],
    ['a campaign, and a window of the device that is closed', 'campaign.window'],
    ['a campaign, and a window of the device that nobody can read', 'offer F@2.0.0: campaign.asks'],
    ['two campaigns', 'offer F@2.0.0: campaign.asks'],
    ['two campaigns, the older brings what is installed', 'offer F@3.0.0: campaign.asks'],
    ['two campaigns, the older is refused', 'offer F@2.0.0: campaign.asks'],
    ['two campaigns, the newer of which asks already', 'under-way'],
    ['one that was given up while it was away comes', 'offer F@2.0.0: campaign.asks'],
    ['one that failed comes', 'nothing.assigned'],
    [
      'F2 is queued by its profile, a campaign brings F3',
      'superseded.release, offer F@3.0.0: campaign.asks',
    ],
    ['F2 is queued by its profile, a campaign for F3 waits', 'under-way'],
    ['F2 is queued by its profile, a campaign brings it too', 'under-way'],
    ['F2 is told by a campaign, F3 is assigned to the profile', 'under-way'],
    [
      'F2 is told by a campaign, F3 is assigned to the device',
      'superseded.release, offer F@3.0.0: assigned.device',
    ],
    ['F2 is downloading for a campaign, F3 is assigned to the device', 'under-way'],
    [
      'F2 is told by a campaign, and the device has moved to another profile',
      'nothing.other-profile, nothing.assigned',
    ],
    [
      'F2 is told by a campaign, and the device is ahead by now',
      'target.downgrade, nothing.assigned',
    ],
    ['F2 is told by a campaign that was paused', 'under-way'],
    ['F2 is queued by a campaign that has stopped', 'superseded.campaign, nothing.assigned'],
    ['F2 is told by a campaign that has stopped', 'under-way'],
    ['F2 was told and is queued again by a campaign that has stopped', 'under-way'],
    ['F2 is told by a campaign that was cancelled', 'superseded.campaign, nothing.assigned'],
    ['F2 is downloading for a campaign that was cancelled', 'under-way'],
    ['what came after the profile was assigned is there', 'nothing.arrived-later'],
    ['what came before the profile was assigned is there', 'offer F@3.0.0: assigned.profile'],
    ['what came after the profile was assigned is gone', 'offer F@3.0.0: assigned.profile'],
  ])('%s: %s', (what, answer) => {
    const [, changes, minutes = 0] = SITUATIONS.find(([name]) => name === what) ?? []
    expect(changes, 'a situation of that name').toBeDefined()
    const choice = choose(situation(changes), minutesAfter(NOON, minutes))
    const cancels = 'cancels' in choice && choice.cancels ? `${choice.cancels.because.code}, ` : ''
    const said = {
      offer: () =>
        `offer ${choice.kind === 'offer' ? nameOf(choice.release) : ''}: ${choice.because.code}`,
      'under-way': () => 'under-way',
      nothing: () => choice.because.code,
    }[choice.kind]()
    expect(cancels + said).toBe(answer)
  })
})

test.each(SITUATIONS)(
  'looking twice gives the same answer, and asks for nothing in the past: %s',
  (_, changes, minutes = 0) => {
    const now = minutesAfter(NOON, minutes)
    const choice = choose(situation(changes), now)
    expect(choose(situation(changes), now)).toEqual(choice)
    if (choice.kind === 'nothing' && choice.lookAgainAt) {
      expect(choice.lookAgainAt.getTime()).toBeGreaterThan(now.getTime())
      expect(choose(situation(changes), choice.lookAgainAt).kind).toBe('offer')
    }
  },
)
