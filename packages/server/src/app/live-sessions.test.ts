import type { EventKind } from '@updraft/core'
import { expect, test } from 'vitest'
import { liveSessions } from './live-sessions.ts'
import type { DeliveredEvent } from './ports.ts'

const never = new AbortController().signal
const DEVICE = { id: 'd', profileId: 'p' }

function sessions() {
  let deliver: (events: readonly DeliveredEvent[]) => void = () => {}
  const live = liveSessions({
    subscribe: (listener) => {
      deliver = listener
      return () => {
        deliver = () => {}
      }
    },
  })
  const happens = (...ids: string[]) => tell('profile.changed', ids)
  const tell = (kind: EventKind, ids: readonly string[]) =>
    deliver(
      ids.map((id) => ({
        tenantId: 't',
        kind,
        deviceId: null,
        subjectId: id,
        event: null,
      })),
    )
  return {
    live,
    happens,
    tell,
    deliver: (events: readonly DeliveredEvent[]) => deliver(events),
  }
}

test.each(['d', 'p'])('a wait ends when something happens to %s', async (id) => {
  const { live, happens } = sessions()
  const listening = live.listen(DEVICE, live.mark())
  const next = listening.next({ timeoutMs: 60_000, signal: never })
  happens('somebody else', id)
  expect(await next).toBe(true)
  listening.end()
  expect(live.count).toBe(0)
})

test('nobody is woken by what an operator was refused', async () => {
  const { live, tell } = sessions()
  const listening = live.listen(DEVICE, live.mark())
  tell('action.refused', ['d', 'p'])
  expect(await listening.next({ timeoutMs: 1, signal: never })).toBe(false)
})

test.each([
  ['is told of', 'INITIATED', false],
  ['goes on with', 'DOWNLOADING', false],
  ['is to be told of anew', 'QUEUED', true],
])('a device that %s an update is woken: %s, %s', async (_what, state, isWoken) => {
  const { live, deliver } = sessions()
  const listening = live.listen(DEVICE, live.mark())
  const subject = { kind: 'operation', id: 'o', name: 'R@1' } as const
  const actor = { kind: 'server', name: 'updraft' } as const
  const kind = 'operation.moved'
  const event = { kind, at: new Date(0), actor, subject, deviceId: 'd', data: { state } } as const
  deliver([{ tenantId: 't', kind, deviceId: 'd', subjectId: 'o', event }])
  expect(await listening.next({ timeoutMs: 1, signal: never })).toBe(isWoken)
})

test('what happens between the look and the listening ends the wait before it begins', async () => {
  const { live, happens } = sessions()
  happens('p')
  const mark = live.mark()
  happens('d')
  const listening = live.listen(DEVICE, mark)
  expect(await listening.next({ timeoutMs: 60_000, signal: never })).toBe(true)
  expect(await listening.next({ timeoutMs: 1, signal: never })).toBe(false)
})

test('what happened before the look does not', async () => {
  const { live, happens } = sessions()
  happens('d', 'p')
  const listening = live.listen(DEVICE, live.mark())
  expect(await listening.next({ timeoutMs: 1, signal: never })).toBe(false)
})

test('with more happening than is kept, one look too many is taken', async () => {
  const { live, happens } = sessions()
  const mark = live.mark()
  happens(...Array.from({ length: 10_001 }, (_, number) => `other ${number}`))
  const late = live.listen(DEVICE, mark)
  expect(await late.next({ timeoutMs: 60_000, signal: never })).toBe(true)
  const fresh = live.listen(DEVICE, live.mark())
  expect(await fresh.next({ timeoutMs: 1, signal: never })).toBe(false)
})

test('a wait ends when the client is gone, and when the server stops', async () => {
  const { live } = sessions()
  const gone = new AbortController()
  const next = live.listen(DEVICE, 0).next({ timeoutMs: 60_000, signal: gone.signal })
  gone.abort()
  expect(await next).toBe(false)
  const other = live.listen(DEVICE, 0).next({ timeoutMs: 60_000, signal: never })
  live.close()
  expect(await other).toBe(false)
  expect(await live.listen(DEVICE, 0).next({ timeoutMs: 60_000, signal: never })).toBe(false)
})

test('ten thousand waits end at once', async () => {
  const { live, happens } = sessions()
  const waits = Array.from({ length: 10_000 }, (_, number) =>
    live
      .listen({ id: `d${number}`, profileId: 'p' }, live.mark())
      .next({ timeoutMs: 60_000, signal: never }),
  )
  happens('p')
  expect((await Promise.all(waits)).every(Boolean)).toBe(true)
})

test('a device is known to be on the line for as long as somebody holds it', () => {
  const { live } = sessions()
  expect(live.has('d')).toBe(false)
  const [one, two] = [live.listen(DEVICE, live.mark()), live.watch(DEVICE, live.mark(), () => {})]
  expect([live.has('d'), live.has('e')]).toEqual([true, false])
  one.end()
  expect(live.has('d')).toBe(true)
  two.end()
  expect(live.has('d')).toBe(false)
})
