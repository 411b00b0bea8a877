import type { EventKind } from '@updraft/core'
import { afterEach, expect, test } from 'vitest'
import type { DeliveredEvent } from './ports.ts'
import { type Spreader, spreader } from './spreader.ts'

let running: Spreader | undefined
afterEach(() => running?.stop())

/** A spreader that has found an empty list, and how often it has looked at it. */
async function idle() {
  let looks = 0
  let deliver: (events: readonly DeliveredEvent[]) => void = () => {}
  running = spreader({
    feed: {
      subscribe: (listener) => {
        deliver = listener
        return () => {}
      },
    },
    look: async () => {},
    spreads: {
      next: async () => {
        looks += 1
        return false
      },
    },
    onError: (error) => {
      throw error
    },
  })
  running.start()
  await new Promise(setImmediate)
  expect(looks).toBe(1)
  return {
    looks: () => looks,
    happens: (kind: EventKind) =>
      deliver([{ tenantId: 't', kind, deviceId: 'd', subjectId: 'd', event: null }]),
  }
}

test.each(['assignment.made', 'device.changed', 'device.enrolled'] as const)(
  'looks at the list after %s, whichever server it happened at',
  async (kind) => {
    const { looks, happens } = await idle()
    happens(kind)
    expect(looks()).toBe(2)
  },
)

test.each([
  'operation.opened',
  'report.ignored',
  'download.looping',
  'token.created',
  'settings.changed',
] as const)('leaves the list alone after %s, which puts nothing on it', async (kind) => {
  const { looks, happens } = await idle()
  happens(kind)
  expect(looks()).toBe(1)
})
