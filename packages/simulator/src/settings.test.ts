import { expect, test } from 'vitest'
import { readSettings, WrongSettings } from './settings.ts'

test('the other doors are at the same host unless they are named', () => {
  const settings = readSettings(['fleet.json'], { UPDRAFT_URL: 'https://updates.example' })
  expect(settings).toMatchObject({
    scenarioFile: 'fleet.json',
    servers: {
      http: 'https://updates.example',
      mqtt: 'mqtt://updates.example:1883',
      coap: 'coap://updates.example:5683',
    },
    apiToken: null,
    seconds: null,
    updates: null,
  })
  const flags = ['fleet.json', '--server', 'http://a:1', '--mqtt', 'mqtts://b:2', '--updates', '3']
  expect(readSettings(flags, { UPDRAFT_TOKEN: 't' })).toMatchObject({
    servers: { http: 'http://a:1', mqtt: 'mqtts://b:2', coap: 'coap://a:5683' },
    apiToken: 't',
    updates: 3,
  })
})

test.each([
  [[], 'Which scenario?'],
  [['a', 'b'], 'b is too many'],
  [['a', '--sever', 'x'], '--sever'],
  [['a', '--server', 'updates.example'], '--server is an address such as http://host'],
  [['a', '--mqtt', 'http://host'], '--mqtt is an address such as mqtt://host'],
  [['a', '--seconds', '0'], '--seconds is a whole number from 1 on, not "0".'],
])('%j is refused in a sentence', (argv, words) => {
  const read = () => readSettings(argv, {})
  expect(read).toThrow(WrongSettings)
  expect(read).toThrow(words)
})
