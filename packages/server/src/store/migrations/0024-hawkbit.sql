-- Devices that speak hawkBit's language: what they are told has a number, for ever.

-- What an operator has said of those of a profile; null while all is as usual.
alter table profiles add column hawkbit jsonb;

create table hawkbit_devices (
  device_id uuid primary key,
  tenant_id uuid not null,
  -- It is asked for its attributes.
  wants_attributes boolean not null default true,
  -- Since when its updates need no word of anybody at the device, and by whom.
  auto_confirm jsonb,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);

-- One or several updates that a device was told of together. Clients read the number into 32 bits.
create table hawkbit_actions (
  id integer generated always as identity primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  client text not null,
  created_at timestamptz not null,
  -- Somebody at the device is to say yes first.
  needs_confirmation boolean not null,
  confirmed_at timestamptz,
  -- The device read what it is to do.
  fetched_at timestamptz,
  -- It read last that it is not to install it yet.
  is_skipped boolean not null default false,
  cancel_asked_at timestamptz,
  cancel_refused_at timestamptz,
  feedback_count integer not null default 0,
  closed_at timestamptz,
  outcome text,
  -- The device reported success, which is to be proven yet.
  is_unproven boolean not null default false,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);
create index hawkbit_actions_by_device on hawkbit_actions (device_id, id);
create index hawkbit_actions_open on hawkbit_actions (device_id, id)
  where closed_at is null or is_unproven;

create table hawkbit_chunks (
  id integer generated always as identity primary key,
  action_id integer not null references hawkbit_actions on delete cascade,
  -- It may be there no more, as ended ones are swept.
  operation_id uuid not null,
  release_id uuid not null,
  type text not null
);
create index hawkbit_chunks_by_action on hawkbit_chunks (action_id);
create index hawkbit_chunks_by_operation on hawkbit_chunks (operation_id);

-- What devices say of an action.
create table hawkbit_messages (
  id bigint generated always as identity primary key,
  action_id integer not null references hawkbit_actions on delete cascade,
  at timestamptz not null,
  status text not null,
  messages text[] not null
);
create index hawkbit_messages_by_action on hawkbit_messages (action_id, id);

-- What some clients hold a file against. The bytes are the same whoever has them.
create table artifact_digests (
  sha256 text primary key,
  sha1 text not null,
  md5 text not null
);
