import { afterEach, expect, test, vi } from 'vitest'
import { ATTRIBUTES, bytes, closeHouses, house, json, TELEMETRY } from './mqtt-house.test-helper.ts'

afterEach(async () => {
  vi.restoreAllMocks()
  await closeHouses()
})

/** A device on the line that was told of a file of 1000 bytes. */
async function told() {
  const desk = await house()
  desk.addDevice('d')
  const client = await desk.connect('d')
  await client.subscribe(ATTRIBUTES)
  await desk.assign('d', { bytes: bytes(1000) })
  expect(json(await client.message(ATTRIBUTES))).toMatchObject({ fw_version: '2.0.0' })
  const fetchChunk = async (index: number) => {
    void client.publish(`v2/fw/request/1/chunk/${index}`, '100')
    return (await client.message(`v2/fw/response/1/chunk/${index}`)).payload
  }
  return { desk, client, fetchChunk }
}

/** Moves the clock that only goes forward; answers a function that moves it more. */
function steadyClock(): (seconds: number) => void {
  const now = performance.now.bind(performance)
  let aheadMs = 0
  vi.spyOn(performance, 'now').mockImplementation(() => now() + aheadMs)
  return (seconds) => {
    aheadMs += seconds * 1000
  }
}

test('a device that took the word and says nothing is pushed it again, whole', async () => {
  const { desk, client } = await told()
  desk.pass({ minutes: 61 })
  await desk.look('d')
  const again = json(await client.message(ATTRIBUTES))
  expect(again).toMatchObject({ fw_title: 'pump', fw_version: '2.0.0', fw_size: 1000 })
  await expect.poll(() => desk.states('d')).toEqual(['firmware INITIATED'])
  client.end()
})

test.each(['DOWNLOADING', 'DOWNLOADED', 'UPDATING'])(
  'so is one that goes silent at %s, however lately it said so by the steady clock',
  async (state) => {
    const { desk, client, fetchChunk } = await told()
    await fetchChunk(0)
    await client.publish(TELEMETRY, JSON.stringify({ fw_state: state }), 1)
    desk.pass({ minutes: 61 })
    await desk.look('d')
    expect(json(await client.message(ATTRIBUTES))).toMatchObject({ fw_version: '2.0.0' })
    await expect.poll(() => desk.states('d')).toEqual(['firmware INITIATED'])
    client.end()
  },
)

test('a device that goes on fetching is left alone, although it reports nothing', async () => {
  const pass = steadyClock()
  const { desk, client, fetchChunk } = await told()
  await client.publish(TELEMETRY, '{"fw_state":"DOWNLOADING"}', 1)
  for (let index = 0; index < 5; index += 1) {
    const before = desk.writes
    desk.pass({ minutes: 40 })
    pass(31)
    await fetchChunk(index)
    await expect.poll(() => desk.writes).toBe(before + 1)
    await desk.look('d')
    expect(desk.states('d')).toEqual(['firmware DOWNLOADING'])
  }
  expect(desk.bugs).toEqual([])
  client.end()
})

test('hundreds of chunks within half a minute cost no write', async () => {
  const { desk, client, fetchChunk } = await told()
  await fetchChunk(0)
  const before = desk.writes
  for (let time = 0; time < 300; time += 1) await fetchChunk(1 + (time % 9))
  expect(desk.writes).toBe(before)
  client.end()
})
