/**
 * What one session has subscribed to [SUBSCRIBE]. Devices are answered whether or not a filter fits: filters decide
 * with which quality, and whether changes are pushed.
 */
import { matches } from '@updraft/wire/mqtt-filter'
import { isGranted, PUSH_TOPICS } from '@updraft/wire/thingsboard-mqtt'

/** There are fewer to be had, but for single topics. */
const MAX_FILTERS = 64

export class Filters {
  /** With their quality, in the order they came. */
  readonly #granted = new Map<string, 0 | 1>()

  /** The quality it is granted, or null when there is nothing of that name. */
  grant(filter: string, qos: 0 | 1 | 2): 0 | 1 | null {
    if (!isGranted(filter)) return null
    // Asked for once more, it is the one asked for last.
    this.#granted.delete(filter)
    if (this.#granted.size >= MAX_FILTERS) return null
    const least = qos > 0 ? 1 : 0
    this.#granted.set(filter, least)
    return least
  }

  /** Answers whether it had been granted. */
  drop(filter: string): boolean {
    return this.#granted.delete(filter)
  }

  has(filter: string): boolean {
    return this.#granted.has(filter)
  }

  /** Where changes are pushed: of the topics for that, the one subscribed to last. */
  get pushTopic(): string | undefined {
    return [...this.#granted.keys()].findLast((filter) => PUSH_TOPICS.includes(filter))
  }

  /** That of the first filter that fits, else 1. */
  qualityOf(topic: string): 0 | 1 {
    for (const [filter, qos] of this.#granted) if (matches(filter, topic)) return qos
    return 1
  }
}
