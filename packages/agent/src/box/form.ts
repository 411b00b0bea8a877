/** What operators have set for this box, kept on disk: it is held to while the server is away as well. */
import { join } from 'node:path'
import { opensAt, windowsOf } from '@updraft/core'
import { BoxForm, type BoxLayerName } from '@updraft/wire/updraft'
import { type Disk, readIfThere, writeDurably } from '../disk.ts'
import type { StartedBy } from './jobs.ts'

/** Why the box leaves itself alone for now, and until when if that is known. */
export interface Held {
  readonly because: string
  readonly until: string | null
}

export class KeptForm {
  readonly #disk: Disk
  readonly #path: string
  readonly #now: () => Date
  #form: BoxForm | null = null

  constructor({ disk, folder, now }: { disk: Disk; folder: string; now: () => Date }) {
    this.#disk = disk
    this.#path = join(folder, 'form.json')
    this.#now = now
  }

  /** Null until a server has told one. */
  get current(): BoxForm | null {
    return this.#form
  }

  async load(): Promise<void> {
    const text = await readIfThere(this.#disk, this.#path)
    this.#form = readForm(text)
  }

  /** Answers whether it is another than before. */
  async keep(form: BoxForm): Promise<boolean> {
    const text = JSON.stringify(form)
    if (text === JSON.stringify(this.#form)) return false
    this.#form = form
    await writeDurably(this.#disk, this.#path, `${text}\n`)
    return true
  }

  /** Another server has set nothing yet. */
  async forget(): Promise<void> {
    this.#form = null
    await this.#disk.rm(this.#path, { force: true })
  }

  /** Why nothing may be installed now by itself, on any layer; null if it may. */
  held(): Held | null {
    return this.#hold() ?? this.#window()
  }

  /** Why that layer is not updated for now by whoever wants it; null if it is. A button passes all but a hold. */
  heldFor(layer: BoxLayerName, by: StartedBy): Held | null {
    const held = this.#hold()
    if (held || by !== 'automatic') return held
    const isButton = this.#form?.layers[layer].updates === 'button'
    const isOff = layer === 'handlers' && this.#form?.automaticDriversUpdate === false
    if (!isButton && !isOff) return this.#window()
    return { because: 'It is updated only when somebody asks for it.', until: null }
  }

  #hold(): Held | null {
    const hold = this.#form?.hold
    const isOver = hold?.until && Date.parse(hold.until) <= this.#now().getTime()
    if (!hold || isOver) return null
    return { because: `An operator holds this box: ${hold.reason}`, until: hold.until }
  }

  #window(): Held | null {
    const windows = this.#form?.windows ?? ''
    const now = this.#now()
    const opens = nextOpening(windows, now)
    if (opens === null || opens <= now) return null
    return { because: `Updates wait for their window: ${windows}`, until: opens.toISOString() }
  }
}

/** Windows that cannot be read hold nothing back: the server has looked at them. */
function nextOpening(windows: string, now: Date): Date | null {
  try {
    return opensAt(windowsOf(windows), now)
  } catch {
    return null
  }
}

function readForm(text: string | null): BoxForm | null {
  try {
    return text === null ? null : (BoxForm.safeParse(JSON.parse(text)).data ?? null)
  } catch {
    return null
  }
}
