// A database full of devices: one profile, one release of 1.0.0 that all of them run, and another of 2.0.0.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openDatabase } from '../../packages/server/src/store/database.ts'
import { startLocalPostgres } from '../../packages/server/src/store/local-postgres.ts'

/** Devices `bench-0` to `bench-N`, minus one, hold tokens of the same name. */
export const tokenOf = (device: number): string => `bench-${device}`

/**
 * Makes the tables and fills them; the profile is assigned the release that its devices run. `inventory`: what each of
 * them has said of itself.
 */
export async function fill(
  connectionString: string,
  devices: number,
  inventory: object = {},
): Promise<void> {
  const database = openDatabase({ connectionString, onError: () => {} })
  await migrate(database)
  // A million devices take longer than a server would ever wait for one statement.
  const client = await database.pool.connect()
  await client.query('set statement_timeout = 0')
  await client.query(`
    insert into tenants (id, name, created_at) values (gen_random_uuid(), 'bench', now());
    insert into operators (id, tenant_id, name, role, password_hash, created_at)
      select gen_random_uuid(), id, 'bench', 'system-administrator', 'none', now() from tenants;
    insert into profiles (id, tenant_id, name, created_at) select gen_random_uuid(), id, 'sensor', now() from tenants;
    insert into artifacts (tenant_id, sha256, size_bytes, checksums, stored_at)
      select id, repeat('ab', 32), 1024, '{}', now() from tenants;
    insert into releases (id, tenant_id, profile_id, title, version, type, checksum_algorithm, checksum, size_bytes, artifact_sha256, created_at)
      select gen_random_uuid(), tenant_id, id, 'app', version, 'firmware', 'SHA256', repeat('ab', 32), 1024, repeat('ab', 32), now()
        from profiles, unnest(array['1.0.0', '2.0.0']) version;
    insert into assignments (id, tenant_id, profile_id, type, release_id, assigned_at, assigned_by)
      select gen_random_uuid(), tenant_id, profile_id, 'firmware', id, now(), 'bench' from releases where version = '1.0.0';
    insert into devices (id, tenant_id, profile_id, name, inventory, created_at)
      select gen_random_uuid(), tenant_id, id, 'bench-' || n, '${JSON.stringify(inventory)}', now()
        from profiles, generate_series(0, ${devices - 1}) n;
    insert into device_presence (device_id, tenant_id) select id, tenant_id from devices;
    insert into credentials (id, tenant_id, device_id, kind, lookup_hash, created_at)
      select gen_random_uuid(), tenant_id, id, 'token', sha256(name::bytea), now() from devices;
    insert into device_components (device_id, type, tenant_id, installed_title, installed_version, installed_at)
      select id, 'firmware', tenant_id, 'app', '1.0.0', now() from devices;
  `)
  await client.query('vacuum analyze')
  client.release(true)
  await database.close()
}

/** A database of its own, full of devices, for as long as `measure` takes. */
export async function withFleet<T>(
  devices: number,
  measure: (connectionString: string) => Promise<T>,
  inventory?: object,
): Promise<T> {
  const data = mkdtempSync(join(tmpdir(), 'updraft-bench-'))
  const postgres = await startLocalPostgres({
    dataFolder: data,
    log: { info: () => {}, warn: () => {} },
  })
  try {
    await fill(postgres.connectionString, devices, inventory)
    return await measure(postgres.connectionString)
  } finally {
    await postgres.stop()
    rmSync(data, { recursive: true, force: true })
  }
}
