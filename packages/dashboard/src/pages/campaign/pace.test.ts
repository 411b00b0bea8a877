import { expect, test } from 'vitest'
import { paceOf } from './pace.ts'

const NOW = new Date('2026-05-19T14:00:00Z')
const hoursAgo = (hours: number) => new Date(NOW.getTime() - hours * 3_600_000).toISOString()
const wave = {
  size: 0,
  asked: 0,
  successful: 0,
  failed: 0,
  skipped: 0,
  openedAt: null as string | null,
  passedAt: null,
  approvedAt: null,
  successPercentage: 90,
  soakSeconds: 0,
  needsApproval: false,
}
const going = {
  status: 'in-progress' as const,
  gate: null,
  tally: { idle: 30, 'in-progress': 10, successful: 18, failed: 2, skipped: 0 },
  waves: [{ ...wave, size: 60, successful: 18, failed: 2, openedAt: hoursAgo(2) }],
}

test('what ended since its wave was opened goes on at that pace', () => {
  expect(paceOf(going, NOW)).toEqual({ perHour: 10, endsAt: new Date('2026-05-19T18:00:00Z') })
})

test('waves that follow are watched for as long as was said', () => {
  const waves = [{ ...going.waves[0], soakSeconds: 3600 }, wave].map((each) => ({
    ...wave,
    ...each,
  }))
  expect(paceOf({ ...going, waves }, NOW)?.endsAt).toEqual(new Date('2026-05-19T19:00:00Z'))
})

test('nobody can say when a person will let it go on, or its window opens', () => {
  const held = [{ ...going.waves[0], needsApproval: true }, wave].map((each) => ({
    ...wave,
    ...each,
  }))
  expect(paceOf({ ...going, waves: held }, NOW)?.endsAt).toBeNull()
  const gate = { code: 'campaign.window', message: 'Its window opens later.' }
  expect(paceOf({ ...going, gate }, NOW)?.endsAt).toBeNull()
})

test('while it is paused, or nothing has ended yet, there is no pace', () => {
  expect(paceOf({ ...going, status: 'paused' }, NOW)).toBeNull()
  const waves = going.waves.map((each) => ({ ...each, successful: 0, failed: 0 }))
  expect(paceOf({ ...going, waves }, NOW)).toBeNull()
})
