-- What devices said of their actions goes when its tenant has kept it long enough.
alter table hawkbit_messages add column tenant_id uuid;
update hawkbit_messages m set tenant_id = a.tenant_id from hawkbit_actions a where a.id = m.action_id;
alter table hawkbit_messages alter column tenant_id set not null;
create index hawkbit_messages_by_age on hawkbit_messages (tenant_id, at);
