/** What lists take and answer. */
import { z } from 'zod'

/** One page of a list. */
export const page = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('give it as cursor for the next page'),
  })
export type Page<T> = { items: T[]; nextCursor: string | null }

/** What every list takes. */
export const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(1024).optional(),
  sort: z.string().max(64).optional().describe('a field, with - in front for descending'),
  search: z.string().max(255).optional().describe('text within names and titles'),
})
