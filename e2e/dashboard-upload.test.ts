/** A file that is dropped becomes a package, though its connection breaks and the page is closed in between. */
import { createHash, randomFillSync } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { choose, dashboardStage } from './dashboard.ts'

/** Many times what one request takes. */
const MEGABYTES = 300
const file = join(tmpdir(), `lamp-fw-${process.pid}.3.1.bin`)

describe.skipIf(!hasBrowser)('a large file', () => {
  let sha256: string
  const stage = dashboardStage('operator', async ({ fleet }) => {
    sha256 = await writeLarge()
    await fleet('lamp', 1)
  })
  afterAll(() => rm(file, { force: true }))

  const take = async (page: Page) => {
    await page.locator('input[type=file]').setInputFiles(file)
    await page.getByText(/ left$/).waitFor()
  }
  const has = async (page: Page): Promise<number> => {
    const text = (await page.locator('.add-upload-words').textContent()) ?? ''
    return Number(/^([\d.]+) MB of 300 MB/.exec(text)?.[1])
  }

  test('goes on by itself, goes on in another tab, and is added', async () => {
    const first = await stage.open('/packages?add=file')
    const line = await lineOf(first)
    await line(true)
    await take(first)
    await line(false)
    await first.getByText('The connection broke').waitFor()
    const whenBroken = await has(first)
    expect(whenBroken).toBeGreaterThan(0)
    await line(true)
    await expect.poll(() => has(first)).toBeGreaterThan(whenBroken)
    await first.getByRole('button', { name: 'Pause' }).click()
    await first.getByText('Paused.').waitFor()

    const second = await first.context().newPage()
    await first.close()
    await second.goto(`${stage.platform.url}/packages?add=file`)
    await (await lineOf(second))(true)
    await take(second)
    await second.getByText(/^Goes on where it was, at /).waitFor()
    expect(await second.getByLabel('Version').inputValue()).toBe(`${process.pid}.3.1`)
    await second.getByLabel('Version').fill('3.1')
    await choose(second, 'Profile', 'lamp')
    await second.getByRole('button', { name: 'Add the package' }).click()
    await second.getByRole('button', { name: 'Assign it to profile lamp (1 device)' }).waitFor()

    const [release] = (await stage.platform.api('listReleases', {})).items
    expect(release).toMatchObject({ title: 'lamp-fw', version: '3.1', tag: 'lamp-fw 3.1', sha256 })
  })
})

/** Fills the file, no megabyte like another; answers its SHA-256. */
async function writeLarge(): Promise<string> {
  const hash = createHash('sha256')
  const piece = randomFillSync(Buffer.alloc(1_000_000))
  const handle = await open(file, 'w')
  for (let written = 0; written < MEGABYTES; written++) {
    piece.writeUInt32LE(written)
    hash.update(piece)
    await handle.write(piece)
  }
  await handle.close()
  return hash.digest('hex')
}

/** The line of a page: slow, so that there is time to break it, or gone. */
async function lineOf(page: Page): Promise<(isThere: boolean) => Promise<void>> {
  const line = await page.context().newCDPSession(page)
  await line.send('Network.enable')
  return async (isThere) => {
    await line.send('Network.emulateNetworkConditions', {
      offline: !isThere,
      latency: 0,
      downloadThroughput: -1,
      uploadThroughput: 40_000_000,
    })
  }
}
