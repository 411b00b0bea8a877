/** ThingsBoard's door for MQTT before a desk in memory, for tests of what goes over the wire. */
import type { DeviceDesk } from '../../app/device-desk.ts'
import { type Pacer, pacer } from '../../app/pacer.ts'
import { mqttListener } from '../../transports/mqtt.ts'
import { type Options, welcomed } from '../../transports/mqtt-client.test-helper.ts'
import { type MemoryDesk, memoryDesk } from '../memory-desk.test-helper.ts'
import { thingsboardMqtt } from './mqtt.ts'

export const ATTRIBUTES = 'v1/devices/me/attributes'
export const TELEMETRY = 'v1/devices/me/telemetry'

export interface House extends MemoryDesk {
  readonly port: number
  /** What was logged as a mistake of ours. */
  readonly bugs: readonly object[]
  /** Connected with that token. */
  connect(token: string, options?: Partial<Options>): ReturnType<typeof welcomed>
}

const stops: (() => Promise<void>)[] = []

/** For after each test. */
export async function closeHouses(): Promise<void> {
  for (const stop of stops.splice(0)) await stop()
}

const unpaced = (): Pacer => pacer({ paceOf: () => ({ packSize: 1, intervalMs: 0 }) })

/** With verbs of a desk of one's own, if need be. */
export async function house({
  pace = unpaced(),
  verbs = {},
}: {
  pace?: Pacer
  verbs?: Partial<DeviceDesk>
} = {}): Promise<House> {
  const desk = await memoryDesk()
  const bugs: object[] = []
  let ids = 0
  const log = {
    debug: () => {},
    info: () => {},
    warn: () => {},
    error: (details: object) => void bugs.push(details),
  }
  const needs = { ...desk.needs, desk: { ...desk.needs.desk, ...verbs }, pacer: pace, log }
  const listener = mqttListener({
    log,
    newClientId: () => `client-${++ids}`,
    gates: [thingsboardMqtt(needs)],
  })
  const { port } = await listener.listen({ host: '127.0.0.1', port: 0 })
  stops.push(async () => {
    await listener.close()
    await desk.close()
  })
  const connect: House['connect'] = (token, options) =>
    welcomed({ port, username: token, ...options })
  return Object.assign(desk, { port, bugs, connect })
}

export const json = ({ payload }: { payload: Buffer }) => JSON.parse(payload.toString())
export const bytes = (count: number) => Uint8Array.from({ length: count }, (_, at) => at % 251)
