/** No page keeps anybody out: axe looks at each of them, in light and in dark. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DashboardPlatform, dashboardPlatform, hasBrowser, type Person } from './browser.ts'
import { runs, testDevice } from './device.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')
const GRAVE = new Set(['serious', 'critical'])

describe.skipIf(!hasBrowser)('in light and in dark', () => {
  let platform: DashboardPlatform
  let ada: Person
  let axe: string

  beforeAll(async () => {
    axe = await readFile(AXE, 'utf8')
    platform = await dashboardPlatform()
    ada = await platform.person('ada', 'system-administrator')
    await fill(platform)
  })
  afterEach(() => platform.browser.closeAll())
  afterAll(() => platform?.stop())

  /** What is grave on the page as it stands, as `scheme rule: the elements`. */
  const grave = async (page: Page) => {
    await page.evaluate(axe)
    const found: string[] = []
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme })
      await page.locator(`html[data-mantine-color-scheme=${scheme}]`).waitFor()
      // Colours that are still on their way from one scheme to the other are nobody's fault.
      await page.evaluate(
        'Promise.allSettled(document.getAnimations().map(({ finished }) => finished))',
      )
      const { violations } = (await page.evaluate(
        "axe.run(document, { resultTypes: ['violations'] })",
      )) as AxeResults
      for (const { id, impact, nodes } of violations) {
        if (!GRAVE.has(impact ?? '')) continue
        found.push(`${scheme} ${id}: ${nodes.map(({ html }) => html).join('\n')}`)
      }
    }
    return found
  }

  test('nothing is grave at the sign-in', async () => {
    const page = await platform.browser.open('/sign-in')
    await page.getByRole('button', { name: 'Sign in' }).waitFor()
    expect(await grave(page)).toEqual([])
  })

  test.each([
    ['/', 'In the field'],
    ['/start', 'Drop a file'],
    ['/devices', 'lamp-4'],
    ['/devices?add=lamp', 'Labels'],
    ['/packages', '2.0.0'],
    ['/packages?add=file', 'Add a package'],
    ['/profiles', 'lamp-fw'],
    ['/profiles?add=profile', 'Description'],
    ['/audit', 'ada'],
    ['/settings', 'Role'],
    ['/settings?part=tokens', 'token'],
    ['/settings?part=updates', 'seconds'],
    ['/settings?part=people', 'ada'],
    ['/settings?part=customers', 'customer'],
    ['/settings?part=tenants', 'tenant'],
    ['/no-such-place', 'To the overview'],
  ])('nothing is grave at %s', async (path, words) => {
    const page = await platform.browser.openAs(ada, path)
    await page.getByText(words).first().waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave in the details of a device, a package and a profile', async () => {
    const [release] = (await platform.api('listReleases', {})).items
    const [profile] = (await platform.api('listProfiles', {})).items
    const { id } = await platform.device('lamp-4')
    const page = await platform.browser.openAs(ada, '/')
    for (const [path, words] of [
      [`/devices/${id}`, 'no room'],
      [`/packages/${release?.id}`, 'Checksum'],
      [`/profiles/${profile?.id}`, 'Assigned'],
    ] as const) {
      await page.goto(path)
      await page.getByRole('dialog').getByText(words).first().waitFor()
      expect(await grave(page), path).toEqual([])
    }
  })

  test('nothing is grave while a package is added, with a caution and a refusal', async () => {
    const page = await platform.browser.openAs(ada, '/packages?add=file')
    const dialog = page.getByRole('dialog')
    const buffer = Buffer.from('lamp 2.0.0')
    const file = { name: 'lamp & fw-2.0.0.bin', mimeType: 'text/plain', buffer }
    await dialog.locator('input[type=file]').setInputFiles(file)
    await dialog.getByText('It is on the server').waitFor()
    await dialog.getByRole('combobox', { name: 'Profile' }).click()
    await page.getByRole('option', { name: 'lamp' }).click()
    await dialog.getByRole('button', { name: 'More' }).click()
    await dialog.getByLabel('Its value').fill('0'.repeat(64))
    await dialog.getByRole('button', { name: 'Add the package' }).click()
    await dialog.getByText(/SHA256 is/).waitFor()
    expect(await grave(page)).toEqual([])
  })

  test('nothing is grave in the search', async () => {
    const page = await platform.browser.openAs(ada, '/devices')
    await page.getByText('lamp-4').waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('textbox', { name: 'Search everything' }).fill('lamp')
    await page.getByRole('option', { name: /lamp-4/ }).waitFor()
    expect(await grave(page)).toEqual([])
  })
})

/** Devices in several states, so that each of them is seen. */
async function fill(platform: DashboardPlatform) {
  await platform.addProfile('lamp')
  const bytes = new TextEncoder().encode('lamp 2.0.0')
  const release = { title: 'lamp-fw', version: '2.0.0', profile: 'lamp', bytes }
  const releaseId = await platform.addRelease(release)
  const devices = await Promise.all(
    [1, 2, 3, 4, 5].map(async (n) =>
      testDevice(platform.url, await platform.addDevice(`lamp-${n}`, 'lamp', ['beta'])),
    ),
  )
  for (const device of devices) await device.offers(runs('lamp-fw@1.0.0'))
  await platform.assign(releaseId, { profile: 'lamp' })
  const ways = [
    [],
    [{ state: 'DOWNLOADING', progress: 40 }],
    [{ state: 'UPDATING' }],
    [{ state: 'FAILED', error: 'no room on the flash' }],
    [{ state: 'UPDATED' }],
  ]
  for (const [index, reports] of ways.entries()) {
    const device = devices[index]
    if (!device || reports.length === 0) continue
    const { operation } = await device.offer()
    for (const words of reports) await device.report(operation, words)
  }
}
