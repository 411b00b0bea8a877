/** An update as its operators see it: from what is going on to one device's reason, and what they do about it. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type DashboardPlatform, dashboardPlatform, hasBrowser, type Person } from './browser.ts'
import { runs, type TestDevice, testDevice } from './device.ts'

const REASON = 'flash write failed at 0x4000'

describe.skipIf(!hasBrowser)('at the dashboard', () => {
  let platform: DashboardPlatform
  let ada: Person

  beforeAll(async () => {
    platform = await dashboardPlatform()
    ada = await platform.person('ada', 'operator')
  })
  afterEach(() => platform.browser.closeAll())
  afterAll(() => platform?.stop())

  /** Devices of that profile, named after it, that run version 1 and are assigned none of the others. */
  const fleet = async (profile: string, size: number, versions: readonly string[]) => {
    await platform.addProfile(profile)
    const releases = new Map<string, string>()
    for (const version of versions) {
      const bytes = new TextEncoder().encode(`${profile} ${version}`)
      releases.set(version, await platform.addRelease({ title: profile, version, profile, bytes }))
    }
    const devices: TestDevice[] = []
    for (let n = 1; n <= size; n += 1) {
      const token = await platform.addDevice(`${profile}-${n}`, profile)
      const device = testDevice(platform.url, token)
      await device.offers(runs(`${profile}@1`))
      devices.push(device)
    }
    const assign = (version: string) => platform.assign(releases.get(version) ?? '', { profile })
    return { devices, assign }
  }
  const profilePath = async (name: string) =>
    `/profiles/${(await platform.api('listProfiles', { query: { name } })).items[0]?.id}`
  const devicePath = async (name: string) => `/devices/${(await platform.device(name)).id}`

  test('each counter of the overview opens the devices it counts', async () => {
    const { devices, assign } = await fleet('lamp', 4, ['2'])
    await assign('2')
    const [, second, third, fourth] = devices
    await advance(second, ['DOWNLOADING'])
    await advance(third, ['DOWNLOADING', 'UPDATED'])
    await advance(fourth, ['DOWNLOADING'], REASON)
    const page = await platform.browser.openAs(ada, '/')
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
    const { devices, assign } = await fleet('valve', 1, ['2'])
    await assign('2')
    const [device] = devices
    await advance(device, ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING'], REASON)
    const page = await platform.browser.openAs(ada, '/')
    const line = page.getByRole('listitem').filter({ hasText: '1 device failed valve 2' })
    await line.getByText(REASON).waitFor()
    await line.getByRole('link', { name: 'See them' }).click()
    await page.getByRole('row', { name: /valve-1/ }).click()
    const dialog = page.getByRole('dialog', { name: 'valve-1' })
    await dialog.getByText(REASON).first().waitFor()

    const other = await platform.browser.openAs(ada, await devicePath('valve-1'))
    const otherDialog = other.getByRole('dialog', { name: 'valve-1' })
    await otherDialog.getByText(REASON).first().waitFor()
    const windows = [page, other]
    for (const window of windows) {
      await window
        .getByRole('status')
        .filter({ hasText: /^live$/ })
        .waitFor()
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
    await fleet('meter', 3, ['2', '3'])
    const page = await platform.browser.openAs(ada, await profilePath('meter'))
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await choose(page, 'Release', 'meter 2')
    await page.getByText('This will update 3 devices').waitFor()
    expect((await platform.device('meter-1')).components.firmware?.target ?? null).toBeNull()
    await page.getByRole('button', { name: 'Update 3 devices' }).click()
    await page.getByText('meter is assigned it.').waitFor()

    await page.goto(await devicePath('meter-1'))
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
})

/** The device takes what it is offered, says those states, and last of all why it failed if it did. */
async function advance(device: TestDevice | undefined, states: readonly string[], error?: string) {
  const offer = await device?.offer()
  const say = (words: object) => device?.report(offer?.operation ?? '', words)
  for (const state of states) await say({ state })
  if (error) await say({ state: 'FAILED', error })
}

/** That those rows are there, and no others of names that begin so. */
const seen = (page: Page, beginning: string, names: readonly string[]) =>
  expect
    .poll(() => page.getByRole('row').getByText(beginning).allInnerTexts(), { timeout: 20_000 })
    .toEqual(names)

async function choose(page: Page, label: string, option: string) {
  await page.getByLabel(label).first().click()
  await page.getByRole('option', { name: option, exact: true }).click()
}
