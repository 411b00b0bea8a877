import { csvLine } from '@updraft/api/csv'
import type { Event } from '@updraft/api/shapes'
import { EVENT_MEANINGS, RESULTS } from '@updraft/core'
import { command, count, oneOf, text, time } from '../command.ts'
import { findDevice, listAll, pages } from '../lookup.ts'
import { type Column, isState, type Look, listText, stateCell, timeText } from '../print.ts'

/** The log has no end; this is as much as one asks for without a number. */
const EVENTS_SHOWN = 100
const FORMS = ['csv', 'ndjson'] as const

export const auditCommands = [
  command({
    words: 'audit',
    about:
      'who did what to which object, when, from where, and what they were refused; newest first',
    flags: {
      device: text('--device <name>', 'what concerns this device'),
      kind: text('--kind <kind>', 'of this kind, or all that begin so: device, operation.ended, …'),
      actor: text('--actor <name>', 'done by this operator'),
      subjectKind: text('--subject-kind <kind>', 'done to devices, profiles, releases, …'),
      subjectId: text('--subject-id <id>', 'done to this one'),
      result: oneOf('--result <result>', 'only what was done, or was refused', RESULTS),
      since: time('--since <time>', 'not before: 2026-03-01, 2026-03-01T12:00Z'),
      until: time('--until <time>', 'before'),
      search: text('--search <text>', 'in the names of who did it and what it was done to'),
      sort: oneOf('--sort <field>', 'at: oldest first', ['at', '-at']),
      as: oneOf('--as <form>', 'csv or ndjson: all of it, a line each, as it comes', FORMS),
      limit: count('--limit <n>', `at most so many (default: ${EVENTS_SHOWN}; with --as all)`),
      cursor: text('--cursor <cursor>', 'go on where the last answer ended (its nextCursor)'),
    },
    examples: [
      'updraft audit --result refused --since 2026-03-01',
      'updraft audit --actor ada --subject-kind release',
      'updraft audit --as csv > audit.csv',
    ],
    run: async ({ device, as, limit, cursor, ...wanted }, { client, write }) => {
      const deviceId = device === undefined ? undefined : (await findDevice(client, device)).id
      const fetchPage = (query: { limit: number; cursor?: string }) =>
        client('listEvents', { query: { ...wanted, ...query, deviceId } })
      if (as !== undefined) {
        if (as === 'csv') await write(csvLine(CSV_COLUMNS.map(([title]) => title)))
        for await (const { items } of pages({ limit, cursor }, fetchPage)) {
          await write(items.map((event) => LINE[as](event)).join(''))
        }
        return
      }
      const page = await listAll({ limit: limit ?? EVENTS_SHOWN, cursor }, fetchPage)
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'Nothing of the kind happened.', look),
      }
    },
  }),
]

const columns = ({ now }: Look): readonly Column<Event>[] => [
  { title: 'When', cell: ({ at }) => timeText(at, { now }) },
  { title: 'Who', cell: ({ actor }) => actor.name },
  { title: 'From', cell: ({ actor }) => actor.from },
  { title: 'Where', cell: ({ subject }) => `${subject.kind} ${subject.name}` },
  {
    title: 'State',
    cell: ({ data }) =>
      typeof data.state === 'string' && isState(data.state) ? stateCell(data.state) : null,
  },
  { title: 'What', cell: whatText },
]

const whatText = ({ kind, result, reason, data }: Event): string => {
  // A newer server may know of more than this program does.
  if (result !== 'refused' || !reason) return EVENT_MEANINGS[kind] ?? kind
  const what = typeof data.action === 'string' ? `refused ${data.action}` : 'refused'
  return `${what}: ${reason.message}`
}

const CSV_COLUMNS: readonly (readonly [title: string, cell: (event: Event) => string | null])[] = [
  ['at', ({ at }) => at],
  ['kind', ({ kind }) => kind],
  ['result', ({ result }) => result],
  ['actorKind', ({ actor }) => actor.kind],
  ['actor', ({ actor }) => actor.name],
  ['from', ({ actor }) => actor.from],
  ['via', ({ actor }) => actor.via],
  ['subjectKind', ({ subject }) => subject.kind],
  ['subjectId', ({ subject }) => subject.id],
  ['subject', ({ subject }) => subject.name],
  ['deviceId', ({ deviceId }) => deviceId],
  ['reasonCode', ({ reason }) => reason?.code ?? null],
  ['reason', ({ reason }) => reason?.message ?? null],
  ['data', ({ data }) => JSON.stringify(data)],
]

const LINE: Readonly<Record<(typeof FORMS)[number], (event: Event) => string>> = {
  csv: (event) => csvLine(CSV_COLUMNS.map(([, cell]) => noFormula(cell(event) ?? ''))),
  ndjson: (event) => `${JSON.stringify(event)}\n`,
}

/** An apostrophe in front keeps a spreadsheet from computing it: names come from devices. */
const noFormula = (text: string): string => (/^[=+\-@\t]/.test(text) ? `'${text}` : text)
