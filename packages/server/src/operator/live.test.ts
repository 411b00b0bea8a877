import { PassThrough } from 'node:stream'
import type { EventKind, OperatorActor } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { DeliveredEvent } from '../app/ports.ts'
import { live } from './live.ts'

const ada: OperatorActor = {
  kind: 'operator',
  id: 'ada',
  name: 'Ada',
  tenantId: 't',
  customerId: null,
  role: 'operator',
  tokenId: 'CI',
  from: '',
  via: 'token CI',
}
const signedIn: OperatorActor = { ...ada, tokenId: null, via: 'session' }
const customerUser: OperatorActor = { ...ada, role: 'customer-user', customerId: 'c' }

/** More is kept for those who come back than this, and twice that is never kept. */
const KEPT = 10_000

const happening = (happened: Partial<DeliveredEvent> = {}): DeliveredEvent => ({
  kind: 'device.created',
  tenantId: 't',
  deviceId: null,
  subjectId: 's',
  event: null,
  ...happened,
})

/** A server's stream of what happens; `owned` are the devices of the one customer there is. */
function stream({ run = 'r', owned = [] }: { run?: string; owned?: readonly string[] } = {}) {
  let tell: (events: readonly DeliveredEvent[]) => void = () => {}
  const { open, close } = live({
    feed: {
      subscribe: (listener) => {
        tell = listener
        return () => {}
      },
    },
    owned: async (_actor, deviceIds) => new Set(deviceIds.filter((id) => owned.includes(id))),
    run,
  })
  onTestFinished(close)
  return {
    happens: (...events: readonly Partial<DeliveredEvent>[]) => tell(events.map(happening)),
    /** Somebody listens, and may have listened before. `takes`: bytes it takes before it must be read. */
    listen: (actor = ada, { lastId, takes }: { lastId?: string; takes?: number } = {}) => {
      const raw = new PassThrough({ highWaterMark: takes })
      const reply = { hijack: () => {}, raw: Object.assign(raw, { writeHead: () => {} }) }
      const headers = lastId === undefined ? {} : { 'last-event-id': lastId }
      open(actor, { headers } as FastifyRequest, reply as unknown as FastifyReply)
      return listener(raw)
    },
  }
}

interface Told {
  readonly id: string | undefined
  readonly event: string
  readonly subjects: readonly string[]
}

function listener(raw: PassThrough) {
  const pieces = raw.iterator({ destroyOnReturn: false })
  let text = ''
  return {
    isOpen: () => !raw.writableEnded,
    /** Bytes that wait for it to read. */
    waitingBytes: () => raw.readableLength + raw.writableLength,
    hasDrained: () => !raw.writableNeedDrain,
    /** The next message. */
    next: async (): Promise<Told> => {
      for (;;) {
        const end = text.indexOf('\n\n')
        if (end !== -1) {
          const message = text.slice(0, end)
          text = text.slice(end + 2)
          return toldBy(message)
        }
        const { value, done } = await pieces.next()
        if (done) throw new Error('The line has ended.')
        text += value
      }
    },
  }
}

function toldBy(message: string): Told {
  const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(message)?.[1]
  const { events = [] } = JSON.parse(field('data') ?? '{}')
  return {
    id: field('id'),
    event: field('event') ?? 'message',
    subjects: events.map(({ subjectId }: { subjectId: string }) => subjectId),
  }
}

describe('who listens', () => {
  test('hears what happens from then on, in one message', async () => {
    const { happens, listen } = stream()
    happens({ subjectId: 'before' })
    const line = listen()
    expect(await line.next()).toEqual({ id: 'r/1', event: 'opened', subjects: [] })
    happens({ subjectId: 'a' })
    happens({ subjectId: 'b' }, { subjectId: 'c' })
    expect(await line.next()).toEqual({ id: 'r/4', event: 'message', subjects: ['a', 'b', 'c'] })
  })

  test('hears nothing of another tenant', async () => {
    const { happens, listen } = stream()
    const line = listen()
    await line.next()
    happens({ subjectId: 'theirs', tenantId: 'another' }, { subjectId: 'ours' })
    expect((await line.next()).subjects).toEqual(['ours'])
  })

  test("hears of its customer's devices only, if it is a customer's user", async () => {
    const { happens, listen } = stream({ owned: ['d1'] })
    const line = listen(customerUser)
    await line.next()
    happens(
      { subjectId: 'of another device', deviceId: 'd2' },
      { subjectId: 'of no device' },
      { subjectId: 'of another tenant', deviceId: 'd1', tenantId: 'another' },
      { subjectId: 'of its own', deviceId: 'd1' },
    )
    expect((await line.next()).subjects).toEqual(['of its own'])
  })
})

describe('who comes back', () => {
  test('is told what it missed, and goes on from there', async () => {
    const { happens, listen } = stream()
    happens({ subjectId: 'heard' })
    const { id } = await listen().next()
    happens({ subjectId: 'missed' })
    const line = listen(ada, { lastId: id })
    expect(await line.next()).toMatchObject({ id, event: 'opened' })
    expect(await line.next()).toEqual({ id: 'r/2', event: 'message', subjects: ['missed'] })
  })

  test.each([
    ['to another run of the server', 'another/1'],
    ['from the future', 'r/99'],
    ['with nonsense', 'nonsense'],
  ])('%s is told that it missed something', async (_who, lastId) => {
    const { happens, listen } = stream()
    happens({ subjectId: 'a' })
    expect(await listen(ada, { lastId }).next()).toMatchObject({ id: 'r/1', event: 'missed' })
  })

  test('too late for what is kept is told that it missed something', async () => {
    const { happens, listen } = stream()
    for (let n = 0; n <= 2 * KEPT; n += 1) happens({})
    const last = 2 * KEPT + 1
    const kept = listen(ada, { lastId: `r/${last - KEPT}` })
    const line = listen(ada, { lastId: `r/${last - KEPT - 1}` })
    expect((await kept.next()).event).toBe('opened')
    expect(await line.next()).toMatchObject({ id: `r/${last}`, event: 'missed' })
  })
})

test('who is told too much at once is told that it missed something instead', async () => {
  const { happens, listen } = stream()
  const line = listen()
  await line.next()
  happens(...Array.from({ length: 1001 }, () => ({})))
  expect(await line.next()).toEqual({ id: 'r/1001', event: 'missed', subjects: [] })
})

test('a slow reader holds up one message, however much happens, and then hears the rest', async () => {
  const { happens, listen } = stream()
  const [slow, quick] = [listen(ada, { takes: 1 }), listen()]
  await quick.next()
  happens({ subjectId: 'first' })
  expect((await quick.next()).subjects).toEqual(['first'])
  const held = slow.waitingBytes()
  expect(slow.hasDrained()).toBe(false)
  for (let n = 0; n < 5; n += 1) {
    happens(...Array.from({ length: 100 }, (_, index) => ({ subjectId: `${n} ${index}` })))
    await quick.next()
  }
  expect(slow.waitingBytes()).toBe(held)
  expect(await slow.next()).toMatchObject({ event: 'opened' })
  expect((await slow.next()).subjects).toEqual(['first'])
  expect((await slow.next()).subjects).toHaveLength(500)
})

describe('the line', () => {
  test.each<[EventKind, string, OperatorActor]>([
    ['operator.removed', 'ada', ada],
    ['operator.changed', 'ada', ada],
    ['token.revoked', 'CI', ada],
    ['operator.signed-out', 'ada', signedIn],
  ])('ends with %s of whoever listens', (kind, subjectId, actor) => {
    const { happens, listen } = stream()
    const line = listen(actor)
    expect(line.isOpen()).toBe(true)
    happens({ kind, subjectId })
    expect(line.isOpen()).toBe(false)
  })

  test.each<[EventKind, string, OperatorActor]>([
    ['operator.removed', 'bob', ada],
    ['operator.changed', 'bob', ada],
    ['token.revoked', 'another', ada],
    ['operator.signed-in', 'ada', signedIn],
    ['operator.signed-out', 'bob', signedIn],
    // A token outlives the sessions of whom it is.
    ['operator.signed-out', 'ada', ada],
  ])('does not end with %s of %s', (kind, subjectId, actor) => {
    const { happens, listen } = stream()
    const line = listen(actor)
    happens({ kind, subjectId })
    expect(line.isOpen()).toBe(true)
  })
})
