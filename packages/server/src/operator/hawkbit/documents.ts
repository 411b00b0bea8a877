/** What hawkBit's documents have in common: links, times as milliseconds, and pages. */
import { DomainError } from '@updraft/core'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'

export const PREFIX = '/rest/v1'

export type Links = Readonly<Record<string, { readonly href: string; readonly name?: string }>>

/** Addresses below the API, as this client reaches it. */
export interface Addresses {
  of(path: string): { href: string }
}

export const addresses = (publicUrl: string | undefined, request: FastifyRequest): Addresses => {
  const root = publicUrl ?? `${request.protocol}://${request.host}`
  return { of: (path) => ({ href: `${root}${PREFIX}${path}` }) }
}

export const millis = (time: Date | string): number => new Date(time).getTime()

export interface PagedList<T> {
  readonly content: readonly T[]
  readonly total: number
  readonly size: number
}

/** `size` is how many are on the page. */
export const pagedList = <T>(content: readonly T[], total: number): PagedList<T> => ({
  content,
  total,
  size: content.length,
})

const DEFAULT_LIMIT = 50
const MAX_LIMIT = 500

/** What every list takes. More than 500 are given as 500. */
export const PageQuery = z.object({
  offset: z.coerce.number().int().min(0).max(1_000_000).default(0),
  limit: z.coerce
    .number()
    .int()
    .min(0)
    .default(DEFAULT_LIMIT)
    .transform((limit) => Math.min(limit, MAX_LIMIT)),
  sort: z.string().max(255).optional(),
  q: z.string().optional(),
})
export type PageQuery = z.output<typeof PageQuery>

/** The one order asked for; null when none is. Refuses with request.malformed. */
export function sortOf<Field extends string>(
  { sort }: Pick<PageQuery, 'sort'>,
  fields: readonly Field[],
): { readonly field: Field; readonly isDescending: boolean } | null {
  if (sort === undefined || sort === '') return null
  const [, name = '', direction = ''] = /^([a-z]+):(asc|desc)$/i.exec(sort) ?? []
  const field = fields.find((each) => each.toLowerCase() === name.toLowerCase())
  if (field) return { field, isDescending: direction.toLowerCase() === 'desc' }
  const message = `Here one can sort by one of ${fields.join(', ')}, as in ${fields[0]}:ASC.`
  throw new DomainError('request.malformed', message)
}

/** The number in a path. Refuses with request.malformed. */
export function numberIn(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw new DomainError('request.malformed', `"${text.slice(0, 80)}" is not a number.`)
}

/** What of hawkBit's has no meaning here. */
export const unsupported = (message: string): DomainError =>
  new DomainError('hawkbit.unsupported', message)

/** Refuses with request.malformed. */
export function checked<S extends z.ZodType>(shape: S, value: unknown): z.output<S> {
  const { success, data, error } = shape.safeParse(value)
  if (success) return data
  const [first] = error.issues
  const where = first?.path.map(String).join('.') || 'the body'
  const message = `${where}: ${first?.message ?? 'not as documented'}`
  throw new DomainError('request.malformed', message.endsWith('.') ? message : `${message}.`)
}
