/** What a ThingsBoard knows of one device, for tests; how it is spoken to is another file's. */
import { EventEmitter } from 'node:events'
import { type Family, sharedAttributes } from '@updraft/wire/thingsboard'
import { sha256, someBytes } from '../fake-server.test-helper.ts'

export const TOKEN = 'tb-token'
export const BYTES = someBytes(200_000)

type Values = Record<string, unknown>

/** `change`: the shared attributes are others now. The others: what came, where a test has to wait for it. */
export class FakeThingsBoard extends EventEmitter<{
  change: []
  chunk: [number]
  ping: []
  request: []
  reply: []
}> {
  url = ''
  shared: Values = {}
  readonly telemetry: Values[] = []
  readonly attributes: Values[] = []
  /** Chunks asked for, in their order. */
  readonly chunks: number[] = []
  bytes = BYTES
  /** So many chunks are sent; then, once, the device is cut off. */
  cutAfterChunks = Number.POSITIVE_INFINITY
  /** So many chunks are sent; then, once, nothing is answered. */
  stallAfterChunks = Number.POSITIVE_INFINITY

  mean(family: Family, version: string, more: object = {}): void {
    const release = {
      title: 'app',
      version,
      tag: null,
      sizeBytes: this.bytes.length,
      checksumAlgorithm: 'SHA256',
      checksum: sha256(this.bytes),
      url: null,
    }
    Object.assign(this.shared, sharedAttributes(family, { ...release, ...more }))
    this.emit('change')
  }

  states(family: Family): unknown[] {
    return this.telemetry.map((values) => values[`${family}_state`]).filter(Boolean)
  }

  post(what: 'telemetry' | 'attributes', values: Values): void {
    this[what].push(values)
  }

  named(keys: string): Values {
    const wanted = keys.split(',')
    return Object.fromEntries(Object.entries(this.shared).filter(([key]) => wanted.includes(key)))
  }

  chunk(index: number, chunkBytes: number): Buffer | 'cut' | 'nothing' {
    this.chunks.push(index)
    this.emit('chunk', index)
    if (this.chunks.length > this.cutAfterChunks) {
      this.cutAfterChunks = Number.POSITIVE_INFINITY
      return 'cut'
    }
    if (this.chunks.length > this.stallAfterChunks) {
      this.stallAfterChunks = Number.POSITIVE_INFINITY
      return 'nothing'
    }
    return this.bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes)
  }
}
