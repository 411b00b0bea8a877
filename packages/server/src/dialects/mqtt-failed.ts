/** What becomes of an MQTT session when the desk could not answer it. */
import { DomainError } from '@updraft/core'
import type { MqttLog, MqttSession } from '../transports/mqtt.ts'

/** A device that is gone, or is not known by that any more, has no session; nor has one we cannot serve. */
export function endFailed(
  error: unknown,
  { session, log, device }: { session: MqttSession; log: MqttLog; device: string },
): void {
  const code = error instanceof DomainError ? error.code : null
  if (code === 'device.unknown') {
    session.close('not-authorized')
    return
  }
  if (code === 'store.away') log.warn({ device, err: error }, 'away')
  else log.error({ device, err: error }, 'a bug')
  session.close('implementation-error')
}
