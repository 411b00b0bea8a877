import type { Client } from '@updraft/api/client'
import type { WaitingDevice } from '@updraft/api/shapes'
import { command, listFlags, many, text } from '../command.ts'
import { Refusal } from '../errors.ts'
import { findCustomer, findDevice, listAll } from '../lookup.ts'
import { type Column, countText, listText, timeText } from '../print.ts'
import { cloudIdOf } from './clouds.ts'

const profileFlag = text('--profile <name>', 'of this profile')

export const registrationCommands = [
  command({
    words: 'device waiting',
    about: 'devices that registered by themselves and wait to be claimed',
    flags: {
      profile: profileFlag,
      search: text('--search <text>', 'text within what they call themselves'),
      ...listFlags,
    },
    run: async ({ profile, search, ...range }, { client }) => {
      const page = await listAll(range, (query) =>
        client('listWaitingDevices', { query: { ...query, profile, search } }),
      )
      return {
        json: page,
        text: (look) => {
          const columns: readonly Column<WaitingDevice>[] = [
            { title: 'Calls itself', cell: ({ saidId }) => saidId },
            { title: 'Profile', cell: (waiting) => waiting.profile },
            { title: 'Cloud', cell: ({ cloud }) => cloud },
            { title: 'Version', cell: ({ version }) => version },
            { title: 'Times', cell: ({ times }) => String(times), isNumber: true },
            { title: 'Last seen', cell: ({ lastSeenAt }) => timeText(lastSeenAt, look) },
          ]
          return listText(page, columns, 'No device waits to be claimed.', look)
        },
      }
    },
  }),
  command({
    words: 'device claim-waiting <id...>',
    about: 'make devices of those that wait, by what they call themselves',
    flags: {
      profile: profileFlag,
      name: text('--name <name>', 'what it is called here, for one only (default: as it says)'),
      cloud: text('--cloud <name>', 'the cloud that serves them (default: the one they came by)'),
      customer: text('--customer <name>', 'who owns them (default: the tenant itself)'),
      label: many('--label <label...>', 'labels to find them by'),
    },
    examples: ['updraft device claim-waiting DEV0000001 --cloud europe'],
    run: async ({ id, profile, name, cloud, customer, label }, { client }) => {
      const cloudId = await cloudIdOf(client, cloud)
      const customerId =
        customer === undefined ? undefined : (await findCustomer(client, customer)).id
      const ids = await Promise.all(id.map((each) => waitingId(client, each, profile)))
      const made = await client('claimWaitingDevices', {
        body: { ids, name, cloudId, customerId, labels: label },
      })
      return {
        json: made,
        text: () => `Claimed ${made.items.map((each) => each.name).join(', ')}.`,
      }
    },
  }),
  command({
    words: 'device re-enrol <name...>',
    about: 'have devices that registered by themselves do so anew, with a new token',
    flags: {
      cloud: text('--cloud <name>', 'the cloud that serves them then (default: as before)'),
    },
    examples: ['updraft device re-enrol DEV0000001 DEV0000002 --cloud europe'],
    run: async ({ name, cloud }, { client }) => {
      const cloudId = await cloudIdOf(client, cloud)
      const found = await Promise.all(name.map((each) => findDevice(client, each)))
      const body = { deviceIds: found.map(({ id }) => id), cloudId }
      const { devices } = await client('reEnrolDevices', { body })
      return {
        json: { devices },
        text: () => `${countText(devices, 'device')} will register anew at the next check.`,
      }
    },
  }),
]

async function waitingId(client: Client, saidId: string, profile?: string): Promise<string> {
  const { items } = await client('listWaitingDevices', { query: { search: saidId, profile } })
  const [one, another] = items.filter((waiting) => waiting.saidId === saidId)
  const hint = 'updraft device waiting'
  if (!one) {
    const message = `No device waits that calls itself "${saidId}".`
    throw new Refusal({ code: 'registration.unknown', message, hint })
  }
  if (another) {
    const message = `Several devices call themselves "${saidId}"; say which with --profile.`
    throw new Refusal({ code: 'registration.ambiguous', message, hint })
  }
  return one.id
}
