/** The window in which an operation may be begun: its own; where a campaign asks for it the campaign's, and the device's. */
import { opensAt, windowsOf } from '../campaign/window.ts'
import { DomainError } from '../errors.ts'
import { ownWindowClosed } from './handling.ts'
import type { Operation } from './operation.ts'
import type { Snapshot } from './snapshot.ts'

export type WindowState =
  /** It may be begun at any time. */
  | { readonly kind: 'none' }
  | { readonly kind: 'open' }
  | { readonly kind: 'closed'; readonly opensAt: Date | null }

const NONE: WindowState = { kind: 'none' }

export function windowOf(
  { components, device }: Pick<Snapshot, 'components' | 'device'>,
  { id, type, handling }: Pick<Operation, 'id' | 'type' | 'handling'>,
  now: Date,
): WindowState {
  const own = ownWindowClosed(handling, now)
  if (own) return { kind: 'closed', ...own }
  const others = windowOfCampaign({ components, device }, { id, type }, now)
  return others.kind === 'none' && handling.windows !== '' ? { kind: 'open' } : others
}

function windowOfCampaign(
  { components, device }: Pick<Snapshot, 'components' | 'device'>,
  { id, type }: Pick<Operation, 'id' | 'type'>,
  now: Date,
): WindowState {
  const target = components[type]?.targets.find(({ operationId }) => operationId === id)
  if (!target) return NONE
  const { windows, windowAttribute } = target.campaign.settings
  const own = windowAttribute === null ? undefined : device.attributes[windowAttribute]
  const texts = [windows, typeof own === 'string' ? own : ''].filter((text) => text.trim() !== '')
  const openings = texts.flatMap((text) => openingOf(text, now))
  if (openings.length === 0) return NONE
  if (openings.every((at) => at !== null && at <= now)) return { kind: 'open' }
  const last = Math.max(...openings.map((at) => at?.getTime() ?? now.getTime()))
  return { kind: 'closed', opensAt: openings.includes(null) ? null : new Date(last) }
}

/** None for what nobody can read. */
function openingOf(text: string, now: Date): readonly (Date | null)[] {
  try {
    return [opensAt(windowsOf(text), now)]
  } catch (error) {
    if (error instanceof DomainError) return []
    throw error
  }
}
