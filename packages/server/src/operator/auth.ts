/** Token or session → caller, and the one place that asks whether they may. */
import type { Route } from '@updraft/api/routes'
import { can, DomainError, type OperatorActor } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AccountsUseCases, SignedIn } from '../app/accounts.ts'
import type { OperatorRecord } from '../app/ports.ts'

export const SESSION_COOKIE = 'updraft_session'
/** Where scripts written for ThingsBoard put their token. */
const THINGSBOARDS_HEADER = 'x-authorization'
const CSRF_HEADER = 'x-csrf-token'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Who asks: with a session there is a CSRF token to show; with an API token there is none. */
export interface Caller {
  readonly actor: OperatorActor
  readonly operator: OperatorRecord
  readonly session: (SignedIn & { readonly secret: string }) | null
}

/** Who asks, by token or session. Refuses with access.unauthenticated. */
export async function identify(
  accounts: Pick<AccountsUseCases, 'bySession' | 'byToken'>,
  request: FastifyRequest,
): Promise<Caller> {
  const authorization = request.headers.authorization ?? headerOf(request, THINGSBOARDS_HEADER)
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1]
    const found = token ? await accounts.byToken(token, request.ip) : null
    if (found) return { ...found, session: null }
    throw new DomainError('access.unauthenticated', 'The API token is not valid, or was revoked.')
  }
  const secret = request.cookies[SESSION_COOKIE]
  const session = secret ? await accounts.bySession(secret, request.ip) : null
  if (!secret || !session) {
    const message = 'Sign in, or send an API token as "Authorization: Bearer …".'
    throw new DomainError('access.unauthenticated', message)
  }
  return { actor: session.actor, operator: session.operator, session: { ...session, secret } }
}

/** Refuses with access.csrf a change that comes by a session without the token that goes with it. */
export function checkCsrf({ session }: Caller, request: FastifyRequest): void {
  if (session && changes(request) && request.headers[CSRF_HEADER] !== session.csrfToken) {
    throw new DomainError('access.csrf', 'The request lacks the X-CSRF-Token of its session.')
  }
}

/** Refuses with access.denied what the role may not. */
export function authorise({ actor }: Pick<Caller, 'actor'>, permission: Route['permission']): void {
  if (permission === 'anyone' || permission === 'operator' || can(actor, permission)) return
  throw new DomainError('access.denied', `A ${actor.role} may not do this (${permission}).`)
}

/** Whether the request asks for a change rather than for a look. */
const changes = ({ method }: FastifyRequest): boolean => !SAFE_METHODS.has(method)

/** Sets the session cookie; one that has expired takes it away. */
export function setSessionCookie(
  request: FastifyRequest,
  reply: FastifyReply,
  secret: string,
  expiresAt: Date,
): void {
  reply.setCookie(SESSION_COOKIE, secret, {
    path: '/',
    httpOnly: true,
    sameSite: 'strict',
    secure: request.protocol === 'https',
    expires: expiresAt,
  })
}

const headerOf = ({ headers }: FastifyRequest, name: string): string | undefined =>
  [headers[name] ?? []].flat()[0]
