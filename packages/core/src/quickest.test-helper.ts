/** For texts that a reader must not choke on: what is compared is measured in the same run, never with a clock alone. */

/** How long the work took when nothing else disturbed it. */
export function quickestMs(work: () => void, rounds = 5): number {
  let quickest = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round += 1) {
    const began = performance.now()
    work()
    quickest = Math.min(quickest, performance.now() - began)
  }
  return quickest
}
