import { afterAll, beforeAll, expect, test } from 'vitest'
import { addTenant, type TestStore, testStore } from './store.test-helper.ts'

let store: TestStore

beforeAll(async () => {
  store = await testStore()
  const tenant = await addTenant(store, 'acme')
  const names = Array.from({ length: 3000 }, (_, index) => `d${index}`)
  await tenant.addDevices(await tenant.addProfile('P'), names)
  await store.rows('analyze devices')
})
afterAll(() => store.close())

test.each([
  ['name', 'devices_tenant_id_name_key'],
  ['created_at', 'devices_by_creation'],
])('a page of devices by %s is read from %s, however many there are', async (column, index) => {
  // In order as it lies in the index, so that reading ends with the page: rows of the same value are sorted, no others.
  const { rows } = await store.database.hotPool.query<{ 'QUERY PLAN': string }>(
    `explain (generic_plan) select id from devices where tenant_id = $1 order by ${column}, id limit 51`,
  )
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n')
  expect(plan).not.toMatch(/Seq Scan/)
  expect(plan).not.toMatch(/-> +Sort/)
  expect(plan).toContain(` using ${index} on devices`)
})
