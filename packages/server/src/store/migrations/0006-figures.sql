-- What the overview draws: ends of operations by time, and which releases are in the field.

create index operations_by_end on operations (tenant_id, ended_at) where ended_at is not null;
create index device_components_by_installed on device_components (tenant_id, type, installed_title, installed_version);
