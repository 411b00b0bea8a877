/** What operators may do, by the verbs of the use cases. */
import packageJson from '../../package.json' with { type: 'json' }
import { accounts } from '../app/accounts.ts'
import { artifactRecord } from '../app/artifact-record.ts'
import { artifactStores } from '../app/artifact-stores.ts'
import { assignments } from '../app/assignments.ts'
import { audience } from '../app/audience.ts'
import { audit } from '../app/audit.ts'
import { boxes } from '../app/boxes.ts'
import { campaigns } from '../app/campaigns.ts'
import { catalogue } from '../app/catalogue.ts'
import { claiming } from '../app/claiming.ts'
import { clouds } from '../app/clouds.ts'
import { clusters } from '../app/clusters.ts'
import { credentials } from '../app/credentials.ts'
import { customers } from '../app/customers.ts'
import { describedRelease } from '../app/described-release.ts'
import { deviceLogs } from '../app/device-logs.ts'
import { distributionSets } from '../app/distribution-sets.ts'
import { fleet } from '../app/fleet.ts'
import { hawkbitConfigs } from '../app/hawkbit-configs.ts'
import { hawkbitSettings } from '../app/hawkbit-settings.ts'
import { manualUpdates } from '../app/manual-updates.ts'
import { models } from '../app/models.ts'
import { operations } from '../app/operations.ts'
import { operators } from '../app/operators.ts'
import { overview } from '../app/overview.ts'
import { policies } from '../app/policies.ts'
import { realms } from '../app/realms.ts'
import { registrations } from '../app/registrations.ts'
import { settings } from '../app/settings.ts'
import { several } from '../app/several.ts'
import { targetActions } from '../app/target-actions.ts'
import { tenants } from '../app/tenants.ts'
import { uploads } from '../app/uploads.ts'
import { clusterTokens } from '../credentials/cluster-tokens.ts'
import { clusterProbe } from '../dialects/edgehog/cluster-check.ts'
import { canRestart } from '../dialects/odoo-iot/translate.ts'
import type { OperatorNeeds } from '../operator/call.ts'
import { live } from '../operator/live.ts'
import { watches } from '../operator/watches.ts'
import { hawkbitAtWork } from '../store/hawkbit.ts'
import { idempotentRequests } from '../store/idempotent-requests.ts'
import { targetActionList } from '../store/target-actions.ts'
import type { DeviceSide } from './device-side.ts'
import type { Foundation } from './foundation.ts'

/** `endpoints`: where the server is reached, once it is. */
export function operatorSide(
  foundation: Foundation,
  devices: DeviceSide,
  endpoints: OperatorNeeds['endpoints'],
): OperatorNeeds {
  const { artifacts, clock, config, database, feed, ids, secrets, unitOfWork, work } = foundation
  const { agentTokens, certificates, claimed, copies, moments, newCredential, ofServer, tokens } =
    devices
  const needs = { clock, ids, newCredential, secrets, unitOfWork }
  const actions = hawkbitAtWork(database)
  const ofFleet = fleet(needs)
  const ofAssignments = assignments(needs)
  const ofOperations = operations({ moments, unitOfWork, work })
  const recordArtifact = artifactRecord(needs)
  const described = describedRelease({ ...needs, archives: devices.archives, artifacts })
  return {
    accounts: accounts({
      ...needs,
      store: devices.accounts,
      adminToken: config.adminToken,
      sessionIdleMinutes: config.sessionIdleMinutes,
    }),
    artifactStores: artifactStores({ ...needs, clouds: devices.clouds, copies, stores: artifacts }),
    assignments: ofAssignments,
    audience: audience(needs),
    audit: audit(needs),
    boxes: boxes({ ...needs, canRestart }),
    hawkbit: hawkbitSettings({ ...needs, actions, chains: devices.chains }),
    campaigns: campaigns(needs),
    catalogue: catalogue({ ...needs, artifacts, described, recordArtifact }),
    claiming: claiming(needs),
    clock,
    clouds: clouds({ ...needs, artifactStores: artifacts.all.map(({ name }) => name) }),
    clusters: clusters({
      ...needs,
      probe: clusterProbe(devices.clusterClientFor),
      publicUrl: () => endpoints().http,
      tokens: clusterTokens,
    }),
    credentials: credentials({ ...needs, tokens }),
    customers: customers(needs),
    deviceLogs: deviceLogs(needs),
    digests: devices.digests,
    distributionSets: distributionSets({ ...needs, assignments: ofAssignments }),
    endpoints,
    fingerprint: secrets.hashToken,
    fleet: ofFleet,
    hawkbitConfigs: hawkbitConfigs(needs),
    hawkbitPollSeconds: config.checkInSeconds,
    idempotentRequests: idempotentRequests(database),
    live: live({ feed, run: ids.next(), owned: ofFleet.owned }),
    manualUpdates: manualUpdates({ ...needs, described, moments, work }),
    models: models(needs),
    operations: ofOperations,
    operators: operators(needs),
    overview: overview(needs),
    policies: policies(needs),
    publicUrl: config.publicUrl,
    realms: realms({ ...needs, agentTokens, certificates }),
    registrations: registrations({ ...needs, claimed, moments, tokens, work }),
    settings: settings({ ...needs, ofServer }),
    several: several(needs),
    targetActions: targetActions({
      ...needs,
      actions,
      list: targetActionList(database),
      look: devices.look,
      moments,
      operations: ofOperations,
    }),
    tenants: tenants(needs),
    uploads: uploads({ ids, recordArtifact, uploads: artifacts.uploads }),
    version: packageJson.version,
    watches: watches({ feed, owned: ofFleet.owned }),
  }
}
