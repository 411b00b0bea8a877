-- A session that nobody uses ends by itself.

alter table sessions add column last_used_at timestamptz;
update sessions set last_used_at = now();
alter table sessions alter column last_used_at set not null;
