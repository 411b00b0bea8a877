/**
 * What triggers of a cluster call us with. An error of ours has Astarte keep the event and try again, one of the event's
 * own has it dropped, so which of the two is said decides whether it is lost. It is answered once it is kept.
 */
import { DomainError, ERROR_KINDS } from '@updraft/core'
import {
  REALM_HEADER,
  SECRET_HEADER,
  type TriggerDelivery,
  triggerDelivery,
} from '@updraft/wire/astarte-cluster'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Cluster, ClusterDesk } from '../../app/cluster-desk.ts'
import { readTextBodies } from '../../transports/http.ts'

const PATH = '/astarte/v1/:realm/triggers'
const MAX_BODY_BYTES = 262_144

export interface WebhookNeeds {
  readonly clusters: Pick<ClusterDesk, 'ofRealm' | 'isSecretOf'>
  /** Resolves when it is kept. */
  readonly hear: (cluster: Cluster, delivery: TriggerDelivery) => Promise<void>
}

export function clusterWebhook({ clusters, hear }: WebhookNeeds) {
  const clusterOf = async (request: FastifyRequest): Promise<Cluster | Refused> => {
    const { realm } = request.params as { realm: string }
    const { [REALM_HEADER]: named, [SECRET_HEADER]: secret } = request.headers
    if (typeof named !== 'string') return refused(400, 'The header Astarte-Realm is missing')
    const cluster = await clusters.ofRealm(realm)
    // Nobody learns which realms there are.
    if (!cluster || typeof secret !== 'string' || !clusters.isSecretOf(cluster, secret)) {
      return refused(403, 'Forbidden')
    }
    return cluster.realm === named ? cluster : refused(404, 'Not the realm of this address')
  }

  const take = async (request: FastifyRequest): Promise<Refused | null> => {
    const cluster = await clusterOf(request)
    if ('status' in cluster) return cluster
    const body = jsonOf(request.body)
    if (typeof body !== 'object' || body === null || Array.isArray(body))
      return refused(400, 'The body is no JSON object')
    const delivery = triggerDelivery(body)
    if (!delivery) return refused(422, 'That is no event')
    await hear(cluster, delivery)
    return null
  }

  return (app: FastifyInstance): void => {
    readTextBodies(app, MAX_BODY_BYTES)
    app.setErrorHandler((error, request, reply) => {
      const { status, detail } = faultOf(error, request)
      return answer(reply, status, detail)
    })
    app.post(PATH, async (request, reply) => {
      const said = await take(request)
      return said ? answer(reply, said.status, said.detail) : answer(reply, 200, 'ok')
    })
  }
}

interface Refused {
  readonly status: number
  readonly detail: string
}
const refused = (status: number, detail: string): Refused => ({ status, detail })

function faultOf(error: unknown, request: FastifyRequest): Refused {
  const { statusCode } = error as { statusCode?: number }
  if (statusCode !== undefined && statusCode < 500) {
    return refused(statusCode, 'The request cannot be read')
  }
  if (!(error instanceof DomainError)) {
    request.log.error({ err: error }, 'a bug')
    return refused(500, 'Internal error')
  }
  const kind = ERROR_KINDS[error.code]
  if (kind === 'away' || kind === 'full') {
    request.log.warn({ err: error }, error.message)
    return refused(503, error.message)
  }
  request.log.info({ code: error.code }, error.message)
  return refused(422, error.message)
}

function answer(reply: FastifyReply, status: number, detail: string): FastifyReply {
  const body = status === 200 ? { data: detail } : { errors: { detail } }
  return reply.code(status).type('application/json').send(JSON.stringify(body))
}

function jsonOf(body: unknown): object | undefined {
  if (typeof body !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}
