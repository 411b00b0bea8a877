-- The audit log says why, and is searched: by time, and by time within what is asked for most.

alter table events add column reason jsonb;

-- Newest first is by the time it happened; the id only keeps two of the same time in order.
create index events_by_time on events (tenant_id, at, id);
create index events_of_device on events (device_id, at, id) where device_id is not null;
create index events_of_kind on events (tenant_id, kind, at, id);
create index events_on_subject on events (subject_id, at, id);
-- What devices and the server do is found by the device; what people do, by their names.
create index events_by_operator on events (tenant_id, (actor ->> 'name'), at, id)
  where actor ->> 'kind' = 'operator';
drop index events_by_tenant;
drop index events_by_device;
