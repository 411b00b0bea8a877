-- The audience: groups of devices, channels of groups; what a part number says a device is.

create table channels (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  handle text not null,
  name text not null,
  created_at timestamptz not null,
  unique (tenant_id, handle),
  unique (tenant_id, name),
  unique (tenant_id, id)
);

-- Who belongs to a group is never stored: it is the expression, asked at the moment.
create table device_groups (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  handle text not null,
  name text not null,
  expression text not null,
  -- At most one. A channel that is removed leaves its groups behind.
  channel_id uuid,
  created_at timestamptz not null,
  unique (tenant_id, handle),
  unique (tenant_id, name),
  foreign key (tenant_id, channel_id) references channels (tenant_id, id) on delete set null (channel_id)
);
create index device_groups_by_channel on device_groups (channel_id) where channel_id is not null;

create table hardware_types (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  handle text not null,
  name text not null,
  created_at timestamptz not null,
  unique (tenant_id, handle),
  unique (tenant_id, name),
  unique (tenant_id, id)
);
create table hardware_type_part_numbers (
  tenant_id uuid not null,
  part_number text not null,
  hardware_type_id uuid not null,
  primary key (tenant_id, part_number),
  foreign key (tenant_id, hardware_type_id) references hardware_types (tenant_id, id) on delete cascade
);
create index hardware_type_part_numbers_by_type on hardware_type_part_numbers (hardware_type_id);

create table system_models (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  handle text not null,
  name text not null,
  hardware_type_id uuid,
  -- What devices of this model get as their profile when they enrol themselves.
  profile_id uuid,
  created_at timestamptz not null,
  unique (tenant_id, handle),
  unique (tenant_id, name),
  unique (tenant_id, id),
  foreign key (tenant_id, hardware_type_id) references hardware_types (tenant_id, id),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id)
);
create index system_models_by_hardware_type on system_models (hardware_type_id);
create index system_models_by_profile on system_models (profile_id);
create table system_model_part_numbers (
  tenant_id uuid not null,
  part_number text not null,
  system_model_id uuid not null,
  primary key (tenant_id, part_number),
  foreign key (tenant_id, system_model_id) references system_models (tenant_id, id) on delete cascade
);
create index system_model_part_numbers_by_model on system_model_part_numbers (system_model_id);

-- What core's partNumberOf says, as it is looked for: the attribute, or else what the device tells of itself.
alter table devices
  add column part_number text generated always as (
    coalesce(
      case when jsonb_typeof(attributes -> 'partNumber') = 'string'
        and length(attributes ->> 'partNumber') between 1 and 255 then attributes ->> 'partNumber' end,
      case when jsonb_typeof(inventory -> 'partNumber') = 'string'
        and length(inventory ->> 'partNumber') between 1 and 255 then inventory ->> 'partNumber' end
    )
  ) stored;
create index devices_by_part_number on devices (tenant_id, part_number) where part_number is not null;
