/** What holds for hawkBit's clients of a profile, in a browser: read, changed, and put into their configurations. */
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { dashboardStage } from './dashboard.ts'

describe.skipIf(!hasBrowser)("hawkBit's clients of a profile", () => {
  const stage = dashboardStage('operator', async ({ platform }) => {
    const id = await platform.addProfile('gateway')
    await platform.api('enableProvisioning', { params: { id }, body: { key: 'a key of gateways' } })
  })

  test.each(['light', 'dark'] as const)(
    'are told apart, let in and proven as somebody says, in the %s',
    async (scheme) => {
      const path = await stage.profilePath('gateway')
      const id = path.split('/')[2] ?? ''
      const usual = {
        client: null,
        confirmedBy: null,
        handling: 'forced',
        gatewayToken: false,
      } as const
      await stage.platform.api('changeHawkbitSettings', { params: { id }, body: usual })
      const page = await stage.open(path, { scheme })
      const heading = page.getByRole('heading', { name: 'hawkBit', exact: true })
      // Sections hold sections: the innermost is its own.
      const card = page.locator('section', { has: heading }).last()
      await card.getByText('known by what they say of themselves').waitFor()
      await card.getByRole('button', { name: 'Change' }).click()
      const dialog = page.getByRole('dialog', { name: 'hawkBit for gateway' })
      await dialog.getByRole('combobox', { name: 'Clients' }).click()
      await page.getByRole('option', { name: 'rauc-hawkbit-updater' }).click()
      // It can ask nobody.
      expect(await dialog.getByLabel('Ask somebody at the device').count()).toBe(0)
      await dialog.getByRole('combobox', { name: 'An update counts' }).click()
      await page.getByRole('option', { name: 'when an attribute tells the version' }).click()
      await dialog.getByLabel('Attribute').fill('sw')
      await dialog.getByLabel('Devices come in with the key of this profile').check({ force: true })
      await dialog.getByRole('button', { name: 'Set it' }).click()
      await card.getByText('when sw tells the version').waitFor()
      await card.getByText('rauc-hawkbit-updater', { exact: true }).first().waitFor()
      await card.getByText('What is put into their configurations').click()
      await card.getByText('gatewaytoken = "a key of gateways"').waitFor()
      const { UPDRAFT_TEST_PICTURES: pictures } = process.env
      if (pictures) await page.screenshot({ path: `${pictures}/${scheme}.png`, fullPage: true })
      const settings = await stage.platform.api('showHawkbitSettings', { params: { id } })
      expect(settings).toMatchObject({
        client: 'rauc',
        confirmedBy: 'version-attribute',
        versionAttribute: 'sw',
        gatewayToken: true,
      })
    },
  )
})
