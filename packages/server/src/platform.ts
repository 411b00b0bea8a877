/** Composition root: which store, artifacts, clock, dialects and doors are in use; start and stop, in order. */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { settingsInForce as inForce } from '@updraft/core'
import type { FastifyBaseLogger } from 'fastify'
import packageJson from '../package.json' with { type: 'json' }
import { accounts, type FirstSignIn } from './app/accounts.ts'
import { artifactCopier } from './app/artifact-copier.ts'
import { artifactRecord } from './app/artifact-record.ts'
import { artifactSources } from './app/artifact-sources.ts'
import { artifactStores } from './app/artifact-stores.ts'
import { artifactSweeper } from './app/artifact-sweeper.ts'
import { assignments } from './app/assignments.ts'
import { audience } from './app/audience.ts'
import { audit } from './app/audit.ts'
import { campaignRunner } from './app/campaign-runner.ts'
import { campaigns } from './app/campaigns.ts'
import { catalogue } from './app/catalogue.ts'
import { claimedDevices } from './app/claimed-device.ts'
import { claiming } from './app/claiming.ts'
import { clouds } from './app/clouds.ts'
import { credentialSweeper } from './app/credential-sweeper.ts'
import { credentials } from './app/credentials.ts'
import { customers } from './app/customers.ts'
import { describedRelease } from './app/described-release.ts'
import { deviceDesk } from './app/device-desk.ts'
import { fleet } from './app/fleet.ts'
import { historySweeper } from './app/history-sweeper.ts'
import { knownClouds } from './app/known-clouds.ts'
import { liveSessions } from './app/live-sessions.ts'
import { look } from './app/look.ts'
import { manualUpdates } from './app/manual-updates.ts'
import { models } from './app/models.ts'
import { moments } from './app/moments.ts'
import { newCredentialOf } from './app/new-credential.ts'
import { operations } from './app/operations.ts'
import { operators } from './app/operators.ts'
import { overview } from './app/overview.ts'
import { pacer } from './app/pacer.ts'
import { policies } from './app/policies.ts'
import { policyCounter } from './app/policy-counter.ts'
import type { Clock, Every } from './app/ports.ts'
import { registering } from './app/registering.ts'
import { registrationSweeper } from './app/registration-sweeper.ts'
import { registrations } from './app/registrations.ts'
import { bySystemClock } from './app/rounds.ts'
import { settings } from './app/settings.ts'
import { settingsInForce } from './app/settings-in-force.ts'
import { silenceWatch } from './app/silence-watch.ts'
import { spreader } from './app/spreader.ts'
import { tenants } from './app/tenants.ts'
import { uploads } from './app/uploads.ts'
import { openStores } from './artifacts/open-stores.ts'
import type { Config, MqttTlsConfig } from './config.ts'
import { deviceAuthority, newDeviceAuthority } from './credentials/device-ca.ts'
import { deviceTokens, newDeviceTokenKey } from './credentials/device-tokens.ts'
import { newPasswordKey, proofs } from './credentials/proofs.ts'
import { newTicketKey, secrets, uuids } from './credentials/secrets.ts'
import type { Dialect } from './dialects/dialect.ts'
import { ioto } from './dialects/ioto/http.ts'
import { thingsboardCoap } from './dialects/thingsboard/coap.ts'
import { thingsboard } from './dialects/thingsboard/http.ts'
import { thingsboardMqtt } from './dialects/thingsboard/mqtt.ts'
import { updraft } from './dialects/updraft.ts'
import { dashboard } from './operator/dashboard.ts'
import { live } from './operator/live.ts'
import { metrics } from './operator/metrics.ts'
import { rest } from './operator/rest.ts'
import { accounts as accountRecords } from './store/accounts.ts'
import { artifactCopies } from './store/artifact-copies.ts'
import { artifactSweep } from './store/artifact-sweep.ts'
import { campaignWork } from './store/campaign-work.ts'
import { cloudsAtWork } from './store/clouds.ts'
import { credentialSweep } from './store/credential-sweep.ts'
import { migrate, openDatabase } from './store/database.ts'
import { deviceWork } from './store/device-work.ts'
import { eventFeed } from './store/events.ts'
import { historySweep } from './store/history-sweep.ts'
import { idempotentRequests } from './store/idempotent-requests.ts'
import { installationSecret } from './store/installation-secrets.ts'
import { keptPostgres } from './store/kept-postgres.ts'
import { notifications } from './store/notifications.ts'
import { policyWork } from './store/policies.ts'
import { registrationsAtWork } from './store/registrations.ts'
import { silences } from './store/silences.ts'
import { releaseCache } from './store/snapshots.ts'
import { spreads } from './store/spreads.ts'
import { unitOfWork } from './store/unit-of-work.ts'
import { coapListener } from './transports/coap.ts'
import type { CoapScope } from './transports/coap-request.ts'
import { httpListener } from './transports/http.ts'
import { type MqttGate, type MqttTls, mqttListener } from './transports/mqtt.ts'

export type { FirstSignIn }

export interface Platform {
  /** Where it listens, with the real ports. */
  readonly endpoints: {
    readonly http: string
    readonly mqtt?: string
    readonly mqtts?: string
    readonly coap?: string
  }
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
    const report = (what: string) => (error: unknown) => log.error({ err: error }, what)
    await mkdir(config.data, { recursive: true })

    // The database, and what stands on it.
    const connectionString = config.databaseUrl ?? (await localDatabase())
    const database = openDatabase({
      connectionString,
      onError: (error) => log.warn({ err: error }, 'a database connection was lost'),
    })
    stops.push(() => database.close())
    const { applied } = await migrate(database)
    if (applied.length > 0) log.info({ applied }, 'the database was migrated')
    const feed = eventFeed(report('an event could not be delivered'))
    const others = await notifications({
      connectionString,
      self: uuids.next(),
      feed,
      onError: (error) =>
        log.warn({ err: error }, 'the line to other servers was lost; it is taken up again'),
    })
    stops.push(() => others.close())
    const announce = others.announce
    const run = unitOfWork(database, announce)
    const releases = releaseCache(database.pool)
    const work = deviceWork({ database, releases, announce, clock })
    const ticketKey = await installationSecret(database, 'ticket-key', newTicketKey)
    const ids = uuids
    const keeper = secrets({ ticketKey })
    const passwordKey = await installationSecret(database, 'device-password-key', newPasswordKey)
    const prover = proofs({ passwordKey })

    // The files.
    const folder = join(config.data, 'artifacts')
    const artifacts = await openStores(
      config.artifacts ?? [{ name: 'default', kind: 'file', folder }],
      { staging: join(config.data, 'staging'), log },
    )
    stops.push(() => artifacts.close())

    // The use cases.
    const records = accountRecords(database)
    const newCredential = newCredentialOf({ clock, ids, proofs: prover, secrets: keeper })
    const needs = { clock, ids, newCredential, secrets: keeper, unitOfWork: run }
    const accountUseCases = accounts({
      ...needs,
      store: records,
      adminToken: config.adminToken,
      sessionIdleMinutes: config.sessionIdleMinutes,
    })
    const ofServer = inForce({}, config)
    const known = settingsInForce({
      feed,
      ofServer,
      unitOfWork: run,
      onError: report('the settings of a tenant could not be read; it is tried again'),
    })
    const momentsOf = moments({ clock, ids, settings: known })
    const sessions = liveSessions(feed)
    const pace = pacer({
      paceOf: (tenantId) => {
        const { pacePackSize, paceIntervalMs } = known.lastKnown(tenantId)
        return { packSize: pacePackSize, intervalMs: paceIntervalMs }
      },
    })
    known.subscribe(pace.paceChanged)
    stops.push(async () => pace.close())
    const registered = registrationsAtWork(database)
    const tokenKey = await installationSecret(database, 'device-token-key', newDeviceTokenKey)
    const tokens = deviceTokens({ key: tokenKey })
    const claimed = claimedDevices({ clock, ids, newCredential, tokens })
    const cloudRecords = cloudsAtWork(database)
    const copies = artifactCopies(database)
    const cloudOf = knownClouds({ clouds: cloudRecords, feed })
    const sources = artifactSources({
      clock,
      cloudOf,
      copies,
      secrets: keeper,
      stores: artifacts,
      onError: report('an artifact store could not be asked; devices are served from here'),
    })
    const copier = artifactCopier({
      clock,
      clouds: cloudRecords,
      copies,
      every,
      stores: artifacts,
      onCopied: sources.arrived,
      onError: report('a file could not be copied to another artifact store; it is tried again'),
    })
    const desk = deviceDesk({
      ...needs,
      certificates: deviceAuthority({
        now: clock.now,
        kept: async () =>
          installationSecret(database, 'device-authority', await newDeviceAuthority(clock.now())),
      }),
      registering: registering({
        ...needs,
        claimed,
        feed,
        moments: momentsOf,
        onError: report('what an operator should know of a registration could not be noted'),
        proofs: prover,
        registrations: registered,
        tokens,
        work,
      }),
      accounts: records,
      artifacts,
      sources,
      clouds: cloudRecords,
      cloudOf,
      proofs: prover,
      moments: momentsOf,
      work,
      checkInSeconds: config.checkInSeconds,
      claimWindowMs: config.claimWindowMs,
      onError: report('what a device does could not be noted'),
    })
    const lookAt = look({
      moments: momentsOf,
      work,
      onError: report('a device could not be looked at; it is when it calls'),
    })
    const spreading = spreader({
      feed,
      look: lookAt,
      spreads: spreads(database),
      onError: report('devices could not be looked at; it is tried again'),
    })
    const watching = silenceWatch({
      clock,
      every,
      liveSessions: sessions,
      deadlineSeconds: ofServer.silenceDeadlineSeconds,
      silences: silences(database),
      look: lookAt,
      onError: report('devices that went silent could not be looked for; it is tried again'),
    })
    const campaignUseCases = campaigns(needs)
    const campaigning = campaignRunner({
      clock,
      every,
      feed,
      ids,
      liveSessions: sessions,
      look: lookAt,
      unitOfWork: run,
      work: campaignWork({ database, announce }),
      addNewcomers: campaignUseCases.addNewcomers,
      onError: report('a campaign could not be carried on; it is tried again'),
    })
    const policyCounting = policyCounter({
      work: policyWork(database),
      every,
      onError: report('the devices policies are for could not be counted; it is tried again'),
    })
    const sweeper = artifactSweeper({
      artifacts,
      clock,
      sweep: artifactSweep(database),
      uploads: artifacts.uploads,
      onError: report('unused files could not be removed; it is tried again'),
    })

    const credentialSweeping = credentialSweeper({
      clock,
      sweep: credentialSweep(database),
      unitOfWork: run,
      onError: report('credentials that are over could not be taken back; it is tried again'),
    })
    const historySweeping = historySweeper({
      clock,
      sweep: historySweep(database),
      settings: known,
      onError: report('old history could not be removed; it is tried again'),
    })

    const registrationSweeping = registrationSweeper({
      clock,
      registrations: registered,
      onError: report('devices that came no more could not be forgotten; it is tried again'),
    })

    // The doors.
    let reachableAt: Platform['endpoints'] = { http: config.publicUrl ?? '' }
    const dialectNeeds = {
      desk,
      liveSessions: sessions,
      pacer: pace,
      publicUrl: config.publicUrl,
    }
    const dialects: readonly Dialect[] = [
      updraft(dialectNeeds),
      ioto({ ...dialectNeeds, brokerAt: () => brokerOf(reachableAt.mqtts) }),
      {
        ...thingsboard(dialectNeeds),
        mqtt: thingsboardMqtt({ desk, liveSessions: sessions, pacer: pace, log }),
        ...thingsboardCoap({ desk, liveSessions: sessions, pacer: pace, log }),
      },
    ]
    let isOpen = false
    const figures = metrics({
      feed,
      liveSessionCount: () => sessions.count,
      isReady: async () => {
        if (!isOpen) throw new Error('The first sign-in is not made yet.')
        await database.pool.query('select 1')
      },
    })
    const fleetUseCases = fleet(needs)
    const recordArtifact = artifactRecord(needs)
    const described = describedRelease({ ...needs, artifacts })
    const stream = live({ feed, run: uuids.next(), owned: fleetUseCases.owned })
    const operatorDoor = rest({
      accounts: accountUseCases,
      artifactStores: artifactStores({ ...needs, clouds: cloudRecords, copies, stores: artifacts }),
      assignments: assignments(needs),
      audience: audience(needs),
      audit: audit(needs),
      campaigns: campaignUseCases,
      catalogue: catalogue({ ...needs, artifacts, described, recordArtifact }),
      clock,
      clouds: clouds({ ...needs, artifactStores: artifacts.all.map(({ name }) => name) }),
      credentials: credentials(needs),
      claiming: claiming(needs),
      customers: customers(needs),
      endpoints: () => ({ mqtt: null, mqtts: null, coap: null, ...reachableAt }),
      fleet: fleetUseCases,
      live: stream,
      fingerprint: keeper.hashToken,
      idempotentRequests: idempotentRequests(database),
      models: models(needs),
      operators: operators(needs),
      overview: overview(needs),
      policies: policies(needs),
      registrations: registrations({ ...needs, claimed, moments: momentsOf, tokens, work }),
      tenants: tenants(needs),
      manualUpdates: manualUpdates({ ...needs, described, moments: momentsOf, work }),
      operations: operations({ moments: momentsOf, unitOfWork: run, work }),
      settings: settings({ ...needs, ofServer }),
      uploads: uploads({ ids, recordArtifact, uploads: artifacts.uploads }),
      version: packageJson.version,
    })
    const http = await httpListener({
      log,
      trustedProxies: config.trustProxy ? 1 : 0,
      newRequestId: requestIds(uuids.next()),
      onAnswered: figures.answered,
      scopes: [
        { name: 'figures', register: figures.register },
        { name: 'operator', register: operatorDoor },
        { name: 'dashboard', register: dashboard(dashboardFiles()).register },
        ...dialects.flatMap(({ name, http: register }) => (register ? [{ name, register }] : [])),
      ],
    })
    stops.push(() => http.close())
    // Before the listener, which waits for open answers to end.
    stops.push(async () => stream.close())
    stops.push(async () => sessions.close())

    spreading.start()
    stops.push(() => spreading.stop())
    watching.start()
    stops.push(() => watching.stop())
    campaigning.start()
    stops.push(() => campaigning.stop())
    policyCounting.start()
    stops.push(() => policyCounting.stop())
    copier.start()
    stops.push(() => copier.stop())
    sweeper.start()
    stops.push(() => sweeper.stop())
    credentialSweeping.start()
    stops.push(() => credentialSweeping.stop())
    historySweeping.start()
    stops.push(() => historySweeping.stop())
    registrationSweeping.start()
    stops.push(() => registrationSweeping.stop())
    const { port } = await http.listen({ host: config.host, port: config.httpPort })
    const endpoints = {
      http: `http://${reachable(config.host)}:${port}`,
      ...(await openMqtt(dialects.flatMap(({ mqtt }) => mqtt ?? []))),
      ...(await openCoap(dialects.flatMap(({ coap }) => coap ?? []))),
    }
    reachableAt = { ...endpoints, http: config.publicUrl ?? endpoints.http }
    // After all that may refuse to start: a sign-in that nobody was shown could never be shown again.
    const firstSignIn = await accountUseCases.ensureFirst()
    isOpen = true
    await writeEndpoints(endpoints)
    return { endpoints, firstSignIn, stop }
  }

  /** One dialect is spoken over MQTT. */
  async function openMqtt([gate]: readonly MqttGate[]): Promise<{ mqtt?: string; mqtts?: string }> {
    const { host, mqttPort, mqttTls } = config
    if (!gate || (mqttPort === null && !mqttTls)) return {}
    const listener = mqttListener({ gate, log, newClientId: requestIds(uuids.next()) })
    stops.push(() => listener.close())
    const at = reachable(host)
    const mqtt = mqttPort === null ? null : await listener.listen({ host, port: mqttPort })
    const tls = mqttTls && (await filesOf(mqttTls))
    const mqtts = mqttTls && tls && (await listener.listen({ host, port: mqttTls.port, tls }))
    return {
      ...(mqtt ? { mqtt: `mqtt://${at}:${mqtt.port}` } : {}),
      ...(mqtts ? { mqtts: `mqtts://${at}:${mqtts.port}` } : {}),
    }
  }

  async function openCoap(scopes: readonly CoapScope[]): Promise<{ coap?: string }> {
    const { host, coapPort } = config
    if (coapPort === null) return {}
    const listener = coapListener({ scopes, log })
    stops.push(() => listener.close())
    const { port } = await listener.listen({ host, port: coapPort })
    return { coap: `coap://${reachable(host)}:${port}` }
  }

  async function localDatabase(): Promise<string> {
    const local = await keptPostgres({ dataFolder: config.data, log })
    stops.push(() => local.stop())
    return local.connectionString
  }

  /** For scripts: the real ports. Written whole or not at all, gone when the server is. */
  async function writeEndpoints(endpoints: Platform['endpoints']): Promise<void> {
    const file = join(config.data, 'endpoints.json')
    await writeFile(`${file}.new`, `${JSON.stringify(endpoints)}\n`)
    await chmod(`${file}.new`, 0o644)
    await rename(`${file}.new`, file)
    stops.push(() => rm(file, { force: true }))
  }
}

/** Where npm start puts the built dashboard. */
function dashboardFiles(): { folder: string; isBuilt: boolean } {
  const folder = fileURLToPath(new URL('../../dashboard/dist', import.meta.url))
  return { folder, isBuilt: existsSync(join(folder, 'index.html')) }
}

async function filesOf({ certificate, key, clientCa }: MqttTlsConfig): Promise<MqttTls> {
  return {
    certificate: await readFile(certificate, 'utf8'),
    key: await readFile(key, 'utf8'),
    clientCa: clientCa && (await readFile(clientCa, 'utf8')),
  }
}

/** Unlike ids of things these are made for every request, so they are cheap: the server's run, and a count. */
function requestIds(run: string): () => string {
  let count = 0
  return () => {
    count += 1
    return `${run}-${count}`
  }
}

const brokerOf = (url: string | undefined): { host: string; port: number } | null => {
  if (url === undefined) return null
  const { hostname, port } = new URL(url)
  return { host: hostname, port: Number(port) }
}

/** An address a client can use: listening everywhere is reached at the loopback. */
function reachable(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
