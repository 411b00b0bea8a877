import { describe, expect, test } from 'vitest'
import type { JsonObject } from '../device.ts'
import { DomainError } from '../errors.ts'
import { dice, type Pick } from '../random.test-helper.ts'
import { refusal } from '../refusal.test-helper.ts'
import { Fleet } from '../update/example-fleet.test-helper.ts'
import { installed, minutesAfter, NOON, release } from '../update/examples.test-helper.ts'
import { forecast } from './forecast.ts'
import type { SettingsDraft } from './settings.ts'

const F1 = release('F@1.0.0')
const F2 = release('F@2.0.0')
const F2b = release('F@2.0.0+b2')
const F3 = release('F@3.0.0')
const needsTwo = release('F@3.0.0', { requirement: '~> 2.0' })
const S2 = release('S@2.0.0', { type: 'software' })
const forCameras = release('F@2.0.0', { profileId: 'camera' })

/** Only the share of all that failed counts. */
const plain = (maxFailurePercentage: number, more: SettingsDraft = {}): SettingsDraft => ({
  maxFailurePercentage,
  stopRule: null,
  waves: [],
  ...more,
})

const names = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, index) => `D${from + index}`)

/** So many devices, all on the line unless `here` says how many. */
function fleetOf(
  count: number,
  { runs = 'F@1.0.0', here = count, attributes = {} as JsonObject } = {},
): Fleet {
  const fleet = new Fleet()
  fleet.addAll(names(count), runs, attributes)
  if (here > 0) fleet.come(...names(here))
  return fleet
}

const brings = (
  fleet: Fleet,
  settings: SettingsDraft,
  { to = F2, devices = 3, name = 'spring' } = {},
): Fleet => {
  fleet.campaign(name, to, { devices: names(devices), settings })
  return fleet
}

const statuses = (fleet: Fleet, name = 'spring'): string[] =>
  fleet.campaigns.targets(name).map(({ status }) => status)
const statusOf = (fleet: Fleet, device: string, name = 'spring') =>
  fleet.campaigns.target(name, device).status
const whyOf = (fleet: Fleet, device: string, name = 'spring') =>
  fleet.campaigns.because(name, device, fleet.now).code
const tally = (fleet: Fleet, name = 'spring') => fleet.campaigns.get(name).tally
const outcome = (fleet: Fleet, name = 'spring') => {
  const { status, outcome, because } = fleet.campaigns.get(name)
  return [status, outcome, because.code]
}
/** Done with, whatever became of each. */
const isDone = ['finished', 'success', 'campaign.done']
const isStopped = ['finished', 'failure', 'campaign.stopped']
const atIt = (fleet: Fleet) => [
  ...new Set(fleet.operations.filter(({ endedAt }) => !endedAt).map((each) => each.deviceId)),
]

/** D1 is given up while it is away; D2 has arrived, and D3 is at it. */
function withOneLost(settings: SettingsDraft = {}): Fleet {
  const fleet = brings(
    fleetOf(4, { here: 3 }),
    plain(50, { requestTimeoutSeconds: 60, requestRetries: 1, ...settings }),
    { devices: 4 },
  )
  fleet.leave('D1')
  fleet.arrive('D2')
  fleet.report('D3', 'DOWNLOADING')
  fleet.passWatched(10)
  return fleet
}

/** Lets D1 fail as often as it takes until it is not asked any more; answers how often it was. */
function failUntilLeftAlone(fleet: Fleet): number {
  for (let failures = 0; failures < 100; failures += 1) {
    if (!fleet.underWay('D1')) return failures
    fleet.fail('D1')
    if (statusOf(fleet, 'D1') !== 'failed') continue
    fleet.campaign(`again ${failures}`, F2, { devices: ['D1'], settings: plain(100) })
    fleet.checkIn('D1')
  }
  throw new Error('It never stops.')
}

/** Stories, told by what is asserted of them; all of them are rendered to be read as well. */
const STORIES: Record<string, () => Fleet> = {
  // Ends at once.
  'a campaign for nobody is finished at once'() {
    const fleet = fleetOf(1)
    fleet.campaign('spring', F2, { devices: [] })
    expect(outcome(fleet)).toEqual(['finished', 'success', 'campaign.nobody'])
    return fleet
  },

  'a scheduled campaign for nobody does not wait for its day'() {
    const fleet = fleetOf(1)
    fleet.campaign('spring', F2, { devices: [], scheduledAt: minutesAfter(NOON, 600) })
    expect(outcome(fleet)).toEqual(['finished', 'success', 'campaign.nobody'])
    expect(fleet.campaigns.get('spring').scheduledAt).toEqual(
      fleet.campaigns.get('spring').finishedAt,
    )
    return fleet
  },

  'one that has failed asks nobody, however often one looks'() {
    const fleet = brings(fleetOf(3), plain(0, { maxInProgress: 1 }))
    fleet.fail('D1')
    fleet.passWatched(60)
    fleet.checkIn('D2')
    expect(outcome(fleet)).toEqual(isStopped)
    expect(statuses(fleet)).toEqual(['failed', 'idle', 'idle'])
    return fleet
  },

  'one that has succeeded asks nobody, however often one looks'() {
    const fleet = brings(fleetOf(2), plain(0), { devices: 2 })
    fleet.arrive('D1', 'D2')
    fleet.checkIn('D1', 'F@1.0.0')
    expect(outcome(fleet)).toEqual(isDone)
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'one that was scheduled begins when its time has come, and not before'() {
    const fleet = fleetOf(1)
    fleet.campaign('spring', F2, { devices: ['D1'], scheduledAt: minutesAfter(NOON, 60) })
    fleet.checkIn('D1')
    expect(outcome(fleet)).toEqual(['scheduled', null, 'campaign.scheduled'])
    expect(statuses(fleet)).toEqual(['idle'])
    fleet.passWatched(60)
    fleet.arrive('D1')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  // Restart: nothing is remembered but what is stored.
  'after a restart none is asked while as many are at it as may be'() {
    const fleet = brings(fleetOf(3), plain(0, { maxInProgress: 2 }))
    fleet.passWatched(4)
    expect(statuses(fleet)).toEqual(['in-progress', 'in-progress', 'idle'])
    expect(whyOf(fleet, 'D3')).toBe('campaign.slots')
    fleet.checkIn('D3')
    expect(statuses(fleet)).toEqual(['in-progress', 'in-progress', 'idle'])
    return fleet
  },

  'after a restart with all of them asked, it waits for their ends'() {
    const fleet = brings(fleetOf(2), plain(0), { devices: 2 })
    fleet.report('D1', 'DOWNLOADING')
    fleet.passWatched(4)
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.arrive('D1', 'D2')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'after a restart those that had acknowledged are still heard, and still wait no longer than they may'() {
    const fleet = brings(fleetOf(2), plain(100, { progressTimeoutSeconds: 3600 }), { devices: 2 })
    fleet.report('D1', 'DOWNLOADING')
    fleet.report('D2', 'DOWNLOADING')
    fleet.passWatched(50)
    fleet.report('D1', 'UPDATED F@2.0.0')
    fleet.passWatched(20)
    expect(statuses(fleet)).toEqual(['successful', 'failed'])
    expect(whyOf(fleet, 'D2')).toBe('device.silent')
    return fleet
  },

  'a device that arrived unheard, while nobody listened, is settled when it says what it runs'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.report('D1', 'UPDATING')
    fleet.pass(600)
    fleet.checkIn('D1', 'F@2.0.0')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'a retry that was due while nobody looked is made up for at the first look'() {
    const fleet = brings(fleetOf(1), plain(100), { devices: 1 })
    fleet.pass(600)
    fleet.carryOn()
    expect(fleet.underWay('D1')).toMatchObject({ state: 'INITIATED', restarts: 1 })
    return fleet
  },

  // Sends.
  'all are asked side by side when there is room'() {
    const fleet = brings(fleetOf(3), plain(0))
    expect(statuses(fleet)).toEqual(['in-progress', 'in-progress', 'in-progress'])
    const told = fleet.operations.map(({ state }) => state)
    expect(told).toEqual(['INITIATED', 'INITIATED', 'INITIATED'])
    return fleet
  },

  'never more than may be at a time'() {
    const fleet = brings(fleetOf(5), plain(0, { maxInProgress: 2 }), { devices: 5 })
    for (const [index, name] of names(5).entries()) {
      expect(tally(fleet)['in-progress']).toBe(Math.min(2, 5 - index))
      fleet.arrive(name)
    }
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'those that are away are asked when they come'() {
    const fleet = brings(fleetOf(3, { here: 1 }), plain(0))
    expect(statuses(fleet)).toEqual(['in-progress', 'idle', 'idle'])
    expect(whyOf(fleet, 'D2')).toBe('target.away')
    fleet.checkIn('D2')
    fleet.come('D3')
    expect(statuses(fleet)).toEqual(['in-progress', 'in-progress', 'in-progress'])
    return fleet
  },

  'a device that only calls now and then is told with the answer to its call'() {
    const fleet = brings(fleetOf(1, { here: 0 }), plain(0), { devices: 1 })
    const { firmware } = fleet.checkIn('D1')
    expect(firmware).toMatchObject({ isNews: true, operation: { state: 'INITIATED' } })
    return fleet
  },

  // Reports.
  'a slot is freed by success'() {
    const fleet = brings(fleetOf(2), plain(0, { maxInProgress: 1 }), { devices: 2 })
    fleet.arrive('D1')
    expect(statuses(fleet)).toEqual(['successful', 'in-progress'])
    return fleet
  },

  'a slot is freed by failure'() {
    const fleet = brings(fleetOf(2), plain(50, { maxInProgress: 1 }), { devices: 2 })
    fleet.fail('D1')
    expect(statuses(fleet)).toEqual(['failed', 'in-progress'])
    return fleet
  },

  'no slot is freed by anything in between'() {
    const fleet = brings(fleetOf(2), plain(0, { maxInProgress: 1 }), { devices: 2 })
    for (const word of ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'DOWNLOADING']) {
      fleet.report('D1', word)
      fleet.carryOn()
      expect(statuses(fleet)).toEqual(['in-progress', 'idle'])
    }
    return fleet
  },

  // Success.
  'all succeed'() {
    const fleet = brings(fleetOf(3), plain(0))
    fleet.arrive('D1', 'D2', 'D3')
    expect(outcome(fleet)).toEqual(isDone)
    expect(tally(fleet)).toMatchObject({ successful: 3, failed: 0 })
    expect(fleet.campaigns.target('spring', 'D1').before).toEqual(installed('F@1.0.0'))
    return fleet
  },

  'all have it already: nobody is asked'() {
    const fleet = brings(fleetOf(2, { runs: 'F@2.0.0' }), plain(0), { devices: 2 })
    expect(outcome(fleet)).toEqual(isDone)
    expect(fleet.operations).toEqual([])
    expect(whyOf(fleet, 'D1')).toBe('nothing.already-installed')
    return fleet
  },

  'what has it already is seen even while it is away, and although its wave is not open'() {
    const fleet = fleetOf(2, { here: 0 })
    fleet.checkIn('D2', 'F@2.0.0')
    brings(fleet, plain(0, { waves: [{ size: { count: 1 } }] }), { devices: 2 })
    fleet.checkIn('D2')
    expect(statuses(fleet)).toEqual(['idle', 'successful'])
    expect(fleet.campaigns.get('spring').waves[0]).toMatchObject({ asked: 0, successful: 0 })
    return fleet
  },

  'a step back that is forced'() {
    const fleet = brings(fleetOf(1, { runs: 'F@3.0.0' }), plain(0, { forceDowngrade: true }), {
      devices: 1,
    })
    fleet.arrive('D1')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'as many failures as it may have are a success still'() {
    const fleet = brings(fleetOf(10), plain(25), { devices: 10 })
    fleet.fail('D1', 'D2')
    fleet.arrive(...names(8, 3))
    expect(outcome(fleet)).toEqual(isDone)
    expect(fleet.campaigns.get('spring').because.message).toContain('8 updated, 2 failed')
    return fleet
  },

  // Failure.
  'one failure more ends it, and what is under way is recorded still'() {
    const fleet = brings(fleetOf(10), plain(25, { maxInProgress: 6 }), { devices: 10 })
    fleet.fail('D1', 'D2', 'D3')
    expect(outcome(fleet)).toEqual(isStopped)
    // Each that failed made room for another before the third was one too many.
    expect(tally(fleet)).toMatchObject({ idle: 2, 'in-progress': 5, failed: 3 })
    fleet.arrive('D4')
    fleet.fail('D5')
    expect(tally(fleet)).toMatchObject({ idle: 2, 'in-progress': 3, successful: 1, failed: 4 })
    expect(outcome(fleet)).toEqual(isStopped)
    expect(whyOf(fleet, 'D10')).toBe('campaign.stopped')
    return fleet
  },

  'what a device must not get fails without a request, and counts: a step back'() {
    const fleet = brings(fleetOf(2, { runs: 'F@3.0.0' }), plain(0), { devices: 2 })
    expect(outcome(fleet)).toEqual(isStopped)
    expect(statuses(fleet)).toEqual(['failed', 'idle'])
    expect(whyOf(fleet, 'D1')).toBe('target.downgrade')
    expect(fleet.operations).toEqual([])
    return fleet
  },

  'what a device must not get: its version is none to start from'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1, to: needsTwo })
    expect(outcome(fleet)).toEqual(isStopped)
    expect(whyOf(fleet, 'D1')).toBe('nothing.requirement')
    return fleet
  },

  'what a device must not get: it has not told its version'() {
    const fleet = new Fleet()
    fleet.add('D1')
    fleet.come('D1')
    brings(fleet, plain(0), { devices: 1 })
    expect(whyOf(fleet, 'D1')).toBe('nothing.version-unknown')
    expect(outcome(fleet)).toEqual(isStopped)
    return fleet
  },

  'what a device must not get: it runs what is no version'() {
    const fleet = brings(fleetOf(1, { runs: 'F@v0' }), plain(0), { devices: 1 })
    expect(whyOf(fleet, 'D1')).toBe('target.version-unreadable')
    return fleet
  },

  'what a device must not get: another build of the same version'() {
    const fleet = brings(fleetOf(1, { runs: 'F@2.0.0+b1' }), plain(0), { devices: 1, to: F2b })
    expect(whyOf(fleet, 'D1')).toBe('target.ambiguous-version')
    return fleet
  },

  'what a device must not get: the release is made for another profile'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1, to: forCameras })
    expect(whyOf(fleet, 'D1')).toBe('nothing.other-profile')
    return fleet
  },

  'forced, it lifts both checks, and not that of the profile'() {
    const fleet = fleetOf(4, { runs: 'F@4.0.0' })
    fleet.checkIn('D2', 'F@v0')
    fleet.checkIn('D3', 'F@3.0.0+b1')
    const forced = plain(100, { forceDowngrade: true })
    brings(fleet, forced, { to: needsTwo })
    expect(statuses(fleet)).toEqual(['in-progress', 'in-progress', 'in-progress'])
    fleet.campaign('cameras', forCameras, { devices: ['D4'], settings: forced })
    expect(whyOf(fleet, 'D4', 'cameras')).toBe('nothing.other-profile')
    return fleet
  },

  'it stops at once when nothing is in progress'() {
    const fleet = brings(fleetOf(2, { runs: 'F@3.0.0' }), plain(50), { devices: 2 })
    expect(outcome(fleet)).toEqual(isStopped)
    expect(tally(fleet)).toMatchObject({ 'in-progress': 0, failed: 2 })
    return fleet
  },

  'a failure comes to light only at its turn: those behind it stay untouched'() {
    const fleet = brings(fleetOf(5, { runs: 'F@3.0.0' }), plain(0, { maxInProgress: 1 }), {
      devices: 5,
    })
    expect(tally(fleet)).toMatchObject({ failed: 1, idle: 4 })
    return fleet
  },

  // Pause and resume.
  'paused, it asks nobody new and waits for those at it; resumed, it asks the rest within its limit'() {
    const fleet = brings(fleetOf(5), plain(0, { maxInProgress: 2 }), { devices: 5 })
    fleet.pause('spring')
    expect(outcome(fleet)[0]).toBe('pausing')
    fleet.arrive('D1')
    expect(outcome(fleet)[0]).toBe('pausing')
    fleet.arrive('D2')
    fleet.checkIn('D3')
    expect(outcome(fleet)[0]).toBe('paused')
    expect(tally(fleet)).toMatchObject({ idle: 3, successful: 2 })
    expect(whyOf(fleet, 'D3')).toBe('campaign.paused')
    fleet.resume('spring')
    expect(tally(fleet)).toMatchObject({ 'in-progress': 2, idle: 1 })
    return fleet
  },

  'all finish while it pauses: it is done'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.pause('spring')
    fleet.arrive('D1')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'paused with nobody at it, it is paused at once'() {
    const fleet = brings(fleetOf(1, { here: 0 }), plain(0), { devices: 1 })
    fleet.pause('spring')
    expect(outcome(fleet)[0]).toBe('paused')
    return fleet
  },

  'while it pauses a failure too many still ends it, and a silent device is asked again'() {
    const fleet = brings(fleetOf(2), plain(50, { requestTimeoutSeconds: 60 }), { devices: 2 })
    fleet.pause('spring')
    fleet.passWatched(1)
    expect(fleet.underWay('D1')).toMatchObject({ restarts: 1 })
    fleet.fail('D1', 'D2')
    expect(outcome(fleet)).toEqual(isStopped)
    return fleet
  },

  'a device that never answers does not keep it pausing'() {
    const fleet = brings(
      fleetOf(2),
      plain(100, { maxInProgress: 1, requestTimeoutSeconds: 30, requestRetries: 1 }),
      { devices: 2 },
    )
    fleet.pause('spring')
    fleet.passWatched(10)
    expect(outcome(fleet)[0]).toBe('paused')
    expect(statuses(fleet)).toEqual(['failed', 'idle'])
    return fleet
  },

  'what is not its time is refused'() {
    const fleet = fleetOf(2)
    fleet.campaign('later', F2, { devices: ['D1'], scheduledAt: minutesAfter(NOON, 60) })
    expect(refusal(() => fleet.pause('later'))).toBe('campaign.not-now')
    expect(refusal(() => fleet.resume('later'))).toBe('campaign.not-now')
    expect(refusal(() => fleet.retryCampaign('later'))).toBe('campaign.not-now')
    brings(fleet, plain(0), { devices: 2 })
    expect(refusal(() => fleet.resume('spring'))).toBe('campaign.not-now')
    expect(refusal(() => fleet.approve('spring'))).toBe('campaign.not-now')
    expect(refusal(() => fleet.retryCampaign('spring'))).toBe('campaign.not-now')
    expect(refusal(() => fleet.rollBack('spring'))).toBe('campaign.not-now')
    fleet.pause('spring')
    expect(refusal(() => fleet.pause('spring'))).toBe('campaign.not-now')
    fleet.arrive('D1', 'D2')
    for (const verb of [fleet.pause, fleet.resume, fleet.cancelCampaign, fleet.approve]) {
      expect(refusal(() => verb('spring'))).toBe('campaign.not-now')
    }
    return fleet
  },

  // Silence.
  'a device that answers nothing is asked four times, and then has failed'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.passWatched(30)
    expect(fleet.steps.filter(({ state }) => state === 'INITIATED')).toHaveLength(4)
    expect(whyOf(fleet, 'D1')).toBe('device.silent')
    expect(outcome(fleet)).toEqual(isStopped)
    expect(fleet.campaigns.target('spring', 'D1')).toMatchObject({ isLost: false, isOpen: false })
    return fleet
  },

  'one that is here and was not told waits for its turn in the pace, however long'() {
    const fleet = fleetOf(1)
    fleet.isPaceHeld = true
    brings(fleet, plain(0), { devices: 1 })
    fleet.passWatched(600, 60)
    expect(fleet.underWay('D1')).toMatchObject({ state: 'QUEUED', restarts: 0 })
    return fleet
  },

  'any word from the device ends the asking again'() {
    const fleet = brings(fleetOf(1), plain(0, { requestTimeoutSeconds: 60 }), { devices: 1 })
    fleet.passWatched(1)
    fleet.report('D1', 'DOWNLOADING')
    fleet.passWatched(60)
    expect(fleet.underWay('D1')).toMatchObject({ state: 'DOWNLOADING', restarts: 1 })
    return fleet
  },

  'one that went away before it answered counts as failed, and is asked again when it comes'() {
    const fleet = withOneLost()
    expect(whyOf(fleet, 'D1')).toBe('device.no-answer')
    expect(fleet.campaigns.target('spring', 'D1').isLost).toBe(true)
    fleet.come('D1')
    expect(tally(fleet)).toMatchObject({ failed: 0, 'in-progress': 2, successful: 1 })
    fleet.arrive('D1')
    expect(tally(fleet)).toMatchObject({ failed: 0, 'in-progress': 1, successful: 2 })
    return fleet
  },

  'one of an open wave is asked again in its place, although the wave is full'() {
    const fleet = withOneLost({ waves: [{ size: { count: 3 }, successPercentage: 60 }] })
    expect(fleet.campaigns.target('spring', 'D1')).toMatchObject({ isLost: true, wave: 0 })
    expect(whyOf(fleet, 'D4')).toBe('campaign.wave')
    fleet.come('D1', 'D4')
    expect(statuses(fleet)).toEqual(['in-progress', 'successful', 'in-progress', 'idle'])
    fleet.arrive('D1')
    expect(fleet.campaigns.get('spring').waves[0]).toMatchObject({
      asked: 3,
      successful: 2,
      failed: 0,
    })
    expect(statusOf(fleet, 'D4')).toBe('in-progress')
    return fleet
  },

  'one that comes when all is over is left in peace'() {
    const fleet = brings(fleetOf(2), plain(50, { requestTimeoutSeconds: 60, requestRetries: 0 }), {
      devices: 2,
    })
    fleet.leave('D1')
    fleet.arrive('D2')
    fleet.passWatched(10)
    expect(outcome(fleet)).toEqual(isDone)
    fleet.come('D1')
    expect(statuses(fleet)).toEqual(['failed', 'successful'])
    return fleet
  },

  'one that never comes back counts, and too many of them stop it'() {
    const fleet = brings(
      fleetOf(4),
      plain(25, { requestTimeoutSeconds: 60, requestRetries: 0, maxInProgress: 2 }),
      { devices: 4 },
    )
    fleet.leave('D1', 'D2')
    fleet.passWatched(10)
    expect(outcome(fleet)).toEqual(isStopped)
    return fleet
  },

  'one that began and went silent has failed, though it be away'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.report('D1', 'DOWNLOADING')
    fleet.leave('D1')
    fleet.passWatched(47 * 60, 60)
    expect(statuses(fleet)).toEqual(['in-progress'])
    fleet.passWatched(60)
    expect(statuses(fleet)).toEqual(['failed'])
    expect(fleet.campaigns.target('spring', 'D1').isLost).toBe(false)
    expect(outcome(fleet)).toEqual(isStopped)
    return fleet
  },

  'told to wait without end, it waits for one that began'() {
    const fleet = brings(fleetOf(1), plain(0, { progressTimeoutSeconds: null }), { devices: 1 })
    fleet.report('D1', 'DOWNLOADING')
    fleet.passWatched(30 * 24 * 60, 24 * 60)
    expect(statuses(fleet)).toEqual(['in-progress'])
    return fleet
  },

  'pieces that a device fetches are signs of life'() {
    const fleet = brings(fleetOf(1), plain(0, { progressTimeoutSeconds: 600 }), { devices: 1 })
    fleet.report('D1', 'DOWNLOADING')
    for (let round = 0; round < 6; round += 1) {
      fleet.passWatched(9)
      fleet.fetch('D1', F2)
    }
    expect(statuses(fleet)).toEqual(['in-progress'])
    return fleet
  },

  // Waves.
  'a wave of a count, then the rest'() {
    const fleet = brings(fleetOf(4), plain(0, { waves: [{ size: { count: 1 } }] }), { devices: 4 })
    expect(tally(fleet)['in-progress']).toBe(1)
    expect(whyOf(fleet, 'D2')).toBe('campaign.wave')
    fleet.arrive('D1')
    expect(tally(fleet)).toMatchObject({ successful: 1, 'in-progress': 3 })
    fleet.arrive('D2', 'D3', 'D4')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'waves of percentages: each waits for as many as must be updated'() {
    const waves = [
      { size: { percentage: 20 }, successPercentage: 100 },
      { size: { percentage: 30 }, successPercentage: 50 },
    ]
    const fleet = brings(fleetOf(10), plain(50, { waves }), { devices: 10 })
    expect(fleet.campaigns.get('spring').waves.map(({ size }) => size)).toEqual([2, 3, 5])
    fleet.arrive('D1')
    expect(tally(fleet)['in-progress']).toBe(1)
    fleet.arrive('D2')
    expect(tally(fleet)['in-progress']).toBe(3)
    fleet.fail('D3')
    fleet.arrive('D4')
    expect(tally(fleet)['in-progress']).toBe(1)
    fleet.arrive('D5')
    expect(tally(fleet)['in-progress']).toBe(5)
    return fleet
  },

  'in one batch each counts for its own wave: whose success opens the next, and who is asked in that'() {
    const waves = [{ size: { count: 1 } }, { size: { count: 1 } }]
    const fleet = brings(fleetOf(4, { here: 1 }), plain(0, { waves }), { devices: 4 })
    fleet.report('D1', 'DOWNLOADING')
    fleet.together(() => {
      fleet.report('D1', 'UPDATED F@2.0.0')
      fleet.checkIn('D2')
      fleet.checkIn('D3')
    })
    expect(statuses(fleet)).toEqual(['successful', 'in-progress', 'idle', 'idle'])
    expect(fleet.campaigns.target('spring', 'D2').wave).toBe(1)
    expect(fleet.campaigns.get('spring').waves.map(({ asked }) => asked)).toEqual([1, 1, 0])
    return fleet
  },

  'in one batch a failure too many keeps those behind it from being asked'() {
    const fleet = brings(fleetOf(5, { here: 3 }), plain(40), { devices: 5 })
    fleet.together(() => {
      for (const name of names(3)) fleet.report(name, 'FAILED')
      fleet.checkIn('D4')
      fleet.checkIn('D5')
    })
    expect(outcome(fleet)).toEqual(isStopped)
    expect(statuses(fleet).slice(3)).toEqual(['idle', 'idle'])
    return fleet
  },

  'whoever comes first is the canary: one that is switched off holds up nobody'() {
    const fleet = brings(fleetOf(3, { here: 0 }), plain(0, { waves: [{ size: { count: 1 } }] }))
    fleet.checkIn('D3')
    expect(statuses(fleet)).toEqual(['idle', 'idle', 'in-progress'])
    fleet.checkIn('D2')
    expect(statusOf(fleet, 'D2')).toBe('idle')
    fleet.arrive('D3')
    fleet.checkIn('D2')
    expect(statuses(fleet)).toEqual(['idle', 'in-progress', 'successful'])
    return fleet
  },

  'from fifty devices on one goes first, unless it was said otherwise'() {
    const fleet = new Fleet()
    fleet.addAll(names(50), 'F@1.0.0')
    fleet.campaign('spring', F2, { devices: names(50) })
    expect(fleet.campaigns.get('spring').waves.map(({ size }) => size)).toEqual([1, 49])
    fleet.campaign('small', F2, { devices: names(49) })
    expect(fleet.campaigns.get('small').waves.map(({ size }) => size)).toEqual([49])
    fleet.campaign('bold', F2, { devices: names(50), settings: { waves: [] } })
    expect(fleet.campaigns.get('bold').waves.map(({ size }) => size)).toEqual([50])
    return fleet
  },

  'a canary that fails ends it before anybody else is asked'() {
    const fleet = new Fleet()
    fleet.addAll(names(60), 'F@1.0.0')
    fleet.campaign('spring', F2, { devices: names(60) })
    fleet.come(...names(60))
    fleet.fail('D1')
    expect(outcome(fleet)).toEqual(isStopped)
    expect(tally(fleet)).toMatchObject({ failed: 1, idle: 59 })
    return fleet
  },

  'after a wave it is watched for a while'() {
    const waves = [{ size: { count: 1 }, soakSeconds: 3600 }]
    const fleet = brings(fleetOf(2), plain(0, { waves }), { devices: 2 })
    fleet.arrive('D1')
    expect(whyOf(fleet, 'D2')).toBe('campaign.soaking')
    fleet.passWatched(55)
    expect(statusOf(fleet, 'D2')).toBe('idle')
    fleet.passWatched(5)
    expect(statusOf(fleet, 'D2')).toBe('in-progress')
    return fleet
  },

  'after a wave it waits for a person'() {
    const waves = [{ size: { count: 1 }, needsApproval: true }]
    const fleet = brings(fleetOf(2), plain(0, { waves }), { devices: 2 })
    expect(refusal(() => fleet.approve('spring'))).toBe('campaign.not-now')
    fleet.arrive('D1')
    fleet.passWatched(600, 60)
    expect(whyOf(fleet, 'D2')).toBe('campaign.approval')
    fleet.approve('spring')
    expect(statusOf(fleet, 'D2')).toBe('in-progress')
    expect(refusal(() => fleet.approve('spring'))).toBe('campaign.not-now')
    return fleet
  },

  'approved while it is still watched, it goes on when that is over'() {
    const waves = [{ size: { count: 1 }, soakSeconds: 600, needsApproval: true }]
    const fleet = brings(fleetOf(2), plain(0, { waves }), { devices: 2 })
    fleet.arrive('D1')
    fleet.approve('spring')
    expect(statusOf(fleet, 'D2')).toBe('idle')
    fleet.passWatched(10)
    expect(statusOf(fleet, 'D2')).toBe('in-progress')
    return fleet
  },

  'a wave that can no longer be updated as it must stops the campaign'() {
    const waves = [{ size: { count: 5 }, successPercentage: 80 }]
    const fleet = brings(fleetOf(20), plain(50, { waves }), { devices: 20 })
    fleet.fail('D1')
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.fail('D2')
    expect(outcome(fleet)).toEqual(isStopped)
    expect(fleet.campaigns.get('spring').because.message).toContain('wave 1')
    expect(tally(fleet)).toMatchObject({ 'in-progress': 3, idle: 15 })
    return fleet
  },

  'a device of a wave that is meant for something else gives its place to another'() {
    const fleet = brings(fleetOf(3), plain(0, { waves: [{ size: { count: 1 } }] }))
    fleet.assign(F3, 'D1')
    fleet.carryOn()
    expect(statuses(fleet)).toEqual(['skipped', 'in-progress', 'idle'])
    return fleet
  },

  // The stop rule.
  'the stop rule counts once enough have ended; after that only those in flight are exposed'() {
    const fleet = brings(
      fleetOf(40),
      {
        maxFailurePercentage: 50,
        maxInProgress: 8,
        stopRule: { failurePercentage: 20, minFinished: 10 },
        waves: [{ size: { count: 20 }, successPercentage: 50 }],
      },
      { devices: 40 },
    )
    fleet.fail('D1', 'D2', 'D3')
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.arrive(...names(6, 4))
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.arrive('D10')
    expect(outcome(fleet)).toEqual(isStopped)
    expect(fleet.campaigns.get('spring').because.message).toContain('3 of the 10')
    const exposed = atIt(fleet)
    expect(exposed).toHaveLength(7)
    fleet.passWatched(5)
    fleet.checkIn('D30')
    expect(tally(fleet).idle).toBe(40 - 10 - 7)
    expect(fleet.operations).toHaveLength(17)
    return fleet
  },

  'those that never were asked do not make the share smaller'() {
    const fleet = fleetOf(30, { runs: 'F@2.0.0' })
    for (const name of names(10)) fleet.checkIn(name, 'F@1.0.0')
    brings(
      fleet,
      {
        maxFailurePercentage: 90,
        stopRule: { failurePercentage: 50, minFinished: 4 },
        waves: [],
        maxInProgress: 2,
      },
      { devices: 30 },
    )
    fleet.fail('D1', 'D2', 'D3')
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.fail('D4')
    expect(outcome(fleet)).toEqual(isStopped)
    return fleet
  },

  // Retry.
  'those that failed are tried again, and it goes on with all there are'() {
    const fleet = brings(fleetOf(4), plain(0, { maxInProgress: 1 }), { devices: 4 })
    fleet.fail('D1')
    expect(outcome(fleet)).toEqual(isStopped)
    fleet.retryCampaign('spring')
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.passWatched(5)
    fleet.arrive('D1', 'D2', 'D3', 'D4')
    expect(outcome(fleet)).toEqual(isDone)
    expect(tally(fleet)).toMatchObject({ successful: 4, failed: 0 })
    return fleet
  },

  'tried again while others are at it, it loses count of nobody'() {
    const waves = [{ size: { count: 2 }, successPercentage: 50 }]
    const fleet = brings(fleetOf(6), plain(80, { waves, maxInProgress: 3 }), { devices: 6 })
    fleet.fail('D1')
    fleet.arrive('D2')
    expect(atIt(fleet)).toHaveLength(3)
    fleet.retryCampaign('spring')
    fleet.arrive(...atIt(fleet))
    fleet.arrive(...atIt(fleet))
    expect(outcome(fleet)).toEqual(isDone)
    expect(fleet.campaigns.get('spring').waves).toMatchObject([
      { size: 5, asked: 5, successful: 5, failed: 0 },
    ])
    return fleet
  },

  'tried again while it is paused, it stays paused and says so'() {
    const fleet = brings(fleetOf(2), plain(50, { maxInProgress: 1 }), { devices: 2 })
    fleet.pause('spring')
    fleet.fail('D1')
    fleet.retryCampaign('spring')
    expect(outcome(fleet)).toEqual(['paused', null, 'campaign.paused'])
    fleet.resume('spring')
    fleet.arrive('D1', 'D2')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  // The breaker.
  'five failures at one release, and a campaign does not ask that device any more'() {
    const fleet = brings(fleetOf(1), plain(100), { devices: 1 })
    expect(failUntilLeftAlone(fleet)).toBe(5)
    expect(whyOf(fleet, 'D1', 'again 4')).toBe('nothing.needs-attention')
    fleet.campaign('newer', F3, { devices: ['D1'], settings: plain(0) })
    expect(statusOf(fleet, 'D1', 'newer')).toBe('in-progress')
    return fleet
  },

  "a person's retry asks it once more"() {
    const fleet = brings(fleetOf(1), plain(100), { devices: 1 })
    failUntilLeftAlone(fleet)
    fleet.retryCampaign('again 4')
    expect(statusOf(fleet, 'D1', 'again 4')).toBe('in-progress')
    fleet.arrive('D1')
    expect(outcome(fleet, 'again 4')).toEqual(isDone)
    return fleet
  },

  'an operator tries the one device again by hand: what it brings stays'() {
    const fleet = fleetOf(1)
    fleet.assign(F1)
    brings(fleet, plain(100), { devices: 1 })
    fleet.fail('D1')
    fleet.retry('D1', F2)
    fleet.arrive('D1')
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.arrived-later')
    return fleet
  },

  // Windows.
  'outside of its window nobody is asked; who was asked in it goes on after it'() {
    const fleet = brings(fleetOf(2), plain(0, { windows: '13:00-14:00', maxInProgress: 1 }), {
      devices: 2,
    })
    expect(whyOf(fleet, 'D1')).toBe('campaign.window')
    fleet.passWatched(60)
    expect(statuses(fleet)).toEqual(['in-progress', 'idle'])
    fleet.report('D1', 'DOWNLOADING')
    fleet.passWatched(60)
    fleet.arrive('D1')
    expect(statuses(fleet)).toEqual(['successful', 'idle'])
    expect(whyOf(fleet, 'D2')).toBe('campaign.window')
    return fleet
  },

  "a device's own window holds up itself and nobody else"() {
    const fleet = new Fleet()
    fleet.add('D1', 'F@1.0.0', { hours: 'Mon 03:00-04:00 Europe/Berlin' })
    fleet.add('D2', 'F@1.0.0')
    fleet.add('D3', 'F@1.0.0', { hours: 'whenever you like' })
    fleet.come(...names(3))
    brings(fleet, plain(0, { windowAttribute: 'hours' }))
    expect(statuses(fleet)).toEqual(['idle', 'in-progress', 'in-progress'])
    const { firmware } = fleet.checkIn('D1')
    expect(firmware?.choice).toMatchObject({
      because: { code: 'campaign.window' },
      lookAgainAt: new Date('2026-03-02T02:00:00Z'),
    })
    fleet.arrive('D2', 'D3')
    fleet.passWatched(14 * 60 + 5, 60)
    fleet.checkIn('D1')
    expect(statusOf(fleet, 'D1')).toBe('in-progress')
    return fleet
  },

  // Newcomers.
  'devices its audience comes to hold become targets of a dynamic campaign, which does not end'() {
    const fleet = brings(fleetOf(1), plain(0, { isDynamic: true }), { devices: 1 })
    fleet.arrive('D1')
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.add('D2', 'F@1.0.0')
    fleet.come('D2')
    expect(fleet.underWay('D2')).toBeNull()
    fleet.join('spring', ['D2'])
    fleet.arrive('D2')
    expect(tally(fleet)).toMatchObject({ successful: 2 })
    fleet.cancelCampaign('spring')
    expect(outcome(fleet)).toEqual(['finished', 'cancelled', 'campaign.cancelled'])
    return fleet
  },

  'a dynamic campaign for nobody yet waits for its first'() {
    const fleet = fleetOf(1)
    fleet.campaign('spring', F2, { devices: [], settings: plain(0, { isDynamic: true }) })
    expect(outcome(fleet)[0]).toBe('in-progress')
    fleet.join('spring', ['D1'])
    expect(statuses(fleet)).toEqual(['in-progress'])
    return fleet
  },

  'newcomers wait behind the waves there are'() {
    const waves = [{ size: { percentage: 100 } }]
    const fleet = brings(fleetOf(2), plain(0, { isDynamic: true, waves }), { devices: 1 })
    fleet.join('spring', ['D2'])
    expect(statuses(fleet)).toEqual(['in-progress', 'idle'])
    fleet.arrive('D1')
    expect(statuses(fleet)).toEqual(['successful', 'in-progress'])
    return fleet
  },

  // Several over one device.
  'of two campaigns the older comes first; the newer waits, and asks when the older is done'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.campaign('summer', F3, { devices: ['D1'], settings: plain(0) })
    expect(fleet.underWay('D1')?.version).toBe('2.0.0')
    expect(statusOf(fleet, 'D1', 'summer')).toBe('idle')
    fleet.arrive('D1')
    expect(fleet.underWay('D1')?.version).toBe('3.0.0')
    fleet.arrive('D1')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED', 'F@3.0.0 UPDATED'])
    return fleet
  },

  'the newer waits also while the older holds still, and says for whom'() {
    const fleet = brings(fleetOf(1, { here: 0 }), plain(0), { devices: 1 })
    fleet.pause('spring')
    fleet.campaign('summer', F3, { devices: ['D1'], settings: plain(0) })
    const { firmware } = fleet.checkIn('D1')
    expect(firmware?.choice.because).toMatchObject({ code: 'campaign.paused' })
    expect(firmware?.choice.because.message).toContain('spring')
    const would = forecast(
      fleet.snapshot('D1'),
      { campaign: fleet.campaigns.get('summer'), release: F3 },
      fleet.now,
    )
    expect(would).toMatchObject({ would: 'waits', because: firmware?.choice.because })
    fleet.cancelCampaign('spring')
    fleet.checkIn('D1')
    expect(statusOf(fleet, 'D1', 'summer')).toBe('in-progress')
    return fleet
  },

  'an older one that is tried again does not take back what a newer one asks'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.fail('D1')
    fleet.campaign('summer', F3, { devices: ['D1'], settings: plain(0) })
    expect(fleet.underWay('D1')?.version).toBe('3.0.0')
    fleet.retryCampaign('spring')
    expect(fleet.underWay('D1')?.version).toBe('3.0.0')
    fleet.arrive('D1')
    expect(outcome(fleet, 'summer')).toEqual(isDone)
    expect(whyOf(fleet, 'D1')).toBe('target.downgrade')
    return fleet
  },

  'campaigns for different components do not wait for each other'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.checkIn('D1', { installed: { software: installed('S@1.0.0') } })
    fleet.campaign('apps', S2, { devices: ['D1'], settings: plain(0) })
    expect(fleet.underWay('D1')?.title).toBe('F')
    expect(fleet.underWay('D1', 'software')?.title).toBe('S')
    return fleet
  },

  // Who wins.
  'a device that is assigned a release of its own is skipped, and says so'() {
    const fleet = fleetOf(2)
    fleet.assign(F1, 'D1')
    brings(fleet, plain(0), { devices: 2 })
    expect(statuses(fleet)).toEqual(['skipped', 'in-progress'])
    expect(whyOf(fleet, 'D1')).toBe('target.pinned')
    fleet.arrive('D2')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'assigned one after it was asked, what it has not begun is taken back'() {
    const fleet = brings(fleetOf(2), plain(0), { devices: 2 })
    fleet.report('D2', 'DOWNLOADING')
    fleet.assign(F3, 'D1')
    fleet.assign(F3, 'D2')
    expect(statuses(fleet)).toEqual(['skipped', 'in-progress'])
    fleet.arrive('D2')
    expect(fleet.history('D2')).toEqual(['F@2.0.0 UPDATED', 'F@3.0.0 INITIATED'])
    expect(statuses(fleet)).toEqual(['skipped', 'successful'])
    return fleet
  },

  'what a profile was assigned before does not undo what a campaign brought'() {
    const fleet = fleetOf(1)
    fleet.assign(F1)
    brings(fleet, plain(0), { devices: 1 })
    fleet.arrive('D1')
    const { firmware } = fleet.checkIn('D1')
    expect(firmware?.choice.because.code).toBe('nothing.arrived-later')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    return fleet
  },

  'assigned anew after it, it does'() {
    const fleet = fleetOf(1)
    fleet.assign(F1)
    brings(fleet, plain(0), { devices: 1 })
    fleet.arrive('D1')
    fleet.assign(F1)
    expect(fleet.underWay('D1')?.version).toBe('1.0.0')
    return fleet
  },

  'after a factory reset it is the profile that counts'() {
    const fleet = fleetOf(1)
    fleet.assign(F1)
    brings(fleet, plain(0), { devices: 1 })
    fleet.arrive('D1')
    fleet.checkIn('D1', 'F@0.9.0')
    expect(fleet.underWay('D1')?.version).toBe('1.0.0')
    return fleet
  },

  "a campaign takes back what a profile's assignment has not begun"() {
    const fleet = fleetOf(1)
    fleet.assign(F2)
    brings(fleet, plain(0), { devices: 1, to: F3 })
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED', 'F@3.0.0 INITIATED'])
    return fleet
  },

  'what a profile is assigned as well, the device gets once'() {
    const fleet = fleetOf(1)
    fleet.assign(F2)
    brings(fleet, plain(0), { devices: 1 })
    fleet.arrive('D1')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED'])
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  'a device that moves to another profile before it began is not given what is made for the old one'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.move('D1', 'camera')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED'])
    expect(statuses(fleet)).toEqual(['skipped'])
    return fleet
  },

  'a device that is ahead by the time it would begin is not set back'() {
    const fleet = brings(fleetOf(1), plain(0), { devices: 1 })
    fleet.checkIn('D1', 'F@3.0.0')
    expect(fleet.history('D1')).toEqual(['F@2.0.0 CANCELED'])
    expect(whyOf(fleet, 'D1')).toBe('target.downgrade')
    return fleet
  },

  'a device that begins by itself what the campaign would ask it, is asked'() {
    const fleet = brings(fleetOf(1, { here: 0 }), plain(0), { devices: 1 })
    fleet.report('D1', 'DOWNLOADING')
    expect(fleet.campaigns.target('spring', 'D1')).toMatchObject({
      status: 'in-progress',
      before: installed('F@1.0.0'),
    })
    fleet.arrive('D1')
    expect(outcome(fleet)).toEqual(isDone)
    return fleet
  },

  // Taken back.
  'an operator cancels one update of a campaign: it has failed, and counts'() {
    const fleet = brings(fleetOf(2), plain(0), { devices: 2 })
    fleet.cancel('D1', 'op1')
    expect(statuses(fleet)).toEqual(['failed', 'in-progress'])
    expect(whyOf(fleet, 'D1')).toBe('operator.cancel')
    expect(outcome(fleet)).toEqual(isStopped)
    return fleet
  },

  'cancelled as a whole, it takes back what was not begun; the rest goes on and is recorded'() {
    const fleet = fleetOf(5, { here: 3 })
    brings(fleet, plain(0), { devices: 5 })
    fleet.come('D4')
    fleet.report('D1', 'DOWNLOADING')
    fleet.report('D2', 'DOWNLOADING')
    fleet.cancelCampaign('spring')
    expect(statuses(fleet)).toEqual(['in-progress', 'in-progress', 'skipped', 'skipped', 'idle'])
    expect(whyOf(fleet, 'D3')).toBe('superseded.campaign')
    expect(whyOf(fleet, 'D5')).toBe('campaign.cancelled')
    fleet.arrive('D1')
    fleet.fail('D2')
    expect(statuses(fleet).slice(0, 2)).toEqual(['successful', 'failed'])
    expect(outcome(fleet)).toEqual(['finished', 'cancelled', 'campaign.cancelled'])
    return fleet
  },

  'cancelled before it began, nobody ever hears of it'() {
    const fleet = fleetOf(1)
    fleet.campaign('spring', F2, { devices: ['D1'], scheduledAt: minutesAfter(NOON, 60) })
    fleet.cancelCampaign('spring')
    fleet.passWatched(120, 60)
    expect(fleet.operations).toEqual([])
    expect(outcome(fleet)).toEqual(['finished', 'cancelled', 'campaign.cancelled'])
    return fleet
  },

  'one that stops takes back what was never told; those that were told go on'() {
    const fleet = fleetOf(3)
    fleet.isPaceHeld = true
    brings(fleet, plain(0))
    fleet.checkIn('D1')
    fleet.checkIn('D2')
    expect(fleet.underWay('D3')?.state).toBe('QUEUED')
    fleet.report('D1', 'FAILED')
    fleet.carryOn()
    expect(statuses(fleet)).toEqual(['failed', 'in-progress', 'idle'])
    expect(fleet.history('D3')).toEqual(['F@2.0.0 CANCELED'])
    fleet.arrive('D2')
    expect(statuses(fleet)).toEqual(['failed', 'successful', 'idle'])
    return fleet
  },

  // Roll back.
  'all are taken back to what they had; who had something that is not kept is skipped'() {
    const fleet = fleetOf(3)
    fleet.assign(F1)
    fleet.checkIn('D3', 'F@0.5.0')
    fleet.withdraw()
    brings(fleet, plain(0))
    fleet.arrive('D1', 'D2', 'D3')
    const back = fleet.rollBack('spring')
    expect(statuses(fleet, back).sort()).toEqual(['in-progress', 'in-progress', 'skipped'])
    fleet.arrive('D1', 'D2')
    expect(outcome(fleet, back)).toEqual(isDone)
    expect(fleet.history('D1')).toEqual(['F@2.0.0 UPDATED', 'F@1.0.0 UPDATED'])
    return fleet
  },

  'taken back, a device stays there although its profile was assigned the newer before'() {
    const fleet = fleetOf(1)
    fleet.assign(F1)
    fleet.assign(F2)
    fleet.withdraw()
    brings(fleet, plain(0), { devices: 1 })
    fleet.assign(F2)
    fleet.arrive('D1')
    const back = fleet.rollBack('spring')
    fleet.arrive('D1')
    expect(outcome(fleet, back)).toEqual(isDone)
    expect(fleet.checkIn('D1').firmware?.choice.because.code).toBe('nothing.arrived-later')
    return fleet
  },

  'on the way back nothing stops it: a fleet of two halves helps nobody'() {
    const fleet = fleetOf(4)
    fleet.assign(F1)
    fleet.withdraw()
    brings(fleet, plain(0), { devices: 4 })
    fleet.arrive(...names(4))
    const back = fleet.rollBack('spring')
    fleet.fail('D1', 'D2', 'D3')
    expect(outcome(fleet, back)[0]).toBe('in-progress')
    fleet.arrive('D4')
    expect(tally(fleet, back)).toMatchObject({ failed: 3, successful: 1 })
    expect(outcome(fleet, back)).toEqual(isDone)
    return fleet
  },
}

describe('a story', () => {
  test.each(Object.entries(STORIES))('%s', (_, tell) => {
    tell()
  })

  test('of each kind, to be read', async () => {
    const told = Object.entries(STORIES).map(([name, tell]) => {
      const fleet = tell()
      return [`# ${name}`, ...fleet.log, ...fleet.campaigns.account()].join('\n')
    })
    await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('campaign.stories.txt')
  })
})

describe('at random', () => {
  const HAPPENINGS = [
    'call',
    'call',
    'report',
    'report',
    'report',
    'report',
    'come',
    'leave',
    'pass',
    'carry on',
  ] as const
  const BY_OPERATOR = [
    'pause',
    'resume',
    'approve',
    'retry',
    'cancel',
    'roll back',
    'campaign',
    'pin',
    'unpin',
    'assign',
    'cancel one',
    'retry one',
    'move',
  ] as const
  const WORDS = [
    'DOWNLOADING',
    'UPDATING',
    'FAILED',
    'UPDATED',
    'UPDATED F@2.0.0',
    'UPDATED F@3.0.0',
  ]

  function happen(fleet: Fleet, what: string, pick: Pick): void {
    const device = pick(names(6))
    const name = pick(fleet.campaigns.names)
    const acts: Record<string, () => unknown> = {
      call: () => fleet.checkIn(device, pick(['', '', '', 'F@1.0.0', 'F@2.0.0'])),
      report: () => fleet.report(device, pick(WORDS)),
      come: () => fleet.come(device),
      leave: () => fleet.leave(device),
      pass: () => fleet.passWatched(pick([2, 20, 300]), 60),
      'carry on': () => fleet.carryOn(),
      pause: () => fleet.pause(name),
      resume: () => fleet.resume(name),
      approve: () => fleet.approve(name),
      retry: () => fleet.retryCampaign(name),
      cancel: () => fleet.cancelCampaign(name),
      'roll back': () =>
        fleet.campaigns.names.includes(`${name}-back`) ? null : fleet.rollBack(name),
      campaign: () =>
        fleet.campaign(`c${fleet.campaigns.names.length}`, pick([F2, F3, needsTwo]), {
          devices: names(pick([2, 6])),
          settings: plain(pick([0, 40, 100]), {
            maxInProgress: pick([1, 3]),
            requestTimeoutSeconds: 60,
            requestRetries: 1,
            progressTimeoutSeconds: pick([null, 600]),
            waves: pick([[], [{ size: { count: 1 } }], [{ size: { percentage: 50 } }]]),
            forceDowngrade: pick([false, true]),
          }),
        }),
      pin: () => fleet.assign(pick([F1, F2, F3]), device),
      unpin: () => fleet.withdraw(device),
      assign: () => fleet.assign(pick([F1, F2, F3])),
      'cancel one': () => fleet.cancel(device, fleet.underWay(device)?.id ?? 'op0'),
      'retry one': () => fleet.retry(device, pick([F2, F3])),
      move: () => fleet.move(device, pick(['gateway', 'gateway', 'camera'])),
    }
    try {
      acts[what]?.()
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
    }
  }

  test.each(Array.from({ length: 25 }, (_, seed) => seed))(
    'whatever devices and operators do, every campaign counts right and asks no more than it may (seed %i)',
    (seed) => {
      const pick = dice(seed)
      const fleet = fleetOf(6)
      fleet.assign(F1)
      happen(fleet, 'campaign', pick)
      for (let turn = 1; turn < 120; turn += 1) {
        happen(fleet, pick<string>(turn % 8 === 0 ? BY_OPERATOR : HAPPENINGS), pick)
        for (const name of fleet.campaigns.names) {
          const { status, settings } = fleet.campaigns.get(name)
          const isOpen = status !== 'scheduled' && status !== 'finished'
          if (isOpen)
            expect(tally(fleet, name)['in-progress']).toBeLessThanOrEqual(settings.maxInProgress)
          for (const target of fleet.campaigns.targets(name)) {
            if (target.status !== 'in-progress') continue
            const operation = fleet.operations.find(({ id }) => id === target.operationId)
            expect(operation?.endedAt, fleet.log.join('\n')).toBeNull()
          }
        }
      }
    },
  )
})
