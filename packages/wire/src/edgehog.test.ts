import { describe, expect, test } from 'vitest'
import { heldAt } from './astarte-interface.ts'
import { objectBytes, objectOf, readPayload } from './astarte-values.ts'
import {
  LEGACY_OTA_RESPONSE,
  OTA_EVENT,
  OTA_REQUEST,
  readOtaEvent,
  readOtaResponse,
  requestObject,
} from './edgehog.ts'
import { EVENTS, UPDATE, UPDATE_URL, UUID } from './testing/edgehog-frames.ts'

const typesAt = (definition: typeof OTA_EVENT, path: string) => {
  const held = heldAt(definition, path)
  return held?.kind === 'object' ? held.types : {}
}
const eventIn = (hex: string) => {
  const payload = readPayload(Buffer.from(hex, 'hex'))
  return readOtaEvent(objectOf(typesAt(OTA_EVENT, '/event'), payload?.value) ?? {})
}

test('an update is asked for byte for byte as by Edgehog', () => {
  const request = requestObject({ operation: 'Update', url: UPDATE_URL, uuid: UUID })
  const bytes = objectBytes(typesAt(OTA_REQUEST, '/request'), request)
  expect(Buffer.from(bytes).toString('hex')).toBe(UPDATE.hex)
})

test('the events of an SDK are read', () => {
  const said = EVENTS.map(({ hex }) => eventIn(hex))
  expect(said.map((event) => `${event?.status} ${event?.progress}`)).toEqual([
    'Acknowledged 0',
    'Downloading 0',
    'Downloading 50',
    'Downloading 100',
    'Deploying 0',
    'Deployed 0',
    'Rebooting 0',
    'Success 0',
  ])
  for (const event of said) expect(event).toMatchObject({ uuid: UUID, code: null, message: null })
})

describe('an event', () => {
  const event = (more: object) => readOtaEvent({ requestUUID: UUID, status: 'Failure', ...more })

  test.each([
    ['NetworkError', 'NetworkError'],
    ['ErrorNetwork', 'NetworkError'],
    ['RequestError', 'InvalidRequest'],
    ['ioerror', 'IOError'],
    ['SomethingNew', 'SomethingNew'],
    ['', null],
    [null, null],
    [undefined, null],
  ])('with the code %s says %s', (statusCode, code) => {
    expect(event({ statusCode })?.code).toBe(code)
  })

  test('may lack all but what it is of and what it says', () => {
    expect(event({})).toMatchObject({ status: 'Failure', progress: null, message: null })
    expect(readOtaEvent({ status: 'Failure' })).toBeNull()
    expect(readOtaEvent({ requestUUID: UUID })).toBeNull()
  })

  test('with a word nobody knows keeps it', () => {
    expect(event({ status: 'Pondering' })).toMatchObject({ status: null, word: 'Pondering' })
  })

  test.each([
    [-3, 0],
    [250, 100],
    [33, 33],
  ])('of %i percent says %i', (statusProgress, progress) => {
    expect(event({ statusProgress })?.progress).toBe(progress)
  })

  test('names its update in small letters', () => {
    expect(event({ requestUUID: UUID.toUpperCase() })?.uuid).toBe(UUID)
  })
})

test.each([
  ['InProgress', '', 'Acknowledged', null],
  ['Done', '', 'Success', null],
  ['Error', 'OTAErrorNetwork', 'Failure', 'NetworkError'],
  ['Error', 'OTAAlreadyInProgress', 'Failure', 'UpdateAlreadyInProgress'],
  ['Error', 'OTAErrorDeploy', 'Failure', 'IOError'],
  ['Error', 'OTAErrorBootWrongPartition', 'Failure', 'SystemRollback'],
  ['Error', 'OTAErrorNvs', 'Failure', null],
  ['Error', 'OTAFailed', 'Failure', null],
  ['Error', 'Else', 'Failure', 'Else'],
])('before there were events: %s %s was %s, %s', (status, statusCode, now, code) => {
  expect(typesAt(LEGACY_OTA_RESPONSE, '/response')).toHaveProperty('uuid')
  expect(readOtaResponse({ uuid: UUID, status, statusCode })).toMatchObject({ status: now, code })
})
