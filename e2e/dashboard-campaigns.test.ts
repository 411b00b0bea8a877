/** Campaigns as operators see them: thought through before they begin, followed, held, and taken up again. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { advance, choose, dashboardStage, isLive } from './dashboard.ts'

const ARRIVES = ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'] as const

describe.skipIf(!hasBrowser)('at the dashboard', () => {
  const stage = dashboardStage('operator')
  const expression = (page: Page) => page.getByRole('textbox', { name: 'Expression' })
  const stands = (page: Page, word: string) =>
    page.locator('.detail-head').getByText(word, { exact: true }).waitFor()
  const campaignFor = async (profile: string) => {
    const [release] = (await stage.platform.api('listReleases', { query: { profile } })).items
    return stage.platform.api('createCampaign', {
      body: {
        name: `${profile} for all`,
        releaseId: release?.id ?? '',
        audience: { expression: `profile == "${profile}"` },
        settings: { waves: [], maxFailurePercentage: 100, stopRule: null },
      },
    })
  }

  test('a campaign is tried dry, begun, and seen to reach every device', async () => {
    const { devices } = await stage.fleet('pump', 3, ['2'])
    const page = await stage.open('/campaigns')
    await page.getByRole('link', { name: 'New campaign' }).first().click()
    await choose(page, 'Release', 'pump 2')
    await expression(page).fill('name in ["pump-1", "pump-2"]')
    await page.getByText('2 devices', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('button', { name: 'Next' }).click()
    await page.getByRole('row', { name: /pump-2 asked/ }).waitFor()
    expect(await page.getByRole('row', { name: /pump-3/ }).count()).toBe(0)
    const before = await stage.platform.api('listCampaigns', { query: { search: 'pump' } })
    expect(before.items).toEqual([])
    const save = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Export as CSV' }).click()
    expect((await save).suggestedFilename()).toBe('dry-run-pump-2.csv')

    await page.getByRole('button', { name: 'Start the campaign (2 devices)' }).click()
    await stands(page, 'in progress')
    await isLive(page)
    await page.evaluate('globalThis.isAsItWas = true')
    const tab = (word: string, count: number) =>
      page.getByRole('tab', { name: `${word} ${count}`, exact: true }).waitFor()
    await advance(devices[0], ARRIVES)
    await tab('successful', 1)
    await advance(devices[1], ARRIVES)
    await stands(page, 'done')
    await tab('successful', 2)
    expect(await page.evaluate('globalThis.isAsItWas')).toBe(true)
  })

  test('it is paused and resumed, what failed is tried again, and the rest is cancelled', async () => {
    const { devices } = await stage.fleet('valve', 2, ['2'])
    const { id } = await campaignFor('valve')
    const page = await stage.open(`/campaigns/${id}`)
    await isLive(page)
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
    const chooseAct = async (name: string) => {
      await page.getByRole('dialog', { name: 'valve for all' }).getByLabel('More').click()
      await page.getByRole('menuitem', { name }).click()
    }
    await press('Pause')
    await stands(page, 'paused')
    expect(await devices[0]?.offers()).toEqual([])
    await press('Resume')
    await stands(page, 'in progress')

    await advance(devices[0], ['DOWNLOADING'], 'flash write failed at 0x4000')
    await page.getByRole('row', { name: /valve-1 flash write failed/ }).waitFor()
    await chooseAct('Try 1 device again')
    await page.getByRole('tab', { name: 'failed 0', exact: true }).waitFor()
    await advance(devices[0], ARRIVES)
    await page.getByRole('tab', { name: 'successful 1', exact: true }).waitFor()

    await chooseAct('Cancel the campaign')
    await press('Cancel the campaign')
    await stands(page, 'cancelled')
    expect(await devices[1]?.offers()).toEqual([])
    await page.goto(await stage.devicePath('valve-1'))
    await page.getByRole('link', { name: 'valve for all' }).waitFor()
  })

  test('a mistake in an expression is shown where it is; mended, it makes a group', async () => {
    await stage.fleet('meter', 2)
    const page = await stage.open('/groups')
    await page.getByRole('button', { name: 'Add a group' }).first().click()
    const dialog = page.getByRole('dialog', { name: 'Add a group' })
    await dialog.getByRole('textbox', { name: 'Name' }).fill('All meters')
    await expression(page).fill('profle == "meter"')
    const mistake = dialog.getByRole('alert')
    await mistake.getByText('column 1').waitFor()
    expect(await mistake.locator('mark').textContent()).toBe('profle')
    const add = dialog.getByRole('button', { name: 'Add the group' })
    expect(await add.isDisabled()).toBe(true)
    await expression(page).fill('profile == "meter"')
    await dialog.getByText('meter-1, meter-2').waitFor()
    await add.click()
    const details = page.getByRole('dialog', { name: 'All meters' })
    await details.getByText('Holds 2 devices now').waitFor()
    await details.getByText('all-meters', { exact: true }).waitFor()
  })

  test('a system model is added, changed and removed', async () => {
    const page = await stage.open('/groups')
    await page.getByRole('tab', { name: 'System models' }).click()
    await page.getByRole('button', { name: 'Add a system model' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('textbox', { name: 'Name' }).fill('Relay box')
    const numbers = dialog.getByLabel('Part numbers')
    await numbers.fill('RB-1')
    await numbers.press('Enter')
    await dialog.getByRole('button', { name: 'Add the system model' }).click()
    await page.getByRole('row', { name: /Relay box relay-box RB-1/ }).waitFor()

    const more = page.getByRole('button', { name: 'Relay box: more' })
    await more.click()
    await page.getByRole('menuitem', { name: 'Change' }).click()
    await numbers.fill('RB-2')
    await numbers.press('Enter')
    await dialog.getByRole('button', { name: 'Change' }).click()
    await page.getByRole('row', { name: /RB-1, RB-2/ }).waitFor()
    await more.click()
    await page.getByRole('menuitem', { name: 'Remove' }).click()
    await page.getByRole('button', { name: 'Remove the system model' }).click()
    await page.getByText('No system models yet').waitFor()
  })

  test('who may only look is shown campaigns and nothing to press', async () => {
    await stage.fleet('lamp', 1, ['2'])
    const { id } = await campaignFor('lamp')
    const viewer = await stage.platform.person('vic', 'viewer')
    const page = await stage.platform.browser.openAs(viewer, `/campaigns/${id}`)
    await stands(page, 'in progress')
    const names = await page.getByRole('button').allInnerTexts()
    expect(names.filter((name) => /Pause|Cancel|More/.test(name))).toEqual([])
    await page.goto('/campaigns')
    await page.getByRole('row', { name: /lamp for all/ }).waitFor()
    expect(await page.getByRole('link', { name: 'New campaign' }).count()).toBe(0)
  })
})
