-- What hawkBit's management API keeps by numbers of its own.

-- A release in the making, by its name and version; it is one once its file is there.
create table software_modules (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants (id) on delete cascade,
  profile_id uuid not null,
  type text not null,
  name text not null,
  version text not null,
  vendor text,
  description text,
  release_id uuid,
  created_at timestamptz not null,
  created_by text not null,
  -- Sets it is part of still show it.
  removed_at timestamptz,
  unique (tenant_id, id),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id) on delete cascade,
  foreign key (tenant_id, release_id) references releases (tenant_id, id) on delete set null (release_id)
);
create unique index software_modules_name_key
  on software_modules (tenant_id, type, name, version) where removed_at is null;
create index software_modules_by_release on software_modules (release_id) where release_id is not null;
create index software_modules_by_profile on software_modules (profile_id);

create table distribution_sets (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants (id) on delete cascade,
  type text not null,
  name text not null,
  version text not null,
  description text,
  created_at timestamptz not null,
  created_by text not null,
  -- What it was assigned to still shows it.
  removed_at timestamptz,
  unique (tenant_id, id)
);
create unique index distribution_sets_name_key
  on distribution_sets (tenant_id, name, version) where removed_at is null;

create table distribution_set_modules (
  set_id bigint not null,
  module_id bigint not null,
  tenant_id uuid not null,
  primary key (set_id, module_id),
  foreign key (tenant_id, set_id) references distribution_sets (tenant_id, id) on delete cascade,
  foreign key (tenant_id, module_id) references software_modules (tenant_id, id) on delete cascade
);
create index distribution_set_modules_by_module on distribution_set_modules (module_id);

-- The sets a device was assigned, the latest last: what it is to run itself stands in its assignments.
create table distribution_set_assignments (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  set_id bigint not null,
  device_id uuid not null,
  assigned_at timestamptz not null,
  assigned_by text not null,
  foreign key (tenant_id, set_id) references distribution_sets (tenant_id, id) on delete cascade,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);
create index distribution_set_assignments_by_device on distribution_set_assignments (device_id, id);
create index distribution_set_assignments_by_set on distribution_set_assignments (set_id, device_id);

-- What a tenant has chosen by hawkBit's names, where nothing else of ours holds it.
create table hawkbit_configs (
  tenant_id uuid not null references tenants (id) on delete cascade,
  key text not null,
  value jsonb not null,
  changed_at timestamptz not null,
  changed_by text not null,
  primary key (tenant_id, key)
);
