/** Makes the devices of a scenario, starts them, and knows when enough has happened. */
import {
  type Clock,
  systemClock,
  thingsBoardUplink,
  type Uplink,
  updraftUplink,
} from '@updraft/agent'
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

  /** Devices without a token are left out. */
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
      const token = tokens.get(planned.name)
      if (token === undefined) return []
      const uplink = uplinkTo(servers, planned.dialect, token)
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

function uplinkTo(servers: Servers, dialect: Dialect, token: string): Uplink {
  const tokenNow = async () => token
  switch (dialect) {
    case 'updraft':
      return updraftUplink({ server: servers.http, token: tokenNow })
    case 'thingsboard-http':
      return thingsBoardUplink({ server: servers.http, token: tokenNow })
    case 'thingsboard-mqtt':
      return thingsBoardUplink({ server: servers.mqtt, token: tokenNow })
    case 'thingsboard-coap':
      return thingsBoardUplink({ server: servers.coap, token: tokenNow })
    default:
      return dialect satisfies never
  }
}
