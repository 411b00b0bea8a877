/** The same done to many things, a few at a time; those that were refused do not stop the others. */

const AT_ONCE = 6

export interface Done {
  readonly done: number
  /** Why, for each that was refused. */
  readonly refused: readonly unknown[]
}

export async function doEach<T>(
  things: readonly T[],
  act: (thing: T) => Promise<unknown>,
  onProgress: (count: number) => void,
): Promise<Done> {
  const waiting = [...things]
  const refused: unknown[] = []
  let done = 0
  const work = async () => {
    for (let thing = waiting.shift(); thing !== undefined; thing = waiting.shift()) {
      try {
        await act(thing)
        done += 1
      } catch (error) {
        refused.push(error)
      }
      onProgress(done + refused.length)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { done, refused }
}
