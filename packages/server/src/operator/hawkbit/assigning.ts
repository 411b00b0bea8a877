/** A distribution set for a target, and what hawkBit's clients wish of how it is to be brought. */
import { z } from 'zod'
import type { Asked } from './asked.ts'
import { deviceOf } from './device-of.ts'
import { unsupported } from './documents.ts'
import { profile, settingsOf } from './profile.ts'

/** Beside what is assigned to whom. */
export const AssignmentWishes = z.object({
  type: z.enum(['forced', 'soft', 'timeforced', 'downloadonly']).nullish(),
  forcetime: z.unknown().optional(),
  weight: z.unknown().optional(),
  confirmationRequired: z.boolean().nullish(),
  maintenanceWindow: z.unknown().optional(),
})

export interface Wish extends z.output<typeof AssignmentWishes> {
  readonly target: string
  readonly setId: number
}

/** Assigns one after the other; the first that is refused is the end of it, and says which it was. */
export async function assignSets(asked: Asked, wishes: readonly Wish[]) {
  const { asks, needs } = asked
  for (const wish of wishes) await refuseWish(asked, wish)
  let alreadyAssigned = 0
  const assignedActions: { id: number; _links: { self: { href: string } } }[] = []
  for (const { target, setId } of wishes) {
    const device = await deviceOf(asked, target)
    const set = await asks.under(
      'assignToDevice',
      (actor) => needs.distributionSets.assign(actor, setId, device.id),
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

/** Nothing is assigned otherwise than was asked for. */
async function refuseWish(asked: Asked, wish: Wish): Promise<void> {
  if (wish.maintenanceWindow != null) {
    throw unsupported(
      'A single assignment has no maintenance window here: make a campaign with a window.',
    )
  }
  if (wish.type === 'downloadonly') {
    throw unsupported('A download without an installation cannot be assigned here.')
  }
  if (wish.type === 'timeforced') {
    throw unsupported('An assignment that is forced from some time on is not known here.')
  }
  if (wish.weight != null) {
    throw unsupported('Assignments have no weight here: the latest one counts.')
  }
  if (wish.type == null && wish.confirmationRequired == null) return
  const found = await profile(asked)
  const { name } = found
  const hawkbit = await settingsOf(asked, found)
  const type = hawkbit.handling === 'forced' ? 'forced' : 'soft'
  if (wish.type != null && wish.type !== type) {
    throw unsupported(
      `Whether updates are forced is a matter of the profile here: in ${name} they are ${type}.`,
    )
  }
  const { confirmationRequired } = wish
  if (confirmationRequired != null && confirmationRequired !== hawkbit.needsConfirmation) {
    const so = hawkbit.needsConfirmation ? 'is' : 'is not'
    throw unsupported(
      `Whether the device is asked is a matter of the profile here: in ${name} it ${so}.`,
    )
  }
}
