-- Clusters of Astarte on which the devices of a realm live, where it is not this server they come to.

create table clusters (
  tenant_id uuid primary key references realms,
  base_url text not null,
  -- What the realm is called there.
  realm text not null,
  -- By which we are let in, in PEM, and how it signs.
  private_key text not null,
  algorithm text not null,
  -- What its triggers show when they call.
  webhook_secret text not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  -- How the realm was last found there, and what was done to it.
  looked_at timestamptz,
  well_at timestamptz,
  version text,
  done text[] not null default '{}',
  error text,
  -- Which server holds the lines of its devices, and until when nobody else takes them.
  holder text,
  held_until timestamptz
);
