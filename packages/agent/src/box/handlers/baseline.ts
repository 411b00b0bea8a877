/**
 * What a new set of handlers is held against: the devices that were there before, and the handlers that worked. Values in,
 * values out.
 */
import type { HandlerStatus } from './handler-set.ts'
import type { Device } from './host.ts'

export interface Baseline {
  readonly devices: readonly (Device & { readonly handler: string })[]
  /** Paths of handlers that did not work, so that nobody expects it of the next set. */
  readonly failed: readonly string[]
}

/** Null: nothing ran before, and nothing is expected. */
export type Expected = Baseline | null

export const baselineOf = (handlers: readonly HandlerStatus[]): Baseline => ({
  devices: handlers.flatMap(({ file, devices }) =>
    devices.map((device) => ({ ...device, handler: file })),
  ),
  failed: handlers.filter(({ isSteady }) => !isSteady).map(({ file }) => file),
})

/** What was there before, and what has come since: after a start it takes a while until all is as it was. */
export function joined(before: Baseline, handlers: readonly HandlerStatus[]): Baseline {
  const now = baselineOf(handlers)
  const loading = handlers.filter(({ state }) => state === 'starting').map(({ file }) => file)
  return {
    devices: [
      ...now.devices,
      ...before.devices.filter(({ id }) => !now.devices.some((device) => device.id === id)),
    ],
    failed: [...now.failed, ...before.failed.filter((file) => loading.includes(file))],
  }
}

/** A list in the set itself: what is not expected of it, a path of a handler or an id of a device a line. */
export const RETIRED_FILE = 'drivers/retired.txt'

export const retiredIn = (text: string): readonly string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))

/** Whoever packed the set meant these to go. */
export const withoutRetired = (expected: Expected, retired: readonly string[]): Expected =>
  expected && {
    ...expected,
    devices: expected.devices.filter(
      ({ id, handler }) => !retired.includes(id) && !retired.includes(handler),
    ),
  }

/**
 * How a new set stands: `well` as far as anybody can tell now, `waiting` for something that may still come, `failed` for
 * good. `because` says for what, or why.
 */
export type Verdict =
  | { readonly kind: 'well' }
  | { readonly kind: 'waiting' | 'failed'; readonly because: string }

export function verdictOn(handlers: readonly HandlerStatus[], expected: Expected): Verdict {
  const failed = handlers.filter(hasFailed)
  const required = expected ? failed.filter(({ file }) => !expected.failed.includes(file)) : []
  if (required.length > 0) return { kind: 'failed', because: required.map(complaint).join('; ') }
  if (failed.length > 0 && failed.length === handlers.length) {
    return {
      kind: 'failed',
      because: `none of its handlers works: ${failed.map(complaint).join('; ')}`,
    }
  }
  const loading = handlers.filter(({ state }) => state === 'starting')
  if (loading.length > 0) {
    return {
      kind: 'waiting',
      because: `not loaded yet: ${loading.map(({ file }) => file).join(', ')}`,
    }
  }
  const there = new Set(handlers.flatMap(({ devices }) => devices.map(({ id }) => id)))
  const missing = (expected?.devices ?? []).filter(({ id }) => !there.has(id))
  if (missing.length === 0) return { kind: 'well' }
  const named = missing.map(({ type, name, id, handler }) => {
    const known = name === id ? id : `${name} (${id})`
    return `${type} ${known}, which ${handler} had`
  })
  return { kind: 'waiting', because: `missing since: ${named.join('; ')}` }
}

/** Also while it is started again. */
const hasFailed = ({ state, restarts }: HandlerStatus): boolean =>
  state === 'failed' || (state === 'starting' && restarts > 0)

const complaint = ({ file, error }: HandlerStatus): string => `${file}: ${error ?? 'it failed'}`
