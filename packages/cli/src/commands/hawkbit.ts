import { readFile, stat } from 'node:fs/promises'
import type { HawkbitSettings } from '@updraft/api/shapes'
import { CLIENT_KINDS, PROOFS_OF_LIFE } from '@updraft/core'
import { command, many, oneOf, seconds, text } from '../command.ts'
import { findDevice, findProfile } from '../lookup.ts'
import { facts, type Look } from '../print.ts'

const ON_OFF = ['on', 'off'] as const

export const hawkbitCommands = [
  command({
    words: 'hawkbit set <profile>',
    about: "what holds for devices of a profile that speak hawkBit's language; the rest stays",
    flags: {
      client: oneOf('--client <kind>', 'what they run; auto: each is known by what it says', [
        ...CLIENT_KINDS,
        'auto',
      ]),
      confirmedBy: oneOf(
        '--confirmed-by <sign>',
        'when an update has come to stay; auto: as is usual for the client',
        [...PROOFS_OF_LIFE, 'auto'],
      ),
      versionAttribute: text(
        '--version-attribute <name>',
        'the attribute that tells what version a device runs; none for none',
      ),
      versionType: text('--version-type <type>', 'the component whose version that is'),
      confirmation: oneOf('--confirmation <on|off>', 'somebody at the device is asked', ON_OFF),
      handling: oneOf('--handling <how>', 'attempt: devices update when they like', [
        'forced',
        'attempt',
      ]),
      chunks: oneOf('--chunks <one|several>', 'releases at a time, for no known kind of client', [
        'one',
        'several',
      ]),
      poll: seconds('--poll <seconds>', 'how often they come; 0 as the server has it'),
      targetToken: oneOf('--target-token <on|off>', 'they come in with their own tokens', ON_OFF),
      gatewayToken: oneOf(
        '--gateway-token <on|off>',
        "the profile's provisioning key lets in as any of its devices",
        ON_OFF,
      ),
      authority: many(
        '--authority <fingerprint|file...>',
        'authorities that vouch for devices: a PEM file, a fingerprint, or what a trusted proxy says; none for none',
      ),
    },
    examples: [
      'updraft hawkbit set Gateway --client swupdate',
      'updraft hawkbit set Gateway --authority makers-ca.pem',
      'updraft hawkbit set Gateway --client rauc --confirmed-by version-attribute --version-attribute version',
    ],
    run: async ({ profile, ...said }, { client }) => {
      const { id } = await findProfile(client, profile)
      const settings = await client('changeHawkbitSettings', {
        params: { id },
        body: {
          client: said.client === 'auto' ? null : said.client,
          confirmedBy: said.confirmedBy === 'auto' ? null : said.confirmedBy,
          versionAttribute: said.versionAttribute === 'none' ? null : said.versionAttribute,
          versionType: said.versionType,
          needsConfirmation: isOn(said.confirmation),
          handling: said.handling,
          severalChunks: said.chunks && said.chunks === 'several',
          pollSeconds: said.poll === 0 ? null : said.poll,
          targetToken: isOn(said.targetToken),
          gatewayToken: isOn(said.gatewayToken),
          authorities:
            said.authority &&
            (await Promise.all(
              said.authority.filter((each) => each !== 'none').map(fingerprintOrCertificate),
            )),
        },
      })
      return { json: settings, text: (look) => settingsText(settings, look) }
    },
  }),
  command({
    words: 'hawkbit show <profile>',
    about: 'the same, as it is',
    run: async ({ profile }, { client }) => {
      const { id } = await findProfile(client, profile)
      const settings = await client('showHawkbitSettings', { params: { id } })
      return { json: settings, text: (look) => settingsText(settings, look) }
    },
  }),
  command({
    words: 'hawkbit ask <name>',
    about: 'have a device tell its attributes anew when it comes',
    run: async ({ name }, { client }) => {
      const { id } = await findDevice(client, name)
      await client('askForAttributes', { params: { id } })
      return { json: { id, name }, text: () => `Asked ${name} for its attributes, when it comes.` }
    },
  }),
]

/** What stands in a file of that name, where there is one. */
const fingerprintOrCertificate = async (text: string): Promise<string> =>
  (await stat(text).catch(() => null))?.isFile() ? readFile(text, 'utf8') : text

const isOn = (word: 'on' | 'off' | undefined): boolean | undefined => word && word === 'on'

const authoritiesText = ({ authorities, knownAuthorities }: HawkbitSettings): string | null =>
  authorities
    .map((each) => {
      const known = knownAuthorities.find(({ fingerprint }) => fingerprint === each)
      return known ? `${each} (${known.subject}, until ${known.validTo.slice(0, 10)})` : each
    })
    .join(', ') || null

const settingsText = (settings: HawkbitSettings, look: Look): string => {
  const { client, confirmedBy, versionAttribute, versionType, pollSeconds } = settings
  return facts(
    [
      ['Client', client ?? 'by what each says'],
      ['Releases', settings.severalChunks ? 'several at a time' : 'as many as the client takes'],
      ['Confirmed by', confirmedBy ?? 'as is usual for the client'],
      ['Version', versionAttribute && `${versionAttribute} of ${versionType}`],
      ['Confirmation', settings.needsConfirmation ? 'asked for at the device' : 'none'],
      ['Handling', settings.handling],
      ['Polls', pollSeconds === null ? 'as the server has it' : `every ${pollSeconds} s`],
      ['Own tokens', settings.targetToken ? 'yes' : 'no'],
      ['Gateway token', settings.gatewayToken ? 'yes' : 'no'],
      ['Authorities', authoritiesText(settings)],
    ],
    look,
  )
}
