/**
 * What an operator sees: devices, releases, assignments … as they look from outside. Types, validation and the
 * OpenAPI description all come from this one text.
 */
import {
  CHECKSUM_ALGORITHMS,
  CREDENTIAL_KINDS,
  ERROR_MEANINGS,
  EVENT_MEANINGS,
  eachSetting,
  type Json,
  limitsOf,
  PROVISIONING_STRATEGIES,
  RESULTS,
  ROLES,
  STATES,
  TENANT_SETTINGS,
  type TenantSetting,
} from '@updraft/core'
import { z } from 'zod'

const named = <T extends z.ZodType>(id: string, schema: T): T => schema.meta({ id }) as T

export const Id = z.uuid().describe('UUIDv7')
export const Time = z.iso.datetime().describe('RFC 3339, UTC, milliseconds')
const Moment = z.iso.datetime({ offset: true }).describe('RFC 3339')
const Name = z.string().min(1).max(255)
const TypeName = z.string().min(1).max(64).describe('component type: firmware, software, …')
const JsonValue: z.ZodType<Json, Json> = z.json()
const JsonObject: z.ZodType<Record<string, Json>, Record<string, Json>> = z.record(
  z.string(),
  z.json(),
)

export const StateName = named('State', z.enum(STATES))

/** One state or several, with commas between. */
export const StateNames = z
  .string()
  .regex(new RegExp(`^(${STATES.join('|')})(,(${STATES.join('|')}))*$`), {
    error: `Not states: they are ${STATES.join(', ')}, with commas between.`,
  })

export const Reason = named(
  'Reason',
  z.object({ code: z.string(), message: z.string().describe('a sentence for a person') }),
)

export const ReleaseRef = named(
  'ReleaseRef',
  z.object({ id: Id.nullable(), title: z.string(), version: z.string() }),
)

export const Installed = named(
  'Installed',
  z.object({ title: z.string().nullable(), version: z.string().nullable() }),
)

export const Operation = named(
  'Operation',
  z.object({
    id: Id,
    deviceId: Id,
    type: TypeName,
    state: StateName,
    release: ReleaseRef,
    progress: z.number().describe('percent'),
    error: z.string().nullable().describe("the device's words, once it failed"),
    because: z.string().describe('why it is in that state'),
    reason: Reason,
    origin: Reason.describe('why it was opened'),
    restarts: z.int(),
    openedAt: Time,
    changedAt: Time,
    endedAt: Time.nullable(),
  }),
)

export const Step = named(
  'Step',
  z.object({
    at: Time,
    state: StateName,
    outcome: z.enum(['opened', 'moved', 'ignored']),
    progress: z.number(),
    error: z.string().nullable(),
    because: z.string(),
    reason: Reason,
  }),
)

export const OperationWithSteps = named(
  'OperationWithSteps',
  Operation.extend({ steps: z.array(Step).describe('oldest first') }),
)

export const Assignment = named(
  'Assignment',
  z.object({
    scope: z.enum(['device', 'profile']),
    deviceId: Id.nullable(),
    profileId: Id.nullable(),
    type: TypeName,
    release: ReleaseRef,
    assignedAt: Time,
    assignedBy: z.string(),
  }),
)

export const Component = named(
  'Component',
  z.object({
    installed: Installed.nullable(),
    assigned: z
      .object({ scope: z.enum(['device', 'profile']), release: ReleaseRef, at: Time })
      .nullable()
      .describe("the device's own assignment, or else its profile's"),
    target: ReleaseRef.nullable().describe('the release meant for it, if any'),
    verdict: z.enum(['offer', 'under-way', 'nothing']),
    because: z.string().describe('why this release, or why nothing'),
    reason: Reason,
    lookAgainAt: Time.nullable(),
    operation: Operation.nullable().describe('under way, or else the last one'),
  }),
)

export const Device = named(
  'Device',
  z.object({
    id: Id,
    name: z.string(),
    profile: z.string(),
    profileId: Id,
    customer: z.string().nullable().describe('who owns it; null for the tenant itself'),
    customerId: Id.nullable(),
    labels: z.array(z.string()),
    attributes: JsonObject,
    inventory: JsonObject,
    installed: z.record(z.string(), Installed),
    dialect: z.string().nullable(),
    lastSeenAt: Time.nullable(),
    createdAt: Time,
    operation: Operation.nullable().describe('under way, or else the last one, of any type'),
    components: z.record(z.string(), Component),
  }),
)

const Token255 = z.string().min(1).max(255)
const MqttName = z.string().max(255)
const credentialDrafts = [
  z.object({
    kind: z.literal('token'),
    token: Token255.optional().describe('made up when absent'),
  }),
  z
    .object({
      kind: z.literal('mqtt-basic'),
      clientId: MqttName.optional(),
      userName: MqttName.optional(),
      password: z.string().max(1024).optional(),
    })
    .describe('client id, user name, or both; the password is asked for if there is one'),
  z.object({
    kind: z.literal('x509'),
    certificate: z.string().max(65_536).describe('PEM, or the Base64 between its lines'),
  }),
] as const

export const CredentialDraft = named(
  'CredentialDraft',
  z.discriminatedUnion('kind', credentialDrafts),
)

/** How long something stays that is to go. */
export const KeepSeconds = z.coerce.number().int().min(0).max(31_536_000)

export const CredentialAddition = named(
  'CredentialAddition',
  z.object({
    credential: CredentialDraft,
    keepOthersForSeconds: KeepSeconds.optional().describe(
      "the device's others of that kind end after that; 0: at once. When absent they stay",
    ),
  }),
)

export const Credential = named(
  'Credential',
  z.object({
    id: Id,
    kind: z.enum(CREDENTIAL_KINDS),
    clientId: z.string().nullable(),
    userName: z.string().nullable(),
    hasPassword: z.boolean(),
    certificate: z
      .object({
        subject: z.string(),
        fingerprint: z.string().describe('SHA-256'),
        validFrom: Time,
        validTo: Time,
      })
      .nullable(),
    createdAt: Time,
    firstUsedAt: Time.nullable().describe('when the device first came with it'),
    expiresAt: Time.nullable().describe('when it ends; null: when it is taken back'),
  }),
)

export const CredentialWithToken = named(
  'CredentialWithToken',
  Credential.extend({
    token: z.string().nullable().describe('of a token, shown this once; null for other kinds'),
  }),
)

export const DeviceDraft = named(
  'DeviceDraft',
  z.object({
    name: Name,
    profile: Name.describe('name of the profile').optional(),
    profileId: Id.optional(),
    token: Token255.optional().describe('made up when there is no credential of another kind'),
    credentials: z
      .array(CredentialDraft)
      .max(CREDENTIAL_KINDS.length)
      .optional()
      .describe('each of another kind'),
    customerId: Id.optional().describe('who owns it; the tenant itself when absent'),
    labels: z.array(Name).max(64).optional(),
    attributes: JsonObject.optional(),
  }),
)

export const DeviceWithToken = named(
  'DeviceWithToken',
  Device.extend({
    token: z.string().nullable().describe('shown this once; null when it has none'),
  }),
)

export const DeviceClaim = named(
  'DeviceClaim',
  z.object({ name: Name, secretKey: z.string().max(1024).optional() }),
)

export const DeviceChange = named(
  'DeviceChange',
  z.object({
    name: Name.optional(),
    profileId: Id.optional(),
    customerId: Id.nullable().optional().describe('null gives it back to the tenant'),
    labels: z.array(Name).max(64).optional(),
    attributes: JsonObject.optional().describe('replaces what there is'),
  }),
)

export const Profile = named(
  'Profile',
  z.object({
    id: Id,
    name: z.string(),
    description: z.string().nullable(),
    deviceCount: z.int(),
    assignments: z.record(z.string(), ReleaseRef).describe('by component type'),
    provisioning: z
      .object({ key: z.string(), strategy: z.enum(PROVISIONING_STRATEGIES) })
      .nullable()
      .describe('set when devices may enrol themselves'),
    createdAt: Time,
  }),
)

export const ProfileDraft = named(
  'ProfileDraft',
  z.object({ name: Name, description: z.string().max(65_536).optional() }),
)

export const ProvisioningDraft = named(
  'ProvisioningDraft',
  z.object({
    strategy: z
      .enum(PROVISIONING_STRATEGIES)
      .optional()
      .describe(
        'create-new: devices that are not known are added; check-pre-provisioned: those that were added enrol once each',
      ),
    key: Token255.optional().describe('made up when absent'),
    secret: Token255.optional().describe('made up when absent'),
  }),
)

export const Provisioning = named(
  'Provisioning',
  z.object({
    key: z.string(),
    secret: z.string().describe('shown this once'),
    strategy: z.enum(PROVISIONING_STRATEGIES),
  }),
)

export const Artifact = named(
  'Artifact',
  z.object({
    sha256: z.string(),
    sizeBytes: z.int(),
    checksums: z.partialRecord(z.enum(CHECKSUM_ALGORITHMS), z.string()),
  }),
)

export const Upload = named(
  'Upload',
  z.object({
    id: Id,
    sizeBytes: z.int(),
    offsetBytes: z.int().describe('how much of it there is'),
    fileName: z.string().nullable(),
    artifact: Artifact.nullable().describe('what it has become, once all of it is there'),
  }),
)

export const Release = named(
  'Release',
  z.object({
    id: Id,
    title: z.string(),
    version: z.string(),
    type: TypeName,
    profile: z.string(),
    profileId: Id,
    tag: z.string().nullable(),
    description: z.string().nullable(),
    checksumAlgorithm: z.enum(CHECKSUM_ALGORITHMS).nullable(),
    checksum: z.string().nullable(),
    sizeBytes: z.int().nullable(),
    sha256: z.string().nullable(),
    fileName: z.string().nullable(),
    contentType: z.string().nullable(),
    url: z.string().nullable().describe('where devices fetch it, when it is not kept here'),
    requirement: z.string().nullable(),
    createdAt: Time,
  }),
)

export const ReleaseDraft = named(
  'ReleaseDraft',
  z.object({
    title: z.string(),
    version: z.string(),
    type: z.string().default('firmware'),
    profile: Name.describe('name of the profile').optional(),
    profileId: Id.optional(),
    tag: z.string().optional(),
    description: z.string().optional(),
    sha256: z.string().optional().describe('of an uploaded artifact; this or url'),
    fileName: z.string().max(255).optional(),
    contentType: z.string().max(255).optional(),
    url: z.string().optional(),
    sizeBytes: z.int().min(0).optional().describe('for a url, where it is known'),
    checksumAlgorithm: z
      .string()
      .optional()
      .describe(`one of ${CHECKSUM_ALGORITHMS.join(', ')}`),
    checksum: z.string().optional(),
    requirement: z.string().optional().describe('e.g. ~> 2.0 and >= 2.1.3'),
  }),
)

export const Overview = named(
  'Overview',
  z.object({
    devices: z.int(),
    waiting: z.int(),
    updating: z.int(),
    updated: z.int(),
    failed: z.int(),
    states: z.partialRecord(z.enum(STATES), z.int()).describe('newest operation of each component'),
    seen: z.object({
      recently: z.int().describe('within the last day'),
      earlier: z.int(),
      never: z.int(),
    }),
  }),
)

export const Activity = named(
  'Activity',
  z.object({
    stepSeconds: z.int(),
    items: z.array(z.object({ at: Time, updated: z.int(), failed: z.int() })),
  }),
)

export const InstalledCount = named(
  'InstalledCount',
  z.object({ type: TypeName, title: z.string(), version: z.string(), devices: z.int() }),
)

export const FailureCount = named(
  'FailureCount',
  z.object({
    type: TypeName,
    release: ReleaseRef,
    devices: z.int(),
    error: z.string().nullable().describe('the one heard most'),
    latestAt: Time,
  }),
)

export const Operator = named(
  'Operator',
  z.object({
    id: Id,
    name: z.string(),
    role: z.enum(ROLES),
    customer: z.string().nullable().describe('whose user it is; null but for a customer-user'),
    customerId: Id.nullable(),
    createdAt: Time,
  }),
)

const Password = z.string().max(1024)

export const OperatorDraft = named(
  'OperatorDraft',
  z.object({
    name: Name.describe('to sign in with; unique among all tenants'),
    role: z.enum(ROLES),
    customerId: Id.optional().describe('for a customer-user, and for nobody else'),
    password: Password.optional().describe('made up when absent'),
  }),
)

const MadeUpPassword = Password.nullable().describe('if it was made up: shown this once')

export const OperatorWithPassword = named(
  'OperatorWithPassword',
  Operator.extend({ password: MadeUpPassword }),
)

export const RoleChange = named(
  'RoleChange',
  z.object({ role: z.enum(ROLES), customerId: Id.optional() }),
)

export const PasswordReset = z.object({ password: Password.optional() })
export const PasswordShown = z.object({ password: MadeUpPassword })

export const PasswordChange = named(
  'PasswordChange',
  z.object({ password: Password.describe('the old one'), newPassword: Password }),
)

export const Customer = named(
  'Customer',
  z.object({
    id: Id,
    name: z.string(),
    deviceCount: z.int(),
    userCount: z.int(),
    createdAt: Time,
  }),
)

export const Tenant = named('Tenant', z.object({ id: Id, name: z.string(), createdAt: Time }))

export const TenantDraft = named(
  'TenantDraft',
  z.object({
    name: Name,
    administrator: z
      .object({ name: Name, password: Password.optional().describe('made up when absent') })
      .describe('the first one'),
  }),
)

export const TenantWithPassword = named(
  'TenantWithPassword',
  Tenant.extend({
    administrator: z.object({ name: z.string(), password: MadeUpPassword }),
  }),
)

export const NameOnly = named('NameOnly', z.object({ name: Name }))

export const Session = named(
  'Session',
  z.object({
    operator: Operator,
    csrfToken: z.string().describe('send as X-CSRF-Token with every change'),
    expiresAt: Time,
  }),
)

export const Endpoints = named(
  'Endpoints',
  z.object({
    http: z.string(),
    mqtt: z.string().nullable(),
    mqtts: z.string().nullable(),
    coap: z.string().nullable(),
  }),
)

export const SignIn = named(
  'SignIn',
  z.object({ name: z.string().max(255), password: z.string().max(1024) }),
)

export const Token = named(
  'Token',
  z.object({
    id: Id,
    name: z.string(),
    operator: z.string(),
    role: z.enum(ROLES).describe('what it may do at most'),
    createdAt: Time,
    lastUsedAt: Time.nullable(),
    revokedAt: Time.nullable(),
  }),
)

export const TokenWithSecret = named(
  'TokenWithSecret',
  Token.extend({ token: z.string().describe('shown this once') }),
)

const settingShape = (name: TenantSetting) =>
  z.int().describe(`${TENANT_SETTINGS[name].meaning}; ${limitsOf(name)}`)

export const Settings = named(
  'Settings',
  z.object({
    inForce: z.object(eachSetting(settingShape)).describe('what holds'),
    own: z
      .object(eachSetting((name) => settingShape(name).nullable()))
      .describe('what the tenant has set; null is as the server has it'),
    ofServer: z.object(eachSetting(settingShape)).describe('what the server has'),
  }),
)

export const SettingsChange = named(
  'SettingsChange',
  z.strictObject(eachSetting((name) => settingShape(name).nullable().optional())),
)

export const Event = named(
  'Event',
  z.object({
    id: z.string(),
    at: Time,
    kind: z.enum(Object.keys(EVENT_MEANINGS) as [keyof typeof EVENT_MEANINGS]),
    actor: z.object({
      kind: z.string(),
      id: z.string().nullable(),
      name: z.string(),
      from: z.string().nullable().describe('the address an operator came from'),
      via: z.string().nullable().describe('session, or token and its name'),
    }),
    result: z.enum(RESULTS),
    reason: Reason.nullable().describe('why it was decided so, or refused'),
    subject: z.object({ kind: z.string(), id: z.string(), name: z.string() }),
    deviceId: Id.nullable(),
    data: JsonObject,
  }),
)

export const LiveEvent = named(
  'LiveEvent',
  z.object({
    kind: z.enum(Object.keys(EVENT_MEANINGS) as [keyof typeof EVENT_MEANINGS]),
    subjectId: z.string(),
    deviceId: Id.nullable(),
    at: Time.nullable(),
    subject: z.string().nullable(),
    data: JsonObject.nullable().describe('null, as at and subject, for word from another server'),
  }),
)

export const LiveBatch = named('LiveBatch', z.object({ events: z.array(LiveEvent) }))

const Milliseconds = z.int().describe('milliseconds since 1970')

/** As ThingsBoard's telemetry API answers. */
export const Timeseries = named(
  'Timeseries',
  z
    .record(
      z.string(),
      z.array(z.object({ ts: Milliseconds, value: z.union([z.string(), z.number(), z.null()]) })),
    )
    .describe('values by key'),
)

export const TimeseriesQuery = z.object({
  keys: z.string().max(1024).optional().describe('with commas between; all when absent'),
  startTs: z.coerce.number().int().optional().describe('with endTs: values since then'),
  endTs: z.coerce.number().int().optional().describe('values before then'),
  limit: z.coerce.number().int().min(1).max(10_000).default(100).describe('of each key'),
  orderBy: z.enum(['ASC', 'DESC']).default('DESC'),
  agg: z.literal('NONE').optional(),
  useStrictDataTypes: z.enum(['true', 'false']).default('false').describe('numbers as numbers'),
})

export const AttributeScope = z.enum(['CLIENT_SCOPE', 'SHARED_SCOPE', 'SERVER_SCOPE'])

/** As ThingsBoard's telemetry API answers. */
export const AttributeValue = named(
  'AttributeValue',
  z.object({ key: z.string(), value: JsonValue, lastUpdateTs: Milliseconds }),
)

export const Problem = named(
  'Problem',
  z.looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.enum([...(Object.keys(ERROR_MEANINGS) as [keyof typeof ERROR_MEANINGS]), 'internal']),
    index: z
      .int()
      .optional()
      .describe('of an import: which of the devices sent is refused, counted from 0'),
  }),
)

export const page = <T extends z.ZodType>(item: T) =>
  z.object({
    items: z.array(item),
    nextCursor: z.string().nullable().describe('give it as cursor for the next page'),
  })

/** What every list takes. */
export const ListQuery = z.object({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(1024).optional(),
  sort: z.string().max(64).optional().describe('a field, with - in front for descending'),
  search: z.string().max(255).optional().describe('text within names and titles'),
})

/** Which devices; all that is said must hold. */
export const DeviceFilter = z.object({
  name: z.string().optional().describe('exactly this name'),
  profile: z.string().optional().describe('name of the profile'),
  customer: z.string().optional().describe('name of the customer who owns it'),
  label: z.string().optional(),
  state: StateNames.optional().describe(
    'of its newest operation, of any type; several with commas between',
  ),
  releaseId: Id.optional().describe('what that operation is about'),
  search: ListQuery.shape.search,
})

/** What the audit log may be asked for. */
export const EventQuery = ListQuery.extend({
  search: z.string().max(255).optional().describe('text within names of subjects and actors'),
  kind: z.string().optional().describe('an event kind, or its first part: device, operation, …'),
  actor: z.string().max(255).optional().describe('exactly this name of an operator'),
  subjectKind: z.string().max(64).optional().describe('device, profile, release, …'),
  subjectId: z.string().max(255).optional(),
  deviceId: Id.optional(),
  result: z.enum(RESULTS).optional(),
  since: Moment.optional().describe('not before this time'),
  until: Moment.optional().describe('before this time'),
})

export type Page<T> = { items: T[]; nextCursor: string | null }
export type Assignment = z.infer<typeof Assignment>
export type Activity = z.infer<typeof Activity>
export type Artifact = z.infer<typeof Artifact>
export type Component = z.infer<typeof Component>
export type Credential = z.infer<typeof Credential>
export type CredentialDraft = z.infer<typeof CredentialDraft>
export type CredentialWithToken = z.infer<typeof CredentialWithToken>
export type Customer = z.infer<typeof Customer>
export type Device = z.infer<typeof Device>
export type DeviceDraft = z.infer<typeof DeviceDraft>
export type DeviceWithToken = z.infer<typeof DeviceWithToken>
export type EventQuery = z.output<typeof EventQuery>
export type Endpoints = z.infer<typeof Endpoints>
export type Event = z.infer<typeof Event>
export type FailureCount = z.infer<typeof FailureCount>
export type Installed = z.infer<typeof Installed>
export type LiveBatch = z.infer<typeof LiveBatch>
export type LiveEvent = z.infer<typeof LiveEvent>
export type Operation = z.infer<typeof Operation>
export type OperationWithSteps = z.infer<typeof OperationWithSteps>
export type Operator = z.infer<typeof Operator>
export type OperatorWithPassword = z.infer<typeof OperatorWithPassword>
export type Overview = z.infer<typeof Overview>
export type Problem = z.infer<typeof Problem>
export type Profile = z.infer<typeof Profile>
export type Provisioning = z.infer<typeof Provisioning>
export type Release = z.infer<typeof Release>
export type ReleaseRef = z.infer<typeof ReleaseRef>
export type Session = z.infer<typeof Session>
export type Settings = z.infer<typeof Settings>
export type Step = z.infer<typeof Step>
export type Tenant = z.infer<typeof Tenant>
export type TenantWithPassword = z.infer<typeof TenantWithPassword>
export type AttributeScope = z.infer<typeof AttributeScope>
export type AttributeValue = z.infer<typeof AttributeValue>
export type Timeseries = z.infer<typeof Timeseries>
export type TimeseriesQuery = z.output<typeof TimeseriesQuery>
export type Token = z.infer<typeof Token>
export type TokenWithSecret = z.infer<typeof TokenWithSecret>
export type Upload = z.infer<typeof Upload>
