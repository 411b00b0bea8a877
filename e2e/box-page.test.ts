/** The page of a box in a real browser: what somebody in front of it does, and what they see of what others do. */
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { archiveOf } from '@updraft/agent/box/handlers/archive.test-helper'
import type { AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { launchBrowser } from '../tools/chromium.ts'
import { type BoxProcess, boxProcess, imageBytes, PIN } from './box-process.ts'
import { hasBrowser } from './browser.ts'
import { type TestPlatform, testPlatform } from './platform.ts'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 })

describe.skipIf(!hasBrowser)('at the page of a box', () => {
  let platform: TestPlatform
  let browser: Browser
  let box: BoxProcess
  const complaints: string[] = []

  beforeAll(async () => {
    platform = await testPlatform()
    browser = await launchBrowser()
    await platform.addProfile('Kassa')
    for (const version of ['1', '2']) {
      const drivers = {
        'drivers/scale.mjs': `export const devices = async () => [{ id: 's', name: 'Scale ${version}', type: 'scale' }]`,
        'interfaces/serial.mjs': 'export const start = async () => {}',
        // So large that bytes are seen to come.
        'lib/font.js': `export default '${noise(400_000)}'`,
      }
      await add('handlers', version, new Uint8Array(archiveOf(drivers)))
    }
    await add('image', '25.1.0', imageBytes('25.1.0'))
    const token = await platform.addDevice('till', 'Kassa')
    box = await boxProcess(
      ['--server', platform.url, '--wait-seconds', '2', '--max-bytes-per-second', '30000'],
      { UPDRAFT_DEVICE_TOKEN: token },
    )
    await assign('handlers', '1')
    await box.until(({ layers, job }) => layers.handlers.active?.version === '1' && !job)
  })
  afterEach(async () => {
    await Promise.all(browser.contexts().map((context) => context.close()))
    expect(complaints.splice(0)).toEqual([])
  })
  afterAll(async () => {
    await browser?.close()
    await box?.remove()
    await platform?.stop()
  })

  const add = (title: string, version: string, bytes: Uint8Array<ArrayBuffer>) =>
    platform.addRelease({
      title,
      version,
      profile: 'Kassa',
      type: title,
      bytes,
      fileName: title === 'handlers' ? 'handlers.zip' : 'image.img',
    })
  const assign = async (title: string, version: string) => {
    const { items } = await platform.api('listReleases', { query: { title } })
    const id = items.find((item) => item.version === version)?.id ?? ''
    await platform.assign(id, { device: 'till' }, title)
  }
  const open = async (path = '/', options: object = {}): Promise<Page> => {
    const context = await browser.newContext({
      baseURL: box.url,
      reducedMotion: 'reduce',
      ...options,
    })
    context.setDefaultTimeout(60_000)
    const page = await context.newPage()
    page.on('pageerror', ({ message }) => complaints.push(message))
    await page.goto(path)
    return page
  }
  const signedIn = async (options: object = {}): Promise<Page> => {
    const page = await open('/sign-in', options)
    await page.getByLabel('PIN').fill(PIN)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
    return page
  }
  const version = (page: Page, layer: string) => page.locator(`[data-layer=${layer}]`)

  test('who has not shown the PIN reads everything and is led to the sign-in by each button', async () => {
    const page = await open()
    await page.getByText('drivers/scale.mjs').waitFor()
    await page.getByText('Scale 1').waitFor()
    expect(await version(page, 'handlers').textContent()).toBe('1')
    await page.getByRole('link', { name: 'Load handlers' }).first().click()
    await page.getByLabel('PIN').fill('000000')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('The PIN is wrong.').waitFor()
  })

  test('without scripts it is read, and its buttons work all the same', async () => {
    const page = await signedIn({ javaScriptEnabled: false })
    await page.getByRole('button', { name: 'Load handlers' }).first().click()
    await page.getByText('It has begun.').waitFor()
    await box.until(({ job }) => job === null)
    await page.goto('/')
    await page.getByText('There is nothing newer for this box.').waitFor()
  })

  test('handlers are loaded by the button, seen live by two, and by whoever comes back', async () => {
    const { id } = await platform.device('till')
    await platform.api('setBoxForm', { params: { id }, body: { automaticDriversUpdate: false } })
    await assign('handlers', '2')
    const one = await signedIn()
    const other = await open()
    await one.getByText('waits:').waitFor()
    await one.getByRole('button', { name: 'Load handlers' }).first().click()
    for (const page of [one, other]) {
      await page.getByText('downloading', { exact: true }).waitFor()
      await page.getByText('Safe to unplug: yes').waitFor()
      await page.getByText(/B\/s/).waitFor()
    }
    // Closed and opened again, it is the same job.
    await other.close()
    const again = await open()
    await again.getByRole('heading', { name: 'Load handlers' }).waitFor()
    for (const page of [one, again]) {
      await page.getByText('Scale 2').waitFor()
      await expect.poll(() => version(page, 'handlers').textContent()).toBe('2')
    }
    expect((await platform.history('till'))[0]?.at(-1)).toBe('UPDATED')

    one.on('dialog', (dialog) => void dialog.accept())
    await one.getByRole('button', { name: 'Roll back to 1' }).click()
    await again.getByText('Scale 1').waitFor()
    await expect.poll(() => version(again, 'handlers').textContent()).toBe('1')
  })

  test('an upgrade of the image restarts the box, and the page waits for the new one', async () => {
    await assign('image', '25.1.0')
    const page = await signedIn({ viewport: { width: 390, height: 844 } })
    await page.getByRole('button', { name: 'Upgrade to 25.1.0' }).click()
    await page.getByRole('heading', { name: 'Upgrade image' }).waitFor()
    await expect
      .poll(() => version(page, 'image').textContent(), { timeout: 90_000 })
      .toBe('25.1.0')
    await page.getByText('Updated image@25.1.0').waitFor()
    // Still signed in: a restart asks nobody for the PIN again.
    await page.getByRole('button', { name: 'Sign out' }).waitFor()
  })

  test('logs are read, and a restart of the program is waited for', async () => {
    const page = await signedIn()
    await page.getByRole('link', { name: 'Logs' }).click()
    await page.getByText('The box starts.').first().waitFor()
    await page.getByRole('link', { name: 'Back to the box' }).click()
    const { start } = await box.status()
    page.on('dialog', (dialog) => void dialog.accept())
    // It stands there only until the program is up again.
    const told = page.getByText('The box restarts').first().waitFor()
    await page.getByRole('button', { name: 'Restart the program' }).click()
    await told
    await page.locator(`body:not([data-start="${start}"])`).waitFor()
    await page.getByText('drivers/scale.mjs').waitFor()
  })

  test('nothing is grave for who sees or points otherwise, in light and dark, wide and on a phone', async () => {
    const axe = await readFile(AXE, 'utf8')
    const found: string[] = []
    for (const [colorScheme, width] of [
      ['light', 1440],
      ['dark', 390],
    ]) {
      const page = await signedIn({ colorScheme, viewport: { width, height: 844 } })
      for (const path of ['/', '/logs']) {
        await page.goto(path)
        await page.getByRole('heading').first().waitFor()
        await page.evaluate(axe)
        const { violations } = (await page.evaluate(
          "axe.run(document, { resultTypes: ['violations'] })",
        )) as AxeResults
        for (const { id, nodes } of violations) {
          found.push(`${colorScheme} ${path} ${id}: ${nodes.map(({ html }) => html).join('\n')}`)
        }
        // Nothing is cut off, and nobody has to scroll sideways.
        const isTooWide = 'document.documentElement.scrollWidth > innerWidth'
        if (await page.evaluate(isTooWide)) found.push(`${colorScheme} ${path} is too wide`)
      }
    }
    expect(found).toEqual([])
  })
})

/** Letters that do not pack well. */
function noise(length: number): string {
  let state = 1
  return Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return String.fromCharCode(97 + ((state >>> 16) % 26))
  }).join('')
}
