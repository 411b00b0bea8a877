import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type TestDatabase, testDatabase } from '../../../../tools/test-database.ts'
import { type Database, migrate, openDatabase } from './database.ts'

const MIGRATIONS = new URL('./migrations/', import.meta.url)

let own: TestDatabase
let folder: string
const opened: Database[] = []

beforeEach(async () => {
  own = await testDatabase()
  folder = await mkdtemp(join(tmpdir(), 'updraft-migrations-'))
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()))
  await own.drop()
  await rm(folder, { recursive: true })
})

const open = (): Database => {
  const database = openDatabase({ connectionString: own.connectionString, onError: () => {} })
  opened.push(database)
  return database
}
const tablesOf = async ({ pool }: Database) => {
  const { rows } = await pool.query<{ name: string }>(
    `select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
  )
  return rows.map(({ name }) => name)
}
/** Migrations of the test's own. */
const migrations = async (texts: Record<string, string>) => {
  for (const [name, text] of Object.entries(texts)) await writeFile(join(folder, name), text)
  return pathToFileURL(`${folder}/`)
}

test('a fresh database gets every migration, and none of them twice', async () => {
  const database = open()
  const { applied } = await migrate(database)
  expect(applied[0]).toBe('0001-foundation.sql')
  expect(await tablesOf(database)).toContain('operations')
  expect(await migrate(database)).toEqual({ applied: [] })
})

test('of two servers that start at once, one migrates and the other finds it done', async () => {
  const [first, second] = await Promise.all([migrate(open()), migrate(open())])
  const both = [...first.applied, ...second.applied]
  expect(both.length).toBeGreaterThan(0)
  expect(new Set(both).size).toBe(both.length)
  expect(Math.min(first.applied.length, second.applied.length)).toBe(0)
})

test('a database of a newer Updraft is refused, and left as it is', async () => {
  const database = open()
  await migrate(database)
  const name = '9999-of-tomorrow.sql'
  await database.pool.query('insert into migrations (name, checksum) values ($1, $2)', [name, ''])
  await expect(migrate(database)).rejects.toThrow(
    `The database has been migrated by a newer Updraft (${name} is not known here).`,
  )
})

test('a migration that was changed after it ran is refused', async () => {
  const database = open()
  const where = await migrations({ '0001-a.sql': 'create table a ()' })
  await migrate(database, where)
  await migrations({ '0001-a.sql': 'create table a (b text)', '0002-c.sql': 'create table c ()' })
  await expect(migrate(database, where)).rejects.toThrow(
    'Migration 0001-a.sql was changed after it ran.',
  )
  expect(await tablesOf(database)).toEqual(['a', 'migrations'])
})

test('a migration that fails leaves nothing of itself; mended, it runs', async () => {
  const database = open()
  const where = await migrations({
    '0001-a.sql': 'create table a ()',
    '0002-b.sql': 'create table b (); create table a ()',
    '0003-c.sql': 'create table c ()',
  })
  const failure = migrate(database, where)
  await expect(failure).rejects.toThrow('Migration 0002-b.sql failed.')
  await expect(failure).rejects.toMatchObject({ cause: { code: '42P07' } })
  expect(await tablesOf(database)).toEqual(['a', 'migrations'])
  await migrations({ '0002-b.sql': 'create table b ()' })
  expect(await migrate(database, where)).toEqual({ applied: ['0002-b.sql', '0003-c.sql'] })
})

test('a long migration is not cut off as a stuck statement would be', async () => {
  const where = await migrations({
    '0001-a.sql': `create table a as select current_setting('statement_timeout') as it`,
  })
  const database = open()
  await migrate(database, where)
  expect((await database.pool.query('select it from a')).rows).toEqual([{ it: '0' }])
  expect((await database.pool.query('show statement_timeout')).rows).toEqual([
    { statement_timeout: '1min' },
  ])
})

test('a migration during which the database goes away says why', async () => {
  const where = await migrations({
    '0001-a.sql': 'create table a (); select pg_terminate_backend(pg_backend_pid())',
  })
  const database = open()
  const failure = migrate(database, where)
  await expect(failure).rejects.toThrow('Migration 0001-a.sql failed.')
  await expect(failure).rejects.toMatchObject({ cause: { code: '57P01' } })
  expect(await tablesOf(database)).toEqual(['migrations'])
})

test('the administrators of before become administrators of their tenants, and the first of all the system', async () => {
  const database = open()
  const all = await readdir(MIGRATIONS)
  const before = all.filter((name) => name < '0004')
  await migrate(
    database,
    await migrations(
      Object.fromEntries(
        await Promise.all(
          before.map(async (name) => [name, await readFile(new URL(name, MIGRATIONS), 'utf8')]),
        ),
      ),
    ),
  )
  await database.pool.query(`
    insert into tenants values (gen_random_uuid(), 'a', now()), (gen_random_uuid(), 'b', now());
    insert into operators (id, tenant_id, name, role, password_hash, created_at)
      select gen_random_uuid(), id, role || ' of ' || name, role, 'none',
             now() + case when name = 'a' then interval '0' else interval '1 minute' end
        from tenants, unnest(array['administrator', 'operator', 'viewer']) role`)
  await migrate(database)
  const { rows } = await database.pool.query('select name, role from operators order by name')
  expect(rows).toEqual([
    { name: 'administrator of a', role: 'system-administrator' },
    { name: 'administrator of b', role: 'tenant-administrator' },
    { name: 'operator of a', role: 'operator' },
    { name: 'operator of b', role: 'operator' },
    { name: 'viewer of a', role: 'viewer' },
    { name: 'viewer of b', role: 'viewer' },
  ])
})
