/** Tables for people, JSON for scripts, and the state language of the terminal. */
import type {
  Campaign,
  CampaignOutcome,
  CampaignStatus,
  Component,
  Device,
  Installed,
  Operation,
  Target,
  TargetStatus,
} from '@updraft/api/shapes'
import { isTerminal, STATE_TABLE, STATES, type State } from '@updraft/core'
import { clean, cut, padEnd, padStart, widthOf } from './width.ts'

/** How the place looks that is printed to. */
export interface Look {
  /** How many colours there are; 0 where it is no terminal or NO_COLOR is set. */
  readonly colours: 0 | 16 | 256
  /** Columns of the terminal; null where there is no edge to keep to. */
  readonly columns: number | null
  readonly now: Date
}

export function lookOf(
  stream: { isTTY?: boolean; columns?: number; getColorDepth?: (env: object) => number },
  env: Readonly<Record<string, string | undefined>>,
  now: Date,
): Look {
  if (!stream.isTTY) return { colours: 0, columns: null, now }
  const depth = env.NO_COLOR ? 1 : (stream.getColorDepth?.(env) ?? 1)
  return { colours: depth >= 8 ? 256 : depth >= 4 ? 16 : 0, columns: stream.columns ?? 80, now }
}

// ── Colours and states ──────────────────────────────────────────────────────────────────────────────────────

interface Paint {
  readonly in256: string
  readonly in16: string
}
const DIM: Paint = { in256: '2', in16: '2' }
const BOLD: Paint = { in256: '1', in16: '1' }

interface Shown extends Paint {
  readonly icon: string
  readonly word: string
}

const shown = (state: State, icon: string, colour: number, in16: string): Shown => ({
  icon,
  word: STATE_TABLE[state].word,
  in256: `38;5;${colour}`,
  in16,
})

/** Middle tones, readable on light and dark ground; never without icon and word. */
const STATE_LOOK: Readonly<Record<State, Shown>> = {
  QUEUED: shown('QUEUED', '◷', 103, '37'),
  INITIATED: shown('INITIATED', '»', 105, '35'),
  DOWNLOADING: shown('DOWNLOADING', '↓', 33, '34'),
  DOWNLOADED: shown('DOWNLOADED', '⤓', 37, '36'),
  VERIFIED: shown('VERIFIED', '◆', 30, '36'),
  UPDATING: shown('UPDATING', '⚙', 172, '33'),
  UPDATED: shown('UPDATED', '✓', 35, '32'),
  STAGED: shown('STAGED', '⤓', 35, '32'),
  FAILED: shown('FAILED', '✗', 160, '31'),
  CANCELED: shown('CANCELED', '⊘', 245, '90'),
}
const ATTENTION: Shown = { icon: '☞', word: 'needs attention', in256: '38;5;208', in16: '33' }
const HELD_BACK: Shown = { icon: '‖', word: 'held back', in256: '38;5;134', in16: '35' }

/** A piece of text and how it is painted. */
export interface Cell {
  readonly text: string
  readonly paint?: Paint
}
export const dim = (text: string): Cell => ({ text, paint: DIM })
export const bold = (text: string): Cell => ({ text, paint: BOLD })
const NONE = dim('–')

export const painted = ({ text, paint }: Cell, { colours }: Look): string =>
  paint && colours > 0 && text !== ''
    ? `\x1b[${colours === 256 ? paint.in256 : paint.in16}m${text}\x1b[0m`
    : text

export const stateCell = (state: State, suffix = ''): Cell => {
  const look = STATE_LOOK[state]
  return { text: `${look.icon} ${look.word}${suffix}`, paint: look }
}

/** Where an update stands: icon, word, and the percentage while it is on its way. */
export const operationCell = (operation: Operation | null): Cell => {
  if (!operation) return NONE
  const { state, progress } = operation
  const isMoving = state === 'DOWNLOADING' || state === 'UPDATING'
  return stateCell(state, isMoving ? ` ${Math.round(progress)} %` : '')
}

/** The same for a component, where what Updraft decided may be more urgent than how the last update ended. */
export const componentCell = (component: Component): Cell => {
  const { code } = component.reason
  const special = isDeferred(component)
    ? HELD_BACK
    : { 'nothing.needs-attention': ATTENTION, 'nothing.backing-off': HELD_BACK }[code]
  return special && component.verdict === 'nothing'
    ? { text: `${special.icon} ${special.word}`, paint: special }
    : operationCell(component.operation)
}

const status = (icon: string, word: string, colour: number, in16: string): Shown => ({
  icon,
  word,
  in256: `38;5;${colour}`,
  in16,
})

const CAMPAIGN_LOOK: Readonly<Record<CampaignStatus | CampaignOutcome, Shown>> = {
  scheduled: status('◷', 'scheduled', 103, '37'),
  'in-progress': status('▶', 'in progress', 33, '34'),
  pausing: status('‖', 'pausing', 172, '33'),
  paused: status('‖', 'paused', 172, '33'),
  finished: status('✓', 'over', 245, '90'),
  success: status('✓', 'success', 35, '32'),
  failure: status('✗', 'failure', 160, '31'),
  cancelled: status('⊘', 'cancelled', 245, '90'),
}
const TARGET_LOOK: Readonly<Record<TargetStatus, Shown>> = {
  idle: status('◷', 'waiting', 103, '37'),
  'in-progress': status('▶', 'in progress', 33, '34'),
  successful: status('✓', 'updated', 35, '32'),
  failed: status('✗', 'failed', 160, '31'),
  skipped: status('⊘', 'skipped', 245, '90'),
}

const lookCell = (look: Shown): Cell => ({ text: `${look.icon} ${look.word}`, paint: look })

export const campaignCell = ({ status, outcome }: Campaign): Cell =>
  lookCell(CAMPAIGN_LOOK[outcome ?? status])

/** How a device of a campaign fares; while it is at it, how far its update is. */
export const targetCell = ({ status, operation }: Target): Cell =>
  status === 'in-progress' && operation ? stateCell(operation.state) : lookCell(TARGET_LOOK[status])

/** For a list, the component a person should look at first: one that needs a hand, else the newest update. */
export const deviceCell = (device: Device): Cell => {
  const urgent = Object.values(device.components).find(
    (component) => component.reason.code === 'nothing.needs-attention',
  )
  const told = urgent ?? heldBackOf(device)
  return told ? componentCell(told) : operationCell(device.operation)
}

/** What a policy keeps from a device that has nothing else to do. */
export const heldBackOf = ({ operation, components }: Device): Component | undefined =>
  operation && !isTerminal(operation.state) ? undefined : Object.values(components).find(isDeferred)

const isDeferred = ({ reason }: Component): boolean => reason.code.startsWith('deferred.')

export const isState = (word: string): word is State => (STATES as readonly string[]).includes(word)

// ── Tables ──────────────────────────────────────────────────────────────────────────────────────────────────

export interface Column<T> {
  readonly title: string
  readonly cell: (row: T) => Cell | string | null
  readonly isNumber?: boolean
}

/** Rows under a head, aligned. On a terminal the last column is cut at its edge. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], look: Look): string {
  const cells = rows.map((row) => columns.map((column) => cellOf(column.cell(row))))
  const head = columns.map(({ title }) => dim(title))
  const widths = columns.map((_, at) =>
    [head, ...cells].reduce((widest, line) => Math.max(widest, widthOf(line[at]?.text ?? '')), 0),
  )
  const line = (row: readonly Cell[]) => {
    let used = 0
    return row
      .map((cell, at) => {
        const width = widths[at] ?? 0
        const isLast = at === row.length - 1
        const room = look.columns === null ? width : Math.max(8, look.columns - used)
        used += width + 2
        if (columns[at]?.isNumber)
          return painted({ ...cell, text: padStart(cell.text, width) }, look)
        if (isLast) return painted({ ...cell, text: cut(cell.text, room) }, look)
        return painted(cell, look) + ' '.repeat(width - widthOf(cell.text))
      })
      .join('  ')
      .trimEnd()
  }
  return [head, ...cells].map(line).join('\n')
}

const cellOf = (cell: Cell | string | null): Cell => {
  if (cell === null || cell === '') return NONE
  return typeof cell === 'string' ? { text: clean(cell) } : { ...cell, text: clean(cell.text) }
}

/** What follows the sentence about a password that was made up; nothing where it was chosen. */
export const passwordText = (password: string | null, look: Look): string =>
  password === null ? '' : `\n${facts([['Password', password]], look)}\nIt is not shown again.`

/** A label and its value on each line, values aligned; lines without a value are left out. */
export function facts(
  rows: readonly (readonly [label: string, value: Cell | string | null])[],
  look: Look,
  indent = '',
): string {
  const known = rows.filter(([, value]) => value !== null && value !== '')
  const width = Math.max(0, ...known.map(([label]) => widthOf(label)))
  return known
    .map(([label, value]) => {
      const name = painted(dim(padEnd(label, width)), look)
      return `${indent}${name}  ${painted(cellOf(value), look)}`
    })
    .join('\n')
}

/** The table, or a sentence where there is nothing to show. */
export const listText = <T>(
  { items, nextCursor }: { items: readonly T[]; nextCursor: string | null },
  columns: readonly Column<T>[],
  nothing: string,
  look: Look,
): string => {
  if (items.length === 0) return nothing
  const more =
    nextCursor === null ? '' : `\n${painted(dim('There are more: raise --limit.'), look)}`
  return table(columns, items, look) + more
}

/** One document: in lines for a person's eyes on a terminal, compact for a script. */
export const json = (value: unknown, isTerminal: boolean): string =>
  `${JSON.stringify(value, null, isTerminal ? 2 : undefined)}\n`

// ── Words for values ────────────────────────────────────────────────────────────────────────────────────────

/** Some devices never name a title: the version says it all. */
export const nameOf = ({ title, version }: Installed): string =>
  title === null && version !== null ? version : `${title ?? '?'}@${version ?? '?'}`

export const runsText = (installed: Readonly<Record<string, Installed>>): string =>
  Object.values(installed).map(nameOf).join(', ')

/** `1.5 MB`: three digits at most, in units of a thousand. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  if (unit === 0) return bytes === 1 ? '1 byte' : `${bytes} bytes`
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}

const SPANS = [
  { seconds: 86_400 * 365, name: 'year' },
  { seconds: 86_400 * 30, name: 'month' },
  { seconds: 86_400, name: 'day' },
  { seconds: 3600, name: 'h' },
  { seconds: 60, name: 'min' },
] as const

/** `12 s`, `3 min`, `2 days`: the largest unit that fits, rounded down. */
export function spanText(seconds: number): string {
  const span = SPANS.find((candidate) => seconds >= candidate.seconds)
  if (!span) return `${Math.max(0, Math.floor(seconds))} s`
  const amount = Math.floor(seconds / span.seconds)
  const isWord = span.seconds >= 86_400
  return `${amount} ${span.name}${isWord && amount !== 1 ? 's' : ''}`
}

/** `3 min ago`, `in 2 h`. */
export function timeText(time: string | null, { now }: Pick<Look, 'now'>): string | null {
  if (time === null) return null
  const seconds = (now.getTime() - Date.parse(time)) / 1000
  if (Math.abs(seconds) < 5) return 'just now'
  return seconds > 0 ? `${spanText(seconds)} ago` : `in ${spanText(-seconds)}`
}

export const countText = (count: number, one: string, several = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : several}`
