import type { HardwareType } from '@updraft/api/shapes'
import { command, listFlags, many, neededMany, text } from '../command.ts'
import { findHardwareType, listAll } from '../lookup.ts'
import { type Column, countText, facts, listText, timeText } from '../print.ts'

export const hardwareCommands = [
  command({
    words: 'hardware add <handle>',
    about: 'add a hardware type: what part numbers say a device is built on',
    flags: {
      name: text('--name <name>', 'what people call it (default: the handle)'),
      partNumber: neededMany('--part-number <number...>', 'its part numbers'),
    },
    examples: ['updraft hardware add board-a --part-number B-100 --part-number B-101'],
    run: async ({ handle, name = handle, partNumber: partNumbers }, { client }) => {
      const type = await client('createHardwareType', { body: { handle, name, partNumbers } })
      return { json: type, text: () => `Added hardware type ${type.handle}.` }
    },
  }),
  command({
    words: 'hardware list',
    about: 'all hardware types, with their part numbers',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listHardwareTypes', { query: { ...query, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns, 'There are no hardware types.', look),
      }
    },
  }),
  command({
    words: 'hardware show <handle>',
    about: 'one hardware type, and how many devices are of it',
    run: async ({ handle }, { client }) => {
      const { id } = await findHardwareType(client, handle)
      const type = await client('showHardwareType', { params: { id } })
      return {
        json: type,
        text: (look) =>
          facts(
            [
              ['Hardware', `${type.handle} (${type.name})`],
              ['Part numbers', type.partNumbers.join(', ')],
              ['Holds', countText(type.deviceCount, 'device')],
              ['Added', timeText(type.createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'hardware update <handle>',
    about: 'give a hardware type another handle, name or other part numbers',
    flags: {
      rename: text('--rename <handle>', 'its new handle'),
      name: text('--name <name>', 'its new name'),
      partNumber: many('--part-number <number...>', 'exactly these are its own from now on'),
    },
    run: async ({ handle, rename, name, partNumber: partNumbers }, { client }) => {
      const { id } = await findHardwareType(client, handle)
      const body = { handle: rename, name, partNumbers }
      const type = await client('changeHardwareType', { params: { id }, body })
      return { json: type, text: () => `Changed hardware type ${type.handle}.` }
    },
  }),
  command({
    words: 'hardware remove <handle>',
    about: 'remove a hardware type; refused while system models are of it',
    run: async ({ handle }, { client }) => {
      const { id } = await findHardwareType(client, handle)
      await client('removeHardwareType', { params: { id } })
      return { json: { id, handle }, text: () => `Removed hardware type ${handle}.` }
    },
  }),
]

const columns: readonly Column<HardwareType>[] = [
  { title: 'Hardware', cell: ({ handle }) => handle },
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Part numbers', cell: ({ partNumbers }) => partNumbers.join(', ') },
]
