import { type ChosenSettings, type EventKind, STANDARD_SETTINGS } from '@updraft/core'
import { afterEach, expect, test, vi } from 'vitest'
import type { DeliveredEvent, Stores, UnitOfWork } from './ports.ts'
import { settingsInForce } from './settings-in-force.ts'

afterEach(() => vi.restoreAllMocks())

/** Settings over tenants kept here; reads are counted, and answered when they are let. */
function known(tenants: Record<string, ChosenSettings>) {
  let deliver: (events: readonly DeliveredEvent[]) => void = () => {}
  let isAway = false
  const reads: string[] = []
  const errors: unknown[] = []
  const unitOfWork = (async (
    { tenantId }: { tenantId: string },
    work: (stores: Stores) => Promise<unknown>,
  ) => {
    reads.push(tenantId)
    if (isAway) throw new Error('away')
    const get = async () => ({ tenantName: tenantId, chosen: tenants[tenantId] ?? {} })
    return work({ settings: { get } } as unknown as Stores)
  }) as UnitOfWork
  const settings = settingsInForce({
    feed: {
      subscribe: (listener) => {
        deliver = listener
        return () => {}
      },
    },
    ofServer: STANDARD_SETTINGS,
    unitOfWork,
    onError: (error) => errors.push(error),
  })
  return {
    settings,
    reads,
    errors,
    happens: (kind: EventKind, tenantId: string) =>
      deliver([{ tenantId, kind, deviceId: null, subjectId: tenantId, event: null }]),
    goAway: () => {
      isAway = true
    },
  }
}

test('are read once for a tenant, whoever asks at the same time', async () => {
  const { settings, reads } = known({ a: { maxRetries: 1 } })
  const [one, two] = await Promise.all([settings.of('a'), settings.of('a')])
  expect(one).toEqual({ ...STANDARD_SETTINGS, maxRetries: 1 })
  expect(two).toEqual(one)
  expect(await settings.of('b')).toEqual(STANDARD_SETTINGS)
  expect(reads).toEqual(['a', 'b'])
})

test('are those of the server until they were read', async () => {
  const { settings } = known({ a: { maxRetries: 1 } })
  expect(settings.lastKnown('a')).toEqual(STANDARD_SETTINGS)
  await settings.of('a')
  expect(settings.lastKnown('a').maxRetries).toBe(1)
})

test('are read again when they were changed, at this server or another, and word of it is passed on', async () => {
  const tenants = { a: { maxRetries: 1 }, b: {} }
  const { settings, reads, happens } = known(tenants)
  const changed: string[] = []
  settings.subscribe((tenantId) => changed.push(`${settings.lastKnown(tenantId).maxRetries}`))
  await settings.of('a')
  tenants.a = { maxRetries: 2 }
  happens('operation.moved', 'a')
  expect(reads).toEqual(['a'])
  happens('settings.changed', 'a')
  await expect.poll(() => changed).toEqual(['2'])
  expect((await settings.of('a')).maxRetries).toBe(2)
  expect(reads).toEqual(['a', 'a'])
})

test('are read again after a minute, as word may be lost; what is known holds meanwhile', async () => {
  const tenants = { a: { maxRetries: 1 } }
  const { settings, reads, goAway, errors } = known(tenants)
  await settings.of('a')
  tenants.a = { maxRetries: 2 }
  const now = performance.now()
  vi.spyOn(performance, 'now').mockReturnValue(now + 61_000)
  expect((await settings.of('a')).maxRetries).toBe(1)
  await expect.poll(async () => (await settings.of('a')).maxRetries).toBe(2)
  expect(reads).toHaveLength(2)
  goAway()
  vi.spyOn(performance, 'now').mockReturnValue(now + 122_000)
  expect((await settings.of('a')).maxRetries).toBe(2)
  await expect.poll(() => errors).toHaveLength(1)
  expect((await settings.of('a')).maxRetries).toBe(2)
})

test('that were never read and cannot be are a refusal, and are read when they can be', async () => {
  const { settings, goAway, reads } = known({})
  goAway()
  await expect(settings.of('a')).rejects.toThrow('away')
  await expect(settings.of('a')).rejects.toThrow('away')
  expect(reads).toHaveLength(2)
})
