/** Words that all shapes are made of. */
import type { Json } from '@updraft/core'
import { z } from 'zod'

/** Under that name it stands in the description of the API. */
export const named = <T extends z.ZodType>(id: string, schema: T): T => schema.meta({ id }) as T

export const Id = z.uuid().describe('UUIDv7')
export const Time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds')
export const Name = z.string().min(1).max(256)
export const Handle = z
  .string()
  .min(1)
  .max(63)
  .describe('small letters, digits and dashes, a letter first')
export const Ref = z.object({ id: Id, handle: z.string(), name: z.string() })
export const TypeName = z.string().min(1).max(64).describe('component type: firmware, software, …')

export const JsonObject: z.ZodType<Record<string, Json>, Record<string, Json>> = z.record(
  z.string(),
  z.json(),
)

export const Token255 = z.string().min(1).max(255)

export const Reason = named(
  'Reason',
  z.object({ code: z.string(), message: z.string().describe('a sentence for a person') }),
)

export const NameOnly = named('NameOnly', z.object({ name: Name }))

/** Read by the core, which says where a mistake is. */
export const ExpressionText = z
  .string()
  .max(65_536)
  .describe('CEL over what is known of a device, such as `"beta" in labels`')
