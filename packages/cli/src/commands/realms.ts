import { readFile } from 'node:fs/promises'
import type { Realm, RealmKey } from '@updraft/api/shapes'
import { command, count, needed, text } from '../command.ts'
import { fileTrouble } from '../errors.ts'
import { findDevice, findProfile } from '../lookup.ts'
import { countText, facts, type Look, listText, timeText } from '../print.ts'
import { tokenText } from './credentials.ts'

export const realmCommands = [
  command({
    words: 'realm set [name]',
    about: 'make the realm in which devices of Astarte are paired, or change it',
    flags: { profile: text('--profile <name>', 'the profile of devices that register themselves') },
    examples: ['updraft realm set fleet --profile Gateway', 'updraft realm set --profile Sensor'],
    run: async ({ name, profile }, { client }) => {
      const profileId = profile === undefined ? undefined : (await findProfile(client, profile)).id
      const realm = await client('setRealm', { body: { name, profileId } })
      const sentence = `Devices are paired in realm ${realm.name}; new ones get profile ${realm.profile}.`
      return { json: realm, text: () => sentence }
    },
  }),
  command({
    words: 'realm show',
    about: 'the realm, and how many devices are paired in it',
    run: async (_said, { client }) => {
      const realm = await client('showRealm', {})
      return { json: realm, text: (look) => realmText(realm, look) }
    },
  }),
  command({
    words: 'realm remove',
    about: 'remove the realm and its keys; refused while devices are paired',
    run: async (_said, { client }) => {
      await client('removeRealm', {})
      return { json: {}, text: () => 'Removed the realm.' }
    },
  }),
  command({
    words: 'realm token',
    about: 'make a token by which agents register devices, shown this once and kept nowhere',
    flags: {
      profile: text('--profile <name>', 'of the devices it registers (default: that of the realm)'),
      days: count('--days <days>', 'how long it is good (default: 365)'),
    },
    examples: ['updraft realm token --profile Gateway --days 30'],
    run: async ({ profile, days }, { client }) => {
      const made = await client('createAgentToken', { body: { profile, days } })
      return {
        json: made,
        text: (look) => {
          const until = timeText(made.expiresAt, look)
          return `Made a token for agents; it is good until ${until}.\n${tokenText(made.token, look)}`
        },
      }
    },
  }),
  command({
    words: 'realm key rotate',
    about: 'give the realm a new key; tokens made with the one before are good no more',
    run: async (_said, { client }) => {
      const realm = await client('rotateRealmKey', {})
      const sentence = `Realm ${realm.name} has a new key; tokens made before are good no more.`
      return { json: realm, text: () => sentence }
    },
  }),
  command({
    words: 'realm key add <name>',
    about: 'have tokens be good that are signed with a key of yours, as of an Astarte elsewhere',
    flags: { file: needed('--file <file>', 'its public key, as a PEM file') },
    examples: ['updraft realm key add old-cluster --file realm-public.pem'],
    run: async ({ name, file }, { client }) => {
      const publicKey = await readFile(file, 'utf8').catch((error) => fileTrouble(file, error))
      const key = await client('addRealmKey', { body: { name, publicKey } })
      return { json: key, text: () => `Tokens signed with key ${name} are good now.` }
    },
  }),
  command({
    words: 'realm key list',
    about: 'the further keys with which tokens may be signed',
    run: async (_said, { client }) => {
      const page = await client('listRealmKeys', {})
      return {
        json: page,
        text: (look) =>
          listText(
            page,
            [
              { title: 'Key', cell: ({ name }: RealmKey) => name },
              { title: 'Added', cell: ({ createdAt }) => timeText(createdAt, look) },
              { title: 'Id', cell: ({ id }) => id },
            ],
            'The realm has no key but its own.',
            look,
          ),
      }
    },
  }),
  command({
    words: 'realm key remove <id>',
    about: 'remove a key; tokens signed with it are good no more',
    run: async ({ id }, { client }) => {
      await client('removeRealmKey', { params: { id } })
      return { json: { id }, text: () => 'Removed the key.' }
    },
  }),
  command({
    words: 'realm authority',
    about: 'the certificate of the authority that signs those of devices, in PEM',
    run: async (_said, { client }) => {
      const authority = await client('showDeviceAuthority', {})
      return { json: authority, text: () => authority.certificate.trimEnd() }
    },
  }),
  command({
    words: 'realm register <device> <id>',
    about:
      "pair a device under an id of Astarte's and show its credentials secret this once; what it had is void",
    examples: ['updraft realm register sensor-1 ABEiM0RVZneImaq7zN3u_w'],
    run: async ({ device: name, id: astarteId }, { client }) => {
      const { id } = await findDevice(client, name)
      const made = await client('pairDevice', { params: { id }, body: { astarteId } })
      return {
        json: made,
        text: (look) =>
          [
            `Paired device ${name} as ${made.astarteId}.`,
            facts([['Credentials secret', made.credentialsSecret]], look),
            'It is not shown again.',
          ].join('\n'),
      }
    },
  }),
  command({
    words: 'realm unregister <device>',
    about: 'take the credentials of a paired device back; it may register again',
    run: async ({ device: name }, { client }) => {
      const { id } = await findDevice(client, name)
      const pairing = await client('unpairDevice', { params: { id } })
      return { json: pairing, text: () => `Device ${name} may register again.` }
    },
  }),
  command({
    words: 'realm inhibit <device>',
    about: 'keep a paired device outside',
    run: async ({ device: name }, { client }) => {
      const { id } = await findDevice(client, name)
      const pairing = await client('changePairing', { params: { id }, body: { isInhibited: true } })
      return { json: pairing, text: () => `Device ${name} is kept outside.` }
    },
  }),
  command({
    words: 'realm allow <device>',
    about: 'let a device in again that was kept outside',
    run: async ({ device: name }, { client }) => {
      const { id } = await findDevice(client, name)
      const body = { isInhibited: false }
      const pairing = await client('changePairing', { params: { id }, body })
      return { json: pairing, text: () => `Device ${name} may come in again.` }
    },
  }),
]

const realmText = (realm: Realm, look: Look): string =>
  `${facts(
    [
      ['Realm', realm.name],
      ['Profile', realm.profile],
      ['Paired', countText(realm.deviceCount, 'device')],
      ['Key made', timeText(realm.keyMadeAt, look)],
      ['Added', timeText(realm.createdAt, look)],
    ],
    look,
  )}\n${realm.publicKey.trimEnd()}`
