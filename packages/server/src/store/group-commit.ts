/**
 * Gathers the small works of many callers into one: while a batch is being carried out the next one grows, so
 * the busier it is, the more share one statement and one commit. Nobody waits when nothing is going on.
 */
export interface GroupCommitOptions<Item, Result> {
  /** Carries out a batch; answers one result an item, in order. A result that is an Error rejects that item alone. */
  readonly carryOut: (items: readonly Item[]) => Promise<readonly (Result | Error)[]>
  readonly maxBatch: number
  /** How many batches may be carried out side by side: one is prepared while another waits for the disk. */
  readonly lanes?: number
  /**
   * Items with the same key never share a batch, nor are they in two batches side by side: the second sees what
   * the first did, and they are carried out in the order they came.
   */
  readonly keyOf?: (item: Item) => string
}

interface Waiting<Item, Result> {
  readonly item: Item
  readonly key: string | undefined
  readonly resolve: (result: Result) => void
  readonly reject: (error: unknown) => void
}

export function groupCommit<Item, Result>({
  carryOut,
  maxBatch,
  lanes = 1,
  keyOf,
}: GroupCommitOptions<Item, Result>): (item: Item) => Promise<Result> {
  let waiting: Waiting<Item, Result>[] = []
  let lanesAtWork = 0
  const keysAtWork = new Set<string>()

  const takeBatch = (): Waiting<Item, Result>[] => {
    if (!keyOf) return waiting.splice(0, maxBatch)
    const batch: Waiting<Item, Result>[] = []
    const rest: Waiting<Item, Result>[] = []
    for (const each of waiting) {
      if (batch.length < maxBatch && each.key !== undefined && !keysAtWork.has(each.key)) {
        keysAtWork.add(each.key)
        batch.push(each)
      } else {
        rest.push(each)
      }
    }
    waiting = rest
    return batch
  }

  const work = async (): Promise<void> => {
    // What is left waiting for a key at work is taken by the lane that works on it.
    for (let batch = takeBatch(); batch.length > 0; batch = takeBatch()) {
      try {
        const results = await carryOut(batch.map(({ item }) => item))
        if (results.length !== batch.length) {
          throw new Error(`A batch of ${batch.length} was answered with ${results.length} results.`)
        }
        for (const [index, each] of batch.entries()) {
          const result = results[index]
          if (result instanceof Error) each.reject(result)
          else each.resolve(result as Result)
        }
      } catch (error) {
        for (const each of batch) each.reject(error)
      }
      for (const { key } of batch) if (key !== undefined) keysAtWork.delete(key)
    }
    lanesAtWork -= 1
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, key: keyOf?.(item), resolve, reject })
      if (lanesAtWork >= lanes) return
      lanesAtWork += 1
      // All that arrives in the same turn of the event loop shares the first batch.
      setImmediate(() => void work())
    })
}
