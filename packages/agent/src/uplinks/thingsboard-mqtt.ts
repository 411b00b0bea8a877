/**
 * ThingsBoard over MQTT (docs/dialects/thingsboard.md, "MQTT"): the token is the user name. One connection for all,
 * opened when something is to be said, and kept: on it the server pushes what has changed.
 */
import { FAMILY_PREFIXES } from '@updraft/wire/thingsboard'
import {
  chunkFilter,
  chunkRequestTopic,
  chunkResponseTopic,
  DEVICE_TOPICS,
  errorTopic,
} from '@updraft/wire/thingsboard-mqtt'
import { MqttConnection } from '../mqtt.ts'
import { Away } from '../trouble.ts'
import { RELEASE_KEYS, sharedIn } from './attributes.ts'
import { KeptLine } from './kept-line.ts'
import type { LineOptions, ThingsBoardLine } from './thingsboard-line.ts'

/** Pushes are to arrive; an answer that is lost is asked for again. ThingsBoard grants no others. */
const SUBSCRIPTIONS: readonly { topic: string; qos: 0 | 1 }[] = [
  { topic: DEVICE_TOPICS.attributes, qos: 1 },
  { topic: DEVICE_TOPICS.attributeResponse('+'), qos: 0 },
  ...FAMILY_PREFIXES.flatMap((family) => [
    { topic: chunkFilter(family), qos: 0 as const },
    { topic: errorTopic(family), qos: 0 as const },
  ]),
]
const ERROR_TOPICS = FAMILY_PREFIXES.map(errorTopic)

export function overMqtt({
  server,
  token,
  chunkBytes,
  answerTimeoutMs,
  mqttVersion,
  clock,
  random,
}: LineOptions): ThingsBoardLine {
  let lastRequest = 0
  /** Hears the server's word when it cannot send a chunk. */
  let onRefused = (_word: string) => {}

  const onMessage = (topic: string, payload: Buffer): void => {
    if (topic === DEVICE_TOPICS.attributes) line.news.come()
    else if (ERROR_TOPICS.includes(topic)) onRefused(payload.toString('utf8'))
  }

  const open = async (begun: (connection: MqttConnection) => void): Promise<void> => {
    const options = { server, version: mqttVersion, timeoutMs: answerTimeoutMs, clock, onMessage }
    const connection = new MqttConnection(options)
    begun(connection)
    await connection.open({ username: await token() })
    await connection.subscribe(SUBSCRIPTIONS)
  }
  const line = new KeptLine({ open, clock, random })

  const newRequest = (): number => {
    lastRequest += 1
    return lastRequest
  }

  return {
    chunkBytes,

    async post(what, values, signal) {
      const connection = await line.connected(signal)
      await connection.publish(DEVICE_TOPICS[what], JSON.stringify(values), { signal })
    },

    async sharedAttributes(signal) {
      const connection = await line.connected(signal)
      const id = newRequest()
      line.news.lookedAt()
      const request = JSON.stringify({ sharedKeys: RELEASE_KEYS })
      const answerTopic = DEVICE_TOPICS.attributeResponse(id)
      const asked = connection.ask(DEVICE_TOPICS.attributeRequest(id), request, {
        answerTopic,
        signal,
      })
      return sharedIn((await asked).toString('utf8'))
    },

    async awaitChange(seconds, signal) {
      await clock.wait(seconds * 1000, AbortSignal.any([signal, line.news.signal]))
      return true
    },

    download({ family }, { stallMs, signal }) {
      const requestId = newRequest()
      return async function* chunk(index) {
        const connection = await line.connected(signal)
        const refused = new AbortController()
        onRefused = (word) => refused.abort(notSent(word))
        const wanted = { family, requestId, index }
        const bytes = await connection.ask(chunkRequestTopic(wanted), String(chunkBytes), {
          answerTopic: chunkResponseTopic(wanted),
          timeoutMs: stallMs,
          signal: AbortSignal.any([signal, refused.signal]),
        })
        if (bytes.length > 0) yield bytes
      }
    },

    news: (signal) => line.awaitNews(signal),
    hangUp: async () => line.hangUp(),
  }
}

/** [Error topic] */
const notSent = (word: string): Away =>
  new Away(`The file cannot be fetched: ${word.slice(0, 80)}.`, { kind: 'refused' })
