/**
 * Ioto's protocol (docs/dialects/ioto.md): registered, the device asks once in a period whether there is something,
 * and of what came of it the server mostly hears by the next question. Played exactly as the agent or one of the
 * Updaters plays it, or as our own agent does: it resumes and tells how it went.
 */
import { createHash } from 'node:crypto'
import type { JsonObject } from '@updraft/core'
import { type IotoOffer, PATHS, RE_ENROL } from '@updraft/wire/ioto'
import type { Authorities } from '../http.ts'
import { Away, UpdateFailed } from '../trouble.ts'
import type { CheckInAnswer, Fetched, Offer, Uplink } from '../uplink.ts'
import { type Clock, systemClock } from '../waits.ts'
import { type IotoClient, type Limits, MANNERS } from './ioto-clients.ts'
import { below, type Place, Registration } from './ioto-registration.ts'

export interface IotoOptions {
  /** Where devices register (`api.builder`), or with a token where they check. Either may have a path. */
  readonly server: string
  /** Who speaks; left out, we ourselves. */
  readonly client?: IotoClient
  readonly id: string
  /** The token of the product. */
  readonly product: string
  /** The device's own token, or the cloud's for an Updater; without it the device registers. */
  readonly token?: () => Promise<string>
  /** What an earlier registration answered. */
  readonly known?: Place
  /** Fetches certificates after it has registered, as the stock configuration does. */
  readonly provisions?: boolean
  /** Whether it tells how an update ended; left out, as its kind does. */
  readonly reports?: boolean
  /** Until the next question of those who do not try again: an error costs them all of it. */
  readonly periodSeconds?: number
  /** The version of the agent, where one is played. */
  readonly iotoVersion?: string
  readonly answerTimeoutMs?: number
  readonly authorities?: Authorities
  /** Told what the registration answered, for whoever keeps it. */
  readonly onPlace?: (answer: JsonObject) => Promise<void>
  readonly clock?: Clock
}

/** The only type of component there is. */
const TYPE = 'firmware'
const ANSWER_TIMEOUT_MS = 30_000
/** What a device says that was told no version of its own. */
const FIRST_VERSION = '1.0.0'

export function iotoUplink({
  server,
  client = 'updraft',
  id,
  product,
  token,
  known,
  provisions = false,
  reports = MANNERS[client].reports,
  periodSeconds = 86_400,
  iotoVersion = '3.0.0',
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
  authorities,
  onPlace,
  clock = systemClock,
}: IotoOptions): Uplink {
  const manners = MANNERS[client]
  const registration = new Registration(
    { builder: server, id, product, provisions, manners, clock, onPlace },
    known,
  )
  /** Operations that came to their install in this life. */
  const begun = new Set<string>()
  /** How often an update failed here: whoever is exact takes it up again as if it were new. */
  const failures = new Map<string, number>()
  /** Operations whose file was asked for since the last question. */
  const fetched = new Set<string>()
  /** As told last; a registration needs it. */
  let properties: JsonObject = {}

  const placeNow = async (limits: Limits): Promise<Place> =>
    token ? { api: server, token: await token() } : await registration.place(properties, limits)

  /** A wish to wait a whole period, for those who take any trouble so. */
  const patient = (error: unknown): unknown => {
    if (manners.isPatient || !(error instanceof Away) || error.retryAfterMs !== null) return error
    const { message, kind, status, cause } = error
    const retryAfterMs = periodSeconds * 1000
    return new Away(message, { kind, status: status ?? undefined, retryAfterMs, cause })
  }

  const check = async (
    place: Place,
    version: string,
    limits: Limits,
  ): Promise<IotoOffer | null> => {
    const url = below(place.api, PATHS.check)
    const body = manners.check({ id, product, properties, version, iotoVersion })
    const { status, text } = await manners.post({ ...limits, url, token: place.token, body })
    if (status !== 200) throw refusal(status, text)
    return manners.offerIn(text, url)
  }

  /** Told to enrol again, it does so at once. Those who are exact ask again a period later. */
  const checkOrEnrol = async (version: string, limits: Limits): Promise<IotoOffer | null> => {
    const place = await placeNow(limits)
    try {
      return await check(place, version, limits)
    } catch (error) {
      if (token || !(error instanceof ToldToEnrol)) throw patient(error)
    }
    registration.forget()
    const anew = await placeNow(limits)
    return manners.isPatient ? await check(anew, version, limits) : null
  }

  const attempt = (offer: Offer): Offer => {
    const failed = manners.isPatient ? undefined : failures.get(offer.operation)
    return failed ? { ...offer, operation: `${offer.operation}${AGAIN}${failed}` } : offer
  }

  return {
    name: 'ioto',

    async checkIn({ installed, facts, signal }): Promise<CheckInAnswer> {
      properties = facts
      const runs = installed[TYPE]
      const limits = { stallMs: answerTimeoutMs, signal, authorities }
      fetched.clear()
      const offer = await checkOrEnrol(runs?.version ?? FIRST_VERSION, limits)
      const title = runs?.title ?? TYPE
      const offers = offer ? [attempt(toOffer(offer, { title, isExact: !manners.isPatient }))] : []
      return { offers, nextCheckInSeconds: null, wasHeld: false }
    },

    async report(offer, { state, error }, signal) {
      if (state === 'UPDATING') begun.add(offer.operation)
      const isEnd = state === 'UPDATED' || state === 'FAILED'
      const update = updateOf(offer)
      if (state === 'FAILED') failures.set(update, (failures.get(update) ?? 0) + 1)
      // An Updater that never came to run its script keeps silent.
      if (!reports || !isEnd || (!manners.isPatient && !begun.delete(offer.operation))) {
        return 'taken'
      }
      const limits = { stallMs: answerTimeoutMs, signal, authorities }
      const place = await placeNow(limits)
      const outcome = { success: state === 'UPDATED', id, update }
      const said = manners.isPatient && error !== undefined ? { ...outcome, error } : outcome
      const answer = await manners
        .post({
          ...limits,
          url: below(place.api, PATHS.report),
          token: place.token,
          body: JSON.stringify(said),
        })
        .catch((trouble: unknown) => {
          if (manners.isPatient) throw trouble
          return null
        })
      // Those who ask once do not care for the answer.
      if (manners.isPatient && answer && answer.status >= 500) {
        throw refusal(answer.status, answer.text)
      }
      return 'taken'
    },

    async fetch(offer, from, limits): Promise<Fetched> {
      if (!offer.address || !URL.canParse(offer.address)) {
        throw new UpdateFailed('the offer names no address to fetch from')
      }
      try {
        // What was wrong is not fetched once more before the next question.
        if (!manners.isPatient && fetched.has(offer.operation)) {
          throw new Away('The file that came is not what was announced.', { kind: 'refused' })
        }
        fetched.add(offer.operation)
        const url = new URL(offer.address)
        const file = await manners.fetch(url, from, { ...limits, authorities })
        return { ...file, pieces: patiently(file.pieces, patient) }
      } catch (error) {
        throw patient(error)
      }
    },
  }
}

async function* patiently(
  pieces: AsyncIterable<Buffer>,
  patient: (error: unknown) => unknown,
): AsyncGenerator<Buffer> {
  try {
    yield* pieces
  } catch (error) {
    throw patient(error)
  }
}

/** The server goes on offering until the device says it runs the version, whatever it is told meanwhile. */
const toOffer = (
  { url, checksum, update, version }: IotoOffer,
  { title, isExact }: { title: string; isExact: boolean },
): Offer => ({
  operation: update || createHash('sha256').update(`${version}\n${checksum}`).digest('hex'),
  type: TYPE,
  title,
  version,
  sizeBytes: null,
  checksum: checksum === '' ? null : { algorithm: 'SHA256', value: checksum, isExact },
  address: url,
  isStanding: true,
})

/** Stands between the update's own name and how often it has failed. */
const AGAIN = '#again-'
const updateOf = ({ operation }: Offer): string => operation.split(AGAIN)[0] ?? operation

/** One of the two texts that mean it. */
class ToldToEnrol extends Away {}

function refusal(status: number, text: string): Away {
  const message = `The server answers ${status}: ${text.slice(0, 200)}.`
  if (text === RE_ENROL.authenticationFailed || text === RE_ENROL.cannotFindDevice) {
    return new ToldToEnrol(message, { kind: 'unauthorised', status })
  }
  return new Away(message, {
    kind: status === 401 || status === 403 ? 'unauthorised' : 'busy',
    status,
  })
}
