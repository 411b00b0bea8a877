-- People: roles of a system and of a tenant, customers who own devices, and devices that may be claimed.

create table customers (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  created_at timestamptz not null,
  unique (tenant_id, name),
  unique (tenant_id, id)
);

alter table operators add column customer_id uuid;
alter table operators drop constraint operators_role_check;
-- The first one of the installation was made at its first start.
update operators set role = 'system-administrator'
 where id = (select id from operators where role = 'administrator' order by created_at, id limit 1);
update operators set role = 'tenant-administrator' where role = 'administrator';
alter table operators
  add constraint operators_role_check check (
    role in ('system-administrator', 'tenant-administrator', 'operator', 'viewer', 'customer-user')
  ),
  add constraint operators_customer_check check ((role = 'customer-user') = (customer_id is not null)),
  add foreign key (tenant_id, customer_id) references customers (tenant_id, id);
create index operators_by_customer on operators (customer_id) where customer_id is not null;
create index operators_by_tenant on operators (tenant_id, name);

-- What a token may do at most; null is all that its operator may.
alter table api_tokens add column role text check (
  role in ('system-administrator', 'tenant-administrator', 'operator', 'viewer', 'customer-user')
);

-- The customer whose device it is; null for the tenant's own.
alter table devices
  add column customer_id uuid,
  add foreign key (tenant_id, customer_id) references customers (tenant_id, id);
create index devices_by_customer on devices (customer_id, profile_id) where customer_id is not null;

-- A device said that whoever knows this secret may claim it until then. No row: it may not be claimed.
create table device_claims (
  device_id uuid primary key,
  tenant_id uuid not null,
  secret_hash bytea not null,
  expires_at timestamptz not null,
  foreign key (tenant_id, device_id) references devices (tenant_id, id) on delete cascade
);
