/** Which state of a thing a change is meant for: ETag out, If-Match in. */
import { DomainError } from '@updraft/core'
import type { FastifyRequest } from 'fastify'

export const etagOf = ({ revision }: { revision: number }): string => `"${revision}"`

/** The revision a change is meant for, from If-Match; undefined when the caller does not mind. */
export function revisionOf(request: FastifyRequest): number | undefined {
  const header = request.headers['if-match']
  if (header === undefined || header === '*') return undefined
  const revision = /^"(\d+)"$/.exec(header)?.[1]
  if (revision) return Number(revision)
  throw new DomainError('request.version-mismatch', 'If-Match is not an ETag this was given with.')
}
