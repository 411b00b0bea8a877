/** The listeners beside HTTP, and where all of them are reached. */
import { chmod, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeviceCertificates } from '../app/ports.ts'
import { coapListener } from '../transports/coap.ts'
import type { CoapScope } from '../transports/coap-request.ts'
import { type MqttGate, mqttListener } from '../transports/mqtt.ts'
import type { TlsSource } from '../transports/tls-or-plain.ts'
import type { Foundation } from './foundation.ts'
import { tlsCertificate } from './tls-certificate.ts'

/** With the real ports. */
export interface Endpoints {
  /** An https address where plain HTTP is refused. */
  readonly http: string
  readonly https?: string
  readonly mqtt?: string
  readonly mqtts?: string
  readonly coap?: string
}

/** One certificate for all doors, but where MQTT has files of its own. */
export async function tlsSources(
  { clock, config, log }: Foundation,
  certificates: DeviceCertificates,
): Promise<{ readonly http: TlsSource; readonly mqtt: TlsSource }> {
  const needs = { certificates, clock, config, log }
  const { tls, mqttTls } = config
  const http = await tlsCertificate(tls, needs)
  const isSame =
    tls.certificate === mqttTls.certificate &&
    tls.key === mqttTls.key &&
    tls.clientCa === mqttTls.clientCa
  return { http, mqtt: isSame ? http : await tlsCertificate(mqttTls, needs) }
}

/** Every port takes TLS: what is said of `mqtts` is the one for nothing else where there is one. */
export async function openMqtt(
  { config, ids, log, onStop }: Foundation,
  tls: TlsSource,
  gates: readonly MqttGate[],
): Promise<{ mqtt?: string; mqtts?: string }> {
  const { host, mqttPort, mqttTls } = config
  if (gates.length === 0 || (mqttPort === null && mqttTls.port === null)) return {}
  const listener = mqttListener({ gates, log, newClientId: requestIds(ids.next()), tls })
  onStop(() => listener.close())
  const at = reachable(host)
  const mqtt = mqttPort === null ? null : await listener.listen({ host, port: mqttPort })
  const mqtts =
    mqttTls.port === null
      ? mqtt
      : await listener.listen({ host, port: mqttTls.port, isTlsOnly: true })
  return {
    ...(mqtt ? { mqtt: `mqtt://${at}:${mqtt.port}` } : {}),
    ...(mqtts ? { mqtts: `mqtts://${at}:${mqtts.port}` } : {}),
  }
}

export async function openCoap(
  { config, log, onStop }: Foundation,
  scopes: readonly CoapScope[],
): Promise<{ coap?: string }> {
  const { host, coapPort } = config
  if (coapPort === null) return {}
  const listener = coapListener({ scopes, log })
  onStop(() => listener.close())
  const { port } = await listener.listen({ host, port: coapPort })
  return { coap: `coap://${reachable(host)}:${port}` }
}

/** For scripts. Written whole or not at all, gone when the server is. */
export async function writeEndpoints(
  { config, onStop }: Foundation,
  endpoints: Endpoints,
): Promise<void> {
  const file = join(config.data, 'endpoints.json')
  await writeFile(`${file}.new`, `${JSON.stringify(endpoints)}\n`)
  await chmod(`${file}.new`, 0o644)
  await rename(`${file}.new`, file)
  onStop(() => rm(file, { force: true }))
}

/** Unlike ids of things these are made for every request, so they are cheap: the server's run, and a count. */
export function requestIds(run: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${run}-${count}`
  }
}

/** An address a client can use: listening everywhere is reached at the loopback. */
export function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  const address = host.replace(/^::ffff:/i, '')
  return address.includes(':') ? `[${address}]` : address
}
