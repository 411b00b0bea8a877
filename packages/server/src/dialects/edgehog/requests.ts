/**
 * What one device is asked, over whatever carries it: an update when there is one for it and it listens, again when it
 * has gone silent, and to stop one that was cancelled before it is asked for the next. The same request is the same words
 * each time: a runtime takes another address for another request, and fails the first one.
 */
import { type Answer, NO_FACTS, type Operation, type Release, type Snapshot } from '@updraft/core'
import type { OtaGeneration, OtaRequest } from '@updraft/wire/edgehog'
import type { CheckedIn, DeviceDesk, Offered } from '../../app/device-desk.ts'
import type { Pacer } from '../../app/pacer.ts'
import { Attention } from '../attention.ts'
import { isFetchable, isSpeakable, TYPE } from './translate.ts'

/** A device is given so long to stop what was cancelled before it is asked for something else. */
const CANCEL_WAIT_MS = 10_000
/** One that says it is busy with that is asked this long after, if it has not said its last word of it before. */
const BUSY_WAIT_MS = 600_000
/** What could not be sent is tried again after this, twice that, and so on. */
const BACK_OFF_MS = 5_000
const MAX_BACK_OFF_MS = 600_000

/** `later`: it did not get through, and may the next time. */
export type Sent =
  | 'sent'
  | 'later'
  /** It never will. */
  | { readonly refused: string; readonly code?: string }

export interface Carrier {
  /** How the device is spoken to; null while it is not on the line, has not the interface, or does not listen. */
  readonly generation: OtaGeneration | null
  send(request: OtaRequest, generation: OtaGeneration): Promise<Sent>
}

export interface RequestsNeeds {
  readonly tenantId: string
  readonly carrier: Carrier
  readonly desk: Pick<
    DeviceDesk,
    'asking' | 'cancelsOwed' | 'checkIn' | 'lastingTicketFor' | 'notice' | 'report'
  >
  readonly pacer: Pick<Pacer, 'inTurn'>
  /** The device as it is now. Refuses with device.unknown when it is there no more. */
  readonly identify: () => Promise<Snapshot>
  /** The address of this server as that device reaches it. */
  readonly rootFor: (device: Snapshot) => Promise<string>
  /** What a look failed with. */
  readonly onError: (error: unknown) => void
  readonly cancelWaitMs?: number
  readonly backOffMs?: number
}

/** Below the address of this server. It ends in the version, as Edgehog's own addresses do. */
export const imagePath = (ticket: string, version: string): string =>
  `/edgehog/image/${ticket}/${version}`

/** What would be no single step of a path, or make it too long, is left out. */
const fileNameOf = ({ version }: Release): string =>
  /^\w[\w.+~-]{0,99}$/.test(version) ? encodeURIComponent(version) : 'image'

export class Requests {
  readonly #needs: RequestsNeeds
  readonly #attention: Attention
  /** What it was asked on this line. */
  #asked: string | null = null
  /** By operation, until when its answer to a cancel is waited for. */
  readonly #cancelled = new Map<string, number>()
  #isOver = false
  #failures = 0

  constructor(needs: RequestsNeeds) {
    this.#needs = needs
    this.#attention = new Attention({
      ...needs,
      look: () => this.#look(),
      tell: () => this.#ask(),
    })
  }

  /** Something happened to the device, to what is meant for it, or to whether it can be asked. */
  wake(): void {
    if (!this.#isOver) this.#attention.wake()
  }

  wakeIn(ms: number): void {
    if (!this.#isOver) this.#attention.wakeIn(ms)
  }

  /** The line is gone. */
  close(): void {
    this.#isOver = true
    this.#attention.rest()
  }

  get #generation(): OtaGeneration | null {
    return this.#isOver ? null : this.#needs.carrier.generation
  }

  async #look(): Promise<void> {
    if (!this.#generation) return
    const device = await this.#needs.identify()
    if (await this.#waitsForCancel(device)) return
    const checkedIn = await this.#needs.desk.checkIn(device, NO_FACTS, { tells: false })
    if (this.#isOver) return
    this.#attention.wakeWhenDue(checkedIn)
    await this.#noticeUnspeakable(device, checkedIn)
    if (this.#toAsk(checkedIn)) this.#attention.waitForTurn(device.tenantId)
  }

  /** It is its turn: what is meant for it now, which may be something else by now, or nothing. */
  async #ask(): Promise<boolean> {
    const { carrier, desk, identify } = this.#needs
    if (!this.#generation) return false
    const device = await identify()
    if (await this.#waitsForCancel(device)) return false
    const checkedIn = await desk.checkIn(device, NO_FACTS, { tells: isSpeakable })
    const offered = this.#toAsk(checkedIn)
    if (!offered) return false
    const { operation } = offered
    const url = await this.#addressFor(device, offered)
    if (!isFetchable(url)) return this.#refused(device, operation, 'No device can be told its URL.')
    const request = await desk.asking(device, { operationId: operation.id, url })
    const generation = this.#generation
    if (!request || !generation) return false
    this.#asked = operation.id
    const sent = await carrier.send(
      { operation: 'Update', url: request.url, uuid: operation.id },
      generation,
    )
    if (sent === 'sent') this.#failures = 0
    else this.#asked = null
    if (sent === 'later') this.#tryLater()
    if (typeof sent === 'object') await this.#refused(device, operation, sent.refused, sent.code)
    return sent === 'sent'
  }

  /** What is queued for it; and what it was told of, if not on this line, as that word may be lost. */
  #toAsk({ answers, offers }: CheckedIn): Offered | null {
    const offered = offers.find(({ release }) => isSpeakable(release))
    const answer: Answer | undefined = answers[TYPE]
    if (!offered || offered.operation.id !== answer?.operation?.id) return null
    const { id, state } = offered.operation
    const isDue =
      state === 'QUEUED' || (state === 'INITIATED' && (answer.isNews || this.#asked !== id))
    return isDue ? offered : null
  }

  async #addressFor(device: Snapshot, { operation, release }: Offered): Promise<string> {
    const { desk, rootFor } = this.#needs
    const { artifact, externalUrl } = release
    if (!artifact) return externalUrl ?? ''
    const ticket = desk.lastingTicketFor(device, operation, artifact.sha256)
    return `${await rootFor(device)}${imagePath(ticket, fileNameOf(release))}`
  }

  async #refused(
    device: Snapshot,
    { id: operationId }: Operation,
    error: string,
    code?: string,
  ): Promise<boolean> {
    const report = { state: 'FAILED', error, code } as const
    await this.#needs.desk.report(device, { operationId }, report, NO_FACTS)
    return false
  }

  /** Asks it to stop what was cancelled; whether it is to be given time for that. */
  async #waitsForCancel(device: Snapshot): Promise<boolean> {
    const { carrier, desk, cancelWaitMs = CANCEL_WAIT_MS } = this.#needs
    const owed = await desk.cancelsOwed(device)
    // Devices of before cannot be asked to stop.
    const toStop = this.#generation === 'legacy' ? [] : owed
    for (const { operationId, url } of toStop) {
      if (this.#cancelled.has(operationId)) continue
      const request = { operation: 'Cancel', url, uuid: operationId } as const
      const sent = this.#generation ? await carrier.send(request, 'current') : 'later'
      if (sent === 'later') {
        this.#tryLater()
        return true
      }
      this.#cancelled.set(operationId, performance.now() + (sent === 'sent' ? cancelWaitMs : 0))
    }
    this.#notesBusy(device, owed)
    const untilMs = Math.max(
      ...owed.map(({ operationId }) => this.#cancelled.get(operationId) ?? 0),
    )
    const leftMs = untilMs - performance.now()
    if (leftMs <= 0) return false
    this.wakeIn(leftMs)
    return true
  }

  /** It did not stop, and said so when it was asked for the next one. */
  #notesBusy({ components }: Snapshot, owed: readonly { readonly operationId: string }[]): void {
    const underWay = components[TYPE]?.underWay
    if (!underWay || underWay.id !== this.#asked || underWay.because.code !== 'device.busy') return
    this.#asked = null
    const untilMs = performance.now() + BUSY_WAIT_MS
    for (const { operationId } of owed) this.#cancelled.set(operationId, untilMs)
  }

  #tryLater(): void {
    const { backOffMs = BACK_OFF_MS } = this.#needs
    this.wakeIn(Math.min(backOffMs * 2 ** this.#failures, MAX_BACK_OFF_MS))
    this.#failures += 1
  }

  /** Nobody but an operator learns of what such a device cannot be asked for. */
  async #noticeUnspeakable(device: Snapshot, { offers }: CheckedIn): Promise<void> {
    for (const { release } of offers) {
      if (isSpeakable(release)) continue
      const { title, version, type } = release
      const message =
        type === TYPE
          ? `${title}@${version} cannot be asked of an Edgehog device, which fetches over HTTP from an address of at most 1024 characters.`
          : `${title}@${version} is ${type}, and Edgehog devices are asked for ${TYPE} only.`
      const reason = { code: 'release.unspeakable', message } as const
      await this.#needs.desk.notice(device, {
        kind: 'offer.refused',
        data: { title, version },
        reason,
      })
    }
  }
}
