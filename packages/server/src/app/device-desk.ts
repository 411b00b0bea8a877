/**
 * The desk every dialect ends at. Five verbs: `identify` who speaks, `checkIn`, `report`, `openArtifact`, and
 * `enroll` for a device that is not known yet; `notice` for the operator's eyes. What a device gets is decided in core; the desk loads, asks, and
 * stores before it answers.
 */
import {
  type Address,
  type Advance,
  type Answer,
  type ComponentType,
  checkedFacts,
  DomainError,
  desiredRelease,
  type Facts,
  type Fetched,
  hear,
  isNothing,
  type KeptBack,
  type Moment,
  NO_FACTS,
  nameOf,
  type Operation,
  type Proof,
  type Release,
  type Report,
  type Snapshot,
  type Spoken,
  type Tells,
  type Visit,
  visit,
} from '@updraft/core'
import { type ArtifactSources, type Source, ticketExpiry } from './artifact-sources.ts'
import type { BoxDesk } from './box-desk.ts'
import { type Enrolment, enrolment } from './enrolment.ts'
import { type ImageFetching, imageFetching } from './image-fetching.ts'
import type { KnownCloud } from './known-clouds.ts'
import type { LogDesk } from './log-desk.ts'
import type { Moments } from './moments.ts'
import type { NewCredentialOf } from './new-credential.ts'
import { type Notices, notices } from './notices.ts'
import { type OperationRequests, operationRequests } from './operation-requests.ts'
import type { OwnBoxDesk } from './own-box-desk.ts'
import type { PairingDesk } from './pairing.ts'
import type {
  Accounts,
  Arrived,
  ArtifactHandle,
  ArtifactStore,
  Claim,
  Clock,
  CloudsAtWork,
  DeviceCertificates,
  DeviceWork,
  Ids,
  IssuedCertificate,
  Proofs,
  RequestsAtWork,
  Secrets,
  TenantsCloud,
  UnitOfWork,
} from './ports.ts'
import type { Registering } from './registering.ts'

export type { Source } from './artifact-sources.ts'
export type { KnownBox } from './box-desk.ts'
export type { Notice } from './notices.ts'
export type { AroundBox } from './own-box-desk.ts'
export type { AgentAsks, PairedDevice, Verified } from './pairing.ts'
export type { BoxImage, Handlers, Introspection, OperationRequest, Pairing } from './ports.ts'

const DAY_MS = 86_400_000
/** Beyond that a date would soon be none any more. */
const MAX_CLAIM_WINDOW_MS = 36_525 * DAY_MS

/** A release to install, and the operation to report on. */
export interface Offered {
  readonly operation: Operation
  readonly release: Release
}

/** A release that is meant for a box and may not come now. */
export interface Held {
  readonly release: Release
  readonly by: KeptBack
}

export interface CheckedIn {
  readonly answers: Readonly<Record<ComponentType, Answer>>
  readonly offers: readonly Offered[]
  readonly held: readonly Held[]
  /** What each component is to run, whether or not there is something to do right now. */
  readonly desired: Readonly<Record<ComponentType, Release>>
  readonly nextCheckInSeconds: number
}

export interface Recognized {
  readonly device: Snapshot
  /** The device as it is now, by what decided before. Refuses with device.unknown when that is no longer the device's. */
  readonly identify: () => Promise<Snapshot>
}

export interface DeviceDesk
  extends BoxDesk,
    Enrolment,
    ImageFetching,
    LogDesk,
    OperationRequests,
    OwnBoxDesk,
    PairingDesk,
    Registering {
  /** Who holds that token; marks the device as seen. Refuses with device.unknown. */
  identify(token: string, dialect: string): Promise<Snapshot>
  /**
   * The same for one who shows several things: the first of them that anybody is known by decides, and a wrong password
   * with it is a no. A certificate that is not valid at the moment counts for nothing. Refuses with device.unknown.
   */
  recognize(proofs: readonly Proof[], dialect: string): Promise<Recognized>
  /** To whom a certificate is made out, `CN=…`, whoever made it; null when it cannot be read. */
  subjectOf(certificate: Uint8Array): string | null
  /** The cloud a token stands for, whose devices it brings in. Refuses with cloud.bad-token. */
  recognizeCloud(token: string): Promise<TenantsCloud>
  /** Where the device is served from; null for where all are that have no cloud. */
  cloudOf(device: Snapshot): Promise<TenantsCloud | null>
  /**
   * What the device says of itself, and what it is to do. `tells`: the device hears the answer now. `fetches`: it is
   * at that release, which is as good as a word of it. `isTacit`: what became of its update is read from what it runs.
   * `asked`: somebody at the device presses the button for those. `speaks`: what its language has words for besides.
   * Refuses with request.malformed when the facts cannot be kept.
   */
  checkIn(
    device: Snapshot,
    facts: Facts,
    options: {
      tells: Tells
      fetches?: Fetched | readonly Fetched[]
      isTacit?: boolean
      asked?: readonly ComponentType[]
      speaks?: Spoken
    },
  ): Promise<CheckedIn>
  /** What the device says of an update; null when there is none it could be about. Refuses with operation.unknown. */
  report(
    device: Snapshot,
    address: Address,
    report: Report,
    facts: Facts,
  ): Promise<{ heard: Advance | null }>
  /**
   * The bytes of the release the device is to run. Refuses with artifact.mismatch when it names another one,
   * release.no-content when nothing is meant for it, release.external when it is not kept here.
   */
  openArtifact(
    device: Snapshot,
    wanted: Fetched,
  ): Promise<{ release: Release; handle: ArtifactHandle }>
  /** Where the device fetches the release without any further authorisation, for days. Refuses with store.away. */
  sourceOf(device: Snapshot, release: Release): Promise<Source>
  /** The bytes a ticket stands for. Refuses with artifact.bad-ticket or artifact.unknown. */
  redeem(ticket: string): Promise<ArtifactHandle>
  /**
   * The device may be claimed by a customer who says that secret, for so long; a time of 0 or less, or none, is the
   * one that is usual here. Replaces what it said before. Refuses with request.malformed for a time without end.
   */
  allowClaiming(
    device: Snapshot,
    said: { secret?: string | null; durationMs?: number | null },
  ): Promise<void>
  /** A key of its own with a certificate, for a device that is to have them. */
  issueCertificate(commonName: string): Promise<IssuedCertificate>
  /** An id for a device that has none: short enough for any, and nobody's else. */
  newSerial(): string
  /** Leaves word for operators of what a device does in vain. */
  readonly notice: Notices
}

export interface DeviceDeskNeeds {
  readonly accounts: Pick<Accounts, 'provisioningProfile'>
  readonly artifacts: Pick<ArtifactStore, 'open'>
  readonly boxes: BoxDesk
  readonly ownBoxes: OwnBoxDesk
  readonly logs: LogDesk
  readonly clock: Clock
  readonly clouds: Pick<CloudsAtWork, 'ofToken'>
  readonly cloudOf: KnownCloud
  readonly ids: Ids
  readonly newCredential: NewCredentialOf
  readonly proofs: Proofs
  readonly moments: Moments
  readonly certificates: Pick<DeviceCertificates, 'issue'>
  readonly pairing: PairingDesk
  readonly registering: Registering
  readonly requests: RequestsAtWork
  readonly secrets: Secrets
  readonly sources: Pick<ArtifactSources, 'sourceOf'>
  readonly unitOfWork: UnitOfWork
  readonly work: DeviceWork
  readonly checkInSeconds: number
  /** How long a device may be claimed that does not say it itself. */
  readonly claimWindowMs: number
  /** Hears of what went wrong that no device is told of. */
  readonly onError: (error: unknown) => void
}

export function deviceDesk({
  accounts,
  artifacts,
  boxes,
  ownBoxes,
  logs,
  clock,
  clouds,
  cloudOf,
  ids,
  newCredential,
  proofs,
  moments,
  certificates,
  pairing,
  registering,
  requests,
  secrets,
  sources,
  unitOfWork,
  work,
  checkInSeconds,
  claimWindowMs,
  onError,
}: DeviceDeskNeeds): DeviceDesk {
  const targetOf = ({ tenantId, device }: Snapshot) => ({ tenantId, deviceId: device.id })

  /** Most visits change nothing: those are answered from what was read, and only the others take the lock. */
  const visitNow = async (device: Snapshot, said: Omit<Visit, 'isHere' | keyof Moment>) => {
    const moment = await moments(device.tenantId)
    const look = (at: Snapshot) => visit(at, { ...moment(), ...said, isHere: true })
    const seen = look(device)
    return isNothing(seen.changes) ? seen : work.settle(targetOf(device), look)
  }

  const checkIn: DeviceDesk['checkIn'] = async (device, facts, options) => {
    const { answers } = await visitNow(device, { facts: checkedFacts(facts), ...options })
    return checkedIn(answers)
  }

  const checkedIn = (answers: Readonly<Record<ComponentType, Answer>>): CheckedIn => {
    const offers: Offered[] = []
    const held: Held[] = []
    const desired: Record<ComponentType, Release> = {}
    let nextCheckInSeconds = checkInSeconds
    for (const [type, { choice, operation, release }] of Object.entries(answers)) {
      if (operation && release) offers.push({ operation, release })
      const wanted = desiredRelease(choice)
      const meant = wanted === 'under-way' ? release : wanted
      if (meant) desired[type] = meant
      if (choice.kind !== 'offer' && choice.held && release) {
        held.push({ release, by: choice.held })
      }
      if (choice.kind !== 'offer' && choice.lookAgainAt) {
        const seconds = Math.ceil((choice.lookAgainAt.getTime() - clock.now().getTime()) / 1000)
        nextCheckInSeconds = Math.max(1, Math.min(nextCheckInSeconds, seconds))
      }
    }
    return { answers, offers, held, desired, nextCheckInSeconds }
  }

  return {
    identify: async (token, dialect) => {
      const claim = proofs.claim({ kind: 'token', token })
      const arrived = await work.arrive([claim], dialect, clock.now())
      if (arrived) return arrived.snapshot
      throw new DomainError('device.unknown', 'No device has that token.')
    },
    recognize: async (shown, dialect) => {
      const arrive = async (claims: readonly Claim[]): Promise<Arrived> => {
        const arrived = await work.arrive(claims, dialect, clock.now())
        if (arrived) return arrived
        throw new DomainError('device.unknown', 'No device is known by that.')
      }
      const isValid = (proof: Proof) =>
        proof.kind !== 'x509' || proofs.isValidAt(proof.certificate, clock.now())
      const { snapshot, claim } = await arrive(shown.filter(isValid).map(proofs.claim))
      const identify = async () => {
        const { snapshot: current } = await arrive([claim])
        if (current.device.id === snapshot.device.id) return current
        throw new DomainError('device.unknown', 'Another device is known by that now.')
      }
      return { device: snapshot, identify }
    },
    recognizeCloud: async (token) => {
      const cloud = await clouds.ofToken(secrets.hashToken(token))
      if (cloud) return cloud
      throw new DomainError('cloud.bad-token', 'No cloud has that token.')
    },
    cloudOf: ({ device }) => cloudOf(device.cloudId),
    checkIn,
    report: async (device, address, report, facts) => {
      const checked = checkedFacts(facts)
      const moment = await moments(device.tenantId)
      const operationId = 'operationId' in address ? address.operationId : undefined
      return work.settle({ ...targetOf(device), operationId }, (current) =>
        hear(current, { ...moment(), address, report, facts: checked }),
      )
    },
    openArtifact: async (device, fetches) => {
      const { type, title, version } = fetches
      const { desired } = await checkIn(device, NO_FACTS, { tells: [type], fetches })
      const release = desired[type]
      if (!release) {
        throw new DomainError('release.no-content', `No ${type} is meant for this device.`)
      }
      if (
        (title !== undefined && title !== release.title) ||
        (version !== undefined && version !== release.version)
      ) {
        const asked = nameOf({ title: title ?? release.title, version: version ?? release.version })
        throw new DomainError(
          'artifact.mismatch',
          `${nameOf(release)} is meant for this device, not ${asked}.`,
        )
      }
      if (!release.artifact) {
        throw new DomainError(
          'release.external',
          `${nameOf(release)} is kept at ${release.externalUrl}.`,
        )
      }
      return { release, handle: await artifacts.open(release.artifact.sha256) }
    },
    ...registering,
    ...boxes,
    ...ownBoxes,
    ...logs,
    ...pairing,
    ...imageFetching({
      artifacts,
      clock,
      expiry: () => ticketExpiry(clock.now()),
      moments,
      onError,
      secrets,
      work,
    }),
    ...operationRequests({ clock, requests, secrets }),
    subjectOf: (certificate) => {
      try {
        const text = Buffer.from(certificate).toString('base64')
        return proofs.readCertificate(text).facts.subject
      } catch {
        return null
      }
    },
    sourceOf: sources.sourceOf,
    redeem: (ticket) => artifacts.open(secrets.readTicket(ticket, clock.now()).sha256),
    ...enrolment({ accounts, clock, ids, newCredential, secrets, unitOfWork, work }),
    allowClaiming: ({ tenantId, device: { id, name } }, { secret, durationMs }) =>
      unitOfWork({ tenantId, customerId: null }, async ({ claiming, events }) => {
        const now = clock.now()
        const windowMs = durationMs && durationMs > 0 ? durationMs : claimWindowMs
        if (windowMs > MAX_CLAIM_WINDOW_MS) {
          throw new DomainError(
            'request.malformed',
            'A device may be claimed for 100 years at most.',
          )
        }
        const expiresAt = new Date(now.getTime() + windowMs)
        const secretHash = secrets.hashToken(secret ?? '')
        await claiming.allow({ deviceId: id, secretHash, expiresAt })
        const subject = { kind: 'device', id, name } as const
        const data = { until: expiresAt.toISOString() }
        await events.append([
          { kind: 'device.claimable', at: now, actor: subject, subject, deviceId: id, data },
        ])
      }),
    issueCertificate: certificates.issue,
    newSerial: secrets.newSerial,
    notice: notices({ clock, unitOfWork }),
  }
}
