import { describe, expect, test } from 'vitest'
import { seenFetching, seenUnchanged } from './inference.ts'
import { type Operation, open } from './operation.ts'
import { STATES, type State } from './states.ts'

const NOW = new Date('2026-03-01T12:00:00Z')
const release = { id: 'r', type: 'firmware', title: 'fw', version: '2.0.0' } as const

function operation(state: State): Operation {
  const origin = { code: 'assigned.profile', message: '' } as const
  const opened = open({ id: 'o', deviceId: 'd', release: release as never, origin }, NOW).operation
  return { ...opened, state }
}

describe('a device fetches the file', () => {
  test.each([
    ['QUEUED', 'DOWNLOADING', 'DOWNLOADED'],
    ['INITIATED', 'DOWNLOADING', 'DOWNLOADED'],
    ['DOWNLOADING', 'the same', 'DOWNLOADED'],
    // A second fetch, or a range of it, takes nothing back.
    ['DOWNLOADED', 'the same', 'the same'],
    ['UPDATING', 'the same', 'the same'],
    ['UPDATED', 'nothing', 'nothing'],
    ['FAILED', 'nothing', 'nothing'],
    ['CANCELED', 'nothing', 'nothing'],
  ] as const)('at %s: begun → %s, all of it → %s', (state, begun, whole) => {
    const after = (isWhole: boolean) => {
      const seen = seenFetching(operation(state), { isWhole }, { now: NOW })
      if (!seen) return 'nothing'
      return seen.outcome === 'moved' ? seen.operation.state : 'the same'
    }
    expect([after(false), after(true)]).toEqual([begun, whole])
  })
})

describe('it comes back', () => {
  const after = (state: State, version: string | null) =>
    seenUnchanged(operation(state), { title: 'fw', version }, { now: NOW })

  test.each(STATES)('at %s with what it ran before', (state) => {
    const isFetched = ['DOWNLOADED', 'VERIFIED', 'UPDATING'].includes(state)
    expect(after(state, '1.0.0')?.operation.state).toBe(isFetched ? 'FAILED' : undefined)
  })

  test('and has failed in words that say so', () => {
    expect(after('DOWNLOADED', '1.0.0')?.operation).toMatchObject({
      error:
        'The device fetched fw@2.0.0 and came back with version 1.0.0: it was not installed, or did not last.',
      because: { code: 'device.unchanged' },
    })
  })

  test('with the new version, or without a word of it, there is nothing to infer', () => {
    expect(after('DOWNLOADED', '2.0.0')).toBeNull()
    expect(after('DOWNLOADED', null)).toBeNull()
    expect(seenUnchanged(operation('DOWNLOADED'), undefined, { now: NOW })).toBeNull()
  })
})
