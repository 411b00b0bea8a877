/** Comma-separated values as RFC 4180 has them, read piece by piece: any line ends, quotes, line breaks in quotes. */

export interface Row {
  /** Where it begins; the first line is 1. */
  readonly line: number
  readonly fields: readonly string[]
}

/** Something in the text that cannot be read, and where. */
export class CsvMistake extends Error {
  override readonly name = 'CsvMistake'
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

/** All rows that are not blank. A byte order mark is passed over. */
export async function* readCsv(pieces: AsyncIterable<string>): AsyncGenerator<Row> {
  let line = 1
  let rowLine = 1
  let fields: string[] = []
  let field = ''
  let isFirst = true
  let wasReturn = false
  let place: 'start' | 'plain' | 'quoted' | 'closed' = 'start'

  const endRow = (): Row => {
    const row = { line: rowLine, fields: [...fields, field] }
    fields = []
    field = ''
    place = 'start'
    return row
  }

  for await (const piece of pieces) {
    for (const letter of isFirst ? piece.replace(/^\uFEFF/, '') : piece) {
      const isLineEnd = letter === '\n' || letter === '\r'
      const isSecondHalf = letter === '\n' && wasReturn
      wasReturn = letter === '\r'
      if (place === 'quoted') {
        if (letter === '"') place = 'closed'
        else field += letter
        if (isLineEnd && !isSecondHalf) line += 1
      } else if (isLineEnd) {
        if (isSecondHalf) {
          rowLine = line
          continue
        }
        const row = endRow()
        line += 1
        rowLine = line
        if (!isBlank(row)) yield row
      } else if (letter === ',') {
        fields.push(field)
        field = ''
        place = 'start'
      } else if (letter === '"' && place === 'closed') {
        field += '"'
        place = 'quoted'
      } else if (place === 'closed') {
        throw new CsvMistake(line, 'after a closing quote comes a comma or the end of the line')
      } else if (letter === '"' && place === 'start') {
        place = 'quoted'
      } else if (letter === '"') {
        throw new CsvMistake(line, 'a quote within a field: put the field in quotes and double it')
      } else {
        field += letter
        place = 'plain'
      }
    }
    isFirst = false
  }
  if (place === 'quoted') throw new CsvMistake(rowLine, 'a quote is opened and never closed')
  const last = endRow()
  if (!isBlank(last)) yield last
}

const isBlank = ({ fields }: Row): boolean => fields.length === 1 && fields[0]?.trim() === ''

/** One line of CSV, its fields in quotes where they need them. */
export const csvLine = (fields: readonly string[]): string =>
  `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\n`
