-- Which devices a release is for: those of its profile that the expression holds for when they ask. The row is locked
-- while devices are decided on where it has limits: `offered` and the period are what they count.
create table policies (
  release_id uuid primary key,
  tenant_id uuid not null,
  profile_id uuid not null,
  type text not null,
  expression text not null,
  is_enabled boolean not null,
  max_devices integer check (max_devices > 0),
  percentage double precision check (percentage > 0 and percentage <= 100),
  rate integer check (rate > 0),
  period_seconds integer check (period_seconds > 0),
  -- Empty for all.
  cloud_ids uuid[] not null default '{}',
  published_at timestamptz not null,
  created_at timestamptz not null,
  created_by text not null,
  revision integer not null default 0,
  offered integer not null default 0,
  -- Devices of the profile and the clouds, as last counted.
  population integer not null default 0,
  period_started_at timestamptz,
  offered_in_period integer not null default 0,
  check ((rate is null) = (period_seconds is null)),
  unique (tenant_id, release_id),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id),
  foreign key (tenant_id, release_id) references releases (tenant_id, id) on delete cascade
) with (fillfactor = 50);
create index policies_by_profile on policies (profile_id) where is_enabled;

-- Devices that were offered the release by its policy, or kept back by a limit, and how their update went.
create table policy_devices (
  release_id uuid not null,
  device_id uuid not null,
  tenant_id uuid not null,
  standing text not null check (standing in ('offered', 'deferred')),
  because_code text not null,
  because_message text not null,
  at timestamptz not null,
  fared text check (fared in ('started', 'succeeded', 'failed')),
  primary key (release_id, device_id),
  foreign key (tenant_id, release_id) references policies (tenant_id, release_id) on delete cascade,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
) with (fillfactor = 80);
create index policy_devices_of_device on policy_devices (device_id);
create index policy_devices_by_standing on policy_devices (release_id, standing, because_code, fared);

-- Counts up whenever the policies of the profile are others: what was read of them before is out of date.
alter table profiles add column policies_revision integer not null default 0;
