/** An update as its operators see it: from what is going on to one device's reason, and what they do about it. */
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { advance, choose, dashboardStage, isLive, seen } from './dashboard.ts'

const REASON = 'flash write failed at 0x4000'

describe.skipIf(!hasBrowser)('at the dashboard', () => {
  const stage = dashboardStage('operator')

  test('each counter of the overview opens the devices it counts', async () => {
    const { devices, assign } = await stage.fleet('lamp', 4, ['2'])
    await assign('2')
    const [, second, third, fourth] = devices
    await advance(second, ['DOWNLOADING'])
    await advance(third, ['DOWNLOADING', 'UPDATED'])
    await advance(fourth, ['DOWNLOADING'], REASON)
    const page = await stage.open('/')
    for (const [counter, name] of [
      ['Waiting', 'lamp-1'],
      ['Updating', 'lamp-2'],
      ['Updated', 'lamp-3'],
      ['Failed', 'lamp-4'],
    ] as const) {
      await page.getByRole('link', { name: `${counter} 1`, exact: true }).click()
      await page.getByRole('row', { name: new RegExp(name) }).waitFor()
      await seen(page, 'lamp-', [name])
      await page.getByRole('link', { name: 'Overview' }).click()
    }
  })

  test('a failure is found, its reason read and tried again; two windows see it end well by themselves', async () => {
    const { devices, assign } = await stage.fleet('valve', 1, ['2'])
    await assign('2')
    const [device] = devices
    await advance(device, ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'], REASON)
    const page = await stage.open('/')
    const line = page.getByRole('listitem').filter({ hasText: '1 device failed valve 2' })
    await line.getByText(REASON).waitFor()
    await line.getByRole('link', { name: 'See them' }).click()
    await page.getByRole('row', { name: /valve-1/ }).click()
    const dialog = page.getByRole('dialog', { name: 'valve-1' })
    await dialog.getByText(REASON).first().waitFor()

    const other = await stage.open(await stage.devicePath('valve-1'))
    const otherDialog = other.getByRole('dialog', { name: 'valve-1' })
    await otherDialog.getByText(REASON).first().waitFor()
    const windows = [page, other]
    for (const window of windows) {
      await isLive(window)
      await window.evaluate('globalThis.isAsItWas = true')
    }

    await dialog.getByRole('button', { name: 'Try again' }).click()
    await otherDialog.getByText('valve 2: waiting').waitFor()
    await advance(device, ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED'])
    for (const window of windows) {
      await window.getByText('valve 2: updated').waitFor()
      expect(await window.evaluate('globalThis.isAsItWas')).toBe(true)
    }
  })

  test('an assignment says first how many devices it touches; one that is pinned goes its own way until unpinned', async () => {
    await stage.fleet('meter', 3, ['2', '3'])
    const page = await stage.open(await stage.profilePath('meter'))
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await choose(page, 'Release', 'meter 2')
    await page.getByText('This will update 3 devices').waitFor()
    expect((await stage.platform.device('meter-1')).components.firmware?.target ?? null).toBeNull()
    await page.getByRole('button', { name: 'Update 3 devices' }).click()
    await page.getByText('meter is assigned it.').waitFor()

    await page.goto(await stage.devicePath('meter-1'))
    const shouldRun = page.getByText('Should run').locator('..').getByRole('definition')
    await shouldRun.getByText('meter 2').waitFor()
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await choose(page, 'Release', 'meter 3')
    await page
      .getByRole('dialog', { name: /^Assign/ })
      .getByRole('button', { name: 'Assign' })
      .click()
    await shouldRun.getByText('meter 3').waitFor()
    await page.getByRole('button', { name: 'Unpin' }).click()
    await shouldRun.getByText('meter 2').waitFor()
    expect(await page.getByRole('button', { name: 'Unpin' }).count()).toBe(0)
  })

  test('one device is brought a file by hand, after a warning, and it can be taken back', async () => {
    const { devices } = await stage.fleet('pump', 1, ['2'])
    const page = await stage.open(await stage.devicePath('pump-1'))
    const drawer = page.getByRole('dialog', { name: 'pump-1', exact: true })
    const begin = async () => {
      await drawer.getByRole('button', { name: 'More' }).click()
      await page.getByRole('menuitem', { name: 'Update from a file…' }).click()
    }
    await begin()
    const dialog = page.getByRole('dialog', { name: 'Update pump-1 from a file' })
    await dialog.getByText('Nothing is checked').waitFor()
    const file = { name: 'pump-1.bin', mimeType: '', buffer: Buffer.from('with more logging') }
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByLabel('Title').fill('pump')
    await dialog.getByText('pump-1 says it runs this already').waitFor()
    await dialog.getByLabel('Version').fill('1-debug')
    await dialog.getByRole('button', { name: 'Update it, unchecked' }).click()
    await dialog.waitFor({ state: 'hidden' })
    const shouldRun = drawer.getByText('Should run').locator('..').getByRole('definition')
    await shouldRun.getByText('pump 1-debug').waitFor()
    await drawer.getByText('Brought by hand by ada, unchecked.').first().waitFor()

    await advance(devices[0], ['DOWNLOADING'])
    await begin()
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByRole('button', { name: 'Update it, unchecked' }).click()
    await dialog.getByRole('alert').getByText('The device is at pump@1-debug already').waitFor()
    await dialog.getByRole('button', { name: 'Leave it' }).click()

    await drawer.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Cancel the update' }).click()
    await drawer.getByText('Cancelled by ada.').first().waitFor()
    // Once: to try again it is brought anew.
    expect(await drawer.getByRole('button', { name: 'Try again' }).count()).toBe(0)
  })
})
