/** What devices meet: the desk, and what it stands on. */
import { settingsInForce as inForce } from '@updraft/core'
import { artifactCopier } from '../app/artifact-copier.ts'
import { artifactDigests } from '../app/artifact-digests.ts'
import { artifactSources } from '../app/artifact-sources.ts'
import { boxDesk } from '../app/box-desk.ts'
import { claimedDevices } from '../app/claimed-device.ts'
import { deviceDesk } from '../app/device-desk.ts'
import { hawkbitDesk } from '../app/hawkbit-desk.ts'
import { knownClouds } from '../app/known-clouds.ts'
import { liveSessions } from '../app/live-sessions.ts'
import { logDesk } from '../app/log-desk.ts'
import { look } from '../app/look.ts'
import { moments } from '../app/moments.ts'
import { newCredentialOf } from '../app/new-credential.ts'
import { ownBoxDesk } from '../app/own-box-desk.ts'
import { pacer } from '../app/pacer.ts'
import { pairing } from '../app/pairing.ts'
import type { ClusterAccess } from '../app/ports.ts'
import { registering } from '../app/registering.ts'
import { settingsInForce } from '../app/settings-in-force.ts'
import { digestsOf } from '../artifacts/digests.ts'
import { handlerArchives } from '../artifacts/handler-archives.ts'
import { agentTokens } from '../credentials/agent-tokens.ts'
import { certificateChains } from '../credentials/certificate-chains.ts'
import { clusterTokens } from '../credentials/cluster-tokens.ts'
import { deviceAuthority, newDeviceAuthority } from '../credentials/device-ca.ts'
import { deviceTokens, newDeviceTokenKey } from '../credentials/device-tokens.ts'
import { clusterClient } from '../dialects/edgehog/cluster-client.ts'
import { accounts as accountRecords } from '../store/accounts.ts'
import { artifactCopies } from '../store/artifact-copies.ts'
import { keptDigests } from '../store/artifact-digests.ts'
import { boxesAtWork } from '../store/boxes.ts'
import { cloudsAtWork } from '../store/clouds.ts'
import { clustersAtWork } from '../store/clusters.ts'
import { deviceLogsAtWork } from '../store/device-logs.ts'
import { hawkbitAtWork } from '../store/hawkbit.ts'
import { installationSecret } from '../store/installation-secrets.ts'
import { requestsAtWork } from '../store/operation-requests.ts'
import { pairingsAtWork } from '../store/pairings-at-work.ts'
import { realmsAtWork } from '../store/realms.ts'
import { registrationsAtWork } from '../store/registrations.ts'
import type { Foundation } from './foundation.ts'

export type DeviceSide = Awaited<ReturnType<typeof deviceSide>>

export async function deviceSide(foundation: Foundation) {
  const { artifacts, clock, config, database, every, feed, ids, onStop, report, work } = foundation
  const accounts = accountRecords(database)
  const newCredential = newCredentialOf(foundation)
  const ofServer = inForce({}, config)
  const settings = settingsInForce({
    ...foundation,
    ofServer,
    onError: report('the settings of a tenant could not be read; it is tried again'),
  })
  const momentsOf = moments({ clock, ids, settings })
  const sessions = liveSessions(feed)
  const pace = pacer({
    paceOf: (tenantId) => {
      const { pacePackSize, paceIntervalMs } = settings.lastKnown(tenantId)
      return { packSize: pacePackSize, intervalMs: paceIntervalMs }
    },
  })
  settings.subscribe(pace.paceChanged)
  onStop(async () => pace.close())

  const registrations = registrationsAtWork(database)
  const tokenKey = await installationSecret(database, 'device-token-key', newDeviceTokenKey)
  const tokens = deviceTokens({ key: tokenKey })
  const claimed = claimedDevices({ clock, ids, newCredential, tokens })
  const clouds = cloudsAtWork(database)
  const cloudOf = knownClouds({ clouds, feed })
  const copies = artifactCopies(database)
  const sources = artifactSources({
    ...foundation,
    cloudOf,
    copies,
    stores: artifacts,
    onError: report('an artifact store could not be asked; devices are served from here'),
  })
  const copier = artifactCopier({
    clock,
    clouds,
    copies,
    every,
    stores: artifacts,
    onCopied: sources.arrived,
    onError: report('a file could not be copied to another artifact store; it is tried again'),
  })
  const certificates = deviceAuthority({
    now: clock.now,
    kept: async () =>
      installationSecret(database, 'device-authority', await newDeviceAuthority(clock.now())),
  })
  const ofRegistering = registering({
    ...foundation,
    claimed,
    moments: momentsOf,
    registrations,
    tokens,
    onError: report('what an operator should know of a registration could not be noted'),
  })
  const archives = handlerArchives(foundation)
  const logs = deviceLogsAtWork(database)
  const digests = artifactDigests({
    compute: digestsOf(artifacts),
    kept: keptDigests(database),
    onError: report('the digests of a file could not be computed; it is tried again'),
  })
  const boxRecords = boxesAtWork(database)
  const desk = deviceDesk({
    ...foundation,
    accounts,
    boxes: boxDesk({
      ...foundation,
      archives,
      boxes: boxRecords,
      registering: ofRegistering,
      registrations,
      digests,
    }),
    ownBoxes: ownBoxDesk({ ...foundation, boxes: boxRecords }),
    logs: logDesk({ clock, logs }),
    certificates,
    checkInSeconds: config.checkInSeconds,
    claimWindowMs: config.claimWindowMs,
    cloudOf,
    clouds,
    moments: momentsOf,
    newCredential,
    pairing: pairing({
      ...foundation,
      accounts,
      agentTokens,
      certificates,
      cloudOf,
      clusters: clustersAtWork(database),
      newCredential,
      pairings: pairingsAtWork(database),
      realms: realmsAtWork(database),
    }),
    requests: requestsAtWork(database),
    registering: ofRegistering,
    sources,
    onError: report('what a device does could not be noted'),
  })
  const chains = certificateChains()
  const hawkbit = hawkbitDesk({
    ...foundation,
    chains,
    checkInSeconds: config.checkInSeconds,
    desk,
    digests,
    moments: momentsOf,
    random: Math.random,
    store: hawkbitAtWork(database),
  })
  const stopping = new AbortController()
  /** Whoever waits for a cluster need not be waited for. */
  const giveUpClusterCalls = () => stopping.abort()
  onStop(async () => giveUpClusterCalls())
  const clusterClientFor = (access: ClusterAccess) =>
    clusterClient({ access, sign: clusterTokens.sign, clock, signal: stopping.signal })
  const lookAt = look({
    moments: momentsOf,
    work,
    onError: report('a device could not be looked at; it is when it calls'),
  })
  return {
    accounts,
    agentTokens,
    archives,
    certificates,
    chains,
    claimed,
    clouds,
    clusterClientFor,
    giveUpClusterCalls,
    copier,
    copies,
    desk,
    logs,
    digests,
    hawkbit,
    look: lookAt,
    moments: momentsOf,
    newCredential,
    ofServer,
    pace,
    registrations,
    sessions,
    settings,
    tokens,
  }
}
