-- The foundation: tenants and accounts, devices, releases, assignments, operations, events.
--
-- Everything hangs below a tenant, and every reference carries the tenant with it, so the database itself
-- refuses a link from one tenant's row to another's.

create table tenants (
  id uuid primary key,
  name text not null unique,
  created_at timestamptz not null
);

-- Secrets of the installation, such as the key that signs download addresses.
create table installation_secrets (
  name text primary key,
  value bytea not null
);

create table operators (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null unique,
  role text not null check (role in ('administrator', 'operator', 'viewer')),
  password_hash text not null,
  created_at timestamptz not null,
  unique (tenant_id, id)
);

create table sessions (
  secret_hash bytea primary key,
  tenant_id uuid not null,
  operator_id uuid not null,
  csrf_token text not null,
  expires_at timestamptz not null,
  foreign key (tenant_id, operator_id) references operators (tenant_id, id) on delete cascade
);

create table api_tokens (
  id uuid primary key,
  tenant_id uuid not null,
  operator_id uuid not null,
  name text not null,
  secret_hash bytea not null unique,
  created_at timestamptz not null,
  last_used_at timestamptz,
  revoked_at timestamptz,
  foreign key (tenant_id, operator_id) references operators (tenant_id, id) on delete cascade
);

-- Answers already given to requests with an Idempotency-Key; `answer` is null while one is being worked on.
create table idempotent_requests (
  tenant_id uuid not null references tenants,
  key text not null,
  fingerprint bytea not null,
  answer jsonb,
  started_at timestamptz not null,
  primary key (tenant_id, key)
);
create index idempotent_requests_by_start on idempotent_requests (started_at);

create table profiles (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  description text,
  provisioning_key text unique,
  provisioning_secret_hash bytea,
  created_at timestamptz not null,
  unique (tenant_id, name),
  unique (tenant_id, id)
);

create table devices (
  id uuid primary key,
  tenant_id uuid not null,
  profile_id uuid not null,
  name text not null,
  labels text[] not null default '{}',
  attributes jsonb not null default '{}',
  inventory jsonb not null default '{}',
  -- Counts the changes an operator made; the ETag of the device.
  revision integer not null default 1,
  created_at timestamptz not null,
  unique (tenant_id, name),
  unique (tenant_id, id),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id)
);
create index devices_by_profile on devices (profile_id, id);

-- Apart from the device because it changes at every visit: a narrow row with room for updates in place.
create table device_presence (
  device_id uuid primary key,
  tenant_id uuid not null,
  last_seen_at timestamptz,
  dialect text,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
) with (fillfactor = 50);

create table credentials (
  id uuid primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  kind text not null check (kind in ('token')),
  secret_hash bytea not null unique,
  created_at timestamptz not null,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);
create index credentials_by_device on credentials (device_id);

-- Bytes on disk are shared by all tenants; that a tenant has them is its own affair.
create table artifacts (
  tenant_id uuid not null references tenants,
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  size_bytes bigint not null check (size_bytes > 0),
  checksums jsonb not null,
  stored_at timestamptz not null,
  primary key (tenant_id, sha256)
);

create table releases (
  id uuid primary key,
  tenant_id uuid not null,
  profile_id uuid not null,
  title text not null check (length(title) between 1 and 255),
  version text not null check (length(version) between 1 and 255),
  type text not null check (type ~ '^[a-z][a-z0-9._-]{0,63}$'),
  tag text check (length(tag) <= 255),
  description text,
  checksum_algorithm text check (
    checksum_algorithm in
      ('MD5', 'SHA256', 'SHA384', 'SHA512', 'CRC32', 'MURMUR3_32', 'MURMUR3_128')
  ),
  checksum text,
  size_bytes bigint,
  artifact_sha256 text,
  file_name text,
  content_type text,
  external_url text,
  requirement text,
  revision integer not null default 1,
  created_at timestamptz not null,
  unique (tenant_id, title, version),
  unique (tenant_id, id),
  check ((artifact_sha256 is null) <> (external_url is null)),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id),
  foreign key (tenant_id, artifact_sha256) references artifacts (tenant_id, sha256)
);
create index releases_by_artifact on releases (artifact_sha256);
create index releases_by_profile on releases (profile_id);

create table assignments (
  id uuid primary key,
  tenant_id uuid not null,
  device_id uuid,
  profile_id uuid,
  type text not null,
  release_id uuid not null,
  assigned_at timestamptz not null,
  assigned_by text not null,
  check ((device_id is null) <> (profile_id is null)),
  unique (device_id, type),
  unique (profile_id, type),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade,
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id) on delete cascade,
  foreign key (tenant_id, release_id) references releases (tenant_id, id)
);
create index assignments_by_release on assignments (release_id);

create table operations (
  id uuid primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  -- Null once the release is removed; title and version stay for the history.
  release_id uuid,
  type text not null,
  title text not null,
  version text not null,
  state text not null check (
    state in
      ('QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED', 'FAILED', 'CANCELED')
  ),
  progress_percent smallint not null,
  error text,
  origin_code text not null,
  origin_message text not null,
  because_code text not null,
  because_message text not null,
  restarts integer not null,
  opened_at timestamptz not null,
  changed_at timestamptz not null,
  ended_at timestamptz,
  check ((ended_at is not null) = (state in ('UPDATED', 'FAILED', 'CANCELED'))),
  unique (device_id, id),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade,
  foreign key (tenant_id, release_id) references releases (tenant_id, id) on delete set null (release_id)
) with (fillfactor = 80);
-- One update at a time for each type of component.
create unique index operations_under_way on operations (device_id, type) where ended_at is null;
create index operations_by_release on operations (release_id);

-- What a device says it runs, and its newest operation, for each type of component.
create table device_components (
  device_id uuid not null,
  type text not null check (type ~ '^[a-z][a-z0-9._-]{0,63}$'),
  tenant_id uuid not null,
  installed_title text,
  installed_version text,
  installed_at timestamptz,
  operation_id uuid,
  operation_state text,
  primary key (device_id, type),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade,
  -- By way of the device, so that it is this one's, and found without an index of its own when devices are removed.
  foreign key (device_id, operation_id) references operations (device_id, id) on delete set null (operation_id)
) with (fillfactor = 80);
create index device_components_by_state on device_components (tenant_id, operation_state);

create table operation_steps (
  id bigint generated always as identity primary key,
  operation_id uuid not null references operations on delete cascade,
  at timestamptz not null,
  state text not null,
  outcome text not null check (outcome in ('opened', 'moved', 'ignored')),
  progress_percent smallint not null,
  error text,
  because_code text not null,
  because_message text not null
);
create index operation_steps_by_operation on operation_steps (operation_id, id);

create table events (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  at timestamptz not null,
  kind text not null,
  actor jsonb not null,
  subject_kind text not null,
  subject_id text not null,
  subject_name text not null,
  device_id uuid,
  data jsonb not null
);
create index events_by_tenant on events (tenant_id, id);
create index events_by_device on events (device_id, id) where device_id is not null;

-- Devices still to be looked at after what is meant for them changed: one device, or all of a profile from
-- `after_device_id` on. Worked off in pages, so that a profile of any size costs the same memory. No references:
-- whoever removes a device or a profile must not wait for the one that is just looking at it.
create table spreads (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  device_id uuid,
  profile_id uuid,
  after_device_id uuid,
  created_at timestamptz not null,
  check ((device_id is null) <> (profile_id is null))
);
create index spreads_by_age on spreads (created_at, id);
