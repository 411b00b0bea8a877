/** What the operators' door is given, and what each of its handlers is. */
import type { Output } from '@updraft/api/client'
import type { ROUTES, RouteName } from '@updraft/api/routes'
import type { Endpoints } from '@updraft/api/shapes'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { output, ZodType } from 'zod'
import type { AccountsUseCases } from '../app/accounts.ts'
import type { DigestsOf } from '../app/artifact-digests.ts'
import type { ArtifactStoreUseCases } from '../app/artifact-stores.ts'
import type { AssignmentsUseCases } from '../app/assignments.ts'
import type { AudienceUseCases } from '../app/audience.ts'
import type { Audit } from '../app/audit.ts'
import type { BoxUseCases } from '../app/boxes.ts'
import type { CampaignsUseCases } from '../app/campaigns.ts'
import type { CatalogueUseCases } from '../app/catalogue.ts'
import type { ClaimingUseCases } from '../app/claiming.ts'
import type { CloudUseCases } from '../app/clouds.ts'
import type { ClusterUseCases } from '../app/clusters.ts'
import type { CredentialUseCases } from '../app/credentials.ts'
import type { CustomersUseCases } from '../app/customers.ts'
import type { DeviceLogUseCases } from '../app/device-logs.ts'
import type { DistributionSetsUseCases } from '../app/distribution-sets.ts'
import type { Fleet } from '../app/fleet.ts'
import type { HawkbitConfigsUseCases } from '../app/hawkbit-configs.ts'
import type { HawkbitUseCases } from '../app/hawkbit-settings.ts'
import type { ManualUpdates } from '../app/manual-updates.ts'
import type { ModelUseCases } from '../app/models.ts'
import type { OperationsUseCases } from '../app/operations.ts'
import type { OperatorsUseCases } from '../app/operators.ts'
import type { Overview } from '../app/overview.ts'
import type { PoliciesUseCases } from '../app/policies.ts'
import type { Clock, IdempotentRequests } from '../app/ports.ts'
import type { RealmUseCases } from '../app/realms.ts'
import type { RegistrationUseCases } from '../app/registrations.ts'
import type { SettingsUseCases } from '../app/settings.ts'
import type { Several } from '../app/several.ts'
import type { TargetActionsUseCases } from '../app/target-actions.ts'
import type { TenantsUseCases } from '../app/tenants.ts'
import type { UploadsUseCases } from '../app/uploads.ts'
import type { Caller } from './auth.ts'
import type { Live } from './live.ts'
import type { Watches } from './watches.ts'

export interface OperatorNeeds {
  readonly accounts: AccountsUseCases
  readonly artifactStores: ArtifactStoreUseCases
  readonly assignments: AssignmentsUseCases
  readonly audience: AudienceUseCases
  readonly audit: Audit
  readonly boxes: BoxUseCases
  readonly hawkbit: HawkbitUseCases
  readonly campaigns: CampaignsUseCases
  readonly catalogue: CatalogueUseCases
  readonly claiming: ClaimingUseCases
  readonly clock: Clock
  readonly clouds: CloudUseCases
  readonly clusters: ClusterUseCases
  readonly credentials: CredentialUseCases
  readonly customers: CustomersUseCases
  readonly deviceLogs: DeviceLogUseCases
  readonly digests: Pick<DigestsOf, 'whole'>
  readonly distributionSets: DistributionSetsUseCases
  /** Where devices reach the server, once it listens. */
  readonly endpoints: () => Endpoints
  readonly fleet: Fleet
  readonly hawkbitConfigs: HawkbitConfigsUseCases
  /** How often devices of hawkBit's language come where nothing is said of it. */
  readonly hawkbitPollSeconds: number
  /** Tells whether two texts are the same without keeping them. */
  readonly fingerprint: (text: string) => Buffer
  readonly idempotentRequests: IdempotentRequests
  readonly live: Live
  readonly manualUpdates: ManualUpdates
  readonly models: ModelUseCases
  readonly operations: OperationsUseCases
  readonly operators: OperatorsUseCases
  readonly policies: PoliciesUseCases
  /** The server's root as clients are told it; undefined: as they reached it. */
  readonly publicUrl: string | undefined
  readonly targetActions: TargetActionsUseCases
  readonly tenants: TenantsUseCases
  readonly overview: Overview
  readonly realms: RealmUseCases
  readonly registrations: RegistrationUseCases
  readonly settings: SettingsUseCases
  readonly several: Several
  readonly uploads: UploadsUseCases
  readonly version: string
  readonly watches: Watches
}

type Part<N extends RouteName, K extends 'params' | 'query' | 'body'> =
  (typeof ROUTES)[N] extends Record<K, infer S>
    ? S extends ZodType
      ? output<S>
      : unknown
    : undefined

/** What a handler is given: the input as it was validated, and who asks. */
export interface Call<N extends RouteName> {
  readonly input: {
    readonly params: Part<N, 'params'>
    readonly query: Part<N, 'query'>
    readonly body: Part<N, 'body'>
  }
  readonly caller: Caller
  /** Which state of the thing the change is meant for; undefined when the caller does not mind. */
  readonly revision: number | undefined
  /** Lets the caller know which state of the thing is in the answer. */
  readonly shows: (thing: { readonly revision: number }) => void
}

/** Routes that are about the exchange over HTTP itself: cookies, and streams of bytes or of events. */
export type ExchangeRoute =
  | 'abandonUpload'
  | 'beginUpload'
  | 'continueUpload'
  | 'downloadRelease'
  | 'liveEvents'
  | 'showUpload'
  | 'signIn'
  | 'signOut'
  | 'signOutEverywhere'
  | 'uploadArtifact'

/** The call, and the exchange that brought it. */
export interface Exchange<N extends RouteName> extends Call<N> {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** One handler a route; those that stream answer through the reply and return it. */
export type Handlers = {
  readonly [N in RouteName]: N extends ExchangeRoute
    ? (call: Exchange<N>) => Promise<Output<N> | FastifyReply>
    : (call: Call<N>) => Promise<Output<N>>
}
