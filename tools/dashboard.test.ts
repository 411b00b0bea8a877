import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { ensureDashboard, firstLoad } from './dashboard.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const MOST_BYTES = 350_000
/** It may have to be built first. */
const PATIENCE_MS = 120_000

test(
  'sign-in and overview come in at most 350 kB, compressed, script, styles and font',
  async () => {
    await ensureDashboard(ROOT, process.execPath)
    const files = [...firstLoad(ROOT)].sort(([, a], [, b]) => b - a)
    const bytes = files.reduce((sum, [, size]) => sum + size, 0)
    const largest = files.slice(0, 8).map(([file, size]) => `${size} ${file}`)
    console.log(
      `The dashboard's first load: ${(bytes / 1000).toFixed(1)} kB in ${files.length} files.`,
    )
    for (const kind of [/index-.*\.js$/, /overview-.*\.js$/, /index-.*\.css$/, /\.woff2$/]) {
      expect(
        files.some(([file]) => kind.test(file)),
        String(kind),
      ).toBe(true)
    }
    expect(bytes, largest.join('\n')).toBeLessThanOrEqual(MOST_BYTES)
  },
  PATIENCE_MS,
)
