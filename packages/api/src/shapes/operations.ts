/** Updates and the steps they went through. */
import { STATES } from '@updraft/core'
import { z } from 'zod'
import { Handling } from './handling.ts'
import { ReleaseRef } from './releases.ts'
import { Id, named, Reason, Time, TypeName } from './words.ts'

export const StateName = named('State', z.enum(STATES))

/** One state or several, with commas between. */
export const StateNames = z
  .string()
  .regex(new RegExp(`^(${STATES.join('|')})(,(${STATES.join('|')}))*$`), {
    error: `Not states: they are ${STATES.join(', ')}, with commas between.`,
  })

export const Operation = named(
  'Operation',
  z.object({
    id: Id,
    deviceId: Id,
    type: TypeName,
    state: StateName,
    release: ReleaseRef,
    progress: z.number().describe('percent'),
    error: z.string().nullable().describe("the device's words, once it failed"),
    code: z
      .string()
      .nullable()
      .describe("the device's own code for that, if its language has codes"),
    because: z.string().describe('why it is in that state'),
    reason: Reason,
    origin: Reason.describe('why it was opened'),
    restarts: z.int(),
    handling: Handling,
    openedAt: Time,
    changedAt: Time,
    endedAt: Time.nullable(),
  }),
)
export type Operation = z.infer<typeof Operation>

export const Step = named(
  'Step',
  z.object({
    at: Time,
    state: StateName,
    outcome: z.enum(['opened', 'moved', 'remarked', 'ignored']),
    progress: z.number(),
    error: z.string().nullable(),
    because: z.string(),
    reason: Reason,
  }),
)
export type Step = z.infer<typeof Step>

export const OperationWithSteps = named(
  'OperationWithSteps',
  Operation.extend({ steps: z.array(Step).describe('oldest first') }),
)
export type OperationWithSteps = z.infer<typeof OperationWithSteps>
