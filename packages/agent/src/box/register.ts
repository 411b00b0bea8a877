/** A box that has the key of a profile, and no token yet, asks for one. */
import type { JsonObject } from '@updraft/core'
import { PATHS, RegisterResponse, WaitingResponse } from '@updraft/wire/updraft'
import { exchangeText, refusal } from '../http.ts'
import { jsonOf } from '../json.ts'
import { Away } from '../trouble.ts'

/** The box's token. Throws Away as long as there is none, with how long the server wants it to wait. */
export async function register(about: {
  readonly url: string
  readonly key: string
  readonly id: string
  readonly facts: JsonObject
  readonly timeoutMs: number
  readonly signal: AbortSignal
}): Promise<string> {
  const { url, key, id, facts, timeoutMs, signal } = about
  const answer = await exchangeText({
    url: url + PATHS.register,
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ key, id, facts }),
    timeoutMs,
    signal,
  })
  const body = jsonOf(answer.text)
  if (answer.status === 201) {
    const { token } = RegisterResponse.parse(body)
    return token
  }
  if (answer.status === 202) {
    const seconds = WaitingResponse.safeParse(body).data?.retryAfterSeconds ?? 60
    const message = 'The box waits until somebody claims it at the server.'
    throw new Away(message, { kind: 'busy', retryAfterMs: seconds * 1000 })
  }
  if (answer.status === 403) {
    const message = 'No profile of the server has the key of this token any more.'
    throw new Away(message, { kind: 'unauthorised', status: 403 })
  }
  throw refusal(answer, '')
}
