/** The handlers of the routes about who is signed in. */
import type { SESSION_ROUTES } from '@updraft/api/routes/session'
import { setSessionCookie } from './auth.ts'
import type { Handlers, OperatorNeeds } from './call.ts'
import { operatorView } from './views.ts'

export function sessionHandlers({
  accounts,
}: Pick<OperatorNeeds, 'accounts'>): Pick<Handlers, keyof typeof SESSION_ROUTES> {
  return {
    signIn: async ({ input: { body }, request, reply }) => {
      const session = await accounts.signIn(body, request.ip)
      setSessionCookie(request, reply, session.secret, session.expiresAt)
      return {
        operator: operatorView(session.operator),
        csrfToken: session.csrfToken,
        expiresAt: session.expiresAt.toISOString(),
      }
    },
    showSession: async ({ caller: { operator, session } }) => ({
      operator: operatorView(operator),
      csrfToken: session?.csrfToken,
      expiresAt: session?.expiresAt.toISOString(),
    }),
    signOut: async ({ caller: { actor, session }, request, reply }) => {
      if (session) await accounts.signOut(actor, session.secret)
      setSessionCookie(request, reply, '', new Date(0))
    },
    signOutEverywhere: async ({ caller: { actor }, request, reply }) => {
      await accounts.signOutEverywhere(actor)
      setSessionCookie(request, reply, '', new Date(0))
    },
    changePassword: async ({ input: { body }, caller: { actor, session } }) => {
      await accounts.changePassword(actor, body, session?.secret)
    },
  }
}
