import { DomainError } from '@updraft/core'
import type { TriggerDelivery } from '@updraft/wire/astarte-cluster'
import Fastify, { type FastifyInstance } from 'fastify'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Cluster } from '../../app/cluster-desk.ts'
import { clusterWebhook } from './cluster-webhook.ts'

const ID = 'YWFhYWFhYWFhYWFhYWFhYQ'
const CLUSTER: Cluster = {
  tenantId: 't',
  name: 'here',
  realm: 'there',
  defaultProfileId: 'p',
  baseUrl: 'https://astarte.example',
  privateKey: 'k',
  webhookSecret: 'the secret',
  changedAt: new Date(0),
}
const EVENT = {
  timestamp: '2026-01-01T00:00:00.123Z',
  device_id: ID,
  trigger_name: 'updraft-ota-event',
  event: {
    type: 'incoming_data',
    interface: 'io.edgehog.devicemanager.OTAEvent',
    path: '/event',
    value: { requestUUID: 'u', status: 'Success' },
  },
}

let app: FastifyInstance
let heard: TriggerDelivery[]
let hear: () => Promise<void>
let ofRealm: (name: string) => Promise<Cluster | null>
beforeEach(async () => {
  heard = []
  hear = async () => {}
  ofRealm = async (name) => (name === 'here' ? CLUSTER : null)
  app = Fastify()
  await app.register(async (scope) =>
    clusterWebhook({
      clusters: {
        ofRealm: (name) => ofRealm(name),
        isSecretOf: ({ webhookSecret }, shown) => webhookSecret === shown,
      },
      hear: async (_, delivery) => {
        await hear()
        heard.push(delivery)
      },
    })(scope),
  )
})
afterEach(() => app.close())

interface Call {
  readonly url?: string
  readonly headers?: Record<string, string | undefined>
  readonly body?: unknown
}
const call = async ({
  url = '/astarte/v1/here/triggers',
  headers = {},
  body = EVENT,
}: Call = {}) => {
  const all = {
    'content-type': 'application/json',
    'astarte-realm': 'there',
    'updraft-webhook-secret': 'the secret',
    ...headers,
  }
  const sent = Object.entries(all).filter(([, value]) => value !== undefined)
  const payload = typeof body === 'string' ? body : JSON.stringify(body)
  const { statusCode } = await app.inject({
    method: 'POST',
    url,
    headers: Object.fromEntries(sent) as Record<string, string>,
    payload,
  })
  return statusCode
}

describe('a call of a trigger', () => {
  test('is heard, and answered when that is kept', async () => {
    expect(await call()).toBe(200)
    expect(heard).toEqual([
      {
        deviceId: ID,
        at: new Date('2026-01-01T00:00:00.123Z'),
        event: {
          kind: 'data',
          interface: 'io.edgehog.devicemanager.OTAEvent',
          path: '/event',
          value: { requestUUID: 'u', status: 'Success' },
        },
      },
    ])
  })

  const { trigger_name: _, ...nameless } = EVENT
  const eventOf = (event: unknown) => ({ ...EVENT, event })
  test.each<[string, unknown, object]>([
    ['without the name of its trigger', nameless, { kind: 'data' }],
    ['with keys nobody knows', { ...EVENT, new: { a: 1 } }, { kind: 'data' }],
    [
      'of a device that came',
      eventOf({ type: 'device_connected', device_ip_address: '192.0.2.7' }),
      { kind: 'connected', address: '192.0.2.7' },
    ],
    [
      'of one that came from nowhere',
      eventOf({ type: 'device_connected' }),
      { kind: 'connected', address: null },
    ],
    ['of one that went', eventOf({ type: 'device_disconnected' }), { kind: 'disconnected' }],
    ['of one that was deleted', eventOf({ type: 'device_deletion_finished' }), { kind: 'deleted' }],
    [
      'of an event nobody knows',
      eventOf({ type: 'device_error', error_name: 'x', metadata: {} }),
      { kind: 'other', type: 'device_error' },
    ],
    [
      'of a property that is set no more',
      eventOf({ type: 'incoming_data', interface: 'i', path: '/p', value: null }),
      { kind: 'data', interface: 'i', path: '/p', value: null },
    ],
  ])('%s is heard', async (_, body, event) => {
    expect(await call({ body })).toBe(200)
    expect(heard[0]?.event).toMatchObject(event)
  })

  /** An error of ours has it come again; any other has it dropped. */
  test.each<[number, string, Call]>([
    [400, 'that names no realm', { headers: { 'astarte-realm': undefined } }],
    [400, 'that is no JSON', { body: '{"device_id":' }],
    [400, 'that is no object', { body: '7' }],
    [400, 'that is a list', { body: '[]' }],
    [400, 'without a body', { body: '' }],
    [403, 'for a realm nobody has', { url: '/astarte/v1/other/triggers' }],
    [403, 'without the secret', { headers: { 'updraft-webhook-secret': undefined } }],
    [403, 'with another secret', { headers: { 'updraft-webhook-secret': 'guessed' } }],
    [404, 'of another realm of the cluster', { headers: { 'astarte-realm': 'elsewhere' } }],
    [413, 'that is too large', { body: { ...EVENT, more: 'x'.repeat(300_000) } }],
    [422, 'without a device', { body: { event: EVENT.event } }],
    [422, 'without an event', { body: { device_id: ID } }],
    [422, 'of an event without a type', { body: { device_id: ID, event: {} } }],
    [422, 'of data without a path', { body: eventOf({ type: 'incoming_data', interface: 'i' }) }],
  ])('is answered with %i %s', async (status, _, asked) => {
    expect(await call(asked)).toBe(status)
    expect(heard).toEqual([])
  })

  test.each([
    [503, 'the database is away', new DomainError('store.away', 'It does not answer.')],
    [500, 'we have a fault', new TypeError('x is not a function')],
    [422, 'the event itself cannot be kept', new DomainError('request.malformed', 'No.')],
  ])('is answered with %i while %s', async (status, _, error) => {
    hear = async () => {
      throw error
    }
    expect(await call()).toBe(status)
  })

  test('comes again when the database is away before anybody knows whose it is', async () => {
    ofRealm = async () => {
      throw new DomainError('store.away', 'It does not answer.')
    }
    expect(await call()).toBe(503)
  })
})
