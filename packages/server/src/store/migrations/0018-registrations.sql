-- Devices that register: those that wait to be claimed, and those that were.

-- With its key alone, by which it is known that they are of this profile, devices are claimed without a person.
alter table profiles add column claims_at_once boolean not null default false;

create table waiting_devices (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  profile_id uuid not null,
  -- By whose token it came; null when it came with none.
  cloud_id uuid,
  -- What it calls itself.
  said_id text not null,
  version text,
  facts jsonb not null,
  times bigint not null,
  first_seen_at timestamptz not null,
  last_seen_at timestamptz not null,
  unique (profile_id, said_id),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id) on delete cascade,
  foreign key (tenant_id, cloud_id) references clouds (tenant_id, id) on delete set null (cloud_id)
);
create index waiting_devices_by_last_seen on waiting_devices (tenant_id, last_seen_at);
create index waiting_devices_by_cloud on waiting_devices (cloud_id) where cloud_id is not null;

create table registrations (
  device_id uuid primary key,
  tenant_id uuid not null,
  -- The profile whose key the device has: it may be of another one by now.
  profile_id uuid not null,
  said_id text not null,
  -- Which of the tokens derived for it is good.
  generation int not null default 1,
  unique (profile_id, said_id),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade,
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id) on delete cascade
);
create index registrations_by_said_id on registrations (tenant_id, said_id);
