/**
 * Edgehog's devices over MQTT: who is let in. A device is known by its certificate, whose name says which one it is, and
 * by nothing else: some say no client identifier at all.
 */
import { DomainError } from '@updraft/core'
import { readName } from '@updraft/wire/astarte'
import type { MqttGate, MqttRefusal } from '../../transports/mqtt.ts'
import { EdgehogSession, type SessionNeeds } from './session.ts'

export const NAME = 'edgehog'

export interface GateNeeds extends SessionNeeds {
  /** This run of this server: sessions that are kept in its memory are its own. */
  readonly holder: string
}

const NOT_AUTHORIZED: MqttRefusal = { reason: 0x87, returnCode: 5 }
const AWAY: MqttRefusal = { reason: 0x88, returnCode: 3 }
const refused = (refusal: MqttRefusal) => ({ kind: 'refused', refusal }) as const

/** A device that says what cannot be read is made to begin anew this often; else it would do nothing but that. */
const END_EVERY_MS = 600_000
const MAX_ENDED = 10_000

export function edgehogMqtt(needs: GateNeeds): MqttGate {
  const { desk, holder, liveSessions, log } = needs
  /** When the session of a device was ended last, for what it said. */
  const ended = new Map<string, number>()

  const mayEnd = (deviceId: string): boolean => {
    const nowMs = performance.now()
    if (nowMs - (ended.get(deviceId) ?? -END_EVERY_MS) < END_EVERY_MS) return false
    if (ended.size >= MAX_ENDED) ended.clear()
    ended.set(deviceId, nowMs)
    return true
  }

  return async (hello, session) => {
    const { certificate, isCleanSession, address, localAddress } = hello
    const [, commonName] =
      /^CN=([^,\s]+)$/.exec((certificate && desk.subjectOf(certificate.der)) ?? '') ?? []
    const name = commonName === undefined ? null : readName(commonName)
    if (!certificate || !name) return null
    try {
      const mark = liveSessions.mark()
      const known = await desk.recognize([{ kind: 'x509', certificate: certificate.der }], NAME)
      const { device } = known.device
      const pairing = await desk.pairingOf(known.device)
      if (!pairing) return null
      if (pairing.status === 'inhibited' || pairing.astarteId !== name.astarteId) {
        log.info({ device: device.name, address }, 'a device that may not come in')
        return refused(NOT_AUTHORIZED)
      }
      const opened = await desk.pairings.connected(device.id, {
        holder,
        isClean: isCleanSession,
        at: needs.now(),
        address,
      })
      if (!opened) return refused(NOT_AUTHORIZED)
      const { generation, before } = opened
      const visitor = new EdgehogSession({
        session,
        needs,
        known,
        localAddress,
        pairing,
        name,
        generation,
        mark,
        mayEnd: () => mayEnd(device.id),
      })
      const isResumable = before !== null && before.holder === holder && !before.isClean
      return { kind: 'accepted', visitor, session: { key: device.id, isResumable } }
    } catch (error) {
      const code = error instanceof DomainError ? error.code : null
      if (code === 'store.away') return refused(AWAY)
      if (code !== 'device.unknown') throw error
      log.info({ address, name: commonName }, 'nobody has the certificate of a client')
      return refused(NOT_AUTHORIZED)
    }
  }
}
