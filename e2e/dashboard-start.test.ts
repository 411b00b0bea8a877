/** From an empty server to the first updated device, by the dashboard and a real agent. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type DashboardPlatform, hasBrowser } from './browser.ts'
import { choose, dashboardStage, isLive } from './dashboard.ts'
import { run } from './program.ts'

describe.skipIf(!hasBrowser)('somebody who is new', () => {
  const stage = dashboardStage('operator')

  test('is led to a first update, and sees it arrive', async () => {
    const page = await stage.open('/')
    await page.getByRole('link', { name: 'Set up the first update' }).click()
    await step(page, 'Make a profile').click()
    await page.getByLabel('Name').fill('lamp')
    await page.getByRole('button', { name: 'Add the profile' }).click()
    await page.getByRole('dialog', { name: 'lamp' }).waitFor()

    await page.goto('/start')
    await step(page, 'Add a device').click()
    await page.getByLabel('Name').fill('lamp-1')
    await page.getByRole('button', { name: 'Add the device' }).click()
    const dialog = page.getByRole('dialog', { name: 'lamp-1' })
    await dialog.getByText('The token is shown once').waitFor()
    const token = (await dialog.locator('code').first().textContent()) ?? ''
    await dialog.getByRole('button', { name: 'Watch the device' }).click()
    await page.getByText('No firmware is assigned.').waitFor()

    const bytes = new TextEncoder().encode('a brighter lamp')
    await stage.platform.addRelease({ title: 'lamp', version: '1.1.0', profile: 'lamp', bytes })
    await page.goto('/start')
    await step(page, 'Assign it to lamp').click()
    await page.getByRole('button', { name: 'Assign', exact: true }).click()
    await choose(page, 'Release', 'lamp 1.1.0')
    await page.getByRole('button', { name: 'Update 1 device' }).click()
    await page.getByText('lamp is assigned it.').waitFor()

    await page.goto('/start')
    await step(page, 'See the devices').click()
    const row = page.getByRole('row', { name: /lamp-1/ })
    await row.getByText('waiting').waitFor()
    await isLive(page)
    expect(await updateOnce(stage.platform, token)).toBe('a brighter lamp')
    await row.getByText('updated').waitFor()
    await page.goto('/start')
    await page.getByRole('heading', { name: 'Your first update is done' }).waitFor()
  })
})

/** What is to be done now. */
const step = (page: Page, name: string) =>
  page.getByRole('listitem').getByRole('link', { name, exact: true })

/** Runs the agent as the device of that token; answers with what it has installed. */
async function updateOnce(platform: DashboardPlatform, token: string): Promise<string> {
  const folder = join(platform.dataFolder, 'device')
  const installed = join(folder, 'installed.bin')
  const script = join(folder, 'install')
  await mkdir(folder)
  await writeFile(script, `#!/bin/sh\ncp "$1" ${installed}\n`)
  await chmod(script, 0o755)
  const { exitCode, stderr } = await run(
    'updraft-agent',
    [
      ...['--once', '--server', platform.url, '--state', join(folder, 'state')],
      ...['--installed', 'firmware=lamp@1.0.0', '--install-script', script],
      ...['--first-check-in-seconds', '0'],
    ],
    { UPDRAFT_DEVICE_TOKEN: token },
  )
  expect(exitCode, stderr).toBe(0)
  return readFile(installed, 'utf8')
}
