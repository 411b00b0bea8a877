/** Who asks: name and password with each request, as scripts written for hawkBit send them. */
import { DomainError } from '@updraft/core'
import type { FastifyRequest } from 'fastify'
import type { AccountsUseCases } from '../../app/accounts.ts'
import type { TenantsUseCases } from '../../app/tenants.ts'
import { type Caller, identify } from '../auth.ts'

/** Of the one tenant that hawkBit has when nobody made another. */
const DEFAULT_TENANT = 'default'

/**
 * The caller by `Authorization: Basic`: an operator's name and password, or any name and an API token in place of the
 * password; `TENANT\name` names the tenant besides. A Bearer token is as good. Refuses with access.unauthenticated,
 * access.bad-sign-in or access.too-many-attempts.
 */
export async function signIn(
  {
    accounts,
    tenants,
  }: {
    accounts: Pick<AccountsUseCases, 'byPassword' | 'bySession' | 'byToken'>
    tenants: Pick<TenantsUseCases, 'own'>
  },
  request: FastifyRequest,
): Promise<Caller> {
  // A page of another site could have the browser send what it has of us.
  if (request.headers['sec-fetch-site'] === 'cross-site') throw nobody()
  const basic = /^Basic +([A-Za-z0-9+/]+=*)\s*$/i.exec(request.headers.authorization ?? '')?.[1]
  if (basic === undefined) {
    if (request.headers.authorization === undefined) throw nobody()
    return identify(accounts, request)
  }
  const [, said = '', password = ''] =
    /^([^:]*):([\s\S]*)$/.exec(Buffer.from(basic, 'base64').toString('utf8')) ?? []
  const [, tenant, name = said] = /^([^\\]*)\\([\s\S]*)$/.exec(said) ?? []
  if (password === '') throw nobody()
  const found =
    (await accounts.byToken(password, request.ip)) ??
    (await accounts.byPassword({ name, password }, request.ip))
  if (tenant !== undefined && tenant.toLowerCase() !== DEFAULT_TENANT) {
    const own = await tenants.own(found.actor)
    if (tenant !== own.id && tenant.toLowerCase() !== own.name.toLowerCase()) throw nobody()
  }
  return { ...found, session: null }
}

const nobody = () =>
  new DomainError(
    'access.unauthenticated',
    'Send the name and password of an operator, or an API token in place of the password.',
  )
