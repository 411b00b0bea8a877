/**
 * One caller's questions, answered by the handlers of the REST API: the same permissions, the same checks of what
 * was sent, the same notes in the audit log. There is no second list of who may what.
 */
import type { Input, Output } from '@updraft/api/client'
import { ROUTES, type Route, type RouteName } from '@updraft/api/routes'
import { DomainError, type OperatorActor } from '@updraft/core'
import type { FastifyBaseLogger } from 'fastify'
import type { output, ZodType } from 'zod'
import type { Audit } from '../app/audit.ts'
import { authorise, type Caller } from './auth.ts'
import type { Call, ExchangeRoute, Handlers } from './call.ts'
import { noteRefusal } from './refused.ts'

/** Routes that can be asked without an exchange over HTTP of their own. */
export type AskedRoute = Exclude<RouteName, ExchangeRoute>

export interface Asking {
  readonly actor: OperatorActor
  /** The route's answer. Refuses as the route does. */
  ask<N extends AskedRoute>(name: N, input: Input<N>): Promise<Output<N>>
  /**
   * Asks for a thing and for a change of it that rests on what was seen; begins anew when somebody else changed it
   * in between.
   */
  change<Shown extends AskedRoute, Changed extends AskedRoute>(
    look: { readonly name: Shown; readonly input: Input<Shown> },
    to: {
      readonly name: Changed
      readonly input: (seen: Output<Shown>) => Input<Changed>
    },
  ): Promise<Output<Changed>>
  /** Work that stands for a route, or begins with what belongs to it: its permission is asked before. */
  under<T>(name: RouteName, work: (actor: OperatorActor) => Promise<T>, id?: string): Promise<T>
}

export interface AskingNeeds {
  readonly audit: Audit
  readonly handlers: Handlers
  readonly caller: Caller
  readonly requestId: string
  readonly log: FastifyBaseLogger
  /** Throws when no more is answered. */
  readonly checkTime: () => void
}

/** Two who change the same thing again and again do not do so for long. */
const MAX_CHANGES = 5

export function asking({
  audit,
  handlers,
  caller,
  requestId,
  log,
  checkTime,
}: AskingNeeds): Asking {
  const noted = new WeakSet<object>()
  /** A page of things may be denied one by one; once is enough to know. */
  const denied = new Set<RouteName>()

  const note = async (name: RouteName, id: string | undefined, error: unknown) => {
    if (typeof error === 'object' && error !== null) {
      if (noted.has(error)) return
      noted.add(error)
    }
    if (error instanceof DomainError && error.code === 'access.denied') {
      if (denied.has(name)) return
      denied.add(name)
    }
    await noteRefusal(audit, { name, caller, id, error, requestId, log })
  }

  const under: Asking['under'] = async (name, work, id) => {
    try {
      checkTime()
      authorise(caller, ROUTES[name].permission)
      return await work(caller.actor)
    } catch (error) {
      await note(name, id, error)
      throw error
    }
  }

  /** The answer, and which state of the thing it shows if the route says so. */
  const call = async <N extends AskedRoute>(name: N, input: Input<N>, revision?: number) => {
    let shown: number | undefined
    const handler = handlers[name] as unknown as (call: Call<N>) => Promise<Output<N>>
    const answer = await handler({
      input: checkedInput(name, input),
      caller,
      revision,
      shows: (thing) => {
        shown = thing.revision
      },
    })
    return { answer, revision: shown }
  }

  return {
    actor: caller.actor,
    under,
    ask: (name, input) => under(name, async () => (await call(name, input)).answer, idOf(input)),
    change: (look, to) =>
      under(
        to.name,
        async () => {
          for (let times = 1; ; times += 1) {
            const seen = await call(look.name, look.input)
            try {
              return (await call(to.name, to.input(seen.answer), seen.revision)).answer
            } catch (error) {
              const isOutdated =
                error instanceof DomainError && error.code === 'request.version-mismatch'
              if (!isOutdated || times === MAX_CHANGES) throw error
            }
          }
        },
        idOf(look.input),
      ),
  }
}

const idOf = (input: unknown): string | undefined =>
  (input as { params?: { id?: string } }).params?.id

/** What the route's shapes make of it. Refuses with request.malformed. */
function checkedInput<N extends AskedRoute>(name: N, input: Input<N>): Call<N>['input'] {
  const { params, query, body }: Route = ROUTES[name]
  const said = input as { params?: unknown; query?: unknown; body?: unknown }
  return {
    params: params && checked(params, said.params ?? {}),
    query: query && checked(query, said.query ?? {}),
    body: body && body !== 'bytes' ? checked(body, said.body) : undefined,
  } as Call<N>['input']
}

function checked<S extends ZodType>(shape: S, value: unknown): output<S> {
  const { success, data, error } = shape.safeParse(value)
  if (success) return data
  const issues = error.issues.map(({ path, message }) => ({
    path: path.map(String).join('.'),
    message,
  }))
  const [first] = issues
  const message = `${first?.path || 'the input'}: ${first?.message ?? 'not as documented'}`
  throw new DomainError('request.malformed', message.endsWith('.') ? message : `${message}.`, {
    issues,
  })
}
