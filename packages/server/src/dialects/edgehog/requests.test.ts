import type { JsonObject } from '@updraft/core'
import { NAMES } from '@updraft/wire/edgehog'
import { INTROSPECTION } from '@updraft/wire/testing/edgehog-frames'
import { afterEach, describe, expect, test } from 'vitest'
import {
  CONSUMER_PROPERTIES,
  closeHouses,
  DEVICE,
  type House,
  house,
  type Line,
  OTA_REQUESTS,
  ROOT,
} from './house.test-helper.ts'

afterEach(closeHouses)

const BYTES = Buffer.from('an image of two kilobytes '.repeat(80))
const IMAGE = { bytes: BYTES, version: '2.0.0' }
const uuidOf = ({ uuid }: JsonObject) => String(uuid)

/** A device on the line that was asked for its update. */
async function asked(needs: Parameters<typeof house>[0] = {}) {
  const at = await house(needs)
  const line = await at.contact()
  await at.assign(DEVICE, IMAGE)
  const request = await line.askedTimes(1)
  return { at, line, request, uuid: uuidOf(request) }
}

const event = (line: Line, requestUUID: string, status: string, more: JsonObject = {}) =>
  line.event({ requestUUID, status, ...more })

/** All that was asked for until the device has listened for something else. */
const steps = (at: House) => {
  const operation = at.newest(DEVICE)
  return operation && `${operation.state} ${operation.progressPercent}`
}

describe('an update', () => {
  test('is asked for at an address of ours, whole and short', async () => {
    const { at, line, request } = await asked()
    expect(request).toEqual({
      operation: 'Update',
      url: expect.stringMatching(
        /^https:\/\/updates\.example\/edgehog\/image\/[\w-]{100,200}\/2\.0\.0$/,
      ),
      uuid: at.newest(DEVICE)?.id,
    })
    expect(at.states(DEVICE)).toEqual(['firmware INITIATED'])
    expect(line.sent.at(-1)?.qos).toBe(0)
  })

  test('is at that address with its length, in parts too', async () => {
    const { at, request } = await asked()
    const url = String(request.url).slice(ROOT.length)
    const whole = await at.app.inject({ url, headers: { 'x-edgehog-ota-id': uuidOf(request) } })
    expect([
      whole.statusCode,
      whole.headers['content-length'],
      whole.headers['transfer-encoding'],
    ]).toEqual([200, String(BYTES.length), undefined])
    expect(whole.rawPayload).toEqual(BYTES)
    const part = await at.app.inject({ url, headers: { range: 'bytes=10-19' } })
    expect([part.statusCode, part.rawPayload]).toEqual([206, BYTES.subarray(10, 20)])
    const head = await at.app.inject({ url, method: 'HEAD' })
    expect([head.statusCode, head.headers['content-length']]).toEqual([200, String(BYTES.length)])
    // The device says itself how far it is.
    expect(at.states(DEVICE)).toEqual(['firmware INITIATED'])
    expect(at.openFiles).toBe(0)
  })

  test('is at that address years later, and at no other', async () => {
    const { at, request } = await asked()
    const url = String(request.url).slice(ROOT.length)
    at.pass({ minutes: 60 * 24 * 365 * 3 })
    expect((await at.app.inject({ url })).statusCode).toBe(200)
    expect((await at.app.inject({ url: url.replace('/image/', '/image/x') })).statusCode).toBe(404)
  })

  test.each(['..', '2/../3', 'x'.repeat(255)])(
    'is at an address that says nothing of the version where that would mislead: %s',
    async (version) => {
      const at = await house()
      const line = await at.contact()
      await at.assign(DEVICE, { ...IMAGE, version })
      const { url } = await line.askedTimes(1)
      expect(url).toMatch(/\/image$/)
      const answer = await at.app.inject({ url: String(url).slice(ROOT.length) })
      expect(answer.statusCode).toBe(200)
    },
  )

  test('that is kept elsewhere is asked for there', async () => {
    const at = await house()
    const line = await at.contact()
    await at.assign(DEVICE, { externalUrl: 'https://files.example/2' })
    expect(await line.askedTimes(1)).toMatchObject({ url: 'https://files.example/2' })
  })

  test.each([
    ['where no such device fetches', { externalUrl: 'coap://files.example/2' }],
    ['of another component', { ...IMAGE, type: 'software' }],
  ])('%s is not asked for, and noted', async (_, draft) => {
    const at = await house()
    const line = await at.contact()
    await at.assign(DEVICE, draft)
    await expect.poll(() => at.events.map(({ kind }) => kind)).toEqual(['offer.refused'])
    expect(line.asked).toEqual([])
    expect(at.states(DEVICE)).toEqual([expect.stringMatching(/QUEUED$/)])
  })

  test('is told to nobody who does not listen, or has not said what it has', async () => {
    const at = await house()
    await at.assign(DEVICE, IMAGE)
    const line = await at.connect()
    await line.say('', INTROSPECTION)
    await line.listen(CONSUMER_PROPERTIES, `/${NAMES.telemetry}/#`)
    await line.say('/control/emptyCache', '1')
    expect(line.asked).toEqual([])
    await line.listen(OTA_REQUESTS)
    await line.askedTimes(1)
    line.leave()

    const deaf = await at.connect()
    await deaf.listen('/#')
    await deaf.say('', `${NAMES.baseImage}:0:1`)
    await deaf.property(NAMES.baseImage, '/version', '1.0.0')
    expect(deaf.asked).toEqual([])
    await deaf.say('', INTROSPECTION)
    await deaf.askedTimes(1)
  })

  test('waits for a session that goes on as it was', async () => {
    const at = await house()
    const first = await at.connect({ isClean: false })
    await first.listen(OTA_REQUESTS)
    await first.say('', INTROSPECTION)
    first.leave()
    await at.assign(DEVICE, IMAGE)
    const filter = `test/${at.pairing(DEVICE).astarteId}${OTA_REQUESTS}`
    const second = await at.connect({ isClean: false, resumed: new Map([[filter, 2]]) })
    await second.askedTimes(1)
  })

  test('goes its way', async () => {
    const { at, line, uuid } = await asked()
    const seen: (string | null)[] = []
    const way: [string, number?][] = [
      ['Acknowledged', 0],
      ['Downloading', 0],
      ['Downloading', 50],
      ['Downloading', 100],
      ['Deploying', 0],
      ['Deploying', 60],
      ['Deployed', 0],
      ['Rebooting', 0],
      ['Rebooting', 0],
      ['Success'],
    ]
    for (const [status, statusProgress = 0] of way) {
      await event(line, uuid, status, { statusProgress, statusCode: '', message: '' })
      seen.push(steps(at))
    }
    expect(seen).toEqual([
      'DOWNLOADING 8',
      'DOWNLOADING 10',
      'DOWNLOADING 35',
      'DOWNLOADING 60',
      'UPDATING 70',
      'UPDATING 79',
      'UPDATING 87',
      'UPDATING 92',
      'UPDATING 92',
      'UPDATED 100',
    ])
    expect(at.newest(DEVICE)?.restarts).toBe(0)
    expect(at.device(DEVICE).installed.firmware).toEqual({ title: 'pump', version: '2.0.0' })
    await line.property(NAMES.baseImage, '/version', '2.0.0')
    expect(at.states(DEVICE)).toEqual(['firmware UPDATED'])
    expect(line.asked).toHaveLength(1)
  })

  test('has arrived when the device runs it, though it says so only by its version', async () => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Rebooting')
    line.leave()
    const next = await at.contact()
    await next.property(NAMES.baseImage, '/version', '2.0.0')
    expect(at.states(DEVICE)).toEqual(['firmware UPDATED'])
    await event(next, uuid, 'Success')
    expect(at.states(DEVICE)).toEqual(['firmware UPDATED'])
  })

  test('that is said to have arrived and has not is not begun again at once', async () => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Success')
    await line.property(NAMES.baseImage, '/version', '1.0.0')
    // It is asked to stop nothing and for nothing: what comes next is the answer to something else.
    await at.look(DEVICE)
    expect(at.states(DEVICE)).toEqual(['firmware UPDATED'])
    expect(line.asked).toHaveLength(1)
  })

  test.each([
    [{ statusCode: 'InvalidBaseImage', message: 'No.' }, 'No.', 'InvalidBaseImage'],
    [{ statusCode: 'ErrorNetwork' }, 'NetworkError', 'NetworkError'],
    [{ statusCode: 'Whatever' }, 'Whatever', 'Whatever'],
    [{ statusCode: '', message: '' }, 'The device gave no reason.', null],
  ])('fails as the device says: %o', async (said, error, code) => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Failure', said)
    expect(at.newest(DEVICE)).toMatchObject({ state: 'FAILED', error, code })
  })

  test('goes on after an error that the device copes with, or a word nobody knows', async () => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Deploying', { statusProgress: 50 })
    await event(line, uuid, 'Error', { statusCode: 'NetworkError', message: 'again' })
    await event(line, uuid, 'Pondering')
    expect(steps(at)).toBe('UPDATING 78')
    expect(at.newest(DEVICE)?.restarts).toBe(0)
  })
})

describe('the same request', () => {
  test('is said again to a device that comes back without a word of it', async () => {
    const { at, line, request } = await asked()
    line.leave()
    const next = await at.contact()
    expect(await next.askedTimes(1)).toEqual(request)
  })

  test('is not said again to one that has begun', async () => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Acknowledged')
    line.leave()
    const next = await at.contact()
    await at.look(DEVICE)
    await next.property(NAMES.baseImage, '/name', 'demo')
    expect(next.asked).toEqual([])
  })

  test('is said again to one that went silent, byte for byte, on another day too', async () => {
    const { at, line, request, uuid } = await asked()
    await event(line, uuid, 'Acknowledged')
    at.pass({ minutes: 60 * 48 })
    await at.look(DEVICE)
    at.changeDevice(DEVICE, { labels: ['x'] })
    expect(await line.askedTimes(2)).toEqual(request)
    expect(line.sent.at(-1)?.payload).toEqual(line.sent.at(-2)?.payload)
    // Some take it for another one: they are at it.
    await event(line, uuid, 'Failure', { statusCode: 'UpdateAlreadyInProgress' })
    expect(steps(at)).toBe('DOWNLOADING 10')
  })

  test('is no repetition for a device that is busy with something of its own', async () => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Failure', { statusCode: 'UpdateAlreadyInProgress' })
    expect(at.newest(DEVICE)).toMatchObject({ state: 'FAILED', code: 'UpdateAlreadyInProgress' })
  })

  test('is one for a device that was asked twice before it said anything', async () => {
    const { at, line, uuid } = await asked()
    line.leave()
    const next = await at.contact()
    await next.askedTimes(1)
    await event(next, uuid, 'Failure', { statusCode: 'UpdateAlreadyInProgress' })
    expect(steps(at)).toBe('DOWNLOADING 10')
  })

  test('that does not get through is tried again', async () => {
    const at = await house({ backOffMs: 1 })
    const line = await at.contact()
    line.block('full')
    await at.assign(DEVICE, IMAGE)
    await expect.poll(() => at.states(DEVICE)).toEqual(['firmware INITIATED'])
    line.block(null)
    await line.askedTimes(1)
  })
})

describe('what was cancelled', () => {
  test('the device is asked to stop, with the address of the update', async () => {
    const { at, line, request } = await asked()
    await at.cancel(DEVICE)
    expect(await line.askedTimes(2)).toEqual({ ...request, operation: 'Cancel' })
  })

  test('it is asked to stop once it is back', async () => {
    const { at, line, request } = await asked()
    line.leave()
    await at.cancel(DEVICE)
    const next = await at.contact()
    expect(await next.askedTimes(1)).toEqual({ ...request, operation: 'Cancel' })
  })

  test('is not asked again of a device that has answered, and stays cancelled', async () => {
    const { at, line, uuid } = await asked()
    await at.cancel(DEVICE)
    await line.askedTimes(2)
    await event(line, uuid, 'Failure', { statusCode: 'InternalError' })
    expect(at.states(DEVICE)).toEqual(['firmware CANCELED'])
    line.leave()
    const next = await at.contact()
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    expect(await next.askedTimes(1)).toMatchObject({ operation: 'Update' })
  })

  test('is answered before the device is asked for something else', async () => {
    const { at, line, uuid } = await asked()
    await at.cancel(DEVICE)
    await line.askedTimes(2)
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    await at.look(DEVICE)
    await event(line, uuid, 'Deploying')
    expect(line.asked.map(({ operation }) => operation)).toEqual(['Update', 'Cancel'])
    await event(line, uuid, 'Failure', { statusCode: 'Canceled' })
    expect(await line.askedTimes(3)).toMatchObject({ operation: 'Update' })
    expect(uuidOf(line.asked[2] ?? {})).not.toBe(uuid)
  })

  test('is not waited for without end', async () => {
    const { at, line } = await asked({ cancelWaitMs: 5 })
    await at.cancel(DEVICE)
    await line.askedTimes(2)
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    expect(await line.askedTimes(3)).toMatchObject({ operation: 'Update' })
  })

  test('and goes on nevertheless is waited for, as the device is busy with it', async () => {
    const { at, line, uuid } = await asked({ cancelWaitMs: 5 })
    await event(line, uuid, 'Deploying')
    await at.cancel(DEVICE)
    await line.askedTimes(2)
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    const next = await line.askedTimes(3)
    await event(line, uuidOf(next), 'Failure', { statusCode: 'UpdateAlreadyInProgress' })
    expect(at.newest(DEVICE)).toMatchObject({ state: 'QUEUED', because: { code: 'device.busy' } })
    await at.look(DEVICE)
    expect(line.asked).toHaveLength(3)
    await event(line, uuid, 'Failure', { statusCode: 'SystemRollback' })
    expect(await line.askedTimes(4)).toEqual(next)
    await event(line, uuidOf(next), 'Acknowledged')
    expect(at.newest(DEVICE)).toMatchObject({ state: 'DOWNLOADING', restarts: 0 })
  })

  test('was over for a device that arrived meanwhile', async () => {
    const { at, line, uuid } = await asked()
    line.leave()
    await at.cancel(DEVICE)
    const next = await at.connect()
    await next.say('', INTROSPECTION)
    await event(next, uuid, 'Success')
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    await next.listen(OTA_REQUESTS)
    expect(await next.askedTimes(1)).toMatchObject({ operation: 'Update' })
  })

  test('is no request that never left', async () => {
    const at = await house()
    await at.assign(DEVICE, IMAGE)
    await at.cancel(DEVICE)
    const line = await at.contact()
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    expect(await line.askedTimes(1)).toMatchObject({ operation: 'Update' })
  })
})

describe('an event', () => {
  test.each(['7cff3522-4fad-4f3d-b94a-a4a2addc26ff', 'no id', ''])(
    'of an update nobody knows is noted: "%s"',
    async (requestUUID) => {
      const { at, line } = await asked()
      await event(line, requestUUID, 'Success')
      expect(at.notes()).toEqual([expect.stringMatching(/^report\.ignored: /)])
      expect(at.states(DEVICE)).toEqual(['firmware INITIATED'])
      expect(line.closed).toBeNull()
    },
  )

  test('of the update of another device is noted', async () => {
    const { at, line } = await asked()
    at.addDevice('D2')
    await at.assign('D2', IMAGE)
    await event(line, at.newest('D2')?.id ?? '', 'Failure')
    expect(at.states('D2')).toEqual(['firmware QUEUED'])
    expect(at.notes()).toEqual([expect.stringMatching(/^report\.ignored: /)])
  })

  test('after the end changes nothing', async () => {
    const { at, line, uuid } = await asked()
    await event(line, uuid, 'Failure', { message: 'No.' })
    await event(line, uuid, 'Downloading', { statusProgress: 50 })
    await event(line, uuid, 'Success')
    expect(at.newest(DEVICE)).toMatchObject({ state: 'FAILED', error: 'No.' })
    expect(line.closed).toBeNull()
  })
})

describe('a device of before', () => {
  const LEGACY = `${NAMES.otaRequest}:0:1;${NAMES.otaResponse}:0:1;${NAMES.baseImage}:0:1`

  test('is asked without an operation, and answers in its words', async () => {
    const at = await house()
    const line = await at.connect()
    await line.listen(OTA_REQUESTS)
    await line.say('', LEGACY)
    await at.assign(DEVICE, IMAGE)
    const request = await line.askedTimes(1)
    expect(Object.keys(request)).toEqual(['url', 'uuid'])
    expect(line.sent.at(-1)?.qos).toBe(2)
    const uuid = uuidOf(request)
    await line.response({ uuid, status: 'InProgress', statusCode: '' })
    expect(at.states(DEVICE)).toEqual(['firmware DOWNLOADING'])
    await line.response({ uuid, status: 'Error', statusCode: 'OTAErrorBootWrongPartition' })
    expect(at.newest(DEVICE)).toMatchObject({ state: 'FAILED', code: 'SystemRollback' })
  })

  test('cannot be asked to stop, nor is that waited for', async () => {
    const at = await house()
    const line = await at.connect()
    await line.listen(OTA_REQUESTS)
    await line.say('', LEGACY)
    await at.assign(DEVICE, IMAGE)
    await line.askedTimes(1)
    await at.cancel(DEVICE)
    await at.assign(DEVICE, { ...IMAGE, version: '3.0.0' })
    const next = await line.askedTimes(2)
    expect(Object.keys(next)).toEqual(['url', 'uuid'])
    const busy = { status: 'Error', statusCode: 'OTAAlreadyInProgress' }
    await line.response({ uuid: uuidOf(next), ...busy })
    await at.look(DEVICE)
    expect(at.newest(DEVICE)?.because.code).toBe('device.busy')
    expect(line.asked).toHaveLength(2)
  })
})
