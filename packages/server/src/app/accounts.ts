/** Who may come in: the first administrator, sign-in, sessions, API tokens. */
import {
  type Actor,
  checkedName,
  DomainError,
  type EventReason,
  type OperatorActor,
  reasonOf,
  SERVER,
} from '@updraft/core'
import type {
  Accounts,
  Clock,
  Ids,
  OperatorRecord,
  Page,
  PageQuery,
  Secrets,
  TokenRecord,
  UnitOfWork,
  Within,
} from './ports.ts'

/** How the token of the settings is named, which has no record. */
const ADMIN_TOKEN = 'UPDRAFT_ADMIN_TOKEN'
const SESSION_DAYS = 14
const DAY_MS = 86_400_000

/** So many failed sign-ins for one name or from one address, and the next must wait until the window is over. */
const MAX_FAILURES = 5
const FAILURE_WINDOW_MS = 60_000
const MAX_WATCHED = 10_000

export interface SignedIn {
  readonly actor: OperatorActor
  readonly operator: OperatorRecord
  readonly csrfToken: string
  readonly expiresAt: Date
}

/** What is shown at the very first start, and never again. */
export interface FirstSignIn {
  readonly name: string
  readonly password: string
  readonly token: string
}

/** As the audit log names an operator. */
export const actorOf = ({ id, name, from, via }: OperatorActor): Actor => ({
  kind: 'operator',
  id,
  name,
  from,
  via,
})

const withinOf = ({ tenantId, customer }: OperatorRecord): Within => ({
  tenantId,
  customerId: customer?.id ?? null,
})

export function accounts({
  clock,
  ids,
  secrets,
  store,
  unitOfWork,
  adminToken,
}: {
  clock: Clock
  ids: Ids
  secrets: Secrets
  store: Accounts
  unitOfWork: UnitOfWork
  /** An API token that stands for the first system administrator without being stored. */
  adminToken: string | undefined
}) {
  const adminTokenHash = adminToken ? secrets.hashToken(adminToken) : null
  const failures = failureWatch()
  /** Compared against when there is no such operator, so that the answer takes as long. */
  let nobodysHash: string | undefined

  const actor = (
    operator: OperatorRecord,
    tokenId: string | null,
    { from, via }: Pick<OperatorActor, 'from' | 'via'>,
  ): OperatorActor => ({
    kind: 'operator',
    id: operator.id,
    name: operator.name,
    ...withinOf(operator),
    role: operator.role,
    tokenId,
    from,
    via,
  })

  const record = (
    kind: 'operator.signed-in' | 'operator.refused',
    operator: OperatorRecord,
    { from, reason }: { from: string; reason?: EventReason },
  ) =>
    unitOfWork(withinOf(operator), ({ events }) =>
      events.append([
        {
          kind,
          at: clock.now(),
          actor: { kind: 'operator', id: operator.id, name: operator.name, from, via: 'session' },
          subject: { kind: 'operator', id: operator.id, name: operator.name },
          deviceId: null,
          data: {},
          reason,
        },
      ]),
    )

  /** A token for that operator; `by` is who stands in the audit log for it. */
  const makeToken = (
    operator: Within & Pick<OperatorRecord, 'id' | 'name'>,
    { name }: { name: string },
    by: Actor,
  ): Promise<{ token: TokenRecord; secret: string }> =>
    unitOfWork(operator, async ({ tokens, events }) => {
      const secret = secrets.newToken()
      const token = { id: ids.next(), name: checkedName('API token', name), createdAt: clock.now() }
      const secretHash = secrets.hashToken(secret)
      await tokens.insert({ ...token, operatorId: operator.id, secretHash })
      await events.append([
        {
          kind: 'token.created',
          at: clock.now(),
          actor: by,
          subject: { kind: 'token', id: token.id, name: token.name },
          deviceId: null,
          data: {},
        },
      ])
      return {
        token: { ...token, operatorName: operator.name, lastUsedAt: null, revokedAt: null },
        secret,
      }
    })

  return {
    /**
     * Makes the first tenant and its administrator if there is none; answers the sign-in and an API token to
     * show, once.
     */
    ensureFirst: async (): Promise<FirstSignIn | null> => {
      if (await store.hasFirst()) return null
      const password = secrets.newPassword()
      const isMade = await store.ensureFirst({
        tenantId: ids.next(),
        operatorId: ids.next(),
        passwordHash: await secrets.hashPassword(password),
        now: clock.now(),
      })
      if (!isMade) return null
      const administrator = await store.firstAdministrator()
      const { secret } = await makeToken(
        { ...administrator, ...withinOf(administrator) },
        { name: 'first start' },
        SERVER,
      )
      return { name: administrator.name, password, token: secret }
    },

    /** Refuses with access.bad-sign-in or access.too-many-attempts. `secret` goes into the session cookie. */
    signIn: async (
      { name, password }: { name: string; password: string },
      from: string,
    ): Promise<SignedIn & { secret: string }> => {
      const now = clock.now()
      const keys = [`name:${name}`, `from:${from}`]
      const waitSeconds = failures.waitSeconds(keys, now)
      if (waitSeconds > 0) {
        throw new DomainError(
          'access.too-many-attempts',
          `Too many failed sign-ins; try again in ${waitSeconds} seconds.`,
          { retryAfterSeconds: waitSeconds },
        )
      }
      // Counted before the password is checked: a burst at once must not get a free try each.
      failures.note(keys, now)
      const operator = await store.operatorByName(name)
      nobodysHash ??= await secrets.hashPassword(secrets.newPassword())
      const isRight = await secrets.verifyPassword(password, operator?.passwordHash ?? nobodysHash)
      if (!operator || !isRight) {
        const refusal = new DomainError('access.bad-sign-in', 'The name or the password is wrong.')
        // A name that is nobody's has no tenant's log to stand in, and may be a password typed too early.
        if (operator)
          await record('operator.refused', operator, { from, reason: reasonOf(refusal) })
        throw refusal
      }
      failures.forget(keys)
      const secret = secrets.newToken()
      const csrfToken = secrets.newToken()
      const expiresAt = new Date(now.getTime() + SESSION_DAYS * DAY_MS)
      await store.insertSession({
        secretHash: secrets.hashToken(secret),
        tenantId: operator.tenantId,
        operatorId: operator.id,
        csrfToken,
        expiresAt,
      })
      await record('operator.signed-in', operator, { from })
      const via = 'session'
      return { actor: actor(operator, null, { from, via }), operator, csrfToken, expiresAt, secret }
    },

    signOut: (secret: string): Promise<void> => store.removeSession(secrets.hashToken(secret)),

    /** Who a session cookie stands for, or null. */
    bySession: async (secret: string, from: string): Promise<SignedIn | null> => {
      const session = await store.session(secrets.hashToken(secret), clock.now())
      const via = 'session'
      return session && { ...session, actor: actor(session.operator, null, { from, via }) }
    },

    /** Who an API token stands for, or null. */
    byToken: async (
      token: string,
      from: string,
    ): Promise<{ actor: OperatorActor; operator: OperatorRecord } | null> => {
      const hash = secrets.hashToken(token)
      if (adminTokenHash && secrets.isEqual(hash, adminTokenHash)) {
        const operator = await store.firstAdministrator()
        const via = `token ${ADMIN_TOKEN}` as const
        return { operator, actor: actor(operator, ADMIN_TOKEN, { from, via }) }
      }
      const found = await store.operatorByToken(hash, clock.now())
      if (!found) return null
      const { operator, token: used } = found
      const via = `token ${used.name}` as const
      return { operator, actor: actor(operator, used.id, { from, via }) }
    },

    createToken: (
      by: OperatorActor,
      named: { name: string },
    ): Promise<{ token: TokenRecord; secret: string }> => makeToken(by, named, actorOf(by)),

    listTokens: (by: OperatorActor, query: PageQuery): Promise<Page<TokenRecord>> =>
      unitOfWork(by, ({ tokens }) => tokens.page(query)),

    /** Refuses with token.unknown. */
    revokeToken: (by: OperatorActor, id: string): Promise<void> =>
      unitOfWork(by, async ({ tokens, events }) => {
        const token = await tokens.revoke(id, clock.now())
        await events.append([
          {
            kind: 'token.revoked',
            at: clock.now(),
            actor: actorOf(by),
            subject: { kind: 'token', id, name: token.name },
            deviceId: null,
            data: {},
          },
        ])
      }),
  }
}

export type AccountsUseCases = ReturnType<typeof accounts>

/** Counts failures in this process; bounded, so that made-up names cannot fill the memory. */
function failureWatch() {
  const seen = new Map<string, { count: number; since: Date }>()
  const fresh = (key: string, now: Date) => {
    const entry = seen.get(key)
    return entry && now.getTime() - entry.since.getTime() < FAILURE_WINDOW_MS ? entry : undefined
  }
  return {
    waitSeconds: (keys: readonly string[], now: Date): number => {
      const waits = keys.map((key) => {
        const entry = fresh(key, now)
        if (!entry || entry.count < MAX_FAILURES) return 0
        return Math.ceil((entry.since.getTime() + FAILURE_WINDOW_MS - now.getTime()) / 1000)
      })
      return Math.max(0, ...waits)
    },
    note: (keys: readonly string[], now: Date) => {
      for (const key of keys) {
        const entry = fresh(key, now)
        seen.delete(key)
        seen.set(key, { count: (entry?.count ?? 0) + 1, since: entry?.since ?? now })
        const oldest = seen.keys().next().value
        if (seen.size > MAX_WATCHED && oldest !== undefined) seen.delete(oldest)
      }
    },
    forget: (keys: readonly string[]) => {
      for (const key of keys) seen.delete(key)
    },
  }
}
