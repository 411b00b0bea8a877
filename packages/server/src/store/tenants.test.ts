import { NO_CHANGES, NO_LIMITS, type Policy, reason, STANDARD_HAWKBIT } from '@updraft/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Stores } from '../app/ports.ts'
import { boxesAtWork } from './boxes.ts'
import { registrationsAtWork } from './registrations.ts'
import {
  addTenant,
  enrolmentBy,
  hashOf,
  NOON,
  newId,
  newToken,
  type Tenant,
  type TestStore,
  testStore,
  tokenCredential,
} from './store.test-helper.ts'

interface Holding {
  readonly tenant: Tenant
  readonly profileId: string
  readonly deviceId: string
  readonly credentialId: string
  readonly releaseId: string
  readonly byHandId: string
  readonly operationId: string
  readonly tokenId: string
  readonly customerId: string
  readonly campaignId: string
  readonly groupId: string
  readonly channelId: string
  readonly hardwareTypeId: string
  readonly systemModelId: string
  readonly cloudId: string
  readonly cloudTokenId: string
  readonly waitingId: string
  readonly realmKeyId: string
  readonly moduleId: number
  readonly setId: number
}

let store: TestStore
/** Two tenants whose things all have the same names. */
let ours: Holding
let theirs: Holding

/** Both tenants' devices have it: an id of Astarte's says nothing beyond its realm. */
const ASTARTE_ID = Buffer.alloc(16, 7).toString('base64url')
const SHA256 = 'a'.repeat(64)
const RUNS = { firmware: { title: 'R', version: '0' } }
const THEIRS_ONLY = 'b'.repeat(64)

beforeAll(async () => {
  store = await testStore()
  ours = await furnish('ours')
  theirs = await furnish('theirs')
  await theirs.tenant.addDevices(theirs.profileId, ['only theirs'])
  await theirs.tenant.run(({ catalogue }) =>
    catalogue.recordArtifact({ sha256: THEIRS_ONLY, sizeBytes: 7, checksums: {} }, NOON),
  )
  await theirs.tenant.run(({ settings }) => settings.change({ maxRetries: 77 }))
})
afterAll(() => store.close())

const clusterOf = (realm: string) => ({
  baseUrl: 'https://astarte.example',
  realm,
  privateKey: `private key of ${realm}`,
  algorithm: 'ES256' as const,
  webhookSecret: 's',
})

async function furnish(name: string): Promise<Holding> {
  const tenant = await addTenant(store, name)
  const profileId = await tenant.addProfile('P')
  const [deviceId = ''] = await tenant.addDevices(profileId, ['D'])
  await tenant.run(({ catalogue }) =>
    catalogue.recordArtifact({ sha256: SHA256, sizeBytes: 7, checksums: { SHA256 } }, NOON),
  )
  const release = await tenant.addRelease(profileId, 'R@1', {
    externalUrl: null,
    artifact: { sha256: SHA256, sizeBytes: 7, fileName: 'f', contentType: 'a/b' },
  })
  const byHand = { ...release, id: newId(), profileId: null }
  await tenant.run(({ catalogue }) => catalogue.insert(byHand, { onlyForDeviceId: deviceId }))
  await tenant.assign({ deviceId }, release)
  await tenant.assign({ profileId }, release)
  const operationId = await tenant.lookAt(deviceId, RUNS)
  const token = newToken(tenant.operatorId, { name: 'T', role: 'operator', secret: `${name} T` })
  await tenant.run(async ({ tokens, profiles }) => {
    await tokens.insert(token)
    await profiles.setProvisioning(profileId, enrolmentBy(`key of ${name}`, 's'))
  })
  const { id: customerId } = await tenant.addCustomer('C', [deviceId])
  const group = { id: newId(), handle: 'g', name: 'G', expression: 'true', createdAt: NOON }
  const channel = { id: newId(), handle: 'c', name: 'C', createdAt: NOON }
  await tenant.run(async ({ groups, channels }) => {
    await groups.insert(group)
    await channels.insert(channel)
    await channels.setGroups(channel.id, [group.id])
  })
  const hardwareType = { ...modelOf('P-1'), handle: 't', name: 'T' }
  const systemModel = { ...modelOf('P-1'), handle: 'm', name: 'M' }
  await tenant.run(async ({ hardwareTypes, systemModels }) => {
    await hardwareTypes.insert(hardwareType)
    await systemModels.insert({ ...systemModel, hardwareTypeId: hardwareType.id, profileId })
  })
  const cloud = newCloud('Cloud')
  const cloudToken = { id: newId(), createdAt: NOON }
  await tenant.run(async ({ clouds, devices }) => {
    await clouds.insert(cloud)
    await clouds.insertToken({ ...cloudToken, cloudId: cloud.id, secretHash: hashOf(`c ${name}`) })
    await devices.change(deviceId, { cloudId: cloud.id })
  })
  const waitingId = newId()
  const realmKeyId = newId()
  const caller = { tenantId: tenant.id, profileId, cloudId: cloud.id, saidId: 'W' }
  await registrationsAtWork(store.database).wait(
    waitingId,
    { ...caller, version: '1', facts: {} },
    { times: 1, at: NOON, most: 9 },
  )
  await tenant.run(({ registrations }) =>
    registrations.insert({ deviceId, profileId, saidId: 'D' }),
  )
  await tenant.run(({ boxes }) =>
    boxes.setServer(profileId, { url: `https://${name}.example`, series: '17.0' }),
  )
  await boxesAtWork(store.database).keep(
    { tenantId: tenant.id, deviceId },
    { channel: `channel of ${name}`, names: [`box of ${name}`] },
  )
  await tenant.run(async ({ pairings, realms }) => {
    const signingKey = `key of ${name}`
    await realms.insert({ name, defaultProfileId: profileId, signingKey, createdAt: NOON })
    await realms.insertKey({ id: realmKeyId, name: 'K', publicKey: 'k', createdAt: NOON })
    await pairings.insert({ deviceId, astarteId: ASTARTE_ID, secretHash: null, createdAt: NOON })
  })
  await tenant.run(({ clusters }) => clusters.put(clusterOf(name), NOON))
  const [credential] = await tenant.run(({ credentials }) => credentials.ofDevice(deviceId, NOON))
  const campaignId = await tenant.addCampaign('C', release)
  await tenant.run(({ policies }) =>
    policies.put(policyOf(release.id), { profileId, type: 'firmware', createdBy: 'us' }),
  )
  const module = await tenant.run(({ softwareModules }) =>
    softwareModules.insert(moduleOf(profileId, 'os')),
  )
  const set = await tenant.run(({ distributionSets }) =>
    distributionSets.insert(setOf('DS', [module.id])),
  )
  await tenant.run(({ profiles }) => profiles.setAuthorities(profileId, ['ab'], [AUTHORITY]))
  await tenant.run(async ({ distributionSets, hawkbitConfigs }) => {
    await distributionSets.noteAssigned(set.id, { deviceId, at: NOON, by: 'us' })
    await hawkbitConfigs.put({ key: 'K', value: name, changedAt: NOON, changedBy: 'us' })
  })
  return {
    tenant,
    moduleId: module.id,
    setId: set.id,
    campaignId,
    profileId,
    deviceId,
    credentialId: credential?.id ?? '',
    releaseId: release.id,
    byHandId: byHand.id,
    operationId,
    tokenId: token.id,
    customerId,
    groupId: group.id,
    channelId: channel.id,
    hardwareTypeId: hardwareType.id,
    systemModelId: systemModel.id,
    cloudId: cloud.id,
    cloudTokenId: cloudToken.id,
    waitingId,
    realmKeyId,
  }
}

/** All that is the tenant's, as the database has it. */
async function everythingOf({ tenant }: Holding): Promise<unknown> {
  const tables = await store.rows<{ name: string }>(
    `select table_name as name from information_schema.columns
      where table_schema = 'public' and column_name = 'tenant_id' order by 1`,
  )
  const all: Record<string, unknown> = {}
  for (const { name } of tables) {
    all[name] = await store.rows(
      `select to_jsonb(t) as row from ${name} t where tenant_id = $1 order by 1`,
      [tenant.id],
    )
  }
  all.tenant = await store.rows('select * from tenants where id = $1', [tenant.id])
  all.steps = await store.rows(
    `select s.* from operation_steps s join operations o on o.id = s.operation_id where o.tenant_id = $1 order by s.id`,
    [tenant.id],
  )
  return all
}

const AUTHORITY = {
  fingerprint: 'ab',
  subject: 'CN=A maker',
  validTo: NOON,
  certificate: Buffer.of(1),
}
const newCloud = (name: string) => ({
  id: newId(),
  name,
  publicUrl: null,
  artifactStore: null,
  region: null,
  createdAt: NOON,
})
const assignment = (releaseId: string) => ({
  id: newId(),
  type: 'firmware',
  releaseId,
  assignedAt: NOON,
  assignedBy: 'us',
})
const newDevice = (profileId: string) => ({
  id: newId(),
  profileId,
  name: 'E',
  labels: [],
  attributes: {},
  credentials: [tokenCredential(newId())],
  createdAt: NOON,
})

const policyOf = (releaseId: string): Policy => ({
  releaseId,
  expression: '',
  isEnabled: true,
  limits: NO_LIMITS,
  cloudIds: [],
  publishedAt: NOON,
  createdAt: NOON,
})

const moduleOf = (profileId: string, name: string) => ({
  profileId,
  type: 'firmware',
  name,
  version: '1',
  vendor: null,
  description: null,
  createdAt: NOON,
  createdBy: 'us',
})
const setOf = (name: string, moduleIds: readonly number[]) => ({
  type: 'os',
  name,
  version: '1',
  description: null,
  createdAt: NOON,
  createdBy: 'us',
  moduleIds,
})

const modelOf = (partNumber: string) => ({
  id: newId(),
  handle: 'x',
  name: 'X',
  partNumbers: [partNumber],
  createdAt: NOON,
})

type Verb = (stores: Stores) => Promise<unknown>

/** Every verb of Stores with ids of theirs, asked by us: what comes of it. Tenants themselves are nobody's. */
const VERBS: {
  [Room in Exclude<keyof Stores, 'spread' | 'tenants'>]: Record<
    keyof Stores[Room],
    readonly [string, Verb]
  >
} & { spread: { spread: readonly [string, Verb] } } = {
  profiles: {
    insert: [
      'done',
      ({ profiles }) =>
        profiles.insert({ id: newId(), name: 'Q', description: null, createdAt: NOON }),
    ],
    get: ['profile.unknown', ({ profiles }) => profiles.get(theirs.profileId)],
    several: [
      'own',
      async ({ profiles }) => {
        const found = await profiles.several([theirs.profileId, ours.profileId])
        return found.length === 1 && found[0]?.id === ours.profileId
      },
    ],
    byName: ['own', async ({ profiles }) => (await profiles.byName('P')).id === ours.profileId],
    page: [
      'own',
      async ({ profiles }) =>
        (await profiles.page({ limit: 9 })).items.every(
          ({ id, deviceCount }) => id !== theirs.profileId && deviceCount <= 1,
        ),
    ],
    hawkbit: ['profile.unknown', ({ profiles }) => profiles.hawkbit(theirs.profileId)],
    setHawkbit: ['done', ({ profiles }) => profiles.setHawkbit(theirs.profileId, STANDARD_HAWKBIT)],
    authorities: [
      'own',
      async ({ profiles }) => (await profiles.authorities(theirs.profileId)).length === 0,
    ],
    setAuthorities: ['done', ({ profiles }) => profiles.setAuthorities(theirs.profileId, [], [])],
    setProvisioning: ['done', ({ profiles }) => profiles.setProvisioning(theirs.profileId, null)],
    remove: ['profile.unknown', ({ profiles }) => profiles.remove(theirs.profileId)],
  },
  devices: {
    insert: ['profile.unknown', ({ devices }) => devices.insert([newDevice(theirs.profileId)])],
    get: ['device.unknown', ({ devices }) => devices.get(theirs.deviceId)],
    page: [
      'own',
      async ({ devices }) => {
        const { items } = await devices.page({
          limit: 9,
          name: 'D',
          profile: 'P',
          customer: 'C',
          states: ['QUEUED'],
        })
        return items.length === 1 && items[0]?.snapshot.device.id === ours.deviceId
      },
    ],
    count: ['own', async ({ devices }) => (await devices.count({ name: 'D' })) === 1],
    ids: ['own', async ({ devices }) => (await devices.ids({ name: 'D' })).length === 1],
    installed: [
      'own',
      async ({ devices }) => (await devices.installed(theirs.deviceId)).length === 0,
    ],
    change: ['device.unknown', ({ devices }) => devices.change(theirs.deviceId, { name: 'X' })],
    provision: ['device.unknown', ({ devices }) => devices.provision(theirs.profileId, 'D', NOON)],
    remove: ['device.unknown', ({ devices }) => devices.remove(theirs.deviceId)],
    taken: [
      'own',
      async ({ devices }) =>
        (await devices.taken([{ ...newDevice(ours.profileId), name: 'only theirs' }])).names
          .length === 0,
    ],
    several: [
      'own',
      async ({ devices }) => {
        const found = await devices.several([theirs.deviceId, ours.deviceId])
        return found.length === 1 && found[0]?.snapshot.device.id === ours.deviceId
      },
    ],
    owned: [
      'own',
      async ({ devices }) => (await devices.owned([theirs.deviceId, ours.deviceId])).size === 1,
    ],
    labels: [
      'own',
      async ({ devices }) => (await devices.labels()).every(({ devices }) => devices === 1),
    ],
    countByState: [
      'own',
      async ({ devices }) => {
        const { devices: count, states } = await devices.countByState()
        return count === 1 && states.QUEUED === 1
      },
    ],
  },
  registrations: {
    page: [
      'own',
      async ({ registrations }) =>
        (await registrations.page({ limit: 9 })).items.every(({ id }) => id === ours.waitingId),
    ],
    waiting: [
      'own',
      async ({ registrations }) => (await registrations.waiting([theirs.waitingId])).length === 0,
    ],
    forget: [
      'own',
      async ({ registrations }) => (await registrations.forget([theirs.waitingId])) === 0,
    ],
    insert: [
      // It has registered: one of ours could not be made of it either.
      'device.duplicate',
      ({ registrations }) =>
        registrations.insert({
          deviceId: theirs.deviceId,
          profileId: ours.profileId,
          saidId: 'mine now',
        }),
    ],
    renew: [
      'own',
      async ({ registrations }) => (await registrations.renew([theirs.deviceId])).length === 0,
    ],
  },
  deviceLogs: {
    page: [
      'own',
      async ({ deviceLogs }) =>
        (await deviceLogs.page(theirs.deviceId, { limit: 9 })).items.length === 0,
    ],
  },
  boxes: {
    server: ['own', async ({ boxes }) => (await boxes.server(theirs.profileId)) === null],
    setServer: [
      'profile.unknown',
      ({ boxes }) => boxes.setServer(theirs.profileId, { url: 'https://a.example', series: '1.0' }),
    ],
    removeServer: ['own', async ({ boxes }) => !(await boxes.removeServer(theirs.profileId))],
    askRestart: ['box.none', ({ boxes }) => boxes.askRestart(theirs.deviceId, NOON)],
    wishes: ['own', async ({ boxes }) => (await boxes.wishes(theirs.deviceId)).length === 0],
    wish: [
      'device.unknown',
      ({ boxes }) => boxes.wish(theirs.deviceId, { id: newId(), kind: 'restart', askedAt: NOON }),
    ],
    done: ['own', async ({ boxes }) => (await boxes.done(theirs.deviceId, [newId()])).length === 0],
  },
  softwareModules: {
    insert: [
      'profile.unknown',
      ({ softwareModules }) => softwareModules.insert(moduleOf(theirs.profileId, 'another')),
    ],
    get: ['software-module.unknown', ({ softwareModules }) => softwareModules.get(theirs.moduleId)],
    page: [
      'own',
      async ({ softwareModules }) => {
        const { items, total } = await softwareModules.page({ offset: 0, limit: 9 })
        return total === 1 && items[0]?.id === ours.moduleId
      },
    ],
    setRelease: [
      'done',
      ({ softwareModules }) => softwareModules.setRelease(theirs.moduleId, null),
    ],
    remove: ['done', ({ softwareModules }) => softwareModules.remove(theirs.moduleId, NOON)],
  },
  distributionSets: {
    insert: [
      'software-module.unknown',
      ({ distributionSets }) => distributionSets.insert(setOf('another', [theirs.moduleId])),
    ],
    get: ['distribution-set.unknown', ({ distributionSets }) => distributionSets.get(theirs.setId)],
    page: [
      'own',
      async ({ distributionSets }) => {
        const { items, total } = await distributionSets.page({ offset: 0, limit: 9 })
        return total === 1 && items[0]?.id === ours.setId
      },
    ],
    remove: ['done', ({ distributionSets }) => distributionSets.remove(theirs.setId, NOON)],
    noteAssigned: [
      'distribution-set.unknown',
      ({ distributionSets }) =>
        distributionSets.noteAssigned(theirs.setId, {
          deviceId: ours.deviceId,
          at: NOON,
          by: 'us',
        }),
    ],
    assignedTo: [
      'own',
      async ({ distributionSets }) =>
        (await distributionSets.assignedTo(theirs.deviceId, 9)).length === 0,
    ],
  },
  hawkbitConfigs: {
    all: [
      'own',
      async ({ hawkbitConfigs }) =>
        (await hawkbitConfigs.all()).every(({ value }) => value === 'ours'),
    ],
    put: [
      'done',
      ({ hawkbitConfigs }) =>
        hawkbitConfigs.put({ key: 'K', value: 1, changedAt: NOON, changedBy: 'us' }),
    ],
    remove: ['own', ({ hawkbitConfigs }) => hawkbitConfigs.remove('K')],
  },
  clusters: {
    put: ['done', ({ clusters }) => clusters.put(clusterOf('ours'), NOON)],
    find: ['own', async ({ clusters }) => (await clusters.find())?.realm === 'ours'],
    access: ['own', async ({ clusters }) => (await clusters.access())?.realm === 'ours'],
    remove: ['own', ({ clusters }) => clusters.remove()],
  },
  realms: {
    find: ['own', async ({ realms }) => (await realms.find())?.name === 'ours'],
    get: ['own', async ({ realms }) => (await realms.get()).name === 'ours'],
    insert: [
      'realm.exists',
      ({ realms }) =>
        realms.insert({
          name: 'mine',
          defaultProfileId: ours.profileId,
          signingKey: 'k',
          createdAt: NOON,
        }),
    ],
    change: [
      'profile.unknown',
      ({ realms }) => realms.change({ defaultProfileId: theirs.profileId }),
    ],
    remove: ['realm.in-use', ({ realms }) => realms.remove()],
    signingKey: ['own', async ({ realms }) => (await realms.signingKey()) === 'key of ours'],
    setSigningKey: ['done', ({ realms }) => realms.setSigningKey('another', NOON)],
    keys: [
      'own',
      async ({ realms }) => (await realms.keys()).every(({ id }) => id === ours.realmKeyId),
    ],
    insertKey: [
      'realm.key-duplicate',
      ({ realms }) =>
        realms.insertKey({ id: newId(), name: 'K', publicKey: 'mine', createdAt: NOON }),
    ],
    removeKey: ['realm.key-unknown', ({ realms }) => realms.removeKey(theirs.realmKeyId)],
  },
  pairings: {
    insert: [
      'pairing.duplicate',
      ({ pairings }) =>
        pairings.insert({
          deviceId: theirs.deviceId,
          astarteId: Buffer.alloc(16, 8).toString('base64url'),
          secretHash: null,
          createdAt: NOON,
        }),
    ],
    find: [
      'own',
      async ({ pairings }) =>
        (await pairings.find({ deviceId: theirs.deviceId })) === null &&
        (await pairings.find({ astarteId: ASTARTE_ID }))?.deviceId === ours.deviceId,
    ],
    several: [
      'own',
      async ({ pairings }) => {
        const found = await pairings.several([theirs.deviceId, ours.deviceId])
        return found.length === 1 && found[0]?.deviceId === ours.deviceId
      },
    ],
    reserve: ['done', ({ pairings }) => pairings.reserve(ASTARTE_ID)],
    setSecret: ['done', ({ pairings }) => pairings.setSecret(theirs.deviceId, hashOf('mine now'))],
    setCredential: [
      'done',
      ({ pairings }) => pairings.setCredential(theirs.deviceId, newId(), NOON),
    ],
    reset: ['done', ({ pairings }) => pairings.reset(theirs.deviceId)],
    inhibit: ['done', ({ pairings }) => pairings.inhibit(theirs.deviceId, true)],
    settled: ['done', ({ pairings }) => pairings.settled(theirs.deviceId)],
    setIntrospection: [
      'done',
      ({ pairings }) => pairings.setIntrospection(theirs.deviceId, { A: { major: 1, minor: 0 } }),
    ],
    cancelling: [
      'own',
      async ({ pairings }) => (await pairings.cancelling(theirs.deviceId)).length === 0,
    ],
  },
  credentials: {
    hasToken: [
      'own',
      async ({ credentials }) =>
        !(await credentials.hasToken(theirs.deviceId, hashOf('theirs D'), NOON)),
    ],
    removeToken: [
      'done',
      ({ credentials }) => credentials.removeToken(theirs.deviceId, hashOf('theirs D')),
    ],
    insert: [
      'device.unknown',
      ({ credentials }) => credentials.insert(theirs.deviceId, [tokenCredential('mine now')]),
    ],
    ofDevice: ['device.unknown', ({ credentials }) => credentials.ofDevice(theirs.deviceId, NOON)],
    end: [
      'done',
      ({ credentials }) => credentials.end(theirs.deviceId, [theirs.credentialId], NOON),
    ],
    remove: [
      'own',
      async ({ credentials }) =>
        (await credentials.remove(theirs.deviceId, [theirs.credentialId])) === 0,
    ],
  },
  catalogue: {
    recordArtifact: [
      'done',
      ({ catalogue }) =>
        catalogue.recordArtifact({ sha256: SHA256, sizeBytes: 7, checksums: { MD5: 'x' } }, NOON),
    ],
    artifact: ['artifact.unknown', ({ catalogue }) => catalogue.artifact(THEIRS_ONLY)],
    insert: [
      'profile.unknown',
      async ({ catalogue }) => {
        const release = await catalogue.get(ours.releaseId)
        await catalogue.insert({
          ...release,
          id: newId(),
          version: '2',
          profileId: theirs.profileId,
        })
      },
    ],
    several: [
      'own',
      async ({ catalogue }) => {
        const found = await catalogue.several([theirs.releaseId, ours.releaseId])
        return found.length === 1 && found[0]?.id === ours.releaseId
      },
    ],
    packages: [
      'own',
      async ({ catalogue }) =>
        (await catalogue.packages({ limit: 9 })).items.every(({ releases }) => releases === 1),
    ],
    get: ['release.unknown', ({ catalogue }) => catalogue.get(theirs.releaseId)],
    page: [
      'own',
      async ({ catalogue }) => {
        const { items } = await catalogue.page({ limit: 9, title: 'R', version: '1', profile: 'P' })
        return items.length === 1 && items[0]?.id === ours.releaseId
      },
    ],
    describe: ['release.unknown', ({ catalogue }) => catalogue.describe(theirs.releaseId, 'hm')],
    forget: ['done', ({ catalogue }) => catalogue.forget(theirs.byHandId)],
    remove: ['release.unknown', ({ catalogue }) => catalogue.remove(theirs.releaseId)],
  },
  audiences: {
    page: [
      'own',
      async ({ audiences }) => {
        const which = { profileId: theirs.profileId, after: null, limit: 9, now: NOON }
        return (await audiences.page({ expression: 'true' }, which)).deviceIds.length === 0
      },
    ],
  },
  policies: {
    find: [
      'own',
      async ({ policies }) =>
        (await policies.find(theirs.releaseId)) === null &&
        (await policies.find(ours.releaseId)) !== null,
    ],
    get: ['policy.unknown', ({ policies }) => policies.get(theirs.releaseId)],
    page: [
      'own',
      async ({ policies }) => {
        const { items } = await policies.page({ limit: 9 })
        return items.length === 1 && items[0]?.release.id === ours.releaseId
      },
    ],
    put: [
      'request.version-mismatch',
      ({ policies }) =>
        policies.put(policyOf(theirs.releaseId), {
          profileId: ours.profileId,
          type: 'firmware',
          createdBy: 'us',
        }),
    ],
    enable: ['policy.unknown', ({ policies }) => policies.enable(theirs.releaseId, false, NOON)],
    remove: ['policy.unknown', ({ policies }) => policies.remove(theirs.releaseId)],
    figures: [
      'own',
      async ({ policies }) => {
        const { items } = await policies.figures({ limit: 9 })
        return items.length === 1 && items[0]?.release.id === ours.releaseId
      },
    ],
    devices: [
      'own',
      async ({ policies }) =>
        (await policies.devices(theirs.releaseId, { limit: 9 })).items.length === 0,
    ],
    population: [
      'own',
      async ({ policies }) => (await policies.population(theirs.profileId, [])) === 0,
    ],
  },
  campaigns: {
    insert: [
      'release.unknown',
      async ({ campaigns }) => {
        const { campaign } = await campaigns.get(ours.campaignId)
        const copy = { ...campaign, id: newId(), releaseId: theirs.releaseId, name: 'K' }
        await campaigns.insert(copy, { title: 'R', version: '1' }, 'us')
      },
    ],
    get: ['campaign.unknown', ({ campaigns }) => campaigns.get(theirs.campaignId)],
    lock: ['campaign.unknown', ({ campaigns }) => campaigns.lock(theirs.campaignId)],
    page: [
      'own',
      async ({ campaigns }) => {
        const { items } = await campaigns.page({ limit: 9, name: 'C' })
        return items.length === 1 && items[0]?.campaign.id === ours.campaignId
      },
    ],
    save: [
      'done',
      async ({ campaigns }) => {
        const { campaign } = await campaigns.get(ours.campaignId)
        await campaigns.save({ ...campaign, id: theirs.campaignId, name: 'ours now' })
      },
    ],
    remove: ['campaign.unknown', ({ campaigns }) => campaigns.remove(theirs.campaignId)],
    addTargets: [
      'own',
      async ({ campaigns }) =>
        (await campaigns.addTargets(ours.campaignId, [theirs.deviceId])) === 0,
    ],
    dropTargets: ['done', ({ campaigns }) => campaigns.dropTargets(theirs.campaignId)],
    addPrevious: [
      'own',
      async ({ campaigns }) => {
        const added = await campaigns.addPrevious(newId(), theirs.campaignId, NOON)
        return added.idle + added.skipped === 0
      },
    ],
    targets: [
      'own',
      async ({ campaigns }) =>
        (await campaigns.targets(theirs.campaignId, { limit: 9 })).items.length === 0,
    ],
    dots: [
      'own',
      async ({ campaigns }) => (await campaigns.dots(theirs.campaignId, 9)).length === 0,
    ],
    retryTargets: [
      'own',
      async ({ campaigns }) => {
        const because = reason('target.retried', 'By us.')
        const retried = await campaigns.retryTargets(theirs.campaignId, because, NOON)
        return retried.failed + retried.skipped === 0
      },
    ],
    forget: [
      'done',
      ({ campaigns }) =>
        campaigns.forget(theirs.deviceId, reason('target.removed', 'By us.'), NOON),
    ],
  },
  assignments: {
    put: [
      'device.unknown',
      ({ assignments }) =>
        assignments.put({ deviceId: theirs.deviceId }, assignment(ours.releaseId)),
    ],
    countAffected: [
      'own',
      async ({ assignments }) =>
        (await assignments.countAffected(theirs.profileId, 'other')) === 0 &&
        (await assignments.countAffected(ours.profileId, 'other')) === 1,
    ],
    withdraw: [
      'own',
      async ({ assignments }) => {
        const found = [
          await assignments.withdraw({ deviceId: theirs.deviceId }, 'firmware'),
          await assignments.withdraw({ profileId: theirs.profileId }, 'firmware'),
        ]
        return !found.includes(true)
      },
    ],
    page: [
      'own',
      async ({ assignments }) =>
        (await assignments.page({ limit: 9 })).items.every(
          ({ release }) => release.id === ours.releaseId,
        ) && (await assignments.page({ limit: 9, releaseId: theirs.releaseId })).items.length === 0,
    ],
  },
  operations: {
    get: ['operation.unknown', ({ operations }) => operations.get(theirs.operationId)],
    pageOfDevice: [
      'own',
      async ({ operations }) =>
        (await operations.pageOfDevice(theirs.deviceId, { limit: 9 })).items.length === 0,
    ],
  },
  claiming: {
    allow: [
      'device.unknown',
      ({ claiming }) =>
        claiming.allow({ deviceId: theirs.deviceId, secretHash: hashOf('k'), expiresAt: NOON }),
    ],
    find: ['own', async ({ claiming }) => (await claiming.find('only theirs')) === null],
    take: ['access.denied', ({ claiming }) => claiming.take(theirs.deviceId)],
    giveBack: ['done', ({ claiming }) => claiming.giveBack(theirs.deviceId)],
  },
  operators: {
    insert: [
      'customer.unknown',
      ({ operators }) =>
        operators.insert({
          id: newId(),
          name: newId(),
          role: 'customer-user',
          customerId: theirs.customerId,
          passwordHash: 'none',
          createdAt: NOON,
        }),
    ],
    get: ['operator.unknown', ({ operators }) => operators.get(theirs.tenant.operatorId)],
    page: [
      'own',
      async ({ operators }) =>
        (await operators.page({ limit: 9 })).items.every(
          ({ tenantId }) => tenantId === ours.tenant.id,
        ),
    ],
    setRole: [
      'operator.unknown',
      ({ operators }) =>
        operators.setRole(theirs.tenant.operatorId, { role: 'viewer', customerId: null }),
    ],
    setPassword: [
      'operator.unknown',
      ({ operators }) => operators.setPassword(theirs.tenant.operatorId, 'ours now'),
    ],
    remove: ['operator.unknown', ({ operators }) => operators.remove(theirs.tenant.operatorId)],
    endSession: [
      'operator.unknown',
      ({ operators }) => operators.endSession(theirs.tenant.operatorId, Buffer.from('theirs')),
    ],
    endSessions: [
      'operator.unknown',
      ({ operators }) => operators.endSessions(theirs.tenant.operatorId),
    ],
    revokeTokens: [
      'operator.unknown',
      ({ operators }) => operators.revokeTokens(theirs.tenant.operatorId, NOON),
    ],
    lock: ['done', ({ operators }) => operators.lock()],
    count: [
      'own',
      async ({ operators }) => (await operators.count(['tenant-administrator'])) === 1,
    ],
  },
  customers: {
    insert: [
      'done',
      ({ customers }) => customers.insert({ id: newId(), name: 'another', createdAt: NOON }),
    ],
    get: ['customer.unknown', ({ customers }) => customers.get(theirs.customerId)],
    page: [
      'own',
      async ({ customers }) =>
        (await customers.page({ limit: 9 })).items.every(({ id }) => id !== theirs.customerId),
    ],
    rename: ['customer.unknown', ({ customers }) => customers.rename(theirs.customerId, 'X')],
    remove: ['customer.unknown', ({ customers }) => customers.remove(theirs.customerId)],
  },
  groups: {
    insert: [
      'done',
      ({ groups }) =>
        groups.insert({ id: newId(), handle: 'h', name: 'H', expression: 'true', createdAt: NOON }),
    ],
    get: ['group.unknown', ({ groups }) => groups.get(theirs.groupId)],
    several: [
      'own',
      async ({ groups }) => {
        const found = await groups.several([theirs.groupId, ours.groupId])
        return found.length === 1 && found[0]?.id === ours.groupId
      },
    ],
    ofDevices: [
      'own',
      async ({ groups }) => {
        const found = await groups.ofDevices([theirs.deviceId, ours.deviceId], NOON)
        return (
          found.size === 1 &&
          found.get(ours.deviceId)?.every(({ id }) => id !== theirs.groupId) === true
        )
      },
    ],
    all: ['group.unknown', ({ groups }) => groups.all([theirs.groupId])],
    page: [
      'own',
      async ({ groups }) =>
        (await groups.page({ limit: 9 })).items.every(({ id }) => id !== theirs.groupId),
    ],
    change: ['group.unknown', ({ groups }) => groups.change(theirs.groupId, { name: 'X' })],
    remove: ['group.unknown', ({ groups }) => groups.remove(theirs.groupId)],
  },
  channels: {
    insert: [
      'done',
      ({ channels }) => channels.insert({ id: newId(), handle: 'd', name: 'D', createdAt: NOON }),
    ],
    several: [
      'own',
      async ({ channels }) => {
        const found = await channels.several([theirs.channelId, ours.channelId])
        return found.length === 1 && found[0]?.id === ours.channelId
      },
    ],
    get: ['channel.unknown', ({ channels }) => channels.get(theirs.channelId)],
    page: [
      'own',
      async ({ channels }) =>
        (await channels.page({ limit: 9 })).items.every(
          ({ id, groups }) => id !== theirs.channelId && groups.length <= 1,
        ),
    ],
    change: ['channel.unknown', ({ channels }) => channels.change(theirs.channelId, { name: 'X' })],
    setGroups: [
      'channel.unknown',
      ({ channels }) => channels.setGroups(theirs.channelId, [ours.groupId, theirs.groupId]),
    ],
    remove: ['channel.unknown', ({ channels }) => channels.remove(theirs.channelId)],
  },
  hardwareTypes: {
    insert: ['done', ({ hardwareTypes }) => hardwareTypes.insert(modelOf('P-2'))],
    several: [
      'own',
      async ({ hardwareTypes }) => {
        const found = await hardwareTypes.several([theirs.hardwareTypeId, ours.hardwareTypeId])
        return found.length === 1 && found[0]?.id === ours.hardwareTypeId
      },
    ],
    get: ['hardware-type.unknown', ({ hardwareTypes }) => hardwareTypes.get(theirs.hardwareTypeId)],
    alike: [
      'own',
      async ({ hardwareTypes }) => {
        const marks = { handle: 't', name: 'T', partNumbers: ['P-1'] }
        return (await hardwareTypes.alike(marks, ours.hardwareTypeId)).length === 0
      },
    ],
    page: [
      'own',
      async ({ hardwareTypes }) =>
        (await hardwareTypes.page({ limit: 9 })).items.every(
          ({ id }) => id !== theirs.hardwareTypeId,
        ),
    ],
    change: [
      'hardware-type.unknown',
      ({ hardwareTypes }) => hardwareTypes.change(theirs.hardwareTypeId, { partNumbers: ['P-3'] }),
    ],
    remove: [
      'hardware-type.unknown',
      ({ hardwareTypes }) => hardwareTypes.remove(theirs.hardwareTypeId),
    ],
  },
  clouds: {
    insert: ['done', ({ clouds }) => clouds.insert(newCloud('Another'))],
    get: ['cloud.unknown', ({ clouds }) => clouds.get(theirs.cloudId)],
    byName: ['own', async ({ clouds }) => (await clouds.byName('Cloud')).id === ours.cloudId],
    page: [
      'own',
      async ({ clouds }) =>
        (await clouds.page({ limit: 9 })).items.every(
          ({ id, deviceCount }) => id !== theirs.cloudId && deviceCount <= 1,
        ),
    ],
    change: ['cloud.unknown', ({ clouds }) => clouds.change(theirs.cloudId, { name: 'X' })],
    remove: ['cloud.unknown', ({ clouds }) => clouds.remove(theirs.cloudId)],
    tokens: ['own', async ({ clouds }) => (await clouds.tokens(theirs.cloudId)).length === 0],
    insertToken: [
      'cloud.unknown',
      ({ clouds }) =>
        clouds.insertToken({
          id: newId(),
          createdAt: NOON,
          cloudId: theirs.cloudId,
          secretHash: hashOf('another'),
        }),
    ],
    removeToken: [
      'cloud.token-unknown',
      ({ clouds }) => clouds.removeToken(theirs.cloudId, theirs.cloudTokenId),
    ],
  },
  systemModels: {
    insert: [
      'hardware-type.unknown',
      ({ systemModels }) =>
        systemModels.insert({
          ...modelOf('P-2'),
          hardwareTypeId: theirs.hardwareTypeId,
          profileId: null,
        }),
    ],
    several: [
      'own',
      async ({ systemModels }) => {
        const found = await systemModels.several([theirs.systemModelId, ours.systemModelId])
        return found.length === 1 && found[0]?.id === ours.systemModelId
      },
    ],
    get: ['system-model.unknown', ({ systemModels }) => systemModels.get(theirs.systemModelId)],
    ofPartNumber: [
      'own',
      async ({ systemModels }) =>
        (await systemModels.ofPartNumber('P-1'))?.id === ours.systemModelId,
    ],
    alike: [
      'own',
      async ({ systemModels }) => {
        const marks = { handle: 'm', name: 'M', partNumbers: ['P-1'] }
        return (await systemModels.alike(marks, ours.systemModelId)).length === 0
      },
    ],
    page: [
      'own',
      async ({ systemModels }) =>
        (await systemModels.page({ limit: 9 })).items.every(
          ({ id, profile }) => id !== theirs.systemModelId && profile?.id !== theirs.profileId,
        ),
    ],
    change: [
      'profile.unknown',
      ({ systemModels }) =>
        systemModels.change(ours.systemModelId, { profileId: theirs.profileId }),
    ],
    remove: [
      'system-model.unknown',
      ({ systemModels }) => systemModels.remove(theirs.systemModelId),
    ],
  },
  tokens: {
    insert: [
      'bug',
      ({ tokens }) =>
        tokens.insert({
          id: newId(),
          operatorId: theirs.tenant.operatorId,
          name: 'T',
          role: 'operator',
          secretHash: hashOf(newId()),
          createdAt: NOON,
        }),
    ],
    page: [
      'own',
      async ({ tokens }) =>
        (await tokens.page({ limit: 9 })).items.every(({ id }) => id !== theirs.tokenId),
    ],
    revoke: ['token.unknown', ({ tokens }) => tokens.revoke(theirs.tokenId, NOON)],
  },
  figures: {
    endsByTime: [
      'own',
      async ({ figures }) => {
        const day = {
          since: NOON,
          until: new Date(NOON.getTime() + 86_400_000),
          stepSeconds: 86_400,
        }
        return (await figures.endsByTime(day)).every(({ failed }) => failed === 0)
      },
    ],
    installed: [
      'own',
      async ({ figures }) => (await figures.installed()).every(({ devices }) => devices === 1),
    ],
    failures: ['own', async ({ figures }) => (await figures.failures(9)).length === 0],
    seen: [
      'own',
      async ({ figures }) => {
        const { recently, earlier, never } = await figures.seen(NOON)
        return recently + earlier + never === 1
      },
    ],
  },
  events: {
    append: [
      'done',
      ({ events }) =>
        events.append([
          {
            kind: 'device.changed',
            at: NOON,
            actor: { kind: 'server', name: 'updraft' },
            subject: { kind: 'device', id: theirs.deviceId, name: 'D' },
            deviceId: theirs.deviceId,
            data: {},
          },
        ]),
    ],
    page: [
      'own',
      async ({ events }) =>
        (await events.page({ limit: 9, deviceId: theirs.deviceId })).items.every(
          ({ kind }) => kind === 'device.changed',
        ),
    ],
    latestOf: [
      'own',
      async ({ events }) =>
        (await events.latestOf({ kind: 'operation', id: theirs.operationId })) === null,
    ],
  },
  settings: {
    get: ['own', async ({ settings }) => (await settings.get()).chosen.maxRetries !== 77],
    change: ['done', ({ settings }) => settings.change({ maxRetries: 3 })],
  },
  spread: {
    spread: ['done', ({ spread }) => spread({ deviceId: theirs.deviceId }, newId(), NOON)],
  },
}

const table = Object.entries(VERBS).flatMap(([room, verbs]) =>
  Object.entries(verbs).map(([verb, [outcome, ask]]) => [`${room}.${verb}`, outcome, ask] as const),
)

test.each(table)(
  '%s neither sees nor changes what is another tenant’s (%s)',
  async (_verb, outcome, ask) => {
    const before = await everythingOf(theirs)
    const answer = await ours.tenant.run(ask).then(
      (result) => (result === true ? 'own' : result === false ? 'THEIRS' : 'done'),
      (error) => error.code as string,
    )
    expect(/^\d+$/.test(answer) ? 'bug' : answer).toBe(outcome)
    expect(await everythingOf(theirs)).toEqual(before)
  },
)

test('a profile of another tenant is assigned nothing, even where it is assigned something', async () => {
  const before = await everythingOf(theirs)
  for (const releaseId of [ours.releaseId, theirs.releaseId]) {
    await expect(
      ours.tenant.run(({ assignments }) =>
        assignments.put({ profileId: theirs.profileId }, assignment(releaseId)),
      ),
    ).rejects.toMatchObject({ code: 'profile.unknown' })
  }
  expect(await everythingOf(theirs)).toEqual(before)
})

test("a device is not settled in another tenant's name, nor given another tenant's operation", async () => {
  await expect(
    store.work.settle({ tenantId: ours.tenant.id, deviceId: theirs.deviceId }, () => {
      throw new Error('was asked')
    }),
  ).rejects.toMatchObject({ code: 'device.unknown' })
  const { deviceId } = ours
  const target = { tenantId: ours.tenant.id, deviceId, operationId: theirs.operationId }
  await store.work.settle(target, (snapshot) => {
    expect(snapshot.addressed).toBeNull()
    return { changes: NO_CHANGES }
  })
})

describe('the database itself refuses', () => {
  test.each([
    ['devices', 'profile_id', () => theirs.profileId],
    ['devices', 'customer_id', () => theirs.customerId],
    ['devices', 'cloud_id', () => theirs.cloudId],
    ['cloud_tokens', 'cloud_id', () => theirs.cloudId],
    ['operators', 'customer_id', () => theirs.customerId],
    ['credentials', 'device_id', () => theirs.deviceId],
    ['releases', 'profile_id', () => theirs.profileId],
    ['assignments', 'release_id', () => theirs.releaseId],
    ['operations', 'device_id', () => theirs.deviceId],
    ['operations', 'release_id', () => theirs.releaseId],
    ['device_components', 'operation_id', () => theirs.operationId],
    ['device_presence', 'device_id', () => theirs.deviceId],
    ['device_groups', 'channel_id', () => theirs.channelId],
    ['system_models', 'hardware_type_id', () => theirs.hardwareTypeId],
    ['system_models', 'profile_id', () => theirs.profileId],
    ['system_model_part_numbers', 'system_model_id', () => theirs.systemModelId],
    ['hardware_type_part_numbers', 'hardware_type_id', () => theirs.hardwareTypeId],
    ['api_tokens', 'operator_id', () => theirs.tenant.operatorId],
  ])("%s.%s of one tenant being another's", async (name, column, id) => {
    await expect(
      store.rows(`update ${name} set ${column} = $1 where tenant_id = $2`, [id(), ours.tenant.id]),
    ).rejects.toMatchObject({ code: expect.stringMatching(/^23/) })
  })

  test('every reference between rows of tenants carries the tenant, or goes by way of what does', async () => {
    const references = await store.rows<{ name: string }>(
      `select c.conname as name
         from pg_constraint c
        where c.contype = 'f' and c.connamespace = 'public'::regnamespace
          and c.confrelid <> 'tenants'::regclass
          and not exists (select 1 from pg_attribute a
                where a.attrelid = c.conrelid and a.attnum = any(c.conkey) and a.attname = 'tenant_id')
        order by 1`,
    )
    expect(references.map(({ name }) => name)).toEqual([
      'device_components_device_id_operation_id_fkey',
      'hawkbit_chunks_action_id_fkey',
      'hawkbit_messages_action_id_fkey',
      'operation_requests_operation_id_fkey',
      'operation_steps_operation_id_fkey',
    ])
  })
})

describe('the tenants themselves', () => {
  const add = async (name: string) => {
    const tenant = await addTenant(store, name)
    const { run } = tenant
    return {
      ...tenant,
      remove: () => ours.tenant.run(({ tenants }) => tenants.remove(tenant.id)),
      run,
    }
  }

  test('one is made with its first administrator, or not at all', async () => {
    const tenant = { id: newId(), name: 'made', createdAt: NOON }
    const make = (administrator: string, id = tenant.id) =>
      ours.tenant.run(({ tenants }) =>
        tenants.insert(
          { ...tenant, id },
          { id: newId(), name: administrator, passwordHash: 'none' },
        ),
      )
    await expect(make('admin of theirs')).rejects.toMatchObject({ code: 'operator.duplicate' })
    await make('admin of made')
    const { items } = await store.run({ tenantId: tenant.id, customerId: null }, ({ operators }) =>
      operators.page({ limit: 9 }),
    )
    expect(items).toMatchObject([{ name: 'admin of made', role: 'tenant-administrator' }])
    await expect(make('another', newId())).rejects.toMatchObject({ code: 'tenant.duplicate' })
  })

  test('one without things of its own is removed with its people and its traces', async () => {
    const tenant = await add('to be removed')
    await tenant.run(async ({ events, catalogue }) => {
      await catalogue.recordArtifact({ sha256: SHA256, sizeBytes: 7, checksums: {} }, NOON)
      const subject = { kind: 'artifact', id: SHA256, name: SHA256 } as const
      const actor = { kind: 'server', name: 'updraft' } as const
      await events.append([
        { kind: 'artifact.stored', at: NOON, actor, subject, deviceId: null, data: {} },
      ])
    })
    await tenant.remove()
    await expect(tenant.remove()).rejects.toMatchObject({ code: 'tenant.unknown' })
  })

  test.each<[string, (tenant: Tenant) => Promise<unknown>]>([
    ['a profile', (tenant) => tenant.addProfile('P')],
    ['a customer', (tenant) => tenant.addCustomer('C')],
    [
      'a group',
      (tenant) =>
        tenant.run(({ groups }) =>
          groups.insert({
            id: newId(),
            handle: 'g',
            name: 'G',
            expression: 'true',
            createdAt: NOON,
          }),
        ),
    ],
    [
      'a channel',
      (tenant) =>
        tenant.run(({ channels }) =>
          channels.insert({ id: newId(), handle: 'c', name: 'C', createdAt: NOON }),
        ),
    ],
    [
      'a hardware type',
      (tenant) => tenant.run(({ hardwareTypes }) => hardwareTypes.insert(modelOf('P-1'))),
    ],
    [
      'a system model',
      (tenant) =>
        tenant.run(({ systemModels }) =>
          systemModels.insert({ ...modelOf('P-1'), hardwareTypeId: null, profileId: null }),
        ),
    ],
    ['a cloud', (tenant) => tenant.run(({ clouds }) => clouds.insert(newCloud('C')))],
    [
      'a release',
      async (tenant) => {
        await tenant.run(({ catalogue }) =>
          catalogue.recordArtifact({ sha256: SHA256, sizeBytes: 7, checksums: {} }, NOON),
        )
        await tenant.addRelease(await tenant.addProfile('P'), 'R@1', {
          externalUrl: null,
          artifact: { sha256: SHA256, sizeBytes: 7, fileName: 'f', contentType: 'a/b' },
        })
      },
    ],
  ])('one with %s is not removed', async (what, furnishWith) => {
    const tenant = await add(`with ${what}`)
    await furnishWith(tenant)
    await expect(tenant.remove()).rejects.toMatchObject({ code: 'tenant.in-use' })
  })
})
