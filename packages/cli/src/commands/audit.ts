import type { Event } from '@updraft/api/shapes'
import { EVENT_MEANINGS } from '@updraft/core'
import { command, count, text } from '../command.ts'
import { findDevice, listAll } from '../lookup.ts'
import { type Column, isState, type Look, listText, stateCell, timeText } from '../print.ts'

/** The log has no end; this is as much as one asks for without a number. */
const EVENTS_SHOWN = 100

export const auditCommands = [
  command({
    words: 'audit',
    about: 'who did what, newest first',
    flags: {
      device: text('--device <name>', 'what concerns this device'),
      limit: count('--limit <n>', `at most so many (default: ${EVENTS_SHOWN})`),
      cursor: text('--cursor <cursor>', 'go on where the last answer ended (its nextCursor)'),
    },
    run: async ({ device, limit = EVENTS_SHOWN, cursor }, { client }) => {
      const deviceId = device === undefined ? undefined : (await findDevice(client, device)).id
      const page = await listAll({ limit, cursor }, (query) =>
        client('listEvents', { query: { ...query, deviceId } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'Nothing happened yet.', look),
      }
    },
  }),
]

const columns = ({ now }: Look): readonly Column<Event>[] => [
  { title: 'When', cell: ({ at }) => timeText(at, { now }) },
  { title: 'Who', cell: ({ actor }) => actor.name },
  { title: 'Where', cell: ({ subject }) => `${subject.kind} ${subject.name}` },
  {
    title: 'State',
    cell: ({ data }) =>
      typeof data.state === 'string' && isState(data.state) ? stateCell(data.state) : null,
  },
  // A newer server may know of more than this program does.
  { title: 'What', cell: ({ kind }) => EVENT_MEANINGS[kind] ?? kind },
]
