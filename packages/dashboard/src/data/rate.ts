/** How fast something goes, over the last few seconds: steady enough to read, quick to notice a change. */

const WINDOW_MS = 5_000
/** Less than this says nothing yet. */
const ENOUGH_MS = 500

export interface Rate {
  /** Bytes a second, or null while it is too early to say. */
  at(nowMs: number, bytes: number): number | null
  /** After a pause what was before says nothing. */
  forget(): void
}

export function rate(): Rate {
  let seen: { readonly atMs: number; readonly bytes: number }[] = []
  return {
    at: (nowMs, bytes) => {
      seen = [...seen.filter(({ atMs }) => nowMs - atMs <= WINDOW_MS), { atMs: nowMs, bytes }]
      const [first] = seen
      const ms = first ? nowMs - first.atMs : 0
      return first && ms >= ENOUGH_MS ? ((bytes - first.bytes) / ms) * 1000 : null
    },
    forget: () => {
      seen = []
    },
  }
}
