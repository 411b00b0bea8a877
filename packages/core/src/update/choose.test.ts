import { describe, expect, test } from 'vitest'
import { reason } from '../reason.ts'
import { nameOf } from '../release.ts'
import { type Choice, choose, desiredRelease, MAX_ATTEMPTS, type Situation } from './choose.ts'
import {
  assigned,
  installed,
  minutesAfter,
  NOON,
  operation,
  release,
  situation,
} from './examples.test-helper.ts'

const F1 = release('F@1.0.0')
const F2 = release('F@2.0.0')
const F3 = release('F@3.0.0')
const needsTwo = release('F@3.0.0', { requirement: '~> 2.0' })
const elsewhere = release('F@2.0.0', { profileId: 'camera' })
const failed = (failures: number) => ({ failures, lastFailedAt: NOON })
const byHand = { origin: reason('operator.retry', 'Tried again by Ada.') }
const again = { origin: reason('device.began-again', 'The device began F@2.0.0 by itself.') }
const early = { openedAt: minutesAfter(NOON, -60) }
const late = { openedAt: minutesAfter(NOON, 60) }

/** Each situation with the minute it is looked at, after the assignment. The device runs F@1.0.0 unless said. */
const SITUATIONS: readonly [string, Partial<Situation>, number?][] = [
  ['nothing is assigned', {}],
  ['nothing is assigned, and the device never spoke', { installed: undefined }],
  ['the profile is assigned F2', { profileAssignment: assigned(F2) }],
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
]

function render(choice: Choice): string[] {
  const lines: string[] = []
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
  if (choice.kind === 'nothing' && choice.lookAgainAt) {
    lines.push(`look again at ${choice.lookAgainAt.toISOString()}`)
  }
  const desired = desiredRelease(choice)
  lines.push(
    `desired: ${desired === null ? 'none' : desired === 'under-way' ? 'the one under way' : nameOf(desired)}`,
  )
  return lines
}

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
