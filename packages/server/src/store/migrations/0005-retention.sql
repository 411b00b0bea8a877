-- What is old enough to be removed is found by its end.
create index operations_by_end on operations (tenant_id, ended_at, id) where ended_at is not null;
create index sessions_by_expiry on sessions (expires_at);
