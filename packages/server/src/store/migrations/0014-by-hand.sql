-- What an operator brings to one device by hand: made for no profile, so that it stands in no catalogue, and gone with
-- the device or after its end.
alter table releases
  add column only_for_device_id uuid,
  alter column profile_id drop not null,
  add constraint releases_are_for_somebody check ((profile_id is null) <> (only_for_device_id is null)),
  add constraint releases_tenant_id_only_for_device_id_fkey
    foreign key (tenant_id, only_for_device_id) references devices (tenant_id, id) on delete cascade,
  drop constraint releases_tenant_id_title_version_key;
create unique index releases_tenant_id_title_version_key on releases (tenant_id, title, version)
  where only_for_device_id is null;
create index releases_by_device on releases (only_for_device_id) where only_for_device_id is not null;
