import { expect, test } from 'vitest'
import { STANDARD_HANDLING } from './handling.ts'
import type { Snapshot } from './snapshot.ts'
import { windowOf } from './window-of.ts'

const NOW = new Date('2026-03-02T12:00:00Z')
const OPERATION = { id: 'op-1', type: 'firmware', handling: STANDARD_HANDLING }

/** What counts of a device of which a campaign with those windows asks something. */
const asked = (
  windows: string,
  { windowAttribute = 'night' as string | null, night = undefined as unknown, by = 'op-1' } = {},
) =>
  ({
    device: { attributes: night === undefined ? {} : { night } },
    components: {
      firmware: {
        targets: [{ operationId: by, campaign: { settings: { windows, windowAttribute } } }],
      },
    },
  }) as unknown as Snapshot

const opensAt = (text: string) => ({ kind: 'closed', opensAt: new Date(text) })

test.each([
  ['no window', asked(''), { kind: 'none' }],
  ['blanks', asked(' ', { night: ' ' }), { kind: 'none' }],
  [
    "an operation that is none of a campaign's",
    asked('00:00-01:00', { by: 'op-2' }),
    { kind: 'none' },
  ],
  ["the campaign's, open", asked('11:00-13:00'), { kind: 'open' }],
  ["the campaign's, closed", asked('22:00-23:00'), opensAt('2026-03-02T22:00:00Z')],
  ['one of several, open', asked('22:00-23:00; 11:00-13:00'), { kind: 'open' }],
  ['its own, closed', asked('', { night: '22:00-23:00' }), opensAt('2026-03-02T22:00:00Z')],
  ['its own, open', asked('', { night: '12:00-13:00' }), { kind: 'open' }],
  ['both, open', asked('11:00-13:00', { night: '12:00-13:00' }), { kind: 'open' }],
  [
    'its own closed alone',
    asked('11:00-13:00', { night: '20:00-21:00' }),
    opensAt('2026-03-02T20:00:00Z'),
  ],
  [
    "the campaign's closed alone",
    asked('20:00-21:00', { night: '11:00-13:00' }),
    opensAt('2026-03-02T20:00:00Z'),
  ],
  [
    'both closed, until the later',
    asked('20:00-23:00', { night: '22:00-23:00' }),
    opensAt('2026-03-02T22:00:00Z'),
  ],
  ['its own that nobody can read', asked('11:00-13:00', { night: 'at night' }), { kind: 'open' }],
  ['its own that is no text', asked('', { night: 7 }), { kind: 'none' }],
  [
    'its own that nobody asks for',
    asked('', { windowAttribute: null, night: '22:00-23:00' }),
    { kind: 'none' },
  ],
  ['the end, which is not within', asked('11:00-12:00'), opensAt('2026-03-03T11:00:00Z')],
])('%s', (_case, snapshot, state) => {
  expect(windowOf(snapshot, OPERATION, NOW)).toEqual(state)
})

test('a component that nobody asks anything of has none', () => {
  expect(windowOf(asked('22:00-23:00'), { ...OPERATION, type: 'software' }, NOW)).toEqual({
    kind: 'none',
  })
})
