/**
 * Who connects: the ways a device proves who it is, in their order, and how a no is spelled [Listener and
 * CONNECT].
 */
import { DomainError, type Snapshot } from '@updraft/core'
import type { DeviceDesk } from '../../app/device-desk.ts'
import type { MqttHello, MqttRefusal } from '../../transports/mqtt.ts'
import { NAME } from './hear.ts'
import type { Identify } from './mqtt-needs.ts'

const PROVISION = 'provision'

/** Asks for a session that may do nothing but enrol a device. */
export const asksToEnrol = ({ username, clientId }: MqttHello): boolean =>
  username === PROVISION || clientId === PROVISION

/** A device that is known, and how to ask for it again. */
export interface Known {
  readonly device: Snapshot
  readonly identify: Identify
}

/** One kind of credential: null when the client shows none, or none that is known. */
type Lookup = (hello: MqttHello) => Promise<Known | null>

export function credentials(desk: Pick<DeviceDesk, 'identify'>): Lookup {
  /** The first that knows the device decides. */
  const lookups: readonly Lookup[] = [accessToken(desk)]
  return async (hello) => {
    for (const lookup of lookups) {
      const known = await lookup(hello)
      if (known) return known
    }
    return null
  }
}

/** The token is the user name; password and client identifier may be anything. */
function accessToken(desk: Pick<DeviceDesk, 'identify'>): Lookup {
  return async ({ username }) => {
    if (!username) return null
    const identify: Identify = () => desk.identify(username, NAME)
    try {
      return { device: await identify(), identify }
    } catch (error) {
      if (error instanceof DomainError && error.code === 'device.unknown') return null
      throw error
    }
  }
}

/** Nobody has these credentials; clients have tables of these codes, so no others are used. */
export function refusalOf({ username, password, clientId }: MqttHello): MqttRefusal {
  const [hasName, hasPassword, hasClientId] = [
    Boolean(username),
    password !== undefined && password.length > 0,
    clientId.trim() !== '',
  ]
  if (hasName !== hasPassword || (hasName && hasPassword && hasClientId)) {
    return { reason: 0x86, returnCode: 5 }
  }
  return hasClientId ? { reason: 0x85, returnCode: 2 } : { reason: 0x87, returnCode: 5 }
}

export const AWAY: MqttRefusal = { reason: 0x88, returnCode: 3 }
