import type { Group } from '@updraft/api/shapes'
import { command, listFlags, needed, text } from '../command.ts'
import { findGroup, listAll } from '../lookup.ts'
import { type Column, countText, facts, listText, timeText } from '../print.ts'

const changes = {
  name: text('--name <name>', 'what people call it (default: the handle)'),
}

export const groupCommands = [
  command({
    words: 'group add <handle>',
    about: 'add a group: the devices for which an expression holds, whenever it is asked',
    flags: { ...changes, expression: needed('--expression <expression>', 'who belongs to it') },
    examples: [`updraft group add beta --expression '"beta" in labels'`],
    run: async ({ handle, name = handle, expression }, { client }) => {
      const group = await client('createGroup', { body: { handle, name, expression } })
      return { json: group, text: () => `Added group ${group.handle}.` }
    },
  }),
  command({
    words: 'group list',
    about: 'all groups, with the channels they are in',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listGroups', { query: { ...query, search } }),
      )
      return { json: page, text: (look) => listText(page, columns, 'There are no groups.', look) }
    },
  }),
  command({
    words: 'group show <handle>',
    about: 'one group, and the devices it holds now',
    flags: listFlags,
    run: async ({ handle, ...range }, { client }) => {
      const { id } = await findGroup(client, handle)
      const group = await client('showGroup', { params: { id } })
      const page = await listAll(range, (query) =>
        client('listDevicesOfGroup', { params: { id }, query }),
      )
      return {
        json: { ...group, devices: page.items, nextCursor: page.nextCursor },
        text: (look) =>
          `${facts(
            [
              ['Group', `${group.handle} (${group.name})`],
              ['Expression', group.expression],
              ['Channel', group.channel?.handle ?? null],
              ['Holds', countText(group.deviceCount, 'device')],
              ['Added', timeText(group.createdAt, look)],
            ],
            look,
          )}\n${page.items.map(({ name }) => name).join('\n')}`.trimEnd(),
      }
    },
  }),
  command({
    words: 'group update <handle>',
    about: 'give a group another handle, name or expression',
    flags: {
      rename: text('--rename <handle>', 'its new handle'),
      name: text('--name <name>', 'its new name'),
      expression: text('--expression <expression>', 'who belongs to it from now on'),
    },
    run: async ({ handle, rename, name, expression }, { client }) => {
      const { id } = await findGroup(client, handle)
      const body = { handle: rename, name, expression }
      const group = await client('changeGroup', { params: { id }, body })
      return { json: group, text: () => `Changed group ${group.handle}.` }
    },
  }),
  command({
    words: 'group preview <expression>',
    about: 'how many devices an expression holds for, and some of them',
    examples: [`updraft group preview 'profile == "Sensor" && seen'`],
    run: async ({ expression }, { client }) => {
      const preview = await client('previewGroup', { body: { expression } })
      const names = preview.sample.map(({ name }) => name)
      return {
        json: preview,
        text: () => [`It holds for ${countText(preview.count, 'device')}.`, ...names].join('\n'),
      }
    },
  }),
  command({
    words: 'group remove <handle>',
    about: 'remove a group; its devices stay',
    run: async ({ handle }, { client }) => {
      const { id } = await findGroup(client, handle)
      await client('removeGroup', { params: { id } })
      return { json: { id, handle }, text: () => `Removed group ${handle}.` }
    },
  }),
]

const columns: readonly Column<Group>[] = [
  { title: 'Group', cell: ({ handle }) => handle },
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Channel', cell: ({ channel }) => channel?.handle ?? '' },
  { title: 'Expression', cell: ({ expression }) => expression },
]
