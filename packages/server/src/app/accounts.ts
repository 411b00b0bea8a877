/** Who may come in: the first administrator, sign-in, sessions, API tokens. */
import {
  type Actor,
  can,
  checkedName,
  checkedPassword,
  DomainError,
  type DomainEvent,
  type EventKind,
  type EventReason,
  type JsonObject,
  type OperatorActor,
  type Role,
  reasonOf,
  rolesWithin,
  SERVER,
} from '@updraft/core'
import { actorOf, deed } from './deed.ts'
import { failureWatch } from './failure-watch.ts'
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
const MINUTE_MS = 60_000
/** A password that was found right is not found so anew for as long: that takes a second of a core. */
const REMEMBERED_MS = 5 * MINUTE_MS
const MAX_REMEMBERED = 1000

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

const badSignIn = () => new DomainError('access.bad-sign-in', 'The name or the password is wrong.')

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
  sessionIdleMinutes,
}: {
  clock: Clock
  ids: Ids
  secrets: Secrets
  store: Accounts
  unitOfWork: UnitOfWork
  /** An API token that stands for the first system administrator without being stored. */
  adminToken: string | undefined
  /** A session that nobody used for so long is over. */
  sessionIdleMinutes: number
}) {
  const adminTokenHash = adminToken ? secrets.hashToken(adminToken) : null
  const failures = failureWatch()
  /** Compared against when there is no such operator, so that the answer takes as long. */
  let nobodysHash: string | undefined
  /** By name, what was right lately: of no use without this run's salt. */
  const right = new Map<string, { passwordHash: string; proof: Buffer; atMs: number }>()
  const salt = secrets.newToken()

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
    {
      from,
      reason,
      via = 'session',
    }: { from: string; reason?: EventReason; via?: OperatorActor['via'] },
  ) =>
    unitOfWork(withinOf(operator), ({ events }) =>
      events.append([
        {
          kind,
          at: clock.now(),
          actor: { kind: 'operator', id: operator.id, name: operator.name, from, via },
          subject: { kind: 'operator', id: operator.id, name: operator.name },
          deviceId: null,
          data: {},
          reason,
        },
      ]),
    )

  /** What somebody did with their own account. */
  const own = (by: OperatorActor, kind: EventKind, data: JsonObject): DomainEvent =>
    deed(by, kind, {
      at: clock.now(),
      subject: { kind: 'operator', id: by.id, name: by.name },
      data,
    })

  /** A token for that operator; `by` is who stands in the audit log for it. */
  const makeToken = (
    operator: Within & Pick<OperatorRecord, 'id' | 'name' | 'role'>,
    { name, role = operator.role }: { name: string; role?: Role },
    by: Actor,
  ): Promise<{ token: TokenRecord; secret: string }> =>
    unitOfWork(operator, async ({ tokens, events }) => {
      if (!rolesWithin(operator.role).includes(role)) {
        throw new DomainError('access.denied', `A ${operator.role} makes no token of a ${role}.`)
      }
      const secret = secrets.newToken()
      const token = {
        id: ids.next(),
        name: checkedName('API token', name),
        role,
        createdAt: clock.now(),
      }
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

  /** Who that is. Refuses with access.bad-sign-in or access.too-many-attempts. */
  const checkPassword = async (name: string, password: string, from: string) => {
    const keys = [`name:${name}`, `from:${from}`]
    failures.attempt(keys, clock.now())
    const operator = await store.operatorByName(name)
    nobodysHash ??= await secrets.hashPassword(secrets.newPassword())
    const isRight = await secrets.verifyPassword(password, operator?.passwordHash ?? nobodysHash)
    if (!operator || !isRight) {
      const refusal = badSignIn()
      // A name that is nobody's has no tenant's log to stand in, and may be a password typed too early.
      if (operator) await record('operator.refused', operator, { from, reason: reasonOf(refusal) })
      throw refusal
    }
    failures.forget(keys)
    return operator
  }

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
      const operator = await checkPassword(name, password, from)
      const now = clock.now()
      const secret = secrets.newToken()
      const csrfToken = secrets.newToken()
      const expiresAt = new Date(now.getTime() + SESSION_DAYS * DAY_MS)
      const isStillRight = await store.insertSession({
        secretHash: secrets.hashToken(secret),
        tenantId: operator.tenantId,
        operatorId: operator.id,
        passwordHash: operator.passwordHash,
        csrfToken,
        expiresAt,
        now,
      })
      if (!isStillRight) throw badSignIn()
      await record('operator.signed-in', operator, { from })
      const via = 'session'
      return { actor: actor(operator, null, { from, via }), operator, csrfToken, expiresAt, secret }
    },

    /** Ends that session only. */
    signOut: (by: OperatorActor, secret: string): Promise<void> =>
      unitOfWork(by, async ({ operators, events }) => {
        await operators.endSession(by.id, secrets.hashToken(secret))
        await events.append([own(by, 'operator.signed-out', { everywhere: false })])
      }),

    /** Ends all sessions of that person, this one too. */
    signOutEverywhere: (by: OperatorActor): Promise<void> =>
      unitOfWork(by, async ({ operators, events }) => {
        await operators.endSessions(by.id)
        await events.append([own(by, 'operator.signed-out', { everywhere: true })])
      }),

    /** Who a session cookie stands for, or null. */
    bySession: async (secret: string, from: string): Promise<SignedIn | null> => {
      const now = clock.now()
      const usedSince = new Date(now.getTime() - sessionIdleMinutes * MINUTE_MS)
      const session = await store.session(secrets.hashToken(secret), { now, usedSince })
      const via = 'session'
      return session && { ...session, actor: actor(session.operator, null, { from, via }) }
    },

    /** Who comes with name and password each time. Refuses as `signIn` does. */
    byPassword: async (
      { name, password }: { name: string; password: string },
      from: string,
    ): Promise<{ actor: OperatorActor; operator: OperatorRecord }> => {
      const proof = secrets.hashToken(`${salt} ${password}`)
      const atMs = clock.now().getTime()
      const known = right.get(name)
      const current = known && (await store.operatorByName(name))
      const isRemembered =
        current &&
        atMs - known.atMs < REMEMBERED_MS &&
        known.passwordHash === current.passwordHash &&
        secrets.isEqual(known.proof, proof)
      if (isRemembered) {
        return { operator: current, actor: actor(current, null, { from, via: 'password' }) }
      }
      const operator = await checkPassword(name, password, from)
      if (right.size >= MAX_REMEMBERED) right.clear()
      right.set(name, { passwordHash: operator.passwordHash, proof, atMs })
      await record('operator.signed-in', operator, { from, via: 'password' })
      return { operator, actor: actor(operator, null, { from, via: 'password' }) }
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

    /** One's own; all other sessions end. Refuses with access.bad-sign-in, operator.invalid. */
    changePassword: async (
      by: OperatorActor,
      { password, newPassword }: { password: string; newPassword: string },
      sessionSecret: string | undefined,
    ): Promise<void> => {
      const keys = [`name:${by.name}`]
      failures.attempt(keys, clock.now())
      const operator = await store.operatorByName(by.name)
      if (!operator || !(await secrets.verifyPassword(password, operator.passwordHash))) {
        throw new DomainError('access.bad-sign-in', 'The old password is wrong.')
      }
      failures.forget(keys)
      const passwordHash = await secrets.hashPassword(checkedPassword(newPassword))
      const kept = sessionSecret === undefined ? undefined : secrets.hashToken(sessionSecret)
      await unitOfWork(by, async ({ operators, events }) => {
        await operators.setPassword(by.id, passwordHash)
        await operators.endSessions(by.id, kept)
        await events.append([own(by, 'operator.changed', { changed: ['password'] })])
      })
    },

    /** For oneself, in one's own role or in a lesser one. */
    createToken: (
      by: OperatorActor,
      named: { name: string },
    ): Promise<{ token: TokenRecord; secret: string }> => makeToken(by, named, actorOf(by)),

    /** One's own, and everyone's for whoever may read accounts. */
    listTokens: (by: OperatorActor, query: PageQuery): Promise<Page<TokenRecord>> =>
      unitOfWork(by, ({ tokens }) =>
        tokens.page({ ...query, operatorId: can(by, 'account.read') ? undefined : by.id }),
      ),

    /** One's own, or anyone's for whoever may change accounts. Refuses with token.unknown. */
    revokeToken: (by: OperatorActor, id: string): Promise<void> =>
      unitOfWork(by, async ({ tokens, events }) => {
        const whose = can(by, 'account.write') ? undefined : by.id
        const token = await tokens.revoke(id, clock.now(), whose)
        const subject = { kind: 'token', id, name: token.name } as const
        await events.append([deed(by, 'token.revoked', { at: clock.now(), subject })])
      }),
  }
}

export type AccountsUseCases = ReturnType<typeof accounts>
