import { expect, test } from 'vitest'
import { iotoWaysFor, waysFor } from './commands.ts'

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

test('an agent of Ioto is told this server and its product, its Updater the host alone', () => {
  const texts = iotoWaysFor('http://127.0.0.1:8080', 'KEY').map(({ text }) => text)
  const [local, device, updater] = texts
  expect(local).toContain("builder: 'http://127.0.0.1:8080/ioto'")
  expect(device).toContain("product: 'KEY'")
  expect(updater).toContain('--host 127.0.0.1:8080 ')
  expect(updater).toContain('--product KEY ')
})
