import { DomainError, type DomainEvent } from '@updraft/core'
import type { Stores, UnitOfWork } from '../app/ports.ts'
import { assignments } from './assignments.ts'
import { audiences } from './audiences.ts'
import { boxes } from './boxes.ts'
import { campaigns } from './campaigns.ts'
import { catalogue } from './catalogue.ts'
import { channels } from './channels.ts'
import { claiming } from './claiming.ts'
import { clouds } from './clouds.ts'
import { clusters } from './clusters.ts'
import { credentials } from './credentials.ts'
import { customers } from './customers.ts'
import type { Database } from './database.ts'
import { deviceLogs } from './device-logs.ts'
import { devices } from './devices.ts'
import { distributionSets, hawkbitConfigs, softwareModules } from './distribution-sets.ts'
import { type Announce, events } from './events.ts'
import { figures } from './figures.ts'
import { groups } from './groups.ts'
import { hardwareTypes } from './hardware-types.ts'
import { operations } from './operations.ts'
import { operators } from './operators.ts'
import { pairings } from './pairings.ts'
import { policies } from './policies.ts'
import { profiles } from './profiles.ts'
import { realms } from './realms.ts'
import { again, refuse } from './refusals.ts'
import { registrations } from './registrations.ts'
import type { Scope } from './scope.ts'
import { settings } from './settings.ts'
import { addSpread } from './spreads.ts'
import { systemModels } from './system-models.ts'
import { tenants } from './tenants.ts'
import { tokens } from './tokens.ts'

/**
 * Units of work on that database; `announce` is called after each commit with the events it held. One that met
 * another in a deadlock is done once more.
 */
export function unitOfWork({ db }: Database, announce: Announce): UnitOfWork {
  return async ({ tenantId, customerId }, work) => {
    const { result, happened } = await again(() => {
      const happened: DomainEvent[] = []
      return db.transaction().execute(async (transaction) => {
        const scope: Scope = {
          db: transaction,
          tenantId,
          customerId,
          written: (events) => happened.push(...events),
        }
        const stores = storesOf(scope)
        const seen = customerId === null ? stores : customersStores(stores)
        return { result: await work(seen), happened }
      })
    }).catch(refuse)
    if (happened.length > 0) announce(tenantId, happened)
    return result
  }
}

const storesOf = (scope: Scope): Stores => ({
  profiles: profiles(scope),
  devices: devices(scope),
  credentials: credentials(scope),
  deviceLogs: deviceLogs(scope),
  catalogue: catalogue(scope),
  assignments: assignments(scope),
  audiences: audiences(scope),
  boxes: boxes(scope),
  campaigns: campaigns(scope),
  operations: operations(scope),
  policies: policies(scope),
  operators: operators(scope),
  claiming: claiming(scope),
  customers: customers(scope),
  groups: groups(scope),
  channels: channels(scope),
  hardwareTypes: hardwareTypes(scope),
  systemModels: systemModels(scope),
  clouds: clouds(scope),
  clusters: clusters(scope),
  registrations: registrations(scope),
  realms: realms(scope),
  pairings: pairings(scope),
  tenants: tenants(scope),
  tokens: tokens(scope),
  events: events(scope),
  figures: figures(scope),
  settings: settings(scope),
  softwareModules: softwareModules(scope),
  distributionSets: distributionSets(scope),
  hawkbitConfigs: hawkbitConfigs(scope),
  spread: addSpread(scope),
})

/**
 * What a customer's unit of work is asked for; each of these filters by the customer. All else is the tenant's own,
 * and so is a new verb until it is named here.
 */
const CUSTOMERS_VERBS: {
  [Room in Exclude<keyof Stores, 'spread'>]: readonly (keyof Stores[Room])[]
} = {
  profiles: ['get', 'byName', 'several', 'page', 'hawkbit', 'authorities'],
  devices: [
    'get',
    'several',
    'page',
    'count',
    'ids',
    'owned',
    'installed',
    'labels',
    'countByState',
  ],
  credentials: [],
  deviceLogs: ['page'],
  catalogue: ['get', 'several', 'page', 'packages'],
  assignments: ['put', 'withdraw', 'page', 'countAffected'],
  audiences: [],
  boxes: ['server', 'wishes'],
  campaigns: [],
  operations: ['get', 'pageOfDevice'],
  policies: [],
  // Their own password.
  operators: ['get', 'setPassword', 'endSession', 'endSessions'],
  claiming: ['find', 'take', 'giveBack'],
  customers: [],
  groups: [],
  channels: [],
  hardwareTypes: [],
  systemModels: [],
  clouds: [],
  clusters: [],
  registrations: [],
  realms: [],
  pairings: ['find', 'several', 'cancelling'],
  tenants: [],
  tokens: ['insert', 'page', 'revoke'],
  events: ['append', 'page'],
  figures: ['endsByTime', 'installed', 'failures', 'seen'],
  settings: [],
  softwareModules: [],
  distributionSets: [],
  hawkbitConfigs: [],
}

function customersStores(stores: Stores): Stores {
  const refuse = async () => {
    throw new DomainError('access.denied', 'A customer may not do this.')
  }
  const rooms = Object.entries(CUSTOMERS_VERBS).map(([name, verbs]) => {
    const room = Object.entries(stores[name as keyof typeof CUSTOMERS_VERBS])
    const isTheirs = (verb: string) => (verbs as readonly string[]).includes(verb)
    return [
      name,
      Object.fromEntries(room.map(([verb, run]) => [verb, isTheirs(verb) ? run : refuse])),
    ]
  })
  return { ...stores, ...Object.fromEntries(rooms) }
}
