/** The audit log: what happened, read back with who did it. */
import type { OperatorActor } from '@updraft/core'
import type { Events, Page, StoredEvent, UnitOfWork } from './ports.ts'

export const audit = ({ unitOfWork }: { unitOfWork: UnitOfWork }) => ({
  list: (actor: OperatorActor, query: Parameters<Events['page']>[0]): Promise<Page<StoredEvent>> =>
    unitOfWork(actor, ({ events }) => events.page(query)),
})

export type Audit = ReturnType<typeof audit>
