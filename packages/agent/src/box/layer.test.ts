import { expect, test } from 'vitest'
import { type LayerResult, wentBackFrom } from './layer.ts'

const release = (version: string) => ({
  id: version,
  title: 'handlers',
  version,
  installedAt: '2026-01-01T00:00:00.000Z',
})
const result = (kind: LayerResult['kind'], version: string | null): LayerResult => ({
  kind,
  at: '2026-01-01T00:00:00.000Z',
  because: null,
  release: version === null ? null : { title: 'handlers', version },
})

/** Newest first: active, previous, history. */
test.each<[string, string | null, string | null, LayerResult[], string | null]>([
  ['nothing was ever installed', null, null, [], null],
  ['an update came', '2', '1', [result('updated', '2'), result('updated', '1')], null],
  [
    'somebody went back from 2',
    '1',
    '2',
    [result('rolled-back', '1'), result('updated', '2'), result('updated', '1')],
    '2',
  ],
  [
    'somebody went back from 2, and nothing new came since',
    '1',
    '2',
    [result('unchanged', '1'), result('failed', null), result('rolled-back', '1')],
    '2',
  ],
  [
    'somebody went back from 2, and 3 did not hold',
    '1',
    '2',
    [result('rolled-back', '3'), result('rolled-back', '1'), result('updated', '2')],
    '2',
  ],
  [
    'somebody went back from 2, and 3 came since',
    '3',
    '1',
    [result('updated', '3'), result('rolled-back', '1')],
    null,
  ],
  ['2 did not hold', '1', '0', [result('rolled-back', '2'), result('updated', '1')], null],
])('%s', (_what, active, previous, history, expected) => {
  const left = wentBackFrom({
    active: active === null ? null : release(active),
    previous: previous === null ? null : release(previous),
    history,
  })
  expect(left?.version ?? null).toBe(expected)
})
