/** Hashes and compares tokens and passwords, makes new ones, and signs download tickets. */
import {
  createHmac,
  hash,
  randomBytes,
  type ScryptOptions,
  scrypt,
  timingSafeEqual,
} from 'node:crypto'
import { DomainError } from '@updraft/core'
import { parse, stringify, v7 } from 'uuid'
import type { Ids, Secrets } from '../app/ports.ts'

/** OWASP's advice for scrypt: N = 2^17, r = 8, p = 1; 128 MiB while it runs. */
const SCRYPT = { N: 2 ** 17, r: 8, p: 1 }
const SCRYPT_KEY_BYTES = 32
const SCRYPT_MEMORY_BYTES = 256 * 1024 * 1024
const PASSWORD_HASH = /^scrypt\$(\d+)\$(\d+)\$(\d+)\$([\w+/]+=*)\$([\w+/]+=*)$/
const TOKEN_BYTES = 32
/** Letters and digits that are not mistaken for each other. */
const PASSWORD_ALPHABET = 'abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'
const PASSWORD_LENGTH = 20
/** Crockford's base 32. */
const SERIAL_ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const SERIAL_LENGTH = 16
const TICKET_MAC_BYTES = 16
const TICKET_KEY_BYTES = 32
/** SHA-256 and the time; with three ids of 16 bytes behind them where it is said whose update it is for. */
const TICKET_BYTES = 38
const WHOSE_TICKET_BYTES = 86

export const uuids: Ids = { next: () => v7() }

export const newTicketKey = (): Buffer => randomBytes(TICKET_KEY_BYTES)

/** `ticketKey` is the installation's own: tickets signed by one of its servers are good at all of them. */
export function secrets({ ticketKey }: { ticketKey: Buffer }): Secrets {
  // Passwords are checked one after the other, so that a flood of sign-ins costs time and not memory.
  let checking: Promise<unknown> = Promise.resolve()
  const oneByOne = <T>(work: () => Promise<T>): Promise<T> => {
    const result = checking.then(work)
    checking = result.catch(() => {})
    return result
  }
  const mac = (body: Buffer) =>
    createHmac('sha256', ticketKey).update(body).digest().subarray(0, TICKET_MAC_BYTES)

  return {
    newToken: () => {
      // One that begins with a dash would be taken for a flag on a command line.
      for (;;) {
        const token = randomBytes(TOKEN_BYTES).toString('base64url')
        if (!token.startsWith('-')) return token
      }
    },
    newSerial: () =>
      Array.from(randomBytes(SERIAL_LENGTH), (byte) => SERIAL_ALPHABET[byte % 32]).join(''),
    newPassword: () => {
      let password = ''
      while (password.length < PASSWORD_LENGTH) {
        for (const byte of randomBytes(PASSWORD_LENGTH)) {
          // Bytes past a whole number of alphabets are dropped, or the first letters would come more often.
          const fair = byte < 256 - (256 % PASSWORD_ALPHABET.length)
          if (fair && password.length < PASSWORD_LENGTH) {
            password += PASSWORD_ALPHABET[byte % PASSWORD_ALPHABET.length]
          }
        }
      }
      return password
    },
    hashToken: (token) => hash('sha256', token, 'buffer'),
    isEqual: (a, b) => a.length === b.length && timingSafeEqual(a, b),
    hashPassword: (password) =>
      oneByOne(async () => {
        const salt = randomBytes(16)
        const key = await derive(password, salt, SCRYPT)
        const { N, r, p } = SCRYPT
        return ['scrypt', N, r, p, salt.toString('base64'), key.toString('base64')].join('$')
      }),
    verifyPassword: (password, kept) =>
      oneByOne(async () => {
        const [, N, r, p, salt = '', key = ''] = PASSWORD_HASH.exec(kept) ?? []
        if (!N) return false
        const expected = Buffer.from(key, 'base64')
        const parameters = { N: Number(N), r: Number(r), p: Number(p) }
        const derived = await derive(password, Buffer.from(salt, 'base64'), parameters)
        return expected.length === derived.length && timingSafeEqual(expected, derived)
      }),
    signTicket: ({ sha256, expiresAt, whose }) => {
      const expiry = Buffer.alloc(6)
      expiry.writeUIntBE(Math.floor(expiresAt.getTime() / 1000), 0, 6)
      const { tenantId, deviceId, operationId } = whose ?? {}
      const ids = whose ? [tenantId, deviceId, operationId].map((id) => parse(id ?? '')) : []
      const body = Buffer.concat([Buffer.from(sha256, 'hex'), expiry, ...ids])
      return Buffer.concat([body, mac(body)]).toString('base64url')
    },
    readTicket: (text, now) => {
      const bytes = Buffer.from(text, 'base64url')
      const length =
        bytes.length > TICKET_BYTES + TICKET_MAC_BYTES ? WHOSE_TICKET_BYTES : TICKET_BYTES
      const body = bytes.subarray(0, length)
      const given = bytes.subarray(length)
      const isOurs = given.length === TICKET_MAC_BYTES && timingSafeEqual(given, mac(body))
      // One ticket has one spelling: what a decoder would pass over is not part of it.
      if (!isOurs || bytes.toString('base64url') !== text)
        throw new DomainError('artifact.bad-ticket', 'The download address is not valid.')
      const expiresAt = new Date(body.readUIntBE(32, 6) * 1000)
      if (expiresAt <= now) {
        const message = 'The download address is no longer valid; check in for a new one.'
        throw new DomainError('artifact.bad-ticket', message)
      }
      const sha256 = body.subarray(0, 32).toString('hex')
      if (length === TICKET_BYTES) return { sha256, expiresAt }
      const id = (at: number) => stringify(body.subarray(at, at + 16))
      const whose = { tenantId: id(38), deviceId: id(54), operationId: id(70) }
      return { sha256, expiresAt, whose }
    },
  }
}

function derive(password: string, salt: Buffer, parameters: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const options = { ...parameters, maxmem: SCRYPT_MEMORY_BYTES }
    scrypt(password, salt, SCRYPT_KEY_BYTES, options, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
}
