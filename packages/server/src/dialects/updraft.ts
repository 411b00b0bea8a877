/** Our own dialect over HTTP: check in, fetch, report. */
import { checkedFacts, DomainError, nameOf, type Release, reportableState } from '@updraft/core'
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
import type { CheckedIn, Offered } from '../app/device-desk.ts'
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
      const { installed, facts } = parse(CheckInRequest, request.body ?? {})
      const said = {
        installed: Object.fromEntries(
          Object.entries(installed).map(([type, { title, version }]) => [
            type,
            { title: title ?? null, version: version ?? null },
          ]),
        ),
        inventory: facts,
      }
      const waitSeconds = preferredWait(request)
      const listening =
        waitSeconds > 0
          ? liveSessions.listen({ id: device.device.id, profileId: device.device.profileId }, mark)
          : null
      try {
        let checkedIn = await desk.checkIn(device, said, { tells: true })
        if (listening && checkedIn.offers.length === 0) {
          const signal = goneSignal(reply)
          const deadline = performance.now() + waitSeconds * 1000
          while (checkedIn.offers.length === 0 && !signal.aborted) {
            const timeoutMs = deadline - performance.now()
            if (timeoutMs <= 0 || !(await listening.next({ timeoutMs, signal }))) break
            const current = await desk.identify(tokenOf(request), NAME)
            checkedIn = await desk.checkIn(current, said, { tells: true })
          }
        }
        if (waitSeconds > 0) reply.header('preference-applied', `wait=${waitSeconds}`)
        for (const { operation } of checkedIn.offers) {
          request.log.info(
            { device: device.device.name, operation: operation.id, release: nameOf(operation) },
            'offered',
          )
        }
        return await spellAnswer(checkedIn, (release) =>
          addressOf(desk, { device, release, root: publicUrl ?? rootOf(request) }),
        )
      } finally {
        listening?.end()
      }
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

async function spellAnswer(
  { offers, nextCheckInSeconds }: CheckedIn,
  addressOf: AddressOf,
): Promise<CheckInResponse> {
  const spelled = await Promise.all(offers.map((offered) => spellOffer(offered, addressOf)))
  return { offers: spelled, nextCheckInSeconds }
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
