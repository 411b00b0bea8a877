/** Composition root: which store, artifacts, clock, dialects and doors are in use; start and stop, in order. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyBaseLogger } from 'fastify'
import type { FirstSignIn } from './app/accounts.ts'
import type { Clock, Every } from './app/ports.ts'
import { bySystemClock } from './app/rounds.ts'
import type { Config } from './config.ts'
import type { Dialect } from './dialects/dialect.ts'
import { edgehogMqtt } from './dialects/edgehog/gate.ts'
import { edgehogImages } from './dialects/edgehog/images.ts'
import { type Broker, brokerUrl, pairing } from './dialects/edgehog/pairing.ts'
import { hawkbit } from './dialects/hawkbit/http.ts'
import { ioto } from './dialects/ioto/http.ts'
import { odooIot } from './dialects/odoo-iot/http.ts'
import { thingsboardCoap } from './dialects/thingsboard/coap.ts'
import { thingsboard } from './dialects/thingsboard/http.ts'
import { thingsboardMqtt } from './dialects/thingsboard/mqtt.ts'
import { updraft } from './dialects/updraft.ts'
import { dashboard } from './operator/dashboard.ts'
import { graphql } from './operator/graphql/door.ts'
import { hawkbitManagement } from './operator/hawkbit/door.ts'
import { metrics } from './operator/metrics.ts'
import { rest } from './operator/rest.ts'
import { background } from './platform/background.ts'
import { clusterSide } from './platform/cluster-side.ts'
import { deviceSide } from './platform/device-side.ts'
import { foundation } from './platform/foundation.ts'
import {
  type Endpoints,
  openCoap,
  openMqtt,
  reachable,
  requestIds,
  tlsSources,
  writeEndpoints,
} from './platform/listeners.ts'
import { operatorSide } from './platform/operator-side.ts'
import { httpListener } from './transports/http.ts'
import { websockets } from './transports/websocket.ts'

export type { FirstSignIn }

export interface Platform {
  /** Where it listens, with the real ports. */
  readonly endpoints: Endpoints
  /** The administrator's sign-in, at the very first start only. */
  readonly firstSignIn: FirstSignIn | null
  /** Takes no more requests, finishes what is at hand, stops the database it started. Safe to call twice. */
  stop(): Promise<void>
}

export interface PlatformOptions {
  readonly config: Config
  readonly log: FastifyBaseLogger
  readonly clock?: Clock
  readonly every?: Every
}

const SYSTEM_CLOCK: Clock = { now: () => new Date() }

/** Starts everything; when a part cannot start, what had started is stopped again before it throws. */
export async function startPlatform({
  config,
  log,
  clock = SYSTEM_CLOCK,
  every = bySystemClock,
}: PlatformOptions): Promise<Platform> {
  const stops: (() => Promise<void>)[] = []
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      for (const each of stops.reverse()) {
        await each().catch((error: unknown) =>
          log.error({ err: error }, 'could not be stopped cleanly'),
        )
      }
    })()
    return stopping
  }
  try {
    return await start()
  } catch (error) {
    await stop()
    throw error
  }

  async function start(): Promise<Platform> {
    const onStop = (each: () => Promise<void>) => void stops.push(each)
    const base = await foundation({ config, log, clock, every, onStop })
    const devices = await deviceSide(base)
    let reachableAt: Endpoints = { http: config.publicUrl ?? '' }
    const operators = operatorSide(base, devices, () => ({
      mqtt: null,
      mqtts: null,
      coap: null,
      broker: brokerHere(),
      ...reachableAt,
    }))

    // The doors.
    const { desk, pace, sessions } = devices
    const needs = { desk, liveSessions: sessions, pacer: pace, publicUrl: config.publicUrl, log }
    // Ioto's agents trust no certificate of our own.
    const knownBroker = () =>
      config.mqttPublicUrl ?? (config.mqttTls.certificate && reachableAt.mqtts)
    const broker = (): Broker | null =>
      config.mqttPublicUrl ? { url: config.mqttPublicUrl } : brokerPort(reachableAt)
    const brokerHere = (): string | null => {
      const at = broker()
      return at && brokerUrl(at, reachableAt.http)
    }
    const clusters = clusterSide(base, devices, () => reachableAt.http)
    const dialects: readonly Dialect[] = [
      updraft(needs),
      ioto({ ...needs, brokerAt: () => brokerOf(knownBroker()) }),
      odooIot(needs),
      hawkbit({ ...needs, hawkbit: devices.hawkbit, isBehindProxy: config.trustProxy }),
      { name: 'pairing', http: pairing({ ...needs, broker }) },
      {
        name: 'edgehog',
        http: edgehogImages(desk),
        mqtt: edgehogMqtt({
          ...needs,
          holder: base.ids.next(),
          now: clock.now,
          // Who comes in at one of our addresses finds the files there too.
          rootFor: async (device, localAddress) =>
            (await desk.cloudOf(device))?.publicUrl ??
            config.publicUrl ??
            httpAt(localAddress, reachableAt),
        }),
      },
      // Whoever is nobody else's is one of these, or nobody.
      { ...thingsboard(needs), mqtt: thingsboardMqtt(needs), ...thingsboardCoap(needs) },
      clusters,
    ]
    let isOpen = false
    const figures = metrics({
      feed: base.feed,
      liveSessionCount: () => sessions.count,
      isReady: async () => {
        if (!isOpen) throw new Error('The first sign-in is not made yet.')
        await base.database.pool.query('select 1')
      },
    })
    const tls = await tlsSources(base, devices.certificates)
    const http = await httpListener({
      log,
      tls: tls.http,
      isTlsOnly: !config.plainHttp,
      trustedProxies: config.trustProxy ? 1 : 0,
      newRequestId: requestIds(base.ids.next()),
      onAnswered: figures.answered,
      websockets: websockets(dialects.flatMap(({ websocket }) => websocket ?? [])),
      scopes: [
        { name: 'figures', register: figures.register },
        { name: 'operator', register: rest(operators) },
        { name: 'graphql', register: graphql(operators) },
        { name: 'hawkbit-management', register: hawkbitManagement(operators) },
        { name: 'dashboard', register: dashboard(dashboardFiles()).register },
        ...dialects.flatMap(({ name, http: register, unreadable }) =>
          register ? [{ name, register, unreadable }] : [],
        ),
      ],
    })
    onStop(() => http.close())
    // Before the listener, which waits for open answers to end.
    onStop(async () => operators.live.close())
    onStop(async () => operators.watches.close())
    onStop(async () => sessions.close())

    for (const job of background(base, devices, operators.campaigns)) {
      job.start()
      onStop(() => job.stop())
    }
    const { port } = await http.listen({ host: config.host, port: config.httpPort })
    const at = `${reachable(config.host)}:${port}`
    const endpoints = {
      http: config.plainHttp ? `http://${at}` : `https://${at}`,
      https: `https://${at}`,
      ...(await openMqtt(
        base,
        tls.mqtt,
        dialects.flatMap(({ mqtt }) => mqtt ?? []),
      )),
      ...(await openCoap(
        base,
        dialects.flatMap(({ coap }) => coap ?? []),
      )),
    }
    const { publicUrl, mqttPublicUrl } = config
    reachableAt = {
      ...endpoints,
      http: publicUrl ?? endpoints.http,
      ...(mqttPublicUrl && { mqtts: mqttPublicUrl }),
    }
    clusters.start()
    onStop(() => clusters.stop())
    // After all that may refuse to start: a sign-in that nobody was shown could never be shown again.
    const firstSignIn = await operators.accounts.ensureFirst()
    isOpen = true
    await writeEndpoints(base, endpoints)
    return { endpoints, firstSignIn, stop }
  }
}

/** Where npm start puts the built dashboard. */
function dashboardFiles(): { folder: string; isBuilt: boolean } {
  const folder = fileURLToPath(new URL('../../dashboard/dist', import.meta.url))
  return { folder, isBuilt: existsSync(join(folder, 'index.html')) }
}

/** Within TLS, which every port of MQTT takes. */
const brokerPort = ({ mqtt, mqtts }: Endpoints): { port: number } | null => {
  const at = brokerOf(mqtts ?? mqtt)
  return at && { port: at.port }
}

/** Our HTTP at that address of ours; empty where the client had gone before it was known. */
const httpAt = (localAddress: string, { http }: Endpoints): string => {
  const { protocol, port } = new URL(http)
  return localAddress === '' ? http : `${protocol}//${reachable(localAddress)}:${port}`
}

const brokerOf = (url: string | undefined): { host: string; port: number } | null => {
  if (url === undefined) return null
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}
