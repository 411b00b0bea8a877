/** A CSV file of devices: read, checked to its end, and added batch by batch. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ApiError } from '@updraft/api/client'
import { CsvMistake } from '@updraft/api/csv'
import {
  batchesOf,
  COLUMN_NAMES,
  culpritOf,
  type DeviceLine,
  readDevices,
} from '@updraft/api/device-csv'
import type { Door } from './command.ts'
import { fileTrouble, Refusal } from './errors.ts'
import { countText } from './print.ts'

export interface Imported {
  readonly id: string
  readonly name: string
  /** Null when it is known by something else. */
  readonly token: string | null
  /** The file named no token, so the server made one up. */
  readonly isTokenMadeUp: boolean
}

/**
 * Adds the file's devices and hands over each batch once it is in. A regular file is read to its end first, so
 * that a mistake in it is found before anything is added; what the server refuses stops at that batch. Either
 * way the refusal, import.mistake or the server's own code, names the line.
 */
export async function importFile(
  file: string,
  { client, progress }: Pick<Door, 'client' | 'progress'>,
  take: (devices: readonly Imported[]) => Promise<void>,
): Promise<number> {
  const { total } = await checked(file)
  const bar = progress({ title: `Adding ${file}`, total, unit: 'devices' })
  let added = 0
  try {
    for await (const batch of batchesOf(linesOf(file))) {
      const { devices } = await client('importDevices', {
        body: { devices: batch.map(({ draft }) => draft) },
      }).catch((error) => refuse(file, batch, added, error))
      await take(
        devices.map((device, at) => ({
          ...device,
          isTokenMadeUp: device.token !== null && batch[at]?.draft.token === undefined,
        })),
      )
      added += devices.length
      bar.advance(devices.length)
    }
  } finally {
    bar.end()
  }
  return added
}

/** What can be read only once, a pipe, is not read ahead. */
async function checked(file: string): Promise<{ total: number | null }> {
  const isRegular = (await stat(file).catch((error) => fileTrouble(file, error))).isFile()
  if (!isRegular) return { total: null }
  let total = 0
  for await (const _ of linesOf(file)) total += 1
  return { total }
}

/** The lines of the file as devices. Refuses at the first line that cannot be one. */
async function* linesOf(file: string): AsyncGenerator<DeviceLine> {
  try {
    for await (const each of readDevices(createReadStream(file, 'utf8'))) {
      if ('mistake' in each) throw new CsvMistake(each.line, each.mistake)
      yield each
    }
  } catch (error) {
    if (!(error instanceof CsvMistake)) return fileTrouble(file, error)
    throw new Refusal({
      code: 'import.mistake',
      message: `${file}, line ${error.line}: ${error.message}.`,
      hint: `A file begins with a line such as \`name,profile,token,labels\`. There are ${COLUMN_NAMES.join(', ')}; only the first two must be there.`,
      details: { line: error.line },
    })
  }
}

/**
 * The refusal with the line it is about: exactly, where the server tells which device, else the batch's lines.
 * What has nothing to do with the file (no token, no server) stays as it is, unless a part is in already.
 */
function refuse(file: string, batch: readonly DeviceLine[], added: number, error: unknown): never {
  const isOfFile = error instanceof ApiError && [400, 404, 409, 422].includes(error.status)
  const isKnown = error instanceof ApiError || error instanceof Refusal
  if (!isKnown || (!isOfFile && added === 0)) throw error
  const culprit = error instanceof ApiError ? culpritOf(batch, error) : undefined
  const [first, last] = [batch[0]?.line ?? 0, batch.at(-1)?.line ?? 0]
  const where =
    culprit || first === last ? `line ${culprit?.line ?? first}` : `lines ${first} to ${last}`
  throw new Refusal({
    code: error.code,
    status: error.status,
    message: `${file}, ${where}: ${error.message}`,
    hint:
      added === 0
        ? 'Nothing was added.'
        : `The ${countText(added, 'device')} before line ${first} were added: take them out of the file before you run it again.`,
    details: { line: culprit?.line ?? first },
    cause: error,
  })
}
