-- Credentials of several kinds: tokens, MQTT's client identifier, user name and password, and certificates.

-- What a credential is looked up by was always the hash of a secret; now it may be that of a name as well.
alter table credentials rename column secret_hash to lookup_hash;
alter table credentials rename constraint credentials_secret_hash_key to credentials_lookup_hash_key;
alter table credentials drop constraint credentials_kind_check;
alter table credentials
  add column password_hash bytea,
  add column client_id text,
  add column user_name text,
  add column certificate jsonb,
  -- When a device first came with it.
  add column first_used_at timestamptz,
  -- From then on nobody is known by it; null: until it is taken back.
  add column expires_at timestamptz,
  add constraint credentials_kind_check check (kind in ('token', 'mqtt-basic', 'x509')),
  add check ((kind = 'mqtt-basic') = (client_id is not null or user_name is not null)),
  add check ((kind = 'x509') = (certificate is not null)),
  add check (password_hash is null or kind = 'mqtt-basic');
create index credentials_by_end on credentials (expires_at) where expires_at is not null;
