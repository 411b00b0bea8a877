-- Which releases are in the field, for the overview.

create index device_components_by_installed
  on device_components (tenant_id, type, installed_title, installed_version);
