/** Has so many works done at once; whoever comes on top waits, in order. */
export type FewAtOnce = <T>(work: () => Promise<T>) => Promise<T>

export function fewAtOnce(most: number): FewAtOnce {
  const waiting: (() => void)[] = []
  let free = most

  return async (work) => {
    if (free > 0) free -= 1
    // Whoever is done hands over its place.
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else free += 1
    }
  }
}
