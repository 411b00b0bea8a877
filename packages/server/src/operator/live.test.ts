import { PassThrough } from 'node:stream'
import type { EventKind, OperatorActor } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { expect, test } from 'vitest'
import type { DeliveredEvent } from '../app/ports.ts'
import { live } from './live.ts'

const actor: OperatorActor = {
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

function line() {
  let tell: (events: readonly DeliveredEvent[]) => void = () => {}
  const stream = live({
    feed: {
      subscribe: (listener) => {
        tell = listener
        return () => {}
      },
    },
    owned: async () => new Set(),
    run: 'r',
  })
  const raw = Object.assign(new PassThrough(), { writeHead: () => {} })
  const reply = { hijack: () => {}, raw } as unknown as FastifyReply
  stream.open(actor, { headers: {} } as FastifyRequest, reply)
  return {
    happens: (kind: EventKind, subjectId: string) =>
      tell([{ kind, tenantId: 't', deviceId: null, subjectId, event: null }]),
    isOpen: () => !raw.writableEnded,
    close: stream.close,
  }
}

test.each<[EventKind, string]>([
  ['operator.removed', 'ada'],
  ['operator.changed', 'ada'],
  ['token.revoked', 'CI'],
])('%s of whoever listens ends the line', (kind, subject) => {
  const { happens, isOpen } = line()
  expect(isOpen()).toBe(true)
  happens(kind, subject)
  expect(isOpen()).toBe(false)
})

test.each<[EventKind, string]>([
  ['operator.removed', 'bob'],
  ['operator.changed', 'bob'],
  ['token.revoked', 'another'],
  ['operator.signed-in', 'ada'],
])('%s of %s does not', (kind, subject) => {
  const { happens, isOpen, close } = line()
  happens(kind, subject)
  expect(isOpen()).toBe(true)
  close()
})
