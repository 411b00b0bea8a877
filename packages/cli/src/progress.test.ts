import { expect, test } from 'vitest'
import { createProgress, progressText } from './progress.ts'

test('the line says how much, how fast and how long still', () => {
  const of = { title: 'Sending app.bin', total: 300_000_000, unit: 'bytes' } as const
  expect(progressText(of, 129_000_000, 55_000_000)).toBe(
    'Sending app.bin  ━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌╌╌   43 %  129 MB of 300 MB  55 MB/s  4 s left',
  )
})

test('without a known end it counts', () => {
  expect(progressText({ title: 'Adding', total: null, unit: 'devices' }, 2000, 0)).toBe(
    'Adding  2,000 devices',
  )
})

test('it draws ten times a second at most, within the terminal, and takes its line away', () => {
  let now = 0
  const drawn: string[] = []
  const stream = { columns: 40, write: (text: string) => drawn.push(text) }
  const bar = createProgress({ title: 'Sending', total: 1000, unit: 'bytes' }, stream, () => now)
  for (let at = 0; at < 1000; at += 1) {
    now += 1
    bar.advance(1)
  }
  expect(drawn.length).toBe(10)
  for (const line of drawn) expect(line.replace('\r\x1b[2K', '').length).toBeLessThan(40)
  bar.end()
  expect(drawn.at(-1)).toBe('\r\x1b[2K')
})
