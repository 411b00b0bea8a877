import type { OperatorActor } from '@updraft/core'
import { expect, test } from 'vitest'
import type { DeliveredEvent } from '../app/ports.ts'
import { watches } from './watches.ts'

const actor = (tokenId = 'k', customerId: string | null = null) =>
  ({ id: 'o', tenantId: 't', tokenId, customerId }) as OperatorActor

function feed() {
  let tell: (events: readonly DeliveredEvent[]) => void = () => {}
  const open = watches({
    feed: {
      subscribe: (listener) => {
        tell = listener
        return () => {}
      },
    },
    owned: async (_actor, ids) => new Set(ids.filter((id) => id === 'mine')),
  })
  const happens = (...events: Partial<DeliveredEvent>[]) =>
    tell(
      events.map((event) => ({
        tenantId: 't',
        kind: 'operation.moved',
        deviceId: 'd',
        subjectId: 's',
        event: null,
        ...event,
      })),
    )
  return { open, happens }
}

const all = () => true
const forEver = () => new AbortController().signal

test('word is gathered, each once, and of no other tenant', async () => {
  const { open, happens } = feed()
  const words = open.open(actor(), { matches: all, signal: forEver() })
  happens({}, {}, { tenantId: 'another' }, { subjectId: 's2' })
  expect((await words.next()).value).toEqual([
    { kind: 'operation.moved', deviceId: 'd', subjectId: 's' },
    { kind: 'operation.moved', deviceId: 'd', subjectId: 's2' },
  ])
})

test('a customer hears of its own devices alone', async () => {
  const { open, happens } = feed()
  const words = open.open(actor('k', 'c'), { matches: all, signal: forEver() })
  happens({ deviceId: 'mine' }, { deviceId: 'another' }, { deviceId: null })
  expect((await words.next()).value).toMatchObject([{ deviceId: 'mine' }])
})

test('who does not read is kept no more than so much, and told that something was missed', async () => {
  const { open, happens } = feed()
  const words = open.open(actor(), { matches: all, signal: forEver() })
  for (let count = 0; count < 5000; count += 1) happens({ subjectId: String(count) })
  expect((await words.next()).value).toEqual([{ kind: 'missed', deviceId: null, subjectId: '' }])
  happens({ subjectId: 'later' })
  expect((await words.next()).value).toMatchObject([{ subjectId: 'later' }])
})

test('it ends with the token, with a change of role, with who listens, and with the server', async () => {
  const { open, happens } = feed()
  const begin = (signal = forEver()) => open.open(actor(), { matches: all, signal })
  const ends = async (words: ReturnType<typeof begin>) => (await words.next()).done

  const ofToken = begin()
  happens({ kind: 'token.revoked', subjectId: 'k' })
  expect(await ends(ofToken)).toBe(true)

  const ofRole = begin()
  happens({ kind: 'operator.changed', subjectId: 'o' })
  expect(await ends(ofRole)).toBe(true)

  const hangUp = new AbortController()
  const gone = begin(hangUp.signal)
  const next = ends(gone)
  hangUp.abort()
  expect(await next).toBe(true)

  const last = begin()
  open.close()
  expect(await ends(last)).toBe(true)
  expect(await ends(begin())).toBe(true)
})

test('one token has fifty open at most, and another as many again', async () => {
  const { open } = feed()
  const hangUp = new AbortController()
  const begin = (tokenId: string) =>
    open.open(actor(tokenId), { matches: all, signal: hangUp.signal })
  for (let count = 0; count < 50; count += 1) begin('k')
  expect(() => begin('k')).toThrow(expect.objectContaining({ code: 'request.too-many' }))
  begin('another')
  hangUp.abort()
  expect(() => open.open(actor('k'), { matches: all, signal: forEver() })).not.toThrow()
})
