import { expect, test } from 'vitest'
import { uuids } from '../credentials/secrets.ts'
import type { Caller, RegistrationsAtWork } from './ports.ts'
import { registering } from './registering.ts'

/** A door before which one device waits; counts what it asks of the store. */
function door() {
  let nowMs = Date.UTC(2026, 2, 1)
  let asked = 0
  const noted: { said: Caller; times: number }[] = []
  const listeners: ((events: readonly { kind: string }[]) => void)[] = []
  const registrations: Partial<RegistrationsAtWork> = {
    profileOf: async () => {
      asked += 1
      return { tenantId: 't', profileId: 'p', strategy: 'create-new', claimsAtOnce: false }
    },
    find: async () => null,
    wait: async (_id, said, { times }) => void noted.push({ said, times }),
  }
  const nobody = () => {
    throw new Error('Nobody is asked for that.')
  }
  const desk = registering({
    clock: { now: () => new Date(nowMs) },
    claimed: { add: nobody, takeOver: nobody },
    feed: {
      subscribe: (listener) => {
        listeners.push(listener as (typeof listeners)[number])
        return () => {}
      },
    },
    ids: uuids,
    moments: nobody,
    onError: nobody,
    proofs: { claim: nobody },
    registrations: registrations as RegistrationsAtWork,
    tokens: { of: nobody },
    unitOfWork: nobody,
    work: { arrive: nobody, settle: nobody },
  })
  return {
    come: (id = 'D') => desk.register({ product: 'key', id, facts: {} }, 'ioto'),
    pass: (seconds: number) => {
      nowMs += seconds * 1000
    },
    tell: (kind: string) => {
      for (const listener of listeners) listener([{ kind }])
    },
    noted,
    get asked() {
      return asked
    },
  }
}

test('one that asks again and again costs a look now and then, and every time is counted', async () => {
  const at = door()
  for (let second = 0; second < 90; second++) {
    expect(await at.come()).toBeNull()
    at.pass(1)
  }
  expect(at.asked).toBe(3)
  expect(at.noted.map(({ times }) => times)).toEqual([1, 30, 30])
})

test('others are not held up by it', async () => {
  const at = door()
  await at.come('D')
  await at.come('E')
  expect(at.noted.map(({ said }) => said.saidId)).toEqual(['D', 'E'])
})

test('it is looked for at once when a device was added, here or at another server', async () => {
  const at = door()
  await at.come()
  at.tell('release.created')
  await at.come()
  expect(at.asked).toBe(1)
  at.tell('device.created')
  await at.come()
  expect(at.asked).toBe(2)
})

test('an id that cannot be a name is refused before anything is kept of it', async () => {
  const at = door()
  await expect(at.come('\0')).rejects.toMatchObject({ code: 'request.malformed' })
  expect(at.noted).toEqual([])
})
