-- What boxes are asked to do once, what devices log, and what releases need of other components.

alter table releases add column needs jsonb not null default '{}';

create table box_wishes (
  id uuid primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  kind text not null check (kind in ('restart', 'load-handlers')),
  asked_at timestamptz not null,
  -- When the box was last told; until it says that it is done it is told again.
  told_at timestamptz,
  unique (device_id, kind),
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);

create table device_log_lines (
  id bigint generated always as identity primary key,
  tenant_id uuid not null,
  device_id uuid not null,
  -- Of devices that number their lines: one that comes again is known by it and its time.
  sequence bigint,
  at timestamptz not null,
  received_at timestamptz not null,
  -- 0 debug, 1 info, 2 warn, 3 error.
  level smallint not null check (level between 0 and 3),
  message text not null,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);
create index device_log_lines_of_device on device_log_lines (device_id, id);
create unique index device_log_lines_once on device_log_lines (device_id, sequence, at) where sequence is not null;
create index device_log_lines_by_age on device_log_lines (received_at);
