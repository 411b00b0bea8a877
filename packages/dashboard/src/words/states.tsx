/**
 * The one state language: how every state looks, wherever it is shown. Words come from core's table; here are
 * the icon and the colour, which is never alone.
 */
import {
  type Icon,
  IconArrowDown,
  IconBell,
  IconCheck,
  IconCircleOff,
  IconClock,
  IconHandStop,
  IconInbox,
  IconMinus,
  IconPlayerPause,
  IconSettings,
  IconShieldCheck,
  IconX,
} from '@tabler/icons-react'
import { STATE_TABLE, STATES, type State } from '@updraft/core'

/** A state of an operation, or one of the looks a device has besides. */
export type Look = State | 'HELD_BACK' | 'NEEDS_ATTENTION' | 'NONE'

interface LookFacts {
  readonly word: string
  readonly Icon: Icon
  /** A scale of the theme; style.css derives text and surface of it for light and dark. */
  readonly color: string
}

export const LOOKS: Readonly<Record<Look, LookFacts>> = {
  QUEUED: { word: STATE_TABLE.QUEUED.word, Icon: IconClock, color: 'slate' },
  INITIATED: { word: STATE_TABLE.INITIATED.word, Icon: IconBell, color: 'indigo' },
  DOWNLOADING: { word: STATE_TABLE.DOWNLOADING.word, Icon: IconArrowDown, color: 'blue' },
  DOWNLOADED: { word: STATE_TABLE.DOWNLOADED.word, Icon: IconInbox, color: 'cyan' },
  VERIFIED: { word: STATE_TABLE.VERIFIED.word, Icon: IconShieldCheck, color: 'teal' },
  UPDATING: { word: STATE_TABLE.UPDATING.word, Icon: IconSettings, color: 'amber' },
  UPDATED: { word: STATE_TABLE.UPDATED.word, Icon: IconCheck, color: 'green' },
  STAGED: { word: STATE_TABLE.STAGED.word, Icon: IconInbox, color: 'green' },
  FAILED: { word: STATE_TABLE.FAILED.word, Icon: IconX, color: 'red' },
  CANCELED: { word: STATE_TABLE.CANCELED.word, Icon: IconCircleOff, color: 'gray' },
  HELD_BACK: { word: 'held back', Icon: IconPlayerPause, color: 'violet' },
  NEEDS_ATTENTION: { word: 'needs attention', Icon: IconHandStop, color: 'orange' },
  NONE: { word: 'nothing yet', Icon: IconMinus, color: 'gray' },
}

/** The four counters of a fleet, each a set of states. */
export const COUNTERS = {
  waiting: { word: 'Waiting', look: 'QUEUED', states: ['QUEUED'] },
  updating: {
    word: 'Updating',
    look: 'DOWNLOADING',
    states: STATES.filter((state) => state !== 'QUEUED' && !STATE_TABLE[state].isTerminal),
  },
  updated: { word: 'Updated', look: 'UPDATED', states: ['UPDATED'] },
  failed: { word: 'Failed', look: 'FAILED', states: ['FAILED'] },
} as const satisfies Record<string, { word: string; look: Look; states: readonly State[] }>

export type Counter = keyof typeof COUNTERS

interface Shown {
  readonly operation: { readonly state: State; readonly endedAt: string | null } | null
  readonly components: Readonly<Record<string, { readonly reason: { readonly code: string } }>>
}

/** How a device looks as a whole: its foremost operation, unless a person must look at it, its next attempt waits or a policy holds it back. */
export function lookOf({ operation, components }: Shown): Look {
  const codes = Object.values(components).map(({ reason }) => reason.code)
  if (codes.includes('nothing.needs-attention')) return 'NEEDS_ATTENTION'
  if (operation?.state === 'FAILED' && codes.includes('nothing.backing-off')) return 'HELD_BACK'
  const isUnderWay = operation !== null && operation.endedAt === null
  if (!isUnderWay && codes.some((code) => code.startsWith('deferred.'))) return 'HELD_BACK'
  return operation?.state ?? 'NONE'
}
