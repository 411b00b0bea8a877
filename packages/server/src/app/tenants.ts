/** The tenants of an installation, as its system administrator keeps them: made, named, removed, never looked into. */
import { checkedName, DomainError, type EventKind, type OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import { newPassword } from './new-password.ts'
import type { Clock, Ids, Page, Secrets, Tenant, Tenants, UnitOfWork } from './ports.ts'

export interface NewTenant {
  readonly name: string
  readonly administrator: { readonly name: string; readonly password?: string }
}

export function tenants({
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
  const event = (kind: EventKind, actor: OperatorActor, { id, name }: Tenant) =>
    deed(actor, kind, { at: clock.now(), subject: { kind: 'tenant', id, name } })

  return {
    /** With its first administrator; answers the password if it was made up. */
    create: async (
      actor: OperatorActor,
      draft: NewTenant,
    ): Promise<{
      tenant: Tenant
      administrator: { name: string; password: string | null }
    }> => {
      const { administrator } = draft
      const tenant = {
        id: ids.next(),
        name: checkedName('tenant', draft.name),
        createdAt: clock.now(),
      }
      const name = checkedName('operator', administrator.name)
      const { madeUp, hash: passwordHash } = await newPassword(secrets, administrator.password)
      await unitOfWork(actor, async ({ tenants, events }) => {
        await tenants.insert(tenant, { id: ids.next(), name, passwordHash })
        await events.append([event('tenant.created', actor, tenant)])
      })
      return { tenant, administrator: { name, password: madeUp } }
    },

    /** The one the actor belongs to. */
    own: ({ tenantId }: OperatorActor): Promise<Tenant> =>
      unitOfWork({ tenantId, customerId: null }, ({ tenants }) => tenants.get(tenantId)),

    list: (actor: OperatorActor, query: Parameters<Tenants['page']>[0]): Promise<Page<Tenant>> =>
      unitOfWork(actor, ({ tenants }) => tenants.page(query)),

    rename: (actor: OperatorActor, id: string, name: string): Promise<Tenant> =>
      unitOfWork(actor, async ({ tenants, events }) => {
        await tenants.rename(id, checkedName('tenant', name))
        const tenant = await tenants.get(id)
        await events.append([event('tenant.changed', actor, tenant)])
        return tenant
      }),

    /** With its people and its audit log. Refuses with tenant.in-use while there is more to it, or it is one's own. */
    remove: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ tenants, events }) => {
        const tenant = await tenants.get(id)
        if (id === actor.tenantId) {
          throw new DomainError('tenant.in-use', `You are in tenant ${tenant.name} yourself.`)
        }
        await tenants.remove(id)
        await events.append([event('tenant.removed', actor, tenant)])
      }),
  }
}

export type TenantsUseCases = ReturnType<typeof tenants>
