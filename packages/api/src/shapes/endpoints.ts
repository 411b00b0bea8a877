/** Where the server is reached. */
import { z } from 'zod'
import { named } from './words.ts'

export const Endpoints = named(
  'Endpoints',
  z.object({
    http: z.string(),
    mqtt: z.string().nullable(),
    mqtts: z.string().nullable(),
    coap: z.string().nullable(),
    broker: z.string().nullable().describe('what devices of Astarte are told, within TLS'),
  }),
)
export type Endpoints = z.infer<typeof Endpoints>
