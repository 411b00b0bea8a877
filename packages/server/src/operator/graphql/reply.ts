/** Answers as they leave: JSON, or server-sent events as graphql-sse has them, one request a stream. */
import { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import type { Answer } from './execution.ts'

/** Proxies cut lines that are silent for a minute. */
const BEAT_MS = 25_000

type Answers = AsyncGenerator<Answer, void, undefined>

export const isStream = (answered: Answer | Answers): answered is Answers =>
  Symbol.asyncIterator in answered

const JSON_TYPES = ['application/json', 'application/graphql-response+json'] as const
const STREAM_TYPE = 'text/event-stream'

/** In which of our types the client would have an answer; in the first that it names. */
export function typeFor(accept = '*/*'): (typeof JSON_TYPES)[number] | typeof STREAM_TYPE {
  const named = accept.split(',').map((each) => each.split(';')[0]?.trim().toLowerCase() ?? '')
  const json = named.flatMap((each) => JSON_TYPES.find((type) => type === each) ?? [])
  if (json[0]) return json[0]
  const takesAny = named.some((each) => each === '*/*' || each === 'application/*')
  return named.includes(STREAM_TYPE) && !takesAny ? STREAM_TYPE : 'application/json'
}

/** What was understood is 200, whatever came of it; what was not is 400. Who wants a stream is given one of one event. */
export function send(reply: FastifyReply, answer: Answer): FastifyReply {
  const type = typeFor(reply.request.headers.accept)
  if (type === STREAM_TYPE) return stream(reply, once(answer))
  return reply
    .status('data' in answer ? 200 : 400)
    .headers({
      'content-type': `${type}; charset=utf-8`,
      'cache-control': 'no-store',
      vary: 'accept',
    })
    .send(JSON.stringify(answer))
}

async function* once(answer: Answer): Answers {
  yield answer
}

/** Written as fast as it is read: the next is not even looked for before the last was taken. */
export function stream(reply: FastifyReply, answers: Answers): FastifyReply {
  const events = Readable.from(eventsOf(answers), { highWaterMark: 1 })
  const { raw } = reply
  const beat = setInterval(() => {
    if (!raw.writableNeedDrain && !raw.writableEnded) raw.write(':\n\n')
  }, BEAT_MS).unref()
  events.once('close', () => clearInterval(beat))
  return reply
    .headers({
      'content-type': `${STREAM_TYPE}; charset=utf-8`,
      'cache-control': 'no-store',
      // A server that stops ends it, and does not wait for another request on its line.
      connection: 'close',
      // Proxies that gather answers must not gather this one.
      'x-accel-buffering': 'no',
    })
    .send(events)
}

async function* eventsOf(answers: Answers): AsyncGenerator<string> {
  // At once, so that the client knows that it is heard.
  yield ':\n\n'
  for await (const answer of answers) yield `event: next\ndata: ${JSON.stringify(answer)}\n\n`
  yield 'event: complete\ndata:\n\n'
}
