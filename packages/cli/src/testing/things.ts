/** Devices, releases, operations … to fill the fake server with. */
import { randomUUID } from 'node:crypto'
import type {
  Component,
  Credential,
  CredentialDraft,
  Customer,
  Device,
  Event,
  OperationWithSteps,
  Operator,
  Profile,
  Release,
  Token,
} from '@updraft/api/shapes'
import { type Role, STANDARD_HANDLING, type State } from '@updraft/core'
import type { World } from './fake-server.ts'

export const MADE_AT = '2026-03-01T12:00:00.000Z'

export const makeProfile = (name: string, description: string | null = null): Profile => ({
  id: randomUUID(),
  name,
  description,
  deviceCount: 0,
  assignments: {},
  provisioning: null,
  createdAt: MADE_AT,
})

export const makeCustomer = (name: string): Customer => ({
  id: randomUUID(),
  name,
  deviceCount: 0,
  userCount: 0,
  createdAt: MADE_AT,
})

export const makeOperator = ({
  name,
  role,
  customerId = null,
  customers,
}: {
  name: string
  role: Role
  customerId?: string | null
  customers: readonly Customer[]
}): Operator => ({
  id: randomUUID(),
  name,
  role,
  customer: customers.find(({ id }) => id === customerId)?.name ?? null,
  customerId,
  createdAt: MADE_AT,
})

export const makeDevice = ({
  name,
  profile,
  labels = [],
  ...more
}: { name: string; profile: Profile } & Partial<Omit<Device, 'profile'>>): Device => ({
  id: randomUUID(),
  name,
  profile: profile.name,
  profileId: profile.id,
  customer: null,
  customerId: null,
  cloud: null,
  cloudId: null,
  systemModel: null,
  hardwareType: null,
  astarteId: null,
  registeredAs: null,
  labels,
  attributes: {},
  inventory: {},
  installed: {},
  dialect: null,
  lastSeenAt: null,
  createdAt: MADE_AT,
  operation: null,
  components: {},
  ...more,
})

export const makeRelease = ({
  title,
  version,
  ...more
}: { title: string; version: string } & Partial<Release>): Release => ({
  id: randomUUID(),
  title,
  version,
  type: more.type ?? 'firmware',
  profile: more.profile ?? 'Sensor',
  profileId: more.profileId ?? randomUUID(),
  tag: more.tag ?? null,
  description: more.description ?? null,
  checksumAlgorithm: more.checksumAlgorithm ?? null,
  checksum: more.checksum ?? null,
  sizeBytes: more.sizeBytes ?? null,
  sha256: more.sha256 ?? null,
  fileName: more.fileName ?? null,
  contentType: more.contentType ?? null,
  url: more.url ?? null,
  requirement: more.requirement ?? null,
  needs: more.needs ?? {},
  createdAt: MADE_AT,
})

export const makeOperation = ({
  device,
  release,
  state,
  ...more
}: {
  device: Device
  release: Pick<Release, 'id' | 'title' | 'version' | 'type'>
  state: State
} & Partial<Omit<OperationWithSteps, 'release'>>): OperationWithSteps => {
  const reason = { code: 'device.reported', message: 'the device said so' }
  return {
    id: randomUUID(),
    deviceId: device.id,
    type: release.type,
    state,
    release: { id: release.id, title: release.title, version: release.version },
    progress: 0,
    error: null,
    code: null,
    because: reason.message,
    reason,
    origin: { code: 'assigned.profile', message: `profile ${device.profile} is assigned it` },
    restarts: 0,
    handling: STANDARD_HANDLING,
    openedAt: MADE_AT,
    changedAt: MADE_AT,
    endedAt: null,
    steps: [
      {
        at: MADE_AT,
        state: 'QUEUED',
        outcome: 'opened',
        progress: 0,
        error: null,
        because: `profile ${device.profile} is assigned it`,
        reason,
      },
      { at: MADE_AT, state, outcome: 'moved', progress: 0, error: null, because: 'so', reason },
    ],
    ...more,
  }
}

/** The component that operation is about, as the server would show it. */
export const makeComponent = (
  operation: OperationWithSteps,
  more: Partial<Component> = {},
): Component => {
  const { steps: _, ...plain } = operation
  return {
    installed: null,
    assigned: null,
    target: operation.release,
    policy: null,
    verdict: 'under-way',
    because: operation.origin.message,
    reason: operation.origin,
    lookAgainAt: null,
    held: null,
    operation: plain,
    ...more,
  }
}

/** Puts an operation on its device: under way or ended, it is the newest. */
export function give(
  world: World,
  device: Device,
  operation: OperationWithSteps,
  more?: Partial<Component>,
) {
  const { steps: _, ...plain } = operation
  device.operation = plain
  device.components[operation.type] = makeComponent(operation, more)
  world.operations.unshift(operation)
}

export const makeCredential = (draft: CredentialDraft): Credential => ({
  id: randomUUID(),
  kind: draft.kind,
  clientId: (draft.kind === 'mqtt-basic' && draft.clientId) || null,
  userName: (draft.kind === 'mqtt-basic' && draft.userName) || null,
  hasPassword: draft.kind === 'mqtt-basic' && Boolean(draft.password),
  certificate:
    draft.kind === 'x509'
      ? { subject: 'CN=x', fingerprint: 'AB', validFrom: MADE_AT, validTo: MADE_AT }
      : null,
  createdAt: MADE_AT,
  firstUsedAt: null,
  expiresAt: null,
})

export const makeToken = (name: string): Token => ({
  id: randomUUID(),
  name,
  operator: 'admin',
  role: 'tenant-administrator',
  createdAt: MADE_AT,
  lastUsedAt: null,
  revokedAt: null,
})

export const makeEvent = (more: Partial<Event>): Event => ({
  id: '1',
  at: MADE_AT,
  kind: 'operation.ended',
  actor: { kind: 'server', id: null, name: 'updraft', from: null, via: null },
  result: 'done',
  reason: null,
  subject: { kind: 'operation', id: randomUUID(), name: 'app@1.0.0' },
  deviceId: null,
  data: {},
  ...more,
})
