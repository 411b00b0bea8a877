/** Our own protocol: three requests (wire/updraft.ts). */
import {
  CheckInResponse,
  LogResponse,
  type Offer as OfferOnWire,
  PATHS,
  Problem,
  type ReportRequest,
  reportPath,
} from '@updraft/wire/updraft'
import { exchangeText, refusal } from '../http.ts'
import { jsonOf } from '../json.ts'
import { Away, UpdateFailed } from '../trouble.ts'
import type { Offer, Uplink } from '../uplink.ts'
import { fetchByRange } from './by-range.ts'

export interface UpdraftOptions {
  /** Where the server is, such as https://updates.example. */
  readonly server: string
  /** Asked for before each request, so that a new token on disk is taken up. */
  readonly token: () => Promise<string>
  /** How long the server may take to begin an answer it does not hold on purpose. */
  readonly answerTimeoutMs?: number
}

/** The server holds a check-in for up to its wait; this much more it may take. */
const ANSWER_TIMEOUT_MS = 30_000

export function updraftUplink({
  server,
  token,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
}: UpdraftOptions): Uplink {
  const base = server.replace(/\/+$/, '')

  const post = async (
    path: string,
    body: unknown,
    { signal, waitSeconds = 0 }: { signal: AbortSignal; waitSeconds?: number },
  ) =>
    exchangeText({
      url: base + path,
      method: 'POST',
      headers: {
        authorization: `Bearer ${await token()}`,
        'content-type': 'application/json',
        accept: 'application/json',
        ...(waitSeconds > 0 ? { prefer: `wait=${waitSeconds}` } : {}),
      },
      body: JSON.stringify(body),
      timeoutMs: waitSeconds * 1000 + answerTimeoutMs,
      signal,
    })

  return {
    name: 'updraft',

    async checkIn({ installed, facts, asked = [], done = [], waitSeconds, signal }) {
      const begun = performance.now()
      const about = {
        installed,
        facts,
        ...(asked.length > 0 ? { asked } : {}),
        ...(done.length > 0 ? { done } : {}),
      }
      const answer = await post(PATHS.checkIn, about, { signal, waitSeconds })
      if (answer.status !== 200) throw refusal(answer, detailOf(answer.text))
      const { offers, nextCheckInSeconds, ...forBoxes } = read(answer.text)
      const waited = (performance.now() - begun) / 1000
      // One that was willing to wait and answered early has told some news: it is asked again at once as well.
      const isWilling = answer.headers['preference-applied'] !== undefined && offers.length === 0
      return {
        offers: offers.map(toOffer),
        nextCheckInSeconds,
        wasHeld: waitSeconds > 0 && (isWilling || waited >= waitSeconds * 0.9),
        ...forBoxes,
      }
    },

    async sendLog(lines, signal) {
      const answer = await post(PATHS.log, { lines }, { signal })
      if (answer.status !== 200) throw refusal(answer, detailOf(answer.text))
      const found = LogResponse.safeParse(jsonOf(answer.text)).data
      if (found) return found.taken
      throw new Away('The answer does not say which lines were taken.', { kind: 'busy' })
    },

    async report(offer, { state, progressPercent, error, installed }, signal) {
      const body: ReportRequest = {
        state,
        ...(progressPercent === undefined ? {} : { progress: progressPercent }),
        ...(error === undefined ? {} : { error }),
        // Before its end, what runs is no news; and silence about it is never taken for another version.
        ...(installed && state === 'UPDATED' ? { installed } : {}),
      }
      const answer = await post(reportPath(offer.operation), body, { signal })
      if (answer.status >= 200 && answer.status < 300) return 'taken'
      if (answer.status === 404 || answer.status === 409) return 'over'
      throw refusal(answer, detailOf(answer.text))
    },

    async fetch(offer, from, limits) {
      if (!offer.address) throw new UpdateFailed('the offer names no address to fetch from')
      return await fetchByRange(offer.address, from, limits)
    },
  }
}

function toOffer(offer: OfferOnWire): Offer {
  const { operation, type, title, version, size, sha256, checksum, artifact, needs } = offer
  return {
    operation,
    type,
    title,
    version,
    sizeBytes: size ?? null,
    checksum: sha256 ? { algorithm: 'SHA256', value: sha256 } : (checksum ?? null),
    address: artifact,
    isStanding: false,
    ...(needs ? { needs } : {}),
  }
}

function read(text: string): CheckInResponse {
  const found = CheckInResponse.safeParse(jsonOf(text))
  if (found.success) return found.data
  // A captive portal, or something else that is not the server, also answers 200.
  throw new Away('The answer is no check-in answer.', { kind: 'busy', cause: found.error })
}

const detailOf = (text: string): string => {
  const problem = Problem.partial().safeParse(jsonOf(text)).data
  return (problem?.detail ?? problem?.title ?? '').slice(0, 300)
}
