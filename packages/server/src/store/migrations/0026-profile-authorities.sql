-- Certificates of authorities that vouch for devices of a profile. By one that only its fingerprint is known of, nothing
-- that a device shows can be checked but what the device brings along.
create table profile_authorities (
  tenant_id uuid not null,
  profile_id uuid not null,
  -- SHA-256, as it stands among the profile's settings.
  fingerprint text not null,
  subject text not null,
  valid_to timestamptz not null,
  -- DER.
  certificate bytea not null,
  primary key (profile_id, fingerprint),
  foreign key (tenant_id, profile_id) references profiles (tenant_id, id) on delete cascade
);
