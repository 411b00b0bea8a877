/** What a known operator is refused is noted in the audit log: here, for every route. */
import { ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import { type EventReason, isRefusal, reasonOf, type SubjectKind } from '@updraft/core'
import type { FastifyBaseLogger } from 'fastify'
import type { Audit } from '../app/audit.ts'
import type { Caller } from './auth.ts'
import { refusalOf } from './problem.ts'

type NounOf<Path> = Path extends `/${infer Noun}/${string}`
  ? Noun
  : Path extends `/${infer Noun}`
    ? Noun
    : never
/** What the paths of the API begin with. */
type Noun = NounOf<(typeof ROUTES)[RouteName]['path']>

/** What the `:id` of a path is the id of. */
const SUBJECTS: Readonly<Record<Noun, SubjectKind>> = {
  artifacts: 'artifact',
  'artifact-stores': 'artifact-store',
  assignments: 'tenant',
  audit: 'tenant',
  campaigns: 'campaign',
  channels: 'channel',
  clouds: 'cloud',
  customers: 'customer',
  devices: 'device',
  endpoints: 'tenant',
  events: 'tenant',
  groups: 'group',
  'hardware-types': 'hardware-type',
  operations: 'operation',
  operators: 'operator',
  overview: 'tenant',
  packages: 'tenant',
  plugins: 'device',
  policies: 'tenant',
  profiles: 'profile',
  realm: 'realm',
  releases: 'release',
  session: 'operator',
  tenants: 'tenant',
  settings: 'tenant',
  'system-models': 'system-model',
  tokens: 'token',
  uploads: 'artifact',
  'waiting-devices': 'tenant',
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i
const MAX_MESSAGE_LENGTH = 1000

/** What is tried out while it is written changes nothing. */
const TRIED_OUT: readonly RouteName[] = [
  'previewGroup',
  'checkPolicy',
  'countPolicy',
  'tryPolicy',
  'checkCluster',
]

/** One call of a route, by whichever door it came. */
export interface RefusedCall {
  readonly name: RouteName
  readonly caller: Pick<Caller, 'actor'>
  /** The `:id` of its path. */
  readonly id: string | undefined
  readonly error: unknown
  /** Of the request that brought it. */
  readonly requestId: string
  readonly log: Pick<FastifyBaseLogger, 'warn'>
}

/**
 * Notes a refusal of what would have changed something, or that the operator may not do. Never throws: the answer
 * is the same whether or not it could be noted.
 */
export async function noteRefusal(
  audit: Audit,
  { name, caller, id, error, requestId, log }: RefusedCall,
): Promise<void> {
  const refusal = refusalOf(error)
  // There would be nowhere to note it.
  if (refusal?.code === 'store.away') return
  const isDenied = isRefusal(refusal, 'denied')
  const { method, path }: Route = ROUTES[name]
  if (!isDenied && (method === 'GET' || TRIED_OUT.includes(name))) return
  const noun = path.split('/')[1] as Noun
  try {
    await audit.refused(caller.actor, {
      action: name,
      // At a door this early nobody has looked yet whether it is an id.
      subject: { kind: SUBJECTS[noun], id: id && UUID.test(id) ? id : '' },
      reason: refusal ? storable(reasonOf(refusal)) : { code: 'internal', message: requestId },
    })
  } catch (unnoted) {
    log.warn({ err: unnoted, action: name }, 'a refusal could not be noted')
  }
}

/** The sentence may repeat what was sent, and the database does not take everything. */
const storable = ({ code, message }: EventReason): EventReason => ({
  code,
  message: message.replaceAll('\0', '').slice(0, MAX_MESSAGE_LENGTH).toWellFormed(),
})
