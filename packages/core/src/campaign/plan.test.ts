import { describe, expect, test } from 'vitest'
import { DomainError } from '../errors.ts'
import { dice, type Pick } from '../random.test-helper.ts'
import { minutesAfter, NOON, release } from '../update/examples.test-helper.ts'
import {
  approve,
  type Campaign,
  cancelCampaign,
  createCampaign,
  join,
  pause,
  resume,
  TARGET_STATUSES,
  type TargetStatus,
  totalOf,
} from './campaign.ts'
import { campaignNews } from './news.ts'
import { plan } from './plan.ts'
import type { SettingsDraft } from './settings.ts'
import { tallied } from './target.ts'

const F2 = release('F@2.0.0')
const ADA = { kind: 'operator', id: 'ada', name: 'Ada' } as const

const created = (targets: number, settings: SettingsDraft, scheduledAt?: Date): Campaign =>
  createCampaign(
    {
      id: 'spring',
      tenantId: 't1',
      release: F2,
      draft: {
        name: 'spring',
        audience: { expression: 'true' },
        settings,
        ...(scheduledAt && { scheduledAt }),
      },
    },
    targets,
    NOON,
  )

/** After so many devices were asked in the wave that is open and ended like that. */
function after(campaign: Campaign, count: number, status: TargetStatus): Campaign {
  let moved = campaign
  for (let index = 0; index < count; index += 1) {
    moved = plan(moved, NOON).campaign
    const wave = moved.waves.findLastIndex(({ openedAt }) => openedAt !== null)
    const because = moved.because
    const move = (from: TargetStatus, to: TargetStatus) => ({
      campaignId: moved.id,
      from: { status: from, wave: from === 'idle' ? null : wave },
      to: { status: to, wave, operationId: 'op' },
      because,
      at: NOON,
    })
    moved = tallied(moved, move('idle', 'in-progress'))
    if (status !== 'in-progress') moved = tallied(moved, move('in-progress', status))
  }
  return plan(moved, NOON).campaign
}

test('it stops at the first failure above the limit, for every limit and every number of devices', () => {
  for (let devices = 1; devices <= 120; devices += 7) {
    for (let limit = 0; limit <= 100; limit += 1) {
      const mayFail = Math.floor((devices * limit) / 100)
      const campaign = created(devices, { maxFailurePercentage: limit, stopRule: null, waves: [] })
      const tallyOf = (failed: number) => ({ ...campaign.tally, idle: devices - failed, failed })
      const outcomeAt = (failed: number) =>
        plan({ ...campaign, tally: tallyOf(failed) }, NOON).campaign.outcome
      expect(outcomeAt(mayFail), `${mayFail} of ${devices}, ${limit} %`).not.toBe('failure')
      if (mayFail < devices) {
        expect(outcomeAt(mayFail + 1), `${mayFail + 1} of ${devices}, ${limit} %`).toBe('failure')
      }
    }
  }
})

test('the stop rule counts from as many as it says on, and above its share', () => {
  const rule = { failurePercentage: 7, minFinished: 100 }
  const campaign = created(1000, { maxFailurePercentage: 100, stopRule: rule, waves: [] })
  const outcomeAt = (successful: number, failed: number) =>
    after(after(campaign, successful, 'successful'), failed, 'failed').outcome
  expect(outcomeAt(0, 99)).toBeNull()
  expect(outcomeAt(93, 7)).toBeNull()
  expect(outcomeAt(92, 8)).toBe('failure')
})

describe('the next wave opens', () => {
  const waves = [{ size: { count: 10 }, successPercentage: 70 }]
  const campaign = created(20, { maxFailurePercentage: 100, stopRule: null, waves })
  const opened = (of: Campaign) => of.waves.filter(({ openedAt }) => openedAt !== null).length

  test.each([
    [6, 0, 1, null],
    [7, 0, 2, null],
    [6, 3, 1, null],
    [6, 4, 1, 'failure'],
    [7, 3, 2, null],
  ])('%d updated, %d failed: %d open, %s', (successful, failed, waves, outcome) => {
    const end = after(after(campaign, successful, 'successful'), failed, 'failed')
    expect([opened(end), end.outcome]).toEqual([waves, outcome])
  })
})

test('at least one of a wave must be updated, whatever its share', () => {
  const waves = [{ size: { count: 3 }, successPercentage: 0 }]
  const campaign = created(5, { maxFailurePercentage: 100, stopRule: null, waves })
  expect(after(campaign, 2, 'failed').outcome).toBeNull()
  expect(after(campaign, 3, 'failed').outcome).toBe('failure')
})

describe('when to look again', () => {
  const soaking = {
    waves: [{ size: { count: 2 }, soakSeconds: 600, needsApproval: true, successPercentage: 50 }],
    stopRule: null,
  }
  test.each<[string, Campaign, Date | null]>([
    ['at its time', created(1, {}, minutesAfter(NOON, 60)), minutesAfter(NOON, 60)],
    ['when its window opens', created(1, { windows: '13:00-14:00' }), minutesAfter(NOON, 60)],
    ['never, while others must act', created(1, {}), null],
    [
      'when it has been watched long enough',
      after(created(5, soaking), 2, 'successful'),
      minutesAfter(NOON, 10),
    ],
    [
      '... also with room in the wave',
      after(created(5, soaking), 1, 'successful'),
      minutesAfter(NOON, 10),
    ],
    ['never, once it is over', created(0, {}), null],
  ])('%s', (_, campaign, at) => {
    expect(plan(campaign, NOON).lookAgainAt).toEqual(at)
    if (at) expect(plan(campaign, at).lookAgainAt).not.toEqual(at)
  })

  test('not in the past, while a wave waits for a person', () => {
    const campaign = after(created(5, soaking), 1, 'successful')
    expect(plan(campaign, minutesAfter(NOON, 60))).toMatchObject({ slots: 1, lookAgainAt: null })
  })
})

describe('what is worth telling', () => {
  const before = created(5, { waves: [{ size: { count: 1 } }] })

  test('that it moved, that a wave opened, that it ended; not that a device moved', () => {
    const begun = plan(before, NOON).campaign
    const asked = after(begun, 1, 'in-progress')
    const second = after(begun, 1, 'successful')
    const kinds = (a: Campaign, b: Campaign) =>
      campaignNews(a, b, NOON, ADA).map(({ kind }) => kind)
    expect(kinds(before, begun)).toEqual(['campaign.moved'])
    expect(kinds(begun, asked)).toEqual([])
    expect(kinds(asked, second)).toEqual(['campaign.moved'])
    expect(kinds(begun, pause(begun, 'Ada'))).toEqual(['campaign.moved'])
    expect(kinds(begun, cancelCampaign(begun, 'Ada', NOON))).toEqual(['campaign.ended'])
    expect(campaignNews(asked, second, NOON, ADA)[0]?.data).toMatchObject({ wave: 2 })
  })
})

interface Device {
  status: TargetStatus
  wave: number | null
}

/** A campaign with devices that are asked and end at random, by nothing but what plan allows. */
class World {
  now = NOON
  readonly devices: Device[]
  campaign: Campaign
  readonly #pick: Pick
  #asked = 0

  constructor(pick: Pick) {
    this.#pick = pick
    const count = pick([1, 3, 10, 25, 60])
    this.devices = Array.from({ length: count }, () => ({ status: 'idle', wave: null }))
    const campaign = created(count, {
      maxInProgress: pick([1, 2, 5, 100]),
      maxFailurePercentage: pick([0, 7, 20, 50, 100]),
      stopRule: pick([null, { failurePercentage: 20, minFinished: 5 }]),
      isDynamic: pick([false, false, true]),
      windows: pick(['', '', '12:00-18:00']),
      ...(count >= 3 && {
        waves: pick([
          [],
          [{ size: { count: 1 } }, { size: { count: 2 }, soakSeconds: 600 }],
          [{ size: { percentage: 10 } }, { size: { percentage: 40 }, successPercentage: 30 }],
          [{ size: { percentage: 50 }, needsApproval: true, successPercentage: 50 }],
        ]),
      }),
    })
    this.campaign = plan(campaign, NOON).campaign
  }

  turn(): void {
    const before = this.campaign
    this.#pick([this.#ask, this.#ask, this.#end, this.#end, this.#end, this.#pass, this.#operate])()
    const planned = plan(this.campaign, this.now)
    this.campaign = planned.campaign
    this.#holdRules(before)
  }

  #ask = () => {
    const { slots } = plan(this.campaign, this.now)
    for (const device of this.devices.filter(({ status }) => status === 'idle').slice(0, slots)) {
      // Each decision sees what those before it took.
      const { gate, campaign } = plan(this.campaign, this.now)
      if (gate) return
      const wave = campaign.waves.findLastIndex(({ openedAt }) => openedAt !== null)
      // Some are refused what they were to be asked.
      const to = this.#pick(['in-progress', 'in-progress', 'in-progress', 'failed'] as const)
      this.#move(device, to, wave)
      this.#asked += 1
    }
  }

  #end = () => {
    const running = this.devices.filter(({ status }) => status === 'in-progress')
    if (running.length === 0) return
    const device = this.#pick(running)
    const to = this.#pick(['successful', 'successful', 'successful', 'failed', 'skipped'] as const)
    this.#move(device, to, device.wave)
  }

  #pass = () => {
    this.now = minutesAfter(this.now, this.#pick([1, 20, 300]))
  }

  #operate = () => {
    const settle = this.devices.find(({ status }) => status === 'idle')
    const how = this.#pick([
      () => pause(this.campaign, 'Ada'),
      () => resume(this.campaign, 'Ada'),
      () => approve(this.campaign, 'Ada', this.now),
      () => {
        if (!this.campaign.settings.isDynamic || this.campaign.status === 'finished') {
          return this.campaign
        }
        this.devices.push({ status: 'idle', wave: null })
        return join(this.campaign, 1)
      },
      () => {
        // It runs it already.
        if (settle && this.campaign.status !== 'finished') this.#move(settle, 'successful', null)
        return this.campaign
      },
    ])
    try {
      this.campaign = how()
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
    }
  }

  #move(device: Device, status: TargetStatus, wave: number | null): void {
    const move = {
      campaignId: 'spring',
      from: { ...device },
      to: { status, wave, operationId: null },
      because: this.campaign.because,
      at: this.now,
    }
    const moved = tallied(this.campaign, move)
    // What is counted can be taken back to the last figure.
    const back = { ...move, from: move.to, to: { ...move.from, operationId: null } }
    expect(tallied(moved, back)).toEqual(this.campaign)
    this.campaign = moved
    Object.assign(device, { status, wave })
  }

  #holdRules(before: Campaign): void {
    const { tally, waves, settings, status, outcome } = this.campaign
    const planned = plan(this.campaign, this.now)
    expect(planned.campaign).toBe(this.campaign)
    expect(totalOf(tally)).toBe(this.devices.length)
    for (const each of TARGET_STATUSES) {
      expect(tally[each]).toBe(this.devices.filter((device) => device.status === each).length)
    }
    expect(tally['in-progress']).toBeLessThanOrEqual(settings.maxInProgress)
    const open = waves.filter(({ openedAt }) => openedAt !== null)
    const places = open.reduce((sum, { size }) => sum + size, 0)
    const taken = waves.reduce((sum, { asked, skipped }) => sum + asked - skipped, 0)
    expect(taken).toBeLessThanOrEqual(places)
    expect(waves.reduce((sum, { asked }) => sum + asked, 0)).toBe(this.#asked)
    for (const wave of waves) {
      expect(wave.asked).toBeGreaterThanOrEqual(wave.successful + wave.failed + wave.skipped)
      if (wave.openedAt === null) expect(wave.asked).toBe(0)
    }
    expect(planned.slots > 0).toBe(planned.gate === null)
    if (status !== 'in-progress') expect(planned.slots).toBe(0)
    expect((outcome !== null) === (status === 'finished')).toBe(true)
    if (planned.lookAgainAt) expect(planned.lookAgainAt.getTime()).toBeGreaterThan(+this.now)
    if (before.outcome) {
      expect(outcome).toBe(before.outcome)
      expect(tally.idle).toBe(before.tally.idle)
    }
  }
}

test.each(Array.from({ length: 60 }, (_, seed) => seed))(
  'whatever becomes of its devices, it never asks too many, and nobody after its end (seed %i)',
  (seed) => {
    const world = new World(dice(seed))
    for (let turn = 0; turn < 150; turn += 1) world.turn()
  },
)

test('at random, some succeed and some fail', () => {
  const outcomes = Array.from({ length: 60 }, (_, seed) => {
    const world = new World(dice(seed))
    for (let turn = 0; turn < 150; turn += 1) world.turn()
    return world.campaign.outcome
  })
  expect(outcomes.filter((outcome) => outcome === 'success').length).toBeGreaterThan(5)
  expect(outcomes.filter((outcome) => outcome === 'failure').length).toBeGreaterThan(5)
})
