import type { Client } from '@updraft/api/client'
import type { Channel } from '@updraft/api/shapes'
import { command, listFlags, many, text, yes } from '../command.ts'
import { findChannel, findGroup, listAll } from '../lookup.ts'
import { type Column, countText, facts, listText, timeText } from '../print.ts'

const changes = {
  name: text('--name <name>', 'what people call it (default: the handle)'),
}

export const channelCommands = [
  command({
    words: 'channel add <handle>',
    about: 'add a channel: a set of groups, each in one channel at most',
    flags: { ...changes, group: many('--group <handle...>', 'the groups in it') },
    examples: ['updraft channel add early --group beta --group office'],
    run: async ({ handle, name = handle, group }, { client }) => {
      const groupIds = await groupIdsOf(client, group)
      const channel = await client('createChannel', { body: { handle, name, groupIds } })
      return { json: channel, text: () => `Added channel ${channel.handle}.` }
    },
  }),
  command({
    words: 'channel list',
    about: 'all channels, with their groups',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listChannels', { query: { ...query, search } }),
      )
      return { json: page, text: (look) => listText(page, columns, 'There are no channels.', look) }
    },
  }),
  command({
    words: 'channel show <handle>',
    about: 'one channel, and the devices it holds now',
    flags: listFlags,
    run: async ({ handle, ...range }, { client }) => {
      const { id } = await findChannel(client, handle)
      const channel = await client('showChannel', { params: { id } })
      const page = await listAll(range, (query) =>
        client('listDevicesOfChannel', { params: { id }, query }),
      )
      return {
        json: { ...channel, devices: page.items, nextCursor: page.nextCursor },
        text: (look) =>
          `${facts(
            [
              ['Channel', `${channel.handle} (${channel.name})`],
              ['Groups', channel.groups.map(({ handle }) => handle).join(', ')],
              ['Holds', countText(channel.deviceCount, 'device')],
              ['Added', timeText(channel.createdAt, look)],
            ],
            look,
          )}\n${page.items.map(({ name }) => name).join('\n')}`.trimEnd(),
      }
    },
  }),
  command({
    words: 'channel update <handle>',
    about: 'give a channel another handle, name or other groups',
    flags: {
      rename: text('--rename <handle>', 'its new handle'),
      name: text('--name <name>', 'its new name'),
      group: many('--group <handle...>', 'exactly these groups are in it from now on'),
      empty: yes('--empty', 'no group is in it from now on'),
    },
    run: async ({ handle, rename, name, group, empty }, { client }) => {
      const { id } = await findChannel(client, handle)
      const groupIds = empty ? [] : await groupIdsOf(client, group)
      const body = { handle: rename, name, groupIds }
      const channel = await client('changeChannel', { params: { id }, body })
      return { json: channel, text: () => `Changed channel ${channel.handle}.` }
    },
  }),
  command({
    words: 'channel remove <handle>',
    about: 'remove a channel; its groups stay',
    run: async ({ handle }, { client }) => {
      const { id } = await findChannel(client, handle)
      await client('removeChannel', { params: { id } })
      return { json: { id, handle }, text: () => `Removed channel ${handle}.` }
    },
  }),
]

const columns: readonly Column<Channel>[] = [
  { title: 'Channel', cell: ({ handle }) => handle },
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Groups', cell: ({ groups }) => groups.map(({ handle }) => handle).join(', ') },
]

/** The ids of the groups that were named, if any were. */
const groupIdsOf = async (
  client: Client,
  handles: readonly string[] | undefined,
): Promise<string[] | undefined> =>
  handles && Promise.all(handles.map(async (handle) => (await findGroup(client, handle)).id))
