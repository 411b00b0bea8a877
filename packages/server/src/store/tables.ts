/** The tables as types; migrations/ says what holds between them. */
import type {
  Audience,
  CampaignOutcome,
  CampaignSettings,
  CampaignStatus,
  CertificateFacts,
  ChecksumAlgorithm,
  CredentialKind,
  EventReason,
  Fared,
  Handling,
  HawkbitSettings,
  JsonObject,
  Needs,
  ProvisioningStrategy,
  Role,
  Standing,
  State,
  Step,
  Tally,
  TargetStatus,
  Wave,
  WishKind,
} from '@updraft/core'
import type { ColumnType, Generated } from 'kysely'
import type { Introspection } from '../app/ports.ts'

/** bigint columns come back as text. */
type BigInt64 = ColumnType<string, string | number, string | number>
type Json<T = JsonObject> = ColumnType<T, string, string>
type JsonWithDefault<T> = ColumnType<T, string | undefined, string>

/** Null: as ever. */
type HandlingColumn = ColumnType<Handling | null, string | null, string | null>

/** Times are text. */
type CertificateJson = Record<keyof CertificateFacts, string>
export type WaveJson = Omit<Wave, 'openedAt' | 'passedAt' | 'approvedAt'> &
  Record<'openedAt' | 'passedAt' | 'approvedAt', string | null>

export interface Tables {
  tenants: { id: string; name: string; created_at: Date; settings: Generated<Json> }
  installation_secrets: { name: string; value: Buffer }
  operators: {
    id: string
    tenant_id: string
    name: string
    role: Role
    customer_id: string | null
    password_hash: string
    created_at: Date
  }
  sessions: {
    secret_hash: Buffer
    tenant_id: string
    operator_id: string
    csrf_token: string
    expires_at: Date
    last_used_at: Date
  }
  api_tokens: {
    id: string
    tenant_id: string
    operator_id: string
    name: string
    secret_hash: Buffer
    created_at: Date
    last_used_at: Date | null
    revoked_at: Date | null
    role: Role | null
  }
  customers: { id: string; tenant_id: string; name: string; created_at: Date }
  idempotent_requests: {
    tenant_id: string
    key: string
    fingerprint: Buffer
    answer: Json | null
    started_at: Date
  }
  profiles: {
    id: string
    tenant_id: string
    name: string
    description: string | null
    provisioning_key: string | null
    provisioning_secret_hash: Buffer | null
    provisioning_strategy: ProvisioningStrategy | null
    claims_at_once: Generated<boolean>
    hawkbit: ColumnType<Partial<HawkbitSettings> | null, undefined, string>
    created_at: Date
    policies_revision: Generated<number>
  }
  profile_authorities: {
    tenant_id: string
    profile_id: string
    fingerprint: string
    subject: string
    valid_to: Date
    certificate: Buffer
  }
  devices: {
    id: string
    tenant_id: string
    customer_id: string | null
    profile_id: string
    cloud_id: Generated<string | null>
    name: string
    labels: string[]
    attributes: Json
    inventory: Json
    provisioned_at: Date | null
    revision: Generated<number>
    created_at: Date
    part_number: ColumnType<string | null, never, never>
  }
  channels: { id: string; tenant_id: string; handle: string; name: string; created_at: Date }
  device_groups: {
    id: string
    tenant_id: string
    handle: string
    name: string
    expression: string
    channel_id: string | null
    created_at: Date
  }
  hardware_types: { id: string; tenant_id: string; handle: string; name: string; created_at: Date }
  hardware_type_part_numbers: { tenant_id: string; part_number: string; hardware_type_id: string }
  system_models: {
    id: string
    tenant_id: string
    handle: string
    name: string
    hardware_type_id: string | null
    profile_id: string | null
    created_at: Date
  }
  system_model_part_numbers: { tenant_id: string; part_number: string; system_model_id: string }
  clouds: {
    id: string
    tenant_id: string
    name: string
    public_url: string | null
    artifact_store: string | null
    region: string | null
    created_at: Date
  }
  cloud_tokens: {
    id: string
    tenant_id: string
    cloud_id: string
    secret_hash: Buffer
    created_at: Date
  }
  artifact_copies: {
    sha256: string
    store: string
    moved_from: string | null
    asked_at: Date
    copied_at: Date | null
    next_try_at: Date
    tries: Generated<number>
    error: string | null
  }
  artifact_departures: { sha256: string; store: string; moved_to: string; leaves_at: Date }
  waiting_devices: {
    id: string
    tenant_id: string
    profile_id: string
    cloud_id: string | null
    said_id: string
    version: string | null
    facts: Json
    times: BigInt64
    first_seen_at: Date
    last_seen_at: Date
  }
  registrations: {
    device_id: string
    tenant_id: string
    profile_id: string
    said_id: string
    generation: Generated<number>
  }
  box_servers: {
    profile_id: string
    tenant_id: string
    url: string
    host: string
    series: string
  }
  boxes: {
    device_id: string
    tenant_id: string
    channel: string
    release_id: Generated<string | null>
    restart_asked_at: Generated<Date | null>
  }
  box_names: {
    name: string
    tenant_id: string
    device_id: string
  }
  box_wishes: {
    id: string
    tenant_id: string
    device_id: string
    kind: WishKind
    asked_at: Date
    told_at: Date | null
  }
  device_log_lines: {
    id: Generated<string>
    tenant_id: string
    device_id: string
    sequence: string | null
    at: Date
    received_at: Date
    /** Its place in LOG_LEVELS. */
    level: number
    message: string
  }
  realms: {
    tenant_id: string
    name: string
    default_profile_id: string
    signing_key: string
    signing_key_made_at: Date
    created_at: Date
  }
  realm_keys: {
    id: string
    tenant_id: string
    name: string
    public_key: string
    created_at: Date
  }
  clusters: {
    tenant_id: string
    base_url: string
    realm: string
    private_key: string
    algorithm: string
    webhook_secret: string
    created_at: Date
    changed_at: Date
    looked_at: Date | null
    well_at: Date | null
    version: string | null
    done: string[]
    error: string | null
    holder: string | null
    held_until: Date | null
  }
  pairings: {
    device_id: string
    tenant_id: string
    astarte_id: Buffer
    secret_hash: Buffer | null
    is_inhibited: Generated<boolean>
    credentials_requested_at: Date | null
    credential_id: string | null
    awaits_model: Generated<boolean>
    created_at: Date
    introspection: JsonWithDefault<Introspection>
    capabilities: JsonWithDefault<Readonly<Record<string, string>>>
    session_holder: string | null
    session_generation: ColumnType<string, never, string>
    session_is_clean: Generated<boolean>
    is_connected: Generated<boolean>
    connected_at: Date | null
    disconnected_at: Date | null
    last_address: string | null
  }
  device_claims: { device_id: string; tenant_id: string; secret_hash: Buffer; expires_at: Date }
  device_presence: {
    device_id: string
    tenant_id: string
    last_seen_at: Date | null
    dialect: string | null
  }
  credentials: {
    id: string
    tenant_id: string
    device_id: string
    kind: CredentialKind
    lookup_hash: Buffer
    created_at: Date
    password_hash: Buffer | null
    client_id: string | null
    user_name: string | null
    certificate: Json<CertificateJson> | null
    first_used_at: Date | null
    expires_at: Date | null
  }
  artifacts: {
    tenant_id: string
    sha256: string
    size_bytes: BigInt64
    checksums: Json<Partial<Record<ChecksumAlgorithm, string>>>
    stored_at: Date
  }
  releases: {
    id: string
    tenant_id: string
    profile_id: string | null
    /** Of what came by hand; it has no profile. */
    only_for_device_id: Generated<string | null>
    title: string
    version: string
    type: string
    tag: string | null
    description: string | null
    checksum_algorithm: ChecksumAlgorithm | null
    checksum: string | null
    size_bytes: BigInt64 | null
    artifact_sha256: string | null
    file_name: string | null
    content_type: string | null
    external_url: string | null
    requirement: string | null
    needs: Json<Needs>
    revision: Generated<number>
    created_at: Date
  }
  assignments: {
    id: string
    tenant_id: string
    device_id: string | null
    profile_id: string | null
    type: string
    release_id: string
    assigned_at: Date
    assigned_by: string
    handling: HandlingColumn
  }
  policies: {
    release_id: string
    tenant_id: string
    profile_id: string
    type: string
    expression: string
    is_enabled: boolean
    max_devices: number | null
    percentage: number | null
    rate: number | null
    period_seconds: number | null
    cloud_ids: string[]
    published_at: Date
    created_at: Date
    created_by: string
    revision: Generated<number>
    offered: Generated<number>
    population: Generated<number>
    period_started_at: Date | null
    offered_in_period: Generated<number>
  }
  policy_devices: {
    release_id: string
    device_id: string
    tenant_id: string
    standing: Standing
    because_code: string
    because_message: string
    at: Date
    fared: Fared | null
  }
  campaigns: {
    id: string
    tenant_id: string
    name: string
    type: string
    release_id: string | null
    release_title: string
    release_version: string
    audience: Json<Audience>
    settings: Json<CampaignSettings>
    status: CampaignStatus
    outcome: CampaignOutcome | null
    because_code: string
    because_message: string
    scheduled_at: Date | null
    created_at: Date
    created_by: string
    started_at: Date | null
    finished_at: Date | null
    rolls_back: string | null
    rolled_back_at: Date | null
    tally: Json<Tally>
    waves: Json<readonly WaveJson[]>
  }
  campaign_targets: {
    campaign_id: string
    device_id: string
    tenant_id: string
    status: Generated<TargetStatus>
    is_open: Generated<boolean>
    is_lost: Generated<boolean>
    release_id: string | null
    wave: number | null
    operation_id: string | null
    before_title: string | null
    before_version: string | null
    because_code: Generated<string>
    because_message: Generated<string>
    asked_at: Date | null
    ended_at: Date | null
    retried_at: Date | null
  }
  operations: {
    id: string
    tenant_id: string
    device_id: string
    release_id: string | null
    type: string
    title: string
    version: string
    state: State
    progress_percent: number
    error: string | null
    origin_code: string
    origin_message: string
    because_code: string
    because_message: string
    restarts: number
    opened_at: Date
    changed_at: Date
    heard_at: Date | null
    ended_at: Date | null
    campaign_id: string | null
    error_code: string | null
    handling: HandlingColumn
  }
  operation_requests: {
    operation_id: string
    device_id: string
    url: string
    first_sent_at: Date
    times_sent: Generated<number>
    answered_at: Date | null
  }
  device_components: {
    device_id: string
    type: string
    tenant_id: string
    installed_title: string | null
    installed_version: string | null
    installed_at: Date | null
    operation_id: string | null
    operation_state: State | null
    arrived_title: string | null
    arrived_version: string | null
    arrived_at: Date | null
  }
  operation_steps: {
    id: Generated<string>
    operation_id: string
    at: Date
    state: State
    outcome: Step['outcome']
    progress_percent: number
    error: string | null
    because_code: string
    because_message: string
  }
  events: {
    id: Generated<string>
    tenant_id: string
    at: Date
    kind: string
    actor: Json
    subject_kind: string
    subject_id: string
    subject_name: string
    device_id: string | null
    data: Json
    reason: Json<EventReason> | null
  }
  software_modules: {
    id: Generated<string>
    tenant_id: string
    profile_id: string
    type: string
    name: string
    version: string
    vendor: string | null
    description: string | null
    release_id: string | null
    created_at: Date
    created_by: string
    removed_at: Date | null
  }
  distribution_sets: {
    id: Generated<string>
    tenant_id: string
    type: string
    name: string
    version: string
    description: string | null
    created_at: Date
    created_by: string
    removed_at: Date | null
  }
  distribution_set_modules: { set_id: string; module_id: string; tenant_id: string }
  distribution_set_assignments: {
    id: Generated<string>
    tenant_id: string
    set_id: string
    device_id: string
    assigned_at: Date
    assigned_by: string
  }
  hawkbit_configs: {
    tenant_id: string
    key: string
    value: Json<unknown>
    changed_at: Date
    changed_by: string
  }
  spreads: {
    id: string
    tenant_id: string
    device_id: string | null
    profile_id: string | null
    after_device_id: string | null
    created_at: Date
  }
}
