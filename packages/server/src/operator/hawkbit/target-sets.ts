/** POST /targets/{id}/assignedDS: one set, or a list of them. */
import { z } from 'zod'
import type { Asked } from './asked.ts'
import { AssignmentWishes, assignSets, type Wish } from './assigning.ts'
import { checked } from './documents.ts'
import { refuseOffline } from './sets.ts'

const SetWish = AssignmentWishes.extend({
  id: z.coerce.number().int().min(0).max(999_999_999_999_999),
})
const SetWishes = z.union([SetWish.transform((wish) => [wish]), z.array(SetWish).min(1).max(10)])

export function assignSet(asked: Asked, target: string, body: unknown, query: unknown) {
  refuseOffline(query)
  const wishes: Wish[] = checked(SetWishes, body).map(({ id: setId, ...wish }) => ({
    ...wish,
    target,
    setId,
  }))
  return assignSets(asked, wishes)
}
