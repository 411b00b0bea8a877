/** ThingsBoard over HTTP (docs/dialects/thingsboard.md, "HTTP device API"): the token stands in every path. */
import { HTTP_PATHS } from '@updraft/wire/thingsboard'
import { exchange, exchangeText, piecesOf, refusal } from '../http.ts'
import { RELEASE_KEYS, sharedIn } from './attributes.ts'
import type { LineOptions, ThingsBoardLine } from './thingsboard-line.ts'

const DOWNLOADS = { fw: HTTP_PATHS.firmware, sw: HTTP_PATHS.software } as const

export function overHttp({
  server,
  token,
  chunkBytes,
  answerTimeoutMs,
}: LineOptions): ThingsBoardLine {
  const base = server.href.replace(/\/+$/, '')
  const addressOf = async (path: string): Promise<string> =>
    base + path.replace(':token', encodeURIComponent(await token()))

  return {
    chunkBytes,

    async post(what, values, signal) {
      const answer = await exchangeText({
        url: await addressOf(HTTP_PATHS[what]),
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(values),
        timeoutMs: answerTimeoutMs,
        signal,
      })
      if (answer.status !== 200) throw refusal(answer)
    },

    async sharedAttributes(signal) {
      const url = `${await addressOf(HTTP_PATHS.attributes)}?sharedKeys=${RELEASE_KEYS}`
      const answer = await exchangeText({ url, timeoutMs: answerTimeoutMs, signal })
      if (answer.status !== 200) throw refusal(answer)
      return sharedIn(answer.text)
    },

    async awaitChange(seconds, signal) {
      const begun = performance.now()
      const answer = await exchangeText({
        url: `${await addressOf(HTTP_PATHS.attributeUpdates)}?timeout=${seconds * 1000}`,
        timeoutMs: seconds * 1000 + answerTimeoutMs,
        signal,
      })
      // 408: the time is over.
      if (answer.status !== 200 && answer.status !== 408) throw refusal(answer)
      return answer.status === 200 || performance.now() - begun >= seconds * 900
    },

    download({ family, title, version }, { stallMs, signal }) {
      const named = new URLSearchParams({ title, version })
      return async function* chunk(index) {
        const url = `${await addressOf(DOWNLOADS[family])}?${named}&size=${chunkBytes}&chunk=${index}`
        const answer = await exchange({ url, timeoutMs: stallMs, signal })
        if (answer.status !== 200) {
          answer.body.destroy()
          throw refusal(answer, 'the file cannot be fetched')
        }
        yield* piecesOf(answer.body, stallMs)
      }
    },
  }
}
