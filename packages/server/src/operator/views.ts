/** Our values as operators see them: the shapes of api/shapes.ts. */
import type * as api from '@updraft/api/shapes'
import {
  type Actor,
  type Choice,
  type Component,
  type ComponentType,
  choose,
  eachSetting,
  isByHand,
  isTerminal,
  type Operation,
  resultOf,
  type Snapshot,
  STATES,
  type State,
  type Step,
  situationOf,
} from '@updraft/core'
import type { ActivityFigures, Counts } from '../app/overview.ts'
import {
  type AssignmentView,
  type ChannelView,
  type CredentialView,
  type CustomerView,
  type DeviceView,
  type Figures,
  type GroupView,
  type OperationView,
  type OperatorRecord,
  type PackageView,
  type Page,
  type ProfileView,
  REMOVED_RELEASE,
  type ReleaseView,
  type StoredArtifact,
  type StoredEvent,
  type Tenant,
  type TokenRecord,
  type Upload,
} from '../app/ports.ts'
import type { SettingsView } from '../app/settings.ts'

export const time = (date: Date): string => date.toISOString()
export const timeOrNull = (date: Date | null): string | null => date && time(date)

/** With what only doors with another idea of pages show: where each item stands. */
export const pageView = <From, To>(
  { items, ...where }: Page<From>,
  view: (item: From) => To,
): api.Page<To> & Omit<Page<To>, 'items'> => ({ ...where, items: items.map(view) })

export const operationView = (operation: Operation): api.Operation => ({
  id: operation.id,
  deviceId: operation.deviceId,
  type: operation.type,
  state: operation.state,
  release: releaseOf(operation),
  progress: operation.progressPercent,
  error: operation.error,
  code: operation.code,
  handling: { ...operation.handling },
  because: operation.because.message,
  reason: operation.because,
  origin: operation.origin,
  restarts: operation.restarts,
  openedAt: time(operation.openedAt),
  changedAt: time(operation.changedAt),
  endedAt: timeOrNull(operation.endedAt),
})

/** What it is about; without an id when the release was removed since, or came by hand and so stands in no list. */
const releaseOf = (operation: Operation): api.ReleaseRef => {
  const { releaseId, title, version } = operation
  const isListed = releaseId !== REMOVED_RELEASE && !isByHand(operation)
  return { id: isListed ? releaseId : null, title, version }
}

const stepView = (step: Step): api.Step => ({
  at: time(step.at),
  state: step.state,
  outcome: step.outcome,
  progress: step.progressPercent,
  error: step.error,
  because: step.because.message,
  reason: step.because,
})

export const operationWithSteps = ({
  operation,
  steps,
}: OperationView): api.OperationWithSteps => ({
  ...operationView(operation),
  steps: steps.map(stepView),
})

/** A device with the answer to "what is it offered, and why" as it would be given right now. */
export function deviceView(
  { snapshot, customer, systemModel, hardwareType, astarteId, registeredAs }: DeviceView,
  now: Date,
): api.Device {
  const { device } = snapshot
  const components: Record<ComponentType, api.Component> = {}
  for (const [type, component] of Object.entries(snapshot.components)) {
    components[type] = componentView(snapshot, type, component, now)
  }
  const operations = Object.values(snapshot.components).flatMap(
    ({ underWay, latestEnded }) => underWay ?? latestEnded ?? [],
  )
  const [foremost] = operations.sort(
    (a, b) =>
      Number(!b.endedAt) - Number(!a.endedAt) || b.changedAt.getTime() - a.changedAt.getTime(),
  )
  return {
    id: device.id,
    name: device.name,
    profile: device.profileName,
    profileId: device.profileId,
    customer: customer?.name ?? null,
    customerId: customer?.id ?? null,
    cloud: device.cloudName,
    cloudId: device.cloudId,
    systemModel,
    hardwareType,
    labels: [...device.labels],
    attributes: { ...device.attributes },
    inventory: { ...device.inventory },
    installed: { ...device.installed },
    dialect: device.dialect,
    astarteId,
    registeredAs,
    lastSeenAt: timeOrNull(device.lastSeenAt),
    createdAt: time(device.createdAt),
    operation: foremost ? operationView(foremost) : null,
    components,
  }
}

function componentView(
  snapshot: Snapshot,
  type: ComponentType,
  component: Component,
  now: Date,
): api.Component {
  const installed = snapshot.device.installed[type]
  const choice = choose(situationOf(snapshot, type, { isHere: false }), now)
  const operation = component.underWay ?? component.latestEnded
  return {
    installed: installed ?? null,
    assigned: assignedOf(component),
    target: targetOf(choice),
    policy: policyOf(choice),
    verdict: choice.kind,
    because: choice.because.message,
    reason: choice.because,
    lookAgainAt: timeOrNull(('lookAgainAt' in choice && choice.lookAgainAt) || null),
    held: heldOf(choice),
    operation: operation && operationView(operation),
  }
}

const heldOf = (choice: Choice): api.Component['held'] =>
  'held' in choice && choice.held ? { comesIfAsked: choice.held.comesIfAsked } : null

const BY_POLICY: ReadonlySet<string> = new Set(['policy.offers', 'nothing.next-check'])

function policyOf(choice: Choice): api.ReleaseRef | null {
  if (choice.kind === 'nothing' && choice.defers) return nameView(choice.defers.release)
  return BY_POLICY.has(choice.because.code) ? targetOf(choice) : null
}

function assignedOf({ deviceAssignment, profileAssignment }: Component): api.Component['assigned'] {
  const assignment = deviceAssignment ?? profileAssignment
  return (
    assignment && {
      scope: deviceAssignment ? 'device' : 'profile',
      release: nameView(assignment.release),
      handling: { ...assignment.handling },
      at: time(assignment.assignedAt),
    }
  )
}

export function targetOf(choice: Choice): api.ReleaseRef | null {
  if (choice.kind === 'under-way') {
    return releaseOf(choice.operation)
  }
  return choice.release && nameView(choice.release)
}

const nameView = ({
  id,
  title,
  version,
}: {
  id: string
  title: string
  version: string
}): api.ReleaseRef => ({
  id,
  title,
  version,
})

export const profileView = (profile: ProfileView): api.Profile => ({
  id: profile.id,
  name: profile.name,
  description: profile.description,
  deviceCount: profile.deviceCount,
  assignments: { ...profile.assignments },
  provisioning: profile.provisioning,
  createdAt: time(profile.createdAt),
})

export const packageView = ({ title, releases, latestAt }: PackageView): api.Package => ({
  title,
  releases,
  latestAt: time(latestAt),
})

export const releaseView = (release: ReleaseView): api.Release => ({
  id: release.id,
  title: release.title,
  version: release.version,
  type: release.type,
  profile: release.profileName,
  profileId: release.profileId,
  tag: release.tag,
  description: release.description,
  checksumAlgorithm: release.checksumAlgorithm,
  checksum: release.checksum,
  sizeBytes: release.sizeBytes,
  sha256: release.artifact?.sha256 ?? null,
  fileName: release.artifact?.fileName ?? null,
  contentType: release.artifact?.contentType ?? null,
  url: release.externalUrl,
  requirement: release.requirement,
  needs: { ...release.needs },
  createdAt: time(release.createdAt),
})

export const artifactView = ({ sha256, sizeBytes, checksums }: StoredArtifact): api.Artifact => ({
  sha256,
  sizeBytes,
  checksums: { ...checksums },
})

export const uploadView = ({ artifact, ...upload }: Upload): api.Upload => ({
  ...upload,
  artifact: artifact && artifactView(artifact),
})

export const assignmentView = (assignment: AssignmentView): api.Assignment => ({
  scope: assignment.deviceId === null ? 'profile' : 'device',
  deviceId: assignment.deviceId,
  profileId: assignment.profileId,
  type: assignment.type,
  release: nameView(assignment.release),
  handling: { ...assignment.handling },
  assignedAt: time(assignment.assignedAt),
  assignedBy: assignment.assignedBy,
})

export const credentialView = (credential: CredentialView): api.Credential => ({
  id: credential.id,
  kind: credential.kind,
  clientId: credential.clientId,
  userName: credential.userName,
  hasPassword: credential.hasPassword,
  certificate: credential.certificate && {
    ...credential.certificate,
    validFrom: time(credential.certificate.validFrom),
    validTo: time(credential.certificate.validTo),
  },
  createdAt: time(credential.createdAt),
  firstUsedAt: timeOrNull(credential.firstUsedAt),
  expiresAt: timeOrNull(credential.expiresAt),
})

export const tokenView = (token: TokenRecord): api.Token => ({
  id: token.id,
  name: token.name,
  operator: token.operatorName,
  role: token.role,
  createdAt: time(token.createdAt),
  lastUsedAt: timeOrNull(token.lastUsedAt),
  revokedAt: timeOrNull(token.revokedAt),
})

export const settingsView = ({ inForce, chosen, ofServer }: SettingsView): api.Settings => ({
  inForce: { ...inForce },
  own: eachSetting((name) => chosen[name] ?? null),
  ofServer: { ...ofServer },
})

export const operatorView = ({
  id,
  name,
  role,
  customer,
  createdAt,
}: OperatorRecord): api.Operator => ({
  id,
  name,
  role,
  customer: customer?.name ?? null,
  customerId: customer?.id ?? null,
  createdAt: time(createdAt),
})

const actorView = (actor: Actor): api.Event['actor'] => ({
  kind: actor.kind,
  id: actor.kind === 'server' ? null : actor.id,
  name: actor.name,
  from: (actor.kind === 'operator' && actor.from) || null,
  via: (actor.kind === 'operator' && actor.via) || null,
})

export const customerView = (customer: CustomerView): api.Customer => ({
  id: customer.id,
  name: customer.name,
  deviceCount: customer.deviceCount,
  userCount: customer.userCount,
  createdAt: time(customer.createdAt),
})

export const tenantView = ({ id, name, createdAt }: Tenant): api.Tenant => ({
  id,
  name,
  createdAt: time(createdAt),
})

export const eventView = (event: StoredEvent): api.Event => ({
  id: event.id,
  at: time(event.at),
  kind: event.kind,
  actor: actorView(event.actor),
  result: resultOf(event.kind),
  reason: event.reason ?? null,
  subject: { ...event.subject },
  deviceId: event.deviceId,
  data: { ...event.data },
})

/** The four counters, drawn from the states of each component's newest operation. */
export function overviewView({ devices, states, seen }: Counts): api.Overview {
  const count = (wanted: readonly State[]) =>
    wanted.reduce((sum, state) => sum + (states[state] ?? 0), 0)
  const isUpdating = (state: State) => state !== 'QUEUED' && !isTerminal(state)
  return {
    devices,
    waiting: count(['QUEUED']),
    updating: count(STATES.filter(isUpdating)),
    updated: count(['UPDATED']),
    failed: count(['FAILED']),
    states,
    seen,
  }
}

export const activityView = ({ stepSeconds, steps }: ActivityFigures): api.Activity => ({
  stepSeconds,
  items: steps.map(({ at, ...counts }) => ({ at: time(at), ...counts })),
})

export const failureView = ({
  releaseId,
  type,
  title,
  version,
  devices,
  error,
  latestAt,
}: Awaited<ReturnType<Figures['failures']>>[number]): api.FailureCount => ({
  type,
  release: { id: releaseId, title, version },
  devices,
  error,
  latestAt: time(latestAt),
})

export const groupView = ({ createdAt, ...group }: GroupView): api.Group => ({
  ...group,
  createdAt: time(createdAt),
})

export const channelView = ({ groups, createdAt, ...channel }: ChannelView): api.Channel => ({
  ...channel,
  groups: groups.map(({ id, handle, name }) => ({ id, handle, name })),
  createdAt: time(createdAt),
})
