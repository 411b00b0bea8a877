import { DomainError, NO_LIMITS } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Stores } from '../app/ports.ts'
import { refuse } from './refusals.ts'
import {
  addTenant,
  hashOf,
  NOON,
  newId,
  type Tenant,
  type TestStore,
  testStore,
  tokenCredential,
} from './store.test-helper.ts'

let store: TestStore
let tenant: Tenant
let profile: string
let device: string

beforeAll(async () => {
  store = await testStore()
  tenant = await addTenant(store, 'acme')
  profile = await tenant.addProfile('P')
  ;[device = ''] = await tenant.addDevices(profile, ['D'])
  await tenant.addRelease(profile, 'R@1')
  const taken = await addTenant(store, 'taken')
  const theirs = await taken.addProfile('theirs')
  await taken.run(({ realms }) => realms.insert({ ...realm('taken'), defaultProfileId: theirs }))
})
afterAll(() => store.close())

const newDevice = (changes: { name?: string; profileId?: string; token?: string }) => ({
  id: newId(),
  profileId: changes.profileId ?? profile,
  name: changes.name ?? newId(),
  labels: [],
  attributes: {},
  credentials: [tokenCredential(changes.token ?? newId())],
  createdAt: NOON,
})
const assignment = (releaseId: string) => ({
  id: newId(),
  type: 'firmware',
  releaseId,
  assignedAt: NOON,
  assignedBy: 'admin',
})

const softwareModule = (profileId: string) => ({
  profileId,
  type: 'firmware',
  name: 'M',
  version: '1',
  vendor: null,
  description: null,
  createdAt: NOON,
  createdBy: 'admin',
})
const distributionSet = (moduleIds: readonly number[]) => ({
  type: 'os',
  name: 'DS',
  version: '1',
  description: null,
  createdAt: NOON,
  createdBy: 'admin',
  moduleIds,
})

const realm = (name: string) => ({
  name,
  defaultProfileId: profile,
  signingKey: 'k',
  createdAt: NOON,
})
const key = () => ({ id: newId(), name: 'K', publicKey: 'k', createdAt: NOON })
const pairing = (deviceId: string, bytes: number) => ({
  deviceId,
  astarteId: Buffer.alloc(16, bytes).toString('base64url'),
  secretHash: null,
  createdAt: NOON,
})

const policy = (releaseId: string) => ({
  releaseId,
  expression: '',
  isEnabled: true,
  limits: NO_LIMITS,
  cloudIds: [],
  publishedAt: NOON,
  createdAt: NOON,
})
const ofProfile = (profileId: string) => ({ profileId, type: 'firmware', createdBy: 'admin' })

const newOperator = (changes: { name?: string; customerId?: string }) => ({
  id: newId(),
  name: changes.name ?? newId(),
  role: 'customer-user' as const,
  customerId: changes.customerId ?? newId(),
  passwordHash: 'none',
  createdAt: NOON,
})

const newCloud = (name: string) => ({
  id: newId(),
  name,
  publicUrl: null,
  artifactStore: null,
  region: null,
  createdAt: NOON,
})
const handled = () => ({ id: newId(), handle: `h-${newId()}`, name: newId(), createdAt: NOON })
const partNumber = () => ({ partNumbers: [newId()] })
/** A system model with neither hardware type nor profile. */
const ofNothing = () => ({ ...partNumber(), hardwareTypeId: null, profileId: null })

/** Two that are alike in what is said of them. */
async function twice<Said>(
  into: { insert(row: ReturnType<typeof handled> & Said): Promise<void> },
  say: () => Said,
): Promise<void> {
  await into.insert({ ...handled(), ...say() })
  await into.insert({ ...handled(), ...say() })
}

const RULES: readonly [string, string, (stores: Stores) => Promise<unknown>][] = [
  [
    'profiles_tenant_id_name_key',
    'profile.duplicate',
    ({ profiles }) =>
      profiles.insert({ id: newId(), name: 'P', description: null, createdAt: NOON }),
  ],
  [
    'devices_tenant_id_name_key',
    'device.duplicate',
    ({ devices }) => devices.insert([newDevice({ name: 'D' })]),
  ],
  [
    'devices_tenant_id_profile_id_fkey',
    'profile.unknown',
    ({ devices }) => devices.insert([newDevice({ profileId: newId() })]),
  ],
  [
    'devices_tenant_id_customer_id_fkey',
    'customer.unknown',
    ({ devices }) => devices.change(device, { customerId: newId() }),
  ],
  [
    'campaigns_tenant_id_name_key',
    'campaign.duplicate',
    async () => {
      const release = await tenant.addRelease(profile, `${newId()}@1`)
      await tenant.addCampaign('taken', release)
      await tenant.addCampaign('taken', release)
    },
  ],
  [
    'campaigns_tenant_id_release_id_fkey',
    'release.unknown',
    async ({ campaigns }) => {
      const release = await tenant.addRelease(profile, `${newId()}@1`)
      const { campaign } = await campaigns.get(await tenant.addCampaign(newId(), release))
      const other = { ...campaign, id: newId(), name: newId(), releaseId: newId() }
      await campaigns.insert(other, release, 'admin')
    },
  ],
  [
    'device_claims_tenant_id_device_id_fkey',
    'device.unknown',
    ({ claiming }) =>
      claiming.allow({ deviceId: newId(), secretHash: hashOf('k'), expiresAt: NOON }),
  ],
  [
    'realms_pkey',
    'realm.exists',
    async ({ realms }) => {
      await realms.insert(realm('one'))
      await realms.insert(realm('two'))
    },
  ],
  ['realms_name_key', 'realm.duplicate', ({ realms }) => realms.insert(realm('taken'))],
  [
    'realms_tenant_id_default_profile_id_fkey',
    'profile.unknown',
    ({ realms }) => realms.insert({ ...realm('one'), defaultProfileId: newId() }),
  ],
  [
    'clusters_tenant_id_fkey',
    'realm.none',
    ({ clusters }) =>
      clusters.put(
        {
          baseUrl: 'https://astarte.example',
          realm: 'one',
          privateKey: 'k',
          algorithm: 'ES256',
          webhookSecret: 's',
        },
        NOON,
      ),
  ],
  ['realm_keys_tenant_id_fkey', 'realm.none', ({ realms }) => realms.insertKey(key())],
  [
    'realm_keys_tenant_id_name_key',
    'realm.key-duplicate',
    async ({ realms }) => {
      await realms.insert(realm('one'))
      await realms.insertKey(key())
      await realms.insertKey(key())
    },
  ],
  [
    'pairings_pkey',
    'pairing.duplicate',
    async ({ pairings }) => {
      await pairings.insert(pairing(device, 1))
      await pairings.insert(pairing(device, 2))
    },
  ],
  [
    'pairings_tenant_id_astarte_id_key',
    'pairing.duplicate',
    async ({ pairings, devices }) => {
      const other = newDevice({})
      await devices.insert([other])
      await pairings.insert(pairing(device, 1))
      await pairings.insert(pairing(other.id, 1))
    },
  ],
  [
    'pairings_tenant_id_device_id_fkey',
    'device.unknown',
    ({ pairings }) => pairings.insert(pairing(newId(), 1)),
  ],
  [
    'operators_tenant_id_customer_id_fkey',
    'customer.unknown',
    ({ operators }) => operators.insert(newOperator({})),
  ],
  [
    'operators_name_key',
    'operator.duplicate',
    async ({ operators }) => {
      const { id } = await tenant.addCustomer(newId())
      await operators.insert(newOperator({ name: 'admin of acme', customerId: id }))
    },
  ],
  [
    'customers_tenant_id_name_key',
    'customer.duplicate',
    async ({ customers }) => {
      await tenant.addCustomer('C')
      await customers.insert({ id: newId(), name: 'C', createdAt: NOON })
    },
  ],
  [
    'device_groups_tenant_id_handle_key',
    'group.duplicate',
    ({ groups }) => twice(groups, () => ({ handle: 'same', expression: 'true' })),
  ],
  [
    'device_groups_tenant_id_name_key',
    'group.duplicate',
    ({ groups }) => twice(groups, () => ({ name: 'same', expression: 'true' })),
  ],
  [
    'channels_tenant_id_handle_key',
    'channel.duplicate',
    ({ channels }) => twice(channels, () => ({ handle: 'same' })),
  ],
  [
    'channels_tenant_id_name_key',
    'channel.duplicate',
    ({ channels }) => twice(channels, () => ({ name: 'same' })),
  ],
  [
    'device_groups_tenant_id_channel_id_fkey',
    'channel.unknown',
    async ({ channels, groups }) => {
      const group = { ...handled(), expression: 'true' }
      await groups.insert(group)
      await channels.setGroups(newId(), [group.id])
    },
  ],
  [
    'hardware_types_tenant_id_handle_key',
    'hardware-type.duplicate',
    ({ hardwareTypes }) => twice(hardwareTypes, () => ({ ...partNumber(), handle: 'same' })),
  ],
  [
    'hardware_types_tenant_id_name_key',
    'hardware-type.duplicate',
    ({ hardwareTypes }) => twice(hardwareTypes, () => ({ ...partNumber(), name: 'same' })),
  ],
  [
    'hardware_type_part_numbers_pkey',
    'part-number.taken',
    ({ hardwareTypes }) => twice(hardwareTypes, () => ({ partNumbers: ['same'] })),
  ],
  [
    'system_models_tenant_id_handle_key',
    'system-model.duplicate',
    ({ systemModels }) => twice(systemModels, () => ({ ...ofNothing(), handle: 'same' })),
  ],
  [
    'system_models_tenant_id_name_key',
    'system-model.duplicate',
    ({ systemModels }) => twice(systemModels, () => ({ ...ofNothing(), name: 'same' })),
  ],
  [
    'system_model_part_numbers_pkey',
    'part-number.taken',
    ({ systemModels }) => twice(systemModels, () => ({ ...ofNothing(), partNumbers: ['same'] })),
  ],
  [
    'system_models_tenant_id_hardware_type_id_fkey',
    'hardware-type.unknown',
    ({ systemModels }) =>
      systemModels.insert({ ...handled(), ...ofNothing(), hardwareTypeId: newId() }),
  ],
  [
    'system_models_tenant_id_profile_id_fkey',
    'profile.unknown',
    ({ systemModels }) => systemModels.insert({ ...handled(), ...ofNothing(), profileId: newId() }),
  ],
  [
    'clouds_tenant_id_name_key',
    'cloud.duplicate',
    async ({ clouds }) => {
      await clouds.insert(newCloud('same'))
      await clouds.insert(newCloud('same'))
    },
  ],
  [
    'devices_tenant_id_cloud_id_fkey',
    'cloud.unknown',
    ({ devices }) => devices.change(device, { cloudId: newId() }),
  ],
  [
    'registrations_pkey',
    'device.duplicate',
    async ({ registrations }) => {
      const said = { deviceId: device, profileId: profile }
      await registrations.insert({ ...said, saidId: 'one' })
      await registrations.insert({ ...said, saidId: 'another' })
    },
  ],
  [
    'registrations_profile_id_said_id_key',
    'device.duplicate',
    async ({ registrations, devices }) => {
      const other = newDevice({})
      await devices.insert([other])
      const said = { profileId: profile, saidId: 'one' }
      await registrations.insert({ ...said, deviceId: device })
      await registrations.insert({ ...said, deviceId: other.id })
    },
  ],
  [
    'registrations_tenant_id_device_id_fkey',
    'device.unknown',
    ({ registrations }) =>
      registrations.insert({ deviceId: newId(), profileId: profile, saidId: 'one' }),
  ],
  [
    'registrations_tenant_id_profile_id_fkey',
    'profile.unknown',
    ({ registrations }) =>
      registrations.insert({ deviceId: device, profileId: newId(), saidId: 'one' }),
  ],
  [
    'box_servers_host_key',
    'box.host-taken',
    async ({ boxes, profiles }) => {
      const other = { id: newId(), name: 'other boxes', description: null, createdAt: NOON }
      await profiles.insert(other)
      const server = { url: 'https://boxes.example', series: '17.0' }
      await boxes.setServer(profile, server)
      await boxes.setServer(other.id, server)
    },
  ],
  [
    'box_wishes_tenant_id_device_id_fkey',
    'device.unknown',
    ({ boxes }) => boxes.wish(newId(), { id: newId(), kind: 'restart', askedAt: NOON }),
  ],
  [
    'box_servers_tenant_id_profile_id_fkey',
    'profile.unknown',
    ({ boxes }) => boxes.setServer(newId(), { url: 'https://nobody.example', series: '17.0' }),
  ],
  [
    'policies_tenant_id_release_id_fkey',
    'release.unknown',
    ({ policies }) => policies.put(policy(newId()), ofProfile(profile)),
  ],
  [
    'policies_tenant_id_profile_id_fkey',
    'profile.unknown',
    async ({ policies }) => {
      const release = await tenant.addRelease(profile, `P@${newId()}`)
      await policies.put(policy(release.id), ofProfile(newId()))
    },
  ],
  [
    'cloud_tokens_tenant_id_cloud_id_fkey',
    'cloud.unknown',
    ({ clouds }) =>
      clouds.insertToken({
        id: newId(),
        createdAt: NOON,
        cloudId: newId(),
        secretHash: Buffer.from(newId()),
      }),
  ],
  ['tenants_name_key', 'tenant.duplicate', ({ tenants }) => tenants.rename(tenant.id, 'taken')],
  [
    'profiles_provisioning_key_key',
    'provisioning.key-taken',
    async ({ profiles }) => {
      const key = { key: 'K', secretHash: hashOf('s'), strategy: 'create-new' } as const
      await profiles.setProvisioning(profile, key)
      await profiles.setProvisioning(await tenant.addProfile(newId()), key)
    },
  ],
  [
    'credentials_lookup_hash_key',
    'credential.taken',
    ({ devices }) => devices.insert([newDevice({ token: 'acme D' })]),
  ],
  [
    'releases_tenant_id_title_version_key',
    'release.duplicate',
    () => tenant.addRelease(profile, 'R@1'),
  ],
  [
    'releases_tenant_id_profile_id_fkey',
    'profile.unknown',
    () => tenant.addRelease(newId(), 'R@2'),
  ],
  [
    'releases_tenant_id_only_for_device_id_fkey',
    'device.unknown',
    async ({ catalogue }) => {
      const release = await tenant.addRelease(profile, `${newId()}@1`)
      const byHand = { ...release, id: newId(), profileId: null }
      await catalogue.insert(byHand, { onlyForDeviceId: newId() })
    },
  ],
  [
    'releases_tenant_id_artifact_sha256_fkey',
    'artifact.unknown',
    () =>
      tenant.addRelease(profile, 'R@2', {
        externalUrl: null,
        artifact: {
          sha256: 'f'.repeat(64),
          sizeBytes: 1,
          fileName: 'f',
          contentType: 'application/octet-stream',
        },
      }),
  ],
  [
    'software_modules_name_key',
    'software-module.duplicate',
    async ({ softwareModules }) => {
      await softwareModules.insert(softwareModule(profile))
      await softwareModules.insert(softwareModule(profile))
    },
  ],
  [
    'profile_authorities_tenant_id_profile_id_fkey',
    'profile.unknown',
    ({ profiles }) => {
      const authority = {
        fingerprint: 'f',
        subject: 'CN=a',
        validTo: NOON,
        certificate: Buffer.of(),
      }
      return profiles.setAuthorities(newId(), ['f'], [authority])
    },
  ],
  [
    'software_modules_tenant_id_profile_id_fkey',
    'profile.unknown',
    ({ softwareModules }) => softwareModules.insert(softwareModule(newId())),
  ],
  [
    'software_modules_tenant_id_release_id_fkey',
    'release.unknown',
    async ({ softwareModules }) => {
      const { id } = await softwareModules.insert({ ...softwareModule(profile), name: newId() })
      await softwareModules.setRelease(id, newId())
    },
  ],
  [
    'distribution_sets_name_key',
    'distribution-set.duplicate',
    async ({ distributionSets }) => {
      await distributionSets.insert(distributionSet([]))
      await distributionSets.insert(distributionSet([]))
    },
  ],
  [
    'distribution_set_modules_tenant_id_module_id_fkey',
    'software-module.unknown',
    ({ distributionSets }) => distributionSets.insert(distributionSet([999_999])),
  ],
  [
    'distribution_set_assignments_tenant_id_set_id_fkey',
    'distribution-set.unknown',
    ({ distributionSets }) =>
      distributionSets.noteAssigned(999_999, { deviceId: device, at: NOON, by: 'admin' }),
  ],
  [
    'distribution_set_assignments_tenant_id_device_id_fkey',
    'device.unknown',
    async ({ distributionSets }) => {
      const { id } = await distributionSets.insert(distributionSet([]))
      await distributionSets.noteAssigned(id, { deviceId: newId(), at: NOON, by: 'admin' })
    },
  ],
  [
    'assignments_tenant_id_release_id_fkey',
    'release.unknown',
    ({ assignments }) => assignments.put({ deviceId: device }, assignment(newId())),
  ],
  [
    'assignments_tenant_id_device_id_fkey',
    'device.unknown',
    async ({ assignments }) => {
      const release = await tenant.addRelease(profile, `A@${newId()}`)
      await assignments.put({ deviceId: newId() }, assignment(release.id))
    },
  ],
  [
    'assignments_tenant_id_profile_id_fkey',
    'profile.unknown',
    async ({ assignments }) => {
      const release = await tenant.addRelease(profile, `A@${newId()}`)
      await assignments.put({ profileId: newId() }, assignment(release.id))
    },
  ],
]

test.each(RULES)('what %s does not let in is refused as %s', async (constraint, code, work) => {
  await expect(tenant.run(work)).rejects.toMatchObject({
    name: 'DomainError',
    code,
    cause: { constraint },
  })
})

const REMOVALS: readonly [string, (stores: Stores) => Promise<unknown>, () => Promise<unknown>][] =
  [
    ['profile.in-use', ({ profiles }) => profiles.remove(profile), async () => {}],
    [
      'profile.in-use',
      async ({ profiles }) => profiles.remove((await profiles.byName('of releases')).id),
      async () => tenant.addRelease(await tenant.addProfile('of releases'), 'Q@1'),
    ],
    [
      'profile.in-use',
      async ({ profiles }) => profiles.remove((await profiles.byName('of models')).id),
      async () => {
        const profileId = await tenant.addProfile('of models')
        await tenant.run(({ systemModels }) =>
          systemModels.insert({ ...handled(), ...ofNothing(), profileId }),
        )
      },
    ],
    [
      'hardware-type.in-use',
      async ({ hardwareTypes }) => {
        const { items } = await hardwareTypes.page({ limit: 1, handle: 'of-models' })
        await hardwareTypes.remove(items[0]?.id ?? '')
      },
      () =>
        tenant.run(async ({ hardwareTypes, systemModels }) => {
          const type = { ...handled(), ...partNumber(), handle: 'of-models' }
          await hardwareTypes.insert(type)
          await systemModels.insert({ ...handled(), ...ofNothing(), hardwareTypeId: type.id })
        }),
    ],
    [
      'customer.in-use',
      async ({ customers }) => {
        const { items } = await customers.page({ limit: 1, name: 'of devices' })
        await customers.remove(items[0]?.id ?? '')
      },
      () => tenant.addCustomer('of devices', [device]),
    ],
    [
      'customer.in-use',
      async ({ customers }) => {
        const { items } = await customers.page({ limit: 1, name: 'of users' })
        await customers.remove(items[0]?.id ?? '')
      },
      async () => {
        const { id } = await tenant.addCustomer('of users')
        await tenant.run(({ operators }) => operators.insert(newOperator({ customerId: id })))
      },
    ],
    [
      'release.in-use',
      async ({ catalogue }) => {
        const { items } = await catalogue.page({ limit: 1, title: 'assigned' })
        await catalogue.remove(items[0]?.id ?? '')
      },
      async () =>
        tenant.assign({ deviceId: device }, await tenant.addRelease(profile, 'assigned@1')),
    ],
  ]

test.each(REMOVALS)('what is needed is not removed: %s', async (code, work, prepare) => {
  await prepare()
  await expect(tenant.run(work)).rejects.toMatchObject({ name: 'DomainError', code })
})

/** Constraints no request can meet, and why. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  api_tokens_secret_hash_key: 'tokens are made here',
  api_tokens_tenant_id_operator_id_fkey:
    'an operator that is being removed is told nothing any more',
  artifacts_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  assignments_device_id_type_key: 'a second one replaces the first',
  assignments_profile_id_type_key: 'a second one replaces the first',
  device_components_device_id_operation_id_fkey: 'written together with the operation',
  device_components_tenant_id_device_id_fkey: 'written under the lock of the device',
  device_presence_tenant_id_device_id_fkey: 'written together with the device',
  credentials_tenant_id_device_id_fkey: 'written under the lock of the device',
  box_names_tenant_id_device_id_fkey: 'written together with the box',
  box_wishes_device_id_kind_key: 'a second one replaces the first',
  boxes_channel_key: 'channels are made here',
  boxes_tenant_id_device_id_fkey: 'a box that is removed while it comes is told nothing of it',
  boxes_tenant_id_device_id_key: 'ids are made here',
  boxes_tenant_id_release_id_fkey: 'a box that was given what is removed is told nothing of it',
  campaigns_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  campaigns_tenant_id_id_key: 'ids are made here',
  cloud_tokens_secret_hash_key: 'tokens are made here',
  clouds_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  clouds_tenant_id_id_key: 'ids are made here',
  operation_requests_operation_id_fkey: 'read off the operation in the same statement',
  waiting_devices_profile_id_said_id_key: 'a second one replaces the first',
  waiting_devices_tenant_id_cloud_id_fkey: 'a cloud that is being removed has no devices any more',
  waiting_devices_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  waiting_devices_tenant_id_profile_id_fkey: 'a device that comes is told nothing of it',
  channels_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  channels_tenant_id_id_key: 'ids are made here',
  customers_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  customers_tenant_id_id_key: 'ids are made here',
  device_groups_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  device_log_lines_tenant_id_device_id_fkey: 'lines of devices that are gone are passed over',
  devices_tenant_id_id_key: 'ids are made here',
  events_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  hawkbit_actions_tenant_id_device_id_fkey:
    'a device that is removed while it comes is told nothing of it',
  hawkbit_chunks_action_id_fkey: 'written together with the action',
  hawkbit_devices_tenant_id_device_id_fkey:
    'a device that is removed while it comes is told nothing of it',
  hawkbit_messages_action_id_fkey: 'a device that is removed while it comes is told nothing of it',
  hardware_type_part_numbers_tenant_id_hardware_type_id_fkey:
    'written under the lock of the hardware type',
  hardware_types_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  hardware_types_tenant_id_id_key: 'ids are made here',
  idempotent_requests_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  operation_steps_operation_id_fkey: 'written together with the operation',
  operations_device_id_id_key: 'ids are made here',
  operations_tenant_id_device_id_fkey: 'written under the lock of the device',
  operations_tenant_id_release_id_fkey: 'tried again: see device-work.test.ts',
  operators_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  operators_tenant_id_id_key: 'ids are made here',
  policies_tenant_id_release_id_key: 'it is the primary key, with the tenant before it',
  policy_devices_tenant_id_device_id_fkey: 'written under the lock of the device',
  policy_devices_tenant_id_release_id_fkey: 'tried again, as with operations',
  profiles_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  profiles_tenant_id_id_key: 'ids are made here',
  realms_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  releases_tenant_id_id_key: 'ids are made here',
  sessions_tenant_id_operator_id_fkey: 'written under a lock of the operator',
  spreads_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  system_model_part_numbers_tenant_id_system_model_id_fkey:
    'written under the lock of the system model',
  system_models_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  system_models_tenant_id_id_key: 'ids are made here',
  software_modules_tenant_id_id_key: 'numbers are made there',
  software_modules_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  distribution_sets_tenant_id_id_key: 'numbers are made there',
  distribution_sets_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
  distribution_set_modules_tenant_id_set_id_fkey: 'written with the set',
  hawkbit_configs_tenant_id_fkey: 'a tenant that is being removed has nobody left who could',
}

test('every unique and foreign key either has its refusal or a reason why nobody meets it', async () => {
  const constraints = await store.rows<{ name: string }>(
    `select conname as name from pg_constraint
      where connamespace = 'public'::regnamespace and contype in ('u', 'f') order by 1`,
  )
  const refused = new Set(RULES.map(([constraint]) => constraint))
  const forgotten = constraints
    .map(({ name }) => name)
    .filter((name) => !refused.has(name) && !UNREACHABLE[name])
  expect(forgotten).toEqual([])
})

describe('what the database cannot keep', () => {
  const NUL = '\0'
  test.each<[string, (stores: Stores) => Promise<unknown>]>([
    [
      'a name with NUL',
      ({ profiles }) =>
        profiles.insert({ id: newId(), name: NUL, description: null, createdAt: NOON }),
    ],
    ['a search for NUL', ({ devices }) => devices.page({ limit: 1, search: NUL })],
    ['an attribute with NUL', ({ devices }) => devices.change(device, { attributes: { a: NUL } })],
    [
      'an attribute with half a surrogate pair',
      ({ devices }) => devices.change(device, { attributes: { a: '\ud800' } }),
    ],
  ])('%s is a malformed request', async (_what, work) => {
    await expect(tenant.run(work)).rejects.toMatchObject({ code: 'request.malformed' })
  })
})

test.each([
  { code: '57P01' },
  { code: '57P03' },
  { code: '57014' },
  { code: '53300' },
  { code: '08006' },
  { code: '25006' },
  { code: '28P01' },
  { code: '3D000' },
  { code: '55000' },
  { code: 'ECONNREFUSED' },
  { code: 'EAI_AGAIN' },
  { message: 'timeout exceeded when trying to connect' },
  { message: 'Connection terminated unexpectedly' },
])('%j says that the database is away', (fields) => {
  const error = Object.assign(new Error(fields.message), fields)
  expect(() => refuse(error)).toThrow(expect.objectContaining({ code: 'store.away', cause: error }))
})

test('what was not foreseen stays the bug it is, and a refusal stays itself', () => {
  const bug = Object.assign(new Error('no such column'), { code: '42703' })
  expect(() => refuse(bug)).toThrow(bug)
  const refusal = new DomainError('device.unknown', 'No.')
  expect(() => refuse(refusal)).toThrow(refusal)
})
