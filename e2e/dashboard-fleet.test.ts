/** A large fleet in a browser: read in pages, sorted and searched by the server, and never all in the document. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { dashboardStage } from './dashboard.ts'
import { query } from './operator.ts'

const DEVICES = 100_000
const MOST_ROWS = 100

describe.skipIf(!hasBrowser)('a hundred thousand devices', () => {
  const stage = dashboardStage('operator', async ({ platform }) => {
    await platform.addProfile('meter')
    await query(
      platform.connectionString,
      `with added as (
         insert into devices (id, tenant_id, profile_id, name, created_at)
         select gen_random_uuid(), tenant_id, id, 'meter-' || lpad(n::text, 6, '0'), now()
           from profiles, generate_series(1, ${DEVICES}) n
         returning id, tenant_id)
       insert into device_presence (device_id, tenant_id) select id, tenant_id from added`,
    )
    await query(platform.connectionString, 'analyze')
  })

  const first = (page: Page) => page.getByRole('row').nth(1)

  test('are scrolled through, page after page', async () => {
    const page = await stage.open('/devices')
    await first(page).getByText('meter-000001').waitFor()
    await page.getByRole('row', { name: /meter-000001/ }).hover()
    for (const name of ['meter-000150', 'meter-000420']) {
      const row = page.getByRole('row', { name: new RegExp(name) })
      await expect
        .poll(
          async () => {
            if (!(await row.isVisible())) await page.mouse.wheel(0, 800)
            return row.isVisible()
          },
          { timeout: 30_000, interval: 20 },
        )
        .toBe(true)
    }
    expect(await page.getByRole('row').count()).toBeLessThan(MOST_ROWS)
  })

  test('are sorted from either end', async () => {
    const page = await stage.open('/devices')
    await first(page).getByText('meter-000001').waitFor()
    await page.getByRole('button', { name: 'Name' }).click()
    await first(page).getByText('meter-100000').waitFor()
    expect(new URL(page.url()).searchParams.get('sort')).toBe('-name')
  })

  test('are searched, and the search survives a reload', async () => {
    const page = await stage.open('/devices')
    await page.getByLabel('Search devices').fill('08765')
    await first(page).getByText('meter-008765').waitFor()
    const found = page.getByRole('row').getByText('meter-')
    const wanted = ['meter-008765', ...Array.from({ length: 10 }, (_, n) => `meter-08765${n}`)]
    await expect.poll(() => found.allInnerTexts()).toEqual(wanted)
    await page.reload()
    await first(page).getByText('meter-008765').waitFor()
    expect(await page.getByLabel('Search devices').inputValue()).toBe('08765')
    await page.getByLabel('Search devices').fill('no such meter')
    await page.getByText('No device is like that').waitFor()
  })
})
