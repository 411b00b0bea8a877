import { open } from 'node:fs/promises'
import { csvLine } from '@updraft/api/csv'
import type { Device, LogLine } from '@updraft/api/shapes'
import { LOG_LEVELS } from '@updraft/core'
import { command, count, listFlags, many, oneOf, seconds, state, text } from '../command.ts'
import { type Imported, importFile } from '../device-import.ts'
import { deviceText, withHistory, withPairing } from '../device-view.ts'
import { fileTrouble, Refusal, WrongWords } from '../errors.ts'
import { customerIdOf, findDevice, listAll } from '../lookup.ts'
import {
  type Column,
  countText,
  deviceCell,
  type Look,
  listText,
  runsText,
  timeText,
} from '../print.ts'
import { cloudIdOf } from './clouds.ts'
import { credentialFlags, credentialsOf, tokenText } from './credentials.ts'
import { historyFlag } from './status.ts'

/** So many are asked for without a number. */
const LINES_SHOWN = 100

export const deviceFilters = {
  profile: text('--profile <name>', 'of this profile'),
  state: state('--state <state>', 'whose newest update is in this state'),
  customer: text('--customer <name>', 'that this customer owns'),
  cloud: text('--cloud <name>', 'that this cloud serves'),
  label: text('--label <label>', 'with this label'),
  search: text('--search <text>', 'text within names'),
  filter: text('--filter <expression>', 'for which this expression holds'),
}

export const deviceCommands = [
  command({
    words: 'device add <name>',
    about:
      'add a device; a token is made up unless it is to be known by something else, and shown this once',
    flags: {
      profile: text('--profile <name>', 'its profile (default: that of its system model)'),
      partNumber: text('--part-number <number>', 'says its system model'),
      ...credentialFlags,
      customer: text('--customer <name>', 'who owns it (default: the tenant itself)'),
      cloud: text('--cloud <name>', 'the cloud that serves it (default: none)'),
      label: many('--label <label...>', 'labels to find it by'),
    },
    examples: [
      'updraft device add sensor-1 --profile Sensor',
      'updraft device add sensor-2 --profile Sensor --label beta --label roof',
      'updraft device add sensor-3 --profile Sensor --certificate sensor-3.pem',
      'updraft device add gateway-1 --part-number G-200',
    ],
    run: async ({ name, profile, partNumber, customer, cloud, label, ...said }, { client }) => {
      if (profile === undefined && partNumber === undefined) {
        throw new WrongWords('Say its --profile, or the --part-number of its system model.')
      }
      const credentials = await credentialsOf(said)
      const customerId = await customerIdOf(client, customer)
      const cloudId = await cloudIdOf(client, cloud)
      const attributes = partNumber === undefined ? undefined : { partNumber }
      const device = await client('createDevice', {
        body: { name, profile, credentials, customerId, cloudId, labels: label, attributes },
      })
      return {
        json: device,
        text: (look) => {
          const sentence = `Added device ${device.name} to profile ${device.profile}.`
          return device.token === null ? sentence : `${sentence}\n${tokenText(device.token, look)}`
        },
      }
    },
  }),
  command({
    words: 'device list',
    about: 'devices with what they run and how their newest update went',
    examples: [`updraft device list --filter '"beta" in labels && seen'`],
    flags: { ...deviceFilters, ...listFlags },
    run: async (
      { profile, customer, cloud, state, label, search, filter: expression, ...range },
      { client },
    ) => {
      const filter = { profile, customer, cloud, state, label, search, filter: expression }
      const page = await listAll(range, (query) =>
        client('listDevices', { query: { ...query, ...filter } }),
      )
      const isAll = Object.values(filter).every((value) => value === undefined)
      const nothing = isAll ? 'There are no devices.' : 'No device is like that.'
      return { json: page, text: (look) => listText(page, columns(look), nothing, look) }
    },
  }),
  command({
    words: 'device show <name>',
    about: 'all about one device',
    flags: { history: historyFlag },
    run: async ({ name, history }, { client }) => {
      const device = await withPairing(client, await findDevice(client, name))
      const shown = history ? await withHistory(client, device) : device
      return { json: shown, text: (look) => deviceText(shown, look, { isWhole: true }) }
    },
  }),
  command({
    words: 'device remove <name>',
    about: 'remove a device with its history',
    run: async ({ name }, { client }) => {
      const { id } = await findDevice(client, name)
      await client('removeDevice', { params: { id } })
      return { json: { id, name }, text: () => `Removed device ${name}.` }
    },
  }),
  command({
    words: 'device import <file>',
    about:
      'add the devices of a CSV file with the columns name, profile, token, client id, user name, password, certificate, gateway, labels. All but the first two may be empty or left out; labels are separated by a comma or semicolon. The names of columns are those of ThingsBoard too. Tokens that are made up are printed as CSV',
    flags: { out: text('--out <file>', 'write the made-up tokens there instead') },
    examples: ['updraft device import fleet.csv --out tokens.csv'],
    run: async ({ file, out }, door) => {
      const tokens = await tokenSink(out, door)
      const devices: Omit<Imported, 'isTokenMadeUp'>[] = []
      try {
        const added = await importFile(file, door, async (batch) => {
          if (door.isJson)
            devices.push(...batch.map(({ id, name, token }) => ({ id, name, token })))
          await tokens.write(batch.filter(({ isTokenMadeUp }) => isTokenMadeUp))
        })
        const sentence = `Added ${countText(added, 'device')}.`
        if (door.isJson) return { json: { added, devices }, text: () => sentence }
        door.remark(sentence)
        return undefined
      } catch (error) {
        // The tokens of the batches that are in are shown this once, so they may not be lost with the rest.
        if (!(error instanceof Refusal) || devices.length === 0) throw error
        throw new Refusal({
          ...error,
          message: error.message,
          details: { ...error.details, devices },
        })
      } finally {
        await tokens.end()
      }
    },
  }),
  command({
    words: 'device log-lines <name>',
    about: 'what a device logged, the newest first: its newest 5,000 lines of 30 days',
    flags: {
      level: oneOf('--level <level>', 'of that level and above', LOG_LEVELS),
      search: text('--search <text>', 'text within them'),
      limit: count('--limit <n>', `at most so many (default: ${LINES_SHOWN})`),
      cursor: text('--cursor <cursor>', 'go on where the last answer ended (its nextCursor)'),
    },
    examples: ['updraft device log-lines KASSA-1 --level warn'],
    run: async ({ name, level, search, limit, cursor }, { client }) => {
      const params = { id: (await findDevice(client, name)).id }
      const page = await listAll({ limit: limit ?? LINES_SHOWN, cursor }, (query) =>
        client('listLogLines', { params, query: { ...query, level, search } }),
      )
      return {
        json: page,
        text: (look) => listText(page, lineColumns(look), `${name} logged nothing.`, look),
      }
    },
  }),
  command({
    words: 'device token <name>',
    about: 'give a device a new token in place of those it has',
    flags: {
      token: text('--token <token>', "the device's new token (default: made up)"),
      keepOld: seconds('--keep-old <seconds>', 'how long the old one is good (default: 0)'),
    },
    run: async ({ name, token: wanted, keepOld }, { client }) => {
      const { id } = await findDevice(client, name)
      const { token } = await client('replaceDeviceToken', {
        params: { id },
        body: { token: wanted, keepOldForSeconds: keepOld },
      })
      return {
        json: { id, name, token },
        text: (look) => `Device ${name} has a new token.\n${tokenText(token, look)}`,
      }
    },
  }),
]

/** Where made-up tokens go: a file only its owner may read, standard output, or nowhere beside JSON. */
async function tokenSink(
  out: string | undefined,
  { isJson, write }: { isJson: boolean; write: (chunk: string) => Promise<void> },
) {
  const file = out
    ? await open(out, 'w', 0o600).catch((error) => fileTrouble(out, error))
    : undefined
  // A reader that went away does not stop the import.
  const print = (line: string) => (isJson ? Promise.resolve() : write(line).catch(() => {}))
  const put = file ? (line: string) => file.write(line) : print
  let isBegun = false
  return {
    write: async (devices: readonly Imported[]) => {
      if (devices.length === 0) return
      const head = isBegun ? '' : csvLine(['name', 'token'])
      isBegun = true
      await put(head + devices.map(({ name, token }) => csvLine([name, token ?? ''])).join(''))
    },
    end: async () => file?.close(),
  }
}

const lineColumns = ({ now }: Look): readonly Column<LogLine>[] => [
  { title: 'When', cell: ({ at }) => timeText(at, { now }) },
  { title: 'Level', cell: ({ level }) => level },
  { title: 'Line', cell: ({ message }) => message },
]

const columns = ({ now }: Look): readonly Column<Device>[] => [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Profile', cell: ({ profile }) => profile },
  { title: 'Labels', cell: ({ labels }) => labels.join(', ') },
  { title: 'Runs', cell: ({ installed }) => runsText(installed) },
  { title: 'Update', cell: deviceCell },
  {
    title: 'Seen',
    cell: ({ lastSeenAt }) => timeText(lastSeenAt, { now }) ?? 'never',
  },
]
