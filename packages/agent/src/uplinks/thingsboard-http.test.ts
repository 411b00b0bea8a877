import { expect, test } from 'vitest'
import { TOKEN } from './fake-thingsboard.test-helper.ts'
import { FakeHttp } from './fake-thingsboard-http.test-helper.ts'
import { thingsBoardUplink } from './thingsboard.ts'

const { signal } = new AbortController()
const about = { installed: {}, facts: {}, waitSeconds: 30, signal }

test('a check-in waits for a change of the attributes, and reads them after it', async () => {
  const fake = await FakeHttp.start()
  fake.onWait = () => fake.mean('fw', '1.1.0')
  const uplink = thingsBoardUplink({ server: fake.url, token: async () => TOKEN })
  expect(await uplink.checkIn(about)).toMatchObject({
    offers: [{ version: '1.1.0' }],
    wasHeld: true,
  })
})

test('a server that does not hold the request is not asked again at once', async () => {
  const fake = await FakeHttp.start()
  const uplink = thingsBoardUplink({ server: fake.url, token: async () => TOKEN })
  expect(await uplink.checkIn(about)).toEqual({
    offers: [],
    nextCheckInSeconds: null,
    wasHeld: false,
  })
})
