/** The PIN of the page: kept as a slow hash, and never guessed in bulk. */
import { randomBytes, randomInt, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Clock } from '../waits.ts'

/** Hex, both. */
export interface PinHash {
  readonly salt: string
  readonly hash: string
}

const derive = promisify(scrypt) as (pin: string, salt: Buffer, bytes: number) => Promise<Buffer>

export async function hashPin(pin: string, salt = randomBytes(16)): Promise<PinHash> {
  const hash = await derive(pin.normalize('NFC'), salt, 32)
  return { salt: salt.toString('hex'), hash: hash.toString('hex') }
}

export async function isPinOf(pin: string, { salt, hash }: PinHash): Promise<boolean> {
  const given = await derive(pin.normalize('NFC'), Buffer.from(salt, 'hex'), 32)
  const known = Buffer.from(hash, 'hex')
  return given.length === known.length && timingSafeEqual(given, known)
}

/** Six digits. */
export const newPin = (): string => String(randomInt(0, 1_000_000)).padStart(6, '0')

/** After so many wrong ones in a row nobody there may try for a while, twice as long each time. */
const TRIES = 5
const TRIES_OF_ALL = 50
const LOCK_MS = 60_000
const LONGEST_LOCK_MS = 15 * 60_000
/** Addresses remembered at most; a network with more guessers than that is locked as a whole. */
const MOST_ADDRESSES = 1_000

interface Tries {
  wrong: number
  locks: number
  untilMs: number
}

/** Who guesses has to wait: each address by itself, and all of them together. */
export class PinGuard {
  readonly #clock: Clock
  readonly #tries = new Map<string, Tries>()
  readonly #all: Tries = { wrong: 0, locks: 0, untilMs: 0 }

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** How long that address has to wait before it may try again; 0 for not at all. */
  lockedMs(address: string): number {
    const until = Math.max(this.#of(address).untilMs, this.#all.untilMs)
    return Math.max(0, until - this.#clock.nowMs())
  }

  /** Counted before it is looked at, so that many at once are as many tries. */
  begin(address: string): void {
    count(this.#of(address), TRIES, this.#clock.nowMs())
    count(this.#all, TRIES_OF_ALL, this.#clock.nowMs())
  }

  /** It was right. */
  succeed(address: string): void {
    this.#tries.delete(address)
    Object.assign(this.#all, { wrong: 0, locks: 0, untilMs: 0 })
  }

  #of(address: string): Tries {
    const known = this.#tries.get(address)
    if (known) return known
    if (this.#tries.size >= MOST_ADDRESSES) return this.#all
    const fresh = { wrong: 0, locks: 0, untilMs: 0 }
    this.#tries.set(address, fresh)
    return fresh
  }
}

function count(tries: Tries, most: number, nowMs: number): void {
  tries.wrong += 1
  if (tries.wrong < most) return
  tries.wrong = 0
  tries.untilMs = nowMs + Math.min(LONGEST_LOCK_MS, LOCK_MS * 2 ** tries.locks)
  tries.locks += 1
}
