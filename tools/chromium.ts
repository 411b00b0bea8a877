/** Debian's Chromium, in the hands of tests and of whoever takes pictures. */
import { type Browser, chromium } from 'playwright-core'
import { pathOf } from './services.mjs'

/** Rejects where there is none. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = pathOf('chromium')
  if (executablePath === undefined) throw new Error('There is no chromium on this machine.')
  // Its sandbox does not let itself be set up by root.
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  return chromium.launch({ executablePath, args })
}
