import { expect, test } from 'vitest'
import { waysFor } from './commands.ts'

const HTTP = 'http://127.0.0.1:8080'

test('a device is shown every way in that is open, with its own token', () => {
  const ways = waysFor(
    { http: HTTP, mqtt: 'mqtt://127.0.0.1:1884', coap: 'coap://127.0.0.1:5683' },
    'a/b',
  )
  expect(ways.map(({ key }) => key)).toEqual(['agent', 'curl', 'mqtt', 'coap'])
  for (const { text } of ways) expect(decodeURIComponent(text)).toContain('a/b')
  expect(ways[2]?.text).toContain('-p 1884')
})

test('what is closed is not shown', () => {
  const ways = waysFor({ http: HTTP, mqtt: null, coap: null }, 't')
  expect(ways.map(({ key }) => key)).toEqual(['agent', 'curl'])
})
