import { expect, test } from 'vitest'
import { hawkbitWaysFor, iotoWaysFor, waysFor } from './commands.ts'

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

test('clients of hawkBit are told this server in their own words, and the key', () => {
  const secure = hawkbitWaysFor('https://ota.example', 'KEY').map(({ text }) => text)
  expect(secure[0]).toContain('url = "https://ota.example"')
  expect(secure[1]).toContain('hawkbit_server = ota.example\nssl = true')
  expect(secure[1]).toMatch(/\n\[device\]\n\w+ = \w+$/)
  expect(secure[2]).toContain('CONFIG_HAWKBIT_PORT=443\nCONFIG_HAWKBIT_USE_TLS=y')
  const plain = hawkbitWaysFor('http://192.0.2.1:8080', 'KEY').map(({ text }) => text)
  expect(plain[1]).toContain('hawkbit_server = 192.0.2.1:8080\nssl = false')
  expect(plain[2]).toContain('SERVER="192.0.2.1"\nCONFIG_HAWKBIT_PORT=8080\nCONFIG_HAWKBIT_DDI')
  for (const text of [...secure, ...plain]) expect(text).toContain('KEY')
})
