import type { Client } from '@updraft/api/client'
import type { SystemModel } from '@updraft/api/shapes'
import { command, listFlags, many, neededMany, text, yes } from '../command.ts'
import { WrongWords } from '../errors.ts'
import { findHardwareType, findProfile, findSystemModel, listAll } from '../lookup.ts'
import { type Column, countText, facts, listText, timeText } from '../print.ts'

export const modelCommands = [
  command({
    words: 'model add <handle>',
    about: 'add a system model: what part numbers say a device is, and the profile it gets',
    flags: {
      name: text('--name <name>', 'what people call it (default: the handle)'),
      partNumber: neededMany('--part-number <number...>', 'its part numbers'),
      hardware: text('--hardware <handle>', 'its hardware type, for ever'),
      profile: text('--profile <name>', 'for its devices that are added without one'),
    },
    examples: ['updraft model add gateway-2 --part-number G-200 --profile Gateway'],
    run: async (
      { handle, name = handle, partNumber: partNumbers, hardware, profile },
      { client },
    ) => {
      const hardwareTypeId =
        hardware === undefined ? undefined : (await findHardwareType(client, hardware)).id
      const profileId = await profileIdOf(client, profile)
      const model = await client('createSystemModel', {
        body: { handle, name, partNumbers, hardwareTypeId, profileId },
      })
      return { json: model, text: () => `Added system model ${model.handle}.` }
    },
  }),
  command({
    words: 'model list',
    about: 'all system models, with their part numbers and profiles',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listSystemModels', { query: { ...query, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns, 'There are no system models.', look),
      }
    },
  }),
  command({
    words: 'model show <handle>',
    about: 'one system model, and how many devices are of it',
    run: async ({ handle }, { client }) => {
      const { id } = await findSystemModel(client, handle)
      const model = await client('showSystemModel', { params: { id } })
      return {
        json: model,
        text: (look) =>
          facts(
            [
              ['Model', `${model.handle} (${model.name})`],
              ['Part numbers', model.partNumbers.join(', ')],
              ['Hardware', model.hardwareType?.handle ?? null],
              ['Profile', model.profile?.name ?? null],
              ['Holds', countText(model.deviceCount, 'device')],
              ['Added', timeText(model.createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'model update <handle>',
    about: 'give a system model another handle, name, profile or other part numbers',
    flags: {
      rename: text('--rename <handle>', 'its new handle'),
      name: text('--name <name>', 'its new name'),
      partNumber: many('--part-number <number...>', 'exactly these are its own from now on'),
      profile: text('--profile <name>', 'for its devices that are added without one'),
      withoutProfile: yes('--without-profile', 'its devices get no profile any more'),
    },
    run: async (
      { handle, rename, name, partNumber: partNumbers, profile, withoutProfile },
      { client },
    ) => {
      if (profile !== undefined && withoutProfile) {
        throw new WrongWords('Either --profile or --without-profile.')
      }
      const { id } = await findSystemModel(client, handle)
      const profileId = withoutProfile ? null : await profileIdOf(client, profile)
      const body = { handle: rename, name, partNumbers, profileId }
      const model = await client('changeSystemModel', { params: { id }, body })
      return { json: model, text: () => `Changed system model ${model.handle}.` }
    },
  }),
  command({
    words: 'model remove <handle>',
    about: 'remove a system model; its devices stay as they are',
    run: async ({ handle }, { client }) => {
      const { id } = await findSystemModel(client, handle)
      await client('removeSystemModel', { params: { id } })
      return { json: { id, handle }, text: () => `Removed system model ${handle}.` }
    },
  }),
]

const columns: readonly Column<SystemModel>[] = [
  { title: 'Model', cell: ({ handle }) => handle },
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Profile', cell: ({ profile }) => profile?.name ?? '' },
  { title: 'Hardware', cell: ({ hardwareType }) => hardwareType?.handle ?? '' },
  { title: 'Part numbers', cell: ({ partNumbers }) => partNumbers.join(', ') },
]

const profileIdOf = async (
  client: Client,
  name: string | undefined,
): Promise<string | undefined> =>
  name === undefined ? undefined : (await findProfile(client, name)).id
