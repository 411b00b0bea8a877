-- One release for many devices. A campaign's row is written at every batch of devices that move: its tally and its waves
-- are what decides how many more may be asked, so they change together with the devices they count.
create table campaigns (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  type text not null,
  -- Null once the release is removed, which only the campaigns that are over let happen.
  release_id uuid,
  release_title text not null,
  release_version text not null,
  audience jsonb not null,
  settings jsonb not null,
  status text not null check (status in ('scheduled', 'in-progress', 'pausing', 'paused', 'finished')),
  outcome text check (outcome in ('success', 'failure', 'cancelled')),
  because_code text not null,
  because_message text not null,
  scheduled_at timestamptz,
  created_at timestamptz not null,
  created_by text not null,
  started_at timestamptz,
  finished_at timestamptz,
  -- The campaign whose devices it takes back. It may be removed meanwhile.
  rolls_back uuid,
  tally jsonb not null,
  waves jsonb not null,
  check ((outcome is not null) = (status = 'finished')),
  constraint campaigns_bring_a_release check (release_id is not null or status = 'finished'),
  unique (tenant_id, name),
  unique (tenant_id, id),
  foreign key (tenant_id, release_id) references releases (tenant_id, id) on delete set null (release_id)
) with (fillfactor = 50);
create index campaigns_by_release on campaigns (release_id);
-- Those that may have something to do.
create index campaigns_open on campaigns (status) where status <> 'finished';

-- Its devices. No references: a million rows come in one statement, read from the tenant's own devices, and each
-- reference would be looked up for each row. What removes a campaign or a device says what becomes of its targets.
create table campaign_targets (
  campaign_id uuid not null,
  device_id uuid not null,
  tenant_id uuid not null,
  status text not null default 'idle' check (status in ('idle', 'in-progress', 'successful', 'failed', 'skipped')),
  -- It may still be asked, or is being asked.
  is_open boolean not null default true,
  -- It was given up while it was away.
  is_lost boolean not null default false,
  -- What it is taken back to, where that is not the campaign's.
  release_id uuid,
  wave smallint,
  operation_id uuid,
  before_title text,
  before_version text,
  because_code text not null default 'target.idle',
  because_message text not null default 'It was not its turn yet.',
  asked_at timestamptz,
  ended_at timestamptz,
  retried_at timestamptz,
  primary key (campaign_id, device_id)
) with (fillfactor = 80);
create index campaign_targets_open on campaign_targets (device_id) where is_open;
create index campaign_targets_by_status on campaign_targets (campaign_id, status, device_id);

-- The campaign that asked for it; it may be removed meanwhile.
alter table operations add column campaign_id uuid;

-- What a campaign or an operator's hand brought last: what was assigned before does not undo it.
alter table device_components add column arrived_title text;
alter table device_components add column arrived_version text;
alter table device_components add column arrived_at timestamptz;
