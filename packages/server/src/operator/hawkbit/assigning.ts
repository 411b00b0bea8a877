/** A distribution set for a target, and what hawkBit's clients wish of how it is to be brought. */
import { DomainError, type Handling } from '@updraft/core'
import { z } from 'zod'
import type { Asked } from './asked.ts'
import { deviceOf } from './device-of.ts'
import { unsupported } from './documents.ts'
import { MaintenanceWindow, windowsIn } from './maintenance-window.ts'
import { profile, settingsOf } from './profile.ts'

/** What JavaScript knows as a time. */
const MAX_TIME = 8_640_000_000_000_000

/** Beside what is assigned to whom. */
export const AssignmentWishes = z.object({
  type: z.enum(['forced', 'soft', 'timeforced', 'downloadonly']).nullish(),
  forcetime: z.number().int().min(0).max(MAX_TIME).nullish(),
  weight: z.unknown().optional(),
  confirmationRequired: z.boolean().nullish(),
  maintenanceWindow: MaintenanceWindow,
})

export interface Wish extends z.output<typeof AssignmentWishes> {
  readonly target: string
  readonly setId: number
}

/** Assigns one after the other; the first that is refused is the end of it, and says which it was. */
export async function assignSets(asked: Asked, wishes: readonly Wish[]) {
  const { asks, needs } = asked
  for (const wish of wishes) await refuseWish(asked, wish)
  const wanted = wishes.map((wish) => ({ ...wish, handling: handlingOf(wish) }))
  let alreadyAssigned = 0
  const assignedActions: { id: number; _links: { self: { href: string } } }[] = []
  for (const { target, setId, handling } of wanted) {
    const device = await deviceOf(asked, target)
    const set = await asks.under(
      'assignToDevice',
      (actor) => needs.distributionSets.assign(actor, setId, device.id, handling),
      device.id,
    )
    if (set === null) {
      alreadyAssigned += 1
      continue
    }
    for (const id of await needs.targetActions.afterAssignment(asks.actor, device.id, set)) {
      const path = `/targets/${encodeURIComponent(target)}/actions/${id}`
      assignedActions.push({ id, _links: { self: asked.at.of(path) } })
    }
  }
  const assigned = wishes.length - alreadyAssigned
  return { alreadyAssigned, assignedActions, assigned, total: wishes.length }
}

/** As is usual for the profile where nothing is said. */
export function handlingOf({
  type,
  forcetime,
  maintenanceWindow,
}: z.output<typeof AssignmentWishes>): Partial<Handling> {
  const windows = windowsIn(maintenanceWindow)
  switch (type) {
    case null:
    case undefined:
      return { windows }
    case 'forced':
    case 'soft':
      return { urgency: type, windows }
    case 'downloadonly':
      return { isDownloadOnly: true, windows }
    case 'timeforced':
      if (forcetime == null) {
        throw new DomainError(
          'request.malformed',
          'forcetime: with timeforced it says from when on.',
        )
      }
      return { urgency: 'soft', forcedFrom: new Date(forcetime).toISOString(), windows }
  }
}

/** Nothing is assigned otherwise than was asked for. */
async function refuseWish(asked: Asked, wish: Wish): Promise<void> {
  if (wish.weight != null) {
    throw unsupported('Assignments have no weight here: the latest one counts.')
  }
  const { confirmationRequired } = wish
  if (confirmationRequired == null) return
  const found = await profile(asked)
  const { name } = found
  const hawkbit = await settingsOf(asked, found)
  if (confirmationRequired !== hawkbit.needsConfirmation) {
    const so = hawkbit.needsConfirmation ? 'is' : 'is not'
    throw unsupported(
      `Whether the device is asked is a matter of the profile here: in ${name} it ${so}.`,
    )
  }
}
