-- How updates are to be brought; null, as in all there are, for as ever.
alter table assignments add column handling jsonb;
alter table operations add column handling jsonb;

-- An update that was only to be downloaded ends as STAGED. What is there kept the narrower rule, so it need not be read.
alter table operations drop constraint operations_state_check;
alter table operations add constraint operations_state_check check (
  state in
    ('QUEUED', 'INITIATED', 'DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED', 'STAGED', 'FAILED', 'CANCELED')
) not valid;
alter table operations drop constraint operations_check;
alter table operations add constraint operations_check check (
  (ended_at is not null) = (state in ('UPDATED', 'STAGED', 'FAILED', 'CANCELED'))
) not valid;
