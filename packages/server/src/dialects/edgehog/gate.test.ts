import { ASTARTE_ID, REALM } from '@updraft/wire/testing/edgehog-frames'
import { afterEach, describe, expect, test } from 'vitest'
import { closeHouses, DEVICE, house } from './house.test-helper.ts'

afterEach(closeHouses)

const NOT_AUTHORIZED = { kind: 'refused', refusal: { reason: 0x87, returnCode: 5 } }
const OTHER_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

describe('who is let in', () => {
  test('is known by the certificate, whatever it calls itself', async () => {
    const at = await house()
    const { welcome } = await at.connect()
    expect(welcome).toMatchObject({
      kind: 'accepted',
      session: { key: at.device(DEVICE).id, isResumable: false },
    })
    expect(at.device(DEVICE).dialect).toBe('edgehog')
  })

  test.each([
    ['with a certificate that nobody has', `${REALM}/${OTHER_ID}`],
    // Of another authority, or taken back: what counts is that it is kept here.
    ['with another certificate of the same name', `${REALM}/${ASTARTE_ID}`],
  ])('is not one %s', async (_, name) => {
    const at = await house()
    const certificate = await at.certificateFor(name)
    expect((await at.connect({ certificate })).welcome).toEqual(NOT_AUTHORIZED)
  })

  test('is not one whose certificate has expired', async () => {
    const at = await house()
    at.pass({ minutes: 60 * 24 * 366 * 11 })
    expect((await at.connect()).welcome).toEqual(NOT_AUTHORIZED)
  })

  test('is not one that was removed', async () => {
    const at = await house()
    at.remove(DEVICE)
    expect((await at.connect()).welcome).toEqual(NOT_AUTHORIZED)
  })

  test('is not one that an operator keeps outside', async () => {
    const at = await house()
    at.pair(DEVICE, { status: 'inhibited' })
    expect((await at.connect()).welcome).toEqual(NOT_AUTHORIZED)
  })

  test('is not one whose certificate is made out to another', async () => {
    const at = await house()
    at.pair(DEVICE, { astarteId: OTHER_ID })
    expect((await at.connect()).welcome).toEqual(NOT_AUTHORIZED)
  })

  test('is asked to come back while the database is away', async () => {
    const at = await house()
    at.goAway()
    expect((await at.connect()).welcome).toEqual({
      kind: 'refused',
      refusal: { reason: 0x88, returnCode: 3 },
    })
  })
})

describe("who is somebody else's", () => {
  test.each([null, 'meter-7', `${REALM}/${ASTARTE_ID}/x`, `Test/${ASTARTE_ID}`])(
    'is left to others: %s',
    async (name) => {
      const at = await house()
      const certificate = name === null ? null : await at.certificateFor(name)
      expect((await at.connect({ certificate })).welcome).toBeNull()
    },
  )
})

describe('a session goes on', () => {
  test('where it was left, by a device that asks for that', async () => {
    const at = await house()
    const resumable = async (isClean: boolean) => {
      const line = await at.connect({ isClean })
      line.leave()
      const { welcome } = line
      return welcome?.kind === 'accepted' ? welcome.session?.isResumable : null
    }
    expect(await resumable(false)).toBe(false)
    expect(await resumable(false)).toBe(true)
    // That one forgets what was kept.
    expect(await resumable(true)).toBe(true)
    expect(await resumable(false)).toBe(false)
  })

  test('not at a server that has not held it last', async () => {
    const at = await house()
    ;(await at.connect({ isClean: false })).leave()
    const opened = await at.needs.desk.pairings.connected(at.device(DEVICE).id, {
      holder: 'run-2',
      isClean: false,
      at: new Date(),
      address: null,
    })
    expect(opened?.before).toMatchObject({ holder: 'run-1', isClean: false })
    const { welcome } = await at.connect({ isClean: false })
    expect(welcome).toMatchObject({ session: { isResumable: false } })
  })

  test('by which it is on the line', async () => {
    const at = await house()
    const first = await at.connect()
    const second = await at.connect()
    first.leave()
    expect(at.pairing(DEVICE).isConnected).toBe(true)
    second.leave()
    expect(at.pairing(DEVICE).isConnected).toBe(false)
  })
})
