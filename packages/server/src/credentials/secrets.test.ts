import { describe, expect, test } from 'vitest'
import { newTicketKey, secrets, uuids } from './secrets.ts'

const key = Buffer.alloc(32, 1)
const keeper = secrets({ ticketKey: key })
const NOON = new Date('2026-03-01T12:00:00Z')
const secondsAfter = (seconds: number) => new Date(NOON.getTime() + seconds * 1000)
const SHA256 = 'ab'.repeat(32)

describe('a password', () => {
  test('is right or wrong, and is not kept', async () => {
    const hash = await keeper.hashPassword('correct horse')
    expect(hash).toMatch(/^scrypt\$131072\$8\$1\$[\w+/]+=*\$[\w+/]+=*$/)
    expect(hash).not.toContain('horse')
    const answers = [
      await keeper.verifyPassword('correct horse', hash),
      await keeper.verifyPassword('Correct horse', hash),
      await keeper.verifyPassword('', hash),
    ]
    expect(answers).toEqual([true, false, false])
  })

  test('of two people has two hashes', async () => {
    expect(await keeper.hashPassword('same')).not.toBe(await keeper.hashPassword('same'))
  })

  test.each([
    '',
    'none',
    'scrypt',
    'scrypt$131072$8$1$$',
    'bcrypt$131072$8$1$AAAA$AAAA',
    'scrypt$16$8$1$AAAA$AAAA',
    'scrypt$x$8$1$AAAA$AAAA',
  ])('against the hash %j is wrong', async (hash) => {
    expect(await keeper.verifyPassword('any', hash)).toBe(false)
  })

  test('that cannot be checked does not keep the next one from being checked', async () => {
    const light = secrets({ ticketKey: key })
    const hash = await light.hashPassword('right')
    const [, right] = await Promise.all([
      light.verifyPassword('any', 'scrypt$3$8$1$AAAA$AAAA').catch(() => {}),
      light.verifyPassword('right', hash),
    ])
    expect(right).toBe(true)
  })

  test('that is made is long, typed without doubt, and never the same', () => {
    const made = Array.from({ length: 200 }, () => keeper.newPassword())
    for (const password of made) expect(password).toMatch(/^[a-hjkmnp-zA-HJKLMNP-Z2-9]{20}$/)
    expect(new Set(made).size).toBe(200)
  })
})

describe('a token', () => {
  test('is never the same, and fits in an address and a header', () => {
    const made = Array.from({ length: 200 }, () => keeper.newToken())
    for (const token of made) expect(token).toMatch(/^[\w-]{43}$/)
    expect(new Set(made).size).toBe(200)
  })

  test('is found again by its hash, and no other one is', () => {
    const token = keeper.newToken()
    const hash = keeper.hashToken(token)
    expect(keeper.isEqual(hash, keeper.hashToken(token))).toBe(true)
    expect(keeper.isEqual(hash, keeper.hashToken(`${token} `))).toBe(false)
    expect(keeper.isEqual(hash, hash.subarray(1))).toBe(false)
  })
})

describe('a download ticket', () => {
  const ticket = { sha256: SHA256, expiresAt: secondsAfter(3600) }
  const text = keeper.signTicket(ticket)
  const BAD = expect.objectContaining({ code: 'artifact.bad-ticket' })

  test('stands for its bytes until it expires', () => {
    expect(keeper.readTicket(text, NOON)).toEqual(ticket)
    expect(keeper.readTicket(text, secondsAfter(3599))).toEqual(ticket)
    expect(() => keeper.readTicket(text, secondsAfter(3600))).toThrow(BAD)
    expect(() => keeper.readTicket(text, secondsAfter(3601))).toThrow('no longer valid')
  })

  test('is the same whoever makes it with the same key, and good at all of them', () => {
    const other = secrets({ ticketKey: Buffer.from(key) })
    expect(other.signTicket(ticket)).toBe(text)
    expect(other.readTicket(text, NOON)).toEqual(ticket)
  })

  test('of another key is not valid', () => {
    const other = secrets({ ticketKey: newTicketKey() })
    expect(() => other.readTicket(text, NOON)).toThrow(BAD)
  })

  test('with any bit changed is not valid', () => {
    const bytes = Buffer.from(text, 'base64url')
    for (let at = 0; at < bytes.length * 8; at += 1) {
      const changed = Buffer.from(bytes)
      changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7))
      expect(() => keeper.readTicket(changed.toString('base64url'), NOON)).toThrow(BAD)
    }
  })

  test('that is cut, or has something behind it, is not valid', () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(() => keeper.readTicket(text.slice(0, length), NOON)).toThrow(BAD)
    }
    for (const behind of ['A', 'AAAA', '=', '.', ' ', '\0', '/../x']) {
      expect(() => keeper.readTicket(text + behind, NOON)).toThrow(BAD)
    }
  })

  test('has one spelling only', () => {
    for (const between of ['\n', ' ', '=', '.', '~']) {
      const other = `${text.slice(0, 4)}${between}${text.slice(4)}`
      expect(() => keeper.readTicket(other, NOON)).toThrow(BAD)
    }
  })
})

test('ids are UUIDv7 in order of time', () => {
  const made = Array.from({ length: 1000 }, () => uuids.next())
  expect(made[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(made.toSorted()).toEqual(made)
})
