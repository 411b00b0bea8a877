import type { Permission } from '@updraft/core'
import type { z } from 'zod'

/** One row of the operators' API. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Below API_PREFIX, parameters as `:name`. */
  readonly path: string
  readonly summary: string
  readonly tag: string
  /** `anyone` needs no sign-in; `operator` any signed-in one. */
  readonly permission: Permission | 'anyone' | 'operator'
  readonly params?: z.ZodObject
  readonly query?: z.ZodObject
  /** `bytes` is a raw stream. */
  readonly body?: z.ZodType | 'bytes'
  /** `events` is a stream of server-sent events. */
  readonly response: z.ZodType | 'bytes' | 'events' | 'nothing'
  readonly status?: 200 | 201 | 204
  /** The answer holds a secret that is shown once: never stored for a repeated Idempotency-Key. */
  readonly isSecret?: boolean
}
