/** What the use cases need of time and chance. */

export interface Clock {
  now(): Date
}

/**
 * Has work done again and again, so many milliseconds apart, until what it answers is called. Who moves a clock
 * has a hand on this too.
 */
export type Every = (ms: number, work: () => void) => () => void

/** New UUIDv7 texts, in order of time. */
export interface Ids {
  next(): string
}
