/** What a device dialect is to the platform: a name, and what it hangs on each transport it is spoken over. */
import type { FastifyInstance } from 'fastify'
import type { DeviceDesk } from '../app/device-desk.ts'
import type { LiveSessions } from '../app/live-sessions.ts'
import type { Pacer } from '../app/pacer.ts'
import type { CoapScope } from '../transports/coap-request.ts'
import type { Unreadable } from '../transports/http.ts'
import type { MqttGate } from '../transports/mqtt.ts'
import type { WebsocketScope } from '../transports/websocket.ts'

export interface Dialect {
  readonly name: string
  readonly http?: (app: FastifyInstance) => void
  /** Answers in its own words what stands at one of its addresses and cannot be decoded. */
  readonly unreadable?: Unreadable
  /** Who may come in over MQTT, and what becomes of the session. */
  readonly mqtt?: MqttGate
  readonly coap?: CoapScope
  readonly websocket?: WebsocketScope
}

export interface DialectNeeds {
  readonly desk: DeviceDesk
  readonly liveSessions: LiveSessions
  readonly pacer: Pick<Pacer, 'inTurn'>
  /** What devices are told as the server's root, without a slash at the end; unset: as they reached it. */
  readonly publicUrl: string | undefined
}
