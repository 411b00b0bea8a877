/** What happened, in tables. */
import { type Difference, isComparable } from './account.ts'
import type { PretendDevice } from './device.ts'
import { DIALECTS } from './scenario.ts'

const HEAD = [
  'Group',
  'Speaks',
  'Devices',
  'Updated',
  'Failed',
  'Rolled back',
  'Power cuts',
  'Offline',
  'Under way',
  'Refused',
]

/** A line for each group and dialect, and one for all. */
export function happenings(devices: readonly PretendDevice[]): string {
  const groups = [...new Set(devices.map(({ group }) => group.name))]
  const rows = groups.flatMap((group) =>
    DIALECTS.flatMap((dialect) => {
      const some = devices.filter((each) => each.group.name === group && each.dialect === dialect)
      return some.length === 0 ? [] : [[group, dialect, ...figures(some)]]
    }),
  )
  return table([HEAD, ...rows, ['all', '', ...figures(devices)]])
}

/** The one line that tells how it goes. */
export function progress(devices: readonly PretendDevice[], seconds: number): string {
  const [all, updated, failed, , , , underWay] = figures(devices)
  const updates = `${updated} updated, ${failed} failed, ${underWay} under way`
  return `${String(Math.round(seconds)).padStart(5)} s  ${all} devices: ${updates}`
}

export function comparison(
  devices: readonly PretendDevice[],
  differences: readonly Difference[],
): string {
  const compared = devices.filter(isComparable).length
  const of = `${compared} of ${devices.length} devices were held against the server's account`
  if (differences.length === 0) return `${of}: no difference.\n`
  const rows = differences.map(({ name, what, here, there }) => [name, what, here, there])
  const count = `${differences.length} difference${differences.length === 1 ? '' : 's'}`
  return `${of}: ${count}.\n\n${table([['Device', 'What', 'Here', 'Server'], ...rows])}`
}

function figures(devices: readonly PretendDevice[]): string[] {
  const sum = (of: (device: PretendDevice) => number) =>
    String(devices.reduce((total, device) => total + of(device), 0))
  return [
    String(devices.length),
    sum(({ counts }) => counts.updated),
    sum(({ counts }) => counts.failed),
    sum(({ counts }) => counts.rolledBack),
    sum(({ counts }) => counts.powerCuts),
    sum(({ counts }) => counts.offline),
    sum(({ isUnderWay }) => (isUnderWay ? 1 : 0)),
    sum(({ counts }) => counts.refused),
  ]
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  )
  return rows
    .map((row) =>
      `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd(),
    )
    .join('\n')
    .concat('\n')
}
