/** What PostgreSQL refuses, in the domain's words. Anything that is not listed stays the bug it is. */
import { setTimeout } from 'node:timers/promises'
import { DomainError, type ErrorCode } from '@updraft/core'

type Refusal = readonly [ErrorCode, string]

/** By the constraint's name, which PostgreSQL makes of table, columns and kind: what is written does not fit. */
const BY_CONSTRAINT: Readonly<Record<string, Refusal>> = {
  profiles_tenant_id_name_key: ['profile.duplicate', 'A profile of that name exists already.'],
  devices_tenant_id_name_key: ['device.duplicate', 'A device of that name exists already.'],
  profiles_provisioning_key_key: [
    'provisioning.key-taken',
    'Another profile has that provisioning key already.',
  ],
  registrations_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  registrations_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  registrations_pkey: ['device.duplicate', 'The device has registered already.'],
  registrations_profile_id_said_id_key: [
    'device.duplicate',
    'A device has registered under that id already.',
  ],
  credentials_lookup_hash_key: [
    'credential.taken',
    'A device is known by that token, name or certificate already.',
  ],
  releases_tenant_id_title_version_key: [
    'release.duplicate',
    'A release of that title and version exists already.',
  ],
  releases_tenant_id_artifact_sha256_fkey: [
    'artifact.unknown',
    'No file with that SHA-256 has been uploaded.',
  ],
  operators_tenant_id_customer_id_fkey: ['customer.unknown', 'There is no such customer.'],
  devices_tenant_id_customer_id_fkey: ['customer.unknown', 'There is no such customer.'],
  customers_tenant_id_name_key: ['customer.duplicate', 'A customer of that name exists already.'],
  campaigns_tenant_id_name_key: ['campaign.duplicate', 'A campaign of that name exists already.'],
  policies_tenant_id_release_id_fkey: ['release.unknown', 'There is no such release.'],
  policies_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  policies_pkey: [
    'request.version-mismatch',
    'The release was given a policy by someone else meanwhile.',
  ],
  campaigns_tenant_id_release_id_fkey: ['release.unknown', 'There is no such release.'],
  device_groups_tenant_id_handle_key: ['group.duplicate', 'A group of that handle exists already.'],
  device_groups_tenant_id_name_key: ['group.duplicate', 'A group of that name exists already.'],
  channels_tenant_id_handle_key: ['channel.duplicate', 'A channel of that handle exists already.'],
  channels_tenant_id_name_key: ['channel.duplicate', 'A channel of that name exists already.'],
  device_groups_tenant_id_channel_id_fkey: ['channel.unknown', 'There is no such channel.'],
  hardware_types_tenant_id_handle_key: [
    'hardware-type.duplicate',
    'A hardware type of that handle exists already.',
  ],
  hardware_types_tenant_id_name_key: [
    'hardware-type.duplicate',
    'A hardware type of that name exists already.',
  ],
  hardware_type_part_numbers_pkey: [
    'part-number.taken',
    'Another hardware type has that part number already.',
  ],
  system_models_tenant_id_handle_key: [
    'system-model.duplicate',
    'A system model of that handle exists already.',
  ],
  system_models_tenant_id_name_key: [
    'system-model.duplicate',
    'A system model of that name exists already.',
  ],
  system_model_part_numbers_pkey: [
    'part-number.taken',
    'Another system model has that part number already.',
  ],
  system_models_tenant_id_hardware_type_id_fkey: [
    'hardware-type.unknown',
    'There is no such hardware type.',
  ],
  system_models_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  clouds_tenant_id_name_key: ['cloud.duplicate', 'A cloud of that name exists already.'],
  devices_tenant_id_cloud_id_fkey: ['cloud.unknown', 'There is no such cloud.'],
  cloud_tokens_tenant_id_cloud_id_fkey: ['cloud.unknown', 'There is no such cloud.'],
  realms_pkey: ['realm.exists', 'The tenant has a realm already.'],
  realms_name_key: ['realm.duplicate', 'A realm of that name exists already.'],
  realms_tenant_id_default_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  clusters_tenant_id_fkey: ['realm.none', 'The tenant has no realm.'],
  realm_keys_tenant_id_fkey: ['realm.none', 'The tenant has no realm.'],
  realm_keys_tenant_id_name_key: [
    'realm.key-duplicate',
    'The realm has a key of that name already.',
  ],
  pairings_pkey: ['pairing.duplicate', 'The device is paired already.'],
  pairings_tenant_id_astarte_id_key: [
    'pairing.duplicate',
    'Another device is paired under that id already.',
  ],
  pairings_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  box_servers_host_key: [
    'box.host-taken',
    'Boxes of another profile reach the server by that host already.',
  ],
  box_servers_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  boxes_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  boxes_tenant_id_release_id_fkey: ['release.unknown', 'There is no such release.'],
  box_wishes_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  box_names_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  hawkbit_devices_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  hawkbit_actions_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  hawkbit_messages_action_id_fkey: ['device.unknown', 'The device is gone, with its actions.'],
  software_modules_name_key: [
    'software-module.duplicate',
    'A software module of that name, version and type exists already.',
  ],
  distribution_sets_name_key: [
    'distribution-set.duplicate',
    'A distribution set of that name and version exists already.',
  ],
  software_modules_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  profile_authorities_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  software_modules_tenant_id_release_id_fkey: ['release.unknown', 'There is no such release.'],
  distribution_set_modules_tenant_id_module_id_fkey: [
    'software-module.unknown',
    'There is no such software module.',
  ],
  distribution_set_assignments_tenant_id_set_id_fkey: [
    'distribution-set.unknown',
    'There is no such distribution set.',
  ],
  distribution_set_assignments_tenant_id_device_id_fkey: [
    'device.unknown',
    'There is no such device.',
  ],
  tenants_name_key: ['tenant.duplicate', 'A tenant of that name exists already.'],
  operators_name_key: ['operator.duplicate', 'An operator of that name exists already.'],
  // What was there a moment ago was removed by someone else.
  devices_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  releases_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  releases_tenant_id_only_for_device_id_fkey: ['device.unknown', 'There is no such device.'],
  assignments_tenant_id_profile_id_fkey: ['profile.unknown', 'There is no such profile.'],
  assignments_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  credentials_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  device_presence_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  device_claims_tenant_id_device_id_fkey: ['device.unknown', 'There is no such device.'],
  assignments_tenant_id_release_id_fkey: ['release.unknown', 'There is no such release.'],
  operations_tenant_id_release_id_fkey: ['release.unknown', 'There is no such release.'],
}

/** The same references seen from the other end: what is to be removed is still needed. */
const BY_REFERENCE: Readonly<Record<string, Refusal>> = {
  devices_tenant_id_profile_id_fkey: [
    'profile.in-use',
    'Devices still have this profile; move or remove them first.',
  ],
  releases_tenant_id_profile_id_fkey: [
    'profile.in-use',
    'Releases are made for this profile; remove them first.',
  ],
  system_models_tenant_id_profile_id_fkey: [
    'profile.in-use',
    'System models give their devices this profile; change them first.',
  ],
  system_models_tenant_id_hardware_type_id_fkey: [
    'hardware-type.in-use',
    'System models are of this hardware type; remove them first.',
  ],
  devices_tenant_id_cloud_id_fkey: [
    'cloud.in-use',
    'Devices are still of this cloud; put them into another, or into none.',
  ],
  devices_tenant_id_customer_id_fkey: [
    'customer.in-use',
    'The customer still owns devices; give them to another, or to nobody.',
  ],
  operators_tenant_id_customer_id_fkey: [
    'customer.in-use',
    'The customer still has users; remove them first.',
  ],
  realms_tenant_id_default_profile_id_fkey: [
    'profile.in-use',
    'Devices that register in the realm get this profile; choose another one for the realm first.',
  ],
  clusters_tenant_id_fkey: [
    'realm.in-use',
    'The devices of the realm are served by a cluster; remove the cluster first.',
  ],
  realms_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has a realm; its administrator removes it first.',
  ],
  profiles_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has profiles; its administrator removes them first.',
  ],
  releases_tenant_id_artifact_sha256_fkey: [
    'tenant.in-use',
    'The tenant still has releases; its administrator removes them first.',
  ],
  customers_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has customers; its administrator removes them first.',
  ],
  campaigns_bring_a_release: [
    'release.in-use',
    'A campaign that is not over brings this release; cancel it first.',
  ],
  campaigns_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has campaigns; its administrator removes them first.',
  ],
  clouds_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has clouds; its administrator removes them first.',
  ],
  device_groups_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has groups; its administrator removes them first.',
  ],
  channels_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has channels; its administrator removes them first.',
  ],
  system_models_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has system models; its administrator removes them first.',
  ],
  hardware_types_tenant_id_fkey: [
    'tenant.in-use',
    'The tenant still has hardware types; its administrator removes them first.',
  ],
  assignments_tenant_id_release_id_fkey: [
    'release.in-use',
    'The release is assigned; withdraw the assignment first.',
  ],
}

/** SQLSTATE classes that say the server is not there, or not able to work, at the moment. */
const AWAY = /^(08|25006|28|3D|53|55000|57014|57P0)/
const AWAY_SYSTEM_CODES = new Set([
  'EAI_AGAIN',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
])
const AWAY_MESSAGES =
  /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error|pool after calling end/

interface DatabaseError {
  readonly code?: string
  readonly constraint?: string
  readonly message?: string
}

/** A text with NUL or half a surrogate pair, a number out of range: no statement of ours is wrong, its data is. */
const UNKEEPABLE = /^22/

/**
 * Rethrows what the database threw: as a refusal where it is one, as request.malformed where it cannot keep what
 * it was given, as store.away where it is gone.
 */
export function refuse(error: unknown): never {
  if (error instanceof DomainError) throw error
  const { code = '', constraint = '', message = '' } = error as DatabaseError
  throwRefusal(BY_CONSTRAINT[constraint], error)
  if (UNKEEPABLE.test(code)) {
    const sentence = 'The request holds a text or a number that cannot be kept.'
    throw new DomainError('request.malformed', sentence, {}, error)
  }
  if (AWAY.test(code) || AWAY_SYSTEM_CODES.has(code) || AWAY_MESSAGES.test(message)) {
    throw new DomainError('store.away', 'The database does not answer at the moment.', {}, error)
  }
  throw error
}

/** Rethrows what the database threw at a removal: as a refusal where the thing is still needed. */
export function refuseRemoval(error: unknown): never {
  throwRefusal(BY_REFERENCE[(error as DatabaseError).constraint ?? ''], error)
  throw error
}

function throwRefusal(refusal: Refusal | undefined, error: unknown): void {
  if (refusal) throw new DomainError(refusal[0], refusal[1], {}, error)
}

/** What devices are decided on by, and may be removed in the same moment. */
const MAY_BE_GONE: ReadonlySet<string> = new Set([
  'operations_tenant_id_release_id_fkey',
  'policy_devices_tenant_id_release_id_fkey',
])

/**
 * Whether trying the same transaction again may succeed: after a deadlock or a serialization failure, or when an
 * update was about to be queued for a release, or a device to stand with a policy, that was just being removed.
 */
const isPassing = (error: unknown): boolean => {
  const { code = '', constraint = '' } = error as DatabaseError
  return ['40P01', '40001'].includes(code) || MAY_BE_GONE.has(constraint)
}

const MAX_TRIES = 4
/** Whoever was given up lets the other go first: at once it might only meet it a second time. */
const STAND_BACK_MS = 25

/** Does a transaction again when that may help, a few times. */
export async function again<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error) || tries >= MAX_TRIES) throw error
      await setTimeout(Math.random() * STAND_BACK_MS * tries)
    }
  }
}

/** Whether the statement failed for what was in it, so that its parts may fare better one by one. */
export const isBadData = (error: unknown): boolean =>
  /^(22|23)/.test((error as DatabaseError).code ?? '')
