-- Sessions that are over are found by when they ended.
create index sessions_by_expiry on sessions (expires_at);
