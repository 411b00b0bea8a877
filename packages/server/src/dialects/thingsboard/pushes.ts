/**
 * What a device is told without having asked: changes of its shared attributes [Attribute push], releases among
 * them in packs. Keeps what the device knows, so that each push holds what is new to it; a release always comes
 * whole, in one message. While the device updates nothing is pushed: clients take any push for all there is to know
 * of a release, until they run it.
 */
import {
  type Answer,
  type ComponentType,
  type JsonObject,
  NO_FACTS,
  type Release,
  type Snapshot,
} from '@updraft/core'
import {
  attributesOfRelease,
  deletedKeys,
  FAMILIES,
  FAMILY_PREFIXES,
  type Family,
} from '@updraft/wire/thingsboard'
import type { CheckedIn, DeviceDesk } from '../../app/device-desk.ts'
import type { Pacer } from '../../app/pacer.ts'
import { Attention } from '../attention.ts'
import type { StateWord } from './hear.ts'
import { attributeChange, bringsRelease, shared, toBeToldAnew } from './translate.ts'

/** A device that comes on the line gets this long to ask by itself for what waits for it. */
const GRACE_MS = 1500
/** A device that tried in vain gets this long to try again by itself. */
const SECOND_TRY_MS = 1500
/** An update of which nothing was heard for so long is one no more. */
const SILENT_UPDATE_MS = 600_000
/** What a device says in the middle of one [Python SDK 1.13: reads the last push until it has written the file]. */
const UPDATING: ReadonlySet<string> = new Set(['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'])

export interface PushesNeeds {
  readonly tenantId: string
  readonly desk: Pick<DeviceDesk, 'checkIn'>
  readonly pacer: Pick<Pacer, 'inTurn'>
  /** The device as it is now. Refuses with device.unknown when it is there no more. */
  readonly identify: () => Promise<Snapshot>
  /** Resolves when the next change may be sent. */
  readonly send: (change: JsonObject) => Promise<unknown>
  /** What a look failed with. */
  readonly onError: (error: unknown) => void
}

export class Pushes {
  readonly #needs: PushesNeeds
  /** Shared attributes as the device knows them. */
  #known: JsonObject = {}
  /** What it was fetching last, and knew since. */
  #fetched: { readonly release: Release; readonly known: JsonObject } | null = null
  #isOn = false
  /** By component that it updates, until when it is not to be disturbed unless it says more. */
  readonly #updating = new Map<ComponentType, number>()
  readonly #attention: Attention

  constructor(needs: PushesNeeds) {
    this.#needs = needs
    this.#attention = new Attention({
      ...needs,
      look: () => this.#look(),
      tell: () => this.#tell(),
    })
  }

  get isOn(): boolean {
    return this.#isOn
  }

  /** The device listens from now on. What it may still have to be told comes after a moment. */
  async on(): Promise<void> {
    const device = await this.#needs.identify()
    const checkedIn = await this.#needs.desk.checkIn(device, NO_FACTS, { tells: false })
    const current = shared(device, checkedIn)
    const pending = FAMILY_PREFIXES.filter((family) => this.#isPending(family, checkedIn))
    this.#known = { ...without(current, pending), ...this.#known }
    this.#isOn = true
    if (attributeChange(this.#known, current)) this.#attention.wakeIn(GRACE_MS)
  }

  /** The device listens from now on, and has just been told all there is. */
  onWith(known: JsonObject, { answers }: CheckedIn): void {
    this.#known = known
    this.#isOn = true
    for (const family of FAMILY_PREFIXES) {
      const state = answers[FAMILIES[family]]?.operation?.state
      if (state && UPDATING.has(state)) this.goesOn(FAMILIES[family])
    }
  }

  off(): void {
    this.#isOn = false
    this.#attention.rest()
  }

  /** Something happened to the device or to what is meant for it. */
  wake(): void {
    this.#attention.wake()
  }

  /** The device was answered with these, or has them from elsewhere. */
  told(values: JsonObject): void {
    this.#known = { ...this.#known, ...values }
  }

  /** It fetches that release: it knows all about it, and is not to be disturbed. Said for each chunk. */
  fetches(family: Family, release: Release): void {
    this.goesOn(FAMILIES[family])
    if (this.#fetched?.release === release && this.#fetched.known === this.#known) return
    this.#known = { ...without(this.#known, [family]), ...attributesOfRelease(family, release) }
    this.#fetched = { release, known: this.#known }
  }

  goesOn(type: ComponentType): void {
    this.#updating.set(type, performance.now() + SILENT_UPDATE_MS)
  }

  heard(words: readonly StateWord[]): void {
    let isEnded = false
    for (const { type, word } of words) {
      if (UPDATING.has(word)) this.goesOn(type)
      else if (this.#updating.delete(type)) {
        isEnded = true
        if (word === 'FAILED') this.#updating.set(type, performance.now() + SECOND_TRY_MS)
      }
    }
    if (isEnded && this.#isOn) this.wake()
  }

  async #look(): Promise<void> {
    const device = await this.#needs.identify()
    if (!this.#isOn) return
    const checkedIn = await this.#needs.desk.checkIn(device, NO_FACTS, { tells: false })
    const current = this.#compare(shared(device, checkedIn), checkedIn)
    this.#attention.wakeWhenDue(checkedIn)
    const change = attributeChange(this.#known, current)
    if (!change || !this.#isOn) return
    if (this.#putOff()) return
    if (!bringsRelease(change)) return this.#push(current)
    // A new release waits for its turn; the rest does not.
    const rest = { ...without(current, FAMILY_PREFIXES), ...only(this.#known, FAMILY_PREFIXES) }
    await this.#push(rest)
    this.#attention.waitForTurn(device.tenantId)
  }

  /** It is its turn: what is meant for it now, which may be something else by now, or nothing. */
  async #tell(): Promise<boolean> {
    if (!this.#isOn || this.#putOff()) return false
    this.#attention.allSeen()
    const device = await this.#needs.identify()
    const checkedIn = await this.#needs.desk.checkIn(device, NO_FACTS, { tells: true })
    const current = this.#compare(shared(device, checkedIn), checkedIn)
    const change = attributeChange(this.#known, current)
    if (!change || !this.#isOn) return false
    await this.#push(current)
    return bringsRelease(change)
  }

  /** What is gone is said first: clients take the last message for all there is to know of a release. */
  async #push(current: JsonObject): Promise<void> {
    const change = attributeChange(this.#known, current)
    if (!change) return
    this.#known = current
    const { deleted, ...values } = change
    if (deleted) await this.#needs.send({ deleted })
    if (Object.keys(values).length > 0) await this.#needs.send(values)
  }

  /**
   * The attributes as they are, after what the device knows was set right: it is to be told anew of what is
   * queued for it, and needs no word about what it is at already.
   */
  #compare(current: JsonObject, checkedIn: CheckedIn): JsonObject {
    this.#known = toBeToldAnew(this.#known, checkedIn)
    for (const family of FAMILY_PREFIXES) {
      const type = FAMILIES[family]
      const answer = checkedIn.answers[type]
      if (isGivenUp(answer)) this.#updating.delete(type)
      else if (this.#isAtIt(type, answer)) {
        this.#known = { ...without(this.#known, [family]), ...only(current, [family]) }
      }
    }
    return current
  }

  #isAtIt(type: ComponentType, answer: Answer | undefined): boolean {
    const state = answer?.operation?.state
    if (state === 'DOWNLOADING') return this.#updating.has(type)
    return state === 'DOWNLOADED' || state === 'VERIFIED' || state === 'UPDATING'
  }

  /** Whether the device may not have heard of what it is to do: it was not on the line, or lost power meanwhile. */
  #isPending(family: Family, { answers }: CheckedIn): boolean {
    const answer = answers[FAMILIES[family]]
    const state = answer?.operation?.state
    return state !== undefined && !this.#isAtIt(FAMILIES[family], answer)
  }

  /** Whether it is not to be disturbed now; it is looked at again when it may be. */
  #putOff(): boolean {
    const nowMs = performance.now()
    for (const [type, untilMs] of this.#updating) {
      if (untilMs <= nowMs) this.#updating.delete(type)
    }
    if (this.#updating.size === 0) return false
    this.#attention.wakeIn(Math.max(...this.#updating.values()) - nowMs)
    return true
  }
}

/** The device went silent on it: there is no update any more that could be disturbed. */
const isGivenUp = (answer: Answer | undefined): boolean =>
  answer?.operation?.state === 'QUEUED' && answer.operation.because.code === 'device.silent'

const keysOf = (families: readonly Family[]): string[] => families.flatMap(deletedKeys)

function without(values: JsonObject, families: readonly Family[]): JsonObject {
  const keys = new Set(keysOf(families))
  return Object.fromEntries(Object.entries(values).filter(([key]) => !keys.has(key)))
}

function only(values: JsonObject, families: readonly Family[]): JsonObject {
  const keys = new Set(keysOf(families))
  return Object.fromEntries(Object.entries(values).filter(([key]) => keys.has(key)))
}
