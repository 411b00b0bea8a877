/** What holds for hawkBit's clients of a profile, in a browser: read, changed, and put into their configurations. */
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { dashboardStage } from './dashboard.ts'
import { hawkbitDevice } from './hawkbit-device.ts'

const FINGERPRINT = 'AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01'

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
        versionAttribute: null,
        versionType: 'firmware',
        severalChunks: false,
        pollSeconds: null,
        authorities: [] as string[],
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
      await dialog.getByLabel('Version attribute').fill('sw')
      await dialog.getByLabel('Its component').fill('software')
      // How many releases it takes is known.
      expect(await dialog.getByLabel('Several releases at a time').count()).toBe(0)
      await dialog.getByLabel('They come every').fill('90')
      await dialog.getByLabel('Authorities').fill(FINGERPRINT)
      await page.keyboard.press('Enter')
      await dialog.getByLabel('Devices come in with the key of this profile').check({ force: true })
      await dialog.getByRole('button', { name: 'Set it' }).click()
      await card.getByText('when sw tells the version').waitFor()
      await card.getByText('rauc-hawkbit-updater', { exact: true }).first().waitFor()
      await card.getByText('sw tells that of software').waitFor()
      await card.getByText('every 1 min 30 s').waitFor()
      await card.getByText(FINGERPRINT.toLowerCase()).waitFor()
      await card.getByText('What is put into their configurations').click()
      await card.getByText('gatewaytoken = "a key of gateways"').waitFor()
      const { UPDRAFT_TEST_PICTURES: pictures } = process.env
      if (pictures) await page.screenshot({ path: `${pictures}/${scheme}.png`, fullPage: true })
      const settings = await stage.platform.api('showHawkbitSettings', { params: { id } })
      expect(settings).toMatchObject({
        client: 'rauc',
        confirmedBy: 'version-attribute',
        versionAttribute: 'sw',
        versionType: 'software',
        pollSeconds: 90,
        authorities: [FINGERPRINT.toLowerCase()],
        gatewayToken: true,
      })
    },
  )

  test('of no known kind take one release at a time, or several where somebody says so', async () => {
    const path = await stage.profilePath('gateway')
    const id = path.split('/')[2] ?? ''
    const body = { client: 'ddi', severalChunks: false, confirmedBy: null } as const
    await stage.platform.api('changeHawkbitSettings', { params: { id }, body })
    const page = await stage.open(path, { width: 390 })
    const heading = page.getByRole('heading', { name: 'hawkBit', exact: true })
    const card = page.locator('section', { has: heading }).last()
    await card.getByText('one at a time').waitFor()
    await card.getByRole('button', { name: 'Change' }).click()
    const dialog = page.getByRole('dialog', { name: 'hawkBit for gateway' })
    await dialog.getByLabel('Several releases at a time').check({ force: true })
    await dialog.getByLabel('They come every').fill('')
    const { UPDRAFT_TEST_PICTURES: pictures } = process.env
    if (pictures) await page.screenshot({ path: `${pictures}/narrow-dialog.png`, fullPage: true })
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await card.getByText('several at a time').waitFor()
    await card.getByText('as often as the server says').waitFor()
    if (pictures) await page.screenshot({ path: `${pictures}/narrow.png`, fullPage: true })
    const width = await page.evaluate('document.documentElement.scrollWidth')
    expect(width).toBeLessThanOrEqual(390)
  })

  test('one is asked for its attributes on its page', async () => {
    const { platform } = stage
    const token = await platform.addDevice('asked', 'gateway')
    const authorization = `TargetToken ${token}`
    const device = hawkbitDevice({ url: platform.url, controllerId: 'asked', authorization })
    await platform.api('changeHawkbitSettings', {
      params: { id: (await stage.profilePath('gateway')).split('/')[2] ?? '' },
      body: { client: null, targetToken: true },
    })
    await device.ask('PUT', '/configData', { body: { data: { serial: 'A1' } } })
    expect(await device.linked('configData')).toBeUndefined()
    const { id } = await platform.device('asked')
    const page = await stage.open(`/devices/${id}`)
    await page.getByText('What it tells of itself').waitFor()
    await page.getByRole('button', { name: 'Ask anew' }).click()
    await page.getByText('asked is asked when it next comes.').waitFor()
    expect(await device.linked('configData')).toBeDefined()
  })
})
