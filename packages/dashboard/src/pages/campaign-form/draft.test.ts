import { STANDARD_CAMPAIGN_SETTINGS } from '@updraft/core'
import { expect, test } from 'vitest'
import {
  bodyOf,
  draftOf,
  EMPTY_DRAFT,
  mistakeOf,
  PRESETS,
  USUAL_WAVES,
  withPreset,
} from './draft.ts'

const filled = { ...EMPTY_DRAFT, name: ' spring ', releaseId: 'r', expression: 'true' }

test('what is filled in is what the server is asked for; waves that were not chosen are its own', () => {
  expect(bodyOf(filled)).toEqual({
    name: 'spring',
    releaseId: 'r',
    audience: { expression: 'true' },
    settings: STANDARD_CAMPAIGN_SETTINGS,
    scheduledAt: null,
  })
  expect(bodyOf({ ...filled, waveChoice: 'none' })?.settings).toMatchObject({ waves: [] })
  expect(bodyOf({ ...filled, waveChoice: 'own' })?.settings).toMatchObject({ waves: USUAL_WAVES })
})

test('without a release, or without anybody it is for, there is nothing to ask yet', () => {
  expect(bodyOf({ ...filled, releaseId: null })).toBeNull()
  expect(bodyOf({ ...filled, expression: ' ' })).toBeNull()
  expect(bodyOf({ ...filled, whom: 'groups' })).toBeNull()
  expect(bodyOf({ ...filled, whom: 'channel' })).toBeNull()
})

test('a campaign that is changed is filled in as it is', () => {
  const campaign = {
    name: 'spring',
    release: { id: 'r', title: 'app', version: '2' },
    audience: { groupIds: ['a', 'b'] },
    settings: { ...STANDARD_CAMPAIGN_SETTINGS, waves: [...USUAL_WAVES] },
    scheduledAt: '2026-05-19T14:00:00.000Z',
  }
  const { release, ...rest } = campaign
  expect(bodyOf(draftOf(campaign))).toEqual({ ...rest, releaseId: release.id })
})

test('like Edgehog one device after another is asked, in no waves and with no end to waiting; the rest stays', () => {
  const windows = 'Mon-Fri 22:00-04:00'
  const own = { ...filled, settings: { ...filled.settings, windows, forceDowngrade: true } }
  const edgehog = { ...own, ...withPreset(own, PRESETS.edgehog) }
  expect(bodyOf(edgehog)?.settings).toMatchObject({
    waves: [],
    maxInProgress: 1,
    maxFailurePercentage: 0,
    stopRule: null,
    requestRetries: 3,
    requestTimeoutSeconds: 300,
    progressTimeoutSeconds: null,
    windows,
    forceDowngrade: true,
  })
  expect(mistakeOf(edgehog)).toBeNull()
  expect(bodyOf({ ...edgehog, ...withPreset(edgehog, PRESETS.usual) })).toEqual(bodyOf(own))
})

test('what contradicts itself is told in words', () => {
  expect(mistakeOf(EMPTY_DRAFT)).toBeNull()
  const own = { ...EMPTY_DRAFT, waveChoice: 'own' } as const
  const waves = [60, 60].map((percentage) => ({ ...USUAL_WAVES[0], size: { percentage } }))
  expect(mistakeOf({ ...own, waves: waves as never })).toContain('120 %')
  const windows = { ...EMPTY_DRAFT.settings, windows: 'at night' }
  expect(mistakeOf({ ...EMPTY_DRAFT, settings: windows })).toContain('at night')
})
