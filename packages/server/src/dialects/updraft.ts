/** Our own dialect over HTTP: check in, fetch, report. */
import {
  checkedFacts,
  DomainError,
  nameOf,
  type Release,
  reportableState,
  type Snapshot,
} from '@updraft/core'
import {
  internalProblem,
  PROBLEM_TYPE,
  type ProblemAnswer,
  problemOf,
  problemText,
  refusalOfFault,
  type StatusOfCode,
} from '@updraft/wire/problem'
import {
  CheckInRequest,
  type CheckInResponse,
  DEVICE_PREFIX,
  LogRequest,
  type LogResponse,
  MAX_CHECK_IN_BYTES,
  MAX_WAIT_SECONDS,
  type Offer,
  PATHS,
  RegisterRequest,
  type RegisterResponse,
  ReportRequest,
  type ReportResponse,
  type WaitingResponse,
} from '@updraft/wire/updraft'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodType } from 'zod'
import type { AroundBox, CheckedIn, Offered } from '../app/device-desk.ts'
import { replyWithSource } from '../transports/byte-reply.ts'
import { byteSource } from '../transports/byte-source.ts'
import { goneSignal, readJsonBodies, requestFault } from '../transports/http.ts'
import { addressOf } from './address.ts'
import type { Dialect, DialectNeeds } from './dialect.ts'

const NAME = 'updraft'
/** Where this door differs: to a device, being unknown means its token is wrong. */
const STATUS_OF_CODE: StatusOfCode = { 'device.unknown': 401 }
/** Who waits to be claimed is asked about anew no sooner. */
const ASK_AGAIN_SECONDS = 60

export function updraft({ desk, liveSessions, publicUrl }: DialectNeeds): Dialect {
  const http = (app: FastifyInstance): void => {
    readJsonBodies(app, {
      maxBytes: MAX_CHECK_IN_BYTES,
      malformed: (message) => new DomainError('request.malformed', message),
    })
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply))

    app.post(
      PATHS.register,
      async (request, reply): Promise<RegisterResponse | WaitingResponse> => {
        const { key, id, facts = {} } = parse(RegisterRequest, request.body ?? {})
        checkedFacts({ installed: {}, inventory: facts })
        const registered = await desk.register({ product: key, id, facts }, NAME)
        if (registered) {
          request.log.info({ device: registered.device.device.name }, 'registered')
          reply.status(201)
          return { token: registered.token }
        }
        reply.status(202).header('retry-after', ASK_AGAIN_SECONDS)
        return { retryAfterSeconds: ASK_AGAIN_SECONDS }
      },
    )

    app.post(PATHS.checkIn, async (request, reply) => {
      const mark = liveSessions.mark()
      const device = await desk.identify(tokenOf(request), NAME)
      const { installed, facts, asked, done } = parse(CheckInRequest, request.body ?? {})
      const said = {
        installed: Object.fromEntries(
          Object.entries(installed).map(([type, { title, version }]) => [
            type,
            { title: title ?? null, version: version ?? null },
          ]),
        ),
        inventory: facts,
      }
      if (done) await desk.wishesDone(device, done)
      const look = async (at: Snapshot): Promise<Look> => {
        const checkedIn = await desk.checkIn(at, said, { tells: true, asked })
        return { checkedIn, around: await desk.aroundBox(at, facts) }
      }
      const waitSeconds = preferredWait(request)
      const listening =
        waitSeconds > 0
          ? liveSessions.listen({ id: device.device.id, profileId: device.device.profileId }, mark)
          : null
      try {
        const first = await look(device)
        let seen = first
        // Whoever presses a button is to see at once what comes of it.
        if (listening && !asked?.length) {
          const signal = goneSignal(reply)
          const deadline = performance.now() + waitSeconds * 1000
          while (!isNews(seen, first) && !signal.aborted) {
            const nextMs = performance.now() + seen.checkedIn.nextCheckInSeconds * 1000
            const until = Math.min(deadline, nextMs)
            const timeoutMs = until - performance.now()
            const isWoken = timeoutMs > 0 && (await listening.next({ timeoutMs, signal }))
            // Its time has come when no more than that was to be waited for.
            if (!isWoken && (until === deadline || performance.now() < until)) break
            seen = await look(await desk.identify(tokenOf(request), NAME))
          }
        }
        if (waitSeconds > 0) reply.header('preference-applied', `wait=${waitSeconds}`)
        for (const { operation } of seen.checkedIn.offers) {
          request.log.info(
            { device: device.device.name, operation: operation.id, release: nameOf(operation) },
            'offered',
          )
        }
        if (seen.around) await desk.wishesTold(seen.around.wishes)
        return await spellAnswer(seen, (release) =>
          addressOf(desk, { device, release, root: publicUrl ?? rootOf(request) }),
        )
      } finally {
        listening?.end()
      }
    })

    app.post(PATHS.log, async (request): Promise<LogResponse> => {
      const { tenantId, device } = await desk.identify(tokenOf(request), NAME)
      const { lines } = parse(LogRequest, request.body ?? {})
      const whose = { tenantId, deviceId: device.id }
      await desk.keepLines(whose, lines)
      const last = lines.reduce((highest, { sequence }) => Math.max(highest, sequence), -1)
      return { taken: lines.length > 0 ? last : ((await desk.linesTaken(whose)) ?? -1) }
    })

    app.post<{ Params: { operation: string } }>(
      PATHS.report,
      async (request): Promise<ReportResponse> => {
        const device = await desk.identify(tokenOf(request), NAME)
        const operationId = request.params.operation
        const { state: word, progress, error, installed } = parse(ReportRequest, request.body ?? {})
        const state = reportableState(word)
        if (!state) {
          throw new DomainError(
            'report.unknown-state',
            `"${word.slice(0, 80)}" is no state to report; use DOWNLOADING, DOWNLOADED, VERIFIED, UPDATING, UPDATED or FAILED.`,
          )
        }
        if (!UUID.test(operationId)) {
          throw new DomainError('operation.unknown', 'This device has no such operation.')
        }
        const report = {
          state,
          progressPercent: progress,
          error,
          installed: installed && {
            title: installed.title ?? null,
            version: installed.version ?? null,
          },
        }
        const { heard } = await desk.report(device, { operationId }, report, { installed: {} })
        if (!heard) throw new DomainError('operation.unknown', 'This device has no such operation.')
        request.log.info(
          { device: device.device.name, operation: operationId, state, outcome: heard.outcome },
          heard.because.message,
        )
        if (heard.because.code === 'report.after-end') {
          throw new DomainError('operation.already-ended', heard.because.message, {
            state: heard.operation.state,
          })
        }
        return {
          outcome: heard.outcome,
          state: heard.operation.state,
          because: heard.because.message,
        }
      },
    )

    app.get<{ Params: { ticket: string; fileName: string } }>(
      PATHS.artifact,
      async (request, reply) => {
        const handle = await desk.redeem(request.params.ticket)
        const { fileName } = request.params
        const source = byteSource(handle, { name: handle.sha256, fileName })
        await replyWithSource(request, reply, source, { unsatisfiable: BEYOND_THE_END })
      },
    )

    app.all(`${DEVICE_PREFIX}/*`, (request) => {
      throw new DomainError(
        'route.unknown',
        `Nothing is meant to be asked by ${request.method} here.`,
      )
    })
  }
  return { name: NAME, http }
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

type AddressOf = (release: Release) => Promise<string>

/** What a device is to hear now. */
interface Look {
  readonly checkedIn: CheckedIn
  /** Of boxes only. */
  readonly around: AroundBox | null
}

/** Whether a device that holds its line is to hear that at once. */
const isNews = (seen: Look, first: Look): boolean =>
  seen.checkedIn.offers.length > 0 ||
  seen.around?.isUrgent === true ||
  (seen !== first && JSON.stringify(spellBox(seen)) !== JSON.stringify(spellBox(first)))

async function spellAnswer(look: Look, addressOf: AddressOf): Promise<CheckInResponse> {
  const { offers, nextCheckInSeconds } = look.checkedIn
  const spelled = await Promise.all(offers.map((offered) => spellOffer(offered, addressOf)))
  const wishes = look.around?.wishes.map(({ id, kind }) => ({ id, kind }))
  return { offers: spelled, nextCheckInSeconds, ...spellBox(look), ...(wishes && { wishes }) }
}

/** What is set for a box, and what that keeps back. */
function spellBox({
  checkedIn,
  around,
}: Look): Pick<CheckInResponse, 'box' | 'held'> | Record<never, never> {
  if (!around) return {}
  const { form, series } = around
  const { hold, layers } = form
  return {
    box: {
      ...(series !== null && { series }),
      ...form,
      hold: hold && { ...hold },
      layers: {
        handlers: { ...layers.handlers },
        code: { ...layers.code },
        image: { ...layers.image },
      },
    },
    held: checkedIn.held.map(({ release: { type, title, version, sizeBytes }, by }) => ({
      type,
      title,
      version,
      size: sizeBytes ?? undefined,
      because: by.because.message,
      comesIfAsked: by.comesIfAsked,
    })),
  }
}

async function spellOffer({ operation, release }: Offered, addressOf: AddressOf): Promise<Offer> {
  const { artifact, checksum, checksumAlgorithm } = release
  return {
    operation: operation.id,
    type: release.type,
    title: release.title,
    version: release.version,
    size: release.sizeBytes ?? undefined,
    sha256:
      artifact?.sha256 ?? (checksumAlgorithm === 'SHA256' ? (checksum ?? undefined) : undefined),
    checksum:
      checksumAlgorithm && checksum ? { algorithm: checksumAlgorithm, value: checksum } : undefined,
    artifact: await addressOf(release),
    because: operation.origin.message,
    needs: Object.keys(release.needs).length > 0 ? { ...release.needs } : undefined,
  }
}

function tokenOf(request: FastifyRequest): string {
  const token = /^Bearer +(\S+)\s*$/i.exec(request.headers.authorization ?? '')?.[1]
  if (token) return token
  throw new DomainError(
    'device.unknown',
    'The request needs "Authorization: Bearer" with the device\'s token.',
  )
}

/** `Prefer: wait=60` (RFC 7240): how long the device lets us wait for something to offer. */
function preferredWait(request: FastifyRequest): number {
  const prefer = [request.headers.prefer ?? []].flat().join(',')
  const seconds = Number(/(?:^|[,;\s])wait\s*=\s*"?(\d{1,6})/i.exec(prefer)?.[1] ?? 0)
  return Math.min(seconds, MAX_WAIT_SECONDS)
}

const rootOf = (request: FastifyRequest): string => `${request.protocol}://${request.host}`

function parse<T>(shape: ZodType<T>, body: unknown): T {
  const parsed = shape.safeParse(body)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') || 'the body'
  throw new DomainError('request.malformed', `${where}: ${issue?.message ?? 'not as documented'}`)
}

function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const fault = requestFault(error)
  const refusal = error instanceof DomainError ? error : fault && refusalOfFault(fault)
  if (!refusal) {
    request.log.error({ err: error }, 'a bug')
    return send(reply, internalProblem('Something went wrong here; the device is not to blame.'))
  }
  if (refusal.code === 'store.away') {
    request.log.warn({ err: refusal.cause ?? refusal }, refusal.message)
  }
  return send(reply, problemOf(refusal, STATUS_OF_CODE))
}

const send = (reply: FastifyReply, { status, headers, body }: ProblemAnswer): FastifyReply =>
  reply.status(status).headers(headers).send(body)

const BEYOND_THE_END = {
  contentType: PROBLEM_TYPE,
  body: problemText(416, 'request.malformed', 'The range begins beyond the end of the file.'),
}
