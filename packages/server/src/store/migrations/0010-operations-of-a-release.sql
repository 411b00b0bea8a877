-- How often a release was tried on a device is found at once by any plan, however many devices have it.

create index operations_of_release on operations (release_id, device_id);
drop index operations_by_release;
