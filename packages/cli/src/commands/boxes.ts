import type { BoxServer } from '@updraft/api/shapes'
import { command, needed } from '../command.ts'
import { findDevice, findProfile } from '../lookup.ts'
import { facts, type Look } from '../print.ts'
import { boxFormCommand } from './box-form.ts'

export const boxCommands = [
  command({
    words: 'box set <profile>',
    about: 'where boxes of a profile reach this server, and which series of code they follow',
    flags: {
      url: needed('--url <url>', 'scheme and host, as boxes reach it'),
      series: needed('--series <series>', '17.0, saas~17.4 or master'),
    },
    examples: ['updraft box set Kassa --url https://boxes.example --series 17.0'],
    run: async ({ profile, url, series }, { client }) => {
      const { id } = await findProfile(client, profile)
      const server = await client('setBoxServer', { params: { id }, body: { url, series } })
      return { json: server, text: (look) => serverText(server, look) }
    },
  }),
  command({
    words: 'box show <profile>',
    about: 'the same, and the tokens to paste into a box so that it comes here',
    run: async ({ profile }, { client }) => {
      const { id } = await findProfile(client, profile)
      const server = await client('showBoxServer', { params: { id } })
      return { json: server, text: (look) => serverText(server, look) }
    },
  }),
  command({
    words: 'box remove <profile>',
    about: 'tell boxes of the profile no series any more; they keep the code they have',
    run: async ({ profile }, { client }) => {
      const { id } = await findProfile(client, profile)
      await client('removeBoxServer', { params: { id } })
      return {
        json: { id, profile },
        text: () => `Boxes of ${profile} are told no series any more.`,
      }
    },
  }),
  command({
    words: 'box restart <name>',
    about: 'have a box restart and fetch its handlers; one that is away does so when it comes',
    run: async ({ name }, { client }) => {
      const { id } = await findDevice(client, name)
      await client('restartBox', { params: { id } })
      return { json: { id, name }, text: () => `Asked ${name} to restart.` }
    },
  }),
  command({
    words: 'box load-handlers <name>',
    about: 'have a box load its handlers, as if somebody pressed the button on its page',
    run: async ({ name }, { client }) => {
      const { id } = await findDevice(client, name)
      await client('loadHandlers', { params: { id } })
      return { json: { id, name }, text: () => `Asked ${name} to load its handlers.` }
    },
  }),
  boxFormCommand,
]

const serverText = ({ url, series, tokens }: BoxServer, look: Look): string =>
  facts(
    [
      ['Server', url],
      ['Series', series],
      ['Token', tokens?.url ?? 'none: enable enrolment into the profile first'],
      ['Before 18.0', tokens?.pipes ?? null],
    ],
    look,
  )
