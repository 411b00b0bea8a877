/**
 * Who connects: the ways a device proves who it is, in their order, and how a no is spelled [Listener and
 * CONNECT].
 */
import type { Proof } from '@updraft/core'
import type { MqttHello, MqttRefusal } from '../../transports/mqtt.ts'

const PROVISION = 'provision'

/** Asks for a session that may do nothing but enrol a device. */
export const asksToEnrol = ({ username, clientId }: MqttHello): boolean =>
  username === PROVISION || clientId === PROVISION

/**
 * What the client shows, in the order it is tried: its certificate; then, with a user name, both names together, that
 * name as a token (password and client identifier may be anything), that name alone; without one the client identifier.
 */
export function proofsIn({ username, password, clientId, certificate }: MqttHello): Proof[] {
  const basic = (clientId: string | null, userName: string | null): Proof => ({
    kind: 'mqtt-basic',
    clientId,
    userName,
    password: password ?? null,
  })
  const shown: Proof[] = certificate ? [{ kind: 'x509', certificate: certificate.der }] : []
  if (username) {
    if (clientId !== '') shown.push(basic(clientId, username))
    shown.push({ kind: 'token', token: username }, basic(null, username))
  } else if (clientId !== '') {
    shown.push(basic(clientId, null))
  }
  return shown
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
