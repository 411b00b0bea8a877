import type { Settings } from '@updraft/api/shapes'
import { TENANT_SETTING_NAMES, TENANT_SETTINGS, type TenantSetting } from '@updraft/core'
import { type Answer, command } from '../command.ts'
import { WrongWords } from '../errors.ts'
import { type Column, type Look, table } from '../print.ts'

/** Instead of a value: as the server has it. */
const AS_SERVER = 'default'

export const settingsCommands = [
  command({
    words: 'settings show',
    about: 'what holds for this tenant, and who set it',
    run: async (_, { client }) => answer(await client('showSettings', {})),
  }),
  command({
    words: 'settings set <name=value...>',
    about: `change settings; "${AS_SERVER}" as a value goes back to what the server has`,
    examples: [
      'updraft settings set maxRetries=3',
      `updraft settings set pacePackSize=500 paceIntervalMs=${AS_SERVER}`,
    ],
    run: async ({ 'name=value': changes }, { client }) =>
      answer(
        await client('changeSettings', { body: Object.fromEntries(changes.map(settingAndValue)) }),
      ),
  }),
]

const answer = (settings: Settings): Answer => ({
  json: settings,
  text: (look: Look) => table(columns(settings), TENANT_SETTING_NAMES, look),
})

const columns = ({ inForce, own }: Settings): readonly Column<TenantSetting>[] => [
  { title: 'Setting', cell: (name) => name },
  { title: 'Value', cell: (name) => String(inForce[name]), isNumber: true },
  { title: 'Set by', cell: (name) => (own[name] === null ? 'the server' : 'this tenant') },
  { title: 'Meaning', cell: (name) => TENANT_SETTINGS[name].meaning },
]

function settingAndValue(change: string): readonly [TenantSetting, number | null] {
  const [said = '', value, ...more] = change.split('=')
  const name = TENANT_SETTING_NAMES.find((each) => each === said)
  if (!name) {
    throw new WrongWords(`"${said}" is no setting; there are ${TENANT_SETTING_NAMES.join(', ')}.`)
  }
  if (value === AS_SERVER) return [name, null]
  if (value && more.length === 0 && /^\d{1,15}$/.test(value)) return [name, Number(value)]
  throw new WrongWords(`Write ${name}=NUMBER, or ${name}=${AS_SERVER}.`)
}
