/**
 * ThingsBoard's device API over MQTT [MQTT]: who is let in, and one session for each device. Filters decide the
 * quality of what is sent and whether changes are pushed; answers go to the session that asked, whatever it
 * subscribed to.
 */
import { DomainError } from '@updraft/core'
import type { MqttHello, MqttSession, MqttWelcome } from '../../transports/mqtt.ts'
import { NAME } from './hear.ts'
import { AWAY, asksToEnrol, proofsIn, refusalOf } from './mqtt-credentials.ts'
import { DeviceSession } from './mqtt-device.ts'
import type { MqttNeeds } from './mqtt-needs.ts'
import { enrolment } from './mqtt-provisioning.ts'

/** Whoever comes here is one of its own, or nobody. */
export function thingsboardMqtt(
  needs: MqttNeeds,
): (hello: MqttHello, session: MqttSession) => Promise<MqttWelcome> {
  const { desk, liveSessions, log } = needs
  /** By device: a new session of one ends the older. */
  const sessions = new Map<string, DeviceSession>()

  return async (hello, session) => {
    if (asksToEnrol(hello)) return { kind: 'accepted', visitor: enrolment(session, desk) }
    try {
      const mark = liveSessions.mark()
      const known = await desk.recognize(proofsIn(hello), NAME)
      const visitor = new DeviceSession({
        session,
        needs,
        known,
        mark,
        onClosed: (closed) => {
          if (sessions.get(closed.id) === closed) sessions.delete(closed.id)
        },
      })
      sessions.get(visitor.id)?.takenOver()
      sessions.set(visitor.id, visitor)
      return { kind: 'accepted', visitor }
    } catch (error) {
      const code = error instanceof DomainError ? error.code : null
      if (code === 'store.away') return { kind: 'refused', refusal: AWAY }
      if (code !== 'device.unknown') throw error
      log.info({ address: hello.address }, 'nobody has the credentials of a client')
      return { kind: 'refused', refusal: refusalOf(hello) }
    }
  }
}
