/** What is done with devices at the dashboard, with one and with many. */
import { readFile } from 'node:fs/promises'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { choose, dashboardStage, seen } from './dashboard.ts'

describe.skipIf(!hasBrowser)('at the dashboard', () => {
  const stage = dashboardStage('tenant-administrator', async ({ platform, fleet }) => {
    await platform.api('createCustomer', { body: { name: 'Harbour Works' } })
    const { assign } = await fleet('lamp', 8, ['2'])
    await assign('2')
  })
  const customers = async () => {
    const { items } = await stage.platform.api('listDevices', { query: { search: 'lamp' } })
    return items.map(({ customer }) => customer)
  }
  const selectAll = async (page: Page) => {
    await page.getByRole('row', { name: /lamp-8/ }).waitFor()
    await page.getByLabel('Select all that are loaded').click()
  }
  const give = async (page: Page) => {
    await page.getByRole('button', { name: 'Customer' }).click()
    await choose(page, 'Customer', 'Harbour Works')
    await page.getByRole('button', { name: 'Give them to it' }).click()
  }

  test('a file becomes devices: its mistakes are seen before, what the server refuses after', async () => {
    const page = await stage.open('/devices')
    await page.getByRole('button', { name: 'Import' }).click()
    const dialog = page.getByRole('dialog', { name: 'Import devices' })
    const csv = [
      'name,type,labels',
      'gate-1,lamp,roof;beta',
      ',lamp,',
      'lamp-1,lamp,',
      'gate-2,lamp,',
    ].join('\n')
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'gates.csv', mimeType: 'text/csv', buffer: Buffer.from(csv) })
    await dialog.getByText('the name is missing').waitFor()
    await dialog.getByRole('row', { name: /gate-1.*roof, beta/ }).waitFor()
    await dialog.getByRole('button', { name: 'Add 3 devices' }).click()
    await dialog.getByText('Added 2 devices.').waitFor()
    await dialog
      .getByRole('listitem')
      .filter({ hasText: /^Line 4lamp-1/ })
      .waitFor()
    const saved = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Download the tokens' }).click()
    const tokens = await readFile(await (await saved).path(), 'utf8')
    expect(tokens).toMatch(/^name,token\ngate-1,\S+\ngate-2,\S+\n$/)
    await dialog.getByRole('button', { name: 'Done' }).click()
    await seen(page, 'gate-', ['gate-1', 'gate-2'])
  })

  test('the file that a device is meant to run is had by hand, and the device changes hands', async () => {
    const page = await stage.open(await stage.devicePath('lamp-1'))
    const device = page.getByRole('dialog', { name: 'lamp-1' })
    for (const what of ['id', 'checksum']) {
      await device.getByRole('button', { name: `Copy ${what}` }).waitFor()
    }
    const saved = page.waitForEvent('download')
    await device.getByRole('link', { name: 'Download' }).click()
    expect(await readFile(await (await saved).path(), 'utf8')).toBe('lamp 2')

    await device.getByRole('button', { name: 'More' }).click()
    await page.getByRole('menuitem', { name: 'Change name, customer, cloud and labels' }).click()
    await choose(page, 'Customer', 'Harbour Works')
    await page.getByRole('button', { name: 'Change', exact: true }).click()
    await device.getByText('Harbour Works').waitFor()
    expect((await stage.platform.device('lamp-1')).customer).toBe('Harbour Works')
  })

  test('what is done to many is told for each that refuses, and those are at hand', async () => {
    const page = await stage.open('/devices?profile=lamp&search=lamp')
    const { id } = await stage.platform.device('lamp-3')
    const problem = { type: 'about:blank', title: 'Conflict', status: 409, code: 'internal' }
    const contentType = 'application/problem+json'
    const body = JSON.stringify({ ...problem, detail: 'It is being moved.' })
    await page.route(`**/api/devices/${id}`, (route) =>
      route.fulfill({ status: 409, contentType, body }),
    )
    await selectAll(page)
    await give(page)
    const dialog = page.getByRole('dialog', { name: 'Change the customer of 8 devices' })
    await dialog.getByText('Done for 7 of 8 devices; 1 refused.').waitFor()
    await dialog.getByRole('listitem').filter({ hasText: 'lamp-3It is being moved.' }).waitFor()
    await dialog.getByRole('button', { name: 'Select it again' }).click()
    await page.unroute(`**/api/devices/${id}`)
    await page.getByRole('toolbar').getByText('1 device', { exact: true }).waitFor()
    await give(page)
    await page.getByText('Done for 1 device.').waitFor()
    expect(await customers()).toEqual(Array(8).fill('Harbour Works'))
  })

  test('what is stopped ends with what has begun', async () => {
    const page = await stage.open('/devices?profile=lamp&search=lamp')
    let goOn = () => {}
    const isStopped = new Promise<void>((resolve) => {
      goOn = resolve
    })
    await page.route('**/api/devices/*', async (route) => {
      if (route.request().method() === 'PATCH') await isStopped
      await route.continue()
    })
    await selectAll(page)
    await page.getByRole('button', { name: 'Label' }).click()
    await page.getByRole('combobox', { name: 'Labels to add' }).fill('old')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Label them' }).click()
    await page.getByRole('toolbar').getByText('0 of 8').waitFor()
    await page.getByRole('link', { name: 'Packages', exact: true }).click()
    await page.getByRole('heading', { name: 'Packages', level: 1 }).waitFor()
    await page.getByRole('link', { name: 'Devices', exact: true }).click()
    await page.getByRole('button', { name: 'Stop' }).click()
    goOn()
    await page.getByText('Done for 6 of 8 devices; 2 not begun, as it was stopped.').waitFor()
    const { count } = await stage.platform.api('countDevices', { query: { label: 'old' } })
    expect(count).toBe(6)
  })
})
