/** What sessions over MQTT share, and the few words they have in common. */
import type { Snapshot } from '@updraft/core'
import type { DeviceDesk } from '../../app/device-desk.ts'
import type { LiveSessions } from '../../app/live-sessions.ts'
import type { Pacer } from '../../app/pacer.ts'
import type { MqttLog, MqttTaken } from '../../transports/mqtt.ts'

export interface MqttNeeds {
  readonly desk: DeviceDesk
  readonly liveSessions: Pick<LiveSessions, 'mark' | 'watch'>
  readonly pacer: Pick<Pacer, 'inTurn'>
  readonly log: MqttLog
}

/** Who holds the session's credential; asked anew whenever it matters. Refuses with device.unknown when nobody does. */
export type Identify = () => Promise<Snapshot>

/** Downloads and pings are noted as a sign of life this often; every other message is at once. */
export const SEEN_EVERY_MS = 30_000

export const TAKEN: MqttTaken = {}

/** Reasons that MQTT 5 clients read in an acknowledgement. */
export const NOT_AUTHORIZED: MqttTaken = { reason: 0x87 }
export const TOPIC_INVALID: MqttTaken = { reason: 0x90 }
export const PAYLOAD_INVALID: MqttTaken = { reason: 0x99 }
