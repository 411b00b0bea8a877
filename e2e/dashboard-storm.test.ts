/** Hundreds of updates at once before open tabs: what is shown keeps up, and is not asked for at each event. */
import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { hasBrowser } from './browser.ts'
import { advance, dashboardStage, isLive } from './dashboard.ts'

const DEVICES = 80
const AT_ONCE = 8
const STATES = ['DOWNLOADING', 'DOWNLOADED', 'VERIFIED', 'UPDATING', 'UPDATED']
/** The last of what happened is read after that many more. */
const MORE = 3

describe.skipIf(!hasBrowser)('a fleet that updates all at once', () => {
  const stage = dashboardStage('operator')

  test('is read anew once in a second at most, and all tabs tell the same in the end', async () => {
    const { devices, assign } = await stage.fleet('meter', DEVICES, ['2'])
    await assign('2')
    const pages = [await stage.open('/'), await stage.open('/'), await stage.open('/devices')]
    await Promise.all(pages.map(isLive))
    const asked = pages.map(countsOf)
    const beganMs = performance.now()
    const left = devices.values()
    const update = async () => {
      for (const device of left) await advance(device, STATES)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, update))
    const [first, second, list] = pages as [Page, Page, Page]
    for (const page of [first, second]) {
      await page.getByRole('link', { name: `Updated ${DEVICES}` }).waitFor()
      await page.locator('.field').getByText('100 %').waitFor()
    }
    await expect.poll(() => list.getByRole('row', { name: /updated/i }).count()).toBeGreaterThan(10)
    await expect.poll(() => list.getByRole('row', { name: /downloading/i }).count()).toBe(0)
    const seconds = (performance.now() - beganMs) / 1000
    for (const counts of asked) {
      expect(counts.size).toBeGreaterThan(0)
      for (const [path, times] of counts) expect(times, path).toBeLessThanOrEqual(seconds + MORE)
    }
  })
})

/** How often each address of the API is asked from now on. */
function countsOf(page: Page): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  page.on('request', (request) => {
    const { pathname, search } = new URL(request.url())
    if (!pathname.startsWith('/api/')) return
    counts.set(pathname + search, (counts.get(pathname + search) ?? 0) + 1)
  })
  return counts
}
