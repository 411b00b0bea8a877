/** As ThingsBoard's telemetry API is asked and answers. */
import type { Json } from '@updraft/core'
import { z } from 'zod'
import { named } from './words.ts'

const JsonValue: z.ZodType<Json, Json> = z.json()

const Milliseconds = z.int().describe('milliseconds since 1970')

/** As ThingsBoard's telemetry API answers. */
export const Timeseries = named(
  'Timeseries',
  z
    .record(
      z.string(),
      z.array(z.object({ ts: Milliseconds, value: z.union([z.string(), z.number(), z.null()]) })),
    )
    .describe('values by key'),
)
export type Timeseries = z.infer<typeof Timeseries>

export const TimeseriesQuery = z.object({
  keys: z.string().max(1024).optional().describe('with commas between; all when absent'),
  startTs: z.coerce.number().int().optional().describe('with endTs: values since then'),
  endTs: z.coerce.number().int().optional().describe('values before then'),
  limit: z.coerce.number().int().min(1).max(10_000).default(100).describe('of each key'),
  orderBy: z.enum(['ASC', 'DESC']).default('DESC'),
  agg: z.literal('NONE').optional(),
  useStrictDataTypes: z.enum(['true', 'false']).default('false').describe('numbers as numbers'),
})
export type TimeseriesQuery = z.output<typeof TimeseriesQuery>

export const AttributeScope = z.enum(['CLIENT_SCOPE', 'SHARED_SCOPE', 'SERVER_SCOPE'])
export type AttributeScope = z.infer<typeof AttributeScope>

/** As ThingsBoard's telemetry API answers. */
export const AttributeValue = named(
  'AttributeValue',
  z.object({ key: z.string(), value: JsonValue, lastUpdateTs: Milliseconds }),
)
export type AttributeValue = z.infer<typeof AttributeValue>
