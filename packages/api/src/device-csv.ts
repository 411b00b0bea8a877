/**
 * Devices as lines of a CSV file: what its columns may be called, what each line says, and how many of them go to
 * the server at once. Whoever reads the file decides what comes of a line that is none.
 */
import type { ApiError } from './client.ts'
import { CsvMistake, readCsv } from './csv.ts'
import { DeviceDraft } from './shapes.ts'

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
/** What the columns are called, in their order in help texts. */
export const COLUMN_NAMES = Object.keys(COLUMNS) as ColumnName[]

const YES = ['true', 'yes', '1']
const NO = ['false', 'no', '0', '']

/** As many as the server takes at once, all or none of them. */
const BATCH_SIZE = 1000
/** Certificates make long lines; the server takes 4 MiB at once. */
const BATCH_LENGTH = 2_000_000

export interface DeviceLine {
  readonly line: number
  readonly draft: DeviceDraft
}

/** A line that cannot be a device, and why. */
export interface BadLine {
  readonly line: number
  /** As far as it says one. */
  readonly name: string
  readonly mistake: string
}

/**
 * Each line as a device, or as a mistake with which the others are none the worse. Throws CsvMistake at what
 * leaves the rest unreadable: columns that are not known, a quote that is never closed, nothing in it.
 */
export async function* readDevices(
  pieces: AsyncIterable<string>,
): AsyncGenerator<DeviceLine | BadLine> {
  let columns: readonly ColumnName[] | null = null
  let isEmpty = true
  const lineOfName = new Map<string, number>()
  for await (const { line, fields } of readCsv(pieces)) {
    if (columns === null) {
      columns = columnsOf(line, fields)
      continue
    }
    isEmpty = false
    try {
      const draft = draftOf(line, columns, fields)
      const earlier = lineOfName.get(draft.name)
      if (earlier !== undefined) {
        throw new CsvMistake(line, `"${draft.name}" stands in line ${earlier} already`)
      }
      lineOfName.set(draft.name, line)
      yield { line, draft }
    } catch (error) {
      if (!(error instanceof CsvMistake)) throw error
      const name = fields[columns.indexOf('name')]?.trim() ?? ''
      yield { line, name, mistake: error.message }
    }
  }
  if (isEmpty) throw new CsvMistake(1, 'there is no device in it')
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
      `it has ${fields.length} ${fields.length === 1 ? 'field' : 'fields'}, the first line has ${columns.length}`,
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

/** As many lines together as the server takes. */
export async function* batchesOf(
  lines: AsyncIterable<DeviceLine> | Iterable<DeviceLine>,
): AsyncGenerator<DeviceLine[]> {
  let batch: DeviceLine[] = []
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

/** The line that the server's refusal of the batch is about, where it tells. */
export const culpritOf = (batch: readonly DeviceLine[], error: ApiError): DeviceLine | undefined =>
  error.problem?.index === undefined ? undefined : batch[error.problem.index]
