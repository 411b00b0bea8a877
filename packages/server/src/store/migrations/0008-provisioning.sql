-- Devices that were added by an operator may enrol themselves, once.

alter table profiles
  add column provisioning_strategy text check (provisioning_strategy in ('create-new', 'check-pre-provisioned'));
update profiles set provisioning_strategy = 'create-new' where provisioning_key is not null;
alter table profiles
  add check ((provisioning_key is null) = (provisioning_strategy is null)),
  add check ((provisioning_key is null) = (provisioning_secret_hash is null));

-- When the device enrolled itself; it may not do so again.
alter table devices add column provisioned_at timestamptz;
