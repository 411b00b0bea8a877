-- The device table may be sorted by when a device was added; a page of it is read from here.

create index devices_by_creation on devices (tenant_id, created_at, id);
