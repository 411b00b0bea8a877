/** Makes the devices of a scenario, starts them, and knows when enough has happened. */
import {
  type Clock,
  type Disk,
  edgehogUplink,
  hawkbitUplink,
  iotoUplink,
  systemClock,
  thingsBoardUplink,
  type Uplink,
  updraftUplink,
} from '@updraft/agent'
import { astarteIdOf } from './astarte-id.ts'
import { dialectsOf } from './chance.ts'
import { PretendDevice } from './device.ts'
import type { RunsByName } from './memory.ts'
import { type Dialect, deviceName, type Group, type Scenario } from './scenario.ts'

/** Where the server is, by what is spoken there. */
export interface Servers {
  readonly http: string
  readonly mqtt: string
  readonly coap: string
}

/** A device to be, before it has a token. */
export interface Planned {
  readonly name: string
  readonly group: Group
  readonly dialect: Dialect
}

export const planOf = ({ groups }: Scenario): Planned[] =>
  groups.flatMap((group) =>
    dialectsOf(group).map((dialect, index) => ({
      name: deviceName(group.name, index),
      group,
      dialect,
    })),
  )

export class Fleet {
  readonly devices: readonly PretendDevice[]
  #lives: Promise<unknown> = Promise.resolve()

  /** Devices that need a token and have none are left out. */
  constructor(
    plan: readonly Planned[],
    about: {
      seed: number
      servers: Servers
      tokens: ReadonlyMap<string, string>
      /** What devices run that were there before. */
      runs?: RunsByName
      clock?: Clock
    },
  ) {
    const { seed, servers, tokens, runs = {}, clock = systemClock } = about
    this.devices = plan.flatMap((planned) => {
      const uplink = uplinkTo(servers, planned, { token: tokens.get(planned.name), clock })
      if (!uplink) return []
      return [new PretendDevice({ ...planned, runs: runs[planned.name], seed, uplink, clock })]
    })
  }

  /** Rejects when a device comes to an end nobody foresaw. */
  start(): Promise<unknown> {
    this.#lives = Promise.all(this.devices.map((device) => device.live()))
    return this.#lives
  }

  /** Each device goes to the next point it can go on from. */
  async stop(): Promise<void> {
    for (const device of this.devices) device.stop()
    await this.#lives
  }

  get isQuiet(): boolean {
    return !this.devices.some(({ isUnderWay }) => isUnderWay)
  }

  /** How many updates the device with the fewest has behind it. */
  get fewestUpdates(): number {
    return Math.min(...this.devices.map(({ counts }) => counts.updated + counts.failed))
  }
}

/** By which a server tells what a client of hawkBit's can take. */
const USER_AGENTS: Readonly<Partial<Record<Dialect, string>>> = {
  hawkbit: 'updraft-simulator',
  'hawkbit-rauc': 'rauc-hawkbit-c-agent/1.0',
  'hawkbit-swupdate': 'libcurl-agent/1.0',
}

/** Null for a device that needs a token and has none. */
function uplinkTo(
  servers: Servers,
  { name, group, dialect }: Planned,
  { token, clock }: { token: string | undefined; clock: Clock },
): ((disk: Disk, stateFolder: string) => Uplink) | null {
  const tokenNow = token === undefined ? undefined : async () => token
  if (dialect === 'ioto' || dialect === 'ioto-updater') {
    if (!group.ioto) return null
    const { product, cloudToken, updater, certificates } = group.ioto
    const about = { id: name, product, periodSeconds: group.checkInSeconds, clock }
    if (dialect === 'ioto') {
      // Who has a token was told where to go as well; the others ask.
      const server = tokenNow ? servers.http : `${servers.http.replace(/\/+$/, '')}/api`
      const provisions = certificates
      return () => iotoUplink({ ...about, server, client: 'agent', token: tokenNow, provisions })
    }
    const shared = tokenNow ?? (cloudToken === null ? undefined : async () => cloudToken)
    return shared
      ? () => iotoUplink({ ...about, server: servers.http, client: updater, token: shared })
      : null
  }
  const userAgent = USER_AGENTS[dialect]
  if (userAgent !== undefined) {
    const { tenant, gatewayToken } = group.hawkbit
    const about = { server: servers.http, tenant, id: name, userAgent, clock }
    if (tokenNow) return () => hawkbitUplink({ ...about, token: tokenNow })
    return gatewayToken === null
      ? null
      : () => hawkbitUplink({ ...about, auth: 'gateway', token: async () => gatewayToken })
  }
  if (!tokenNow) return null
  switch (dialect) {
    case 'updraft':
      return () => updraftUplink({ server: servers.http, token: tokenNow })
    case 'thingsboard-http':
      return () => thingsBoardUplink({ server: servers.http, token: tokenNow })
    case 'thingsboard-mqtt':
      return () => thingsBoardUplink({ server: servers.mqtt, token: tokenNow })
    case 'thingsboard-coap':
      return () => thingsBoardUplink({ server: servers.coap, token: tokenNow })
    case 'edgehog': {
      if (!group.edgehog) return null
      const { realm } = group.edgehog
      const about = { server: servers.http, realm, astarteId: astarteIdOf(name), secret: tokenNow }
      // A server for trying things out has a certificate of its own.
      const trust = { isUnverified: true }
      return (disk, stateFolder) => edgehogUplink({ ...about, disk, stateFolder, trust, clock })
    }
    default:
      return null
  }
}
