/** Customers of a tenant: who they are. Which devices they own is said of the device. */
import { checkedName, type EventKind, type OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import type {
  Clock,
  CustomerName,
  Customers,
  CustomerView,
  Ids,
  Page,
  UnitOfWork,
} from './ports.ts'

export function customers({
  clock,
  ids,
  unitOfWork,
}: {
  clock: Clock
  ids: Ids
  unitOfWork: UnitOfWork
}) {
  const event = (kind: EventKind, actor: OperatorActor, { id, name }: CustomerName) =>
    deed(actor, kind, { at: clock.now(), subject: { kind: 'customer', id, name } })

  return {
    create: (actor: OperatorActor, draft: { name: string }): Promise<CustomerView> =>
      unitOfWork(actor, async ({ customers, events }) => {
        const name = checkedName('customer', draft.name)
        const customer = { id: ids.next(), name, createdAt: clock.now() }
        await customers.insert(customer)
        await events.append([event('customer.created', actor, customer)])
        return customers.get(customer.id)
      }),

    show: (actor: OperatorActor, id: string): Promise<CustomerView> =>
      unitOfWork(actor, ({ customers }) => customers.get(id)),

    list: (
      actor: OperatorActor,
      query: Parameters<Customers['page']>[0],
    ): Promise<Page<CustomerView>> => unitOfWork(actor, ({ customers }) => customers.page(query)),

    rename: (actor: OperatorActor, id: string, name: string): Promise<CustomerView> =>
      unitOfWork(actor, async ({ customers, events }) => {
        await customers.rename(id, checkedName('customer', name))
        const customer = await customers.get(id)
        await events.append([event('customer.changed', actor, customer)])
        return customer
      }),

    /** Refuses with customer.in-use while it owns devices or has users. */
    remove: (actor: OperatorActor, id: string): Promise<void> =>
      unitOfWork(actor, async ({ customers, events }) => {
        const customer = await customers.get(id)
        await customers.remove(id)
        await events.append([event('customer.removed', actor, customer)])
      }),
  }
}

export type CustomersUseCases = ReturnType<typeof customers>
