-- Boxes: gateways that fetch their handlers as one archive.

-- Where those of a profile reach the server. What they ask first has nothing in it but the host.
create table box_servers (
  profile_id uuid primary key,
  tenant_id uuid not null,
  url text not null,
  host text not null unique,
  -- The series of their code they are to follow.
  series text not null,
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id) on delete cascade
);

create table boxes (
  device_id uuid primary key,
  tenant_id uuid not null,
  -- By which it is known when it opens a line.
  channel text not null unique,
  -- What it was given last; it may have lost it since.
  release_id uuid,
  restart_asked_at timestamptz,
  unique (tenant_id, device_id),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade,
  foreign key (tenant_id, release_id) references releases (tenant_id, id) on delete set null (release_id)
);
create index boxes_by_release on boxes (release_id) where release_id is not null;

-- A box names itself and no tenant when it fetches, so that a name is one box's among all.
create table box_names (
  name text primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  foreign key (tenant_id, device_id) references boxes (tenant_id, device_id) on delete cascade
);
create index box_names_by_device on box_names (device_id);
