/** A box with a disk in memory whose handlers only pretend: each tells the device that its file names. */
import { join } from 'node:path'
import type { DiskStep, MemoryDisk } from '../../memory-disk.ts'
import { HurriedClock } from '../../test-bench.test-helper.ts'
import type { Clock } from '../../waits.ts'
import { archiveOf } from './archive.test-helper.ts'
import { type HandlersLayer, type HandlersLayerOptions, handlersLayer } from './handlers-layer.ts'
import type { StartHost } from './host.ts'

/** By path, what each file holds: the id of its device, and a version. */
export type Files = Readonly<Record<string, string>>

export const OLD: Files = {
  'drivers/printer.py': 'printer 1',
  'drivers/scale.py': 'scale 1',
  'interfaces/usb.py': 'usb 1',
  'lib/deep/tool.py': 'tool 1',
}
export const NEW: Files = {
  'drivers/printer.py': 'printer 2',
  'drivers/scale_L.py': 'scale 2',
  'interfaces/usb.py': 'usb 2',
  'lib/deep/tool.py': 'tool 2',
}
/** The scale does not come back with it. */
export const BAD: Files = { ...NEW, 'drivers/scale_L.py': 'nothing 2' }

export const packed = (files: Files): Buffer => archiveOf(files)

/** What steps are: those of the disk, and those of the box. */
export type BoxStep = DiskStep | 'start a handler' | 'end a handler'

/** In a hurry, except for what is done now and then for as long as the box runs. */
class BoxClock extends HurriedClock implements Clock {
  override async wait(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < NOW_AND_THEN_MS) return await super.wait(ms, signal)
    await new Promise<void>((resolve) => {
      if (signal?.aborted) resolve()
      signal?.addEventListener('abort', () => resolve())
    })
  }
}

const NOW_AND_THEN_MS = 1_000_000_000

/** One life of the layer. `step` throws once the power is gone; then nothing starts any more. */
export class PretendHandlers {
  readonly layer: HandlersLayer
  /** What runs now: file by file, what it held when it was started. */
  readonly running = new Map<string, string>()
  /** Most that ever ran at once. */
  most = 0

  constructor({
    medium,
    step,
    ...options
  }: {
    medium: MemoryDisk
    step: (what: BoxStep) => void
  } & Partial<HandlersLayerOptions>) {
    const startHost: StartHost = ({ path }, folder, events) => {
      try {
        step('start a handler')
      } catch {
        return { stop: async () => {} }
      }
      const text = medium.text(join(folder, path)) ?? 'lost'
      const [id = ''] = text.split(' ')
      this.running.set(path, text)
      this.most = Math.max(this.most, this.running.size)
      events.loaded()
      if (id !== 'nothing') events.devices([{ id, name: id, type: 'device', connection: null }])
      return {
        stop: async () => {
          step('end a handler')
          this.running.delete(path)
        },
      }
    }
    this.layer = handlersLayer({
      startHost,
      disk: medium.disk,
      folder: '/state/handlers',
      platform: 'L',
      clock: new BoxClock(),
      wallMs: () => Date.parse('2026-11-21T12:00Z'),
      noteSeconds: NOW_AND_THEN_MS / 1000,
      reserveBytes: 0,
      ...options,
    })
  }

  runs(files: Files): boolean {
    const handlers = Object.entries(files).filter(([path]) => !path.startsWith('lib/'))
    return (
      handlers.length === this.running.size &&
      handlers.every(([path, text]) => this.running.get(path) === text)
    )
  }

  /** `old`, `new` or `nothing`; anything else is a mixture. */
  get what(): string {
    if (this.running.size === 0) return 'nothing'
    if (this.runs(OLD)) return 'old'
    if (this.runs(NEW)) return 'new'
    return `a mixture: ${JSON.stringify([...this.running])}`
  }
}
