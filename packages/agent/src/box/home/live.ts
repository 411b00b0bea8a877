/** Everybody who looks at the page hears of what changes, in parts of the page or as the status whole. */
import type { ServerResponse } from 'node:http'
import type { BoxStatus } from './status.ts'
import { type PartName, part, partNames, type Viewer } from './view.ts'

/** No more often than this, however fast bytes come. */
const EVERY_MS = 250
/** Figures such as uptimes are told now and then; a line that is dead is found out by it. */
const ANYWAY_MS = 10_000
const MOST_LISTENERS = 64

interface Listener {
  readonly response: ServerResponse
  /** Null: a program, which is told the status. */
  readonly viewer: Viewer | null
  readonly sent: Map<PartName | 'status', string>
}

export class Live {
  readonly #status: () => Promise<BoxStatus>
  readonly #listeners = new Set<Listener>()
  #timer: NodeJS.Timeout | null = null
  #isTelling = false
  readonly #anyway: NodeJS.Timeout

  constructor(status: () => Promise<BoxStatus>) {
    this.#status = status
    this.#anyway = setInterval(() => this.changed(), ANYWAY_MS).unref()
  }

  async begin(response: ServerResponse, viewer: Viewer | null): Promise<void> {
    if (this.#listeners.size >= MOST_LISTENERS) {
      response.writeHead(503, { 'retry-after': '10' }).end()
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
    const listener = { response, viewer, sent: new Map() }
    this.#listeners.add(listener)
    response.on('close', () => this.#listeners.delete(listener))
    response.write('retry: 1000\n\n')
    tell(listener, await this.#status())
  }

  /** Soon everybody is told. */
  changed(): void {
    if (this.#listeners.size === 0) return
    this.#timer ??= setTimeout(() => void this.#tell(), EVERY_MS).unref()
  }

  close(): void {
    clearInterval(this.#anyway)
    if (this.#timer) clearTimeout(this.#timer)
    for (const { response } of this.#listeners) response.end()
  }

  async #tell(): Promise<void> {
    this.#timer = null
    if (this.#isTelling) return this.changed()
    this.#isTelling = true
    try {
      const status = await this.#status()
      for (const listener of this.#listeners) tell(listener, status)
    } finally {
      this.#isTelling = false
    }
  }
}

function tell({ response, viewer, sent }: Listener, status: BoxStatus): void {
  const say = (event: 'part' | 'status', key: PartName | 'status', data: string) => {
    if (sent.get(key) === data) return
    sent.set(key, data)
    response.write(`event: ${event}\ndata: ${data}\n\n`)
  }
  if (!viewer) {
    say('status', 'status', JSON.stringify(status))
    return
  }
  for (const name of partNames) {
    say('part', name, JSON.stringify({ name, html: part(name, status, viewer) }))
  }
}
