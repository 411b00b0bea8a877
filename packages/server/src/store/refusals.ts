/** What PostgreSQL refuses, in the domain's words. Anything that is not listed stays the bug it is. */
import { DomainError, type ErrorCode } from '@updraft/core'

/** By the constraint's name, which PostgreSQL makes of table, columns and kind. */
const BY_CONSTRAINT: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  profiles_tenant_id_name_key: ['profile.duplicate', 'A profile of that name exists already.'],
  devices_tenant_id_name_key: ['device.duplicate', 'A device of that name exists already.'],
  credentials_secret_hash_key: ['device.token-taken', 'Another device has that token already.'],
  devices_tenant_id_profile_id_fkey: [
    'profile.in-use',
    'Devices still have this profile; move or remove them first.',
  ],
  releases_tenant_id_profile_id_fkey: [
    'profile.in-use',
    'Releases are made for this profile; remove them first.',
  ],
  releases_tenant_id_title_version_key: [
    'release.duplicate',
    'A release of that title and version exists already.',
  ],
  releases_tenant_id_artifact_sha256_fkey: [
    'artifact.unknown',
    'No file with that SHA-256 has been uploaded.',
  ],
  assignments_tenant_id_release_id_fkey: [
    'release.in-use',
    'The release is assigned; withdraw the assignment first.',
  ],
  operators_name_key: ['operator.duplicate', 'An operator of that name exists already.'],
}

/** SQLSTATE classes that say the server is not there, or not able to work, at the moment. */
const AWAY = /^(08|57P0|53|25006)/
const AWAY_SYSTEM_CODES = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT'])
const AWAY_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|pool after calling end/

interface DatabaseError {
  readonly code?: string
  readonly constraint?: string
  readonly message?: string
}

/** Rethrows what the database threw: as a refusal where it is one, as store.away where it is gone. */
export function refuse(error: unknown): never {
  if (error instanceof DomainError) throw error
  const { code = '', constraint = '', message = '' } = error as DatabaseError
  const refusal = BY_CONSTRAINT[constraint]
  if (refusal) throw new DomainError(refusal[0], refusal[1], {}, error)
  if (AWAY.test(code) || AWAY_SYSTEM_CODES.has(code) || AWAY_MESSAGES.test(message)) {
    throw new DomainError('store.away', 'The database does not answer at the moment.', {}, error)
  }
  throw error
}

/** Whether trying the same transaction again may succeed: a deadlock, or a serialization failure. */
export const isPassing = (error: unknown): boolean =>
  ['40P01', '40001'].includes((error as DatabaseError).code ?? '')

/** Whether the statement failed for what was in it, so that its parts may fare better one by one. */
export const isBadData = (error: unknown): boolean =>
  /^(22|23)/.test((error as DatabaseError).code ?? '')
