/**
 * Ioto's agent and the EmbedThis Updater over HTTP: registration, provisioning, the check, the outcome, the image. They
 * were not made to be refused: an agent that hears an error to a check waits a day, and one that hears an error to its
 * registration ends. Each fact with its source in docs/dialects/ioto.md.
 */
import { DomainError, type JsonObject, type Snapshot } from '@updraft/core'
import {
  CheckRequest,
  certificatesText,
  claimedText,
  isPlain,
  NOT_CLAIMED,
  NOTHING,
  PATHS,
  ProvisionRequest,
  propertiesOf,
  RE_ENROL,
  RegisterRequest,
  ReportRequest,
  readBody,
  serialText,
  tokenOf,
  waitText,
} from '@updraft/wire/ioto'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { CheckedIn } from '../../app/device-desk.ts'
import { replyWithSource } from '../../transports/byte-reply.ts'
import { byteSource } from '../../transports/byte-source.ts'
import { replyExactly } from '../../transports/exact-reply.ts'
import { readTextBodies } from '../../transports/http.ts'
import type { Dialect, DialectNeeds } from '../dialect.ts'
import { factsOf, isTooLargeFor, type Spoken, spelledOffer, spoken, TYPE } from './translate.ts'

const NAME = 'ioto'
/**
 * The address an agent or Updater is given may have a path or none: the Updater in C can have none, `/api` is what the
 * agent's own documents write, and ours is what we tell as `api`.
 */
const PREFIXES = ['', '/api', '/ioto']
const OWN_PREFIX = '/ioto'
const MAX_BODY_BYTES = 262_144
/** So many checks are worked on at once, a few seconds' worth; whoever comes on top is told that there is nothing. */
const MAX_AT_WORK = 4_000
/** Agents give a check up after 30 seconds, as a failure. */
const PATIENCE_MS = 10_000
/**
 * An agent may be set to take 4 KB in five seconds, and has four hours. The kernel holds some megabytes for it and lets
 * us write again when a third of them is gone, so for so long it may seem to take nothing.
 */
const STALL_SECONDS = 3600
/** A device that cannot be given a certificate at the moment is parked for so long. */
const PARKED_SECONDS = 60
/** Where no MQTT is spoken within TLS: a name that leads nowhere, by RFC 2606. */
const NO_BROKER = { host: 'mqtt.invalid', port: 443 }

interface Answer {
  readonly status: number
  readonly contentType: string
  readonly body: string
}

const json = (body: string): Answer => ({ status: 200, contentType: 'application/json', body })
const refusal = (status: number, body: string): Answer => ({
  status,
  contentType: 'text/plain',
  body,
})

export interface IotoNeeds extends Pick<DialectNeeds, 'desk' | 'publicUrl'> {
  /** Where MQTT is spoken within TLS; null for nowhere. */
  readonly brokerAt: () => { readonly host: string; readonly port: number } | null
}

export function ioto({ desk, publicUrl, brokerAt }: IotoNeeds): Dialect {
  let atWork = 0

  /** The device of the token; through a cloud's token the one that the body names. Null: it is not one of ours yet. */
  const recognize = async (
    request: FastifyRequest,
    through: (cloud: Awaited<ReturnType<typeof desk.recognizeCloud>>) => Promise<Snapshot | null>,
  ): Promise<Snapshot | null> => {
    const token = tokenOf(request.headers)
    if (token === undefined) throw new DomainError('device.unknown', 'There is no token.')
    try {
      return await desk.identify(token, NAME)
    } catch (error) {
      if (!(error instanceof DomainError) || error.code !== 'device.unknown') throw error
      return through(await desk.recognizeCloud(token))
    }
  }

  const rootFor = async (device: Snapshot, request: FastifyRequest): Promise<string> =>
    (await desk.cloudOf(device))?.publicUrl ?? publicUrl ?? `${request.protocol}://${request.host}`

  const register = async (request: FastifyRequest): Promise<Answer> => {
    const body = bodyOf(request)
    const said = RegisterRequest.safeParse(body).data
    const product = tokenOf(request.headers) ?? said?.product
    if (product === undefined) return refusal(403, 'No product token')
    // It cannot be told from others of its product.
    if (!body || said?.id === undefined) return json(NOT_CLAIMED)
    const { id, account, cloud } = said
    const facts = propertiesOf(body)
    const registered = await desk.register({ product, id, account, cloud, facts }, NAME)
    if (!registered) return json(NOT_CLAIMED)
    const { device, token } = registered
    const place = await desk.cloudOf(device)
    return json(
      claimedText({
        id,
        api: `${await rootFor(device, request)}${OWN_PREFIX}`,
        token,
        cloudType: 'dedicated',
        cloudName: place?.name ?? 'default',
        cloudRegion: place?.region ?? 'default',
      }),
    )
  }

  const check = async (request: FastifyRequest): Promise<Answer> => {
    const said = bodyOf(request)
    const body = said ?? {}
    const asked = CheckRequest.parse(body)
    const { id, product, version } = asked
    const device = await recognize(request, async (cloud) => {
      if (id === undefined || product === undefined) return null
      return desk.comeThrough(cloud, { id, product, version, facts: propertiesOf(body) }, NAME)
    })
    // By what it said before it could be offered again what it has by now.
    if (!device || !said) return json(NOTHING)
    const facts = factsOf(body, version)
    const checkedIn = await desk.checkIn(device, facts, {
      tells: (release) => release.type === TYPE && 'sha256' in spoken(release),
      isTacit: version !== undefined,
    })
    return json(await offerIn(checkedIn, device, { request, asked }))
  }

  /** What the device is told of what is meant for it. */
  const offerIn = async (
    { offers }: CheckedIn,
    device: Snapshot,
    { request, asked }: { request: FastifyRequest; asked: CheckRequest },
  ): Promise<string> => {
    const offered = offers.find(({ release }) => release.type === TYPE)
    if (!offered) return NOTHING
    const { operation, release } = offered
    const words = spoken(release)
    if ('no' in words) return untold(device, release, words)
    const root = await rootFor(device, request)
    const source = await desk.sourceOf(device, release)
    const direct = source.kind === 'url' && isPlain(source.url) ? source.url : undefined
    const url =
      words.url ??
      direct ??
      `${root}${OWN_PREFIX}/image/${desk.fetchTicketFor(device, operation, words.sha256)}`
    if (!isPlain(url)) return untold(device, release, { no: 'The public URL cannot be read.' })
    if (isTooLargeFor(asked, release)) {
      const { title, version, sizeBytes } = release
      await desk.notice(device, { kind: 'offer.too-large', data: { title, version, sizeBytes } })
    }
    request.log.info({ device: device.device.name, operation: operation.id }, 'offered')
    return spelledOffer(operation, release, { sha256: words.sha256, url })
  }

  /** Nobody but an operator learns of it, in the device's log. */
  const untold = async (
    device: Snapshot,
    { title, version }: { title: string; version: string },
    { no }: Extract<Spoken, { no: string }>,
  ): Promise<string> => {
    const message = `${title}@${version} cannot be offered to a device that speaks Ioto. ${no}`
    const data = { title, version }
    await desk.notice(device, {
      kind: 'offer.refused',
      data,
      reason: { code: 'release.unspeakable', message },
    })
    return NOTHING
  }

  const report = async (request: FastifyRequest): Promise<Answer> => {
    const body = bodyOf(request)
    const said = ReportRequest.safeParse(body).data
    const { id } = CheckRequest.safeParse(body ?? {}).data ?? {}
    const update = said?.update
    const named = update !== undefined && UUID.test(update) ? update : undefined
    const device = await recognize(request, async (cloud) =>
      id === undefined ? null : desk.returnThrough(cloud, { id, operationId: named }, NAME),
    )
    if (!device || !said) return json(NOTHING)
    const its = device.components[TYPE]
    // One that names an update speaks of that one, or of none of this device's.
    const operationId = update === undefined ? (its?.underWay ?? its?.latestEnded)?.id : named
    if (!operationId) return json(NOTHING)
    const error = typeof body?.error === 'string' ? body.error : 'The update script failed.'
    const outcome = said.success
      ? ({ state: 'UPDATED' } as const)
      : ({ state: 'FAILED', error } as const)
    const { heard } = await desk.report(device, { operationId }, outcome, { installed: {} })
    const { state } = outcome
    request.log.info(
      { device: device.device.name, operation: operationId, state, outcome: heard?.outcome },
      'reported',
    )
    return json(NOTHING)
  }

  const certificates = async (request: FastifyRequest): Promise<Answer> => {
    const device = await recognize(request, async () => null)
    if (!device) return refusal(403, RE_ENROL.authenticationFailed)
    const { id = device.device.name } = ProvisionRequest.parse(bodyOf(request) ?? {})
    const issued = await desk.issueCertificate(id)
    const { host, port } = brokerAt() ?? NO_BROKER
    return json(
      certificatesText({
        accountId: device.tenantId,
        certificate: issued.certificate,
        key: issued.key,
        endpoint: host,
        port,
        id,
        thing: id,
      }),
    )
  }

  const http = (app: FastifyInstance): void => {
    readTextBodies(app, MAX_BODY_BYTES)
    // What was found wrong before any handler saw it: a body too large, or one that broke off.
    app.setErrorHandler((error, request, reply) => {
      request.log.info({ err: error }, 'could not be read')
      return send(reply, meekAnswer(request.url))
    })

    const answering =
      (
        work: (request: FastifyRequest) => Promise<Answer>,
        orElse: (error: unknown) => Answer,
      ): ((request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>) =>
      async (request, reply) => {
        const late = Promise.withResolvers<never>()
        const patience = setTimeout(() => late.reject(tooLate()), PATIENCE_MS)
        const answer = await Promise.race([work(request), late.promise])
          .catch((error) => {
            noteFault(error, request)
            return isStranger(error) ? refusal(403, RE_ENROL.authenticationFailed) : orElse(error)
          })
          .finally(() => clearTimeout(patience))
        return send(reply, answer)
      }

    const soon = async (request: FastifyRequest): Promise<Answer> => {
      if (atWork >= MAX_AT_WORK) return json(NOTHING)
      atWork += 1
      return check(request).finally(() => {
        atWork -= 1
      })
    }

    const serialize = async (): Promise<Answer> => json(serialText(desk.newSerial()))
    const noCredentials = async (): Promise<Answer> =>
      refusal(400, 'No credentials are given out here')
    const nothing = () => json(NOTHING)
    const refused = (error: unknown) =>
      error instanceof DomainError && error.code === 'provisioning.refused'
        ? refusal(403, 'No such product')
        : json(NOT_CLAIMED)
    const parked = () => json(waitText('Certificates cannot be given out now', PARKED_SECONDS))

    for (const prefix of PREFIXES) {
      app.post(prefix + PATHS.register, answering(register, refused))
      app.post(prefix + PATHS.provision, answering(certificates, parked))
      app.post(prefix + PATHS.getCerts, answering(certificates, parked))
      app.post(prefix + PATHS.check, answering(soon, nothing))
      app.post(prefix + PATHS.report, answering(report, nothing))
      app.post(prefix + PATHS.getCreds, answering(noCredentials, nothing))
      app.post(prefix + PATHS.getOldCreds, answering(noCredentials, nothing))
      app.post(`${prefix}/device/serialize`, answering(serialize, nothing))
    }

    app.get<{ Params: { ticket: string } }>(
      `${OWN_PREFIX}/image/:ticket`,
      async (request, reply) => {
        const { handle, seen } = await desk.redeemFetch(request.params.ticket)
        const source = byteSource(handle, { name: handle.sha256 })
        if (request.method === 'GET') noteFetch(request, reply, seen)
        await replyWithSource(request, reply, source, {
          closes: true,
          stallSeconds: STALL_SECONDS,
        })
      },
    )
  }

  return { name: NAME, http }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const bodyOf = (request: FastifyRequest): JsonObject | undefined =>
  typeof request.body === 'string' ? readBody(request.body) : undefined

function send(reply: FastifyReply, answer: Answer): FastifyReply {
  replyExactly(reply, answer)
  return reply
}

const tooLate = () => new DomainError('store.away', 'The database took too long to answer.')

/** Its token is nobody's: it is to register anew. */
const isStranger = (error: unknown): boolean =>
  error instanceof DomainError &&
  (error.code === 'device.unknown' || error.code === 'cloud.bad-token')

function noteFault(error: unknown, request: FastifyRequest): void {
  if (!(error instanceof DomainError)) request.log.error({ err: error }, 'a bug')
  else if (error.code === 'store.away') request.log.warn({ err: error }, error.message)
  else request.log.info({ code: error.code }, error.message)
}

/** What harms no device that asked for that. */
function meekAnswer(url: string): Answer {
  if (url.includes('/image/')) return refusal(403, 'The address is not valid, or no longer')
  return json(url.endsWith(PATHS.register) ? NOT_CLAIMED : NOTHING)
}

/** A fetch begins now, and is whole when the last byte has left. */
function noteFetch(
  request: FastifyRequest,
  reply: FastifyReply,
  seen: (how: { isWhole: boolean }) => Promise<void>,
): void {
  const { range } = request.headers
  const isToTheEnd = range === undefined || /^bytes=\s*\d+-\s*$/i.test(range)
  const begun = seen({ isWhole: false })
  reply.raw.once('close', () => {
    if (!isToTheEnd || !reply.raw.writableFinished) return
    void begun.then(() => seen({ isWhole: true }))
  })
}
