/**
 * hawkBit's Direct Device Integration API over HTTP. Its clients take nothing but 200 for a yes, and some give an update
 * up at any other answer to their first word of it. Each fact with its source in docs/dialects/hawkbit.md.
 */
import { DomainError, type ErrorCode, type JsonObject, type Snapshot } from '@updraft/core'
import {
  type Attributes,
  AutoConfirm,
  answerType,
  attributesAfter,
  attributesFault,
  basePath,
  bodyType,
  ConfigData,
  Confirmation,
  cancelDocument,
  confirmationState,
  errorBody,
  Feedback,
  InstalledSaid,
  LIMITS,
  PATHS,
  type PollLink,
  pollAnswer,
  readActionId,
  readAuthorization,
  readBody,
  readVouching,
  spell,
} from '@updraft/wire/hawkbit'
import { refusalOfFault } from '@updraft/wire/problem'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import {
  HAWKBIT,
  type HawkbitCaller,
  type HawkbitClient,
  type HawkbitDesk,
  type HawkbitHeard,
  type HawkbitProof,
} from '../../app/hawkbit-desk.ts'
import { shownCertificates } from '../../transports/client-certificate.ts'
import { claimedType, readByteBodies, requestFault } from '../../transports/http.ts'
import type { Dialect, DialectNeeds } from '../dialect.ts'
import { hawkbitFiles } from './files.ts'
import { noModule, Refused, type Request } from './refused.ts'
import {
  artifactsOf,
  cancelFeedbackOf,
  confirmationOf,
  documentOf,
  feedbackOf,
} from './translate.ts'

const BASE = '/:tenant/controller/v1/:controllerId'
const RETRY_AFTER_SECONDS = 5
/** Of a device that is not anybody's yet. */
const WAITING_SECONDS = 300

export interface HawkbitNeeds extends Pick<DialectNeeds, 'publicUrl'> {
  readonly desk: DialectNeeds['desk']
  readonly hawkbit: HawkbitDesk
  /** Whether requests come through a proxy that is believed what it says in headers. */
  readonly isBehindProxy: boolean
}

export function hawkbit(needs: HawkbitNeeds): Dialect {
  const { desk, hawkbit, publicUrl, isBehindProxy } = needs

  const proofIn = (request: Request): HawkbitProof => {
    const shown = readAuthorization(request.headers.authorization)
    if (shown) return shown
    const vouching = isBehindProxy ? readVouching(request.headers) : undefined
    if (vouching?.controllerId === request.params.controllerId) {
      return { kind: 'vouched', authorities: vouching.authorities }
    }
    const chain = vouching ? [] : shownCertificates(request.raw.socket)
    if (chain.length > 0) return { kind: 'certificate', chain }
    throw new DomainError('device.unknown', 'It shows nothing by which a device is known.')
  }

  /** Null: it waits to be claimed. */
  const enter = async (request: Request): Promise<HawkbitClient | null> => {
    const { tenant, controllerId } = request.params
    if (controllerId.length > LIMITS.controllerIdLength || /[\s\p{Cc}]/u.test(controllerId)) {
      throw new Refused(400, 'invalid', 'A controller id has 1 to 256 characters and no spaces.')
    }
    const caller: HawkbitCaller = {
      tenant,
      controllerId,
      userAgent: request.headers['user-agent'],
      accept: request.headers.accept,
      address: request.ip,
    }
    return hawkbit.enter(caller, proofIn(request))
  }

  const entered = async (request: Request): Promise<HawkbitClient> => {
    const client = await enter(request)
    if (client) return client
    throw new Refused(404, 'notFound', 'The device waits to be claimed.')
  }

  const rootFor = async (device: Snapshot, request: Request): Promise<string> =>
    (await desk.cloudOf(device))?.publicUrl ?? publicUrl ?? `${request.protocol}://${request.host}`

  /** The device's own address, in full. */
  const baseOf = async ({ device, caller }: HawkbitClient, request: Request): Promise<string> =>
    (await rootFor(device, request)) + basePath(caller.tenant, caller.controllerId)

  const poll = async (request: Request): Promise<JsonObject> => {
    const client = await enter(request)
    if (!client) return pollAnswer({ sleepSeconds: WAITING_SECONDS, links: {} })
    const { next, sleepSeconds, installedId, wantsAttributes } = await hawkbit.poll(client)
    const base = await baseOf(client, request)
    const links: Partial<Record<PollLink, string>> = {}
    if (next?.kind === 'deploy') {
      links.deploymentBase = `${base}${PATHS.deploymentBase}/${next.actionId}?c=${next.mark}`
    } else if (next?.kind === 'confirm') {
      links.confirmationBase = `${base}${PATHS.confirmationBase}/${next.actionId}?c=${next.mark}`
    } else if (next?.kind === 'cancel') {
      links.cancelAction = `${base}${PATHS.cancelAction}/${next.actionId}`
    }
    if (installedId !== null) links.installedBase = `${base}${PATHS.installedBase}/${installedId}`
    if (wantsAttributes) links.configData = `${base}${PATHS.configData}`
    return pollAnswer({ sleepSeconds, links })
  }

  const read =
    (as: 'deployment' | 'confirmation' | 'installed') =>
    async (request: Request): Promise<JsonObject> => {
      const client = await entered(request)
      const asked = Number(request.query.actionHistory ?? 0)
      const history = Number.isSafeInteger(asked) ? asked : 0
      const document = await hawkbit.read(client, actionIdOf(request), as, history)
      if (!document) throw noAction()
      const isToConfirm = as === 'confirmation'
      return documentOf(document, { base: await baseOf(client, request), isToConfirm, history })
    }

  const feedback = async (request: Request): Promise<void> => {
    const client = await entered(request)
    const actionId = actionIdOf(request)
    const said = bodyOf(request, Feedback)
    answerHeard(await hawkbit.feedback(client, actionId, feedbackOf(said)))
  }

  const cancelFeedback = async (request: Request): Promise<void> => {
    const client = await entered(request)
    const actionId = actionIdOf(request)
    const said = bodyOf(request, Feedback)
    const heard = await hawkbit.cancelFeedback(client, actionId, cancelFeedbackOf(said))
    if (heard === 'unknown') {
      throw new Refused(405, 'notCanceling', 'That action is not being cancelled.')
    }
  }

  const confirm = async (request: Request): Promise<void> => {
    const client = await entered(request)
    const actionId = actionIdOf(request)
    const said = bodyOf(request, Confirmation)
    answerHeard(await hawkbit.confirm(client, actionId, confirmationOf(said)))
  }

  const setAutoConfirm = (isOn: boolean) => async (request: Request) => {
    const client = await entered(request)
    const said = isOn && hasBody(request) ? bodyOf(request, AutoConfirm) : {}
    const { initiator = null, remark = null } = said
    const isNew = await hawkbit.setAutoConfirm(client, isOn ? { initiator, remark } : null)
    if (isOn && !isNew) throw new Refused(409, 'alreadyExists', 'Auto-confirm is active already.')
  }

  const confirmationBase = async (request: Request): Promise<JsonObject> => {
    const client = await entered(request)
    const { autoConfirm, actions } = client.hawkbit
    const at = `${await baseOf(client, request)}${PATHS.confirmationBase}`
    const waiting = actions.find(
      ({ needsConfirmation, confirmedAt, closedAt }) =>
        needsConfirmation && !confirmedAt && !closedAt,
    )
    return confirmationState({
      autoConfirm,
      links: {
        toggle: `${at}/${autoConfirm ? 'deactivateAutoConfirm' : 'activateAutoConfirm'}`,
        ...(waiting && { confirmationBase: `${at}/${waiting.id}` }),
      },
    })
  }

  const configData = async (request: Request): Promise<void> => {
    const client = await entered(request)
    const said = bodyOf(request, ConfigData)
    const fault = attributesFault(said)
    if (fault !== null) throw new Refused(400, 'attributes', fault)
    const after = attributesAfter(attributesKnown(client), said)
    if (Object.keys(after).length > LIMITS.attributes) {
      const message = `A device has ${LIMITS.attributes} attributes at most.`
      throw new Refused(429, 'quota', message)
    }
    await hawkbit.describe(client, after)
  }

  const runs = async (request: Request, reply: FastifyReply): Promise<void> => {
    const client = await entered(request)
    const { name, version } = bodyOf(request, InstalledSaid)
    const isNew = await hawkbit.runs(client, { title: name, version })
    reply.status(isNew ? 201 : 200)
  }

  const http = (app: FastifyInstance): void => {
    readByteBodies(app, LIMITS.bodyBytes)
    app.setErrorHandler((error, request, reply) => answerError(error, request, reply))

    type Work = (request: Request, reply: FastifyReply) => Promise<object> | Promise<void>
    /** Who it is comes first, so that a stranger learns nothing; then whether we could answer it at all. */
    const answering = (work: Work) => async (request: FastifyRequest, reply: FastifyReply) => {
      const type = answerType(request.headers.accept)
      if (type === null) {
        await enter(request as Request)
        throw new Refused(406, 'notAcceptable', 'Answers are JSON or CBOR.')
      }
      const answer = await work(request as Request, reply)
      if (!answer) return reply.header('content-length', '0').send()
      const { contentType, body } = spell(answer, type)
      return reply.type(contentType).send(Buffer.from(body))
    }

    const serve = (path: string, methods: Partial<Record<'GET' | 'POST' | 'PUT', Work>>) => {
      const url = `${BASE}${path}`
      for (const [method, work] of Object.entries(methods)) {
        app.route({ method, url, handler: answering(work) })
      }
      refuseOthers(url, Object.keys(methods))
    }

    const refuseOthers = (url: string, allowed: readonly string[]) => {
      const others = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter(
        (method) => !allowed.includes(method),
      )
      app.route({
        method: others,
        url,
        exposeHeadRoute: false,
        handler: async (request, reply) => {
          await enter(request as Request)
          reply.header('allow', allowed.join(', '))
          throw new Refused(405, 'method', `${request.method} is not for this address.`)
        },
      })
    }

    serve(PATHS.base, { GET: poll })
    serve(PATHS.configData, { PUT: configData })
    serve(`${PATHS.deploymentBase}/:actionId`, { GET: read('deployment') })
    serve(`${PATHS.deploymentBase}/:actionId${PATHS.feedback}`, { POST: feedback })
    serve(`${PATHS.cancelAction}/:actionId`, {
      GET: async (request) => {
        const client = await entered(request)
        const actionId = actionIdOf(request)
        if (!(await hawkbit.isToCancel(client, actionId))) throw noAction()
        return cancelDocument(actionId)
      },
    })
    serve(`${PATHS.cancelAction}/:actionId${PATHS.feedback}`, { POST: cancelFeedback })
    serve(PATHS.installedBase, { PUT: runs })
    serve(`${PATHS.installedBase}/:actionId`, { GET: read('installed') })
    serve(PATHS.confirmationBase, { GET: confirmationBase })
    serve(`${PATHS.confirmationBase}/activateAutoConfirm`, { POST: setAutoConfirm(true) })
    serve(`${PATHS.confirmationBase}/deactivateAutoConfirm`, { POST: setAutoConfirm(false) })
    serve(`${PATHS.confirmationBase}/:actionId`, { GET: read('confirmation') })
    serve(`${PATHS.confirmationBase}/:actionId${PATHS.feedback}`, { POST: confirm })
    const modules = `${BASE}${PATHS.softwareModules}/:moduleId/artifacts`
    app.get(modules, async (request, reply) => {
      const asked = request as Request
      const type = answerType(request.headers.accept)
      const client = await entered(asked)
      if (type === null) throw new Refused(406, 'notAcceptable', 'Answers are JSON or CBOR.')
      const file = await hawkbit.file(client, readActionId(asked.params.moduleId) ?? 0)
      if (!file) throw noModule()
      const { contentType, body } = spell(artifactsOf(file.part, await baseOf(client, asked)), type)
      return reply.type(contentType).send(Buffer.from(body))
    })
    refuseOthers(modules, ['GET'])
    hawkbitFiles(app, { path: `${modules}/:fileName`, desk, hawkbit, entered })
    refuseOthers(`${modules}/:fileName`, ['GET', 'HEAD'])
  }

  return { name: HAWKBIT, http }
}

function actionIdOf(request: Request): number {
  const id = readActionId(request.params.actionId)
  if (id === undefined) throw noAction()
  return id
}

const noAction = () => new Refused(404, 'notFound', 'The device has no such action.')

function answerHeard(heard: HawkbitHeard): void {
  if (heard === 'unknown') throw noAction()
  if (heard === 'over') throw new Refused(410, 'gone', 'That action has ended.')
}

const hasBody = ({ body }: Request): boolean => body !== undefined

function bodyOf<T>(request: Request, shape: z.ZodType<T>): T {
  const type = bodyType(claimedType(request))
  if (type === null) throw new Refused(415, 'mediaType', 'Bodies are JSON or CBOR.')
  const { body } = request
  const value = body instanceof Uint8Array ? readBody(body, type) : undefined
  const read = value && shape.safeParse(value)
  if (read?.success) return read.data
  throw new Refused(400, 'notReadable', 'The body cannot be read, or lacks something.')
}

function attributesKnown({ device }: HawkbitClient): Attributes {
  const { attributes } = device.device.inventory
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) return {}
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)]))
}

const STRANGERS: readonly ErrorCode[] = ['device.unknown', 'provisioning.refused']

/** A stranger hears nothing but that it is one. */
function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (error instanceof DomainError && STRANGERS.includes(error.code)) {
    request.log.info({ code: error.code }, error.message)
    return reply.status(401).header('content-length', '0').send()
  }
  const refused = error instanceof Refused ? error : refusedOf(error)
  if (!refused) {
    request.log.error({ err: error }, 'a bug')
    const body = errorBody('away', 'Internal error.')
    return reply.status(500).send(body)
  }
  const { status, says, message } = refused
  if (status === 503) {
    request.log.warn({ err: error }, message)
    reply.header('retry-after', String(RETRY_AFTER_SECONDS))
  } else {
    request.log.info({ status }, message)
  }
  const { contentType, body } = spell(
    errorBody(says, message),
    answerType(request.headers.accept) ?? 'application/json',
  )
  return reply.status(status).type(contentType).send(Buffer.from(body))
}

function refusedOf(error: unknown): Refused | null {
  const fault = requestFault(error)
  const refusal = error instanceof DomainError ? error : fault && refusalOfFault(fault)
  if (!refusal) return null
  const { code, message } = refusal
  if (code === 'store.away' || code === 'store.full') return new Refused(503, 'away', message)
  if (code === 'request.too-large') return new Refused(413, 'tooLarge', message)
  if (code.endsWith('.unknown')) return new Refused(404, 'notFound', message)
  return new Refused(400, 'invalid', message)
}
