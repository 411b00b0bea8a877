/** Figures over the fleet. */
import { STATES } from '@updraft/core'
import { z } from 'zod'
import { ReleaseRef } from './releases.ts'
import { named, Time, TypeName } from './words.ts'

export const Overview = named(
  'Overview',
  z.object({
    devices: z.int(),
    waiting: z.int(),
    updating: z.int(),
    updated: z.int(),
    failed: z.int(),
    states: z.partialRecord(z.enum(STATES), z.int()).describe('newest operation of each component'),
    seen: z.object({
      recently: z.int().describe('within the last day'),
      earlier: z.int(),
      never: z.int(),
    }),
  }),
)
export type Overview = z.infer<typeof Overview>

export const Activity = named(
  'Activity',
  z.object({
    stepSeconds: z.int(),
    items: z.array(z.object({ at: Time, updated: z.int(), failed: z.int() })),
  }),
)
export type Activity = z.infer<typeof Activity>

export const InstalledCount = named(
  'InstalledCount',
  z.object({ type: TypeName, title: z.string(), version: z.string(), devices: z.int() }),
)

export const FailureCount = named(
  'FailureCount',
  z.object({
    type: TypeName,
    release: ReleaseRef,
    devices: z.int(),
    error: z.string().nullable().describe('the one heard most'),
    latestAt: Time,
  }),
)
export type FailureCount = z.infer<typeof FailureCount>
