-- What a tenant has set for itself, by name; what is not there is as the server has it. The core says what there is.
alter table tenants add column settings jsonb not null default '{}';

-- When the device was last told of the operation or gave a sign of it; null is when it last changed.
alter table operations add column heard_at timestamptz;
-- Told, and not ended: those that may go silent.
create index operations_told on operations (device_id) where ended_at is null and state <> 'QUEUED';
