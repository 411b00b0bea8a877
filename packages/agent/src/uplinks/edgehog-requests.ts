/** Which update is asked for, of one server that asks for one at a time and may ask twice, or take it back. */
import type { OtaRequest } from '@updraft/wire/edgehog'

/** What a request came to: what is not to be done is answered at once. */
export type Heard =
  /** Something new is to be done, or what was begun is taken back. */
  | { readonly kind: 'news' }
  /** It is being done: nothing is said to that. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly code: 'UpdateAlreadyInProgress' | 'InvalidRequest' }
  /** It was not begun yet. */
  | { readonly kind: 'canceled' }

export type Wanted = Pick<OtaRequest, 'uuid' | 'url'>

export class Requests {
  #current: Wanted | null = null
  /** It may be under way: its end is told by whoever carries it out. */
  #isHandedOut = false
  #takenBack = new AbortController()

  /** Requests are the same if both id and address are. */
  hear({ operation, uuid, url }: OtaRequest): Heard {
    return operation === 'Update' ? this.#hearUpdate({ uuid, url }) : this.#hearCancel(uuid)
  }

  /** The one to carry out, if there is one. From here on it is with whoever asked. */
  handOut(): Wanted | null {
    this.#isHandedOut = this.#current !== null
    return this.#current
  }

  /** That one is being carried out, also if an earlier life began it. */
  isUnderWay(wanted: Wanted): void {
    if (this.#current?.uuid !== wanted.uuid) this.#begin(wanted)
    this.#isHandedOut = true
  }

  /** It came to its end. */
  ended(uuid: string): void {
    if (this.#current?.uuid === uuid) this.#current = null
  }

  /** Aborts when the server takes the update back. */
  takenBack(wanted: Wanted): AbortSignal {
    this.isUnderWay(wanted)
    return this.#takenBack.signal
  }

  #begin(wanted: Wanted): void {
    this.#current = wanted
    this.#isHandedOut = false
    this.#takenBack = new AbortController()
  }

  #hearUpdate(wanted: Wanted): Heard {
    if (this.#current === null) {
      this.#begin(wanted)
      return { kind: 'news' }
    }
    const isSame = this.#current.uuid === wanted.uuid && this.#current.url === wanted.url
    return isSame ? { kind: 'repeated' } : { kind: 'refused', code: 'UpdateAlreadyInProgress' }
  }

  #hearCancel(uuid: string): Heard {
    if (this.#current?.uuid !== uuid) return { kind: 'refused', code: 'InvalidRequest' }
    if (!this.#isHandedOut) {
      this.#current = null
      return { kind: 'canceled' }
    }
    this.#takenBack.abort()
    return { kind: 'news' }
  }
}
