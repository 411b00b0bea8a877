import type { DomainEvent } from '@updraft/core'
import type { Stores, UnitOfWork } from '../app/ports.ts'
import { assignments } from './assignments.ts'
import { catalogue } from './catalogue.ts'
import type { Database } from './database.ts'
import { devices } from './devices.ts'
import { type Announce, events } from './events.ts'
import { operations } from './operations.ts'
import { profiles } from './profiles.ts'
import { again, refuse } from './refusals.ts'
import type { Scope } from './scope.ts'
import { addSpread } from './spreads.ts'
import { tokens } from './tokens.ts'

/**
 * Units of work on that database; `announce` is called after each commit with the events it held. One that met
 * another in a deadlock is done once more.
 */
export function unitOfWork({ db }: Database, announce: Announce): UnitOfWork {
  return async (tenantId, work) => {
    const { result, happened } = await again(() => {
      const happened: DomainEvent[] = []
      return db.transaction().execute(async (transaction) => {
        const scope: Scope = {
          db: transaction,
          tenantId,
          written: (events) => happened.push(...events),
        }
        return { result: await work(storesOf(scope)), happened }
      })
    }).catch(refuse)
    if (happened.length > 0) announce(tenantId, happened)
    return result
  }
}

const storesOf = (scope: Scope): Stores => ({
  profiles: profiles(scope),
  devices: devices(scope),
  catalogue: catalogue(scope),
  assignments: assignments(scope),
  operations: operations(scope),
  tokens: tokens(scope),
  events: events(scope),
  spread: addSpread(scope),
})
