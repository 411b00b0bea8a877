-- Clouds: where a set of devices is served from. Copies: what is to lie in which artifact store.

create table clouds (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  public_url text,
  -- A name of the server's configuration; null for the default one.
  artifact_store text,
  region text,
  created_at timestamptz not null,
  unique (tenant_id, name),
  unique (tenant_id, id)
);

-- By which the devices of a cloud come in that have no token of their own.
create table cloud_tokens (
  id uuid primary key,
  tenant_id uuid not null,
  cloud_id uuid not null,
  secret_hash bytea not null unique,
  created_at timestamptz not null,
  foreign key (tenant_id, cloud_id) references clouds (tenant_id, id) on delete cascade
);
create index cloud_tokens_by_cloud on cloud_tokens (cloud_id);

-- Null: served as all are that have no cloud.
alter table devices
  add column cloud_id uuid,
  add foreign key (tenant_id, cloud_id) references clouds (tenant_id, id);
create index devices_by_cloud on devices (cloud_id, profile_id) where cloud_id is not null;

-- Bytes that are to lie in a store besides the one they came into. They are the installation's, as the bytes are.
create table artifact_copies (
  sha256 text not null,
  store text not null,
  -- The store it is moved out of; null where it is only copied.
  moved_from text,
  asked_at timestamptz not null,
  -- Null: still to be copied, at the earliest then; whoever is at it puts that into the future first.
  copied_at timestamptz,
  next_try_at timestamptz not null,
  tries int not null default 0,
  error text,
  primary key (sha256, store)
);
create index artifact_copies_to_make on artifact_copies (next_try_at) where copied_at is null;

-- Bytes that were moved to another store, and may go from the old one when no address of theirs is good any more.
create table artifact_departures (
  sha256 text not null,
  store text not null,
  moved_to text not null,
  leaves_at timestamptz not null,
  primary key (sha256, store)
);
create index artifact_departures_by_time on artifact_departures (leaves_at);
