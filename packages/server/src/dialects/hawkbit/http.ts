/**
 * hawkBit's Direct Device Integration API over HTTP. Its clients take nothing but 200 for a yes, and some give an update
 * up at any other answer to their first word of it. Each fact with its source in docs/dialects/hawkbit.md.
 */
import { DomainError, type JsonObject, type Snapshot } from '@updraft/core'
import {
  type Attributes,
  AutoConfirm,
  attributesAfter,
  attributesFault,
  basePath,
  ConfigData,
  Confirmation,
  cancelDocument,
  confirmationState,
  Feedback,
  InstalledSaid,
  LIMITS,
  PATHS,
  type PollLink,
  pollAnswer,
  readActionId,
  readAuthorization,
  readVouching,
} from '@updraft/wire/hawkbit'
import type { FastifyInstance, FastifyReply } from 'fastify'
import {
  HAWKBIT,
  type HawkbitCaller,
  type HawkbitClient,
  type HawkbitDesk,
  type HawkbitHeard,
  type HawkbitProof,
} from '../../app/hawkbit-desk.ts'
import { shownCertificates } from '../../transports/client-certificate.ts'
import type { Dialect, DialectNeeds } from '../dialect.ts'
import { BASE, hawkbitDoor, unreadableHere } from './door.ts'
import { hawkbitFiles } from './files.ts'
import {
  actionIdOf,
  bodyOf,
  hasBody,
  noAction,
  noModule,
  Refused,
  type Request,
} from './refused.ts'
import {
  artifactsOf,
  cancelFeedbackOf,
  confirmationOf,
  documentOf,
  feedbackOf,
} from './translate.ts'

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

  const artifacts = async (request: Request): Promise<object> => {
    const client = await entered(request)
    const file = await hawkbit.file(client, readActionId(request.params.moduleId) ?? 0)
    if (!file) throw noModule()
    return artifactsOf(file.part, await baseOf(client, request))
  }

  const cancel = async (request: Request): Promise<object> => {
    const client = await entered(request)
    const actionId = actionIdOf(request)
    if (!(await hawkbit.isToCancel(client, actionId))) throw noAction()
    return cancelDocument(actionId)
  }

  const http = (app: FastifyInstance): void => {
    const { serve, refuseOthers } = hawkbitDoor(app, enter)
    const { deploymentBase, cancelAction, installedBase, confirmationBase: confirmation } = PATHS
    serve(PATHS.base, { GET: poll })
    serve(PATHS.configData, { PUT: configData })
    serve(`${deploymentBase}/:actionId`, { GET: read('deployment') })
    serve(`${deploymentBase}/:actionId${PATHS.feedback}`, { POST: feedback })
    serve(`${cancelAction}/:actionId`, { GET: cancel })
    serve(`${cancelAction}/:actionId${PATHS.feedback}`, { POST: cancelFeedback })
    serve(installedBase, { PUT: runs })
    serve(`${installedBase}/:actionId`, { GET: read('installed') })
    serve(confirmation, { GET: confirmationBase })
    serve(`${confirmation}/activateAutoConfirm`, { POST: setAutoConfirm(true) })
    serve(`${confirmation}/deactivateAutoConfirm`, { POST: setAutoConfirm(false) })
    serve(`${confirmation}/:actionId`, { GET: read('confirmation') })
    serve(`${confirmation}/:actionId${PATHS.feedback}`, { POST: confirm })
    serve(`${PATHS.softwareModules}/:moduleId/artifacts`, { GET: artifacts })
    const file = `${PATHS.softwareModules}/:moduleId/artifacts/:fileName`
    hawkbitFiles(app, { path: `${BASE}${file}`, desk, hawkbit, entered })
    refuseOthers(file, ['GET', 'HEAD'])
  }

  return { name: HAWKBIT, http, unreadable: unreadableHere }
}

function answerHeard(heard: HawkbitHeard): void {
  if (heard === 'unknown') throw noAction()
  if (heard === 'over') throw new Refused(410, 'gone', 'That action has ended.')
}

function attributesKnown({ device }: HawkbitClient): Attributes {
  const { attributes } = device.device.inventory
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) return {}
  return Object.fromEntries(Object.entries(attributes).map(([key, value]) => [key, String(value)]))
}
