/** What is answered instead, when something is refused. */
import { ERROR_MEANINGS } from '@updraft/core'
import { z } from 'zod'
import { named } from './words.ts'

export const Problem = named(
  'Problem',
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum([...(Object.keys(ERROR_MEANINGS) as [keyof typeof ERROR_MEANINGS]), 'internal']),
    index: z
      .int()
      .optional()
      .describe('of an import: which of the devices sent is refused, counted from 0'),
  }),
)
export type Problem = z.infer<typeof Problem>
