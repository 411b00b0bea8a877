/** What becomes of a CSV file of devices: checked whole in the browser, then sent batch by batch. */
import { ApiError } from '@updraft/api/client'
import { CsvMistake } from '@updraft/api/csv'
import {
  type BadLine,
  batchesOf,
  culpritOf,
  type DeviceLine,
  readDevices,
} from '@updraft/api/device-csv'
import { api } from './client.ts'

/** So many lines may be refused one by one before the rest is given up: then the file is another than was meant. */
const MAX_REFUSED = 25

export interface Checked {
  readonly name: string
  readonly devices: readonly DeviceLine[]
  readonly mistakes: readonly BadLine[]
}

export interface Added {
  readonly devices: readonly {
    readonly name: string
    readonly token: string | null
    readonly isTokenMadeUp: boolean
  }[]
  /** Lines the server refused, and why. */
  readonly refused: readonly BadLine[]
  /** How many lines were not tried, or not added with one that was refused. */
  readonly left: number
  /** Why it ended before its end. */
  readonly trouble: unknown
}

/** Rejects, with a sentence, where nothing of it can be read. */
export async function checkFile(file: File): Promise<Checked> {
  const devices: DeviceLine[] = []
  const mistakes: BadLine[] = []
  try {
    for await (const each of readDevices(piecesOf(file))) {
      if ('mistake' in each) mistakes.push(each)
      else devices.push(each)
    }
  } catch (error) {
    if (!(error instanceof CsvMistake)) throw error
    throw new Error(`${file.name}, line ${error.line}: ${error.message}.`)
  }
  return { name: file.name, devices, mistakes }
}

async function* piecesOf(file: File): AsyncGenerator<string> {
  const reader = file.stream().pipeThrough(new TextDecoderStream()).getReader()
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value
}

/**
 * A batch is added as a whole or not at all: a line the server refuses is taken out, and the others are sent again.
 * Stopping lets the batch that is on its way arrive.
 */
export async function addDevices(
  lines: readonly DeviceLine[],
  { onProgress, signal }: { onProgress: (count: number) => void; signal: AbortSignal },
): Promise<Added> {
  const devices: Added['devices'][number][] = []
  const refused: BadLine[] = []
  let trouble: unknown = null
  for await (const batch of batchesOf(lines)) {
    let waiting = batch
    while (waiting.length > 0 && trouble === null && !signal.aborted) {
      try {
        const added = await api('importDevices', {
          body: { devices: waiting.map(({ draft }) => draft) },
        })
        for (const [at, { name, token }] of added.devices.entries()) {
          const isTokenMadeUp = token !== null && waiting[at]?.draft.token === undefined
          devices.push({ name, token, isTokenMadeUp })
        }
        waiting = []
      } catch (error) {
        const culprit = error instanceof ApiError ? culpritOf(waiting, error) : undefined
        if (!culprit || !(error instanceof ApiError) || refused.length >= MAX_REFUSED) {
          trouble = error
          break
        }
        refused.push({ line: culprit.line, name: culprit.draft.name, mistake: error.message })
        waiting = waiting.filter((line) => line !== culprit)
      }
      onProgress(devices.length + refused.length)
    }
    if (trouble !== null || signal.aborted) break
  }
  return { devices, refused, left: lines.length - devices.length - refused.length, trouble }
}
