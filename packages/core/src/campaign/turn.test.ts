import { expect, test } from 'vitest'
import { NO_FACTS } from '../device.ts'
import { device, minutesAfter, NOON, release } from '../update/examples.test-helper.ts'
import { NO_COMPONENT } from '../update/snapshot.ts'
import { visit } from '../update/visit.ts'
import { type Campaign, createCampaign } from './campaign.ts'
import { plan } from './plan.ts'
import { type Target, tallied } from './target.ts'

const target = release('F@2.0.0')

/** What becomes of an idle device that comes at that time. */
function come(campaign: Campaign, now: Date) {
  const idle: Target = {
    campaign,
    release: target,
    status: 'idle',
    isLost: false,
    wave: null,
    operationId: null,
    failures: 0,
  }
  const { changes } = visit(
    {
      tenantId: 't',
      device: device('D1', { installed: { firmware: { title: 'F', version: '1.0.0' } } }),
      components: { firmware: { ...NO_COMPONENT, targets: [idle] } },
      standings: {},
      belongings: null,
      addressed: null,
    },
    {
      now,
      newId: () => 'op1',
      patience: { silenceDeadlineSeconds: 3600, maxRetries: 3 },
      facts: NO_FACTS,
      tells: true,
      isHere: true,
    },
  )
  return changes.targets
}

test('whoever comes first after a wave was watched long enough has its turn in the next one', () => {
  const settings = { waves: [{ size: { count: 1 }, soakSeconds: 60 }] }
  const draft = { name: 'C', audience: { expression: 'true' }, settings }
  const created = createCampaign({ id: 'c', tenantId: 't', draft, release: target }, 3, NOON)
  const open = plan(created, NOON).campaign
  const [first] = come(open, NOON)
  expect(first?.to.wave).toBe(0)
  const asked = tallied(open, first ?? expect.fail('Nobody was asked.'))
  const canary = { status: 'in-progress', wave: 0 } as const
  const updated = tallied(asked, {
    campaignId: 'c',
    from: canary,
    to: { status: 'successful', wave: 0, operationId: 'op1' },
    because: { code: 'report', message: 'It arrived.' } as never,
    at: NOON,
  })
  const passed = plan(updated, NOON).campaign
  expect(come(passed, NOON)).toEqual([])
  // Nobody has carried the campaign on meanwhile.
  expect(come(passed, minutesAfter(NOON, 1))[0]?.to.wave).toBe(1)
})
