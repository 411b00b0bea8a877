import type { BoxForm } from '@updraft/wire/updraft'
import { expect, test } from 'vitest'
import { MemoryDisk } from '../memory-disk.ts'
import { KeptForm } from './form.ts'
import { Wishes } from './wishes.ts'

const layer = { channel: 'stable', updates: 'automatic' } as const
const FORM: BoxForm = {
  series: '17.0',
  automaticDriversUpdate: true,
  hold: null,
  windows: '',
  layers: { handlers: layer, code: layer, image: { ...layer, updates: 'button' } },
  codeFrom: 'upstream',
}
/** A Saturday. */
const NOON = new Date('2026-11-21T12:00:00Z')

async function formAfterRestart(change: Partial<BoxForm>, now = NOON): Promise<KeptForm> {
  const memory = new MemoryDisk(() => {})
  await memory.disk.mkdir('/box', { recursive: true })
  const about = { disk: memory.disk, folder: '/box', now: () => now }
  await new KeptForm(about).keep({ ...FORM, ...change })
  const kept = new KeptForm(about)
  await kept.load()
  return kept
}

test.each([
  ['nothing set', {}, null, null],
  ['drivers by the button', { automaticDriversUpdate: false }, 'It is updated only when', null],
  ['a hold', { hold: { reason: 'a fair', until: null } }, 'An operator holds', 'An operator holds'],
  [
    'a hold until tomorrow',
    { hold: { reason: 'a fair', until: '2026-11-22T00:00:00Z' } },
    'An operator holds',
    'An operator holds',
  ],
  [
    'a hold that is over',
    { hold: { reason: 'a fair', until: '2026-11-20T00:00:00Z' } },
    null,
    null,
  ],
  ['a window at night', { windows: '22:00-04:00' }, 'Updates wait for their window', null],
  ['a window now', { windows: 'Sat 11:00-13:00' }, null, null],
  ['a window nobody can read', { windows: 'at some time' }, null, null],
])('with %s, the handlers heed it without a server', async (_what, change, automatic, button) => {
  const form = await formAfterRestart(change)
  const because = (by: 'automatic' | 'page') => form.heldFor('handlers', by)?.because ?? null
  const expected = (words: string | null) => (words ? expect.stringContaining(words) : null)
  expect(because('automatic')).toEqual(expected(automatic))
  expect(because('page')).toEqual(expected(button))
})

test('each layer has its own switch', async () => {
  const form = await formAfterRestart({})
  expect(form.heldFor('code', 'automatic')).toBeNull()
  expect(form.heldFor('image', 'automatic')?.because).toContain('only when somebody asks')
  expect(form.heldFor('image', 'operator')).toBeNull()
})

test('with a clock in 1970 a hold stands, and no moment to wait for is made up', async () => {
  const hold = { reason: 'a fair', until: '2026-11-22T00:00:00Z' }
  const form = await formAfterRestart({ hold }, new Date(5_000))
  expect(form.held()).toMatchObject({ until: hold.until })
})

test('a wish is taken once, also after a restart, and told as done until it is wished no more', async () => {
  const memory = new MemoryDisk(() => {})
  await memory.disk.mkdir('/box', { recursive: true })
  const about = { disk: memory.disk, folder: '/box' }
  const wish = { id: 'w1', kind: 'restart' } as const
  const other = { id: 'w2', kind: 'load-handlers' } as const
  const first = new Wishes(about)
  expect(await first.take([wish, other])).toEqual(wish)
  const second = new Wishes(about)
  await second.load()
  expect(second.done).toEqual(['w1'])
  expect(await second.take([wish, other])).toEqual(other)
  expect(await second.take([wish, other])).toBeNull()
  expect(await second.take([other])).toBeNull()
  expect(second.done).toEqual(['w2'])
})
