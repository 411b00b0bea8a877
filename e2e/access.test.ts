/**
 * Every route of the operators' API, asked by every role, about what is its own, its neighbours' and another
 * tenant's. A route without a row here fails.
 */
import { createHash, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import { type ErrorCode, NO_TARGETS, type Role, STANDARD_CAMPAIGN_SETTINGS } from '@updraft/core'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answered, type Asked, ask, expectProblem, quickHash } from './operator.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

/** One of each thing that belongs to somebody. */
interface Things {
  readonly tenant: string
  readonly customer: string
  readonly profile: string
  readonly device: string
  readonly release: string
  readonly operation: string
  readonly failedOperation: string
  readonly failedRelease: string
  readonly installedTitle: string
  /** Name of a device nobody owns yet. */
  readonly claimable: string
  readonly credential: string
  readonly person: string
  /** That person's. */
  readonly token: string
  /** What nothing else needs, so that it can be removed. */
  readonly spareProfile: string
  readonly spareRelease: string
  readonly spareCustomer: string
  readonly spareTenant: string
  readonly group: string
  readonly channel: string
  readonly hardwareType: string
  readonly spareHardwareType: string
  readonly systemModel: string
  readonly cloud: string
  readonly spareCloud: string
  readonly cloudToken: string
  readonly waiting: string
  readonly spareWaiting: string
  readonly registered: string
  readonly realmKey: string
  /** A file half-way in. */
  readonly upload: string
  readonly campaign: string
  readonly scheduledCampaign: string
  readonly pausedCampaign: string
  readonly endedCampaign: string
  /** A wave of it waits for a person. */
  readonly waitingCampaign: string
}

type Letter = 's' | 't' | 'o' | 'v' | 'c'
const ROLE_OF: Readonly<Record<Letter, Role>> = {
  s: 'system-administrator',
  t: 'tenant-administrator',
  o: 'operator',
  v: 'viewer',
  c: 'customer-user',
}
const LETTERS = Object.keys(ROLE_OF) as Letter[]
const PASSWORD = 'the password of a test'
const BYTES = new Uint8Array([1, 2, 3])
const KEYS = generateKeyPairSync('ec', {
  namedCurve: 'prime256v1',
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
})
const PUBLIC_KEY = KEYS.publicKey
const SHA256 = createHash('sha256').update(BYTES).digest('hex')

interface Row {
  /** Who may, by letter; everyone else is denied. */
  readonly may: string
  /** What is done to the caller's tenant before. */
  readonly first?: (tenant: string) => Promise<unknown>
  /** What it is asked about things of one's own. */
  readonly own?: (own: Things) => Asked
  /** Whose id is to be in the answer. */
  readonly shows?: keyof Things
  /**
   * The same about things of others, each with what is to come of it: a refusal, or an answer in which nothing of
   * theirs is found. Left out where a route is about nobody's things but one's own.
   */
  readonly others?: readonly (readonly [
    outcome: ErrorCode | 'hidden',
    asked: (theirs: Things, own: Things) => Asked,
  ])[]
}

const one =
  (thing: keyof Things, body?: (own: Things) => unknown) =>
  (things: Things, own = things): Asked => ({
    params: { id: things[thing], type: 'firmware' },
    body: body?.(own),
  })
const pieceOf =
  (thing: keyof Things) =>
  (things: Things): Asked => ({
    params: { id: things[thing] },
    headers: { 'upload-offset': '0' },
    body: BYTES.subarray(0, 1),
  })
const named = () => ({ name: randomUUID() })
/** A route about one thing. */
const about = (
  may: string,
  thing: keyof Things,
  unknown: ErrorCode,
  body?: (own: Things) => unknown,
): Row => ({ may, own: one(thing, body), others: [[unknown, one(thing, body)]] })
/** A list, in which that thing of one's own is found: the newest first, as there are more than a page holds. */
const list = (may: string, shows: keyof Things, sort = '-createdAt'): Row => {
  const asked = () => ({ query: { limit: 500, sort } })
  return { may, own: asked, shows, others: [['hidden', asked]] }
}
const release = ({ release: releaseId }: Things) => ({ releaseId })
const writtenFor = ({ release }: Things): Asked => ({
  body: { releaseId: release, expression: '' },
})
const campaignOf = (things: Things) => ({
  ...named(),
  ...release(things),
  audience: { expression: 'true' },
})

const ROWS: Readonly<Record<Exclude<RouteName, 'signIn'>, Row>> = {
  showSession: { may: 'stovc' },
  signOut: { may: 'stovc' },
  signOutEverywhere: { may: 'stovc' },
  changePassword: {
    may: 'stovc',
    own: () => ({ body: { password: PASSWORD, newPassword: PASSWORD } }),
  },
  overview: { may: 'stovc' },
  showActivity: { may: 'stovc' },
  listInstalled: {
    may: 'stovc',
    shows: 'installedTitle',
    others: [['hidden', () => ({})]],
  },
  listFailures: {
    may: 'stovc',
    own: () => ({ query: { limit: 100 } }),
    shows: 'failedRelease',
    others: [['hidden', () => ({ query: { limit: 100 } })]],
  },

  listProfiles: list('stovc', 'profile'),
  createProfile: { may: 'sto', own: () => ({ body: named() }) },
  showProfile: about('stovc', 'profile', 'profile.unknown'),
  removeProfile: {
    ...about('sto', 'profile', 'profile.unknown'),
    // Devices and releases have it.
    own: one('spareProfile'),
  },
  showHawkbitSettings: about('stov', 'profile', 'profile.unknown'),
  changeHawkbitSettings: about('sto', 'profile', 'profile.unknown', () => ({ client: 'rauc' })),
  askForAttributes: about('sto', 'device', 'device.unknown'),
  showBoxServer: {
    ...about('stov', 'profile', 'profile.unknown'),
    first: (tenant) => addBoxes(tenant),
  },
  setBoxServer: about('sto', 'profile', 'profile.unknown', () => ({
    url: `https://${randomUUID()}.example`,
    series: '17.0',
  })),
  removeBoxServer: {
    ...about('sto', 'profile', 'profile.unknown'),
    first: (tenant) => addBoxes(tenant),
  },
  restartBox: { ...about('sto', 'device', 'device.unknown'), first: (tenant) => addBoxes(tenant) },
  loadHandlers: {
    ...about('sto', 'device', 'device.unknown'),
    first: (tenant) => addOwnBoxes(tenant),
  },
  showBox: {
    ...about('stovc', 'device', 'device.unknown'),
    first: (tenant) => addOwnBoxes(tenant),
  },
  setBoxForm: {
    ...about('sto', 'device', 'device.unknown', () => ({})),
    first: (tenant) => addOwnBoxes(tenant),
  },
  listLogLines: about('stovc', 'device', 'device.unknown'),
  enableProvisioning: about('sto', 'profile', 'profile.unknown'),
  disableProvisioning: about('sto', 'profile', 'profile.unknown'),
  assignToProfile: {
    may: 'sto',
    own: one('profile', release),
    others: [
      ['profile.unknown', one('profile', release)],
      ['release.unknown', (theirs, own) => one('profile', () => release(theirs))(own)],
    ],
  },
  countAffected: about('stovc', 'profile', 'profile.unknown'),
  unassignFromProfile: about('sto', 'profile', 'profile.unknown'),

  listDevices: list('stovc', 'device'),
  listLabels: { may: 'stovc', others: [['hidden', () => ({})]] },
  countDevices: { may: 'stovc', others: [['hidden', () => ({})]] },
  createDevice: {
    may: 'sto',
    own: ({ profile }) => ({ body: { ...named(), profileId: profile } }),
    others: [
      ['profile.unknown', ({ profile }) => ({ body: { ...named(), profileId: profile } })],
      [
        'customer.unknown',
        ({ customer }, { profile }) => ({
          body: { ...named(), profileId: profile, customerId: customer },
        }),
      ],
    ],
  },
  importDevices: {
    may: 'sto',
    own: ({ profile }) => ({ body: { devices: [{ ...named(), profileId: profile }] } }),
    others: [
      [
        'profile.unknown',
        ({ profile }) => ({ body: { devices: [{ ...named(), profileId: profile }] } }),
      ],
    ],
  },
  showDevice: about('stovc', 'device', 'device.unknown'),
  changeDevice: {
    may: 'sto',
    own: one('device', ({ customer }) => ({ ...named(), customerId: customer })),
    others: [
      ['device.unknown', one('device', named)],
      ['profile.unknown', ({ profile }, own) => one('device', () => ({ profileId: profile }))(own)],
      [
        'customer.unknown',
        ({ customer }, own) => one('device', () => ({ customerId: customer }))(own),
      ],
      ['cloud.unknown', ({ cloud }, own) => one('device', () => ({ cloudId: cloud }))(own)],
    ],
  },
  removeDevice: about('sto', 'device', 'device.unknown'),
  replaceDeviceToken: about('sto', 'device', 'device.unknown', () => ({})),
  claimDevice: {
    may: 'c',
    own: ({ claimable }) => ({ body: { name: claimable, secretKey: 'k' } }),
  },
  giveBackDevice: about('c', 'device', 'device.unknown'),
  listCredentials: about('sto', 'device', 'device.unknown'),
  addCredential: about('sto', 'device', 'device.unknown', () => ({
    credential: { kind: 'token' },
  })),
  removeCredential: {
    may: 'sto',
    own: ({ device, credential }) => ({ params: { id: device, credentialId: credential } }),
    others: [
      [
        'device.unknown',
        ({ device, credential }) => ({ params: { id: device, credentialId: credential } }),
      ],
      [
        'credential.unknown',
        ({ credential }, { device }) => ({ params: { id: device, credentialId: credential } }),
      ],
    ],
  },
  listDeviceOperations: about('stovc', 'device', 'device.unknown'),
  showTimeseries: about('stovc', 'device', 'device.unknown'),
  listTimeseriesKeys: about('stovc', 'device', 'device.unknown'),
  showAttributes: {
    may: 'stovc',
    own: ({ device }) => ({ params: { id: device, scope: 'SHARED_SCOPE' } }),
    others: [
      ['device.unknown', ({ device }) => ({ params: { id: device, scope: 'SHARED_SCOPE' } })],
    ],
  },
  assignToDevice: {
    may: 'stoc',
    own: one('device', release),
    others: [
      ['device.unknown', one('device', release)],
      ['release.unknown', (theirs, own) => one('device', () => release(theirs))(own)],
    ],
  },
  updateByHand: {
    may: 'sto',
    own: one('device', () => ({ title: 'by hand', version: '1', type: 'image', sha256: SHA256 })),
    others: [
      ['device.unknown', one('device', () => ({ title: 'by hand', version: '1', sha256: SHA256 }))],
    ],
  },
  unassignFromDevice: about('stoc', 'device', 'device.unknown'),
  listAssignments: list('stovc', 'release', '-assignedAt'),

  uploadArtifact: { may: 'sto', own: () => ({ body: BYTES }) },
  beginUpload: {
    may: 'sto',
    own: () => ({ headers: { 'upload-length': '3' } }),
  },
  showUpload: about('sto', 'upload', 'upload.unknown'),
  continueUpload: {
    may: 'sto',
    own: pieceOf('upload'),
    others: [['upload.unknown', pieceOf('upload')]],
  },
  abandonUpload: about('sto', 'upload', 'upload.unknown'),
  listPackages: { may: 'stovc', others: [['hidden', () => ({ query: { limit: 500 } })]] },
  listReleases: list('stovc', 'release'),
  createRelease: {
    may: 'sto',
    own: ({ profile }) => ({
      body: { title: randomUUID(), version: '1', profileId: profile, sha256: SHA256 },
    }),
    others: [
      [
        'profile.unknown',
        ({ profile }) => ({
          body: { title: randomUUID(), version: '1', profileId: profile, sha256: SHA256 },
        }),
      ],
    ],
  },
  showRelease: about('stovc', 'release', 'release.unknown'),
  changeRelease: about('sto', 'release', 'release.unknown', () => ({ description: 'new' })),
  removeRelease: {
    ...about('sto', 'release', 'release.unknown'),
    // It is assigned.
    own: one('spareRelease'),
  },
  downloadRelease: about('stov', 'release', 'release.unknown'),

  showOperation: about('stovc', 'operation', 'operation.unknown'),
  cancelOperation: about('stoc', 'operation', 'operation.unknown'),
  forceOperation: about('stoc', 'operation', 'operation.unknown'),
  retryOperation: {
    may: 'stoc',
    own: one('failedOperation'),
    others: [['operation.unknown', one('failedOperation')]],
  },

  listCampaigns: list('stov', 'campaign'),
  createCampaign: {
    may: 'sto',
    own: (own) => ({ body: campaignOf(own) }),
    others: [['release.unknown', (theirs) => ({ body: campaignOf(theirs) })]],
  },
  forecastCampaign: {
    may: 'stov',
    own: (own) => ({ body: campaignOf(own) }),
    shows: 'device',
    others: [['release.unknown', (theirs) => ({ body: campaignOf(theirs) })]],
  },
  countForecast: {
    may: 'stov',
    own: (own) => ({ body: campaignOf(own) }),
    others: [['release.unknown', (theirs) => ({ body: campaignOf(theirs) })]],
  },
  showCampaign: about('stov', 'campaign', 'campaign.unknown'),
  changeCampaign: {
    may: 'sto',
    own: one('scheduledCampaign', named),
    others: [
      ['campaign.unknown', one('scheduledCampaign', named)],
      ['release.unknown', (theirs, own) => one('scheduledCampaign', () => release(theirs))(own)],
    ],
  },
  removeCampaign: about('sto', 'scheduledCampaign', 'campaign.unknown'),
  listTargets: { ...about('stov', 'campaign', 'campaign.unknown'), shows: 'device' },
  listTargetDots: { ...about('stov', 'campaign', 'campaign.unknown'), shows: 'device' },
  pauseCampaign: about('sto', 'campaign', 'campaign.unknown'),
  resumeCampaign: about('sto', 'pausedCampaign', 'campaign.unknown'),
  cancelCampaign: about('sto', 'campaign', 'campaign.unknown'),
  approveCampaign: about('sto', 'waitingCampaign', 'campaign.unknown'),
  retryCampaign: about('sto', 'endedCampaign', 'campaign.unknown'),
  rollBackCampaign: about('sto', 'endedCampaign', 'campaign.unknown', () => named()),

  // Everyone sees their own, an administrator those of the whole tenant.
  listTokens: { may: 'stovc', others: [['hidden', () => ({ query: { limit: 500 } })]] },
  createToken: { may: 'stovc', own: () => ({ body: named() }) },
  revokeToken: about('stovc', 'token', 'token.unknown'),
  listOperators: list('st', 'person'),
  createOperator: {
    may: 'st',
    own: () => ({ body: { ...named(), role: 'viewer' } }),
    others: [
      [
        'customer.unknown',
        ({ customer }) => ({ body: { ...named(), role: 'customer-user', customerId: customer } }),
      ],
    ],
  },
  showOperator: about('st', 'person', 'operator.unknown'),
  changeOperator: {
    may: 'st',
    own: one('person', () => ({ role: 'operator' })),
    others: [
      ['operator.unknown', one('person', () => ({ role: 'operator' }))],
      [
        'customer.unknown',
        ({ customer }, own) =>
          one('person', () => ({ role: 'customer-user', customerId: customer }))(own),
      ],
    ],
  },
  resetPassword: about('st', 'person', 'operator.unknown', () => ({})),
  removeOperator: about('st', 'person', 'operator.unknown'),

  previewGroup: {
    may: 'stov',
    own: () => ({ body: { expression: 'true' } }),
    others: [['hidden', () => ({ body: { expression: 'true' } })]],
  },
  listGroups: list('stov', 'group'),
  createGroup: { may: 'sto', own: () => ({ body: { ...handled(), expression: 'true' } }) },
  showGroup: about('stov', 'group', 'group.unknown'),
  listDevicesOfGroup: about('stov', 'group', 'group.unknown'),
  changeGroup: about('sto', 'group', 'group.unknown', named),
  removeGroup: about('sto', 'group', 'group.unknown'),
  listChannels: list('stov', 'channel'),
  createChannel: {
    may: 'sto',
    own: ({ group }) => ({ body: { ...handled(), groupIds: [group] } }),
    others: [['group.unknown', ({ group }) => ({ body: { ...handled(), groupIds: [group] } })]],
  },
  showChannel: about('stov', 'channel', 'channel.unknown'),
  listDevicesOfChannel: about('stov', 'channel', 'channel.unknown'),
  changeChannel: {
    ...about('sto', 'channel', 'channel.unknown', named),
    others: [
      ['channel.unknown', one('channel', named)],
      ['group.unknown', ({ group }, own) => one('channel', () => ({ groupIds: [group] }))(own)],
    ],
  },
  removeChannel: about('sto', 'channel', 'channel.unknown'),

  listPolicies: list('stov', 'release'),
  listPolicyStatistics: list('stov', 'release'),
  checkPolicy: {
    may: 'stov',
    own: writtenFor,
    others: [['release.unknown', writtenFor]],
  },
  countPolicy: {
    may: 'stov',
    own: writtenFor,
    others: [['release.unknown', writtenFor]],
  },
  tryPolicy: {
    may: 'stov',
    own: ({ release, device }) => ({ body: { releaseId: release, deviceId: device } }),
    others: [
      [
        'release.unknown',
        ({ release }, { device }) => ({ body: { releaseId: release, deviceId: device } }),
      ],
      [
        'device.unknown',
        ({ device }, { release }) => ({ body: { releaseId: release, deviceId: device } }),
      ],
    ],
  },
  showPolicy: about('stov', 'release', 'release.unknown'),
  putPolicy: {
    ...about('sto', 'release', 'release.unknown', () => ({})),
    others: [
      ['release.unknown', one('release', () => ({}))],
      ['cloud.unknown', ({ cloud }, own) => one('release', () => ({ cloudIds: [cloud] }))(own)],
    ],
  },
  removePolicy: about('sto', 'release', 'policy.unknown'),
  enablePolicy: about('sto', 'release', 'policy.unknown'),
  disablePolicy: about('sto', 'release', 'policy.unknown'),
  listPolicyDevices: { ...about('stov', 'release', 'policy.unknown'), shows: 'device' },

  listHardwareTypes: list('stov', 'hardwareType'),
  createHardwareType: { may: 'sto', own: () => ({ body: marked() }) },
  showHardwareType: about('stov', 'hardwareType', 'hardware-type.unknown'),
  changeHardwareType: about('sto', 'hardwareType', 'hardware-type.unknown', named),
  removeHardwareType: {
    ...about('sto', 'hardwareType', 'hardware-type.unknown'),
    // A system model is of it.
    own: one('spareHardwareType'),
  },
  listSystemModels: list('stov', 'systemModel'),
  createSystemModel: {
    may: 'sto',
    own: ({ hardwareType, profile }) => ({
      body: { ...marked(), hardwareTypeId: hardwareType, profileId: profile },
    }),
    others: [
      [
        'hardware-type.unknown',
        ({ hardwareType }) => ({ body: { ...marked(), hardwareTypeId: hardwareType } }),
      ],
      ['profile.unknown', ({ profile }) => ({ body: { ...marked(), profileId: profile } })],
    ],
  },
  showSystemModel: about('stov', 'systemModel', 'system-model.unknown'),
  changeSystemModel: {
    ...about('sto', 'systemModel', 'system-model.unknown', named),
    others: [
      ['system-model.unknown', one('systemModel', named)],
      [
        'profile.unknown',
        ({ profile }, own) => one('systemModel', () => ({ profileId: profile }))(own),
      ],
    ],
  },
  removeSystemModel: about('sto', 'systemModel', 'system-model.unknown'),

  listArtifactStores: { may: 'stov' },
  moveArtifacts: {
    may: 's',
    own: () => ({ body: { from: 'second', to: 'default' } }),
  },
  listClouds: list('stov', 'cloud'),
  createCloud: { may: 'sto', own: () => ({ body: named() }) },
  showCloud: about('stov', 'cloud', 'cloud.unknown'),
  changeCloud: about('sto', 'cloud', 'cloud.unknown', named),
  removeCloud: {
    ...about('sto', 'cloud', 'cloud.unknown'),
    // Devices are of it.
    own: one('spareCloud'),
  },
  listCloudTokens: {
    ...about('stov', 'cloud', 'cloud.unknown'),
    shows: 'cloudToken',
  },
  createCloudToken: about('sto', 'cloud', 'cloud.unknown'),
  revokeCloudToken: {
    may: 'sto',
    own: ({ cloud, cloudToken }) => ({ params: { id: cloud, tokenId: cloudToken } }),
    others: [
      [
        'cloud.unknown',
        ({ cloud, cloudToken }) => ({ params: { id: cloud, tokenId: cloudToken } }),
      ],
      [
        'cloud.token-unknown',
        ({ cloudToken }, { cloud }) => ({ params: { id: cloud, tokenId: cloudToken } }),
      ],
    ],
  },

  showRealm: { may: 'stov' },
  setRealm: {
    may: 'sto',
    own: ({ profile: profileId }) => ({ body: { profileId } }),
    others: [['profile.unknown', ({ profile: profileId }) => ({ body: { profileId } })]],
  },
  removeRealm: {
    may: 'sto',
    first: (tenant) => database.query('delete from pairings where tenant_id = $1', [tenant]),
  },
  setCluster: {
    may: 'sto',
    own: () => ({ body: { baseUrl: 'http://127.0.0.1:2', privateKey: KEYS.privateKey } }),
    first: (tenant) => database.query('delete from pairings where tenant_id = $1', [tenant]),
  },
  showCluster: { may: 'stov', first: (tenant) => addCluster(tenant) },
  checkCluster: { may: 'sto', first: (tenant) => addCluster(tenant) },
  removeCluster: { may: 'sto', first: (tenant) => addCluster(tenant) },
  rotateRealmKey: { may: 'sto' },
  createAgentToken: { may: 'sto', own: () => ({ body: {} }) },
  listRealmKeys: { may: 'stov', shows: 'realmKey', others: [['hidden', () => ({})]] },
  addRealmKey: { may: 'sto', own: () => ({ body: { ...named(), publicKey: PUBLIC_KEY } }) },
  removeRealmKey: about('sto', 'realmKey', 'realm.key-unknown'),
  showDeviceAuthority: { may: 'stov' },
  showPairing: about('stovc', 'device', 'device.unknown'),
  pairDevice: about('sto', 'registered', 'device.unknown', () => ({
    astarteId: randomBytes(16).toString('base64url'),
  })),
  changePairing: about('sto', 'device', 'device.unknown', () => ({ isInhibited: true })),
  unpairDevice: about('sto', 'device', 'device.unknown'),

  listWaitingDevices: list('stov', 'waiting', '-lastSeenAt'),
  claimWaitingDevices: {
    may: 'sto',
    own: ({ spareWaiting }) => ({ body: { ids: [spareWaiting], name: randomUUID() } }),
    others: [
      ['registration.unknown', ({ waiting }) => ({ body: { ids: [waiting] } })],
      [
        'cloud.unknown',
        ({ cloud }, { spareWaiting }) => ({ body: { ids: [spareWaiting], cloudId: cloud } }),
      ],
      [
        'customer.unknown',
        ({ customer }, { spareWaiting }) => ({
          body: { ids: [spareWaiting], name: randomUUID(), customerId: customer },
        }),
      ],
    ],
  },
  forgetWaitingDevice: about('sto', 'waiting', 'registration.unknown'),
  reEnrolDevices: {
    may: 'sto',
    own: ({ registered }) => ({ body: { deviceIds: [registered] } }),
    others: [
      ['device.unknown', ({ registered }) => ({ body: { deviceIds: [registered] } })],
      [
        'cloud.unknown',
        ({ cloud }, { registered }) => ({ body: { deviceIds: [registered], cloudId: cloud } }),
      ],
    ],
  },

  listCustomers: list('stov', 'customer'),
  createCustomer: { may: 'st', own: () => ({ body: named() }) },
  showCustomer: about('stov', 'customer', 'customer.unknown'),
  changeCustomer: about('st', 'customer', 'customer.unknown', named),
  removeCustomer: {
    ...about('st', 'customer', 'customer.unknown'),
    // It owns a device.
    own: one('spareCustomer'),
  },

  // Whoever may do this may do it to all, and sees nothing but names.
  listTenants: { may: 's' },
  createTenant: { may: 's', own: () => ({ body: { ...named(), administrator: named() } }) },
  changeTenant: { may: 's', own: one('tenant', named) },
  removeTenant: { may: 's', own: one('spareTenant') },

  showSettings: { may: 'stov' },
  showEndpoints: { may: 'stovc' },
  changeSettings: { may: 'st', own: () => ({ body: { maxRetries: 4 } }) },

  // Which of them reach whom is told where they are sent.
  liveEvents: { may: 'stovc' },
  listEvents: {
    // But for what they were refused themselves, in which stands what they asked for.
    ...list('stov', 'device', '-at'),
    others: [['hidden', () => ({ query: { limit: 500, kind: 'device' } })]],
  },
}

/** One who asks, and where what is theirs is to be found. */
interface Caller {
  readonly id: string
  readonly secret: string
  readonly tenant: string
  readonly customer: string | null
}

let platform: TestPlatform
let database: pg.Client
const callers = {} as Record<Letter, Caller>
/** Things of a tenant that has nothing to do with it, of another customer of the same tenant, and of that tenant itself. */
let foreign: Things
let neighbours: Things
let tenants: Things

beforeAll(async () => {
  platform = await testPlatform((dataFolder) => ({
    artifacts: [
      { name: 'default', kind: 'file', folder: join(dataFolder, 'artifacts') },
      { name: 'second', kind: 'file', folder: join(dataFolder, 'second') },
    ],
  }))
  database = new pg.Client({ connectionString: platform.connectionString })
  await database.connect()
  await platform.api('uploadArtifact', { body: BYTES })
  const { rows } = await database.query('select id from tenants')
  const home: string = rows[0].id
  const ours = await addTenant()
  const theirs = await addTenant()
  for (const letter of LETTERS) {
    const tenant = letter === 's' ? home : ours
    const customer = letter === 'c' ? await addCustomer(tenant) : null
    callers[letter] = await addPerson(tenant, ROLE_OF[letter], customer)
  }
  foreign = await furnish({ tenant: theirs, customer: await addCustomer(theirs) })
  neighbours = await furnish({ tenant: ours, customer: await addCustomer(ours) })
  tenants = await furnish({ tenant: ours, customer: null })
})
afterAll(async () => {
  await database.end()
  await platform.stop()
})

async function insert(table: string, row: Record<string, unknown>): Promise<string> {
  const all: Record<string, unknown> = { id: randomUUID(), ...row }
  const columns = Object.keys(all)
  const values = columns.map((_column, index) => `$${index + 1}`)
  await database.query(
    `insert into ${table} (${columns.join(', ')}) values (${values.join(', ')})`,
    Object.values(all),
  )
  return all.id as string
}
const NOW = new Date()
const wave = (size: number) => ({
  size,
  asked: 0,
  successful: 0,
  failed: 0,
  skipped: 0,
  openedAt: null,
  passedAt: null,
  approvedAt: null,
})
/** Now, each time: the newest of all stands first, however many there are by then. Lists have an end. */
const made = () => ({ created_at: new Date() })

const addCluster = (tenant: string) =>
  database.query(
    `insert into clusters
       (tenant_id, base_url, realm, private_key, algorithm, webhook_secret, created_at, changed_at)
     values ($1, 'http://127.0.0.1:2', 'there', $2, 'ES256', 's', now(), now())
     on conflict do nothing`,
    [tenant, KEYS.privateKey],
  )

/** All its devices are boxes. */
const addBoxes = async (tenant: string) => {
  await database.query(
    `insert into box_servers
       select id, tenant_id, 'https://' || id || '.example', id || '.example', '17.0'
         from profiles where tenant_id = $1 on conflict do nothing`,
    [tenant],
  )
  await database.query(
    `insert into boxes (device_id, tenant_id, channel)
       select id, tenant_id, id::text from devices where tenant_id = $1 on conflict do nothing`,
    [tenant],
  )
  return database.query(
    `update devices set inventory = '{"generation": "G19"}' where tenant_id = $1`,
    [tenant],
  )
}

/** All its devices are boxes of our own. */
const addOwnBoxes = (tenant: string) =>
  database.query(`update devices set inventory = '{"box": {}}' where tenant_id = $1`, [tenant])

const addTenant = () => insert('tenants', { name: randomUUID(), ...made() })
const addCustomer = (tenant: string) =>
  insert('customers', { tenant_id: tenant, name: randomUUID(), ...made() })

async function addPerson(tenant: string, role: Role, customer: string | null): Promise<Caller> {
  const id = await insert('operators', {
    tenant_id: tenant,
    name: randomUUID(),
    role,
    customer_id: customer,
    password_hash: quickHash(PASSWORD),
    ...made(),
  })
  const { secret } = await addToken({ tenant, id })
  return { id, secret, tenant, customer }
}

async function addToken({ tenant, id }: Pick<Caller, 'tenant' | 'id'>) {
  const secret = randomUUID()
  const tokenId = await insert('api_tokens', {
    tenant_id: tenant,
    operator_id: id,
    name: 'of a test',
    secret_hash: createHash('sha256').update(secret).digest(),
    ...made(),
  })
  return { id: tokenId, secret }
}

/** New things of a tenant, the device owned by a customer of it if one is given. */
async function furnish(
  { tenant, customer }: Pick<Caller, 'tenant' | 'customer'>,
  self?: { readonly id: string; readonly token: string },
): Promise<Things> {
  const of = { tenant_id: tenant }
  const profile = await insert('profiles', { ...of, name: randomUUID(), ...made() })
  await database.query(
    `insert into artifacts values ($1, $2, $3, '{}', now()) on conflict do nothing`,
    [tenant, SHA256, BYTES.length],
  )
  const addRelease = (type: string) =>
    insert('releases', {
      ...of,
      profile_id: profile,
      title: randomUUID(),
      version: '1',
      type,
      size_bytes: BYTES.length,
      artifact_sha256: SHA256,
      ...made(),
    })
  const release = await addRelease('firmware')
  const failedRelease = await addRelease('software')
  const device = await insert('devices', {
    ...of,
    profile_id: profile,
    customer_id: customer,
    name: randomUUID(),
    ...made(),
  })
  await database.query('insert into device_presence (device_id, tenant_id) values ($1, $2)', [
    device,
    tenant,
  ])
  const credential = await insert('credentials', {
    ...of,
    device_id: device,
    kind: 'token',
    lookup_hash: createHash('sha256').update(device).digest(),
    ...made(),
  })
  for (const to of [{ device_id: device }, { profile_id: profile }]) {
    await insert('assignments', {
      ...of,
      ...to,
      type: 'firmware',
      release_id: release,
      assigned_at: new Date(),
      assigned_by: 'a test',
    })
  }
  await database.query(
    `insert into realms values ($1, $2, $3, $4, now(), now()) on conflict (tenant_id) do nothing`,
    [tenant, `r${randomBytes(8).toString('hex')}`, profile, KEYS.privateKey],
  )
  await database.query(
    'insert into pairings (device_id, tenant_id, astarte_id, created_at) values ($1, $2, $3, now())',
    [device, tenant, randomBytes(16)],
  )
  const realmKey = await insert('realm_keys', {
    ...of,
    name: randomUUID(),
    public_key: PUBLIC_KEY,
    ...made(),
  })
  const registered = await insert('devices', {
    ...of,
    profile_id: profile,
    customer_id: customer,
    name: randomUUID(),
    ...made(),
  })
  await database.query(
    'insert into registrations (device_id, tenant_id, profile_id, said_id) values ($1, $2, $3, $4)',
    [registered, tenant, profile, randomUUID()],
  )
  const addWaiting = () =>
    insert('waiting_devices', {
      ...of,
      profile_id: profile,
      said_id: randomUUID(),
      facts: '{}',
      times: 1,
      first_seen_at: new Date(),
      last_seen_at: new Date(),
    })
  const hardwareType = await insert('hardware_types', { ...of, ...handled(), ...made() })
  const cloud = await insert('clouds', { ...of, name: randomUUID(), ...made() })
  await database.query('update devices set cloud_id = $1 where id = $2', [cloud, device])
  const installedTitle = randomUUID()
  const claimable = randomUUID()
  await database.query(
    `insert into device_claims (device_id, tenant_id, secret_hash, expires_at)
     values ($1, $2, sha256('k'), now() + interval '1 day')`,
    [await insert('devices', { ...of, profile_id: profile, name: claimable, ...made() }), tenant],
  )
  const addOperation = async (type: string, releaseId: string, state: 'QUEUED' | 'FAILED') => {
    const id = await insert('operations', {
      ...of,
      device_id: device,
      release_id: releaseId,
      type,
      title: 'app',
      version: '1',
      state,
      progress_percent: 0,
      origin_code: 'assigned.device',
      origin_message: 'of a test',
      because_code: 'assigned.device',
      because_message: 'of a test',
      restarts: 0,
      opened_at: NOW,
      // The newest failures come first in a list that has an end.
      changed_at: new Date(),
      ended_at: state === 'FAILED' ? NOW : null,
    })
    await database.query(
      `insert into device_components (device_id, type, tenant_id, operation_id, operation_state, installed_title, installed_version)
       values ($1, $2, $3, $4, $5, $6, '0')`,
      [device, type, tenant, id, state, installedTitle],
    )
    return id
  }
  await database.query(
    `insert into events (tenant_id, at, kind, actor, subject_kind, subject_id, subject_name, device_id, data)
     values ($1, now(), 'device.changed', '{"kind":"server","name":"updraft"}', 'device', $2, '', $3, '{}')`,
    [tenant, device, device],
  )
  const addCampaign = async (
    status: 'in-progress' | 'scheduled' | 'paused' | 'finished',
    changes: Record<string, unknown> = {},
  ) => {
    const id = await insert('campaigns', {
      ...of,
      name: randomUUID(),
      type: 'firmware',
      release_id: release,
      release_title: 'app',
      release_version: '1',
      audience: '{"expression":"true"}',
      settings: JSON.stringify({ ...STANDARD_CAMPAIGN_SETTINGS, waves: [] }),
      status,
      outcome: status === 'finished' ? 'failure' : null,
      because_code: 'campaign.running',
      because_message: 'of a test',
      scheduled_at: status === 'scheduled' ? new Date('2100-01-01') : null,
      created_by: 'a test',
      tally: JSON.stringify({ ...NO_TARGETS, idle: 1 }),
      waves: JSON.stringify([{ ...wave(1), openedAt: status === 'scheduled' ? null : NOW }]),
      ...made(),
      ...changes,
    })
    await database.query(
      `insert into campaign_targets (campaign_id, device_id, tenant_id) values ($1, $2, $3)`,
      [id, device, tenant],
    )
    return id
  }
  await database.query(
    `insert into policies (release_id, tenant_id, profile_id, type, expression, is_enabled, published_at, created_at, created_by)
     values ($1, $2, $3, 'firmware', '', false, $4, $5, 'a test')`,
    [release, tenant, profile, NOW, new Date()],
  )
  await database.query(
    `insert into policy_devices (release_id, device_id, tenant_id, standing, because_code, because_message, at)
     values ($1, $2, $3, 'offered', 'policy.offers', 'of a test', $4)`,
    [release, device, tenant, NOW],
  )
  const campaign = await addCampaign('in-progress')
  const endedCampaign = await addCampaign('finished', {
    tally: JSON.stringify({ ...NO_TARGETS, failed: 1 }),
  })
  await database.query(
    `update campaign_targets set status = 'failed', is_open = false where campaign_id = $1`,
    [endedCampaign],
  )
  const person = await addPerson(tenant, customer ? 'customer-user' : 'viewer', customer)
  return {
    tenant,
    customer: customer ?? (await addCustomer(tenant)),
    profile,
    device,
    release,
    operation: await addOperation('firmware', release, 'QUEUED'),
    failedOperation: await addOperation('software', failedRelease, 'FAILED'),
    failedRelease,
    installedTitle,
    claimable,
    credential,
    person: person.id,
    token: self?.token ?? (await addToken(person)).id,
    spareProfile: await insert('profiles', { ...of, name: randomUUID(), ...made() }),
    spareRelease: await addRelease('spare'),
    spareCustomer: await addCustomer(tenant),
    spareTenant: await addTenant(),
    campaign,
    endedCampaign,
    scheduledCampaign: await addCampaign('scheduled'),
    pausedCampaign: await addCampaign('paused'),
    waitingCampaign: await addCampaign('in-progress', {
      settings: JSON.stringify({
        ...STANDARD_CAMPAIGN_SETTINGS,
        waves: [
          { size: { count: 1 }, successPercentage: 100, soakSeconds: 0, needsApproval: true },
        ],
      }),
      tally: JSON.stringify({ ...NO_TARGETS, idle: 1, successful: 1 }),
      waves: JSON.stringify([
        { ...wave(1), asked: 1, successful: 1, openedAt: NOW, passedAt: NOW },
        wave(1),
      ]),
    }),
    group: await insert('device_groups', { ...of, ...handled(), expression: 'true', ...made() }),
    channel: await insert('channels', { ...of, ...handled(), ...made() }),
    hardwareType,
    spareHardwareType: await insert('hardware_types', { ...of, ...handled(), ...made() }),
    systemModel: await insert('system_models', {
      ...of,
      ...handled(),
      hardware_type_id: hardwareType,
      profile_id: profile,
      ...made(),
    }),
    cloud,
    waiting: await addWaiting(),
    spareWaiting: await addWaiting(),
    registered,
    realmKey,
    spareCloud: await insert('clouds', { ...of, name: randomUUID(), ...made() }),
    cloudToken: await insert('cloud_tokens', {
      ...of,
      cloud_id: cloud,
      secret_hash: Buffer.from(randomUUID()),
      ...made(),
    }),
    upload: await addUpload({ tenantId: tenant, operatorId: self?.id ?? person.id }),
  }
}

const handled = () => ({ handle: `h-${randomUUID()}`, name: randomUUID() })
const marked = () => ({ ...handled(), partNumbers: [randomUUID()] })

/** As the server keeps them; those who may not begin one have none otherwise. */
async function addUpload(of: { tenantId: string; operatorId: string }): Promise<string> {
  const id = randomUUID()
  const folder = join(platform.dataFolder, 'artifacts', 'uploads', id)
  await mkdir(folder)
  await writeFile(join(folder, 'bytes'), '')
  const record = { ...of, id, sizeBytes: BYTES.length, fileName: null }
  await writeFile(join(folder, 'upload.json'), JSON.stringify(record))
  return id
}

/** All there is of those whom nobody who asks has to do with, but for what tells of the asking. */
async function everythingOfOthers(): Promise<unknown> {
  const tables = [
    'devices',
    'profiles',
    'releases',
    'operations',
    'operators',
    'customers',
    'campaigns',
    'device_groups',
    'channels',
    'hardware_types',
    'system_models',
    'clouds',
    'cloud_tokens',
    'waiting_devices',
    'realm_keys',
  ]
  const ids = [foreign, neighbours].flatMap((things) => Object.values(things))
  const all: unknown[] = []
  for (const table of [...tables, 'assignments', 'api_tokens']) {
    const isTheirs = table === 'assignments' ? 'release_id' : 'id'
    const { rows } = await database.query(
      `select to_jsonb(t) as row from ${table} t where ${isTheirs} = any($1) order by t.id`,
      [ids],
    )
    all.push(rows)
  }
  return all
}

const askAs = (letter: Letter, name: RouteName, asked: Asked) =>
  ask(platform, name, { ...asked, token: callers[letter].secret })

test('no route is without a row', () => {
  const guarded = Object.entries(ROUTES).filter(([, { permission }]) => permission !== 'anyone')
  expect(Object.keys(ROWS).toSorted()).toEqual(guarded.map(([name]) => name).toSorted())
})

const rows = Object.entries(ROWS) as [keyof typeof ROWS, Row][]

describe.each(LETTERS)('as the caller %s', (letter) => {
  /** Of whom nothing may be seen. */
  const strangers = () =>
    ({ s: [neighbours, foreign], c: [tenants, neighbours, foreign] })[letter as string] ?? [foreign]

  test.each(rows)(
    '%s',
    async (name, { may, first, own: asked = () => ({}), shows, others = [] }) => {
      const caller = callers[letter]
      const route: Route = ROUTES[name]
      const token = (await addToken(caller)).id
      const own = await furnish(caller, { id: caller.id, token })
      const nobodys = await ask(platform, name, { ...asked(own), token: 'nobody' })
      expectProblem(nobodys, 401, 'access.unauthenticated')
      if (!may.includes(letter)) {
        expectProblem(await askAs(letter, name, asked(own)), 403, 'access.denied')
        for (const theirs of strangers()) {
          for (const [, ofTheirs] of others) {
            expectProblem(await askAs(letter, name, ofTheirs(theirs, own)), 403, 'access.denied')
          }
        }
        return
      }
      await first?.(caller.tenant)
      const before = await everythingOfOthers()
      for (const theirs of strangers()) {
        for (const [outcome, ofTheirs] of others) {
          const answer = await askAs(letter, name, ofTheirs(theirs, own))
          if (outcome !== 'hidden') expectProblem(answer, 404, outcome)
          else expectNothingOf(theirs, answer)
        }
      }
      expect(await everythingOfOthers()).toEqual(before)
      const answer = await askAs(letter, name, asked(own))
      const status = route.status ?? (route.response === 'nothing' ? 204 : 200)
      expect(answer.status, answer.text).toBe(status)
      if (shows) expect(answer.text.includes(own[shows]), `its own ${shows} is shown`).toBe(true)
    },
  )
})

function expectNothingOf(theirs: Things, answer: Answered): void {
  expect(answer.status, answer.text).toBe(200)
  const found = Object.entries(theirs).filter(([, id]) => answer.text.includes(id))
  expect(found).toEqual([])
}
