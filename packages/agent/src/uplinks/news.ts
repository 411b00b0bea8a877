/** Whether the server has said something that was not looked at yet. */
export class News {
  #come = new AbortController()

  /** Aborts when there is any. Another one after each look. */
  get signal(): AbortSignal {
    return this.#come.signal
  }

  come(): void {
    this.#come.abort()
  }

  /** What was said so far is about to be looked at. */
  lookedAt(): void {
    if (this.#come.signal.aborted) this.#come = new AbortController()
  }
}
