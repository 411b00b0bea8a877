/**
 * ThingsBoard over CoAP (docs/dialects/thingsboard.md, "CoAP"): the token stands in every path, and nothing is
 * encrypted. The attributes are observed; as UDP says nothing of a server that was restarted, or of a way back that
 * was forgotten on the way, they are so anew every now and then.
 */
import type { JsonObject } from '@updraft/core'
import { MAX_BLOCK_BYTES } from '@updraft/wire/coap-message'
import { COAP_PATHS } from '@updraft/wire/thingsboard'
import { CoapClient } from '../coap.ts'
import { Away } from '../trouble.ts'
import { attributesIn } from './attributes.ts'
import { News } from './news.ts'
import type { LineOptions, ThingsBoardLine } from './thingsboard-line.ts'

const DOWNLOADS = { fw: COAP_PATHS.firmware, sw: COAP_PATHS.software } as const
const JSON_FORMAT = 50
/** Routers keep a way back open for two minutes at least (RFC 4787, section 4.3). */
const OBSERVE_ANEW_MS = 100_000

export function overCoap({
  server,
  token,
  chunkBytes,
  answerTimeoutMs,
  clock,
  random,
}: LineOptions): ThingsBoardLine {
  const news = new News()
  const onChange = () => news.come()
  const client = new CoapClient({ server, timeoutMs: answerTimeoutMs, clock, random, onChange })
  // A chunk is one datagram: some servers send larger ones in blocks, some not at all.
  const bytesEach = Math.min(chunkBytes, MAX_BLOCK_BYTES)
  /** As they were when they were last asked for. */
  let known = ''

  const pathOf = async (path: string): Promise<string[]> => {
    const name = await token()
    return path
      .slice(1)
      .split('/')
      .map((segment) => (segment === ':token' ? name : segment))
  }

  const observe = async (signal: AbortSignal): Promise<JsonObject> => {
    const path = await pathOf(COAP_PATHS.attributes)
    news.lookedAt()
    const body = await client.ask({ method: 'GET', path, observes: true }, signal)
    known = body.toString('utf8')
    return attributesIn(known)
  }

  return {
    chunkBytes: bytesEach,

    async post(what, values, signal) {
      const path = await pathOf(COAP_PATHS[what])
      const payload = Buffer.from(JSON.stringify(values))
      await client.ask({ method: 'POST', path, payload, contentFormat: JSON_FORMAT }, signal)
    },

    sharedAttributes: observe,

    async awaitChange(seconds, signal) {
      await clock.wait(seconds * 1000, AbortSignal.any([signal, news.signal]))
      return true
    },

    download({ family, title, version }, { signal }) {
      const named = [`title=${title}`, `version=${version}`, `size=${bytesEach}`]
      return async function* chunk(index) {
        const path = await pathOf(DOWNLOADS[family])
        const query = [...named, `chunk=${index}`]
        const bytes = await client.ask({ method: 'GET', path, query }, signal)
        if (bytes.length > 0) yield bytes
      }
    },

    async news(signal) {
      for (;;) {
        await clock.wait(OBSERVE_ANEW_MS, AbortSignal.any([signal, news.signal]))
        if (signal.aborted || news.signal.aborted) return
        const before = known
        try {
          await observe(signal)
        } catch (error) {
          // The check-in meets the same trouble, and says so.
          if (signal.aborted || error instanceof Away) return
          throw error
        }
        if (known !== before) return
      }
    },

    hangUp: () => client.hangUp(),
  }
}
