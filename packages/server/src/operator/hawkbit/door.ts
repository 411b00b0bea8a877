/**
 * hawkBit's management API below /rest/v1, as far as scripts and the test suites of its clients use it. Each verb asks
 * what the route of ours asks that does the same, and is refused and noted as that is. docs/hawkbit-management.md says
 * what is different.
 */
import { DomainError } from '@updraft/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { readJsonBodies, streamBodies } from '../../transports/http.ts'
import { asking } from '../asking.ts'
import { type Caller, checkCsrf } from '../auth.ts'
import type { OperatorNeeds } from '../call.ts'
import { handlers } from '../handlers.ts'
import * as actions from './actions.ts'
import type { Asked } from './asked.ts'
import * as configs from './configs.ts'
import { addresses, PREFIX } from './documents.ts'
import { answerHawkbitError } from './errors.ts'
import * as sets from './sets.ts'
import { signIn } from './sign-in.ts'
import * as software from './software.ts'
import { assignSet } from './target-sets.ts'
import * as targets from './targets.ts'
import { MODULE_TYPES, SET_TYPES, typeDocument, typeList } from './types.ts'

const MAX_BODY_BYTES = 4_194_304
/** The newest Javas among the clients ask for it, and all others take it. */
const HAL = 'application/hal+json;charset=UTF-8'
const JSON_TYPE = 'application/json;charset=UTF-8'

type Params = Readonly<Record<string, string>>
interface Came {
  readonly params: Params
  readonly query: unknown
  readonly body: unknown
  readonly request: FastifyRequest
}
type Work = (asked: Asked, came: Came) => unknown

interface Row {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly path: string
  readonly status?: number
  readonly work: Work
}

const param = ({ params }: Came, name: string): string => params[name] ?? ''

const ofTypes = <T extends { readonly id: number }>(path: string, types: readonly T[]): Row[] => [
  {
    method: 'GET',
    path,
    work: ({ asks, at }) => asks.under('listReleases', async () => typeList(types, path, at)),
  },
  {
    method: 'GET',
    path: `${path}/:id`,
    work: ({ asks, at }, came) =>
      asks.under('listReleases', async () => {
        const type = types.find(({ id }) => String(id) === param(came, 'id'))
        if (type) return typeDocument(type, path, at)
        throw new DomainError('route.unknown', 'There is no such type.')
      }),
  },
]

const ROWS: readonly Row[] = [
  { method: 'GET', path: '/system/configs', work: (asked) => configs.listConfigs(asked) },
  {
    method: 'PUT',
    path: '/system/configs',
    work: (asked, { body }) => configs.changeConfigs(asked, body),
  },
  {
    method: 'GET',
    path: '/system/configs/:key',
    work: (asked, came) => configs.showConfig(asked, param(came, 'key')),
  },
  {
    method: 'PUT',
    path: '/system/configs/:key',
    work: (asked, came) => configs.changeConfig(asked, param(came, 'key'), came.body),
  },
  {
    method: 'DELETE',
    path: '/system/configs/:key',
    work: (asked, came) => configs.resetConfig(asked, param(came, 'key')),
  },
  ...ofTypes('/softwaremoduletypes', MODULE_TYPES),
  ...ofTypes('/distributionsettypes', SET_TYPES),
  {
    method: 'GET',
    path: '/softwaremodules',
    work: (asked, { query }) => software.listModules(asked, query),
  },
  {
    method: 'POST',
    path: '/softwaremodules',
    status: 201,
    work: (asked, { body }) => software.createModules(asked, body),
  },
  {
    method: 'GET',
    path: '/softwaremodules/:id',
    work: (asked, came) => software.showModule(asked, param(came, 'id')),
  },
  {
    method: 'DELETE',
    path: '/softwaremodules/:id',
    work: (asked, came) => software.removeModule(asked, param(came, 'id')),
  },
  {
    method: 'GET',
    path: '/softwaremodules/:id/artifacts',
    work: (asked, came) => software.listArtifacts(asked, param(came, 'id')),
  },
  {
    method: 'GET',
    path: '/softwaremodules/:id/artifacts/:artifact',
    work: (asked, came) => software.showArtifact(asked, param(came, 'id'), param(came, 'artifact')),
  },
  {
    method: 'DELETE',
    path: '/softwaremodules/:id/artifacts/:artifact',
    work: (asked, came) =>
      software.removeArtifact(asked, param(came, 'id'), param(came, 'artifact')),
  },
  {
    method: 'GET',
    path: '/distributionsets',
    work: (asked, { query }) => sets.listSets(asked, query),
  },
  {
    method: 'POST',
    path: '/distributionsets',
    status: 201,
    work: (asked, { body }) => sets.createSets(asked, body),
  },
  {
    method: 'GET',
    path: '/distributionsets/:id',
    work: (asked, came) => sets.showSet(asked, param(came, 'id')),
  },
  {
    method: 'DELETE',
    path: '/distributionsets/:id',
    work: (asked, came) => sets.removeSet(asked, param(came, 'id')),
  },
  {
    method: 'GET',
    path: '/distributionsets/:id/assignedSM',
    work: (asked, came) => sets.listSetModules(asked, param(came, 'id')),
  },
  {
    method: 'POST',
    path: '/distributionsets/:id/assignedTargets',
    work: (asked, came) => sets.assignTargets(asked, param(came, 'id'), came.body, came.query),
  },
  {
    method: 'GET',
    path: '/targets',
    work: (asked, { query }) => targets.listTargets(asked, query),
  },
  {
    method: 'POST',
    path: '/targets',
    status: 201,
    work: (asked, { body }) => targets.createTargets(asked, body),
  },
  {
    method: 'GET',
    path: '/targets/:target',
    work: (asked, came) => targets.showTarget(asked, param(came, 'target')),
  },
  {
    method: 'PUT',
    path: '/targets/:target',
    work: (asked, came) => targets.changeTarget(asked, param(came, 'target'), came.body),
  },
  {
    method: 'DELETE',
    path: '/targets/:target',
    work: (asked, came) => targets.removeTarget(asked, param(came, 'target')),
  },
  {
    method: 'GET',
    path: '/targets/:target/attributes',
    work: (asked, came) => targets.targetAttributes(asked, param(came, 'target')),
  },
  {
    method: 'GET',
    path: '/targets/:target/assignedDS',
    work: (asked, came) => targets.assignedSet(asked, param(came, 'target')),
  },
  {
    method: 'POST',
    path: '/targets/:target/assignedDS',
    work: (asked, came) => assignSet(asked, param(came, 'target'), came.body, came.query),
  },
  {
    method: 'GET',
    path: '/targets/:target/installedDS',
    work: (asked, came) => targets.installedSet(asked, param(came, 'target')),
  },
  {
    method: 'GET',
    path: '/targets/:target/actions',
    work: (asked, came) => actions.listActions(asked, param(came, 'target'), came.query),
  },
  {
    method: 'GET',
    path: '/targets/:target/actions/:action',
    work: (asked, came) => actions.showAction(asked, param(came, 'target'), param(came, 'action')),
  },
  {
    method: 'GET',
    path: '/targets/:target/actions/:action/status',
    work: (asked, came) =>
      actions.listStatuses(asked, param(came, 'target'), param(came, 'action'), came.query),
  },
  {
    method: 'PUT',
    path: '/targets/:target/actions/:action',
    work: (asked, came) =>
      actions.changeAction(asked, param(came, 'target'), param(came, 'action'), came.body),
  },
  {
    method: 'DELETE',
    path: '/targets/:target/actions/:action',
    work: (asked, came) =>
      actions.cancelAction(asked, param(came, 'target'), param(came, 'action'), came.query),
  },
]

const UPLOAD: Row = {
  method: 'POST',
  path: '/softwaremodules/:id/artifacts',
  status: 201,
  work: (asked, came) => software.uploadArtifact(asked, param(came, 'id'), came.request),
}

export const hawkbitManagement =
  (needs: OperatorNeeds) =>
  async (app: FastifyInstance): Promise<void> => {
    app.setErrorHandler(answerHawkbitError)
    const byName = handlers(needs)
    const callers = new WeakMap<FastifyRequest, Caller>()

    const hang = (scope: FastifyInstance, { method, path, status, work }: Row) =>
      scope.route({
        method,
        url: `${PREFIX}${path}`,
        bodyLimit: MAX_BODY_BYTES,
        // Asked before the body is read: a stranger's file is not taken in to be refused at its end.
        onRequest: async (request) => {
          const caller = await signIn(needs, request)
          checkCsrf(caller, request)
          request.log = request.log.child({ operator: caller.actor.name })
          callers.set(request, caller)
        },
        handler: async (request, reply) => {
          const caller = callers.get(request) as Caller
          const { log, id: requestId } = request
          const asks = asking({
            audit: needs.audit,
            handlers: byName,
            caller,
            requestId,
            log,
            checkTime: () => {},
          })
          const asked = { asks, at: addresses(needs.publicUrl, request), needs }
          const params = request.params as Params
          const { query, body } = request
          const answer = await work(asked, { params, query, body, request })
          return answered(request, reply, answer, status)
        },
      })

    await app.register(async (scope) => {
      readJsonBodies(scope, {
        maxBytes: MAX_BODY_BYTES,
        malformed: (message) => new DomainError('request.malformed', message),
      })
      for (const row of ROWS) hang(scope, row)
      scope.all(`${PREFIX}/*`, async (request) => {
        await signIn(needs, request)
        throw new DomainError(
          'route.unknown',
          `Of hawkBit's management API there is no ${request.method} ${request.url.split('?')[0]} here.`,
        )
      })
    })
    await app.register(async (scope) => {
      streamBodies(scope)
      hang(scope, UPLOAD)
    })
  }

/** Nothing is 204, as for what is removed and for what a target does not have. */
function answered(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: unknown,
  status = 200,
): FastifyReply {
  reply.header('cache-control', 'no-store')
  if (answer === undefined || answer === null) return reply.status(204).send()
  const { accept = '' } = request.headers
  const isPlain = accept.includes('application/json')
  return reply
    .status(status)
    .type(isPlain ? JSON_TYPE : HAL)
    .serializer(JSON.stringify)
    .send(answer as object)
}
