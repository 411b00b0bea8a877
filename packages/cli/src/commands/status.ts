import type { Device, Overview } from '@updraft/api/shapes'
import { STATES } from '@updraft/core'
import { command, count, type Flag, yes } from '../command.ts'
import { deviceText, withHistory } from '../device-view.ts'
import { findDevice, listAll } from '../lookup.ts'
import {
  type Column,
  countText,
  deviceCell,
  dim,
  heldBackOf,
  type Look,
  nameOf,
  painted,
  runsText,
  stateCell,
  table,
} from '../print.ts'

export const historyFlag: Flag<boolean | undefined> = yes(
  '--history',
  'with all its updates and every step',
)

/** As many as fit a look; `updraft device list` has them all. */
const DEVICES_SHOWN = 50

export const statusCommands = [
  command({
    words: 'status [device]',
    about:
      'how the fleet is doing; or one device: state, progress, reason, and why it is offered what it is or nothing',
    flags: {
      history: historyFlag,
      limit: count('--limit <n>', `devices shown (default: ${DEVICES_SHOWN})`),
    },
    examples: ['updraft status', 'updraft status sensor-1 --history'],
    run: async ({ device: name, history, limit = DEVICES_SHOWN }, { client }) => {
      if (name === undefined) {
        const overview = await client('overview', {})
        const page = await listAll({ limit }, (query) => client('listDevices', { query }))
        return {
          json: { overview, ...page },
          text: (look) => fleetText(overview, page.items, look),
        }
      }
      const device = await findDevice(client, name)
      const shown = history ? await withHistory(client, device) : device
      return { json: shown, text: (look) => deviceText(shown, look, { isWhole: false }) }
    },
  }),
]

function fleetText(overview: Overview, devices: readonly Device[], look: Look): string {
  if (overview.devices === 0) {
    return 'There are no devices yet: `updraft device add NAME --profile P` adds one.'
  }
  const counters = STATES.filter((state) => overview.states[state])
    .map((state) => stateCell(state, ` ${overview.states[state]?.toLocaleString('en')}`))
    .map((cell) => painted(cell, look))
  const more = overview.devices - devices.length
  const parts = [
    [countText(overview.devices, 'device'), ...counters].join('   '),
    '',
    table(columns, devices, look),
  ]
  if (more > 0) {
    parts.push(
      painted(dim(`… and ${more.toLocaleString('en')} more: \`updraft device list\``), look),
    )
  }
  return parts.join('\n')
}

const columns: readonly Column<Device>[] = [
  { title: 'Name', cell: ({ name }) => name },
  { title: 'Runs', cell: ({ installed }) => runsText(installed) },
  { title: 'Update', cell: updateCell },
  { title: 'State', cell: deviceCell },
  { title: 'Reason', cell: reasonCell },
]

function updateCell(device: Device): string | null {
  const policy = heldBackOf(device)?.policy
  if (policy) return nameOf(policy)
  return device.operation && nameOf(device.operation.release)
}

function reasonCell(device: Device): string | null {
  const { operation } = device
  return heldBackOf(device)?.because ?? operation?.error ?? operation?.because ?? null
}
