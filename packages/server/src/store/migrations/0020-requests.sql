-- What a device was asked for an operation, where its language wants the same words each time; and its own code for a failure.

alter table operations add column error_code text;

-- What a device says in between, without changing anything. Old lines are none of these.
alter table operation_steps drop constraint operation_steps_outcome_check;
alter table operation_steps add constraint operation_steps_outcome_check
  check (outcome in ('opened', 'moved', 'remarked', 'ignored')) not valid;

create table operation_requests (
  operation_id uuid primary key references operations on delete cascade,
  device_id uuid not null,
  -- Where it fetches the file: never another one, as a device takes that for another request.
  url text not null,
  first_sent_at timestamptz not null,
  times_sent integer not null default 1,
  -- It said its last word of an update that was cancelled; null: if it is cancelled, the device is to be told.
  answered_at timestamptz
) with (fillfactor = 80);
create index operation_requests_of_device on operation_requests (device_id) where answered_at is null;
