/**
 * Every refusal Updraft foresees, with what it means. A door (REST, a device dialect) maps each code to its
 * own words; the compiler asks for the mapping when a code is added here.
 */
export const ERROR_MEANINGS = {
  'access.denied': 'the actor may not do this',
  'access.unauthenticated': 'no valid token or session came with the request',
  'access.bad-sign-in': 'name or password is wrong',
  'access.too-many-attempts': 'too many failed sign-ins; wait and try again',
  'access.csrf': 'a session request came without its CSRF token',
  'request.malformed': 'the request does not have the documented shape',
  'request.too-large': 'the request body is larger than this door takes',
  'request.idempotency-reused': 'the same Idempotency-Key came with another request',
  'request.version-mismatch': 'the thing was changed by someone else since it was read',
  'route.unknown': 'there is nothing at this address',
  'profile.unknown': 'no such device profile',
  'profile.duplicate': 'a profile of that name exists',
  'profile.in-use': 'devices or releases still use the profile',
  'device.unknown': 'no such device, or its credentials are not valid',
  'device.duplicate': 'a device of that name exists',
  'credential.taken': 'another device is known by that token, name or certificate',
  'credential.unknown': 'no such credential of that device',
  'credential.too-many': 'the device has two credentials of that kind already',
  'provisioning.refused': 'the provisioning key and secret are not valid',
  'provisioning.repeated': 'the device has enrolled itself before',
  'provisioning.key-taken': 'another profile has that provisioning key',
  'release.unknown': 'no such release',
  'release.duplicate': 'a release of that title and version exists',
  'release.in-use': 'the release is assigned or being installed somewhere',
  'release.invalid': 'the release lacks something or contradicts itself',
  'release.other-profile': 'the release is made for another profile',
  'release.other-type': 'the release is of another component type',
  'release.no-content': 'the release has neither a file nor a URL to be fetched from',
  'release.external': 'the release is kept at a URL elsewhere, not here',
  'artifact.unknown': 'no such file is stored',
  'artifact.empty': 'the uploaded file holds no bytes',
  'artifact.incomplete': 'the upload broke off before its announced end',
  'artifact.checksum-mismatch': 'the file does not have the checksum it was said to have',
  'artifact.unknown-algorithm': 'the checksum algorithm is not one of the seven',
  'artifact.bad-ticket': 'the download address is not valid, or no longer',
  'artifact.mismatch': 'the device asked for another release than the one meant for it',
  'upload.unknown': 'no such upload, or somebody else began it',
  'upload.other-offset':
    'the upload goes on at another place than the request, or in a newer request',
  'upload.other-protocol': 'the client speaks another version of the upload protocol',
  'assignment.none': 'nothing is assigned there',
  'operation.unknown': 'no such operation for this device',
  'operation.already-ended': 'the operation has ended; the report changes nothing',
  'operation.under-way': 'another update is under way for that component',
  'operation.cannot-retry': 'only what failed or was cancelled can be tried again',
  'campaign.unknown': 'no such campaign',
  'campaign.duplicate': 'a campaign of that name exists',
  'campaign.invalid': 'a setting of the campaign is outside of its limits, or contradicts another',
  'campaign.not-now': 'the campaign is not in a state in which that can be done',
  'report.unknown-state': 'the reported state is not one of the states',
  'version.invalid-requirement': 'the version requirement cannot be read',
  'group.unknown': 'no such group',
  'group.duplicate': 'a group of that handle or name exists',
  'group.in-channel': 'the group is in another channel already',
  'channel.unknown': 'no such channel',
  'channel.duplicate': 'a channel of that handle or name exists',
  'channel.in-use': 'a campaign refers to the channel',
  'expression.invalid': 'the expression has a mistake',
  'expression.too-large': 'the expression is longer or deeper than what is looked at',
  'settings.invalid': 'a setting has a value outside of its limits',
  'token.unknown': 'no such API token',
  'operator.unknown': 'no such operator',
  'operator.duplicate': 'an operator of that name exists',
  'operator.invalid': 'what is said of the operator is too weak or contradicts itself',
  'operator.self': 'nobody removes themselves, or changes their own role',
  'operator.last-administrator': 'a tenant keeps at least one administrator',
  'customer.unknown': 'no such customer',
  'customer.duplicate': 'a customer of that name exists',
  'customer.in-use': 'the customer still owns devices or has users',
  'claim.refused': 'no such device has said that it may be claimed with that secret',
  'claim.expired': 'the time in which the device could be claimed is over',
  'claim.taken': "the device is another customer's",
  'tenant.unknown': 'no such tenant',
  'tenant.duplicate': 'a tenant of that name exists',
  'tenant.in-use': 'the tenant still has profiles, customers or you yourself',
  'store.away': 'the database does not answer at the moment',
  'store.full': 'there is no space left for the file',
} as const

export type ErrorCode = keyof typeof ERROR_MEANINGS

/** What sort of no it is; doors have an answer for each sort, and for single codes where they differ. */
export type ErrorKind =
  | 'unauthenticated'
  | 'denied'
  | 'unknown'
  | 'conflict'
  | 'malformed'
  | 'invalid'
  | 'outdated'
  | 'too-large'
  | 'too-many'
  | 'away'
  | 'full'

export const ERROR_KINDS: Readonly<Record<ErrorCode, ErrorKind>> = {
  'access.denied': 'denied',
  'access.unauthenticated': 'unauthenticated',
  'access.bad-sign-in': 'unauthenticated',
  'access.too-many-attempts': 'too-many',
  'access.csrf': 'denied',
  'request.malformed': 'malformed',
  'request.too-large': 'too-large',
  'request.idempotency-reused': 'conflict',
  'request.version-mismatch': 'outdated',
  'route.unknown': 'unknown',
  'profile.unknown': 'unknown',
  'profile.duplicate': 'conflict',
  'profile.in-use': 'conflict',
  'device.unknown': 'unknown',
  'device.duplicate': 'conflict',
  'credential.taken': 'conflict',
  'credential.unknown': 'unknown',
  'credential.too-many': 'conflict',
  'provisioning.refused': 'denied',
  'provisioning.repeated': 'conflict',
  'provisioning.key-taken': 'conflict',
  'release.unknown': 'unknown',
  'release.duplicate': 'conflict',
  'release.in-use': 'conflict',
  'release.invalid': 'invalid',
  'release.other-profile': 'invalid',
  'release.other-type': 'invalid',
  'release.no-content': 'unknown',
  'release.external': 'unknown',
  'artifact.unknown': 'unknown',
  'artifact.empty': 'invalid',
  'artifact.incomplete': 'malformed',
  'artifact.checksum-mismatch': 'invalid',
  'artifact.unknown-algorithm': 'malformed',
  'artifact.bad-ticket': 'denied',
  'artifact.mismatch': 'malformed',
  'upload.unknown': 'unknown',
  'upload.other-offset': 'conflict',
  'upload.other-protocol': 'outdated',
  'assignment.none': 'unknown',
  'operation.unknown': 'unknown',
  'operation.already-ended': 'conflict',
  'operation.under-way': 'conflict',
  'operation.cannot-retry': 'conflict',
  'campaign.unknown': 'unknown',
  'campaign.duplicate': 'conflict',
  'campaign.invalid': 'invalid',
  'campaign.not-now': 'conflict',
  'report.unknown-state': 'malformed',
  'version.invalid-requirement': 'invalid',
  'group.unknown': 'unknown',
  'group.duplicate': 'conflict',
  'group.in-channel': 'conflict',
  'channel.unknown': 'unknown',
  'channel.duplicate': 'conflict',
  'channel.in-use': 'conflict',
  'expression.invalid': 'invalid',
  'expression.too-large': 'invalid',
  'settings.invalid': 'invalid',
  'token.unknown': 'unknown',
  'operator.unknown': 'unknown',
  'operator.duplicate': 'conflict',
  'operator.invalid': 'invalid',
  'operator.self': 'conflict',
  'operator.last-administrator': 'conflict',
  'customer.unknown': 'unknown',
  'customer.duplicate': 'conflict',
  'customer.in-use': 'conflict',
  'claim.refused': 'denied',
  'claim.expired': 'denied',
  'claim.taken': 'conflict',
  'tenant.unknown': 'unknown',
  'tenant.duplicate': 'conflict',
  'tenant.in-use': 'conflict',
  'store.away': 'away',
  'store.full': 'full',
}

/** A refusal that was foreseen: a code, a sentence safe to show to whoever asked, and details for them or the log. */
export class DomainError extends Error {
  readonly code: ErrorCode
  readonly details: Readonly<Record<string, unknown>>

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'DomainError'
    this.code = code
    this.details = details
  }
}
