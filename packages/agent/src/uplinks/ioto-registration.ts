/**
 * How a device learns where it belongs: it registers, waits to be claimed, and with the stock configuration fetches
 * certificates it needs for nothing else. Known once, it is not asked again.
 */
import type { JsonObject } from '@updraft/core'
import { PATHS, ProvisionAnswer, RegisterAnswer } from '@updraft/wire/ioto'
import { jsonOf } from '../json.ts'
import { Away } from '../trouble.ts'
import type { Clock } from '../waits.ts'
import type { Limits, Manners } from './ioto-clients.ts'

/** Where the device belongs, and by what it is known there. */
export interface Place {
  readonly api: string
  readonly token: string
}

export interface RegistrationOptions {
  /** Ends in a path of its own, or not. */
  readonly builder: string
  readonly id: string
  /** The product's token. */
  readonly product: string
  /** Fetches certificates as well; without them such an agent never checks. */
  readonly provisions: boolean
  readonly manners: Manners
  readonly clock: Clock
  /** Told what came of it, for whoever keeps it. */
  readonly onPlace?: (answer: JsonObject) => Promise<void>
}

/** Waits between two looks whether somebody has claimed the device: a quarter of a second longer each time. */
const FIRST_WAIT_MS = 1_250
const LONGER_MS = 250
const LONGEST_WAIT_MS = 3_660_000

export class Registration {
  readonly #options: RegistrationOptions
  #place: Place | null

  constructor(options: RegistrationOptions, known?: Place) {
    this.#options = options
    this.#place = known ?? null
  }

  forget(): void {
    this.#place = null
  }

  /** Throws Away as long as there is no place. */
  async place(properties: JsonObject, limits: Limits): Promise<Place> {
    this.#place ??= await this.#register(properties, limits)
    return this.#place
  }

  async #register(properties: JsonObject, limits: Limits): Promise<Place> {
    const { clock, manners } = this.#options
    for (let polls = 0; ; polls++) {
      const place = await this.#ask(properties, limits)
      if (place) return place
      const waitMs = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS + LONGER_MS * Math.max(0, polls - 1))
      if (manners.isPatient) {
        throw new Away('The device waits to be claimed.', { kind: 'busy', retryAfterMs: waitMs })
      }
      // Between the first two there is no wait.
      if (polls > 0) await clock.wait(waitMs, limits.signal)
      if (limits.signal.aborted) throw new Away('It was stopped.', { kind: 'network' })
    }
  }

  /** Null: known, and not claimed yet. */
  async #ask(properties: JsonObject, limits: Limits): Promise<Place | null> {
    const { builder, id, product, provisions, manners, onPlace } = this.#options
    const { status, text } = await manners.post({
      ...limits,
      url: below(builder, PATHS.register),
      token: product,
      body: JSON.stringify({ id, product, ...properties, created: '1970-01-01T00:00:00.000Z' }),
    })
    const answer = RegisterAnswer.safeParse(status === 200 ? jsonOf(text) : undefined)
    if (!answer.success) {
      throw new Away(`The device cannot register: ${status}.`, {
        kind: status === 401 || status === 403 ? 'unauthorised' : 'busy',
        status,
      })
    }
    const { api, token } = answer.data
    if (api === undefined || token === undefined) return null
    const certificates = provisions ? await this.#provision({ api, token }, limits) : {}
    await onPlace?.({ ...answer.data, id, ...certificates } as JsonObject)
    return { api, token }
  }

  async #provision({ api, token }: Place, limits: Limits): Promise<JsonObject> {
    const { id, manners, clock } = this.#options
    for (;;) {
      const body = JSON.stringify({ id })
      const url = below(api, PATHS.provision)
      const { status, text } = await manners.post({ ...limits, url, token, body })
      const answer = ProvisionAnswer.safeParse(status === 200 ? jsonOf(text) : undefined).data
      if (answer?.certificate && answer.key) return answer as JsonObject
      if (answer?.delay === undefined || limits.signal.aborted) {
        throw new Away(`There are no certificates: ${answer?.error ?? status}.`, { kind: 'busy' })
      }
      await clock.wait(answer.delay * 1000, limits.signal)
    }
  }
}

/** A path below an address that may have one itself. */
export const below = (base: string, path: string): URL => new URL(base.replace(/\/+$/, '') + path)
