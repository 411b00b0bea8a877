import { readFile } from 'node:fs/promises'
import type { Credential, CredentialDraft } from '@updraft/api/shapes'
import { command, seconds, text } from '../command.ts'
import { fileTrouble, WrongWords } from '../errors.ts'
import { findDevice } from '../lookup.ts'
import { type Column, facts, type Look, listText, timeText } from '../print.ts'

/** How to say what a device is to be known by. */
export const credentialFlags = {
  token: text('--token <token>', "the device's own token (default: made up)"),
  clientId: text('--client-id <id>', 'its client identifier over MQTT'),
  userName: text('--user-name <name>', 'its user name over MQTT'),
  password: text('--password <password>', 'the password that goes with these'),
  certificate: text('--certificate <file>', 'its certificate, as a PEM file'),
}

interface Said {
  readonly token?: string
  readonly clientId?: string
  readonly userName?: string
  readonly password?: string
  readonly certificate?: string
}

/** One for each kind that was named. */
export async function credentialsOf(said: Said): Promise<CredentialDraft[]> {
  const { token, clientId, userName, password, certificate } = said
  const drafts: CredentialDraft[] = []
  if (token !== undefined) drafts.push({ kind: 'token', token })
  if (clientId !== undefined || userName !== undefined) {
    drafts.push({ kind: 'mqtt-basic', clientId, userName, password })
  } else if (password !== undefined) {
    throw new WrongWords('A --password goes with a --client-id or a --user-name.')
  }
  if (certificate !== undefined) {
    const pem = await readFile(certificate, 'utf8').catch((error) =>
      fileTrouble(certificate, error),
    )
    drafts.push({ kind: 'x509', certificate: pem })
  }
  return drafts
}

export const tokenText = (token: string, look: Look): string =>
  `${facts([['Token', token]], look)}\nIt is not shown again.`

export const credentialCommands = [
  command({
    words: 'device credential list <name>',
    about: 'what a device is known by; no secrets',
    run: async ({ name }, { client }) => {
      const { id } = await findDevice(client, name)
      const page = await client('listCredentials', { params: { id } })
      return {
        json: page,
        text: (look) => listText(page, columns(look), 'Nobody is let in as this device.', look),
      }
    },
  }),
  command({
    words: 'device credential add <name>',
    about: 'give a device a further credential; what it has stays good until it is removed',
    flags: {
      ...credentialFlags,
      keepOthers: seconds(
        '--keep-others <seconds>',
        'how long its others of that kind are good; 0: no longer (default: until they are removed)',
      ),
    },
    examples: [
      'updraft device credential add sensor-1',
      'updraft device credential add sensor-1 --keep-others 86400',
      'updraft device credential add sensor-1 --client-id s1 --user-name s1 --password 6f1e…',
      'updraft device credential add sensor-1 --certificate sensor-1.pem',
    ],
    run: async ({ name, keepOthers, ...said }, { client }) => {
      const drafts = await credentialsOf(said)
      if (drafts.length > 1) throw new WrongWords('Name one credential at a time.')
      const [credential = { kind: 'token' as const }] = drafts
      const { id } = await findDevice(client, name)
      const added = await client('addCredential', {
        params: { id },
        body: { credential, keepOthersForSeconds: keepOthers },
      })
      return {
        json: added,
        text: (look) => {
          const sentence = `Device ${name} has a new ${KINDS[added.kind]}.`
          return added.token === null ? sentence : `${sentence}\n${tokenText(added.token, look)}`
        },
      }
    },
  }),
  command({
    words: 'device credential remove <name> <credential>',
    about: 'take a credential back, by its id; connections that were opened with it end',
    flags: { keepFor: seconds('--keep-for <seconds>', 'how long it is still good (default: 0)') },
    run: async ({ name, credential, keepFor }, { client }) => {
      const { id } = await findDevice(client, name)
      await client('removeCredential', {
        params: { id, credentialId: credential },
        query: { keepForSeconds: keepFor },
      })
      const sentence = keepFor
        ? `The credential ends in ${keepFor} seconds.`
        : `Device ${name} is no longer known by that.`
      return { json: { id, name, credential }, text: () => sentence }
    },
  }),
]

const KINDS: Readonly<Record<Credential['kind'], string>> = {
  token: 'token',
  'mqtt-basic': 'client identifier or user name',
  x509: 'certificate',
}

const columns = (look: Look): readonly Column<Credential>[] => [
  { title: 'Id', cell: ({ id }) => id },
  { title: 'Kind', cell: ({ kind }) => kind },
  { title: 'Known by', cell: knownBy },
  { title: 'Used since', cell: ({ firstUsedAt }) => timeText(firstUsedAt, look) ?? 'never' },
  { title: 'Ends', cell: ({ expiresAt }) => timeText(expiresAt, look) ?? '' },
]

const knownBy = ({ clientId, userName, hasPassword, certificate }: Credential): string =>
  [
    clientId === null ? [] : `client id ${clientId}`,
    userName === null ? [] : `user name ${userName}`,
    hasPassword ? 'a password' : [],
    certificate ? `${certificate.subject}, until ${certificate.validTo.slice(0, 10)}` : [],
  ]
    .flat()
    .join(', ')
