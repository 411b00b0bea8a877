/** A CSV file of devices: read, checked, and added batch by batch. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { ApiError } from '@updraft/api/client'
import { DeviceDraft } from '@updraft/api/shapes'
import type { Door } from './command.ts'
import { CsvMistake, readCsv } from './csv.ts'
import { fileTrouble, Refusal } from './errors.ts'
import { countText } from './print.ts'

/** Columns, with what ThingsBoard calls them; letter case, blanks and signs in their names do not matter. */
const COLUMNS = {
  name: ['name'],
  profile: ['profile', 'type', 'deviceprofile'],
  token: ['token', 'accesstoken'],
  'client id': ['clientid', 'mqttclientid'],
  'user name': ['username', 'mqttusername'],
  password: ['password', 'mqttpassword'],
  certificate: ['certificate', 'x509'],
  gateway: ['gateway', 'isgateway'],
  labels: ['labels', 'label'],
} as const
type ColumnName = keyof typeof COLUMNS
const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[]

const YES = ['true', 'yes', '1']
const NO = ['false', 'no', '0', '']

/** As many as the server takes at once, all or none of them. */
const BATCH_SIZE = 1000
/** Certificates make long lines; the server takes 4 MiB at once. */
const BATCH_LENGTH = 2_000_000

interface Line {
  readonly line: number
  readonly draft: DeviceDraft
}

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
    for await (const batch of batches(linesOf(file))) {
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
async function* linesOf(file: string): AsyncGenerator<Line> {
  try {
    yield* devicesOf(readCsv(createReadStream(file, 'utf8')))
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

async function* devicesOf(rows: ReturnType<typeof readCsv>): AsyncGenerator<Line> {
  let columns: readonly ColumnName[] | null = null
  const lineOfName = new Map<string, number>()
  for await (const { line, fields } of rows) {
    if (columns === null) {
      columns = columnsOf(line, fields)
      continue
    }
    const draft = draftOf(line, columns, fields)
    const earlier = lineOfName.get(draft.name)
    if (earlier !== undefined) {
      throw new CsvMistake(line, `"${draft.name}" stands in line ${earlier} already`)
    }
    lineOfName.set(draft.name, line)
    yield { line, draft }
  }
  if (lineOfName.size === 0) throw new CsvMistake(1, 'there is no device in it')
}

function columnsOf(line: number, fields: readonly string[]): readonly ColumnName[] {
  const columns = fields.map((field) => {
    const name = field.toLowerCase().replaceAll(/[^\p{L}\d]/gu, '')
    const column = COLUMN_NAMES.find((known) =>
      (COLUMNS[known] as readonly string[]).includes(name),
    )
    if (column) return column
    throw new CsvMistake(
      line,
      `"${field.trim()}" is no column; there are ${COLUMN_NAMES.join(', ')}`,
    )
  })
  const twice = columns.find((column, at) => columns.indexOf(column) !== at)
  if (twice) throw new CsvMistake(line, `there are two columns "${twice}"`)
  for (const needed of ['name', 'profile'] as const) {
    if (!columns.includes(needed)) throw new CsvMistake(line, `there is no column "${needed}"`)
  }
  return columns
}

function draftOf(
  line: number,
  columns: readonly ColumnName[],
  fields: readonly string[],
): DeviceDraft {
  if (fields.length !== columns.length) {
    throw new CsvMistake(
      line,
      `it has ${countText(fields.length, 'field')}, the first line has ${columns.length}`,
    )
  }
  const value = (column: ColumnName) => fields[columns.indexOf(column)]?.trim() ?? ''
  for (const needed of ['name', 'profile'] as const) {
    if (value(needed) === '') throw new CsvMistake(line, `the ${needed} is missing`)
  }
  const [clientId, userName] = [value('client id'), value('user name')]
  if (value('password') !== '' && clientId === '' && userName === '') {
    throw new CsvMistake(line, 'a password goes with a client id or a user name')
  }
  const certificate = value('certificate')
  const credentials: NonNullable<DeviceDraft['credentials']> = [
    ...(clientId || userName
      ? [{ kind: 'mqtt-basic', clientId, userName, password: value('password') } as const]
      : []),
    ...(certificate ? [{ kind: 'x509', certificate } as const] : []),
  ]
  const gateway = value('gateway').toLowerCase()
  if (![...YES, ...NO].includes(gateway)) {
    throw new CsvMistake(line, `gateway: "${gateway}" is neither true nor false`)
  }
  const labels = value('labels')
    .split(/[,;]/)
    .map((label) => label.trim())
    .filter((label) => label !== '')
  const draft = {
    name: value('name'),
    profile: value('profile'),
    token: value('token') || undefined,
    credentials: credentials.length > 0 ? credentials : undefined,
    attributes: YES.includes(gateway) ? { gateway: true } : undefined,
    labels: labels.length > 0 ? labels : undefined,
  }
  const [issue] = DeviceDraft.safeParse(draft).error?.issues ?? []
  if (issue) throw new CsvMistake(line, `${String(issue.path[0] ?? 'it')}: ${issue.message}`)
  return draft
}

async function* batches(lines: AsyncIterable<Line>): AsyncGenerator<Line[]> {
  let batch: Line[] = []
  let length = 0
  for await (const line of lines) {
    batch.push(line)
    length += JSON.stringify(line.draft).length
    if (batch.length < BATCH_SIZE && length < BATCH_LENGTH) continue
    yield batch
    batch = []
    length = 0
  }
  if (batch.length > 0) yield batch
}

/**
 * The refusal with the line it is about: exactly, where the server tells which device, else the batch's lines.
 * What has nothing to do with the file (no token, no server) stays as it is, unless a part is in already.
 */
function refuse(file: string, batch: readonly Line[], added: number, error: unknown): never {
  const isOfFile = error instanceof ApiError && [400, 404, 409, 422].includes(error.status)
  const isKnown = error instanceof ApiError || error instanceof Refusal
  if (!isKnown || (!isOfFile && added === 0)) throw error
  const at = error instanceof ApiError ? error.problem?.index : undefined
  const culprit = typeof at === 'number' ? batch[at] : undefined
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
