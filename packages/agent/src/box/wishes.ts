/**
 * What operators want done once on the box. A wish is written down before it is carried out, so that a restart in the
 * middle does not bring it about twice, and told as done until the server has it no more.
 */
import { join } from 'node:path'
import type { Wish } from '@updraft/wire/updraft'
import { type Disk, readIfThere, writeDurably } from '../disk.ts'

const MOST = 64

export class Wishes {
  readonly #disk: Disk
  readonly #path: string
  #taken: string[] = []

  constructor({ disk, folder }: { disk: Disk; folder: string }) {
    this.#disk = disk
    this.#path = join(folder, 'wishes.json')
  }

  /** Ids of those that were begun here. */
  get done(): readonly string[] {
    return this.#taken
  }

  async load(): Promise<void> {
    const text = await readIfThere(this.#disk, this.#path)
    this.#taken = idsIn(text)
  }

  /** The first that was not begun yet; it counts as begun from here on. Those the server has no more are forgotten. */
  async take(wishes: readonly Wish[]): Promise<Wish | null> {
    const next = wishes.find(({ id }) => !this.#taken.includes(id)) ?? null
    const known = this.#taken.filter((id) => wishes.some((wish) => wish.id === id))
    const taken = next ? [...known, next.id].slice(-MOST) : known
    if (taken.length === this.#taken.length && !next) return null
    this.#taken = taken
    await writeDurably(this.#disk, this.#path, `${JSON.stringify({ taken })}\n`)
    return next
  }
}

function idsIn(text: string | null): string[] {
  try {
    const { taken } = JSON.parse(text ?? '{}') as { taken?: unknown }
    return Array.isArray(taken) ? taken.filter((id): id is string => typeof id === 'string') : []
  } catch {
    return []
  }
}
