/**
 * Edgehog's OTA over Astarte (docs/dialects/edgehog.md), as its Linux runtime does it: the server asks for an update by
 * an id and an address and no more, and hears of each step. Whether it went well, what runs afterwards tells.
 */
import type { Installed, JsonObject } from '@updraft/core'
import type { OtaRequest } from '@updraft/wire/edgehog'
import type { Disk } from '../disk.ts'
import type { Trust } from '../http.ts'
import { Away, messageOf, UpdateFailed } from '../trouble.ts'
import type { CheckInAnswer, Fetched, Offer, OutgoingReport, Uplink } from '../uplink.ts'
import { type Clock, type Random, systemClock } from '../waits.ts'
import { fetchByRange } from './by-range.ts'
import { downloadPercent } from './download-percent.ts'
import { KeptFile } from './edgehog-kept.ts'
import { EdgehogLine } from './edgehog-line.ts'
import { Pairing } from './edgehog-pairing.ts'
import { Requests, type Wanted } from './edgehog-requests.ts'
import { CODES, type Event, factProperties, imageProperties } from './edgehog-words.ts'

export interface EdgehogOptions {
  /** Where the pairing API is, such as https://api.example/pairing; without a path, below `/pairing`. */
  readonly server: string
  readonly realm: string
  /** By which Astarte knows the device, 22 characters; null: one is made up, and kept. */
  readonly astarteId: string | null
  /** A device registers with this, or comes with a secret. */
  readonly agentToken?: () => Promise<string>
  readonly secret?: () => Promise<string>
  /** Where its secret, key and certificate are kept. */
  readonly disk: Disk
  readonly stateFolder: string
  readonly trust?: Trust
  readonly answerTimeoutMs?: number
  readonly clock?: Clock
  /** The date, for what carries one. */
  readonly wallMs?: () => number
  readonly random?: Random
}

/** The only type of component there is. */
const TYPE = 'firmware'
const ANSWER_TIMEOUT_MS = 30_000
/** After it has introduced itself, a server that has something to say does so. */
const SETTLE_MS = 5_000
/** What was said within this time need not be said again. */
const QUIET_MS = 60_000

export function edgehogUplink({
  realm,
  astarteId,
  agentToken,
  secret,
  disk,
  stateFolder,
  trust = {},
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
  clock = systemClock,
  wallMs = Date.now,
  random = Math.random,
  ...options
}: EdgehogOptions): Uplink {
  const server = withPath(options.server)
  const requests = new Requests()
  /** What was said last of the update under way, in this life. */
  let said: { readonly uuid: string; readonly event: Event; readonly atMs: number } | null = null

  const onRequest = (request: OtaRequest): void => {
    const heard = requests.hear(request)
    const { uuid } = request
    if (heard.kind === 'news') line.news.come()
    else if (heard.kind === 'canceled') void line.remark(uuid, canceled)
    else if (heard.kind === 'refused') {
      void line.remark(uuid, { status: 'Failure', code: heard.code, message: WORDS[heard.code] })
    }
  }

  const file = new KeptFile({ disk, folder: stateFolder }, { server, realm, id: astarteId })
  const about = { server, realm, file, agentToken, secret, trust, answerTimeoutMs }
  const pairing = new Pairing(about)
  const line = new EdgehogLine({
    pairing,
    trust,
    answerTimeoutMs,
    clock,
    wallMs,
    random,
    onRequest,
  })

  const say = async (uuid: string, event: Event, signal: AbortSignal): Promise<void> => {
    await line.event(uuid, event, signal)
    said = { uuid, event, atMs: clock.nowMs() }
  }

  const lastOf = (uuid: string): Event | null => (said?.uuid === uuid ? said.event : null)

  const sayDownloading = async (uuid: string, progress: number, signal: AbortSignal) => {
    const last = lastOf(uuid)
    if (!last && progress === 0) await say(uuid, { status: 'Acknowledged' }, signal)
    if (last?.status === 'Downloading' && last.progress === progress) return
    await say(uuid, { status: 'Downloading', progress }, signal)
  }

  const sayEnd = async (offer: Offer, report: OutgoingReport, signal: AbortSignal) => {
    const { state, error, failure = 'install' } = report
    const uuid = offer.operation
    // First what runs, so that success is believed.
    await line.tell(imageProperties(report.installed), signal)
    if (state === 'FAILED') {
      await say(uuid, { status: 'Failure', code: CODES[failure], message: error }, signal)
    } else {
      if (lastOf(uuid)?.status === 'Deploying') await say(uuid, { status: 'Deployed' }, signal)
      await say(uuid, { status: 'Success' }, signal)
    }
    requests.ended(uuid)
    said = null
  }

  return {
    name: 'edgehog',

    async checkIn({ installed, facts, underWay, waitSeconds, signal }): Promise<CheckInAnswer> {
      if (underWay) requests.isUnderWay(wantedOf(underWay))
      const { isFresh } = await line.connect(signal)
      line.news.lookedAt()
      await line.tellAll(propertiesOf(installed, facts), signal)
      const offers = (): Offer[] => {
        const wanted = requests.handOut()
        if (!wanted) return []
        return [underWay?.operation === wanted.uuid ? underWay : offerOf(wanted, installed[TYPE])]
      }
      const waitMs = Math.max(waitSeconds * 1000, isFresh ? SETTLE_MS : 0)
      const found = offers()
      if (found.length > 0 || waitMs === 0) {
        return { offers: found, nextCheckInSeconds: null, wasHeld: false }
      }
      await clock.wait(waitMs, AbortSignal.any([signal, line.news.signal]))
      return { offers: offers(), nextCheckInSeconds: null, wasHeld: false }
    },

    async report(offer, report, signal) {
      const uuid = offer.operation
      requests.isUnderWay(wantedOf(offer))
      switch (report.state) {
        case 'DOWNLOADING':
          await sayDownloading(uuid, downloadPercent(report.progressPercent), signal)
          break
        case 'DOWNLOADED':
          await sayDownloading(uuid, 100, signal)
          break
        case 'UPDATING':
          await say(uuid, { status: 'Deploying' }, signal)
          break
        case 'UPDATED':
        case 'FAILED':
          await sayEnd(offer, report, signal)
          break
        default:
          // Of checked files nothing is said; a device that waits says now and then that it is there.
          if (said?.uuid !== uuid || clock.nowMs() - said.atMs > QUIET_MS) {
            await say(uuid, { status: 'Downloading', progress: 100 }, signal)
          }
      }
      return 'taken'
    },

    async restarting({ operation: uuid }, signal) {
      await say(uuid, { status: 'Deployed' }, signal)
      await say(uuid, { status: 'Rebooting' }, signal)
    },

    takenBack: (offer) => requests.takenBack(wantedOf(offer)),

    async fetch(offer, from, limits): Promise<Fetched> {
      const { operation: uuid, address } = offer
      if (!address || !URL.canParse(address)) {
        throw new UpdateFailed('the request names no address to fetch from')
      }
      /** It goes on; the server hears why it takes longer. */
      const remark = (error: unknown): unknown => {
        const message = messageOf(error)
        if (error instanceof Away && !limits.signal.aborted) {
          void line.remark(uuid, { status: 'Error', code: 'NetworkError', message })
        }
        return error
      }
      try {
        const file = await fetchByRange(address, from, { ...limits, ...trust })
        return { ...file, pieces: remarking(file.pieces, remark) }
      } catch (error) {
        throw remark(error)
      }
    },

    news: (signal) => line.awaitNews(signal),
    hangUp: async () => line.hangUp(),
  }
}

const WORDS = {
  UpdateAlreadyInProgress: 'another update is under way',
  InvalidRequest: 'there is no such update under way',
} as const

const canceled: Event = {
  status: 'Failure',
  code: 'Canceled',
  message: 'the server took the update back',
}

const wantedOf = ({ operation, address }: Offer): Wanted => ({
  uuid: operation,
  url: address ?? '',
})

const offerOf = ({ uuid, url }: Wanted, runs: Installed | undefined): Offer => ({
  operation: uuid,
  type: TYPE,
  title: runs?.title ?? TYPE,
  version: null,
  sizeBytes: null,
  checksum: null,
  address: url,
  isStanding: false,
})

const propertiesOf = (installed: Readonly<Record<string, Installed>>, facts: JsonObject) => [
  ...imageProperties(installed[TYPE]),
  ...factProperties(facts),
]

/** Custom has the API below this path. */
function withPath(server: string): string {
  const url = new URL(server)
  if (url.pathname === '/') url.pathname = '/pairing'
  return url.href.replace(/\/+$/, '')
}

async function* remarking(
  pieces: AsyncIterable<Buffer>,
  remark: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    yield* pieces
  } catch (error) {
    throw remark(error)
  }
}
