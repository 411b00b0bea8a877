/** Token or session → actor, and the one place that asks whether the actor may. */
import type { Route } from '@updraft/api/routes'
import { can, DomainError, type OperatorActor } from '@updraft/core'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AccountsUseCases, SignedIn } from '../app/accounts.ts'
import type { OperatorRecord } from '../app/ports.ts'

export const SESSION_COOKIE = 'updraft_session'
const CSRF_HEADER = 'x-csrf-token'
const SAFE_METHODS = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Who asks: with a session there is a CSRF token to show; with an API token there is none. */
export interface Caller {
  readonly actor: OperatorActor
  readonly operator: OperatorRecord
  readonly session: (SignedIn & { readonly secret: string }) | null
}

/**
 * The caller, allowed to use that route. Refuses with access.unauthenticated, access.denied, or access.csrf for
 * a session's change without its token.
 */
export async function authorise(
  accounts: Pick<AccountsUseCases, 'bySession' | 'byToken'>,
  request: FastifyRequest,
  permission: Exclude<Route['permission'], 'anyone'>,
): Promise<Caller> {
  const caller = await callerOf(accounts, request)
  if (permission !== 'operator' && !can(caller.actor, permission)) {
    throw new DomainError(
      'access.denied',
      `A ${caller.actor.role} may not do this (${permission}).`,
    )
  }
  return caller
}

async function callerOf(
  accounts: Pick<AccountsUseCases, 'bySession' | 'byToken'>,
  request: FastifyRequest,
): Promise<Caller> {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const token = /^Bearer +(\S+)\s*$/i.exec(authorization)?.[1]
    const found = token ? await accounts.byToken(token) : null
    if (found) return { ...found, session: null }
    throw new DomainError('access.unauthenticated', 'The API token is not valid, or was revoked.')
  }
  const secret = request.cookies[SESSION_COOKIE]
  const session = secret ? await accounts.bySession(secret) : null
  if (!secret || !session) {
    const message = 'Sign in, or send an API token as "Authorization: Bearer …".'
    throw new DomainError('access.unauthenticated', message)
  }
  if (!SAFE_METHODS.has(request.method) && request.headers[CSRF_HEADER] !== session.csrfToken) {
    throw new DomainError('access.csrf', 'The request lacks the X-CSRF-Token of its session.')
  }
  return { actor: session.actor, operator: session.operator, session: { ...session, secret } }
}

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
