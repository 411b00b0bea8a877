import type { Profile } from '@updraft/api/shapes'
import { command, listFlags, text } from '../command.ts'
import { findProfile, listAll } from '../lookup.ts'
import { type Column, facts, listText, nameOf, timeText } from '../print.ts'
import { enrolmentText } from './provisioning.ts'

export const profileCommands = [
  command({
    words: 'profile add <name>',
    about: 'add a profile: a kind of device that takes the same packages',
    flags: { description: text('--description <text>', 'what it is') },
    examples: ['updraft profile add Sensor'],
    run: async ({ name, description }, { client }) => {
      const profile = await client('createProfile', { body: { name, description } })
      return { json: profile, text: () => `Added profile ${profile.name}.` }
    },
  }),
  command({
    words: 'profile list',
    about: 'all profiles with what they are assigned',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listProfiles', { query: { ...query, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns, 'There are no profiles.', look),
      }
    },
  }),
  command({
    words: 'profile show <name>',
    about: 'one profile',
    run: async ({ name }, { client }) => {
      const profile = await findProfile(client, name)
      return {
        json: profile,
        text: (look) =>
          facts(
            [
              ['Profile', profile.name],
              ['Description', profile.description],
              ['Devices', profile.deviceCount.toLocaleString('en')],
              ['Assigned', assignedText(profile) || 'nothing'],
              ['Enrolment', profile.provisioning && enrolmentText(profile.provisioning)],
              ['Added', timeText(profile.createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'profile remove <name>',
    about: 'remove a profile; refused while devices or packages use it',
    run: async ({ name }, { client }) => {
      const { id } = await findProfile(client, name)
      await client('removeProfile', { params: { id } })
      return { json: { id, name }, text: () => `Removed profile ${name}.` }
    },
  }),
]

const assignedText = ({ assignments }: Profile): string =>
  Object.entries(assignments)
    .map(([type, release]) => `${nameOf(release)} (${type})`)
    .join(', ')

const columns: readonly Column<Profile>[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Devices', cell: ({ deviceCount }) => deviceCount.toLocaleString('en'), isNumber: true },
  { title: 'Assigned', cell: assignedText },
]
