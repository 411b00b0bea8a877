import type { Profile } from '@updraft/api/shapes'
import { PROVISIONING_STRATEGIES, type ProvisioningStrategy } from '@updraft/core'
import { command, oneOf, text, yes } from '../command.ts'
import { findProfile } from '../lookup.ts'
import { facts, type Look } from '../print.ts'

export const provisioningCommands = [
  command({
    words: 'profile provisioning enable <name>',
    about: 'let devices enrol themselves with a key and a secret; those of before are good no more',
    flags: {
      strategy: oneOf(
        '--strategy <strategy>',
        'create-new: devices that are not known are added (the default); check-pre-provisioned: those that were added enrol, once each',
        PROVISIONING_STRATEGIES,
      ),
      key: text('--key <key>', 'the key that stands in the firmware already (default: made up)'),
      secret: text('--secret <secret>', 'the secret that goes with it (default: made up)'),
      claimAtOnce: yes(
        '--claim-at-once',
        'devices that register with the key alone (Ioto) need not wait to be claimed',
      ),
    },
    examples: [
      'updraft profile provisioning enable Sensor',
      'updraft profile provisioning enable Sensor --strategy check-pre-provisioned',
    ],
    run: async ({ name, strategy, key, secret, claimAtOnce }, { client }) => {
      const { id } = await findProfile(client, name)
      const made = await client('enableProvisioning', {
        params: { id },
        body: { strategy, key, secret, claimsAtOnce: claimAtOnce },
      })
      return {
        json: made,
        text: (look) =>
          `${strategyText(made.strategy)}\n${keyText(made, look)}\nThe secret is not shown again.`,
      }
    },
  }),
  command({
    words: 'profile provisioning disable <name>',
    about: 'no more devices may enrol themselves; those that did stay',
    run: async ({ name }, { client }) => {
      const { id } = await findProfile(client, name)
      await client('disableProvisioning', { params: { id } })
      return { json: { id, name }, text: () => 'No more devices may enrol themselves.' }
    },
  }),
  command({
    words: 'profile provisioning show <name>',
    about: 'whether devices may enrol themselves, and by which key',
    run: async ({ name }, { client }) => {
      const { provisioning } = await findProfile(client, name)
      return {
        json: provisioning,
        text: (look) =>
          provisioning
            ? `${enrolmentText(provisioning)}\n${keyText(provisioning, look)}`
            : enrolmentText(null),
      }
    },
  }),
]

export const enrolmentText = (provisioning: Profile['provisioning']): string =>
  provisioning ? strategyText(provisioning.strategy) : 'Devices may not enrol themselves.'

const strategyText = (strategy: ProvisioningStrategy): string =>
  ({
    'create-new': 'Devices that are not known may enrol themselves.',
    'check-pre-provisioned': 'Devices that were added may enrol themselves, once each.',
  })[strategy]

const keyText = (
  { key, secret = null }: { key: string; secret?: string | null },
  look: Look,
): string =>
  facts(
    [
      ['Key', key],
      ['Secret', secret],
    ],
    look,
  )
