-- Astarte's names for what is ours: a realm is a tenant as devices of Astarte call it, a pairing is what such a device is there.

create table realms (
  tenant_id uuid primary key references tenants,
  name text not null unique check (name ~ '^[a-z][a-z0-9]{0,47}$'),
  -- Of devices that register themselves and whose agent's token names no other.
  default_profile_id uuid not null,
  -- With which we sign tokens for agents, in PEM.
  signing_key text not null,
  signing_key_made_at timestamptz not null,
  created_at timestamptz not null,
  foreign key (tenant_id, default_profile_id) references profiles (tenant_id, id)
);
create index realms_by_profile on realms (default_profile_id);

-- Keys of others whose tokens for agents are good as well.
create table realm_keys (
  id uuid primary key,
  tenant_id uuid not null references realms on delete cascade,
  name text not null,
  public_key text not null,
  created_at timestamptz not null,
  unique (tenant_id, name)
);

create table pairings (
  device_id uuid primary key,
  tenant_id uuid not null,
  astarte_id bytea not null check (length(astarte_id) = 16),
  -- Null while it has none: unregistered, or served by an Astarte elsewhere.
  secret_hash bytea,
  is_inhibited boolean not null default false,
  -- From the first request on it does not register again; null: pending.
  credentials_requested_at timestamptz,
  -- The certificate it was given last; it may have been taken back since.
  credential_id uuid,
  -- It came by itself into the realm's default profile, and moves once to that of its system model.
  awaits_model boolean not null default false,
  created_at timestamptz not null,
  -- {"interface": {"major": 0, "minor": 1}}
  introspection jsonb not null default '{}',
  capabilities jsonb not null default '{}',
  -- Which run of which server has its MQTT session, and how often it changed hands.
  session_holder text,
  session_generation bigint not null default 0,
  session_is_clean boolean not null default true,
  is_connected boolean not null default false,
  connected_at timestamptz,
  disconnected_at timestamptz,
  last_address text,
  unique (tenant_id, astarte_id),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
) with (fillfactor = 70);
