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
import { backOffMs, unlessAborted } from '../waits.ts'
import { RELEASE_KEYS, sharedIn } from './attributes.ts'
import { News } from './news.ts'
import type { LineOptions, ThingsBoardLine } from './thingsboard-line.ts'

/** After a connection broke, and again: for as long as others wait who lost it with us. */
const BREAK_BACK_OFF = { baseMs: 5_000, capMs: 600_000 }
/** A connection that held so long does not break again and again. */
const STEADY_MS = 600_000

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

interface Line {
  readonly connection: MqttConnection
  readonly openedMs: number
  /** Once we are let in, and subscribed. */
  readonly ready: Promise<void>
}

export function overMqtt({
  server,
  token,
  chunkBytes,
  answerTimeoutMs,
  mqttVersion,
  clock,
  random,
}: LineOptions): ThingsBoardLine {
  const news = new News()
  let line: Line | null = null
  let breaks = 0
  let lastRequest = 0
  /** Hears the server's word when it cannot send a chunk. */
  let onRefused = (_word: string) => {}

  const onMessage = (topic: string, payload: Buffer): void => {
    if (topic === DEVICE_TOPICS.attributes) news.come()
    else if (ERROR_TOPICS.includes(topic)) onRefused(payload.toString('utf8'))
  }

  const open = (): Line => {
    const options = { server, version: mqttVersion, timeoutMs: answerTimeoutMs, clock, onMessage }
    const connection = new MqttConnection(options)
    const letIn = async () => {
      await connection.open({ username: await token() })
      await connection.subscribe(SUBSCRIPTIONS)
    }
    const ready = letIn()
    ready.catch(() => connection.hangUp())
    return { connection, openedMs: clock.nowMs(), ready }
  }

  /** Opened if need be; who need it at the same time share it. */
  const connected = async (signal: AbortSignal): Promise<MqttConnection> => {
    if (!line || line.connection.closed.aborted) line = open()
    const { connection, ready } = line
    await unlessAborted(ready, signal)
    return connection
  }

  const newRequest = (): number => {
    lastRequest += 1
    return lastRequest
  }

  return {
    chunkBytes,

    async post(what, values, signal) {
      const connection = await connected(signal)
      await connection.publish(DEVICE_TOPICS[what], JSON.stringify(values), { signal })
    },

    async sharedAttributes(signal) {
      const connection = await connected(signal)
      const id = newRequest()
      news.lookedAt()
      const request = JSON.stringify({ sharedKeys: RELEASE_KEYS })
      const answerTopic = DEVICE_TOPICS.attributeResponse(id)
      const asked = connection.ask(DEVICE_TOPICS.attributeRequest(id), request, {
        answerTopic,
        signal,
      })
      return sharedIn((await asked).toString('utf8'))
    },

    async awaitChange(seconds, signal) {
      await clock.wait(seconds * 1000, AbortSignal.any([signal, news.signal]))
      return true
    },

    download({ family }, { stallMs, signal }) {
      const requestId = newRequest()
      return async function* chunk(index) {
        const connection = await connected(signal)
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

    async news(signal) {
      if (line) {
        const { closed } = line.connection
        const ends = AbortSignal.any([signal, news.signal, closed])
        await clock.wait(Number.POSITIVE_INFINITY, ends)
      }
      if (signal.aborted || news.signal.aborted) return
      const heldMs = line ? clock.nowMs() - line.openedMs : 0
      breaks = heldMs < STEADY_MS ? breaks + 1 : 1
      await clock.wait(backOffMs(breaks, BREAK_BACK_OFF, random), signal)
    },

    async hangUp() {
      line?.connection.hangUp()
      line = null
    },
  }
}

/** [Error topic] */
const notSent = (word: string): Away =>
  new Away(`The file cannot be fetched: ${word.slice(0, 80)}.`, { kind: 'refused' })
