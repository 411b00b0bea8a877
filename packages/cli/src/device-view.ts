/** One device as a person reads it: who it is, what each component runs and should run, and why. */
import type { Client } from '@updraft/api/client'
import type { Component, Device, OperationWithSteps, Pairing } from '@updraft/api/shapes'
import { isTerminal } from '@updraft/core'
import { listAll } from './lookup.ts'
import {
  bold,
  componentCell,
  dim,
  facts,
  type Look,
  nameOf,
  painted,
  stateCell,
  table,
  timeText,
} from './print.ts'

export type DeviceWithHistory = Device & { history?: OperationWithSteps[]; pairing?: Pairing }

/** The device with all its operations, newest first, every step in them. */
export async function withHistory(client: Client, device: Device): Promise<DeviceWithHistory> {
  const { items } = await listAll({}, (query) =>
    client('listDeviceOperations', { params: { id: device.id }, query }),
  )
  return { ...device, history: items }
}

/** The device with what it is to Astarte, if it is anything. */
export async function withPairing(client: Client, device: Device): Promise<DeviceWithHistory> {
  if (device.astarteId === null) return device
  const pairing = await client('showPairing', { params: { id: device.id } })
  return { ...device, pairing }
}

export function deviceText(
  device: DeviceWithHistory,
  look: Look,
  { isWhole }: { isWhole: boolean },
): string {
  const head = facts(
    [
      ['Device', bold(device.name)],
      ['Profile', device.profile],
      ['Model', device.systemModel?.name ?? null],
      ['Hardware', device.hardwareType?.name ?? null],
      ['Customer', device.customer],
      ['Cloud', device.cloud],
      ['Labels', device.labels.join(', ')],
      ['Speaks', device.dialect],
      ['Seen', timeText(device.lastSeenAt, look) ?? 'never'],
      ...(isWhole
        ? ([
            ['Added', timeText(device.createdAt, look)],
            ['Id', device.id],
          ] as const)
        : []),
    ],
    look,
  )
  const components = Object.entries(device.components).map(([type, component]) =>
    componentText(type, component, look),
  )
  if (components.length === 0) {
    components.push('No package is meant for it, and it has not said yet what it runs.')
  }
  const rest = isWhole
    ? [
        pairingText(device.pairing, look),
        valuesText('Attributes', device.attributes, look),
        valuesText('Inventory', device.inventory, look),
      ]
    : []
  return [head, ...components, ...rest, historyText(device.history, look)]
    .filter((part) => part !== '')
    .join('\n\n')
}

function pairingText(pairing: Pairing | undefined, look: Look): string {
  if (!pairing) return ''
  const interfaces = Object.entries(pairing.interfaces).map(
    ([name, version]) => `${name} ${version}`,
  )
  const rows = facts(
    [
      ['Astarte id', pairing.astarteId],
      ['Status', pairing.status],
      ['Line', pairing.isConnected ? 'up' : 'down'],
      ['Up since', pairing.isConnected ? timeText(pairing.connectedAt, look) : null],
      ['Down since', pairing.isConnected ? null : timeText(pairing.disconnectedAt, look)],
      ['From', pairing.lastAddress],
      ['Speaks', interfaces.join(', ')],
    ],
    look,
    '  ',
  )
  return `${painted(bold('Pairing'), look)}\n${rows}`
}

function componentText(type: string, component: Component, look: Look): string {
  const { installed, target, operation, verdict } = component
  const isUnderWay = operation !== null && !isTerminal(operation.state)
  const rows = facts(
    [
      ['Runs', installed ? nameOf(installed) : 'not told yet'],
      ['Should run', target ? nameOf(target) : 'nothing is meant for it'],
      ['Because', component.because],
      [isUnderWay ? 'Update' : 'Last update', operation ? nameOf(operation.release) : null],
      // While it is under way that is why it should run what it should.
      ['Came about', operation && !isUnderWay ? operation.origin.message : null],
      ['State', operation || verdict === 'nothing' ? componentCell(component) : null],
      ['Reason', operation ? (operation.error ?? operation.because) : null],
      ['Code', operation?.code ?? null],
      ['Since', timeText(operation?.changedAt ?? null, look)],
      ['Looked at again', timeText(component.lookAgainAt, look)],
    ],
    look,
    '  ',
  )
  return `${painted(bold(type), look)}\n${rows}`
}

function valuesText(title: string, values: Device['attributes'], look: Look): string {
  const rows = Object.entries(values).map(
    ([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const,
  )
  return rows.length === 0 ? '' : `${painted(bold(title), look)}\n${facts(rows, look, '  ')}`
}

/** Behind the state of what did not change it. */
const ASIDES: Readonly<Record<string, string>> = { remarked: ' (remark)', ignored: ' (ignored)' }

function historyText(history: readonly OperationWithSteps[] | undefined, look: Look): string {
  if (history === undefined) return ''
  if (history.length === 0) return 'There were no updates yet.'
  return history
    .map(({ type, release, openedAt, steps }) => {
      const head = `${painted(bold(`${nameOf(release)} (${type})`), look)}  ${painted(dim(timeText(openedAt, look) ?? ''), look)}`
      const rows = table(
        [
          { title: 'When', cell: ({ at }) => timeText(at, look) },
          {
            title: 'State',
            cell: ({ state, outcome }) => stateCell(state, ASIDES[outcome] ?? ''),
          },
          {
            title: 'Progress',
            cell: ({ progress }) => `${Math.round(progress)} %`,
            isNumber: true,
          },
          { title: 'Reason', cell: ({ error, because }) => error ?? because },
        ],
        steps,
        { ...look, columns: look.columns === null ? null : look.columns - 2 },
      )
      return `${head}\n${rows.replaceAll(/^/gm, '  ')}`
    })
    .join('\n\n')
}
