/**
 * The listener with all dialects at a desk in memory: the real desk, over devices and files that are kept here.
 * For tests of what goes over the wire.
 */
import { createHash } from 'node:crypto'
import {
  attemptsAfter,
  type Changes,
  type CredentialDraft,
  type CredentialKind,
  cancelByOperator,
  createRelease,
  type Device,
  DomainError,
  type DomainEvent,
  NO_COMPONENT,
  type Operation,
  type Release,
  type ReleaseDraft,
  type Snapshot,
  STANDARD_HANDLING,
  STANDARD_SETTINGS,
} from '@updraft/core'
import type { FastifyInstance } from 'fastify'
import pino from 'pino'
import { boxDesk } from '../app/box-desk.ts'
import { type DeviceDeskNeeds, deviceDesk } from '../app/device-desk.ts'
import { liveSessions } from '../app/live-sessions.ts'
import { logDesk } from '../app/log-desk.ts'
import { newCredentialOf } from '../app/new-credential.ts'
import { ownBoxDesk } from '../app/own-box-desk.ts'
import { pacer } from '../app/pacer.ts'
import type {
  ArtifactHandle,
  Box,
  Claiming,
  DeliveredEvent,
  DeviceWork,
  EventQuery,
  HeldSession,
  LogLine,
  NewCredential,
  NewDevice,
  Pairing,
  UnitOfWork,
  Wish,
} from '../app/ports.ts'
import { handlerArchives } from '../artifacts/handler-archives.ts'
import { proofs } from '../credentials/proofs.ts'
import { secrets, uuids } from '../credentials/secrets.ts'
import { httpListener } from '../transports/http.ts'
import type { DialectNeeds } from './dialect.ts'
import { edgehogImages } from './edgehog/images.ts'
import { ioto } from './ioto/http.ts'
import { odooIot } from './odoo-iot/http.ts'
import { thingsboard } from './thingsboard/http.ts'
import { updraft } from './updraft.ts'

export const NOON = new Date('2026-03-01T12:00:00Z')
const TENANT = '0190a000-0000-7000-8000-000000000001'
/** Where boxes reach it. */
export const BOXES_AT = 'boxes.example'
export const PROVISIONING = { key: 'the-key', secret: 'the-secret' }

const NOT_PAIRED: Pairing = {
  tenantId: TENANT,
  deviceId: '',
  astarteId: '',
  status: 'confirmed',
  secretHash: null,
  cloudId: null,
  createdAt: NOON,
  credentialId: null,
  introspection: {},
  capabilities: {},
  isConnected: false,
  connectedAt: null,
  disconnectedAt: null,
  lastAddress: null,
  awaitsModel: false,
}

export interface MemoryDesk {
  readonly app: FastifyInstance
  /** For doors beside HTTP. */
  readonly needs: DialectNeeds
  /** The token is the device's name too. */
  addDevice(token: string, changes?: Partial<Device>): void
  /** Beside its token. */
  addCredential(token: string, draft: CredentialDraft): void
  removeCredentials(token: string, kind: CredentialKind): void
  /** What the device is to Astarte, or how that changes. */
  pair(token: string, changes: Partial<Pairing>): void
  pairing(token: string): Pairing
  /** Those that were to go to the profile of their system model. */
  readonly followed: readonly string[]
  /** An operator cancels what is under way. */
  cancel(token: string): Promise<void>
  device(token: string): Device
  /** As an operator changes it. */
  changeDevice(token: string, changes: Partial<Device>): void
  /** The release, its bytes kept, assigned to that device and looked at, as after an operator did so. */
  assign(token: string, draft: Partial<ReleaseDraft> & { bytes?: Uint8Array }): Promise<Release>
  withdraw(token: string, type: string): Promise<void>
  remove(token: string): void
  /** `firmware QUEUED` and so on: the newest operation of each component. */
  states(token: string): string[]
  error(token: string, type?: string): string | null
  /** The operation of its firmware that is under way, or ended last. */
  newest(token: string): Operation | null
  /** Until when the device may be claimed with that secret; null if it has not said so. */
  claimableUntil(token: string, secret: string): Date | null
  /** Moves the clock. */
  pass(by: { minutes: number }): void
  /** An operator wants that done once by the box. */
  wish(token: string, kind: Wish['kind']): void
  /** What devices logged. */
  readonly logged: readonly LogLine[]
  /** How often something was written about a device. */
  readonly writes: number
  /** Looks at a device on the line, as the watch over silence does. */
  look(token: string): Promise<void>
  /** From here on the database does not answer. */
  goAway(): void
  /** From here on the database takes questions and answers none. */
  fallSilent(): void
  /** What happened besides updates: enrolments, and what was left for operators. */
  readonly events: readonly DomainEvent[]
  readonly waiting: number
  readonly openFiles: number
  close(): Promise<void>
}

export async function memoryDesk({ now = NOON } = {}): Promise<MemoryDesk> {
  const keeper = secrets({ ticketKey: Buffer.alloc(32, 7) })
  const prover = proofs({ passwordKey: Buffer.alloc(32, 9) })
  let nowMs = now.getTime()
  const clock = { now: () => new Date(nowMs) }
  const newCredential = newCredentialOf({ clock, ids: uuids, proofs: prover, secrets: keeper })
  const snapshots = new Map<string, Snapshot>()
  let holders: { readonly token: string; readonly credential: NewCredential }[] = []
  const files = new Map<string, Buffer>()
  const listeners = new Set<(events: readonly DeliveredEvent[]) => void>()
  const events: DomainEvent[] = []
  let isAway = false
  let isSilent = false
  let writes = 0
  let openFiles = 0

  const tokenOf = (deviceId: string): string => {
    for (const [token, { device }] of snapshots) if (device.id === deviceId) return token
    throw new DomainError('device.unknown', 'There is no such device.')
  }
  const snapshotOf = (token: string): Snapshot => {
    const snapshot = snapshots.get(token)
    if (!snapshot) throw new Error(`There is no device ${token}.`)
    return snapshot
  }
  const tell = (deviceId: string) => {
    const delivered = {
      tenantId: TENANT,
      kind: 'device.changed',
      deviceId,
      subjectId: deviceId,
      event: null,
    } as const
    for (const listener of listeners) listener([delivered])
  }
  const here = async () => {
    if (isSilent) await new Promise(() => {})
    if (isAway) throw new DomainError('store.away', 'The database does not answer at the moment.')
  }

  const nobodyRegisters = async () => {
    await here()
    return null
  }

  const pairings = new Map<string, Pairing>()
  const held = new Map<string, HeldSession>()
  const followed: string[] = []
  const changePairing = (deviceId: string, changes: Partial<Pairing>) => {
    const before = pairings.get(deviceId)
    if (before) pairings.set(deviceId, { ...before, ...changes })
  }
  const operations = new Map<string, Operation>()
  const requests = new Map<
    string,
    { operationId: string; deviceId: string; url: string; times: number; isAnswered: boolean }
  >()

  const settle: DeviceWork['settle'] = async ({ deviceId, operationId }, decide) => {
    await here()
    const token = tokenOf(deviceId)
    const snapshot = snapshotOf(token)
    const addressed = operations.get(operationId ?? '')
    const settled = decide({
      ...snapshot,
      addressed: addressed?.deviceId === deviceId ? addressed : null,
    })
    for (const operation of settled.changes.operations) operations.set(operation.id, operation)
    writes += 1
    snapshots.set(token, after(snapshot, settled.changes))
    if (settled.changes.events.length > 0) tell(deviceId)
    return settled
  }
  const work: DeviceWork = {
    arrive: async (claims, dialect, now) => {
      await here()
      for (const claim of claims) {
        const holder = holders.find(
          ({ credential: { kind, lookupHash } }) =>
            kind === claim.kind && lookupHash.equals(claim.lookupHash),
        )
        if (!holder) continue
        const { passwordHash } = holder.credential
        if (passwordHash && !claim.passwordHash?.equals(passwordHash)) return null
        const { device, ...rest } = snapshotOf(holder.token)
        const snapshot = { ...rest, device: { ...device, dialect, lastSeenAt: now } }
        snapshots.set(holder.token, snapshot)
        return { snapshot, claim }
      }
      return null
    },
    arriveBehind: async (_gatewayId, { name, dialect }, now) => {
      await here()
      const snapshot = snapshots.get(name)
      if (!snapshot || dialect === null) return snapshot ?? null
      const seen = { ...snapshot, device: { ...snapshot.device, dialect, lastSeenAt: now } }
      snapshots.set(name, seen)
      return seen
    },
    arriveVouched: async (deviceId, dialect, now) => {
      await here()
      const token = tokenOf(deviceId)
      const { device, ...rest } = snapshotOf(token)
      const snapshot = { ...rest, device: { ...device, dialect, lastSeenAt: now } }
      snapshots.set(token, snapshot)
      return snapshot
    },
    settle,
    settleAll: async ({ tenantId, deviceIds }, decide) => {
      for (const deviceId of deviceIds) await settle({ tenantId, deviceId }, decide)
      return []
    },
  }

  const open = async (sha256: string): Promise<ArtifactHandle> => {
    const bytes = files.get(sha256)
    if (!bytes) throw new DomainError('artifact.unknown', 'No such file is stored.')
    openFiles += 1
    return {
      sha256,
      sizeBytes: bytes.length,
      read: async (start, end) => bytes.subarray(start, end),
      async *stream(start, end) {
        yield bytes.subarray(start, end)
      },
      release: () => {
        openFiles -= 1
      },
    }
  }

  const newDevice = (name: string, changes: Partial<Device> = {}): Snapshot => ({
    tenantId: TENANT,
    device: {
      id: uuids.next(),
      name,
      profileId: 'p',
      profileName: 'pump',
      cloudId: null,
      cloudName: null,
      labels: [],
      attributes: {},
      inventory: {},
      installed: {},
      dialect: null,
      lastSeenAt: null,
      createdAt: NOON,
      ...changes,
    },
    components: {},
    standings: {},
    belongings: null,
    addressed: null,
  })

  const add = (token: string, snapshot: Snapshot, credentials: readonly NewCredential[]) => {
    snapshots.set(token, snapshot)
    holders.push(...credentials.map((credential) => ({ token, credential })))
  }

  const claimable = new Map<string, Parameters<Claiming['allow']>[0]>()

  /** As much of a transaction as an enrolment, a claim, a notice or a gateway needs; what is enrolled is asked for by its name. */
  const unitOfWork = (async (_within: unknown, transact: (stores: unknown) => Promise<unknown>) =>
    transact({
      devices: {
        insert: async ([row]: NewDevice[]) => {
          if (!row || snapshots.has(row.name)) {
            throw new DomainError('device.duplicate', 'A device of that name exists already.')
          }
          const { attributes } = row
          add(row.name, newDevice(row.name, { attributes }), row.credentials)
        },
        get: async (id: string) => ({ snapshot: snapshotOf(tokenOf(id)), customer: null }),
      },
      catalogue: {
        get: async (id: string) => {
          const release = releases.get(id)
          if (release) return release
          throw new DomainError('release.unknown', `There is no release ${id}.`)
        },
      },
      profiles: {
        byName: async (name: string) => {
          if (name === 'pump') return { id: 'p' }
          throw new DomainError('profile.unknown', `There is no profile ${name}.`)
        },
      },
      boxes: {
        done: async (_: string, ids: readonly string[]) => {
          const done = wishes.filter(({ id }) => ids.includes(id))
          wishes = wishes.filter(({ id }) => !ids.includes(id))
          return done
        },
      },
      claiming: {
        allow: async (said: Parameters<Claiming['allow']>[0]) => {
          claimable.set(said.deviceId, said)
        },
      },
      events: {
        append: async (happened: readonly DomainEvent[]) => void events.push(...happened),
        page: async ({ deviceId, kind }: EventQuery) => ({
          items: events.filter((each) => each.deviceId === deviceId && each.kind === kind),
        }),
      },
      spread: async () => {},
    })) as unknown as UnitOfWork

  const sessions = liveSessions({
    subscribe: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  })
  const releases = new Map<string, Release>()
  const boxes: Box[] = []
  let wishes: readonly Wish[] = []
  const logged: (LogLine & { deviceId: string })[] = []
  const boxesNamed = (names: readonly string[]) =>
    boxes.filter((box) => box.names.some((name) => names.includes(name)))
  /** A device of that name waits for its box: it has registered. */
  const ofBoxes = boxDesk({
    archives: handlerArchives({ artifacts: { open } }),
    artifacts: { open },
    digests: { soon: async () => null },
    boxes: {
      imagesAt: async (host, { orOnly }) => {
        await here()
        if (host !== BOXES_AT && !orOnly) return null
        const meant = [...snapshots.values()].flatMap(
          ({ components }) => components.image?.profileAssignment?.release.id ?? [],
        )
        return [...releases.values()].flatMap(({ id, type, version, artifact }) =>
          type === 'image' && artifact
            ? [{ version, sha256: artifact.sha256, isMeant: meant.includes(id) }]
            : [],
        )
      },
      serverAt: async (host) => {
        await here()
        return host === BOXES_AT
          ? { tenantId: TENANT, profileId: 'p', url: `http://${host}`, series: '17.0' }
          : null
      },
      named: async (names) => {
        await here()
        return boxesNamed(names)
      },
      onChannel: async (channel) => boxes.find((box) => box.channel === channel) ?? null,
      keep: async (device, { channel, names }) => {
        const before = boxes.findIndex(({ deviceId }) => deviceId === device.deviceId)
        const [box] = before < 0 ? [] : boxes.splice(before, 1)
        const kept = box ?? { ...device, channel, names: [], releaseId: null, restartAskedAt: null }
        const free = names.filter((name) => boxesNamed([name]).length === 0)
        boxes.push({ ...kept, names: [...new Set([...kept.names, ...free])] })
        return boxes.at(-1) as Box
      },
      given: async (deviceId, releaseId) => {
        const at = boxes.findIndex((box) => box.deviceId === deviceId)
        const box = boxes[at]
        if (box) boxes[at] = { ...box, releaseId }
      },
      around: async () => ({ series: null, wishes: [] }),
      told: async () => {},
    },
    clock,
    registering: {
      register: async ({ id }, dialect) => {
        const waiting = snapshots.get(id)
        const device =
          waiting && (await work.arriveVouched(waiting.device.id, dialect, clock.now()))
        return device ? { device, token: id } : null
      },
    },
    registrations: {
      profileOf: async (key) => {
        await here()
        return key === PROVISIONING.key
          ? { tenantId: TENANT, profileId: 'p', strategy: null, claimsAtOnce: false }
          : null
      },
    },
    secrets: keeper,
    unitOfWork,
    work,
  })
  const desk = deviceDesk({
    accounts: {
      provisioningProfile: async (key) =>
        key === PROVISIONING.key
          ? {
              tenantId: TENANT,
              profileId: 'p',
              secretHash: keeper.hashToken(PROVISIONING.secret),
              strategy: 'create-new',
            }
          : null,
    },
    artifacts: { open },
    clock,
    boxes: ofBoxes,
    ownBoxes: ownBoxDesk({
      boxes: {
        around: async () => ({ series: '17.0', wishes }),
        told: async (ids, at) => {
          wishes = wishes.map((wish) => (ids.includes(wish.id) ? { ...wish, toldAt: at } : wish))
        },
      },
      clock,
      unitOfWork,
    }),
    logs: logDesk({
      clock,
      logs: {
        keep: async ({ deviceId }, lines) =>
          void logged.push(...lines.map((line) => ({ ...line, deviceId }))),
        taken: async () => null,
      },
    }),
    certificates: { issue: async () => ({ certificate: 'certificate', key: 'key' }) },
    // As much of pairing as is met over MQTT.
    pairing: {
      pairings: {
        setIntrospection: async (id: string, introspection: Pairing['introspection']) =>
          changePairing(id, { introspection }),
        setCapabilities: async (id: string, capabilities: Pairing['capabilities']) =>
          changePairing(id, { capabilities }),
        connected: async (
          id: string,
          { holder, isClean }: { holder: string; isClean: boolean },
        ) => {
          await here()
          const before = held.get(id) ?? null
          const generation = (before?.generation ?? 0) + 1
          held.set(id, { holder, isClean, generation })
          changePairing(id, { isConnected: true })
          return { generation, before }
        },
        disconnected: async (id: string, { generation }: { generation: number }) => {
          if (held.get(id)?.generation === generation) changePairing(id, { isConnected: false })
        },
      },
      pairingOf: async ({ device }: Snapshot) => pairings.get(device.id) ?? null,
      followModel: async ({ device }: Snapshot) => {
        followed.push(device.name)
        return true
      },
    } as unknown as DeviceDeskNeeds['pairing'],
    requests: {
      sending: async ({ operationId, deviceId, url }) => {
        await here()
        const before = requests.get(operationId)
        const request = before ?? { operationId, deviceId, url, times: 0, isAnswered: false }
        requests.set(operationId, { ...request, times: request.times + 1 })
        return { operationId, url: request.url }
      },
      timesSent: async (_, operationId) => requests.get(operationId)?.times ?? 0,
      cancelsOwed: async (deviceId) =>
        [...requests.values()].filter(
          (request) =>
            request.deviceId === deviceId &&
            !request.isAnswered &&
            operations.get(request.operationId)?.state === 'CANCELED',
        ),
      answered: async (_, operationId) => {
        const request = requests.get(operationId)
        if (request) requests.set(operationId, { ...request, isAnswered: true })
      },
    },
    registering: {
      register: nobodyRegisters,
      comeThrough: nobodyRegisters,
      returnThrough: nobodyRegisters,
    },
    clouds: { ofToken: async () => null },
    cloudOf: async () => null,
    ids: uuids,
    newCredential,
    proofs: prover,
    moments: async () => () => ({
      now: clock.now(),
      newId: uuids.next,
      patience: STANDARD_SETTINGS,
    }),
    secrets: keeper,
    sources: {
      sourceOf: async (_, { artifact, externalUrl }) =>
        artifact
          ? {
              kind: 'ticket',
              ticket: keeper.signTicket({
                sha256: artifact.sha256,
                expiresAt: new Date(clock.now().getTime() + 8 * 86_400_000),
              }),
              fileName: artifact.fileName,
              publicUrl: null,
            }
          : { kind: 'url', url: externalUrl ?? '' },
    },
    unitOfWork,
    work,
    checkInSeconds: 3600,
    claimWindowMs: 86_400_000,
    onError: (error) => {
      throw error
    },
  })
  const needs = {
    desk,
    liveSessions: sessions,
    pacer: pacer({ paceOf: () => ({ packSize: 1, intervalMs: 0 }) }),
    publicUrl: 'https://updates.example',
  }
  const listener = await httpListener({
    log: pino({ level: process.env.UPDRAFT_TEST_LOG ?? 'silent' }),
    trustedProxies: 0,
    newRequestId: uuids.next,
    onAnswered: () => {},
    scopes: [
      updraft(needs),
      odooIot({ ...needs, log: pino({ level: 'silent' }) }),
      thingsboard(needs),
      ioto({ ...needs, brokerAt: () => null }),
      { name: 'edgehog', http: edgehogImages(desk) },
    ].flatMap(({ name, http: register }) => (register ? [{ name, register }] : [])),
  })

  const change = async (token: string, type: string, assigned: Release | null) => {
    const snapshot = snapshotOf(token)
    const component = snapshot.components[type] ?? NO_COMPONENT
    const attempts = { failures: 0, lastFailedAt: null, isCancelled: false, isStaged: false }
    const handling = STANDARD_HANDLING
    const deviceAssignment = assigned && { release: assigned, assignedAt: NOON, handling, attempts }
    snapshots.set(token, {
      ...snapshot,
      components: { ...snapshot.components, [type]: { ...component, deviceAssignment } },
    })
    await desk.checkIn(snapshotOf(token), { installed: {} }, { tells: false })
    tell(snapshot.device.id)
  }

  return {
    app: listener.app,
    needs,
    addDevice: (token, changes) =>
      add(token, newDevice(token, changes), [newCredential({ kind: 'token', token }).row]),
    addCredential: (token, draft) =>
      void holders.push({ token, credential: newCredential(draft).row }),
    removeCredentials: (token, kind) => {
      holders = holders.filter((each) => each.token !== token || each.credential.kind !== kind)
      tell(snapshotOf(token).device.id)
    },
    pair: (token, changes) => {
      const { id } = snapshotOf(token).device
      pairings.set(id, { ...NOT_PAIRED, deviceId: id, ...pairings.get(id), ...changes })
      tell(id)
    },
    pairing: (token) => {
      const found = pairings.get(snapshotOf(token).device.id)
      if (!found) throw new Error(`${token} is not paired.`)
      return found
    },
    followed,
    cancel: async (token) => {
      const { device, components } = snapshotOf(token)
      const operationId = components.firmware?.underWay?.id ?? ''
      const moment = { now: clock.now(), newId: uuids.next, patience: STANDARD_SETTINGS }
      const actor = { kind: 'operator', id: 'ada', name: 'Ada' } as const
      await settle({ tenantId: TENANT, deviceId: device.id }, (snapshot) => ({
        changes: cancelByOperator(snapshot, { operationId, actor, ...moment }),
      }))
      tell(device.id)
    },
    device: (token) => snapshotOf(token).device,
    changeDevice: (token, changes) => {
      const snapshot = snapshotOf(token)
      snapshots.set(token, { ...snapshot, device: { ...snapshot.device, ...changes } })
      tell(snapshot.device.id)
    },
    assign: async (token, { bytes, ...draft }) => {
      const sha256 = createHash('sha256')
        .update(bytes ?? '')
        .digest('hex')
      if (bytes) files.set(sha256, Buffer.from(bytes))
      const artifact = bytes && {
        sha256,
        sizeBytes: bytes.length,
        fileName: 'pump.bin',
        contentType: 'application/x-pump',
      }
      const published = bytes && ({ checksumAlgorithm: 'SHA256', checksum: sha256 } as const)
      const release = createRelease(
        {
          profileId: 'p',
          title: 'pump',
          version: '2.0.0',
          type: 'firmware',
          artifact,
          ...published,
          ...draft,
        },
        uuids.next(),
        NOON,
      )
      releases.set(release.id, release)
      await change(token, release.type, release)
      return release
    },
    withdraw: (token, type) => change(token, type, null),
    remove: (token) => {
      const { id } = snapshotOf(token).device
      snapshots.delete(token)
      holders = holders.filter((each) => each.token !== token)
      tell(id)
    },
    states: (token) =>
      Object.entries(snapshotOf(token).components).flatMap(([type, { underWay, latestEnded }]) => {
        const newest = underWay ?? latestEnded
        return newest ? `${type} ${newest.state}` : []
      }),
    error: (token, type = 'firmware') =>
      snapshotOf(token).components[type]?.latestEnded?.error ?? null,
    newest: (token) => {
      const its = snapshotOf(token).components.firmware
      return its?.underWay ?? its?.latestEnded ?? null
    },
    claimableUntil: (token, secret) => {
      const said = claimable.get(snapshotOf(token).device.id)
      return said?.secretHash.equals(keeper.hashToken(secret)) ? said.expiresAt : null
    },
    pass: ({ minutes }) => {
      nowMs += minutes * 60_000
    },
    wish: (token, kind) => {
      wishes = [...wishes, { id: uuids.next(), kind, askedAt: clock.now(), toldAt: null }]
      tell(snapshotOf(token).device.id)
    },
    logged,
    get writes() {
      return writes
    },
    look: async (token) => {
      await desk.checkIn(snapshotOf(token), { installed: {} }, { tells: false })
    },
    goAway: () => {
      isAway = true
    },
    fallSilent: () => {
      isSilent = true
    },
    events,
    get waiting() {
      return sessions.count
    },
    get openFiles() {
      return openFiles
    },
    close: async () => {
      sessions.close()
      await listener.close()
    },
  }
}

/** The device as it is once the changes are kept. */
function after(snapshot: Snapshot, changes: Changes): Snapshot {
  const { device } = snapshot
  const components = { ...snapshot.components }
  for (const operation of changes.operations) {
    const component = components[operation.type] ?? NO_COMPONENT
    const { deviceAssignment } = component
    components[operation.type] = operation.endedAt
      ? {
          ...component,
          deviceAssignment: deviceAssignment && {
            ...deviceAssignment,
            attempts: attemptsAfter(deviceAssignment.attempts, operation),
          },
          underWay: component.underWay?.id === operation.id ? null : component.underWay,
          latestEnded: operation,
        }
      : {
          ...component,
          underWay: operation,
          underWayRelease:
            deviceAssignment?.release.id === operation.releaseId
              ? deviceAssignment.release
              : (component.underWayRelease ?? null),
        }
  }
  return {
    ...snapshot,
    device: {
      ...device,
      installed: { ...device.installed, ...changes.installed },
      inventory: changes.inventory ?? device.inventory,
    },
    components,
  }
}
