/** The people of a tenant, as its administrator keeps them: who there is, in which role, and who no longer. */
import {
  ADMINISTRATORS,
  checkedName,
  checkGrant,
  DomainError,
  type EventKind,
  isDemotion,
  type JsonObject,
  type OperatorActor,
  type Role,
} from '@updraft/core'
import { deed } from './deed.ts'
import { newPassword } from './new-password.ts'
import type {
  Clock,
  Ids,
  OperatorRecord,
  Operators,
  Page,
  Secrets,
  Stores,
  UnitOfWork,
} from './ports.ts'

export interface NewOperator {
  readonly name: string
  readonly role: Role
  readonly customerId?: string
  /** Made up when absent. */
  readonly password?: string
}

export function operators({
  clock,
  ids,
  secrets,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  secrets: Secrets
  unitOfWork: UnitOfWork
}) {
  const event = (
    kind: EventKind,
    actor: OperatorActor,
    { id, name }: { id: string; name: string },
    data: JsonObject = {},
  ) => deed(actor, kind, { at: clock.now(), subject: { kind: 'operator', id, name }, data })

  /** Somebody else whom the actor may have a say about; nobody else changes the tenant's people meanwhile. */
  const otherOf = async ({ operators }: Stores, actor: OperatorActor, id: string) => {
    await operators.lock()
    const other = await operators.get(id)
    if (id === actor.id) {
      const message = 'Another administrator has to do this; nobody does it to themselves.'
      throw new DomainError('operator.self', message)
    }
    checkGrant(actor, { role: other.role, customerId: other.customer?.id ?? null })
    return other
  }

  const keepAdministrator = async ({ operators }: Stores) => {
    if ((await operators.count(ADMINISTRATORS)) > 0) return
    const message = 'It is the last administrator of the tenant.'
    throw new DomainError('operator.last-administrator', message)
  }

  const shutOut = async ({ operators }: Stores, id: string) => {
    await operators.endSessions(id)
    await operators.revokeTokens(id, clock.now())
  }

  return {
    /** Answers the password if it was made up. Refuses with operator.duplicate, operator.invalid, customer.unknown. */
    create: async (
      actor: OperatorActor,
      draft: NewOperator,
    ): Promise<{ operator: OperatorRecord; password: string | null }> => {
      const { role, customerId = null } = draft
      checkGrant(actor, { role, customerId })
      const name = checkedName('operator', draft.name)
      const { madeUp, hash } = await newPassword(secrets, draft.password)
      return unitOfWork(actor, async ({ operators, events }) => {
        const id = ids.next()
        const createdAt = clock.now()
        await operators.insert({ id, name, role, customerId, passwordHash: hash, createdAt })
        await events.append([event('operator.created', actor, { id, name }, { role })])
        return { operator: await operators.get(id), password: madeUp }
      })
    },

    show: (actor: OperatorActor, id: string): Promise<OperatorRecord> =>
      unitOfWork(actor, ({ operators }) => operators.get(id)),

    list: (
      actor: OperatorActor,
      query: Parameters<Operators['page']>[0],
    ): Promise<Page<OperatorRecord>> => unitOfWork(actor, ({ operators }) => operators.page(query)),

    /**
     * Whoever may less than before is out at once: sessions and tokens end. Refuses with operator.self, access.denied,
     * operator.invalid, operator.last-administrator, customer.unknown.
     */
    setRole: (
      actor: OperatorActor,
      id: string,
      { role, customerId = null }: { role: Role; customerId?: string | null },
    ): Promise<OperatorRecord> =>
      unitOfWork(actor, async (stores) => {
        const other = await otherOf(stores, actor, id)
        checkGrant(actor, { role, customerId })
        await stores.operators.setRole(id, { role, customerId })
        await keepAdministrator(stores)
        const isMoved = customerId !== (other.customer?.id ?? null)
        if (isMoved || isDemotion(other.role, role)) await shutOut(stores, id)
        const data = { changed: ['role'], role, before: other.role }
        await stores.events.append([event('operator.changed', actor, other, data)])
        return stores.operators.get(id)
      }),

    /** Their sessions end. Answers the password if it was made up. Refuses with operator.self, access.denied. */
    resetPassword: async (
      actor: OperatorActor,
      id: string,
      chosen: string | undefined,
    ): Promise<{ password: string | null }> => {
      const { madeUp, hash } = await newPassword(secrets, chosen)
      await unitOfWork(actor, async (stores) => {
        const other = await otherOf(stores, actor, id)
        await stores.operators.setPassword(id, hash)
        await stores.operators.endSessions(id)
        await stores.events.append([
          event('operator.changed', actor, other, { changed: ['password'] }),
        ])
      })
      return { password: madeUp }
    },

    /** With their sessions and tokens. Refuses with operator.self, access.denied, operator.last-administrator. */
    remove: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async (stores) => {
        const other = await otherOf(stores, actor, id)
        await stores.operators.remove(id)
        await keepAdministrator(stores)
        await stores.events.append([event('operator.removed', actor, other)])
      }),
  }
}

export type OperatorsUseCases = ReturnType<typeof operators>
