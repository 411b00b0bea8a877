/** The same done to many things, a few at a time; those that were refused do not stop the others. */

/** As many requests as a browser has open to one server. */
const AT_ONCE = 6

export interface Refused<T> {
  readonly thing: T
  readonly error: unknown
}

export interface Done<T> {
  readonly done: number
  readonly refused: readonly Refused<T>[]
  /** Not begun, because it was stopped before. */
  readonly left: readonly T[]
}

/** Stopping lets what has begun come to its end. */
export async function doEach<T>(
  things: readonly T[],
  act: (thing: T) => Promise<unknown>,
  { onProgress, signal }: { onProgress: (count: number) => void; signal?: AbortSignal },
): Promise<Done<T>> {
  const left = [...things]
  const refused: Refused<T>[] = []
  let done = 0
  const work = async () => {
    while (left.length > 0 && !signal?.aborted) {
      const thing = left.shift() as T
      try {
        await act(thing)
        done += 1
      } catch (error) {
        refused.push({ thing, error })
      }
      onProgress(done + refused.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { done, refused, left }
}
