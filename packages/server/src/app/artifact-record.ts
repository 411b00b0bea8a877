import type { OperatorActor } from '@updraft/core'
import { deed } from './deed.ts'
import type { Clock, StoredArtifact, UnitOfWork } from './ports.ts'

/** Notes that stored bytes are the tenant's, and who brought them, however they came in. */
export type RecordArtifact = (actor: OperatorActor, stored: StoredArtifact) => Promise<void>

export const artifactRecord =
  ({ clock, unitOfWork }: { clock: Clock; unitOfWork: UnitOfWork }): RecordArtifact =>
  (actor, stored) =>
    unitOfWork(actor, async ({ catalogue, events }) => {
      const { sha256, sizeBytes } = stored
      await catalogue.recordArtifact(stored, clock.now())
      const subject = { kind: 'artifact', id: sha256, name: sha256 } as const
      await events.append([
        deed(actor, 'artifact.stored', { at: clock.now(), subject, data: { sizeBytes } }),
      ])
    })
