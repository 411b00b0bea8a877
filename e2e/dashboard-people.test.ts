/** Who comes to the dashboard, and what they see and may do there. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser, type Person } from './browser.ts'
import { dashboardStage } from './dashboard.ts'
import { query } from './operator.ts'

describe.skipIf(!hasBrowser)('at the dashboard', () => {
  const stage = dashboardStage('tenant-administrator', async ({ fleet }) => {
    const { assign } = await fleet('pump', 3, ['2'])
    await assign('2')
  })

  const signIn = async (page: Page, { name, password }: Person) => {
    await page.getByLabel('Name').fill(name)
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.getByRole('button', { name: 'Sign in' }).click()
  }
  const places = (page: Page) =>
    page.getByRole('navigation', { name: 'Places' }).getByRole('link').allInnerTexts()

  test('a wrong password is said to be wrong, and the right one signs in', async () => {
    const page = await stage.platform.browser.open('/')
    await signIn(page, { ...stage.ada, password: 'a guess' })
    expect(await page.getByRole('alert').textContent()).toMatch(/password/i)
    await signIn(page, stage.ada)
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
  })

  test('a link to a device leads there after the sign-in', async () => {
    const path = await stage.devicePath('pump-2')
    const page = await stage.platform.browser.open(`${path}?search=pump`)
    await page.waitForURL(/\/sign-in/)
    await signIn(page, stage.ada)
    await page.getByRole('dialog', { name: 'pump-2' }).waitFor()
    expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(`${path}?search=pump`)
  })

  test('whoever signs out is out, and the way back does not lead in', async () => {
    const page = await stage.open('/devices')
    await page.getByRole('row', { name: /pump-1/ }).waitFor()
    await page.getByRole('button', { name: 'ada: account' }).click()
    await page.getByRole('menuitem', { name: 'Sign out', exact: true }).click()
    await page.getByRole('heading', { name: 'Sign in to Updraft' }).waitFor()
    await page.goto('/devices')
    await page.getByRole('heading', { name: 'Sign in to Updraft' }).waitFor()
    expect(await page.getByText('pump-1').count()).toBe(0)
  })

  test('a viewer sees all, and no button for what it may not', async () => {
    const vic = await stage.platform.person('vic', 'viewer')
    const page = await stage.platform.browser.openAs(vic, await stage.devicePath('pump-1'))
    const device = page.getByRole('dialog', { name: 'pump-1' })
    await device.getByText('Should run').waitFor()
    const buttons = ['Assign', 'Cancel', 'Try again', 'More', 'Unpin']
    for (const name of buttons) {
      expect(await device.getByRole('button', { name, exact: true }).count(), name).toBe(0)
    }
    expect(await device.getByText('Credentials').count()).toBe(0)
    await page.keyboard.press('Escape')
    for (const place of ['Devices', 'Packages', 'Profiles']) {
      await page.getByRole('link', { name: place, exact: true }).click()
      await page.getByRole('heading', { name: place, level: 1 }).waitFor()
      await page.getByRole('table').getByRole('row').nth(1).waitFor()
      expect(await page.getByRole('button', { name: /^Add a/ }).count(), place).toBe(0)
    }
    await page.goto('/settings')
    expect(await page.getByRole('tab').allInnerTexts()).not.toContain('People')
  })

  test("a customer's user sees the customer's devices only, and no audit log", async () => {
    const cat = await stage.platform.person('cat', 'customer-user')
    await query(
      stage.platform.connectionString,
      `update devices set customer_id = (select id from customers where name = 'customer of cat')
        where name = 'pump-3'`,
    )
    const page = await stage.platform.browser.openAs(cat, '/devices')
    await page.getByRole('row', { name: /pump-3/ }).waitFor()
    expect(await page.getByRole('row').count()).toBe(2)
    expect(await places(page)).toEqual([
      'Overview',
      'Devices',
      'Packages',
      'Profiles',
      'Boxes',
      'Settings',
    ])
    await page.goto(await stage.devicePath('pump-1'))
    await page.getByRole('alert').waitFor()
    expect(await page.getByText('Should run').count()).toBe(0)
  })

  test('Ctrl-K finds a device and opens it', async () => {
    const page = await stage.open('/')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.locator('[aria-label="Search everything"]:focus').waitFor()
    await page.keyboard.type('pump-2')
    await page.getByRole('option', { name: /pump-2/ }).waitFor()
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'pump-2' }).waitFor()
  })

  test('the keyboard alone leads from the sign-in to a device and back to the list', async () => {
    const page = await stage.platform.browser.open('/')
    await page.getByRole('heading', { name: 'Sign in to Updraft' }).waitFor()
    await page.keyboard.type(stage.ada.name)
    await page.keyboard.press('Tab')
    await page.keyboard.type(stage.ada.password)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Overview' }).waitFor()
    await page.keyboard.press('g')
    await page.keyboard.press('d')
    const row = page.getByRole('row', { name: /pump-3/ })
    await row.waitFor()
    const focused = page.locator('tr:focus').getByText('pump-3')
    for (let presses = 0; presses < 40 && (await focused.count()) === 0; presses += 1) {
      await page.keyboard.press('Tab')
    }
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'pump-3' }).waitFor()
    await page.keyboard.press('Escape')
    await page.waitForURL(/\/devices$/)
    await row.waitFor()
  })
})
