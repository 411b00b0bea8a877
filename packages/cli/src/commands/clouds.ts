import type { Client } from '@updraft/api/client'
import type { Cloud, CloudToken } from '@updraft/api/shapes'
import { command, listFlags, text } from '../command.ts'
import { findCloud, findDevice, listAll } from '../lookup.ts'
import { type Column, countText, facts, listText, timeText } from '../print.ts'
import { tokenText } from './credentials.ts'

const settingFlags = {
  url: text('--url <url>', 'what its devices are told of the server; "" for what all are told'),
  store: text('--store <name>', 'the artifact store they fetch from; "" for the default one'),
  region: text('--region <region>', 'a word for people; "" for none'),
}
/** What is not said stays undefined; an empty word takes the setting away. */
const settingsOf = ({ url, store, region }: { url?: string; store?: string; region?: string }) => ({
  publicUrl: url === '' ? null : url,
  artifactStore: store === '' ? null : store,
  region: region === '' ? null : region,
})

export const cloudCommands = [
  command({
    words: 'cloud add <name>',
    about: 'add a cloud: where a set of devices is served from',
    flags: settingFlags,
    examples: ['updraft cloud add europe --url https://eu.updates.example --store eu'],
    run: async ({ name, ...said }, { client }) => {
      const cloud = await client('createCloud', { body: { name, ...settingsOf(said) } })
      return { json: cloud, text: () => `Added cloud ${cloud.name}.` }
    },
  }),
  command({
    words: 'cloud list',
    about: 'all clouds, with how many devices each serves',
    flags: { search: text('--search <text>', 'text within names'), ...listFlags },
    run: async ({ search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listClouds', { query: { ...query, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, columns, 'There are no clouds.', look),
      }
    },
  }),
  command({
    words: 'cloud show <name>',
    about: 'one cloud, and how many devices it serves',
    run: async ({ name }, { client }) => {
      const cloud = await findCloud(client, name)
      return {
        json: cloud,
        text: (look) =>
          facts(
            [
              ['Cloud', cloud.name],
              ['URL', cloud.publicUrl],
              ['Artifact store', cloud.artifactStore],
              ['Region', cloud.region],
              ['Serves', countText(cloud.deviceCount, 'device')],
              ['Added', timeText(cloud.createdAt, look)],
            ],
            look,
          ),
      }
    },
  }),
  command({
    words: 'cloud update <name>',
    about: 'give a cloud another name, URL, artifact store or region',
    flags: { rename: text('--rename <name>', 'its new name'), ...settingFlags },
    run: async ({ name, rename, ...said }, { client }) => {
      const { id } = await findCloud(client, name)
      const body = { name: rename, ...settingsOf(said) }
      const cloud = await client('changeCloud', { params: { id }, body })
      return { json: cloud, text: () => `Changed cloud ${cloud.name}.` }
    },
  }),
  command({
    words: 'cloud remove <name>',
    about: 'remove a cloud and its tokens; refused while devices are of it or a policy is for it',
    run: async ({ name }, { client }) => {
      const { id } = await findCloud(client, name)
      await client('removeCloud', { params: { id } })
      return { json: { id, name }, text: () => `Removed cloud ${name}.` }
    },
  }),
  command({
    words: 'cloud token create <name>',
    about: 'make a token by which devices of the cloud come in, shown this once',
    run: async ({ name }, { client }) => {
      const { id } = await findCloud(client, name)
      const made = await client('createCloudToken', { params: { id } })
      return {
        json: made,
        text: (look) => `Made a token of cloud ${name}.\n${tokenText(made.token, look)}`,
      }
    },
  }),
  command({
    words: 'cloud token list <name>',
    about: 'the tokens of a cloud, without their secrets',
    run: async ({ name }, { client }) => {
      const { id } = await findCloud(client, name)
      const page = await client('listCloudTokens', { params: { id } })
      return {
        json: page,
        text: (look) =>
          listText(
            page,
            [
              { title: 'Token', cell: (token: CloudToken) => token.id },
              { title: 'Made', cell: ({ createdAt }) => timeText(createdAt, look) },
            ],
            'The cloud has no tokens.',
            look,
          ),
      }
    },
  }),
  command({
    words: 'cloud token revoke <name> <id>',
    about: 'revoke a token of a cloud',
    run: async ({ name, id: tokenId }, { client }) => {
      const { id } = await findCloud(client, name)
      await client('revokeCloudToken', { params: { id, tokenId } })
      return { json: { id: tokenId }, text: () => `Revoked the token of cloud ${name}.` }
    },
  }),
  command({
    words: 'device cloud <name> [cloud]',
    about: 'say which cloud serves a device; without one, none does in particular',
    examples: ['updraft device cloud lamp-1 europe'],
    run: async ({ name, cloud }, { client }) => {
      const { id } = await findDevice(client, name)
      const cloudId = (await cloudIdOf(client, cloud)) ?? null
      const device = await client('changeDevice', { params: { id }, body: { cloudId } })
      const by = device.cloud === null ? 'no cloud of its own' : `cloud ${device.cloud}`
      return { json: device, text: () => `Device ${name} is served by ${by} now.` }
    },
  }),
]

/** The id of the cloud that was named, if one was. */
export const cloudIdOf = async (
  client: Client,
  name: string | undefined,
): Promise<string | undefined> =>
  name === undefined ? undefined : (await findCloud(client, name)).id

const columns: readonly Column<Cloud>[] = [
  { title: 'Cloud', cell: ({ name }) => name },
  { title: 'URL', cell: ({ publicUrl }) => publicUrl },
  { title: 'Store', cell: ({ artifactStore }) => artifactStore },
  { title: 'Region', cell: ({ region }) => region },
  { title: 'Devices', cell: ({ deviceCount }) => String(deviceCount), isNumber: true },
]
